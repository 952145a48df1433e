"""Bytes to text: UTF-8 and UTF-16 by their own marks, else Windows-1252; what could be two of them is refused."""

import re

from .raw_table import Unreadable

CALLED = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252"}
SAMPLE = 4096  # bytes by which UTF-16 without a mark is known
MARK = "\ufeff"

# What UTF-8 makes of £, é, and of dashes and curly quotes. Nobody writes Â or Ã before such a sign in Windows-1252.
UTF8_SIGNS = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x90-\xbf]")


def is_wide(content: bytes) -> str | None:
    """'utf-16-le' or 'utf-16-be' if the bytes are text of two bytes a letter, by their mark or plainly without one."""
    if content[:4] == b"\xff\xfe\x00\x00":
        return None  # UTF-32
    if content[:2] == b"\xff\xfe":
        return "utf-16-le"
    if content[:2] == b"\xfe\xff":
        return "utf-16-be"
    sample = content[:SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) >= 8 and max(even, odd) > 0.4 * len(sample) and min(even, odd) <= 0.02 * len(sample):
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a file, without the marks at its beginning, and its encoding.

    Raises:
        Unreadable: it is in none of the encodings that are read, was cut off inside a letter, or is in two at once.
    """
    if wide := is_wide(content):
        return _wide_text(content, wide), wide
    try:
        return content.decode("utf-8").lstrip(MARK), "utf-8"
    except UnicodeDecodeError as error:
        at, reason = error.start, error.reason
    line = content.count(b"\n", 0, at) + 1
    if reason == "unexpected end of data":
        raise Unreadable(
            "FIL-DAMAGED",
            f"The file ends inside a letter on line {line}: it was cut off on its way. Send it again.",
            line=line,
        )
    if mixed := UTF8_SIGNS.search(content):
        other = content.count(b"\n", 0, mixed.start()) + 1
        raise Unreadable(
            "STR02",
            f"Line {line} holds a byte ({content[at]:#04x}) that is not UTF-8, and line {other} holds letters in UTF-8: the file mixes two "
            "encodings. Expected one: save the file as 'CSV UTF-8' and send it again.",
            line=line,
        )
    try:
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            "STR02",
            f"Line {line} holds a byte ({content[error.start]:#04x}) that is neither UTF-8 nor Windows-1252. "
            "Expected UTF-8: save the file as 'CSV UTF-8' and send it again.",
            line=line,
        ) from None


def _wide_text(content: bytes, encoding: str) -> str:
    if len(content) % 2:
        raise Unreadable(
            "FIL-DAMAGED",
            "The file is UTF-16 text that ends inside a letter: it was cut off on its way. Send it again.",
        )
    try:
        return content.decode(encoding).lstrip(MARK)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "replace").count("\n") + 1
        raise Unreadable(
            "STR02",
            f"Line {line} holds bytes that are not UTF-16. Save the file as 'CSV UTF-8' and send it again.",
            line=line,
        ) from None

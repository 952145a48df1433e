"""Whether what was downloaded is the file that was meant: unpacked, no page in its place, about the period that was asked for."""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from ..reading import periods
from ..stores import child_process, settings
from ..stores.child_process import Ended
from .declared import Source
from .outcomes import BROKEN, PAGE_CHANGED, Stopped
from .web import Answer

LOOKED_AT = 65_536  # bytes at the start in which a title and marks of a page are looked for
MOST_MEMBERS = 2_000
MOST_MEMBER = settings.MOST_MB * 1024 * 1024  # bytes; no larger file is read
# What the zipfile module raises for damaged, encrypted and unknown ones.
_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)


@dataclass(frozen=True)
class Content:
    """What goes to the inbox: bytes, the ending of its name, the period, and how that was decided."""

    bytes: bytes
    ending: str
    period: str
    how: str


def check(source: Source, answer: Answer, name: str, period: str | None, how: str) -> Content:
    """Unpacks what was downloaded and finds what it is about; content outranks the link.

    Args:
        name: the file's name at the publisher.
        period: what the link says; None where it says nothing.
        how: by which of its words.

    Raises:
        Stopped: it is not the file that was meant.
    """
    assert answer.body is not None
    content = answer.body.read()
    # A workbook is a zip too, and is no container of files.
    if source.member and content[:4] == b"PK\x03\x04":
        try:
            name, content = child_process.run(_member, source.member, content, name, MOST_MEMBER)
        except Ended as ended:
            raise Stopped(BROKEN, f"{name} cannot be opened as a zip file: {ended}.") from None
    if not content:
        raise Stopped(BROKEN, f"{name} is empty (0 bytes).")
    start = content[:LOOKED_AT]
    if _PAGE.match(start.removeprefix(b"\xef\xbb\xbf")):
        raise Stopped(BROKEN, f"{name} is a page of HTML, not a file of data.")
    if source.member and content[:4] == b"PK\x03\x04":
        raise Stopped(BROKEN, f"{name} is a zip file in a zip file.")
    period, how = _period(source, start, name, period, how)
    return Content(content, _ending(name, content), period, how)


def _period(source: Source, start: bytes, name: str, period: str | None, how: str) -> tuple[str, str]:
    titled = re.search(source.title, start.decode("utf-8", "replace")) if source.title else None
    if titled:
        year = titled.groupdict().get("year")
        said = periods.month(f"{titled['month']} {year or (period or '')[:4]}")
        if said and year:
            return said, "file content"
        if period and said != period:
            raise Stopped(BROKEN, f"{name} is titled '{titled[0].strip()}', but its {how} says {period}.")
    if not period:
        raise Stopped(PAGE_CHANGED, f"Neither {name} nor its link says one period.")
    return period, f"{how} and title" if titled else how


def _member(pattern: str, content: bytes, name: str, most: int) -> tuple[str, bytes]:
    """The one file in the zip that is meant; sizes are bounded whatever its list says, and nothing is written to disk."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()[: MOST_MEMBERS + 1]
            if len(listed) > MOST_MEMBERS:
                raise Stopped(BROKEN, f"{name} holds more than {MOST_MEMBERS:,} files.")
            found = [one for one in listed if re.search(pattern, one.filename) and not one.is_dir()]
            if len(found) != 1:
                names = "; ".join(one.filename[:80] for one in (found or listed)[:5])
                raise Stopped(
                    PAGE_CHANGED,
                    f"{name} holds {len(found)} files that fit '{pattern}'. Expected one. It holds: {names}.",
                )
            with archive.open(found[0]) as member:
                unpacked = member.read(most + 1)
    except _UNREADABLE as problem:
        raise Stopped(BROKEN, f"{name} cannot be opened as a zip file ({problem}).") from problem
    if len(unpacked) > most:
        raise Stopped(BROKEN, f"{found[0].filename} in {name} has more than the {most:,} bytes that are taken.")
    return found[0].filename, unpacked


def _ending(name: str, content: bytes) -> str:
    """The ending that its bytes call for where they say so, else its name's."""
    if content[:2] == b"\x1f\x8b":
        return "csv.gz"
    if content[:4] == b"PK\x03\x04":
        return "xlsx"
    if content[:4] == b"\xd0\xcf\x11\xe0":
        return "xls"
    return "csv"

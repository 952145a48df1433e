"""Text from a file as harmless text: what cannot be seen, turns text round or would be run is written out visibly."""

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Characters that cannot be seen or that change how their neighbours are shown: controls, direction marks, zero-width and
# filler characters, tags, halves of pairs, and what XML cannot hold.
UNSEEN = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff"
)
# In the trust's own cells only what a workbook cannot hold, or what shows a cell as another text than it is.
UNFIT = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff"
_UNSEEN, _UNFIT = re.compile(f"[{UNSEEN}]"), re.compile(f"[{UNFIT}]")

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?%?")
_RUN_BY_SHEETS = ("=", "+", "-", "@", "|", "＝", "＋", "－", "＠")
# The same in the words of polars (Rust knows no halves of pairs, and no text of its holds one): what `csv_safe` may change.
_RISKY = (
    r"^[\s=+@|\-\x{ff1d}\x{ff0b}\x{ff20}\x{ff0d}\x{a0}]|["
    + "".join(piece if piece == "-" else rf"\x{{{ord(piece):x}}}" for piece in UNSEEN.replace("\ud800-\udfff", ""))
    + "]"
)
MOST_IN_CELL = 32_767  # what a cell of a workbook holds, in UTF-16 units


def visible(character: str) -> str:
    """How one unseen character is written out: ␀ and the like for controls, [U+202E] for the rest."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"[U+{code:04X}]"


def harmless(text: object, most: int | None = 200, keep: str = "") -> str:
    """A text for a page, a mail or a file: nothing unseen, no mark that turns text round, and not too long.

    It is still to be escaped where markup is written.

    Args:
        most: characters shown; None is all.
        keep: unseen characters that may stay, such as a line end.
    """
    shown = "" if text is None else str(text)
    cut = f"… (cut; {len(shown):,} characters)" if most is not None and len(shown) > most else ""
    shown = shown[:most] if cut else shown
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else visible(found[0]), shown) + cut


def json_safe(text: str) -> str:
    """JSON with what cannot be seen escaped as JSON does it; line ends between values stay."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def csv_safe(text: object) -> str:
    """A text for a cell of a CSV file: what a spreadsheet would run gets a leading apostrophe; numbers and a lone dash do not."""
    shown = harmless("" if text is None else str(text).replace("\r\n", "\n"), None, keep="\t\n")
    risky = shown[:1] in ("\t", "\n") or runs(shown)
    return "'" + shown if risky and not NUMBER.fullmatch(shown) and shown.strip() not in ("-", "－") else shown


def csv_safe_frame(frame: "pl.DataFrame") -> "pl.DataFrame":
    """A polars frame with every text `csv_safe`; only texts that may need it go through Python."""
    import polars as pl  # noqa: PLC0415 (commands that show no table start without it)

    changed = {}
    for name in (name for name, dtype in frame.schema.items() if dtype == pl.String):
        risky = frame[name].str.contains(_RISKY).fill_null(False)
        if risky.any():
            at = risky.arg_true()
            changed[name] = frame[name].scatter(at, [csv_safe(text) for text in frame[name].gather(at)])
    return frame.with_columns(**changed)


def runs(text: str) -> bool:
    """Whether a spreadsheet might take a text for a formula when it is typed."""
    return text.lstrip("\t\r\n \u00a0")[:1] in _RUN_BY_SHEETS


def in_cell(text: str) -> str:
    """A text as a cell of a workbook can hold it: the text itself in all but rare cases, and not too long."""
    if _UNFIT.search(text):
        text = _UNFIT.sub(lambda found: visible(found[0]), text.replace("\r\n", "\n"))
    return cut(text)


def cut(text: str, most: int = MOST_IN_CELL) -> str:
    """A text cut to what a cell holds, with a mark that says so."""
    if len(text) <= most // 2 or (length := _units(text)) <= most:
        return text
    mark = f"… (cut; {length:,} characters were sent)"
    shown = text.encode("utf-16-le")[: 2 * (most - len(mark))].decode("utf-16-le", "ignore")
    return shown + mark


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

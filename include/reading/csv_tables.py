"""The table of a text file: its delimiter is the one that gives headings which fit a layout, and no other does."""

import re

from ..catalogue import layouts
from . import formats
from .encoding import CALLED
from .match_layout import Fit, Head, locate
from .raw_table import Unreadable
from .read_rows import note_reading, read_rows
from .reading import Reading
from .unmatched_headings import report_misfit

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", "$": "dollar signs"}
BLANK = " \t\r\n,;"
SAMPLE = 4096  # characters that are looked at before a long text is copied
# The line that Excel puts first, or wants to find first, where the delimiter is not that of the machine's country.
SEP_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[,;\t|$ ]{0,100}(?=[\r\n])', re.IGNORECASE)


def read(reading: Reading, source: formats.Source) -> None:
    """Finds the table of a text file and takes its rows.

    Raises:
        Unreadable: in no known encoding, too large, or to be taken apart in two ways.
    """
    text, encoding = source.decoded
    if not text[:SAMPLE].strip(BLANK) and not text.strip(BLANK):
        raise Unreadable("FIL-EMPTY", f"{reading.file_name} holds nothing but blanks. Send the file again.")
    hint = SEP_LINE.match(text)
    found = _found(reading, text, hint[1] if hint else None)
    if found is None:
        return
    delimiter, fit, head = found
    reading.layout, reading.closeness, reading.delimiter, reading.encoding = fit.layout, 1.0, delimiter, encoding
    notes = list(source.notes)
    if encoding not in fit.layout.encodings:
        notes.append(f"it is text in {CALLED[encoding]}")
    if delimiter != fit.layout.delimiter:
        notes.append(f"its cells are separated by {DELIMITERS.get(delimiter, repr(delimiter))}")
    if hint:
        notes.append("its first line tells the delimiter and is no row")
        fit.above = [row for row in fit.above if row[0] != 1]
        fit.usual = fit.usual or (not fit.above and fit.header_line == 2)
    grid = formats.csv_grid(text, delimiter, fit.header_end, len(fit.headings))
    taken = read_rows(reading, fit, grid, None, head)
    note_reading(reading, fit, None, notes + taken)


def _found(reading: Reading, text: str, hint: str | None) -> tuple[str, Fit, Head] | None:
    """The delimiter by which the headings fit, with the fit; None, with a finding, where none does.

    Raises:
        Unreadable: two delimiters fit.
    """
    candidates = [layout for layout in layouts.load(reading.collection) if len(layout.tables) == 1]
    order = dict.fromkeys([*(hint or ""), *(layout.delimiter for layout in candidates), *DELIMITERS])
    begin, failure = text[:100_000], None
    good: list[tuple[str, Fit, Head]] = []
    others: list[tuple[str, Fit, Head]] = []
    for delimiter in order:
        # Without the delimiter there is one column, as with any other; and a second way to read headings needs it in them.
        if (others or failure) and not good and delimiter not in begin:
            continue
        if good and not any(delimiter in heading for heading in good[0][1].headings):
            continue
        try:
            head = Head(formats.csv_head(text, delimiter))
        except Unreadable as error:
            failure = failure or error
            continue
        fits = [locate(layout, layout.tables[0], head) for layout in candidates]
        fit = best(fits)
        (good if fit.fits else others).append((delimiter, fit, head))
    if len(good) > 1:
        ways = " or ".join(DELIMITERS.get(delimiter, repr(delimiter)) for delimiter, _, _ in good)
        raise Unreadable(
            "STR02",
            f"The headings can be taken apart at {ways}, and both fit a template. Expected one delimiter: save the file again as CSV.",
        )
    if good:
        return good[0]
    if not others:
        assert failure is not None  # each delimiter gave a head or failed
        raise failure
    delimiter, closest, _ = max(others, key=lambda one: one[1].score)
    reading.delimiter = delimiter
    report_misfit(reading, closest, None)
    return None


def best(fits: list[Fit]) -> Fit:
    """The fit with most of its headings found; a layout before a table of another one that came by itself."""
    good = [fit for fit in fits if fit.fits]
    return max(good or fits, key=lambda fit: (fit.score, not fit.layout.of))

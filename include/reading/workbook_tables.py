"""The tables of a workbook: on whichever visible sheet fits; a sheet that is hidden is never read in place of one that is not."""

from dataclasses import dataclass

import polars as pl

from .. import schemas
from ..catalogue import layouts
from ..catalogue.layouts import Layout, TableLayout, plain
from . import formats
from .csv_tables import best
from .damage import MOST_LINES
from .match_layout import Fit, Head, locate, wanted
from .raw_table import HEAD_ROWS, Unreadable
from .read_rows import note_reading, read_rows
from .reading import Reading
from .unmatched_headings import listed, report_misfit
from .workbook import Book, book_grid

OURS = "trust-benchmarks-manifest"  # the hidden sheet of a workbook that we sent back (see stewardship/manifest.py)
NEAR = 0.8  # share of headings found on a sheet that is then taken for another table that was meant to be read


@dataclass
class Found:
    """A table on a sheet, by its fit."""

    sheet: str
    fit: Fit
    head: Head


class Sheets:
    """The sheets of a workbook with their first rows, each looked at once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.failures: dict[str, Unreadable] = {}
        self._heads: dict[str, Head | None] = {}

    def head(self, sheet: str) -> Head | None:
        """The first rows of a sheet; None where it is empty or cannot be unfolded."""
        if sheet not in self._heads:
            try:
                rows = self.book.rows(sheet)
            except Unreadable as error:
                rows, self.failures[sheet] = [], error
            filled = any(cell for row in rows[:HEAD_ROWS] for cell in row)
            self._heads[sheet] = Head(enumerate(rows[:HEAD_ROWS], 1)) if filled else None
        return self._heads[sheet]

    def of(self, sheet: str) -> Head:
        """The first rows of a sheet that has cells."""
        head = self.head(sheet)
        assert head is not None, f"sheet {sheet} has no cells"
        return head

    def filled(self, names: list[str]) -> list[str]:
        """Those of the sheets that have cells."""
        return [name for name in names if self.head(name)]


def read(reading: Reading, source: formats.Source) -> None:
    """Finds the tables of a workbook and takes their rows.

    Raises:
        Unreadable: a sheet that is needed cannot be unfolded, or no sheet holds anything.
    """
    assert source.book is not None  # a workbook has one
    sheets, known = Sheets(source.book), layouts.load(reading.collection)
    visible = sheets.filled(source.book.visible)
    several = [found for layout in known if len(layout.tables) > 1 if (found := _tables_of(layout, sheets, visible))]
    single = [layout for layout in known if len(layout.tables) == 1 and not _is_part(layout, known, visible)]
    alone = [
        Found(sheet, best([locate(one, one.tables[0], sheets.of(sheet)) for one in single]), sheets.of(sheet))
        for sheet in visible
        if single
    ]
    whole = [found for found in several if all(one.fit.fits for one in found)]
    fitting = [one for one in alone if one.fit.fits]
    if whole:
        chosen = max(whole, key=_score)
        _take_all(reading, source, sheets, chosen)
    elif fitting:
        _take_fitting(reading, source, sheets, fitting, alone)
    else:
        _report_nothing(reading, sheets, several, alone, single)


def _score(found: list[Found]) -> float:
    return sum(one.fit.score for one in found)


def _tables_of(layout: Layout, sheets: Sheets, visible: list[str]) -> list[Found] | None:
    """A sheet for every table of a layout: the one of that name, else one that fits; None where there is none."""
    found, taken = [], set()
    for table in sorted(layout.tables, key=lambda table: not _named(table, visible)):
        named = _named(table, visible)
        fits = [
            Found(sheet, locate(layout, table, sheets.of(sheet)), sheets.of(sheet))
            for sheet in ([named] if named else visible)
            if sheet not in taken
        ]
        fits = fits if named else [one for one in fits if one.fit.fits]
        if not fits:
            return None
        found.append(fits[0])
        taken.add(fits[0].sheet)
    return sorted(found, key=lambda one: layout.tables.index(one.fit.table))


def _named(table: TableLayout, names: list[str]) -> str | None:
    return next((name for name in names if table.sheet and plain(name) == plain(table.sheet)), None)


def _is_part(layout: Layout, known: tuple[Layout, ...], visible: list[str]) -> bool:
    """Whether a table that may come by itself is sent together with another one of its layout."""
    tables = next((one.tables for one in known if one.name == layout.of), ())
    return sum(_named(table, visible) is not None for table in tables) > 1


def _take_all(reading: Reading, source: formats.Source, sheets: Sheets, found: list[Found]) -> None:
    reading.layout, reading.closeness = found[0].fit.layout, 1.0
    notes = [*source.notes, *_hidden(sheets)]
    for one in found:
        named = one.fit.table.sheet
        said = (
            [f"the table of sheet '{named}' stands on sheet '{one.sheet}'"]
            if named and plain(one.sheet) != plain(named)
            else []
        )
        _take_one(reading, sheets, one, notes + said)
        notes = []


def _take_one(reading: Reading, sheets: Sheets, one: Found, notes: list[str], may_end: bool = False) -> None:
    book = sheets.book
    grid = book_grid(book.rows(one.sheet), one.fit.header_end, len(one.fit.headings))
    said = read_rows(reading, one.fit, grid, one.sheet, one.head, book.faults(one.sheet), may_end)
    note_reading(reading, one.fit, one.sheet, notes + said)


def _take_fitting(
    reading: Reading, source: formats.Source, sheets: Sheets, fitting: list[Found], alone: list[Found]
) -> None:
    """Takes the one sheet that fits; several only where one goes on from the other, else they are named and held."""
    reading.closeness = 1.0
    full = [one for one in fitting if _body(sheets, one)] or fitting[:1]
    hidden = _hidden_fits(reading, sheets, full)
    if hidden is None:
        return
    near = [one for one in alone if one not in fitting and _closeness(one.fit) >= NEAR]
    if near:
        names = listed([one.sheet for one in (*full, *near)])
        reading.found(
            "STR01",
            f"Sheet '{full[0].sheet}' fits template {full[0].fit.layout.name}, and sheet '{near[0].sheet}' nearly does ({names}). Expected one table: "
            "put right the headings of the sheet that is meant, and remove the other one.",
            sheet=near[0].sheet,
            line=near[0].fit.header_line,
        )
        report_misfit(reading, near[0].fit, near[0].sheet)
        return
    reading.layout, notes = full[0].fit.layout, [*source.notes, *hidden]
    first = sheets.filled(sheets.book.visible)[0]
    if len(full) == 1:
        if full[0].sheet != first:
            notes.append(f"its table stands on sheet '{full[0].sheet}', not on the first one ('{first}')")
        _take_one(reading, sheets, full[0], notes)
    elif _goes_on(reading, sheets, full):
        notes.append(f"its table goes on from sheet to sheet ({listed([one.sheet for one in full])})")
        for one in full:
            _take_one(reading, sheets, one, notes, may_end=one is not full[-1])
            notes = []
    else:
        reading.layout = None  # which period and sender they are about is not asked of tables that are not read
        reading.found(
            "STR01",
            f"{len(full)} sheets hold a table of this return: {listed([one.sheet for one in full])}. It is not plain which one is meant, or "
            "whether they belong together. Expected one sheet with the whole return of one period: put the rows together, or send one file a period.",
            sheet=full[1].sheet,
            line=full[1].fit.header_line,
        )


def _closeness(fit: Fit) -> float:
    return len(fit.positions) / max(len(fit.positions) + len(fit.missing), 1)


def _body(sheets: Sheets, one: Found) -> list[list[str]]:
    """The rows of a sheet below its headings that hold something, without blanks at their end."""
    rows = []
    for row in sheets.book.rows(one.sheet)[one.fit.header_end :]:
        cells = [row[at].strip() if at < len(row) else "" for at in one.fit.positions.values()]
        if any(cells):
            rows.append(cells)
    return rows


def _hidden(sheets: Sheets) -> list[str]:
    names = [name for name in sheets.book.hidden if name != OURS]
    return [f"hidden sheets were not read ({listed(names)})"] if names else []


def _hidden_fits(reading: Reading, sheets: Sheets, full: list[Found]) -> list[str] | None:
    """A note that names hidden sheets; None, with a finding, where one of them holds another table of the return."""
    for name in sheets.filled([name for name in sheets.book.hidden if name != OURS]):
        for one in full:
            fit = locate(one.fit.layout, one.fit.table, sheets.of(name))
            other = Found(name, fit, sheets.of(name))
            if fit.fits and (rows := _body(sheets, other)) and rows != _body(sheets, one):
                reading.found(
                    "STR01",
                    f"Sheet '{one.sheet}' and the hidden sheet '{name}' both hold a table of this return, and they differ. It is not known which one "
                    "is meant. Expected one: delete the other and send the workbook again.",
                    sheet=one.sheet,
                    line=one.fit.header_line,
                )
                return None
    return _hidden(sheets)


def _goes_on(reading: Reading, sheets: Sheets, full: list[Found]) -> bool:
    """Whether a table was cut into sheets because each but the last is full: of one period, and no row on two of them."""
    if any(one.fit.layout is not full[0].fit.layout for one in full):
        return False
    if any(len(sheets.book.rows(one.sheet)) not in MOST_LINES for one in full[:-1]):
        return False
    schema, column = schemas.load(reading.collection), full[0].fit.layout.period.get("column")
    keys, periods = [], set()
    for one in full:
        names = list(one.fit.positions)
        frame = pl.DataFrame(_body(sheets, one), schema=dict.fromkeys(names, pl.String), orient="row")
        keys.append(frame.select([name for name in schema.key if name in names]))
        periods |= set(frame[column].unique()) if column in names else set()
    joined = pl.concat(keys)
    return len(periods) <= 1 and bool(joined.width) and not joined.is_duplicated().any()


def _report_nothing(
    reading: Reading, sheets: Sheets, several: list[list[Found]], alone: list[Found], single: list[Layout]
) -> None:
    """Says what comes closest where no visible sheet fits."""
    book = sheets.book
    for name in sheets.filled([name for name in book.hidden if name != OURS]):
        if any(locate(one, one.tables[0], sheets.of(name)).fits for one in single):
            reading.found(
                "STR01",
                f"The table stands on the hidden sheet '{name}', and hidden sheets are not read. Expected it where it can be seen: show the sheet "
                "if it is the return, and send the workbook again.",
                sheet=name,
            )
            return
    if sheets.failures and not alone:
        raise next(iter(sheets.failures.values()))
    if not alone and not several:
        names = {table.sheet for layout in layouts.load(reading.collection) for table in layout.tables} - {""}
        raise Unreadable(
            "STR01",
            f"No sheet of this workbook holds a table. Found {listed(book.names)}."
            + (f" Expected {listed(names)}." if names else ""),
        )
    closest = max([*several, *([one] for one in alone)], key=_score)
    if not any(one.fit.positions for one in closest):
        if sheets.failures:
            raise next(iter(sheets.failures.values()))
        if len(alone) > 1:
            must, _ = wanted(closest[0].fit.layout, closest[0].fit.table)
            raise Unreadable(
                "STR01",
                f"None of the sheets {listed([one.sheet for one in alone])} has the headings of a known template. "
                f"Expected those of {closest[0].fit.layout.name}, for example: {listed(must)}. Send the table that is asked for.",
            )
    for one in closest:
        if not one.fit.fits:
            report_misfit(reading, one.fit, one.sheet)

"""A file's bytes to tables of text by field: finds the layout that fits, the period, the sender and the data rows."""

import re
from datetime import datetime

import polars as pl

from .. import catalogue, layouts
from ..layouts import TableLayout, plain
from . import damage, findings, formats, workbook
from .fit import Fit, compare, wanted
from .grid import HEAD_ROWS, KINDS, Grid, Unreadable
from .identify import identify
from .reading import Reading, Table

MOST_NAMED = 12  # headings named in one message; the finding's count tells how many there are


def read(content: bytes, file_name: str, collection: str, received_at: datetime | None = None) -> Reading:
    """Reads a file as a submission to a collection; never raises for what is in the file.

    Args:
        content: the file's bytes, gzip or not.
        file_name: its name without folders.
        received_at: when it was received, which its period must have ended by; None: now.
    """
    try:
        source = formats.opened(content, file_name)
    except Unreadable as error:
        return unreadable(error, file_name, collection, received_at)
    return read_opened(source, file_name, collection, received_at)


def read_opened(
    source: formats.Source, file_name: str, collection: str, received_at: datetime | None = None
) -> Reading:
    """The same for a file that was opened before, so that several collections may look at it."""
    reading = Reading(collection, file_name)
    try:
        (_read_csv if source.kind == "csv" else _read_book)(reading, source)
    except Unreadable as error:
        reading.found(error.rule_id, error.message, **error.place)
    identify(reading, received_at)
    return reading


def unreadable(error: Unreadable, file_name: str, collection: str, received_at: datetime | None = None) -> Reading:
    """What is known of a file that could not be opened: what its name says, and why it could not."""
    reading = Reading(collection, file_name)
    reading.found(error.rule_id, error.message, **error.place)
    identify(reading, received_at)
    return reading


def _read_csv(reading: Reading, opened: formats.Source) -> None:
    candidates = [layout for layout in layouts.load(reading.collection) if "csv" in layout.formats]
    heads, failure = {}, None
    for layout in candidates:
        source = (layout.encodings, layout.delimiter)
        if source not in heads:
            try:
                text = formats.decode(opened.content, layout.encodings)
                heads[source] = (text, formats.csv_head(text, layout.delimiter))
            except Unreadable as error:
                heads[source], failure = None, error
    if not any(heads.values()):
        raise failure or Unreadable("FIL-KIND", _no_such_kind(reading, "csv"))
    fits = [
        compare(layout, layout.tables[0], *_rows_of(heads, layout)) for layout in candidates if _rows_of(heads, layout)
    ]
    best = _best(reading, fits)
    if best:
        reading.closeness = 1.0
        text, _ = heads[(best.layout.encodings, best.layout.delimiter)]
        grid = formats.csv_grid(text, best.layout.delimiter, best.header_end, len(best.headings))
        reading.layout = best.layout
        _take(reading, best, grid, None)


def _rows_of(heads, layout):
    found = heads.get((layout.encodings, layout.delimiter))
    return (found[1],) if found else None


def _read_book(reading: Reading, opened: formats.Source) -> None:
    book, kind = opened.book, opened.kind
    candidates = [layout for layout in layouts.load(reading.collection) if kind in layout.formats]
    if not candidates:
        raise Unreadable("FIL-KIND", _no_such_kind(reading, kind))
    fits = {}
    for layout in candidates:
        for table in layout.tables:
            sheet = _sheet(book, table)
            if sheet is not None:
                rows = list(enumerate(book.rows(sheet)[:HEAD_ROWS], 1))
                fits.setdefault(layout.name, []).append((compare(layout, table, rows), sheet))
    whole = [found for name, found in fits.items() if len(found) == len(_named(candidates, name).tables)]
    if not whole:
        wanted = {table.sheet for layout in candidates for table in layout.tables}
        raise Unreadable(
            "STR01",
            f"No sheet of this workbook is one that is known. Expected {_list(wanted)}; found {_list(book.names)}.",
        )
    good = [found for found in whole if all(fit.fits for fit, _ in found)]
    if not good:
        closest = max(whole, key=lambda found: sum(fit.score for fit, _ in found))
        for fit, sheet in closest:
            if not fit.fits:
                _misfit(reading, fit, sheet)
        return
    found = max(good, key=lambda found: sum(fit.score for fit, _ in found))
    reading.layout, reading.closeness = found[0][0].layout, 1.0
    for fit, sheet in found:
        grid = workbook.book_grid(book.rows(sheet), fit.header_end, len(fit.headings))
        _take(reading, fit, grid, sheet)


def _named(candidates, name):
    return next(layout for layout in candidates if layout.name == name)


def _sheet(book, table: TableLayout) -> str | None:
    if not table.sheet:
        filled = [name for name in book.names if book.rows(name)]
        return filled[0] if filled else None
    return next((name for name in book.names if plain(name) == plain(table.sheet)), None)


def _no_such_kind(reading, kind) -> str:
    accepted = sorted({f for layout in layouts.load(reading.collection) for f in layout.formats})
    return (
        f"{reading.file_name} is {KINDS[kind]}, and no template of '{catalogue.load(reading.collection).title}' comes in that form. "
        f"Expected {' or '.join(KINDS[f] for f in accepted)}: send the file of one period as it is published for loading."
    )


def _best(reading: Reading, fits: list[Fit]) -> Fit | None:
    good = [fit for fit in fits if fit.fits]
    if good:
        return max(good, key=lambda fit: fit.score)
    _misfit(reading, max(fits, key=lambda fit: fit.score), None)
    return None


def _misfit(reading: Reading, fit: Fit, sheet: str | None) -> None:
    found = [heading for heading in fit.headings if heading.strip()]
    if not fit.positions:
        what = f"The header on line {fit.header_line} is none that is known here: it reads {_list(found) or 'nothing'}."
    else:
        parts = []
        if fit.missing:
            parts.append(f"missing: {_list(fit.missing)}")
        if fit.extra:
            parts.append(f"not expected: {_list(fit.extra)}")
        what = f"The header on line {fit.header_line} does not fit template {fit.layout.name}: {'; '.join(parts)}."
    must, _ = wanted(fit.layout, fit.table)
    reading.closeness = max(reading.closeness, 1 - len(fit.missing) / max(len(must), 1))
    reading.found(
        "STR01",
        f"{what} Expected the headings of template {fit.layout.name}: {_list(must)}. Use the template as published, with its headings unchanged.",
        sheet=sheet,
        line=fit.header_line,
        raw_value=fit.layout.delimiter.join(fit.headings),
    )


def _list(names) -> str:
    names = sorted(names) if isinstance(names, set) else list(names)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMED]) + more


def _take(reading: Reading, fit: Fit, grid: Grid, sheet: str | None) -> None:
    """Names the columns, puts totals, notes and blank rows aside, and reports rows of another width."""
    aside, notes = _aside(grid, fit.table)
    ragged = []
    for line, cells in grid.ragged:
        if _is_note(cells, fit.table, len(fit.headings)):
            notes.append((line, _first(cells)))
        else:
            ragged.append(damage.ragged(reading, fit, sheet, line, cells))
    reading.findings.append(pl.DataFrame(ragged, schema=findings.COLUMNS, orient="row"))
    frame = grid.frame.filter(~aside)
    reading.rows_set_aside += len(notes)
    if notes:
        notes.sort()
        shown = ", ".join(f"{line} ('{text[:40]}')" for line, text in notes[:MOST_NAMED])
        more = f" and {len(notes) - MOST_NAMED} more" if len(notes) > MOST_NAMED else ""
        reading.found(
            "ROW-ASIDE",
            f"{len(notes)} rows were recognised as totals or notes and not loaded: lines {shown}{more}. Nothing to do if that is right.",
            severity="info",
            sheet=sheet,
            line=notes[0][0],
            raw_value=notes[0][1],
        )
    if fit.table.splits:
        damage.report_splits(reading, fit, frame, sheet)
    reading.rows_read += frame.height + len(ragged)
    named = {name: pl.col(f"c{at}") for name, at in fit.positions.items()}
    headings = {name: fit.headings[at].strip() for name, at in fit.positions.items()}
    reading.tables.append(Table(fit.table, sheet, frame.select("line", **named), headings))


def _aside(grid: Grid, table: TableLayout) -> tuple[pl.Series, list[tuple[int, str]]]:
    """Which rows are blank, a total or a note, and the text of those that are not blank."""
    frame = grid.frame
    cells = [name for name in frame.columns if name != "line"]
    # Few filled cells are blank or a note; a row with more of them in front is looked at in its first cell only.
    few = 1 if len(cells) > 2 else 0
    text = {name: pl.col(name).str.strip_chars() for name in cells}
    ordinary = pl.all_horizontal((text[name] != "").fill_null(False) for name in cells[: few + 1])
    starts = frame.select(text[cells[0]]).to_series().unique()
    starts = starts.filter(_marked(starts, table))
    looked = frame.filter(~ordinary | pl.col(cells[0]).str.strip_chars().is_in(starts.implode()))
    if not looked.height:
        return pl.Series([False] * frame.height, dtype=pl.Boolean), []
    looked = looked.select(
        "line",
        filled=pl.sum_horizontal((text[name] != "").fill_null(False).cast(pl.Int32) for name in cells),
        first=pl.coalesce(pl.when(text[name] != "").then(pl.col(name)) for name in cells),
    )
    found = looked.filter((looked["filled"] <= few) | _marked(looked["first"].str.strip_chars(), table))
    notes = found.filter(pl.col("filled") > 0).select("line", "first").rows()
    return frame["line"].is_in(found["line"].implode()), notes


def _marked(texts: pl.Series, table: TableLayout) -> pl.Series:
    """Which texts stand at the head of a total or a note."""
    marked = pl.Series([False] * texts.len(), dtype=pl.Boolean)
    for pattern in table.set_aside:
        marked = marked | texts.str.contains(pattern).fill_null(False)
    return marked


def _first(cells: list[str]) -> str:
    return next((cell.strip() for cell in cells if cell.strip()), "")


def _is_note(cells: list[str], table: TableLayout, width: int) -> bool:
    filled = sum(bool(cell.strip()) for cell in cells)
    first = _first(cells)
    return (filled <= 1 and width > 2) or any(re.search(pattern, first) for pattern in table.set_aside)

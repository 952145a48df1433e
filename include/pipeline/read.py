"""A file's bytes to tables of text by field: finds the layout that fits, the period, the sender and the data rows."""

import re
from dataclasses import dataclass, field

import polars as pl

from .. import catalogue, layouts, schemas
from ..layouts import Layout, TableLayout, plain
from ..schemas.fields import PUBLISHER, TRUST
from . import findings, formats
from .formats import Grid, Unreadable

MOST_NAMED = 12  # headings named in one message; the finding's count tells how many there are


@dataclass
class Table:
    """One table as sent, by field.

    Attributes:
        frame: ``line`` and one String column a field (or helper column), exactly as sent.
        headings: field -> heading as sent.
    """

    layout: TableLayout
    sheet: str | None
    frame: pl.DataFrame
    headings: dict[str, str]


@dataclass
class Reading:
    """What could be made of a file: its layout, what it is about, and its tables; or the findings that say why not."""

    collection: str
    file_name: str
    layout: Layout | None = None
    period: str | None = None
    sender: str | None = None
    part: str = ""
    tables: list[Table] = field(default_factory=list)
    findings: list[pl.DataFrame] = field(default_factory=list)
    rows_read: int = 0
    rows_set_aside: int = 0
    closeness: float = 0.0  # share of the headings of the nearest template that were found

    @property
    def responsible(self) -> str:
        """Who must act on what is wrong with the file."""
        return PUBLISHER if catalogue.load(self.collection).is_national else TRUST

    def found(self, rule_id: str, message: str, **place) -> None:
        """Adds a finding about the file."""
        self.findings.append(findings.one(rule_id, message, **{"responsible": self.responsible} | place))


def read(content: bytes, file_name: str, collection: str) -> Reading:
    """Reads a file as a submission to a collection; never raises for what is in the file.

    Args:
        content: the file's bytes, gzip or not.
        file_name: its name without folders.
    """
    try:
        source = formats.opened(content, file_name)
    except Unreadable as error:
        return unreadable(error, file_name, collection)
    return read_opened(source, file_name, collection)


def read_opened(source: formats.Source, file_name: str, collection: str) -> Reading:
    """The same for a file that was opened before, so that several collections may look at it."""
    reading = Reading(collection, file_name)
    try:
        (_read_csv if source.kind == "csv" else _read_book)(reading, source)
    except Unreadable as error:
        reading.found(error.rule_id, error.message, **error.place)
    _identify(reading)
    return reading


def unreadable(error: Unreadable, file_name: str, collection: str) -> Reading:
    """What is known of a file that could not be opened: what its name says, and why it could not."""
    reading = Reading(collection, file_name)
    reading.found(error.rule_id, error.message, **error.place)
    _identify(reading)
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
        _fit(layout, layout.tables[0], *_rows_of(heads, layout)) for layout in candidates if _rows_of(heads, layout)
    ]
    fit = _best(reading, fits)
    if fit:
        reading.closeness = 1.0
        text, _ = heads[(fit.layout.encodings, fit.layout.delimiter)]
        grid = formats.csv_grid(text, fit.layout.delimiter, fit.header_end, len(fit.headings))
        reading.layout = fit.layout
        _take(reading, fit, grid, None)


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
                rows = list(enumerate(book.rows(sheet)[: formats.HEAD_ROWS], 1))
                fits.setdefault(layout.name, []).append((_fit(layout, table, rows), sheet))
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
        grid = formats.book_grid(book.rows(sheet), fit.header_end, len(fit.headings))
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
        f"{reading.file_name} is {formats.KINDS[kind]}, and no template of '{catalogue.load(reading.collection).title}' comes in that form. "
        f"Expected {' or '.join(formats.KINDS[f] for f in accepted)}: send the file of one period as it is published for loading."
    )


@dataclass
class Fit:
    """How well a table's header fits a layout."""

    layout: Layout
    table: TableLayout
    header_line: int
    header_end: int
    headings: list[str]
    positions: dict[str, int]
    missing: list[str]
    extra: list[str]

    @property
    def fits(self) -> bool:
        return not self.missing and not self.extra

    @property
    def score(self) -> float:
        return len(self.positions) - len(self.missing) - 0.5 * len(self.extra)


def _wanted(layout: Layout, table: TableLayout) -> tuple[dict[str, str], dict[str, str]]:
    """heading -> field that must be there, and heading -> field that may be."""
    if layout.canonical:
        return {name: name for name in schemas.load(layout.collection).fields}, {}
    return table.columns, table.optional


def _fit(layout: Layout, table: TableLayout, head: list[tuple[int, list[str]]]) -> Fit:
    must, may = _wanted(layout, table)
    index = (
        next((i for i, (line, _) in enumerate(head) if line >= table.header_line), len(head)) + table.header_rows - 1
    )
    line, cells = head[index] if index < len(head) else (table.header_line, [])
    cells = list(cells)
    while cells and not cells[-1].strip():
        cells.pop()
    known = _keys(cells, head[index - 1][1] if table.header_rows == 2 and 0 < index < len(head) else None)
    positions, missing = {}, []
    for heading, name in must.items():
        if (at := known.get(plain(heading))) is None:
            missing.append(heading)
        else:
            positions[name] = at
    for heading, name in may.items():
        if (at := known.get(plain(heading))) is not None:
            positions[name] = at
    taken = set(positions.values())
    extra = (
        [cell.strip() or "(no heading)" for i, cell in enumerate(cells) if i not in taken]
        if table.others == "refuse"
        else []
    )
    end = head[index + 1][0] - 1 if index + 1 < len(head) else line
    return Fit(layout, table, line, end, cells, positions, missing, extra)


def _keys(cells: list[str], sections: list[str] | None) -> dict[str, int]:
    """Every way to name a column: its heading, its n-th occurrence, and its section with it."""
    keys, counts, section = {}, {}, ""
    for i, cell in enumerate(cells):
        name = plain(cell)
        counts[name] = counts.get(name, 0) + 1
        keys.setdefault(name, i)
        keys[f"{name}#{counts[name]}"] = i
        if sections is not None:
            section = plain(sections[i]) if i < len(sections) and sections[i].strip() else section
            keys.setdefault(f"{section} :: {name}", i)
    return keys


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
    must, _ = _wanted(fit.layout, fit.table)
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
            ragged.append(_ragged(reading, fit, sheet, line, cells))
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
        _report_splits(reading, fit, frame, sheet)
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


def _ragged(reading: Reading, fit: Fit, sheet: str | None, line: int, cells: list[str]) -> tuple:
    """The finding about a row of another width, in the order of `findings.COLUMNS`."""
    width = len(fit.headings)
    split = next(
        (
            i
            for i in range(len(cells) - 1)
            if len(cells) > width
            and re.fullmatch(r"\s*\d{1,3}", cells[i])
            and re.fullmatch(r"\d{3}(\.\d+)?\s*", cells[i + 1])
        ),
        None,
    )
    if split is not None:
        heading = fit.headings[min(split, width - 1)]
        hint = (
            f" It looks as if a number in '{heading}' was cut at its thousands comma ('{cells[split].strip()},{cells[split + 1].strip()}'): "
            "write numbers without thousands separators."
        )
    else:
        heading, hint = (
            None,
            " Put text that holds the delimiter in quotation marks, and fill or remove cells so that every row fits the header.",
        )
    says = f"Line {line} has {len(cells)} cells where the header has {width}.{hint}"
    sent = fit.layout.delimiter.join(cells)[: findings.RAW_SHOWN]
    return "STR02", "hold", reading.responsible, "row", sheet, line, heading, sent, says


def _report_splits(reading: Reading, fit: Fit, frame: pl.DataFrame, sheet: str | None) -> None:
    """Finds numbers that were cut at their thousands commas where the width of the rows does not show it.

    1,526,022 became three cells; the row was cut back to its width. Two things give it away: pieces such as 022, which
    never stand alone in a column of amounts; and columns of pounds side by side in which no row has more than 999.
    """
    unit = re.compile(r"\((£|No\.|m²|m³|kWh|Hectares|%|Tonnes)\)")
    numeric = [i for i, heading in enumerate(fit.headings) if unit.search(heading)]
    amounts = {i: frame[f"c{i}"].str.replace_all(",", "").cast(pl.Float64, strict=False).fill_null(0) for i in numeric}
    suspects = _never_above_999(fit, numeric, amounts)
    piece = frame.select(
        (pl.col(f"c{i}").str.contains(r"^0\d\d$") | (amounts[i] != 0) & (i in suspects)).alias(str(i)) for i in numeric
    )
    if not (numeric and piece.select(pl.any_horizontal(pl.all()).any()).item()):
        return
    damaged = piece.select(pl.any_horizontal(pl.all())).to_series()
    at = damaged.arg_max()
    line, *cells = frame.row(at)
    start = next(int(name) for name in piece.columns if piece[name][at])
    if (cells[start] or "").startswith("0"):  # the pieces before it belong to the same number
        while (
            re.fullmatch(r"\d{3}", cells[start])
            and start - 1 in numeric
            and re.fullmatch(r"\d{1,3}", cells[start - 1] or "")
        ):
            start -= 1
    end = start
    while end + 1 in numeric and re.fullmatch(r"\d{1,3}", cells[end + 1] or "") and cells[end + 1] != "0":
        end += 1
    run = cells[start : end + 1]
    reading.found(
        "STR02",
        f"Numbers were cut at their thousands commas. On line {line}, from column {start + 1} '{fit.headings[start]}' on, "
        f"the pieces {', '.join(repr(c) for c in run)} stand in {len(run)} cells, so the values after them stand under the wrong headings. "
        f"{damaged.sum()} of {frame.height} rows are like that"
        + (f": in {len(suspects)} columns of pounds side by side no row has more than 999. " if suspects else ". ")
        + "Every row still has the width of the header. Expected one cell a number: ask for the file as it was before its commas "
        "were replaced. Nothing of it was recorded.",
        sheet=sheet,
        line=line,
        column_name=fit.headings[start],
        raw_value=fit.layout.delimiter.join(run),
    )


def _never_above_999(fit: Fit, numeric: list[int], amounts: dict[int, pl.Series]) -> set[int]:
    """Columns of pounds, three or more among neighbours, that hold amounts (six or more) but none above 999."""
    small, found = [i for i in numeric if amounts[i].max() is not None and amounts[i].max() <= 999], set()
    for i in small:
        if i - 1 in small:
            continue
        run = [k for k in range(i, i + len(fit.headings)) if all(j in small for j in range(i, k + 1))]
        pounds = [k for k in run if "(£)" in fit.headings[k] and (amounts[k] != 0).any()]
        if len(pounds) >= 3 and sum((amounts[k] != 0).sum() for k in pounds) >= 6:
            found |= set(pounds)
    return found


def _identify(reading: Reading) -> None:
    """Finds period, sender and part from the content, the name or the layout, and holds what contradicts itself."""
    declared = catalogue.load(reading.collection)
    layout = reading.layout
    candidates = [layout] if layout else list(layouts.load(reading.collection))
    reading.part = layout.part if layout else ""
    by_content = {_period_in_column(reading)} - {None}
    by_name = {period_in_name(one, reading.file_name, declared.frequency) for one in candidates} - {None}
    always = {layout.period["always"]} if layout and "always" in layout.period else set()
    seen = always or by_content or by_name
    reading.period = min(seen) if seen else None
    if reading.period is None and layout:
        reading.found(
            "FIL-PERIOD",
            f"It cannot be told what period {reading.file_name} is about. Expected it "
            + ("in the column 'period' or " if declared.kind == "each_trust" else "")
            + "in the file's name, for example "
            + ("2025-06." if declared.frequency == "month" else "2016-17."),
        )
    elif layout and by_name and by_name != {reading.period} and "name" in layout.period:
        reading.found(
            "FIL-PERIOD",
            f"The name says {min(by_name)} but the content is about {reading.period}. Rename the file or send the right one.",
        )
    if declared.is_national:
        reading.sender = declared.publisher
    else:
        _identify_trust(reading, candidates)


def _identify_trust(reading: Reading, candidates) -> None:
    named = next((code for one in candidates if (code := trust_in_name(one, reading.file_name))), None)
    column = reading.layout.sender.get("column") if reading.layout else None
    inside = _most_common(reading, column)
    reading.sender = named or inside
    if reading.sender is None and reading.layout:
        reading.found(
            "FIL-SENDER",
            f"It cannot be told which trust sent {reading.file_name}. Expected its ODS code in the column 'ods_code'.",
        )


def trust_in_name(layout: Layout, file_name: str) -> str | None:
    """The trust that a file's name tells, by the layout's expression."""
    match = re.search(layout.sender.get("name", "(?!)"), file_name)
    return match["code"] if match else None


def _most_common(reading: Reading, column: str | None) -> str | None:
    for table in reading.tables:
        if column in table.frame.columns and table.frame.height:
            values = table.frame[column].str.strip_chars()
            values = values.filter(values.str.contains(r"^[A-Z0-9]{3,5}$").fill_null(False))
            if values.len():
                return values.value_counts(sort=True, name="n").sort(["n", column], descending=[True, False])[column][0]
    return None


def _period_in_column(reading: Reading) -> str | None:
    rule = reading.layout.period if reading.layout else {}
    column = rule.get("column")
    for table in reading.tables:
        if column in table.frame.columns and table.frame.height:
            values = table.frame[column].str.strip_chars()
            if "format" in rule:
                values = values.str.to_date(rule["format"], strict=False).dt.strftime("%Y-%m")
            values = values.filter(values.str.contains(r"^\d{4}-\d{2}$").fill_null(False))
            if values.len():
                return (
                    values.alias("v")
                    .value_counts(sort=True, name="n")
                    .sort(["n", "v"], descending=[True, False])["v"][0]
                )
    return None


def period_in_name(layout: Layout, file_name: str, frequency: str) -> str | None:
    """The period that a file's name tells, by the layout's expression."""
    match = re.search(layout.period.get("name", "(?!)"), file_name)
    if not match:
        return None
    if frequency == "month":
        return f"{match['year']}-{match['month']}"
    if int(match["next"]) != (int(match["year"]) + 1) % 100:
        return None  # 2016-04 in a name is a month, not a financial year
    return f"{match['year']}-{match['next']}"

"""The rows of a table that was found: columns get their fields, and what is no row of data is set aside with a note."""

import re

import polars as pl

from .. import schemas
from ..catalogue.layouts import TableLayout, heading_key, plain
from . import damage, findings
from .match_layout import Fit, Head, rows_above
from .raw_table import Grid, text_frame
from .reading import Place, Reading, Table
from .uneven_rows import decide_uneven_rows, names_a_row
from .unmatched_headings import MOST_NAMED, listed
from .workbook_faults import Faults, column_letters

TOTAL = re.compile(r"(?i)(grand |sub-?|overall )?totals?|sum|overall")
# What no row of data is called, even where every other cell of it could be one's.
SURELY_TOTAL = re.compile(r"(grand |sub-?|overall )?(totals?|sum)\W*((for|of|all)\b.*)?|overall", re.I)
FEW = 100  # distinct texts that are gone through one by one, which is quicker than a whole column's call
MOST_LOOKED_AT = 1_000  # characters at the beginning of a text


def read_rows(
    reading: Reading,
    fit: Fit,
    grid: Grid,
    sheet: str | None,
    head: Head,
    faults: Faults | None = None,
    may_end: bool = False,
) -> list[str]:
    """Adds a table to a reading, reports what is damaged in it, and says what was done to its rows (parts of a sentence).

    Args:
        faults: of a workbook's sheet.
        may_end: whether the table may end on the last line that a sheet has, because it goes on elsewhere.
    """
    said = []
    _report_above(reading, fit, head, sheet)
    notes, again, torn = _sort_ragged(fit, grid)
    grid.ragged = torn
    sound, torn = decide_uneven_rows(fit, grid) if torn else ([], [])
    ragged = [damage.ragged(reading, fit, sheet, line, cells) for line, cells in torn]
    if ragged:
        reading.findings.append(pl.DataFrame(ragged, schema=findings.COLUMNS, orient="row"))
    frame = grid.frame
    if sound:
        lines, rows = zip(*sound, strict=True)
        frame = pl.concat([frame, text_frame(lines, rows, len(fit.headings))]).sort("line")
        said.append(
            f"{_counted(len(sound), 'row has', 'rows have')} more or fewer blank cells at the end than the headings, first on line {lines[0]}"
        )
    frame, beside = _without_blank_columns(reading, fit, frame, sheet)
    aside, more_notes, more_again = _aside(frame, fit)
    frame = frame.filter(~aside) if aside.any() else frame
    totals = _totals(frame, fit)
    notes, again = sorted(notes + beside + more_notes + totals), sorted(again + more_again)
    if totals:
        frame = frame.filter(~pl.col("line").is_in([line for line, _ in totals]))
    last = frame["line"].tail(1).to_list()
    reading.rows_set_aside += len(notes) + len(again)
    _note_aside(reading, notes, again, sheet)
    if grid.joined:
        damage.report_open_quotes(reading, fit, grid, sheet)
    if fit.table.splits:
        damage.report_splits(reading, fit, frame, sheet)
    if faults and faults.formulas:
        damage.report_formulas(reading, fit, faults.formulas, set(frame["line"]), sheet)
    if faults and faults.merged:
        damage.report_merged(reading, fit, faults.merged, frame, sheet)
    if last and not may_end:
        damage.report_cut_off(reading, last[0], frame.height + fit.header_line, sheet)
    reading.rows_read += frame.height + len(ragged)
    named = {name: pl.col(f"c{at}") for name, at in fit.positions.items()}
    headings = {name: fit.headings[at].strip() for name, at in fit.positions.items()}
    place = Place(fit.header_line, fit.header_end, fit.headings, fit.positions)
    reading.tables.append(Table(fit.table, sheet, frame.select("line", **named), headings, place))
    return said


def note_reading(reading: Reading, fit: Fit, sheet: str | None, notes: list[str]) -> None:
    """Says what was understood about the file where it is not as it usually comes; a file that is gets no finding."""
    notes = list(notes)
    if fit.header_line > 1 and not fit.usual:
        titles = [next(cell.strip() for cell in cells if cell.strip()) for _, cells in fit.above]
        above = f" below {listed([title[:60] for title in titles])}" if titles else ""
        notes.append(f"its headings stand on line {fit.header_line}{above}")
    left = min(fit.positions.values(), default=0)
    if left and fit.blank:
        notes.append(f"its table begins in column {column_letters(left + 1)}")
    if notes:
        reading.found(
            "FIL-READ-AS",
            f"The file was read although it is not as it usually comes: {'; '.join(notes)}. Nothing to do if that is right.",
            severity="info",
            sheet=sheet,
            line=fit.header_line,
        )
    if fit.spelt:
        shown = ", ".join(f"'{sent[:80]}' as '{heading}'" for sent, heading in fit.spelt[:MOST_NAMED])
        more = f" and {len(fit.spelt) - MOST_NAMED} more" if len(fit.spelt) > MOST_NAMED else ""
        reading.found(
            "STR-HEADING",
            f"{_counted(len(fit.spelt), 'heading was', 'headings were')} read although spelt in another way: {shown}{more}. "
            "Nothing to do if that is right.",
            severity="info",
            sheet=sheet,
            line=fit.header_line,
            column_name=fit.spelt[0][0],
            raw_value=fit.spelt[0][0],
        )


def _report_above(reading: Reading, fit: Fit, head: Head, sheet: str | None) -> None:
    rows = rows_above(fit, head) if fit.above else []
    if rows:
        line, cells = rows[0]
        reading.found(
            "STR01",
            f"{_counted(len(rows), 'line', 'lines')} above the headings on line {fit.header_line} look like rows of the table, first line {line} "
            f"('{_first(cells)[:40]}'). Expected the headings above all rows: move them to the top and send the file again.",
            sheet=sheet,
            line=line,
        )


def _sort_ragged(fit: Fit, grid: Grid) -> tuple[list[tuple[int, str]], list[int], list[tuple[int, list[str]]]]:
    """Rows of another width: notes, repeated headings, and all others."""
    notes, again, torn = [], [], []
    for line, cells in grid.ragged:
        if _is_note(cells, fit.table, len(fit.headings)):
            notes.append((line, _first(cells)))
        elif _is_heading(fit, cells):
            again.append(line)
        else:
            torn.append((line, cells))
    return notes, again, torn


def _without_blank_columns(
    reading: Reading, fit: Fit, frame: pl.DataFrame, sheet: str | None
) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """The frame without columns that have no heading, and rows with a note there and nothing else; anything else there is reported."""
    names = [f"c{at}" for at in fit.blank] if fit.table.others == "refuse" else []
    if not names:
        return frame, []
    filled = [(pl.col(name).str.strip_chars() != "").fill_null(False) for name in names]
    beside = frame.filter(pl.any_horizontal(filled))
    kept = frame.drop(names)
    notes = []
    for row in beside.iter_rows(named=True):
        where = next(name for name in names if (row[name] or "").strip())
        if any((row[name] or "").strip() for name in kept.columns if name != "line"):
            letters = column_letters(int(where[1:]) + 1)
            reading.found(
                "STR02",
                f"Line {row['line']} has '{row[where][:80]}' in column {letters}, which has no heading, so it is not known what it says. "
                f"{beside.height} rows have something there. Expected a heading of the template above every column: remove the column.",
                scope="row",
                sheet=sheet,
                line=row["line"],
                raw_value=row[where],
            )
            break
        notes.append((row["line"], row[where].strip()))
    return kept, notes


def _note_aside(reading: Reading, notes: list[tuple[int, str]], again: list[int], sheet: str | None) -> None:
    if notes:
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
    if again:
        lines = ", ".join(map(str, again[:MOST_NAMED])) + (
            f" and {len(again) - MOST_NAMED} more" if len(again) > MOST_NAMED else ""
        )
        reading.found(
            "ROW-ASIDE",
            f"The headings stand again on {_counted(len(again), 'line', 'lines')} between the rows and were not loaded: {lines}. "
            "Nothing to do if that is right.",
            severity="info",
            sheet=sheet,
            line=again[0],
        )


def _aside(frame: pl.DataFrame, fit: Fit) -> tuple[pl.Series, list[tuple[int, str]], list[int]]:
    """Which rows are blank, a total, a note or headings; the text of totals and notes, and the lines of headings."""
    table = fit.table
    cells = [name for name in frame.columns if name != "line"]
    # Few filled cells are blank or a note; a row with more of them in front is looked at in its first cell only.
    few = 1 if len(cells) > 2 else 0
    ordinary = (pl.col(cells[: few + 1]).str.strip_chars() != "").fill_null(False)
    starts = frame[cells[0]].str.strip_chars().unique()
    again = _headings_again(frame, fit, cells[0], starts)
    starts = _marked_texts(starts, table)
    wanted = ~pl.all_horizontal(ordinary)
    if starts.len():
        wanted = wanted | pl.col(cells[0]).str.strip_chars().is_in(starts.implode())
    looked = frame.filter(wanted)
    out, notes = pl.Series("line", again, pl.Int64), []
    if looked.height:
        text = {name: pl.col(name).str.strip_chars() for name in cells}
        looked = looked.select(
            "line",
            filled=pl.sum_horizontal((text[name] != "").fill_null(False).cast(pl.Int32) for name in cells),
            first=pl.coalesce(pl.when(text[name] != "").then(pl.col(name)) for name in cells),
        ).filter(~pl.col("line").is_in(out.implode()))
        found = looked.filter((looked["filled"] <= few) | _marked(looked["first"].str.strip_chars(), table))
        # A ward is called Total Care and a supplier Source BioScience where that column stands first.
        named = found.filter(pl.col("filled") > few)
        found = found.filter(~pl.col("line").is_in(_rows_after_all(frame, fit, named).implode()))
        notes = found.filter(pl.col("filled") > 0).select("line", "first").rows()
        out = pl.concat([out, found["line"]])
    if not out.len():
        return pl.Series([False] * frame.height, dtype=pl.Boolean), [], []
    return frame["line"].is_in(out.implode()), notes, again


def _rows_after_all(frame: pl.DataFrame, fit: Fit, marked: pl.DataFrame) -> pl.Series:
    """Lines of rows that begin like a total or a note and yet are rows: everything else that names a row is there."""
    marked = marked.filter(~pl.col("first").str.strip_chars().str.contains(f"(?i)^(?:{SURELY_TOTAL.pattern})$"))
    if not marked.height:
        return marked["line"]
    lines = []
    for line, *texts in frame.filter(pl.col("line").is_in(marked["line"].implode())).iter_rows():
        wide = [""] * len(fit.headings)
        for column, text in zip(frame.columns[1:], texts, strict=True):
            wide[int(column[1:])] = text or ""
        if names_a_row(fit, wide):
            lines.append(line)
    return pl.Series("line", lines, pl.Int64)


def _totals(frame: pl.DataFrame, fit: Fit) -> list[tuple[int, str]]:
    """Rows whose key says 'Total' where one of a list of choices is asked for, and the list has no such choice."""
    schema, found = schemas.load(fit.layout.collection), []
    for name in schema.key:
        spec, at = schema.fields[name], fit.positions.get(name)
        if spec.kind != "choice" or at is None or f"c{at}" not in frame.columns:
            continue
        known = {plain(option) for option in (*spec.options, *fit.table.values.get(name, ()))}
        texts = frame[f"c{at}"].unique().drop_nulls()
        totals = [text for text in texts if TOTAL.fullmatch(text.strip()[:40]) and plain(text) not in known]
        if totals:
            rows = frame.filter(pl.col(f"c{at}").is_in(totals)).select("line", pl.col(f"c{at}").str.strip_chars())
            found += [row for row in rows.rows() if row not in found]
    return found


def _headings_again(frame: pl.DataFrame, fit: Fit, first: str, starts: pl.Series) -> list[int]:
    """Lines on which the headings stand once more, and the line of sections above them."""
    at = min((at for at in fit.positions.values() if fit.headings[at].strip()), default=None)
    if at is None:
        return []
    name, heading = f"c{at}", fit.headings[at].strip().lower()
    texts = starts if name == first else frame[name].str.strip_chars().unique()
    if texts.len() <= FEW:
        same = pl.Series([one for one in texts if one and one.lower() == heading], dtype=pl.String)
    else:
        same = texts.filter((texts.str.to_lowercase() == heading).fill_null(False))
    if not same.len():
        return []
    columns = [column for column in frame.columns if column != "line"]
    lines = []
    for line, *cells in frame.filter(pl.col(name).str.strip_chars().is_in(same.implode())).iter_rows():
        wide = [""] * len(fit.headings)
        for column, cell in zip(columns, cells, strict=True):
            wide[int(column[1:])] = cell or ""
        if _is_heading(fit, wide):
            lines.append(line)
    if lines and fit.sections:
        before = frame.filter(pl.col("line").is_in([line - 1 for line in lines]))
        wanted = [cell.strip() for cell in fit.sections]
        for line, *cells in before.iter_rows():
            found = [(cell or "").strip() for cell in cells]
            if any(found) and all(cell in ("", wanted[i] if i < len(wanted) else "") for i, cell in enumerate(found)):
                lines.append(line)
    return sorted(lines)


def _is_heading(fit: Fit, cells: list[str]) -> bool:
    """Whether a row says the headings once more, in every column that is read."""
    return len(cells) > 0 and all(
        heading_key((cells[at] if at < len(cells) else "")[:500]) == heading_key(fit.headings[at])
        for at in fit.positions.values()
    )


def _marked_texts(texts: pl.Series, table: TableLayout) -> pl.Series:
    """Those of some distinct texts that stand at the head of a total or a note."""
    if texts.len() > FEW:
        return texts.filter(_marked(texts, table))
    shown = [(text, text[:MOST_LOOKED_AT]) for text in texts if text]
    return pl.Series(
        [text for text, head in shown if any(re.search(p, head) for p in table.set_aside)], dtype=pl.String
    )


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


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"

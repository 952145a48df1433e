"""Finds damage that shifts cells or loses rows: rows of another width, numbers cut at their thousands commas, open
quotation marks that are closed by chance, formulas that were never computed, and tables that end where old programs cut off.
"""

import re

import polars as pl

from . import findings
from .formats import open_quote
from .match_layout import Fit
from .raw_table import Grid
from .reading import Reading
from .uneven_rows import is_plausible
from .workbook_faults import NOT_COMPUTED, column_letters

LINE_END = re.compile(r"\r\n|\r|\n")
MOST_LINES = (65_536, 1_048_576)  # lines of a sheet: Excel to 2003, and after


def ragged(reading: Reading, fit: Fit, sheet: str | None, line: int, cells: list[str]) -> tuple[object, ...]:
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
    sent = reading.delimiter.join(cells)[: findings.RAW_SHOWN]
    return "STR02", "hold", reading.responsible, "row", sheet, line, heading, sent, says


def report_splits(reading: Reading, fit: Fit, frame: pl.DataFrame, sheet: str | None) -> None:
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
    at = int(damaged.arg_true()[0])
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
        raw_value=reading.delimiter.join(run),
    )


def _never_above_999(fit: Fit, numeric: list[int], amounts: dict[int, pl.Series]) -> set[int]:
    """Columns of pounds, three or more among neighbours, that hold amounts (six or more) but none above 999."""
    largest = {i: amounts[i].max() for i in numeric}
    small = [i for i, most in largest.items() if isinstance(most, float) and most <= 999]
    found: set[int] = set()
    for i in small:
        if i - 1 in small:
            continue
        run = [k for k in range(i, i + len(fit.headings)) if all(j in small for j in range(i, k + 1))]
        pounds = [k for k in run if "(£)" in fit.headings[k] and (amounts[k] != 0).any()]
        if len(pounds) >= 3 and sum((amounts[k] != 0).sum() for k in pounds) >= 6:
            found |= set(pounds)
    return found


def report_open_quotes(reading: Reading, fit: Fit, grid: Grid, sheet: str | None) -> None:
    """Finds a quotation mark that was left open and closed again by one further down, so that one cell holds whole rows.

    Such a cell has as many delimiters as the rows that it swallowed, and put apart at them they look like rows of the table.
    Text of several lines with a comma in it does not.
    """
    width, delimiter = len(fit.headings), reading.delimiter
    for line, cells in grid.joined:
        for at, cell in enumerate(cells):
            pieces = LINE_END.split(cell) if delimiter in cell else []
            if len(pieces) < 2:
                continue
            first = [*cells[:at], *pieces[0].split(delimiter)]
            final = [*pieces[-1].split(delimiter), *cells[at + 1 :]]
            between = [piece.split(delimiter) for piece in pieces[1:-1]]
            rows = [row for row in (first, final, *between) if any(text.strip() for text in row)]
            if len(rows) > 1 and _look_like_rows(fit, rows, cells, width):
                reading.found(
                    "STR02",
                    f"{open_quote(line)} A mark further down closes it by chance (on line {line + len(pieces) - 1}), so that "
                    f"'{_heading(fit, at)}' would hold rows of the table.",
                    sheet=sheet,
                    line=line,
                    column_name=_heading(fit, at),
                    raw_value=cell,
                )
                return


def _look_like_rows(fit: Fit, rows: list[list[str]], cells: list[str], width: int) -> bool:
    exact = all(len(row) == width for row in rows)
    if exact and (width > 8 or all(is_plausible(fit, row) for row in rows)):
        return True
    # Rows that hold delimiters in quotation marks of their own come apart into more cells; they still begin alike.
    begins = rows[1][0].strip()
    return all(len(row) >= 0.6 * width for row in rows) and len(rows[0]) >= 3 and begins == cells[0].strip() != ""


def _heading(fit: Fit, at: int) -> str:
    return fit.headings[at].strip() if at < len(fit.headings) else ""


def report_formulas(
    reading: Reading, fit: Fit, formulas: set[tuple[int, int]], lines: set[int], sheet: str | None
) -> None:
    """Holds a workbook with formulas in the table's columns that no program has computed; `lines` are those of the rows."""
    read = set(fit.positions.values())
    found = sorted(place for place in formulas if place[0] in lines and place[1] in read)
    if found:
        line, at = found[0]
        cell = f"{column_letters(at + 1)}{line}"
        more = f" and {len(found) - 1} more cells" if len(found) > 1 else ""
        says = "hold a formula" if more else "holds a formula"
        reading.found(
            "FIL-DAMAGED",
            f"Cell {cell} of sheet '{sheet}'{more} {says} that was never computed, so what it should say is not known. "
            "Expected values: open the workbook in a spreadsheet, save it and send it again.",
            sheet=sheet,
            line=line,
            column_name=_heading(fit, at),
            raw_value=NOT_COMPUTED,
        )


def report_merged(
    reading: Reading, fit: Fit, merged: list[tuple[int, int, int, int]], frame: pl.DataFrame, sheet: str | None
) -> None:
    """Holds a workbook in which one value stands over several cells of the rows: whose value it is, is not known."""
    read = sorted(fit.positions.values())
    for first_line, first, last_line, last in sorted(merged):
        columns = [at for at in read if first <= at <= last]
        rows = frame.filter(pl.col("line").is_between(first_line, last_line))
        if len(columns) * rows.height < 2 or f"c{columns[0]}" not in frame.columns:
            continue
        value = rows[f"c{columns[0]}"][0]
        if not (value or "").strip():
            continue
        cells = f"{column_letters(first + 1)}{first_line}:{column_letters(last + 1)}{last_line}"
        reading.found(
            "FIL-DAMAGED",
            f"The cells {cells} of sheet '{sheet}' are merged into one, so it is not known for which of them '{value[:80]}' is meant. "
            "Expected a value in every cell: unmerge the cells, fill each one and send the file again.",
            sheet=sheet,
            line=first_line,
            column_name=_heading(fit, columns[0]),
            raw_value=value,
        )
        return


def report_cut_off(reading: Reading, last_line: int | None, rows: int, sheet: str | None) -> None:
    """Holds a table that ends on the very last line that a sheet can have: what stood below it was lost.

    Args:
        last_line: the line of its last row.
        rows: its rows and the lines above them.
    """
    full = next((most for most in MOST_LINES if most in (last_line, rows)), None)
    if full:
        reading.found(
            "FIL-CUT",
            f"The table ends on line {full:,}, which is the last line that {'old ' if full == MOST_LINES[0] else ''}Excel can hold, "
            "so rows below it are probably lost. Expected the whole table: save it from its source as CSV and send it again, or tell us that it is whole.",
            sheet=sheet,
            line=last_line,
        )

"""Finds damage that shifts cells: rows of another width, and numbers cut at their thousands commas."""

import re

import polars as pl

from . import findings
from .fit import Fit
from .reading import Reading


def ragged(reading: Reading, fit: Fit, sheet: str | None, line: int, cells: list[str]) -> tuple:
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

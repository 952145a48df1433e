"""Rows of another width than the headings: what a spreadsheet does to blank cells at the end is undone, all else is damage."""

import re
from collections import Counter
from functools import cache

import polars as pl

from .. import schemas
from ..catalogue.layouts import COMMON_WORDS, plain
from ..schemas.fields import FieldSpec
from .match_layout import Fit
from .raw_table import Grid

NUMBER = re.compile(r"[-+(]?\s*£?\s*[-+]?\d[\d,]{0,30}(\.\d{0,30})?([eE][-+]?\d{1,3})?\s*%?\)?")
DATE = re.compile(r"(?=.{0,9}\d)[\dA-Za-z][\dA-Za-z ,:./-]{3,24}")
MOST_FILLED = 0.2  # share of whole rows that may have something where another row has no cells
RUN = 8  # rows one below the other that end at the same column; Excel leaves blank cells out for 16 rows at a time
YES_NO = {"yes", "no", "y", "n", "true", "false", "1", "0"}
PART_OF_A_WHOLE = re.compile(r"\.\d*[1-9]")
THOUSANDS_FIRST, THOUSANDS_REST = re.compile(r"\s*£?\d{1,3}"), re.compile(r"\d{3}(\.\d+)?\s*")


def decide_uneven_rows(fit: Fit, grid: Grid) -> tuple[list[tuple[int, list[str]]], list[tuple[int, list[str]]]]:
    """Rows of another width that differ in blank cells at their end only, made as wide as the headings; and the rest.

    A row may be shorter where all that must be filled is there, and longer where what is too much is blank, if every
    cell is of the kind that its column holds: a line broken in two, or a number cut at its comma, is not taken for one.
    Cells at the end may be missing where other rows have none there either, or in a run of rows, as Excel leaves them out.
    """
    width = len(fit.headings)
    sound: list[tuple[int, list[str]]] = []
    rest: list[tuple[int, list[str]]] = []
    last = max([line for line, _ in grid.ragged] + grid.frame["line"].tail(1).to_list(), default=0)
    pairs: list[tuple[int, list[str]]] = []
    clean: Counter[int] = Counter()
    runs, left_out = _runs(grid), dict[int, bool]()
    for line, cells in grid.ragged:
        if line == last and grid.is_open and len(cells) < width:
            rest.append((line, cells))  # cut off, perhaps within a cell
        elif len(cells) < width:
            if len(cells) not in left_out:
                left_out[len(cells)] = _share_filled(grid, len(cells), width) <= MOST_FILLED
            row = cells + [""] * (width - len(cells))
            is_blank = (left_out[len(cells)] or runs[line] >= RUN) and is_plausible(fit, row)
            (sound if is_blank else rest).append((line, row if is_blank else cells))
        elif any(cell.strip() for cell in cells[width:]) or not is_plausible(fit, cells):
            rest.append((line, cells))
        elif _may_be_cut(fit, cells):
            pairs.append((line, cells))
        else:
            clean[len(cells)] += 1
            sound.append((line, cells[:width]))
    beside = Counter(len(cells) for _, cells in pairs)
    for line, cells in pairs:
        # As wide as most of its neighbours in which no number can have been cut: then none was cut here.
        is_usual = clean[len(cells)] > beside[len(cells)] or (
            len(cells) == max(clean, default=0) and clean[len(cells)] > 2
        )
        (sound if is_usual else rest).append((line, cells[:width] if is_usual else cells))
    return sorted(sound), sorted(rest)


def _runs(grid: Grid) -> dict[int, int]:
    """Line -> how many rows of the same width stand one below the other there."""
    runs, begin, before = {}, 0, None
    lines = [line for line, _ in grid.ragged]
    for at, (line, cells) in enumerate(grid.ragged):
        if before != (line - 1, len(cells)):
            begin = at
        before = line, len(cells)
        for earlier in lines[begin : at + 1] if at + 1 - begin <= RUN else [line]:
            runs[earlier] = at + 1 - begin
    return runs


def _share_filled(grid: Grid, first: int, width: int) -> float:
    """The share of the rows of full width that have something from a column on."""
    if not grid.frame.height:
        return 0.0
    filled = [(pl.col(f"c{at}").str.strip_chars() != "").fill_null(False) for at in range(first, width)]
    rows = grid.frame.filter(pl.any_horizontal((pl.col(f"c{at}") != "").fill_null(False) for at in range(width)))
    return rows.select(pl.any_horizontal(filled).mean()).item() or 0.0


def is_plausible(fit: Fit, cells: list[str]) -> bool:
    """Whether every cell can be what its column holds, and none is blank that must be filled."""
    for spec, at in _specs(fit):
        text = cells[at].strip() if at < len(cells) else ""
        if not (_is_of_kind(fit, spec, text) if text else not spec.required):
            return False
    return True


def names_a_row(fit: Fit, cells: list[str]) -> bool:
    """Whether the cells that say what a row is about (choices, dates and codes of a known form that must be filled) all do."""
    asked = [
        (spec, at) for spec, at in _specs(fit) if spec.required and (spec.kind in ("choice", "date") or spec.pattern)
    ]
    return bool(asked) and all(cells[at].strip() and _is_of_kind(fit, spec, cells[at].strip()) for spec, at in asked)


def _specs(fit: Fit) -> list[tuple[FieldSpec, int]]:
    fields = schemas.load(fit.layout.collection).fields
    kinds = fit.table.kinds
    return [
        (fields.get(name) or FieldSpec(name, kinds.get(name, "text"), name, False), at)
        for name, at in fit.positions.items()
    ]


def _is_of_kind(fit: Fit, spec: FieldSpec, text: str) -> bool:
    if spec.kind in ("whole", "number"):
        return (
            bool(NUMBER.fullmatch(text[:80]))
            or plain(text) in _words(fit.layout.name, tuple(fit.layout.words))
            or text.startswith("#")
        )
    if spec.kind == "date":
        return bool(DATE.fullmatch(text))
    if spec.kind == "yes_no":
        return text.lower() in YES_NO
    if spec.kind == "choice":
        known = {plain(option) for option in spec.options} | {
            plain(word) for word in fit.table.values.get(spec.name, ())
        }
        return plain(text) in known
    return not spec.pattern or bool(re.fullmatch(spec.pattern, text[:500]))


@cache
def _words(layout: str, more: tuple[str, ...]) -> frozenset[str]:
    return frozenset(plain(word) for word in (*COMMON_WORDS, *more))


def _may_be_cut(fit: Fit, cells: list[str]) -> bool:
    """Whether a number may have been cut at its thousands comma: then what follows it stands one cell too far to the right.

    That would have pushed the last cell out; so it cannot have happened where the last column must be filled.
    """
    last = max(fit.positions.items(), key=lambda one: one[1])[0]
    spec = schemas.load(fit.layout.collection).fields.get(last)
    if spec and spec.required:
        return False
    numbers = {at for spec, at in _specs(fit) if spec.kind in ("whole", "number")}
    return any(
        at in numbers
        and THOUSANDS_FIRST.fullmatch(cells[at])
        and THOUSANDS_REST.fullmatch(cells[at + 1])
        and _fits_mended(fit, [*cells[:at], cells[at].strip() + cells[at + 1].strip(), *cells[at + 2 :]])
        for at in range(len(cells) - 1)
    )


def _fits_mended(fit: Fit, cells: list[str]) -> bool:
    """Whether a row could be what was meant, with a number put together again: each cell of its kind, and no part of a whole."""
    whole = [cells[at] for spec, at in _specs(fit) if spec.kind == "whole" and at < len(cells)]
    return is_plausible(fit, cells) and not any(PART_OF_A_WHOLE.search(text) for text in whole)

"""Columns whose content is plainly another column's (COL-OTHER), seen from one file alone.

Three signs, each looked for only where something is wrong already or at a glance: cells that are impossible under their own heading and
possible under another's (shifted columns, codes of another kind), an equation between columns that holds once two are exchanged, and
two columns of which the wrong one has more different values. What is asked is data: profile.toml, here and in the collection's folder.
"""

import itertools
from typing import Any

import polars as pl

from ..catalogue.layouts import plain
from ..reading import findings
from ..schemas.fields import FieldSpec
from ..schemas.rules import HOLD, REJECT, WARN
from . import profile
from .cells import YES_NO
from .parse import Parsed
from .spelling import BLANKS

GLANCE = 100  # rows that are enough to see whether a column deserves a closer look
TRIED = 2_000  # rows, evenly spaced, that equations are tried on
FEWEST_VALUES = 20  # of a column that is said to have too many
FOR_VALUES = 50  # rows, at least, of which different values are counted
SHOWN = 5  # columns that are named one by one
# The more a kind of field asks of a cell, the more it says when a cell fits.
SPECIFIC = {"code": 5, "choice": 4, "date": 3, "yes_no": 3, "form": 2, "number": 1, "whole": 1, "words": 0}


def find(parsed: Parsed, faults: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Findings that hold the file, one a column that holds what another column should hold.

    Args:
        parsed: a table with typed values.
        faults: what was found in its cells and rows.
    """
    asked = profile.settings(parsed.schema.collection)
    if parsed.frame.height < asked["min_cells"]:
        return []
    suspects = _suspects(parsed, faults, asked)
    found = [one for name in suspects if (one := _misplaced(parsed, name, suspects, asked)) is not None]
    if not found:
        found = _exchanged(parsed, asked) if suspects else []
        found += _more_values(parsed, asked)
    if len(found) > SHOWN:
        more = f" {len(found) - SHOWN} more columns look shifted like this one."
        found = [*found[: SHOWN - 1], found[SHOWN - 1].with_columns(pl.col("message") + more)]
    return found


def _suspects(parsed: Parsed, faults: list[pl.DataFrame], asked: dict[str, Any]) -> list[str]:
    """Fields, in the order of the file, of which most cells have a fault, or which hold numbers where words should be, or wrong codes."""
    frame, by_heading = parsed.frame, {heading: name for name, heading in parsed.table.headings.items()}
    suspects = set()
    wrong = [
        one.select("column_name", "line")
        for one in faults
        if one.height and one["severity"][0] in (HOLD, REJECT, WARN) and one["line"][0] is not None
    ]
    # A word of the layout that stands in many cells is told once (STR06), so blanks made by it are not seen here: they are no fault.
    if sum(one.height for one in wrong) * 2 >= frame.height:
        counts = pl.concat(wrong).unique().group_by("column_name").len()
        suspects |= {
            by_heading[h] for h, n in counts.rows() if h in by_heading and 2 * n >= _filled(parsed, by_heading[h])
        }
    names = _names(parsed)
    for name in names:
        kind = _kind(parsed, name, asked)
        if kind == "words":
            glance = frame[name].head(GLANCE).drop_nulls()
            if (
                glance.len() >= asked["min_cells"]
                and glance.cast(pl.Float64, strict=False).null_count() * 2 < glance.len()
            ):
                suspects.add(name)
        elif kind == "code":
            glance = frame[name].head(GLANCE).drop_nulls()
            fits = glance.to_frame().select(profile.CHECKS[asked["codes"][name]](pl.col(name)).fill_null(False))
            if glance.len() >= asked["min_cells"] and fits.to_series().sum() * 2 < glance.len():
                suspects.add(name)
    return [name for name in names if name in suspects]


def _names(parsed: Parsed) -> list[str]:
    """The fields that the table has, in the order of the file."""
    return [name for name in parsed.table.headings if name in parsed.schema.fields]


def _misplaced(parsed: Parsed, name: str, suspects: list[str], asked: dict[str, Any]) -> pl.DataFrame | None:
    """A finding when most cells are impossible under their own heading, and nearly all are possible under one other."""
    cells = _texts(parsed, name)
    if cells.len() < asked["min_cells"] or (own := _share(parsed, name, cells, asked)) > asked["own_share"]:
        return None
    names = _names(parsed)
    place = names.index(name)
    best = None
    for at, candidate in enumerate(names):
        kind = _kind(parsed, candidate, asked)
        if candidate == name or kind == "any" or _same_kind(parsed, name, candidate, asked):
            continue
        # Numbers, words and short codes fit in many places: only where that column's own content is gone too.
        if SPECIFIC[kind] < SPECIFIC["date"] and candidate not in suspects and _texts(parsed, candidate).len():
            continue
        share = _share(parsed, candidate, cells, asked)
        if share < asked["other_share"]:
            continue
        rank = (SPECIFIC[kind], -abs(at - place), share)
        if best is None or rank > best[0]:
            best = (rank, candidate, share)
    if best is None:
        return None
    _, candidate, share = best
    return _finding(
        parsed,
        name,
        candidate,
        f"{round(share * cells.len())} of {cells.len()} cells fit there and {round(own * cells.len())} fit here.",
        cells[0],
    )


def _same_kind(parsed: Parsed, name: str, candidate: str, asked: dict[str, Any]) -> bool:
    """Whether every value that is possible in one column is possible in the other, so that their cells show no difference."""
    fields = parsed.schema.fields
    one, two = fields[name], fields[candidate]
    kinds = _kind(parsed, name, asked), _kind(parsed, candidate, asked)
    return kinds[0] == kinds[1] and (one.pattern, one.options, asked["codes"].get(name)) == (
        two.pattern,
        two.options,
        asked["codes"].get(candidate),
    )


def _exchanged(parsed: Parsed, asked: dict[str, Any]) -> list[pl.DataFrame]:
    """A finding when an equation fails in most rows and holds in nearly all once two columns are exchanged."""
    frame = parsed.frame.gather_every(max(1, -(-parsed.frame.height // TRIED)))
    fields = parsed.schema.fields
    frame = frame.select(pl.col(n).cast(pl.Float64) for n, spec in fields.items() if spec.kind in ("whole", "number"))
    numbers = [n for n in _names(parsed) if n in frame.columns]

    def holds(one: pl.DataFrame, equation: str) -> float | None:
        """The share of rows in which an equation holds; None where too few rows have all its values."""
        told = one.select(pl.sql_expr(equation).alias("told")).to_series().drop_nulls()
        return int(told.sum()) / told.len() if told.len() >= asked["min_cells"] else None

    for equation, *names in asked["equations"]:
        as_sent = holds(frame, equation)
        if as_sent is None or as_sent > asked["own_share"]:
            continue
        tried = []
        for one, two in itertools.combinations(numbers, 2):
            if one not in names and two not in names:
                continue
            swapped = frame.with_columns(pl.col(one).alias(two), pl.col(two).alias(one))
            if (share := holds(swapped, equation) or 0.0) >= asked["other_share"]:
                tried.append((share, one, two))
        if tried:
            share, one, two = max(tried, key=lambda found: found[0])
            reason = f"Exchanged, the two agree with the other columns in {100 * share:.0f} percent of the rows; as sent, in {100 * as_sent:.0f}."
            return [_finding(parsed, one, two, reason, None), _finding(parsed, two, one, reason, None)]
    return []


def _more_values(parsed: Parsed, asked: dict[str, Any]) -> list[pl.DataFrame]:
    """Findings where the column that should have fewer different values has more than the other."""
    found = []
    for fewer, more in asked["fewer_values"]:
        if parsed.frame.height < FOR_VALUES or not {fewer, more} <= set(_names(parsed)):
            continue
        here, there = parsed.frame[fewer].n_unique(), parsed.frame[more].n_unique()
        if here > 2 * there and here >= FEWEST_VALUES:
            reason = f"'{parsed.table.headings[fewer]}' has {here} different values and '{parsed.table.headings[more]}' has {there}; it should have fewer."
            found += [_finding(parsed, fewer, more, reason, None), _finding(parsed, more, fewer, reason, None)]
    return found


def _finding(parsed: Parsed, name: str, candidate: str, reason: str, raw: str | None) -> pl.DataFrame:
    heading, theirs = parsed.table.headings[name], parsed.table.headings[candidate]
    says = (
        f"The column '{heading}' holds what '{theirs}' should hold. {reason} Expected {_expected(parsed.schema.fields[name])} "
        "in every cell: put each column under its own heading and send the file again."
    )
    return findings.one(
        "COL-OTHER", says, responsible=parsed.responsible, sheet=parsed.table.sheet, column_name=heading, raw_value=raw
    )


def _expected(spec: FieldSpec) -> str:
    title = spec.title[:1].lower() + spec.title[1:]
    return f"{spec.expected()} ({title})"


def _filled(parsed: Parsed, name: str) -> int:
    return max(1, parsed.frame.height - parsed.table.frame[name].null_count())


def _texts(parsed: Parsed, name: str) -> pl.Series:
    """The filled cells of a column, as sent but for blanks around them; evenly spaced ones of a long file."""
    step = max(1, -(-parsed.table.frame.height // profile.LOOKED_AT))
    cells = parsed.table.frame[name].gather_every(step).str.strip_chars(BLANKS).str.slice(0, 500)
    return cells.drop_nulls().filter(cells.drop_nulls() != "")


def _kind(parsed: Parsed, name: str, asked: dict[str, Any]) -> str:
    """What is asked of a field's cells: one of `SPECIFIC`, or 'any' where everything goes."""
    spec = parsed.schema.fields.get(name)
    if spec is None:
        return "any"
    if spec.kind != "text":
        return spec.kind
    if name in asked["codes"]:
        return "code"
    if spec.pattern:
        return "form"
    return "words" if name in asked["words"] or " " in (spec.example or "") else "any"


def _share(parsed: Parsed, name: str, cells: pl.Series, asked: dict[str, Any]) -> float:
    """The share of cells that are possible under a field's heading."""
    kind = _kind(parsed, name, asked)
    if kind == "any":
        return 1.0
    spec = parsed.schema.fields[name]
    recoded = parsed.table.layout.values.get(name, {})
    if recoded:
        known = {plain(word) for word in recoded}
        named = cells.unique()
        cells_known = cells.is_in([word for word in named if plain(word) in known])
    else:
        cells_known = pl.Series([False] * cells.len())
    column = pl.col("cell")
    if kind == "choice":
        check = column.is_in(list(spec.options))
    elif kind == "date":
        check = column.str.to_date(parsed.table.layout.dates.get(name, "%Y-%m-%d"), strict=False).is_not_null()
    elif kind == "yes_no":
        check = column.str.to_lowercase().is_in([word for word in YES_NO if len(word) > 1 or word in "yn"])
    elif kind == "code":
        check = profile.CHECKS[asked["codes"][name]](column)
    elif kind == "form":
        check = column.str.contains(spec.pattern or "")
    elif kind == "words":
        check = column.str.contains("[A-Za-z]") & ~column.str.contains(r"^\d")
    else:
        check = _number(column, spec)
    fits = cells.alias("cell").to_frame().select(check.fill_null(False)).to_series() | cells_known
    return int(fits.sum()) / max(1, fits.len())


def _number(column: pl.Expr, spec: FieldSpec) -> pl.Expr:
    value = column.str.replace_all("[,£]", "").cast(pl.Float64, strict=False)
    check = value.is_not_null() & value.is_finite() & (column.str.len_chars() <= 15)
    if spec.kind == "whole":
        check = check & (value == value.floor())
    return check & ~spec.out_of_range(value)

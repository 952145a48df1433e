"""Tries to recover what was suppressed, as somebody would who reads all that is published and knows how it is made.

For every cell it keeps the pairs of true parts that all published numbers allow, by enumeration over 1 to 7 and over what rounds to
a number that is shown; one pair left is a cell recovered.
"""

import io
import itertools
import math

import numpy as np
import polars as pl
from psycopg.rows import dict_row

SHARES = ("WF12", "WF13", "WF16")  # counts of people of whom something is done: never more done than due
STATISTICS = {"minimum": 0.0, "lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75, "maximum": 1.0}
MOST = 50_000  # combinations of cells that are tried together


def sightings(connection, files: dict[str, bytes]) -> dict[str, list[dict]]:
    """All rows that were ever published, by table: now, as at every move of the pointers, and in the exports."""
    cursor = connection.cursor(row_factory=dict_row)
    moments = [one["published_at"] for one in cursor.execute("SELECT published_at FROM published.release_history")]
    seen = {
        table: [
            row
            for at in [*moments, None]
            for row in cursor.execute(
                f"SELECT * FROM published.{table}" + ("_as_at(%s)" if at else ""), [at] if at else []
            ).fetchall()
        ]
        for table in ("measures", "benchmarks", "comparisons")
    }
    for table, rows in seen.items():
        for name, content in files.items():
            if name.endswith(f"/{table}.parquet"):
                rows += pl.read_parquet(io.BytesIO(content)).to_dicts()
    for table in ("movements", "engagement_timeline"):
        seen[table] = cursor.execute(f"SELECT * FROM published.{table}").fetchall()
    return seen


def attack(seen: dict[str, list[dict]]) -> dict[tuple[str, str, str], set[tuple[int, int]]]:
    """(release, provider, metric) -> the pairs of true parts that are left, for every cell that counts people."""
    cells: dict[tuple, dict] = {}
    for row in seen["measures"]:
        if row["metric_id"] in SHARES and row["quality_flag"] != "D":
            cell = cells.setdefault((row["release_id"], row["provider_code"], row["metric_id"]), {"values": set()})
            cell |= {k: v for k, v in row.items() if v is not None}  # the most that any place shows
            cell["values"] |= {row["value"]} - {None}
    _read_values(seen, cells)
    left = {key: _pairs(cell) for key, cell in cells.items()}
    _use_benchmarks(seen, cells, left)
    _use_other_releases(seen, cells, left)
    return left


def _is_exact(cell: dict) -> bool:
    """A number that no protected cell could show: then the numbers that are shown are the true ones."""
    return any(part and (part < 7.5 or part % 5) for part in (cell.get("numerator"), cell.get("denominator")))


def _read_values(seen, cells) -> None:
    """Values that other tables tell of a cell: what it is compared with and by how much, and how it moved."""
    for row in seen["comparisons"]:
        cell = cells.get((row["release_id"], row["provider_code"], row["metric_id"]))
        if cell and row["variance"] is not None:
            cell["values"].add(row["benchmark_value"] + row["variance"] * abs(row["benchmark_value"]))
    for row in seen["movements"]:
        for release, value in (
            (row["release_id"], row["value_after"]),
            (row["previous_release_id"], row["value_before"]),
        ):
            ends = [
                one["step"] for one in seen["movements"] if _same(one, row, "release_id", "provider_code", "metric_id")
            ]
            last = max(ends) if release == row["release_id"] else min(ends)
            cell = cells.get((release, row["provider_code"], row["metric_id"]))
            if cell and row["step"] == last and value is not None:
                cell["values"].add(value)


def _same(one, other, *names) -> bool:
    return all(one[name] == other[name] for name in names)


def _pairs(cell: dict) -> set[tuple[int, int]]:
    numerators, denominators = (_truths(cell, part) for part in ("numerator", "denominator"))
    pairs = {(n, d) for n in numerators for d in denominators if n <= d}
    shown = cell.get("numerator"), cell.get("denominator")
    for value in cell["values"]:
        # A value that is the ratio of what is shown says no more than that; any other one is of the true parts.
        if None in shown or not shown[1] or not _near(100 * shown[0] / shown[1], value):
            pairs = {(n, d) for n, d in pairs if d and _near(100 * n / d, value)}
    return pairs


def _truths(cell: dict, part: str):
    shown = cell.get(part)
    if shown is None:
        return range(1, 8)
    if shown == 0 or _is_exact(cell):
        return [int(shown)]
    return range(int(shown) - 2, int(shown) + 3)


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _use_benchmarks(seen, cells, left) -> None:
    """A spread over more values than are shown was made with values that are not: which could they have been?"""
    for row in seen["benchmarks"]:
        group = {
            key: cell
            for key, cell in cells.items()
            if (key[0], key[2]) == (row["release_id"], row["metric_id"])
            and row["peer_group"] in ("national", cell["peer_group"])
        }
        known = [max(cell["values"]) for cell in group.values() if cell["values"]]
        hidden = [key for key, cell in group.items() if not cell["values"] and cell["suppressed"]]
        published = {name: row[name] for name in STATISTICS if row[name] is not None}
        if row["providers"] == len(known) or not published or not hidden:
            continue
        assert row["providers"] == len(known) + len(hidden)
        tried = [[(n, d) for n, d in left[key] if d] for key in hidden]
        if math.prod(map(len, tried)) > MOST:
            continue
        possible = [
            some for some in itertools.product(*tried) if _fits(published, known + [100 * n / d for n, d in some])
        ]
        for number, key in enumerate(hidden):
            left[key] &= {some[number] for some in possible}


def _fits(published: dict[str, float], values: list[float]) -> bool:
    return all(_near(np.quantile(values, STATISTICS[name]), value) for name, value in published.items())


def _use_other_releases(seen, cells, left) -> None:
    """A trust that sent nothing again has the same truth in every release of the period."""
    events = seen["engagement_timeline"]
    again = {(one["provider_code"], one["period"]) for one in events if one["kind"] == "resubmitted"}
    for one, other in itertools.permutations(left, 2):
        may_differ = one[1:] != other[1:] or cells[one]["period"] != cells[other]["period"]
        if not may_differ and (one[1], cells[one]["period"]) not in again:
            left[one] &= left[other]


def fewest_leavers(headcounts: list[tuple[float, float]]) -> int:
    """The fewest people who can have left while the people in post, each month between two bounds, went this way."""
    falls = (before[0] - after[1] for before, after in itertools.combinations(headcounts, 2))
    monthly = sum(max(0.0, before[0] - after[1]) for before, after in itertools.pairwise(headcounts))
    return math.ceil(max(0.0, monthly, *falls))

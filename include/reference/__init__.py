"""Reference tables, kept by hand: providers, names, successions, cohort, holidays, recommendations, events and metrics.

Each table is one CSV file in this folder, and metrics are defined in catalogue/<collection>/metrics.toml; all are read into frozen
dataclasses (standard library only, so DAG files may import it).
`README.md` beside them says where every fact comes from and what is verified.
"""

import csv
import hashlib
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from trust_benchmarks import catalogue
from trust_benchmarks.reference import metrics
from trust_benchmarks.reference.checks import KINDS, SECTORS, check
from trust_benchmarks.reference.tables import (
    BoardCoverage,
    CohortMember,
    Contradiction,
    Holiday,
    Metric,
    Name,
    PeerChoice,
    PlanOutcome,
    ProgrammeEvent,
    Provider,
    Reason,
    Recommendation,
    RecurringEvent,
    ReferenceDataError,
    SeriesBreak,
    Succession,
    Tables,
    starts,
)

__all__ = [
    "FOLDER",
    "KINDS",
    "SECTORS",
    "BoardCoverage",
    "CohortMember",
    "Contradiction",
    "Holiday",
    "Metric",
    "Name",
    "PeerChoice",
    "PlanOutcome",
    "ProgrammeEvent",
    "Provider",
    "Reason",
    "Recommendation",
    "RecurringEvent",
    "ReferenceDataError",
    "SeriesBreak",
    "Succession",
    "Tables",
    "check",
    "load",
    "read",
    "read_by_validation",
    "version",
]

FOLDER = Path(__file__).parent
# The tables that decide what a submission is found to be: whether a code is known, when it was open, who followed, what it was called.
OF_VALIDATION = ("holidays.csv", "provider_names.csv", "providers.csv", "successions.csv")

Row = TypeVar("Row")


@cache
def load() -> Tables:
    """All reference tables, read once.

    Raises:
        ReferenceDataError: when a file has other columns than its dataclass, or a value that does not parse.
    """
    return read(FOLDER)


def read(folder: Path, definitions: Path = catalogue.FOLDER) -> Tables:
    """All reference tables of a folder (`load` reads the reviewed ones; a test or a proposal reads its own)."""
    names = _rows(folder / "provider_names.csv", Name)
    latest = {n.code: n.name for n in sorted(names, key=starts)}
    return Tables(
        providers=_rows(folder / "providers.csv", Provider, lambda row: {"name": latest.get(row["code"], row["code"])}),
        names=names,
        successions=_rows(folder / "successions.csv", Succession),
        cohort=_rows(folder / "cohort.csv", CohortMember),
        holidays=_rows(folder / "holidays.csv", Holiday),
        recommendations=_rows(folder / "recommendations.csv", Recommendation),
        programme_events=_rows(folder / "programme_events.csv", ProgrammeEvent),
        metric_versions=metrics.read(definitions),
        plan_outcomes=_rows(folder / "plan_outcomes.csv", PlanOutcome),
        recurring_events=_rows(folder / "recurring_events.csv", RecurringEvent),
        contradictions=_rows(folder / "contradictions.csv", Contradiction),
        board_coverage=_rows(folder / "board_coverage.csv", BoardCoverage),
        series_breaks=_rows(folder / "series_breaks.csv", SeriesBreak),
        peer_lists=_rows(folder / "peer_lists.csv", PeerChoice),
        reasons=_rows(folder / "reasons.csv", Reason),
    )


@cache
def version() -> str:
    """A hash over the bytes of the tables: 16 hexadecimal digits that change when a fact does."""
    return _hash([*sorted(FOLDER.glob("*.csv")), *sorted(catalogue.FOLDER.glob("*/metrics.toml"))])


@cache
def read_by_validation() -> str:
    """The same over the tables that validation reads: another value means that a submission may be found to be something else."""
    return _hash([FOLDER / name for name in OF_VALIDATION])


def _hash(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _rows(path: Path, kind: type[Row], extra: Callable[[dict[str, str]], dict[str, Any]] = lambda row: {}) -> list[Row]:
    """The file's rows as dataclasses; `extra(row)` gives the fields that the file does not hold."""
    columns = fields(cast(Any, kind))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ReferenceDataError(f"{path.name} is missing from the reference data. Put it back.") from None
    except UnicodeDecodeError as error:
        raise ReferenceDataError(f"{path.name} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    lines = csv.reader(text.splitlines(keepends=True))
    header = next(lines, [])
    given = {"name"} if kind is Provider else set()
    expected = [f.name for f in columns if f.name not in given]
    if header != expected:
        raise ReferenceDataError(
            f"{path.name} has columns {', '.join(header)}; expected {', '.join(expected)}. Mend the first line."
        )
    rows: list[Row] = []
    for cells in lines:
        where = f"{path.name} line {lines.line_num}"
        if len(cells) != len(header):
            raise ReferenceDataError(
                f"{where} has {len(cells)} cells; expected {len(header)}. Look for a comma outside quotes."
            )
        row = dict(zip(header, cells, strict=True))
        values = {f.name: _value(row[f.name], f.type, f"{where}, {f.name}") for f in columns if f.name in row}
        rows.append(kind(**values, **extra(row)))
    return rows


def _value(text: str, kind: object, where: str) -> object:
    """One cell as the type its field declares. Several values in a cell are separated by semicolons."""
    text = text.strip()
    try:
        if kind is str:
            return text
        if kind is int:
            return int(text)
        if kind == tuple[date, ...]:
            return tuple(date.fromisoformat(part.strip()) for part in text.split(";") if part.strip())
        if kind in (date | None, int | None) and not text:
            return None
        if kind == int | None:
            return int(text)
        return date.fromisoformat(text)
    except ValueError:
        expected = "a whole number" if kind in (int, int | None) else "a date such as 2024-11-01"
        raise ReferenceDataError(f"{where}: '{text}' is not {expected}. Correct the cell.") from None

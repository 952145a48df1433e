"""Sample returns made from a seed: real trust codes, invented figures, and a known list of planted faults.

Every file's name starts with ``sample_``; that is what marks its figures as a sample everywhere.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trust_benchmarks import reference

from . import bench_lines, files
from .files import File, Plan, plan
from .plants import every_rule

PROVIDERS, FIRST_PERIOD, PERIODS, LINES = 62, "2025-03", 13, 2500
RECIPE = "sample.json"
ARRIVALS = ("path", "arrived_at")
PLANTED = ("collection", "file", "rule_id", "sheet", "line", "column", "note")


@dataclass
class Manifest:
    """What was written.

    Attributes:
        files, rows, bytes: numbers by collection.
        planted: number of planted faults by rule.
        left_out: rules that nothing was planted for, because the sample is too small.
    """

    folder: Path
    providers: int = 0
    periods: tuple[str, ...] = ()
    files: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    left_out: tuple[str, ...] = ()
    paths: list[Path] = field(default_factory=list)


def write(
    folder: str | Path,
    seed: int = 1,
    providers: int | None = PROVIDERS,
    first_period: str = FIRST_PERIOD,
    periods: int = PERIODS,
    lines: int = LINES,
    faults: bool = True,
) -> Manifest:
    """Writes a sample: folder/<collection>/sample_*, arrivals.csv, planted.csv and the recipe that `mended` reads.

    The same arguments and reference data give the same bytes.

    Args:
        folder: where to; made if it is not there.
        providers: how many trusts send returns (None: all that are expected); today's successors of the cohort first.
        lines: mean number of procurement lines a trust and month.
        faults: False for a sample in which nothing is wrong, late or missing.

    Raises:
        ValueError: for less than 1 provider, 1 period or 12 lines.
    """
    folder = Path(folder)
    recipe = {"seed": seed, "providers": providers, "first_period": first_period, "periods": periods, "lines": lines,
              "faults": faults}  # fmt: skip
    of = _plan(recipe)
    _clear(folder)
    done = Manifest(folder, len(of.world.organisations), of.world.periods)
    arrivals: list[tuple[str, str]] = []
    planted: list[tuple[Any, ...]] = []
    for file in files.files(of):
        _put(folder, file, done)
        if file.arrives is not None:
            arrivals.append((file.path.as_posix(), file.arrives.isoformat()))
        for mark in file.marks:
            done.planted[mark.rule or "(none)"] += 1
            sheet, line = ("", "") if mark.line is None else (file.sheet, mark.line)
            planted.append((file.collection, file.name, mark.rule, sheet, line, mark.column, mark.note))
    done.left_out = tuple(sorted(every_rule() - set(done.planted))) if faults else ()
    _table(folder / "arrivals.csv", ARRIVALS, sorted(arrivals))
    planted.sort(key=lambda row: (row[0], row[1], row[2], row[4] or 0, row[5]))
    _table(folder / "planted.csv", PLANTED, planted)
    (folder / RECIPE).write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    return done


def mended(folder: str | Path, into: str | Path | None = None) -> list[Path]:
    """Writes the sound second version (v2) of every return whose planted faults can be mended, and when it arrives.

    Args:
        folder: a folder that `write` made.
        into: where to put them; the same folder when not given.

    Returns:
        The files written, in order.

    Raises:
        FileNotFoundError: when the folder holds no sample.
    """
    folder = Path(folder)
    if not (folder / RECIPE).exists():
        raise FileNotFoundError(f"{folder} holds no sample ({RECIPE} is missing). Make one with sample.write first.")
    of = _plan(json.loads((folder / RECIPE).read_text(encoding="utf-8")))
    done = Manifest(Path(into or folder))
    listed = done.folder / "arrivals.csv"
    arrivals = {}
    if listed.exists():
        with listed.open(encoding="utf-8", newline="") as rows:
            arrivals = {row["path"]: row["arrived_at"] for row in csv.DictReader(rows)}
    for file in files.mended(of):
        _put(done.folder, file, done)
        if file.arrives is not None:
            arrivals[file.path.as_posix()] = file.arrives.isoformat()
    _table(listed, ARRIVALS, sorted(arrivals.items()))
    return done.paths


def lines(n: int, trusts: int, seed: int = 1, folder: str | Path | None = None, **options: Any) -> list[Path]:
    """Writes `n` procurement lines, 50,000 a file, for the benchmark; see `bench_lines.write`."""
    return bench_lines.write(n, trusts, seed, folder, **options)


def _plan(recipe: dict[str, Any]) -> Plan:
    return plan(**recipe, reference=reference.load())


def _clear(folder: Path) -> None:
    """Removes the files of an earlier sample, so that its faults are not taken for this one's."""
    if (folder / RECIPE).exists():
        for path in folder.glob("*/sample_*"):
            path.unlink()


def _put(folder: Path, file: File, done: Manifest) -> None:
    if file.content is None:
        return
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    done.files[file.collection] += 1
    done.rows[file.collection] += file.rows
    done.bytes[file.collection] += len(file.content)
    done.paths.append(path)


def _table(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)

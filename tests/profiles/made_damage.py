"""Files through validation to `measure.Inputs` with profiles, without any service; and damage that is done to files."""

import csv
import gzip
import io
from pathlib import Path

import polars as pl
from trust_benchmarks import catalogue, reference
from trust_benchmarks.measures import measure, profiles
from trust_benchmarks.reading.read import read
from trust_benchmarks.releases.dependencies import periods_back
from trust_benchmarks.validation import profile
from trust_benchmarks.validation.validate import HELD, Outcome, validate

PUBLISHERS = {"NHSE", "NHSBSA", "NHSD"}
OURS = (
    "COL-OTHER", "UNIT-SUSPECT", "WARN-CEILING",
    "PROF-UNIT", "PROF-SWAP", "PROF-FEWER", "PROF-COPY", "PROF-OTHER", "PROF-RATIO",
)  # fmt: skip


class Made:
    """Files of one collection as they would have been received, in order; what a release of a period finds in them."""

    def __init__(self, collection: str, folder: Path):
        self.collection, self.folder = collection, folder
        self.log: list[dict] = []
        self.paths: dict[str, Path] = {}
        self.looks: list[pl.DataFrame] = []

    def add(self, name: str, content: bytes, outcome: Outcome | None = None) -> Outcome:
        """Validates a file and, unless it is held, makes it what counts for its sender and period."""
        outcome = outcome or validate(read(content, name, self.collection))
        if outcome.state == HELD:
            return outcome
        about, submission = outcome.reading, f"{len(self.log)}-{name}"
        chain = [
            one
            for one in self.log
            if (one["period"], one["sender"], one["part"]) == (about.period, about.sender, about.part)
        ]
        for one in chain:
            one["is_current"] = False
        self.log.append(
            dict.fromkeys(measure.SUBMISSIONS)
            | {
                "collection": self.collection, "period": about.period, "sender": about.sender, "part": about.part, "state": outcome.state,
                "provider_code": None if catalogue.load(self.collection).is_national else about.sender, "submission_id": submission,
                "version": len(chain) + 1, "is_current": True, "is_sample": True, "on_time": True, "rows_read": outcome.rows_read,
                "rows_recorded": outcome.rows_recorded, "rows_rejected": outcome.rows_rejected, "cells_expected": 1, "cells_valid": 1,
            }
        )  # fmt: skip
        self.paths[submission] = self.folder / f"{self.collection}-{len(self.log)}-{id(self)}.parquet"
        outcome.records.with_columns(submission_id=pl.lit(submission)).write_parquet(self.paths[submission])
        looks = profile.of(outcome.records, self.collection).with_columns(submission_id=pl.lit(submission))
        self.looks.append(looks.select(list(profiles.PROFILES)))
        return outcome

    def with_all_of(self, other: "Made") -> "Made":
        """What the other holds, too."""
        self.log += [dict(one) for one in other.log]
        self.paths |= other.paths
        self.looks += other.looks
        return self

    def findings(self, period: str) -> list[dict]:
        """What a release of the period finds across submissions."""
        back = periods_back(period, catalogue.load(self.collection).looks_back)
        counting = [one["submission_id"] for one in self.log if one["is_current"] and one["period"] in back]
        inputs = measure.Inputs(
            self.collection,
            period,
            {self.collection: [self.paths[one] for one in counting]},
            pl.DataFrame(self.log, schema=measure.SUBMISSIONS),
            pl.DataFrame(schema=measure.EXPECTED),
            reference.load(),
            profiles=pl.concat(self.looks),
        )
        return measure.compute(inputs).cross_findings.to_dicts()


def ours(outcome: Outcome) -> list[str]:
    """Which of the rules about whole columns a file breaks by itself."""
    return [rule for rule in outcome.findings["rule_id"] if rule in OURS]


# Damage: each takes the rows of a CSV file, heading first, and gives those of the damaged one ---------------------------


def rows_of(content: bytes) -> list[list[str]]:
    """The rows of a CSV file, packed or not."""
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def text(rows: list[list[str]]) -> bytes:
    """Rows as a CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def shifted(rows, first: str, last: str | None = None):
    """Cells of the columns from `first` to `last` (or the end) one to the right; the last one's stand under the first."""
    a, b = rows[0].index(first), rows[0].index(last) if last else len(rows[0]) - 1
    return [rows[0], *([*r[:a], r[b], *r[a:b], *r[b + 1 :]] for r in rows[1:])]


def exchanged(rows, one: str, two: str):
    """Two columns' cells exchanged."""
    a, b = rows[0].index(one), rows[0].index(two)

    def swap(row):
        row = list(row)
        row[a], row[b] = row[b], row[a]
        return row

    return [rows[0], *map(swap, rows[1:])]


def times(rows, factor: float, *names: str, where=lambda row: True):
    """Columns multiplied by a factor, in the rows for which `where` holds."""
    at = [rows[0].index(name) for name in names]

    def scaled(row):
        row = list(row)
        for i in at:
            plain = row[i].replace(",", "")
            if where(row) and plain.replace(".", "").replace("-", "").isdigit():
                value = float(plain) * factor
                row[i] = str(int(value)) if value == int(value) else repr(round(value, 6))
        return row

    return [rows[0], *map(scaled, rows[1:])]


def cut(rows, share: float = 0.45):
    """The first rows only."""
    return [rows[0], *rows[1 : 1 + int(share * (len(rows) - 1))]]


def renamed(rows, old: str, new: str):
    """Each cell that is `old` as `new`: last month's file under this month's date."""
    return [rows[0], *([new if cell == old else cell for cell in row] for row in rows[1:])]

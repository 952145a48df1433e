"""What the tests of collections share: reading and validating a file, real or made up, and saying what came of it."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from trust_benchmarks.reading import read
from trust_benchmarks.validation import validate


@dataclass(frozen=True)
class Result:
    """A reading and its outcome, with the questions that tests ask."""

    reading: read.Reading
    outcome: validate.Outcome

    def counts(self) -> dict[tuple[str, str], int]:
        """(rule, severity) -> findings."""
        return dict(Counter(self.outcome.findings.select("rule_id", "severity").rows()))

    def of(self, rule_id: str) -> list[dict]:
        """The findings of a rule, in the order of the file."""
        return self.outcome.findings.filter(pl.col("rule_id") == rule_id).to_dicts()

    def sites(self) -> pl.DataFrame:
        """The records about sites."""
        return self.outcome.records.filter(pl.col("level") == "site")


def result_of(collection: str, file_name: str, content: bytes) -> Result:
    """Reads and validates, and checks what must hold for every file."""
    reading = read.read(content, file_name, collection)
    outcome = validate.validate(reading)
    assert outcome.rows_read == outcome.rows_recorded + outcome.rows_rejected + outcome.rows_held
    assert outcome.records.height == outcome.rows_recorded
    assert (outcome.state == validate.HELD) == (outcome.findings["severity"] == "hold").any()
    if outcome.state == validate.HELD:
        assert (outcome.rows_recorded, outcome.rows_rejected) == (0, 0)
    assert all(len(message) > 20 for message in outcome.findings["message"])
    return Result(reading, outcome)


@cache
def _real(collection: str, path: Path) -> Result:
    return result_of(collection, path.name, path.read_bytes())


@pytest.fixture(scope="session")
def real(shared_data):
    """A function (collection, path below the shared data) -> Result; a file is read once a session."""
    return lambda collection, path: _real(collection, shared_data / path)


@pytest.fixture(scope="session")
def made_up():
    """A function (collection, file name, text or bytes) -> Result, for files that the tests make up."""
    return lambda collection, name, content: result_of(
        collection, name, content.encode() if isinstance(content, str) else content
    )

"""Samples that several tests look at; each is written once."""

import csv

import pytest
from trust_benchmarks_local import sample


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The default sample with few procurement lines: its manifest (folder, counts)."""
    return sample.write(tmp_path_factory.mktemp("whole"), lines=60)


@pytest.fixture(scope="session")
def planted(whole) -> list[dict]:
    """The rows of its planted.csv."""
    with (whole.folder / "planted.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A year and a month of fifteen trusts in which nothing is wrong: its manifest."""
    return sample.write(tmp_path_factory.mktemp("sound"), seed=7, providers=15, lines=80, faults=False)

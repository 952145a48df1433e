"""The verdict on all rules at once agrees with pandera rule by rule, whatever is wrong with a return."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sizes import size
from trust_benchmarks import catalogue
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation import checks, validate
from trust_benchmarks_local import sample

COLLECTIONS = [name for name, declared in catalogue.all().items() if not declared.is_national]
NUMBERS = ("", " ", "-1", "0", "1", " 7 ", "12.0", "0.5", "1e12", "inf", "1,000", "n/a", "none", "9520000003005")
WORDS = (
    "yes",
    "NO",
    "x",
    "x" * 600,
    "ZZ9",
    "RY8",
    "ry8",
    "2025-06",
    "2025-13",
    "2025-02-30",
    "credit",
    "gtin",
    "każdy",
)
CELLS = st.sampled_from(NUMBERS + WORDS)
FAULTS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), CELLS), max_size=6)


@pytest.fixture(scope="module")
def returns(tmp_path_factory):
    """A sound return of each trust collection: its name and its rows with the header."""
    folder = tmp_path_factory.mktemp("sound")
    sample.write(folder, seed=5, providers=4, periods=2, lines=30, faults=False)
    found = {}
    for collection in COLLECTIONS:
        # A collection without samples has a made-up valid return among its own tests.
        own = (Path(__file__).parents[1] / "collections" / collection).glob(f"{collection}_RY8_*[0-9].csv")
        path = min((folder / collection).glob("*.csv"), default=None) or min(own)
        found[collection] = path.name, list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    return found


def every_check(frame, collection, by_name):
    """In place of `checks._broken`: pandera is given all columns and all rules."""
    return checks.columns_of(collection), list(by_name)


def outcomes(collection: str, name: str, rows: list[list[str]], monkeypatch):
    """What validation makes of a return, with the verdict on all rules at once and rule by rule."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    reading = read(text.getvalue().encode(), name, collection)
    at_once = validate.validate(reading)
    with monkeypatch.context() as patch:
        patch.setattr(checks, "_broken", every_check)
        return at_once, validate.validate(reading)


@pytest.mark.parametrize("collection", COLLECTIONS)
@settings(
    max_examples=size(25, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(faults=FAULTS, repeated=st.integers(0, 3))
def test_verdict_agrees_with_pandera_rule_by_rule(collection, faults, repeated, returns, monkeypatch):
    name, (header, *rows) = returns[collection]
    rows = [list(row) for row in rows + rows[: max(0, repeated - 1)]]
    for row, column, cell in faults:
        rows[row % len(rows)][column % len(header)] = cell
    at_once, one_by_one = outcomes(collection, name, [header, *rows], monkeypatch)
    assert_frame_equal(at_once.findings, one_by_one.findings)
    assert_frame_equal(at_once.records, one_by_one.records)
    assert (at_once.state, at_once.rows_rejected) == (one_by_one.state, one_by_one.rows_rejected)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_sound_return_is_judged_by_one_check(collection, returns, monkeypatch):
    name, rows = returns[collection]
    given_to_pandera = []
    real = checks.pa.DataFrameSchema.validate

    def counted(self, *args, **kwargs):
        given_to_pandera.append(len(self.checks) + len(self.columns))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(checks.pa.DataFrameSchema, "validate", counted)
    at_once, one_by_one = outcomes(collection, name, rows, monkeypatch)
    assert at_once.state == one_by_one.state == "accepted"
    assert given_to_pandera[0] == 1 and given_to_pandera[1] > 20


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_verdict_agrees_about_a_header_without_rows(collection, returns, monkeypatch):
    name, (header, *_) = returns[collection]
    at_once, one_by_one = outcomes(collection, name, [header], monkeypatch)
    assert_frame_equal(at_once.findings, one_by_one.findings)


def test_check_that_cannot_be_run_is_no_pass(returns, monkeypatch):
    name, rows = returns["workforce"]
    broken = checks.Rule("WF-X", "warn", ("fte",), checks.pl.col("nowhere") > 0, "-")
    monkeypatch.setattr(checks, "_usual", lambda collection: [broken])
    with pytest.raises(RuntimeError, match="could not be checked"):
        outcomes("workforce", name, rows, monkeypatch)

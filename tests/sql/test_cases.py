"""The SQL against small cases whose figures were worked out by hand (folders of inputs and of what must come out)."""

import re

import polars as pl
import pytest
import sql_cases
from trust_benchmarks import sql
from trust_benchmarks.measures import measure

CASES = sql_cases.folders()
# What names the rows that an expected file must hold all of; the other outputs must be equal as a whole.
ALL_OF = {"measures": "metric_id", "benchmarks": "metric_id", "comparisons": "metric_id"}


def test_there_are_cases_for_every_measures_file():
    files = {p.stem for p in (sql.FOLDER / "measures").glob("*.sql") if not p.stem.startswith("_")}
    assert {case.parent.name for case in CASES} == files


def _name(case):
    return f"{case.parent.name}/{case.name}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_case_is_complete(case):
    assert sql_cases.missing(case) == []


def test_an_incomplete_case_is_named(tmp_path):
    (tmp_path / "records.csv").write_text("\n")
    problems = sql_cases.missing(tmp_path)
    assert "README.md is not there" in problems
    assert "records.csv is empty" in problems
    assert "no expected_*.csv says what must come out" in problems


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_case(case, tmp_path):
    results = measure.compute(sql_cases.inputs(case, tmp_path))
    for path in sorted(case.glob("expected_*.csv")):
        name = path.stem.removeprefix("expected_")
        expected = sql_cases.texts(path)
        found = getattr(results, name)
        if name in ALL_OF:
            found = found.filter(pl.col(ALL_OF[name]).is_in(expected[ALL_OF[name]].unique().to_list()))
        types = {column: found.schema[column] for column in expected.columns}
        wanted = _rows(expected.select(sql_cases.typed(expected, types)))
        got = _rows(found.select(expected.columns))
        assert got == [tuple(_near(v) for v in row) for row in wanted], f"{path}\n{_shown(got)}"


def _rows(frame: pl.DataFrame) -> list[tuple]:
    return sorted(
        frame.rows(), key=lambda row: tuple((v is not None, str(v) if isinstance(v, str) else v) for v in row)
    )


def _near(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def _shown(rows) -> str:
    return "found:\n" + "\n".join(",".join("" if v is None else str(v) for v in row) for row in rows)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_messages_say_what_was_found_what_was_expected_and_what_to_do(case, tmp_path):
    for message in measure.compute(sql_cases.inputs(case, tmp_path)).cross_findings["message"]:
        found, expected, following = re.split(r"(?<=[.)]) (?=[A-Z])", message, maxsplit=2)
        assert expected.startswith("Expected"), message
        assert re.match(r"(Correct|Confirm|Check|Add|Send)", following.split(". ")[-1]) or " or " in following, message
        assert re.search(r"\d", found), message
        assert "None" not in message and "NULL" not in message

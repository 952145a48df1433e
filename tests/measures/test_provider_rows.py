"""Rows sent, used and warned about are counted by provider, kept as facts, and given to what computes figures."""

import flow
import polars as pl
import pytest
from trust_benchmarks import schemas
from trust_benchmarks.measures import measure
from trust_benchmarks.reading import findings
from trust_benchmarks.reading.read import read
from trust_benchmarks.releases import inputs as release_inputs
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stores import warehouse
from trust_benchmarks.validation import parse, provider_rows, validate


def national(shared_data, change=lambda text: text):
    content = (shared_data / "workforce/sickness_absence_2024-04.csv").read_text()
    return flow.checked(change(content).encode(), "sickness_absence_2024-04.csv", "sickness_absence")


def counts(outcome: validate.Outcome) -> dict:
    return {code: tuple(rest) for code, *rest in outcome.provider_rows.rows()}


def totals(outcome):
    return tuple(outcome.provider_rows.select("rows_sent", "rows_used").sum().row(0))


def test_a_return_by_trust_counts_for_its_sender():
    content = flow.workforce(change=lambda rows: rows[2].update(fte="500"))
    outcome = flow.checked(flow.workforce(), "workforce_RA9_2025-06.csv", "workforce")
    assert counts(outcome) == {"RA9": (10, 10, 0)}
    held = flow.checked(content, "workforce_RA9_2025-06.csv", "workforce")
    assert held.state == "held" and not held.provider_rows.height


def test_a_national_file_counts_for_each_code_and_every_row_once(shared_data):
    outcome = national(shared_data)
    assert totals(outcome) == (outcome.rows_read, outcome.rows_recorded)
    warned = outcome.findings.filter(pl.col("severity") == "warn")["line"].n_unique()
    assert outcome.provider_rows["rows_warned"].sum() == warned


def test_a_wrong_row_is_sent_and_not_used_and_one_without_a_code_is_nobodys(shared_data):
    def change(text):
        lines = text.splitlines()
        for number, line in enumerate(lines):
            cells = line.split(",")
            if "RA9" in cells or '"RA9"' in cells:
                lines[number] = line.replace("RA9", "RA9999")
            if "RHA" in cells or '"RHA"' in cells:
                cells[-3] = "plenty"
                lines[number] = ",".join(cells)
        return "\n".join(lines) + "\n"

    sound, outcome = national(shared_data), national(shared_data, change)
    assert totals(outcome) == (outcome.rows_read, outcome.rows_recorded)
    assert counts(outcome)["RHA"][:2] == (1, 0)
    assert counts(outcome)[None][0] == counts(sound).get(None, (0,))[0] + 1
    assert "RA9" not in counts(outcome)


def test_a_warning_about_the_whole_file_is_on_every_row():
    reading = read(flow.workforce(), "workforce_RA9_2025-06.csv", "workforce")
    tables = [parse.Parsed(one, schemas.load("workforce"), reading.layout, "trust") for one in reading.tables]
    given = [(one, pl.Series([3], dtype=pl.Int64)) for one in tables]
    warning = findings.one("FIL-X", "Something about the file.", severity="warn")
    found = warning.with_columns(decision_id=pl.lit(None, pl.Int64))
    assert provider_rows.count(reading, given, found).row(0) == ("RA9", 10, 9, 10)
    passed_over = warning.with_columns(decision_id=pl.lit(7, pl.Int64))
    assert provider_rows.count(reading, given, passed_over).row(0) == ("RA9", 10, 9, 0)


PERIOD = "2025-06"


@pytest.fixture(scope="module")
def accepted(shared_world):
    """Two returns; that of RA9 has one wrong cell, so that WF-R2 warns of the whole, and is accepted by a decision."""
    flow.put_return("RHA", PERIOD, flow.workforce("RHA"))
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", change=lambda rows: rows[2].update(fte="500")))
    flow.take_in()
    (held,) = flow.rows("SELECT submission_id FROM intake.submissions WHERE sender = 'RA9'")
    with warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, decisions.Draft("accept", held[0], "By telephone."), "amy")
    with warehouse.connect("steward_desk") as connection:
        decisions.verdict(connection, number, "ben", True)
    flow.take_in()
    return shared_world


def test_the_counts_are_facts_of_each_validation_and_inputs_of_figures(accepted):
    rows = flow.rows(
        """SELECT s.sender, p.provider_code, p.rows_sent, p.rows_used, p.rows_warned, v.decisions <> '{}'
           FROM core.provider_rows p JOIN core.validation v USING (submission_id, rules_version) JOIN core.submission s USING (submission_id)
           ORDER BY 1"""
    )
    assert rows == [("RA9", "RA9", 10, 9, 10, True), ("RHA", "RHA", 10, 10, 0, False)]
    with warehouse.connect() as connection:
        loaded = release_inputs.load(connection, "workforce", PERIOD)
    given = loaded.inputs.provider_rows
    assert list(given.columns) == list(measure.PROVIDER_ROWS)
    assert sorted(given.rows(), key=lambda row: row[1]) == [
        (given.filter(provider_code="RA9")["submission_id"][0], "RA9", 10, 9, 10),
        (given.filter(provider_code="RHA")["submission_id"][0], "RHA", 10, 10, 0),
    ]
    (decided,) = loaded.decided
    assert decided.plain_path is None and not decided.plain_rows.height

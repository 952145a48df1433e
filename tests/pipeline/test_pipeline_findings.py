"""A file that is wrong throughout: the ledger lists some findings and counts all, and whoever needs all of them gets all."""

import csv
import io
import json
from collections import Counter
from datetime import date, timedelta

import flow
import polars as pl
import pytest
from trust_benchmarks.cli import all_findings as listing
from trust_benchmarks.cli import warehouse as questions
from trust_benchmarks.cli.output import Format
from trust_benchmarks.operations import heal
from trust_benchmarks.records import all_findings, findings_kept, sweep
from trust_benchmarks.records.validate_and_record import validate_and_record_one
from trust_benchmarks.stewardship import decisions, replay, summary, workbook
from trust_benchmarks.stewardship.decisions import Draft, Refused
from trust_benchmarks.stewardship.preview import preview
from trust_benchmarks.stores import objects, settings, warehouse
from trust_benchmarks.validation import decisions_applied

ROWS = 400
NAME = "workforce_RA9_2025-06_v1.csv"
GROUP = ["rule_id", "severity", "responsible", "column_name"]
OF_A_RULE, OF_A_SUBMISSION = findings_kept.limits()


def wrong_throughout() -> bytes:
    """In every row one cell is no number, and there are more whole-time people than heads."""
    rows = [
        row | {"joiners_hc": f"some {at}", "fte": "500"} for at, row in enumerate(flow.workforce_rows() * (ROWS // 10))
    ]
    return flow.text(rows)


def findings(*groups: tuple[str, str, int]) -> pl.DataFrame:
    """Made-up findings: (rule, column, how many), a row each after the other."""
    rows = [
        {"rule_id": rule, "severity": "reject", "responsible": "trust", "scope": "cell", "line": line, "column_name": column, "message": f"{rule} {line}"}
        for rule, column, many in groups
        for line in range(2, many + 2)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=decisions_applied.COLUMNS)


def kept(*groups: tuple[str, str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    everything = findings_kept.numbered(findings(*groups))
    listed = findings_kept._listed(everything)
    assert listed.equals(everything.filter(pl.col("number").is_in(listed["number"].implode())))
    return listed, findings_kept._counts(everything, listed)


def test_few_findings_are_all_listed_and_counted():
    listed, counts = kept(("A", "x", OF_A_RULE), ("B", "y", 1))
    assert listed.height == OF_A_RULE + 1
    assert counts.select("rule_id", "column_name", "findings", "listed", "first_line", "example").rows() == [
        ("A", "x", OF_A_RULE, OF_A_RULE, 2, "A 2"),
        ("B", "y", 1, 1, 2, "B 2"),
    ]


def test_of_many_the_first_of_each_column_are_listed_up_to_the_limit_of_a_rule():
    listed, counts = kept(("A", "x", 5000), ("A", "y", 300), ("A", "z", 1), ("B", "x", 7))
    by_column = Counter(listed.select("rule_id", "column_name").iter_rows())
    assert by_column == {("A", "x"): 100, ("A", "y"): 99, ("A", "z"): 1, ("B", "x"): 7}
    assert listed.filter(rule_id="A", column_name="y")["line"].to_list() == list(range(2, 101))
    assert dict(counts.select("rule_id", "findings").group_by("rule_id").sum().rows()) == {"A": 5301, "B": 7}


def test_every_column_of_a_rule_is_listed_and_no_file_has_more_than_its_limit():
    listed, counts = kept(*(("A", f"c{n}", 3) for n in range(OF_A_RULE + 50)))
    assert listed["column_name"].n_unique() == listed.height == counts.height == OF_A_RULE + 50
    listed, counts = kept(*(("A", f"c{n}", 2) for n in range(OF_A_SUBMISSION + 500)))
    assert (listed.height, counts.height, counts["findings"].sum()) == (
        OF_A_SUBMISSION,
        OF_A_SUBMISSION + 1,
        2 * (OF_A_SUBMISSION + 500),
    )
    assert counts.filter(column_name=findings_kept.FURTHER).select("findings", "listed", "example").rows() == [
        (1000, 0, f"A {2}")
    ]


@pytest.fixture(scope="module")
def held(shared_world) -> tuple[str, pl.DataFrame]:
    """A return with such findings, and all of them as validation gives them."""
    flow.put_return("RA9", "2025-06", wrong_throughout())
    flow.take_in()
    found = findings_kept.numbered(flow.checked(wrong_throughout(), NAME, "workforce").findings)
    submission_id = flow.value("SELECT submission_id FROM intake.submissions WHERE state = 'held'")
    return submission_id, found


def object_of(submission_id: str) -> str:
    return flow.value("SELECT findings_key FROM intake.validations WHERE submission_id = %s", [submission_id])


def test_the_ledger_lists_some_and_counts_all(held):
    submission_id, found = held
    assert found.height > 4 * OF_A_RULE
    listed = flow.rows(
        "SELECT rule_id, count(*) FROM core.finding WHERE submission_id = %s GROUP BY 1", [submission_id]
    )
    assert max(many for _, many in listed) == OF_A_RULE
    exact = Counter(found.select(GROUP).iter_rows())
    query = "SELECT {}, findings FROM {} WHERE submission_id = %s".format(", ".join(GROUP), "{}")
    counted = flow.rows(query.format("intake.finding_counts") + " AND rule_id NOT LIKE 'SUB%%'", [submission_id])
    assert {tuple(row[:4]): row[4] for row in counted} == exact
    tasks = {tuple(row[:4]): row[4] for row in flow.rows(query.format("intake.tasks"), [submission_id])}
    assert tasks == {group: many for group, many in exact.items() if group[1] != "info"}
    assert all_findings_of(submission_id).equals(found)


def all_findings_of(submission_id: str) -> pl.DataFrame:
    with warehouse.connect() as connection:
        return pl.read_parquet(all_findings.file(connection, submission_id))


def test_whoever_needs_all_of_them_gets_all(held, capsys):
    from trust_benchmarks.desk import downloads  # loads Airflow, which the collection of tests does without

    submission_id, found = held
    other = flow.value("SELECT count(*) FROM intake.findings WHERE number IS NULL")
    with warehouse.connect("steward_desk") as connection:
        in_workbook = workbook.findings_of(connection, submission_id)
        assert f"{ROWS} findings" in summary.text(connection, submission_id)
        path = all_findings.file(connection, submission_id)
    assert in_workbook.filter(~pl.col("rule_id").str.starts_with("SUB")).equals(found.select(in_workbook.columns))
    assert in_workbook.height == found.height + other
    table = list(csv.DictReader(io.StringIO(b"".join(downloads._lines(submission_id, path)).decode("utf-8-sig"))))
    assert len(table) == found.height + other
    ids = {row["finding_id"] for row in table}
    assert len(ids) == len(table)
    assert ids >= {
        one for (one,) in flow.rows("SELECT finding_id FROM intake.findings WHERE submission_id = %s", [submission_id])
    }
    listing.listing(submission_id, "VAL-TYPE", None, False, Format.csv, None)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == found.filter(rule_id="VAL-TYPE").height
    assert (rows[0]["sender"], rows[0]["line"]) == ("RA9", "2")
    questions.findings(submission_id, None, None, None, "reject", None, Format.json, None, open_only=True)
    assert len(json.loads(capsys.readouterr().out)) == found.filter(severity="reject").height
    questions.findings(None, "workforce", None, "WF-R1", None, None, Format.table, 5)
    assert f"Only the first {OF_A_RULE} of {ROWS} findings of 1 submission" in capsys.readouterr().err


def test_a_waiver_of_a_rule_covers_all_its_cells(held, monkeypatch):
    submission_id, found = held
    few = found.filter(rule_id="WF-R1", column_name="fte").height
    with warehouse.connect("steward_desk") as connection:
        cells = decisions.cells_of(connection, submission_id, "WF-R1", "fte")
        assert len(cells) == len(set(cells)) == few == ROWS
        (last,) = decisions.cells_of(connection, submission_id, "WF-R1", "fte", lines=[ROWS + 1])
        assert last == cells[-1]
        draft = Draft(
            "waive",
            submission_id,
            "They are few.",
            rule_id="WF-R1",
            column_name="fte",
            cells=cells,
            until=date.today() + timedelta(9),
        )
        number = decisions.decide(connection, draft, "amy")
        decisions.verdict(connection, number, "ben", True)
    with warehouse.connect() as connection:
        validate_and_record_one(connection, submission_id)
    query = "SELECT covered, findings FROM intake.finding_counts WHERE rule_id = 'WF-R1' AND column_name = 'fte'"
    assert flow.rows(query) == [(ROWS, ROWS)]
    with warehouse.connect("steward_desk") as connection:
        undo = Draft("undo", submission_id, "They are many.", undoes=number)
        decisions.verdict(connection, decisions.decide(connection, undo, "amy"), "ben", True)
        monkeypatch.setattr(decisions, "MOST_CELLS", ROWS - 1)
        with pytest.raises(Refused, match=f"names {ROWS}"):
            decisions.cells_of(connection, submission_id, "WF-R1", "fte")


def test_a_preview_names_the_rows_that_would_be_left_out(held):
    """Nothing of a preview is in the object store, its findings neither."""
    submission_id, _ = held
    flow.put_return("RNU", "2025-06", flow.workforce("RNU"))
    flow.take_in()
    before = {one.key for one in objects.listing(settings.load().records)}
    found = preview(Draft("accept", submission_id, "The deadline has come."), "amy")
    (left_out,) = [one for one in found.missing if "would be left out" in one]
    assert left_out.startswith(f"{ROWS} of {ROWS} rows would be left out: line 2 ")
    assert left_out.endswith(f"and {ROWS - 10} more.")
    assert {one.key for one in objects.listing(settings.load().records)} == before


@pytest.mark.usefixtures("held")
def test_nothing_moves_when_it_comes_to_the_same():
    found = replay.replay("workforce", accepted_too=True)
    assert (found.read, found.same, found.rules) == (2, 2, [])


def test_the_object_is_neither_swept_nor_lost(held):
    submission_id, found = held
    key, bucket = object_of(submission_id), settings.load().records
    sweep.sweep(timedelta(seconds=-60))
    content, _ = objects.get(bucket, key)
    objects.delete(bucket, [key])
    looked = heal.heal(only_look=True)
    assert [one for one in looked.lost if key in one and submission_id in one]
    assert heal.heal().lost == []
    assert objects.get(bucket, key)[0] == content
    for path in settings.load().cache.glob("*/*"):
        path.unlink()
    assert all_findings_of(submission_id).equals(found)

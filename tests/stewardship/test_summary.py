"""What a trust is written about its return, and its workbook, from real stores: a held return, its answer, and the comparison."""

import io
from datetime import UTC, datetime, timedelta

import flow
import hostile
import openpyxl
import polars as pl
import pytest
from trust_benchmarks.ingest import manifest
from trust_benchmarks.reading import findings, harmless
from trust_benchmarks.stewardship import compare, submitted_file, summary, workbook
from trust_benchmarks.stewardship.submitted_file import Submission
from trust_benchmarks.stores import warehouse

SENT = datetime(2025, 7, 1, 8, 30, tzinfo=UTC)
DUE, CLOSES = SENT + timedelta(days=10), SENT + timedelta(days=40)
ABOUT = {
    "submission_id": "s1", "sha256": "x", "collection": "workforce", "period": "2025-06", "sender": "RA9", "name": "Example Trust", "version": 1,
    "file_name": "workforce_RA9_2025-06_v1.csv", "received_at": SENT, "state": "held", "rows_read": 10, "rows_recorded": 0,
    "rows_rejected": 0, "rows_held": 10, "is_sample": False, "is_newest": True, "is_returned": False,
    "due": DUE, "closes": CLOSES, "counting": None,
}  # fmt: skip


COVERED = {"decision_id": pl.lit(None, pl.Int64)}


def written(found, now=SENT, **more):
    return summary.summary(
        Submission(**(ABOUT | more)),
        found.with_columns(**COVERED) if "decision_id" not in found.columns else found,
        now,
    )


def of(change=lambda rows: None):
    return flow.checked(flow.workforce(change=change), ABOUT["file_name"], "workforce").findings


def test_a_held_return():
    def wrong(rows):
        for row in rows[:7]:
            row["headcount"] = "many"
        rows[9]["period"] = ""

    said = written(of(wrong))
    assert said.startswith("Workforce, 2025-06\nRA9 Example Trust\n\nWHAT WE RECEIVED\n")
    assert (
        "version 1, received 1 July 2025, 09:30 (the deadline is 11 July 2025, 09:30)." in said
    )  # British summer time
    assert "State: held: not included in published figures until it is corrected." in said
    assert "10 rows read: 0 recorded, 0 left out, 10 held." in said
    assert (
        "- VAL-TYPE in headcount: 7 findings (lines 2, 3, 4, 5, 6 and 2 more).\n  For example: 'many' is not a valid value for"
        in said
    )
    assert "- VAL-MISSING in period: 1 finding (line 11).\n  Month that the return is about is missing." in said
    assert said.index("CEILING") < said.index("VAL-TYPE")  # what holds the whole comes first
    assert "send the whole return again" in said and "Send the corrected return by 11 July 2025, 09:30." in said
    assert "Traceback" not in said and "{" not in said


@pytest.mark.parametrize(
    ("now", "more", "words"),
    [
        (DUE - timedelta(1), {}, "Send the corrected return by 11 July 2025, 09:30."),
        (DUE + timedelta(1), {}, "The deadline of 11 July 2025, 09:30 has passed. Send the corrected return as soon as you can. The last day is 10 August"),
        (CLOSES + timedelta(1), {}, "The period closed on 10 August 2025, 09:30. A return that you send now is included in the next refresh"),
        (DUE + timedelta(1), {"closes": None}, "has passed. Send the corrected return as soon as you can."),
        (SENT, {"due": None, "closes": None}, "\nSend the corrected return as soon as you can."),
        (SENT, {"is_newest": False}, "A newer version of this return has been received. No action needed for this one."),
        (SENT, {"is_returned": True}, "State: returned to you: not included in published figures until you send a corrected version."),
        (SENT, {"counting": "s0"}, "until it is corrected. The version that was accepted before is still included."),
        (SENT, {"received_at": DUE + timedelta(2)}, "(late: the deadline was 11 July 2025, 09:30)"),
        (SENT, {"is_sample": True}, "SAMPLE DATA: this return was made up."),
        (SENT, {"sender": None, "name": None, "period": None}, "Workforce, period not known\nsender not known\n"),
        (SENT, {"rows_read": None, "state": "received"}, "State: received, not checked yet."),
    ],
)  # fmt: skip
def test_by_when_and_how_it_stands(now, more, words):
    assert words in written(of(lambda rows: rows[0].update(headcount="many")), now, **more)


def test_nothing_is_asked_where_nothing_is_wrong():
    said = written(of(), state="accepted", rows_recorded=10, rows_held=0)
    assert (
        said.endswith("WHAT TO DO\nNothing. Thank you.\n\nSubmission s1\n")
        and "by 11 July" not in said.split("WHAT TO DO")[1]
    )


def test_warnings_ours_passed_over_and_information_are_told_apart():
    found = findings.join(
        [
            findings.one("WF-R5", "Check both.", severity="warn", scope="row", line=3, column_name="fte"),
            findings.one("STR04", "We must add it.", severity="warn", responsible="us"),
            findings.one("SUB01", "Received late.", severity="info"),
        ]
    ).with_columns(decision_id=pl.lit(None, pl.Int64))
    passed = findings.one("WF-R1", "FTE exceeds.", severity="reject").with_columns(decision_id=pl.lit(4, pl.Int64))
    said = written(pl.concat([found, passed.select(found.columns)]), state="accepted_with_warnings")
    parts = [line for line in said.splitlines() if line.isupper() or line.startswith("WHAT ")]
    assert parts == [
        "WHAT WE RECEIVED", "WHAT TO CHECK (warnings alone leave nothing out)", "WHAT WE ARE LOOKING INTO (no action needed)", "FOR INFORMATION",
        "WHAT TO DO",
    ]  # fmt: skip
    assert "1 finding is covered by decisions: no action needed." in said and "WF-R1" not in said
    assert "If a value is wrong, correct it and send the whole return again. If it is right, tell us." in said


def test_many_kinds_are_counted_and_hostile_texts_are_shown_harmless():
    many = [
        findings.one("VAL-TYPE", text, raw_value=text, column_name=f"{n} {text}")
        for n, text in enumerate([*hostile.CONTENT.values()] * 2)
    ]
    said = written(findings.join(many), file_name="a\u202e\x1b[31m\r\nBcc: x.csv")
    assert all(line.isprintable() for line in said.splitlines()) and "\r" not in said
    assert f"And {len(many) - summary.SHOWN_KINDS} more kinds of findings: the workbook lists them all." in said
    assert "a[U+202E]␛[31m␍␊Bcc: x.csv, version 1" in said
    assert max(map(len, said.splitlines())) < 2 * summary.SHOWN_MESSAGE


# From the stores -----------------------------------------------------------------------------------------------------


def test_a_held_return_is_answered_by_its_workbook(shared_world, tmp_path):
    flow.put_return("RA9", "2025-06", flow.workforce(change=lambda rows: rows[3].update(headcount="=many")))
    flow.take_in()
    ((first,),) = flow.rows("SELECT submission_id FROM intake.submissions")
    path = tmp_path / "back.xlsx"
    with warehouse.connect() as connection:
        said = summary.text(connection, first)
        workbook.build(connection, first, path)
        assert compare.of_submissions(connection, first) is None
        for call in (summary.text, compare.of_submissions, submitted_file.content_of):
            with pytest.raises(LookupError, match="There is no submission 'none'"):
                call(connection, "none")
    assert (
        "VAL-TYPE in headcount: 1 finding (line 5)" in said and "State: held" in said and f"Submission {first}" in said
    )
    book = openpyxl.load_workbook(path)
    assert book["return"]["D5"].value == "=many" and book["return"]["D5"].comment
    book["return"]["D5"] = 130
    book["return"]["P2"] = 9999
    out = io.BytesIO()
    book.save(out)
    flow.put("workforce/workforce_RA9_2025-06_to_correct.xlsx", out.getvalue())
    flow.take_in()
    ((second, state),) = flow.rows("SELECT submission_id, state FROM intake.submissions WHERE version = 2")
    assert state == "accepted" and manifest.answered(out.getvalue()).submission_id == first
    assert flow.rows("SELECT submission_id, answers FROM core.answer") == [(second, first)]
    with warehouse.connect() as connection:
        made = compare.of_submissions(connection, second)
        assert "Nothing. Thank you." in summary.text(connection, second)
        assert "A newer version of this return has been received." in summary.text(connection, first)
    assert made.answers
    assert (made.before, made.after, made.version_before, made.version_after) == (first, second, 1, 2)
    assert "VAL-TYPE" in set(made.fixed["rule_id"]) and made.still.height == made.new.height == 0
    assert made.unasked.select("column_name", "before", "after").rows() == [("agency_pay_gbp", "2500.5", "9999")]
    assert harmless.harmless(said, None, keep="\n") == said


def test_the_desk_may_read_what_these_need(shared_world, tmp_path):
    (newest,) = flow.rows("SELECT submission_id FROM intake.submissions ORDER BY version DESC LIMIT 1")[0]
    with warehouse.connect("steward_desk") as connection:
        assert summary.text(connection, newest) and compare.of_submissions(connection, newest).after == newest
        workbook.build(connection, newest, tmp_path / "one.xlsx")

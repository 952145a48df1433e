"""Decisions on real stores: what is allowed, what they do to records and figures, and that the preview equals the release."""

import os
import signal
import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path

import flow
import psycopg
import pytest
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stewardship.decisions import Cell, Draft, Refused
from trust_benchmarks.stewardship.preview import preview
from trust_benchmarks.stores import objects, settings, warehouse
from trust_benchmarks.validation import decisions_applied
from worlds import copy_of

PERIOD = "2025-06"
LATER = date.today() + timedelta(days=30)
MEASURES = """SELECT metric_id, value, numerator, denominator, percentile_rank, quality_flag FROM published.measures
              WHERE provider_code = %s AND period = %s ORDER BY 1"""


def too_many(rows):
    """One cell out of range: more FTE than heads."""
    rows[2]["fte"] = "500"


@pytest.fixture(scope="module")
def first(shared_world):
    """Eight trusts; the return of RA9 is held."""
    for number, ods in enumerate(flow.TRUSTS):
        content = flow.workforce(ods, PERIOD, scale=1 + number / 10, change=too_many if ods == "RA9" else list)
        flow.put_return(ods, PERIOD, content)
    flow.take_in()
    flow.release()
    assert state("RA9") == "held"
    return shared_world


@pytest.fixture
def month(first):
    """The same for one test alone. What it puts into the inbox stays there, and its copy of the log knows nothing of it."""
    with copy_of(first) as world:
        yield world
        for entry in objects.listing(settings.load().inbox, "workforce/"):
            if "_v1" not in entry.key:
                objects.delete(settings.load().inbox, [entry.key])


def submission(ods="RA9", version=1) -> str:
    return flow.value(
        "SELECT submission_id FROM intake.submissions WHERE sender = %s AND version = %s AND period = %s",
        [ods, version, PERIOD],
    )


def state(ods="RA9", version=1) -> str:
    return flow.value("SELECT state FROM intake.submissions WHERE submission_id = %s", [submission(ods, version)])


def decide(draft: Draft, author="amy", approver: str | None = "ben") -> int:
    with warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, draft, author)
    if approver:
        approve(number, approver)
    return number


def approve(number: int, person="ben", yes=True) -> None:
    with warehouse.connect("steward_desk") as connection:
        decisions.verdict(connection, number, person, yes)


def cells(ods="RA9", rule_id=None, version=1) -> tuple[Cell, ...]:
    with warehouse.connect("steward_desk") as connection:
        return decisions.cells_of(connection, submission(ods, version), rule_id)


def accept(**more) -> Draft:
    return Draft("accept", submission(), "The trust confirmed it by telephone.", **more)


def correct(value="108.0") -> Draft:
    (cell,) = cells(rule_id="WF-R1")
    return Draft(
        "correct",
        submission(),
        "A digit too many.",
        rule_id="WF-R1",
        cells=(cell,),
        new_value=value,
        value_source="Mail of the trust",
    )


def effect(number: int) -> decisions.Effect:
    with warehouse.connect("steward_desk") as connection:
        return decisions.effect(connection, number)


def published(ods="RA9") -> list[tuple]:
    return flow.rows(MEASURES, [ods, PERIOD])


def test_an_acceptance_counts_once_a_second_person_approved_it(month):
    expected = preview(accept())
    assert (expected.state_before, expected.counts_before) == ("held", None)
    assert (expected.rows_recorded_after, expected.rows_rejected_after, expected.counts_after) == (9, 1, 1)
    number = decide(accept(expected_release=expected.release_after), approver=None)
    assert effect(number).state == "proposed"
    assert flow.take_in() == {"received": 0, "again": 0}, "a proposal changes nothing"
    with pytest.raises(Refused, match="Whoever made a decision cannot approve"):
        approve(number, " AMY ")
    approve(number)
    assert effect(number).state == "queued"
    assert flow.take_in() == {"received": 0, "again": 0, "accepted_with_warnings": 1}
    assert effect(number).state == "measuring"
    assert flow.release()
    assert effect(number) == ("published", expected.release_after)
    before = flow.snapshot()
    assert (flow.take_in(), flow.release()) == ({"received": 0, "again": 0}, [])
    assert flow.snapshot() == before


def test_the_release_equals_the_preview_to_the_last_digit(month):
    expected = preview(correct())
    decide(correct())
    flow.take_in()
    flow.release()
    assert expected.measures and any(one["changed"] for one in expected.measures)
    names = ("value", "numerator", "denominator", "rank", "quality")
    assert [(one["metric_id"], *(one[f"{name}_after"] for name in names)) for one in expected.measures] == published()
    ranks = dict(
        flow.rows(
            "SELECT provider_code || metric_id, percentile_rank FROM published.measures WHERE period = %s", [PERIOD]
        )
    )
    for one in expected.other_changes:
        assert min(4, int(ranks[one["provider_code"] + one["metric_id"]] // 25) + 1) == one["quartile_after"]
    assert flow.value("SELECT release_id FROM core.standing WHERE period = %s", [PERIOD]) == expected.release_after


def test_a_preview_keeps_nothing(month):
    before = flow.snapshot()
    preview(correct())
    preview(accept())
    assert flow.snapshot() == before
    assert flow.value("SELECT count(*) FROM core.decision") == 0


def test_a_preview_says_what_would_be_missing_before_part_of_a_return_is_accepted(month):
    rows, *others = preview(accept()).missing
    assert rows.startswith("1 of 10 rows would be left out: line 4 (staff group ")
    withheld = next(one for one in others if "would not be shown" in one)
    assert "WF01" in withheld and "Rows of the trust were rejected" in withheld
    decide(accept())
    flow.take_in()
    flow.release()
    said = flow.rows(
        "SELECT metric_id FROM published.measures WHERE provider_code = 'RA9' AND withheld = 'ROWS_REJECTED' AND period = %s",
        [PERIOD],
    )
    assert said and all(metric in withheld for (metric,) in said)


def test_a_preview_of_a_whole_return_has_nothing_missing(month):
    assert preview(correct()).missing == []


def test_figures_carry_the_decision_that_they_rest_on_and_others_do_not(month):
    number = decide(correct())
    flow.take_in()
    flow.release()
    marked = dict(flow.rows("SELECT metric_id, decisions FROM published.measures WHERE provider_code = 'RA9'"))
    assert marked["WF01"] == [number]
    assert flow.value("SELECT count(*) FROM published.measures WHERE provider_code <> 'RA9' AND decisions <> '{}'") == 0


def test_undoing_takes_two_as_well_and_brings_the_old_figures_back(month):
    before = published()
    number = decide(accept())
    flow.take_in()
    flow.release()
    assert published() != before
    undo = decide(Draft("undo", submission(), "It was the wrong trust.", undoes=number), author="ben", approver=None)
    assert effect(undo).state == "proposed"
    approve(undo, "amy")
    assert state() == "held"
    flow.take_in()
    flow.release()
    assert published() == before
    with pytest.raises(Refused, match="is undone already"):
        decide(Draft("undo", submission(), "Again.", undoes=number))
    decide(accept())  # and it can be decided anew
    flow.take_in()
    assert state() == "accepted_with_warnings"


def test_a_proposal_is_withdrawn_by_its_author_alone(month):
    number = decide(accept(), approver=None)
    with pytest.raises(Refused, match="Only amy withdraws"):
        decide(Draft("undo", submission(), "No.", undoes=number), author="ben")
    decide(Draft("undo", submission(), "No.", undoes=number), author="amy", approver=None)
    with pytest.raises(Refused, match="is withdrawn already"):
        approve(number)


def test_a_waiver_lets_the_row_count_until_its_date(month, monkeypatch):
    draft = Draft(
        "waive", submission(), "A known exception.", rule_id="WF-R1", cells=cells(rule_id="WF-R1"), until=LATER
    )
    decide(draft)
    flow.take_in()
    assert state() in ("accepted", "accepted_with_warnings")
    assert flow.value("SELECT rows_recorded FROM intake.submissions WHERE submission_id = %s", [submission()]) == 10
    with flow.as_owner() as connection:  # the day after its last day
        connection.execute(
            "CREATE OR REPLACE FUNCTION core.today() RETURNS date LANGUAGE sql AS $$ SELECT date '2100-01-01' $$"
        )
    assert flow.value("SELECT state FROM intake.decisions") == "ended"
    flow.take_in()
    assert state() == "held"


def resubmit(change) -> None:
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, change=change), version=2)
    flow.take_in()


def test_a_waiver_follows_the_value_into_the_next_version_and_reopens_when_it_changes(month):
    decide(Draft("waive", submission(), "Known.", rule_id="WF-R1", cells=cells(rule_id="WF-R1"), until=LATER))

    def same_but_moved(rows):
        too_many(rows)
        rows.reverse()
        rows[0]["leavers_hc"] = "2"

    resubmit(same_but_moved)
    assert state(version=2) in ("accepted", "accepted_with_warnings")

    def other_value(rows):
        rows[2]["fte"] = "501"

    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, change=other_value), version=3)
    flow.take_in()
    assert state(version=3) == "held"


def test_a_correction_follows_too_and_refuses_where_the_cell_says_something_else(month):
    decide(correct())
    flow.take_in()
    assert state() == "accepted"
    resubmit(lambda rows: (too_many(rows), rows.reverse()))
    assert state(version=2) == "accepted"
    flow.put_return(
        "RA9", PERIOD, flow.workforce("RA9", PERIOD, change=lambda rows: rows[2].update(fte="400")), version=3
    )
    flow.take_in()
    assert state(version=3) == "held"
    found = dict(
        flow.rows("SELECT rule_id, message FROM intake.findings WHERE submission_id = %s", [submission(version=3)])
    )
    assert "the cell now says '400'" in found["DEC-GONE"]


def test_a_waiver_for_the_provider_and_period_covers_what_comes(month):
    decide(Draft("waive", submission(), "No system in June.", rule_id="WF-R1", provider_code="RA9", until=LATER))
    resubmit(lambda rows: rows[3].update(fte="700"))
    assert state(version=2) in ("accepted", "accepted_with_warnings")


def test_hold_and_return_take_a_return_out_of_the_figures(month):
    held = decide(Draft("hold", submission("RHA"), "The trust rang: wrong month."))
    flow.take_in()
    assert (state("RHA"), flow.value("SELECT count(*) FROM core.counting WHERE sender = 'RHA'")) == ("held", 0)
    with pytest.raises(Refused, match="Undo it first"):
        decide(Draft("return", submission("RHA"), "Send June."))
    decide(Draft("undo", submission("RHA"), "It was June.", undoes=held))
    flow.take_in()
    assert state("RHA") == "accepted"
    decide(
        Draft(
            "return",
            submission(),
            "Send it again.",
        ),
        approver=None,
    )  # it counts nowhere: no second person
    flow.take_in()
    assert flow.rows("SELECT is_returned FROM intake.submissions WHERE submission_id = %s", [submission()]) == [(True,)]


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (Draft("accept", "x", "why"), "There is no submission x"),
        (Draft("dance", "held", "why"), "cannot be decided on"),
        (Draft("accept", "sound", "why"), "cannot be decided on"),
        (Draft("accept", "held", "  "), "A reason is missing"),
        (Draft("waive", "held", "why", rule_id="WF-R1", provider_code="RA9"), "A waiver needs"),
        (Draft("waive", "held", "why", rule_id="VAL-TYPE", provider_code="RA9", until=LATER), "has no valid value"),
        (Draft("waive", "held", "why", rule_id="WF-R1", provider_code="RA9", until=date(2020, 1, 1)), "would have ended"),
        (Draft("correct", "held", "why", new_value="1"), "A correction needs"),
        (Draft("assign", "held", "why"), "who takes the task"),
        (Draft("undo", "held", "why", undoes=99), "There is no decision 99"),
        (Draft("undo", "held", "why"), "which decision"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_with_a_sentence(month, draft, says):
    from dataclasses import replace

    known = {"held": submission(), "sound": submission("RHA")}
    with pytest.raises(Refused, match=says):
        decide(replace(draft, submission_id=known.get(draft.submission_id, draft.submission_id)), approver=None)


def test_a_file_that_cannot_be_read_is_not_accepted(month):
    flow.put_return("RA9", PERIOD, b"not,the,template\n1,2,3\n", version=2)
    flow.take_in()
    with pytest.raises(Refused, match="because of STR01"):
        decide(Draft("accept", submission(version=2), "Please."))


def test_of_two_approvers_at_the_same_moment_one_has_an_effect(month):
    number = decide(accept(), approver=None)
    barrier, said = threading.Barrier(4), []

    def go(person):
        barrier.wait()
        try:
            approve(number, person)
            said.append("approved")
        except Refused as problem:
            said.append(str(problem))

    threads = [threading.Thread(target=go, args=[f"person{i}"]) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert said.count("approved") == 1
    assert all("already" in words or "just given" in words for words in said if words != "approved")
    assert flow.value("SELECT count(*) FROM core.verdict") == 1


def test_the_desk_can_add_decisions_and_nothing_else(month):
    with warehouse.connect("steward_desk") as connection:
        for statement in (
            "DELETE FROM core.decision",
            "UPDATE core.verdict SET person = 'me'",
            "INSERT INTO core.decision (kind, author, submission_id, reason, second_person) VALUES ('accept', 'me', 'x', 'y', false)",
            "INSERT INTO core.measure SELECT * FROM core.measure",
            "DELETE FROM core.counting",
            "ALTER TABLE core.decision DISABLE TRIGGER ALL",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)


def test_decisions_are_facts(month):
    decide(accept())
    for table in ("decision", "verdict"):
        with pytest.raises(psycopg.errors.RaiseException, match="facts"), flow.as_owner() as connection:
            connection.execute(f"DELETE FROM core.{table}")


def test_the_timeline_keeps_what_was_and_adds_what_was_decided_without_names(month):
    decide(accept())
    flow.take_in()
    flow.release()
    events = flow.rows(
        "SELECT kind, summary FROM published.engagement_timeline WHERE provider_code = 'RA9' AND layer = 'derived'"
    )
    assert {"held", "decided"} <= {kind for kind, _ in events}
    (said,) = [summary for kind, summary in events if kind == "decided"]
    assert said == "Version 1 of workforce for 2025-06 was accepted by a decision"


def test_the_code_and_the_database_name_the_same_rules(month):
    listed = {rule for (rule,) in flow.rows("SELECT rule_id FROM core.rule_limit WHERE NOT accept")}
    assert listed == set(decisions_applied.NOT_ACCEPTED)


def test_a_decision_while_the_pipeline_works_on_the_period_is_not_lost(month, monkeypatch):
    """It is approved between the moment the pipeline read what is in force and the moment it records."""
    from trust_benchmarks.records import read_and_validate

    first = decide(correct(), approver=None)
    real, approved = read_and_validate.outcome_or_held, []

    def slow(*given):
        if not approved:
            approved.append(approve(first))
        return real(*given)

    monkeypatch.setattr(read_and_validate, "outcome_or_held", slow)
    resubmit(lambda rows: (too_many(rows), rows.reverse()))
    assert approved
    assert flow.rows("SELECT decisions, state FROM intake.submissions WHERE version = 2") == [([first], "accepted")]


def test_the_preview_names_the_later_releases_that_follow(month):
    flow.put_return("RA9", "2025-07", flow.workforce("RA9", "2025-07"))
    flow.take_in()
    flow.release()
    assert preview(accept()).follows == [("workforce", "2025-07")]
    objects.delete(settings.load().inbox, ["workforce/workforce_RA9_2025-07_v1.csv"])


def test_killed_between_the_decision_and_its_release_nothing_is_lost(month):
    """Whoever decided is gone, and so is the run that took it up; another process finds it in the log and publishes it."""
    number = decide(accept())
    program = "import os, signal, flow; flow.take_in(); os.kill(os.getpid(), signal.SIGKILL)"
    paths = os.pathsep.join([str(Path(flow.__file__).parent), os.environ.get("PYTHONPATH", "")])
    took_up = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": paths}, timeout=120, check=False
    )
    assert took_up.returncode == -signal.SIGKILL
    assert effect(number).state in ("queued", "measuring")
    flow.take_in()
    flow.release()
    assert effect(number).state == "published"
    assert published() and flow.value("SELECT count(*) FROM core.decision") == 1

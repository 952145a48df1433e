"""The steward desk inside real Airflow, in a real browser: two people decide, and the release that follows is the one previewed."""

import contextlib
import json
import os

import psycopg
import pytest
from standing import PATIENCE, PERIOD, Standing

# tests/desk and tests/stewardship have the same without Airflow.
pytestmark = [pytest.mark.timeout(900), pytest.mark.full]


@pytest.fixture
def desk(standing) -> Standing:
    """Eight trusts sent June; the return of RA9 is held, and that of RHA is not."""
    return standing


def test_held_previewed_accepted_approved_published(desk, browser):
    steward, approver = desk.person(browser, "steward"), desk.person(browser, "approver")
    before = desk.query("SELECT release_id FROM intake.releases WHERE is_current AND period = %s", PERIOD)
    # The queue leads to the submission, the submission to the form, the form to the preview.
    steward.goto(f"{desk.url}/steward/queue?severity=hold")
    steward.locator("main table tr", has_text="RA9").get_by_role("link").first.click()
    steward.get_by_role("link", name="Accept", exact=True).click()
    steward.get_by_label("Reason").fill("The trust confirmed on the telephone that the other rows are right.")
    steward.get_by_role("button", name="Preview").click()
    steward.get_by_role("heading", name="Preview:").wait_for()
    assert desk.query("SELECT count(*) FROM core.decision") == [(0,)]
    steward.get_by_role("button", name="Accept the return").click()
    steward.locator("#effect").wait_for()
    address = steward.url.partition("?")[0]
    ((decision_id, expected),) = desk.query("SELECT decision_id, expected_release FROM core.decision")
    assert expected not in {release for (release,) in before}
    # Its author has no right to approve, and would not have it as an approver either.
    with desk.client("steward") as program:
        me = program.get("/me").json()
        said = program.post(f"/decisions/{decision_id}/verdict", data={"verdict": "approve", "token": me["token"]})
        assert said.status_code == 403
    with (
        psycopg.connect(desk.settings["TB_WAREHOUSE_URL"]) as connection,
        pytest.raises(psycopg.Error, match="second person"),
    ):
        connection.execute(
            "INSERT INTO core.verdict (decision_id, verdict, person) VALUES (%s, 'approve', 'steward')", [decision_id]
        )
    # What the preview says before the approval is what is published after it.
    preview = json.loads(_preview(desk, decision_id))
    approver.goto(address)
    approver.get_by_role("button", name="Approve").click()
    approver.locator("#effect[data-state=published]").wait_for(timeout=PATIENCE * 1000)
    ((current,),) = desk.query("SELECT release_id FROM intake.releases WHERE is_current AND period = %s", PERIOD)
    assert current == expected == preview["release_after"]
    published = desk.query(
        """SELECT metric_id, value, numerator, denominator, percentile_rank, quality_flag FROM published.measures
           WHERE provider_code = 'RA9' AND period = %s ORDER BY 1""",
        PERIOD,
    )
    assert [tuple(one) for one in preview["measures"]] == published
    assert any(row[1] is not None for row in published)
    # One staff group was left out, so what the trust's staff add up to is not known, and says why.
    whole = desk.query(
        "SELECT value, withheld FROM published.measures WHERE provider_code = 'RA9' AND period = %s AND metric_id = 'WF01'",
        PERIOD,
    )
    assert whole == [(None, "ROWS_REJECTED")]


def _preview(desk: Standing, decision_id: int) -> str:
    """What approving would do, as the library computes it on the job's own stores."""
    from trust_benchmarks.stewardship.preview import preview
    from worlds import environment

    with environment(desk.settings):
        found = preview(decision_id)
    names = ("value", "numerator", "denominator", "rank", "quality")
    measures = [(one["metric_id"], *(one[f"{name}_after"] for name in names)) for one in found.measures]
    return json.dumps({"release_after": found.release_after, "measures": measures})


def test_an_approver_does_not_approve_what_they_made(desk):
    with desk.client("approver") as program:
        me = program.get("/me").json()
        assert (me["may_act"], me["may_approve"]) == (True, True)
        ((submission,),) = desk.query("SELECT submission_id FROM intake.submissions WHERE sender = 'RHA'")
        form = {"kind": "hold", "submission": submission, "reason": "A question is open.", "token": me["token"]}
        assert program.post("/decide", data=form).status_code == 303
        ((number,),) = desk.query("SELECT max(decision_id) FROM core.decision")
        said = program.post(f"/decisions/{number}/verdict", data={"verdict": "approve", "token": me["token"]})
        assert said.status_code == 409
        assert "second person" in said.text
        assert desk.query("SELECT state FROM intake.decisions WHERE decision_id = %s", number) == [("proposed",)]


@pytest.mark.full  # tests/stewardship has the same without Airflow
def test_killed_between_the_decision_and_its_release_nothing_is_lost(desk):
    """Everything dies at once after an approval; the next start finds it in the log and publishes it."""
    from worlds import environment

    job = desk.job
    from trust_benchmarks.stewardship import decisions
    from trust_benchmarks.stores import warehouse

    ((submission,),) = desk.query("SELECT submission_id FROM intake.submissions WHERE sender = 'RNU'")
    with environment(desk.settings), warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, decisions.Draft("hold", submission, "Killed soon."), "amy")
        decisions.verdict(connection, number, "ben", True)
    for one in job.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, 9)
    said = job.once("--inbox", str(desk.inbox))
    assert "Not done" not in said
    assert job.query("SELECT state FROM intake.submissions WHERE sender = 'RNU'") == [("held",)]
    assert job.query(
        "SELECT count(*) FROM published.measures WHERE provider_code = 'RNU' AND metric_id = 'WF01' AND value IS NOT NULL"
    ) == [(0,)]
    assert job.query("SELECT count(*) FROM core.decision") == [(3 - 1,)] or job.query(
        "SELECT count(*) FROM core.verdict WHERE person = 'ben'"
    ) == [(1,)]

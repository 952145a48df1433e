"""`releases`, `editions`, `release` and `rollback`: what is held back is let through, what is wrong is taken back, by approvers only."""

import json

import flow
import pytest
from test_cli_decide import PERIOD, as_user, door, month, released  # noqa: F401 (fixtures)
from trust_benchmarks.releases import build
from trust_benchmarks.stores import warehouse


@pytest.fixture
def held_back(month) -> tuple[str, str]:  # noqa: F811
    """What stands, and a release that a check (put there by hand) holds back."""
    stood = flow.value("SELECT release_id FROM core.standing")
    flow.put_return("RNU", PERIOD, flow.workforce("RNU", PERIOD, scale=2), version=2)
    flow.take_in()
    release_id = build.make("workforce", PERIOD).release_id
    with warehouse.connect() as connection:
        connection.execute(
            """INSERT INTO core.release_check (release_key, against_key, check_id, subject, passed, message)
               VALUES (core.key_of(%s), core.key_of(%s), 'moved', 'WF01', false, 'WF01 moved too far.')""",
            [release_id, stood],
        )
    flow.release()
    return stood, release_id


def listed(ran) -> list[dict]:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_what_is_held_back_is_let_through_and_taken_back_again(as_user, held_back):  # noqa: F811
    stood, release_id = held_back
    (one,) = listed(as_user("viewer", "releases", "--state", "held_back", "-f", "json"))
    assert (one["release_id"], one["failed_checks"], one["found"]) == (release_id, 1, "WF01 moved too far.")
    assert "WF01 moved" in as_user("viewer", "releases", "--period", PERIOD).out

    let = ("release", release_id, "--reason", "It is right.")
    refused = [
        (("release", release_id, "--yes"), "approver", "A reason is missing"),
        ((*let, "--yes"), "steward", "may not publish or roll back"),
        (let, "approver", "add --yes"),
        (("release", "x", "--reason", "y", "--yes"), "approver", "There is no release x"),
        (("rollback", "--reason", "y", "--yes"), "approver", "There is no edition before the current one"),
        (("rollback", "7", "--reason", "y", "--yes"), "approver", "There is no edition 7"),
        (("rollback", "1", "--reason", "y", "--yes"), "approver", "is the current edition"),
        (("rollback", "--yes"), "approver", "A reason is missing"),
        (("releases", "--state", "lost"), "viewer", "Expected one of current, replaced"),
    ]
    for arguments, user, says in refused:
        ran = as_user(user, *arguments)
        assert (ran.code, says in ran.err) == (2, True), (arguments, ran.err)
    assert flow.value("SELECT release_id FROM core.standing") == stood

    ran = as_user("approver", *let, "--yes")
    assert ran.code == 0 and "WF01 moved too far." in ran.err and f"{release_id} is published" in ran.err
    ran = as_user("approver", *let[:2], "--reason", "They confirmed it.", "--yes")
    assert ran.code == 0 and "your reason was recorded" in ran.err

    ran = as_user("approver", "rollback", "--reason", "It was wrong.", "--yes")
    assert (
        ran.code == 0
        and f"workforce {PERIOD}: {release_id} to {stood}" in ran.err
        and "1 of 1 releases change" in ran.err
    )
    assert flow.value("SELECT release_id FROM core.standing") == stood
    undo = ran.err.split("Undo: ")[1].split()
    rows = listed(as_user("viewer", "editions", "-f", "json"))
    assert [(row["number"], row["kind"], row["person"]) for row in rows] == [
        (3, "rollback", "approver"),
        (2, "switch", "approver"),
        (1, "switch", None),
    ]
    assert as_user("approver", *undo, "--reason", "It was right.", "--yes").code == 0
    assert flow.value("SELECT release_id FROM core.standing") == release_id
    reasons = "SELECT revision, reason FROM published.revisions ORDER BY revision"
    assert [number for number, _ in flow.rows(reasons)] == [0, 1, 2, 3]
    assert (
        flow.rows(reasons)[1][1].startswith("It is right. Resubmission: ")
        and "They confirmed it." in flow.rows(reasons)[1][1]
    )


def test_what_trusts_see_before_publication(as_user, month, tmp_path):  # noqa: F811
    number = str(flow.offer("2025-08"))
    release_id = flow.value("SELECT release_id FROM intake.previews")
    (one,) = listed(as_user("viewer", "preview", "list", "--state", "open", "-f", "json"))
    assert (one["preview_id"], one["release_id"], one["looked"]) == (int(number), release_id, 0)
    said = listed(as_user("viewer", "preview", "said", number, "-f", "json"))
    assert len(said) == one["offered"] and {row["response"] for row in said} == {None}
    for arguments, user, says in (
        (("hold", number), "approver", "A reason is missing"),
        (("hold", number, "--reason", "y"), "steward", "Ask an approver"),
        (("hold", "99", "--reason", "y"), "approver", "There is no preview 99"),
        (("offer", number, "--reason", "y"), "approver", "is not held back"),
        (("offer", "x", "--reason", "y"), "approver", "There is no release x of a collection with a preview"),
        (("extend", number, "--until", "soon", "--reason", "y"), "approver", "is not a day"),
        (("extend", number, "--until", "2026-01-01", "--reason", "y"), "approver", "only ever made longer"),
        (("list", "--state", "lost"), "viewer", "Choose one of open, held"),
    ):
        ran = as_user(user, "preview", *arguments)
        assert (ran.code, says in ran.err) == (2, True), (arguments, ran.err)
    for does, state, options in (
        ("hold", "held", ()),
        ("offer", "open", ()),
        ("extend", "open", ("--until", "2030-06-03")),
    ):
        ran = as_user("approver", "preview", does, number, *options, "--reason", "As agreed.")
        assert ran.code == 0, ran.err
        assert flow.value("SELECT state FROM intake.previews") == state
    assert flow.value("SELECT ends_at::date::text FROM intake.previews") == "2030-06-03"
    ran = as_user("approver", "release", release_id, "--reason", "All have signed.", "--yes")
    assert ran.code == 0 and "is published" in ran.err
    assert flow.value("SELECT state FROM intake.previews") == "published"

    assert as_user("viewer", "contacts", "add", "ann@ra9.example", "--trust", "RA9").code == 0
    assert "is no contact of RX4" in as_user("viewer", "contacts", "signs", "ann@ra9.example", "--trust", "rx4").err
    for options, signs in (((), "RA9"), (("--end",), None)):
        assert as_user("viewer", "contacts", "signs", "ann@ra9.example", "--trust", "ra9", *options).code == 0
        assert listed(as_user("viewer", "contacts", "list", "-f", "json"))[0]["signs_for"] == signs

    for arguments, says in ((("RA9", "2025-05"), "is no half-year"), (("XXX", "2025-04"), "no provider that is known")):
        ran = as_user("viewer", "board-report", *arguments, "--out", str(tmp_path))
        assert (ran.code, says in ran.err) == (2, True), ran.err
    assert as_user("viewer", "board-report", "ra9", "2025-04", "--out", str(tmp_path / "new")).code == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        f"board_report_RA9_2025-04.{ending}" for ending in ("csv", "html", "pdf")
    ]
    assert "August 2025" in (tmp_path / "new" / "board_report_RA9_2025-04.html").read_text()

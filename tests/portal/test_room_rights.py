"""What the role trust_room may do at the warehouse, tried over SQL as a contact of one trust who is after another trust's."""

import flow
import psycopg
import pytest
from psycopg import errors
from served_room import ANN, BOB, add_contacts, session_of
from trust_benchmarks.stores import warehouse

# Answers the first finding that can be confirmed.
ANSWER = """SELECT room.reply(%(session)s, %(submission)s, (
    SELECT jsonb_build_array(jsonb_build_object('finding_id', a.finding_id, 'kind', 'confirm', 'reason_code', %(reason)s::text, 'note', %(note)s::text))
    FROM (SELECT * FROM room.answerable(%(session)s, %(submission)s) WHERE may_confirm ORDER BY 1 LIMIT 1) a), 's', 't', 'h')"""


@pytest.fixture(scope="module")
def theirs(shared_world):
    """Sessions of both contacts, and the ids of a return of each trust; RX4's is held and has a decision."""

    def spoil(rows):
        rows[0]["headcount"] = "many"

    flow.put_return("RA9", "2025-06", flow.workforce("RA9", "2025-06"))
    flow.put_return("RX4", "2025-06", flow.workforce("RX4", "2025-06", change=spoil))
    flow.take_in()
    flow.release()
    add_contacts()
    ids = dict(flow.rows("SELECT sender, submission_id FROM core.submission"))
    with flow.as_desk() as connection:
        connection.execute(
            "INSERT INTO core.decision (kind, author, submission_id, reason) VALUES ('return', 'sam', %s, 'Look again.')",
            [ids["RX4"]],
        )
    with warehouse.connect("trust_room") as connection:
        bobs = session_of(BOB)
        connection.execute("SELECT room.add_draft(%s, 'bobs', 'rx4.csv', repeat('a', 64), 3)", [bobs])
        connection.execute("SELECT room.begin_sending(%s, 'bobs', 'workforce', '2025-06', 'RX4', '', '{}')", [bobs])
        connection.execute("SELECT room.give_receipt('bobs', 's', 't', 'h')")
        connection.execute("SELECT room.prefer(%s, 'late', 'off')", [bobs])
        connection.execute(
            ANSWER, {"session": bobs, "submission": ids["RX4"], "reason": "restated", "note": "Bob says"}
        )
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.reply_not_read (submission_id, number, why) VALUES (%s, 1, 'Bob wrote')", [ids["RX4"]]
        )
    offer = flow.offer("2025-05")
    with warehouse.connect("trust_room") as connection:
        connection.execute("SELECT room.respond(%s, %s, 'RX4', 'commented', 'Look again.')", [bobs, offer])
    ids["offer"] = offer
    return {"ann": session_of(ANN), "bob": bobs, "nobody": "none"} | ids


def asked(query, *values):
    with warehouse.connect("trust_room") as connection:
        return connection.execute(query, values).fetchall()


READS = {
    "returns": "SELECT * FROM room.returns(%(session)s)",
    "submissions": "SELECT * FROM room.submissions(%(session)s)",
    "submission": "SELECT * FROM room.submission(%(session)s, %(theirs)s)",
    "findings": "SELECT * FROM room.findings(%(session)s, %(theirs)s)",
    "answerable": "SELECT * FROM room.answerable(%(session)s, %(theirs)s)",
    "replies": "SELECT * FROM room.replies(%(session)s, %(theirs)s)",
    "replies_not_read": "SELECT * FROM room.replies_not_read(%(session)s, %(theirs)s)",
    "finding_counts": "SELECT * FROM room.finding_counts(%(session)s, %(theirs)s)",
    "decisions": "SELECT * FROM room.decisions(%(session)s, %(theirs)s)",
    "figures": "SELECT * FROM room.figures(%(session)s)",
    "series": "SELECT * FROM room.series(%(session)s, 'RX4', 'WF01')",
    "receipts": "SELECT * FROM room.receipts(%(session)s)",
    "previews": "SELECT * FROM room.previews(%(session)s)",
    "open_previews": "SELECT * FROM room.open_previews(%(session)s)",
    "preview_figures": "SELECT 'RX4', f.* FROM room.preview_figures(%(session)s, %(offer)s, 'RX4') f",
    "preview_said": "SELECT * FROM room.preview_said(%(session)s, %(offer)s, 'RX4')",
    "report_figures": "SELECT 'RX4', f.* FROM room.report_figures(%(session)s, 'RX4', '2025-04-01', '2025-09-30') f",
    "report_returns": "SELECT 'RX4', f.* FROM room.report_returns(%(session)s, 'RX4', '2025-04-01', '2025-09-30') f",
    "report_actions": "SELECT 'RX4', f.* FROM room.report_actions(%(session)s, 'RX4', '2025-04-01', '2025-09-30') f",
    "trusts": "SELECT * FROM room.trusts(%(session)s)",
    "draft": "SELECT * FROM room.draft(%(session)s, 'bobs')",
    "me": "SELECT * FROM room.me(%(session)s)",
    "actions": "SELECT * FROM room.actions(%(session)s)",
    "messages": "SELECT * FROM room.messages(%(session)s)",
    "preferences": "SELECT * FROM room.preferences(%(session)s)",
}
WITHOUT_SESSION = {
    "ask_for_link",
    "begin_session",
    "end_session",
    "give_receipt",
    "give_up",
    "unfinished",
    "drafts_to_remove",
    "never_confirmed",
}
WRITES = {"reply", "respond", "prefer", "note", "rename_me", "leave", "add_draft", "begin_sending"}


@pytest.mark.parametrize("name", READS)
def test_a_contact_of_one_trust_reads_nothing_of_another(theirs, name):
    with warehouse.connect("trust_room") as connection:
        found = {
            who: str(
                connection.execute(
                    READS[name], {"session": theirs[who], "theirs": theirs["RX4"], "offer": theirs["offer"]}
                ).fetchall()
            )
            for who in ("ann", "bob", "nobody")
        }
    assert found["bob"] != "[]"
    for word in ("RX4", theirs["RX4"], "Bob", "bobs", "Look again", "many"):
        assert word not in found["ann"] and word not in found["nobody"]
    assert found["nobody"] == "[]"


def test_every_function_is_tried_here(theirs):
    functions = {
        name for (name,) in flow.rows("SELECT proname::text FROM pg_proc WHERE pronamespace = 'room'::regnamespace")
    }
    assert functions == READS.keys() | WRITES | WITHOUT_SESSION


def test_a_contact_of_one_trust_writes_nothing_of_another(theirs):
    ann = theirs["ann"]
    with pytest.raises(psycopg.Error, match="no longer here"):
        asked("SELECT room.begin_sending(%s, 'bobs', 'workforce', '2025-06', 'RA9', '', '{}')", ann)
    asked("SELECT room.add_draft(%s, 'anns', 'f.csv', repeat('a', 64), 3)", ann)
    for sender in ("RX4", "RX4/../RA9", "", None):
        with pytest.raises(psycopg.Error, match="not your trust"):
            asked("SELECT room.begin_sending(%s, 'anns', 'workforce', '2025-06', %s, '', '{}')", ann, sender)
    with pytest.raises(psycopg.Error, match="not sent by trusts"):
        asked("SELECT room.begin_sending(%s, 'anns', 'drug_tariff', '2025-06', 'RA9', '', '{}')", ann)
    with pytest.raises(errors.CheckViolation):
        asked("SELECT room.add_draft(%s, 'other', '../../workforce/RX4/f.csv', repeat('a', 64), 3)", ann)
    ((place,),) = asked("SELECT room.begin_sending(%s, 'anns', 'workforce', '2025-06', 'RA9', '', '{}')", ann)
    assert place == "workforce/RA9/anns/f.csv"
    for provider in ("RX4", "RHA", "", None):
        for response in ("looked", "commented", "signed off"):
            with pytest.raises(psycopg.Error, match="no such figures of your trust"):
                asked("SELECT room.respond(%s, %s, %s, %s, 'x')", ann, theirs["offer"], provider, response)
    with pytest.raises(psycopg.Error, match="Only a named officer"):
        asked("SELECT room.respond(%s, %s, 'RA9', 'signed off')", ann, theirs["offer"])
    with pytest.raises(psycopg.Error, match="not signed in"):
        asked("SELECT room.add_draft('none', 'x', 'f.csv', repeat('a', 64), 3)")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM core.contact",
        "SELECT * FROM core.submission",
        "SELECT * FROM core.room_session",
        "SELECT * FROM intake.submissions",
        "SELECT * FROM intake.room_actions",
        "SELECT * FROM published.latest",
        "INSERT INTO core.contact (mail, name, added_by) VALUES ('e@x.example', 'Eve', 'eve')",
        "INSERT INTO core.contact_provider (contact_key, ods_code) VALUES (1, 'RX4')",
        "UPDATE core.contact SET mail = 'e@x.example'",
        "INSERT INTO core.room_session (session_hash, contact_key, expires_at, came_from) VALUES ('x', 1, now(), 'x')",
        "DELETE FROM core.room_receipt",
        "SELECT core.add_contact('e@x.example', 'Eve', '{RX4}', 'eve')",
        "SELECT core.link_of_contact('bob@rx4.example', 'eve')",
        "SELECT core.room_make_link(2)",
        "SELECT core.room_codes(2)",
        "SELECT core.room_signs(2)",
        "SELECT core.set_signer('ann@ra9.example', 'RA9', true, 'eve')",
        "SELECT * FROM core.preview_now",
        "SELECT * FROM intake.preview_trusts",
        "INSERT INTO core.preview_response (preview_id, provider_code, contact_key, response) VALUES (1, 'RA9', 1, 'signed off')",
        "SET ROLE pipeline",
        "CREATE TABLE room.mine (x int)",
        "CREATE FUNCTION room.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_the_room_can_do_nothing_else(theirs, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        asked(statement)


@pytest.mark.parametrize("role", ["pipeline", "dashboard_reader", "steward_reader", "steward_desk"])
def test_no_other_role_may_act_as_a_contact(theirs, role):
    with (
        pytest.raises(errors.InsufficientPrivilege),
        warehouse.connect(None if role == "pipeline" else role) as connection,
    ):
        connection.execute("SELECT * FROM room.me('x')")

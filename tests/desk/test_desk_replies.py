"""Answers of trusts at the desk: seen, previewed together, accepted as decisions that an approver approves, or not accepted with a reason."""

from datetime import date, datetime

import flow
import pytest
from desk_world import PERIOD
from psycopg.types.json import Jsonb
from test_desk_bulk import Pages
from trust_benchmarks.messages import occasions
from trust_benchmarks.reference.calendar import LONDON
from trust_benchmarks.stewardship import digest
from trust_benchmarks.stores import warehouse
from worlds import new_world

OPEN = ("VAL_UNUSUAL", "WF_R1", "WF_R2", "WF_R3", "WF_R5", "CEILING")  # of RA9, once its word is corrected


@pytest.fixture(scope="module")
def shared_world(services):
    """Held returns of two trusts, each with a contact; what RX4's contact answered."""
    with new_world(services) as world:

        def a_word(rows):
            rows[0]["headcount"] = "many"

        def more(rows):
            a_word(rows)
            rows[1]["fte"] = "99999"

        for ods, change in (("RX4", a_word), ("RA9", more), ("RNU", lambda rows: None)):
            flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, change=change))
        flow.take_in()
        flow.release()
        with warehouse.connect() as connection:
            for mail, code in (("ann@ra9.example", "RA9"), ("bob@rx4.example", "RX4")):
                connection.execute("SELECT core.add_contact(%s, %s, %s, 'a test')", [mail, mail[:3].title(), [code]])
        yield world


@pytest.fixture(scope="module")
def returns():
    return {}


def submission(ods):
    return flow.value("SELECT submission_id FROM core.submission WHERE sender = %s", [ods])


def session_of(mail):
    with warehouse.connect() as connection:
        (token,) = connection.execute("SELECT core.link_of_contact(%s, 'a test')", [mail]).fetchone()
    with warehouse.connect("trust_room") as connection:
        return connection.execute("SELECT room.begin_session(%s, 'test')", [token]).fetchone()[0]


def answer(mail, ods, **by_rule):
    """Answers open findings of a trust's return: rule with the column -> (kind, reason or value, note)."""
    query = "SELECT finding_id FROM intake.findings WHERE submission_id = %s AND rule_id = %s AND decision_id IS NULL LIMIT 1"
    given = []
    for rule, (kind, what, note) in by_rule.items():
        finding_id = flow.value(query, [submission(ods), rule.replace("_", "-")])
        names = ("reason_code", "new_value") if kind == "confirm" else ("new_value", "reason_code")
        given.append({"finding_id": finding_id, "kind": kind, names[0]: what, names[1]: None, "note": note})
    with warehouse.connect("trust_room") as connection:
        connection.execute(
            "SELECT room.reply(%s, %s, %s, 's', 't', 'h')", [session_of(mail), submission(ods), Jsonb(given)]
        )


def state(ods):
    return flow.rows("SELECT rule_id, state FROM intake.replies WHERE sender = %s ORDER BY reply_id", [ods])


def turn(ods):
    return flow.value("SELECT turn FROM intake.turns WHERE sender = %s AND period = %s", [ods, PERIOD])


def in_digests():
    """Answers that wait are in the digest of who looks after the collection, and new once."""
    person = digest.Person("sam", "sam@example.org", ("workforce",), "steward")
    with warehouse.connect() as connection:
        made = digest.compose(connection, person, date(2026, 12, 1), {})
        again = digest.compose(connection, person, date(2026, 12, 2), made.items)
        other = digest.compose(connection, person._replace(collections=("estates",)), date(2026, 12, 1), {})
    day = f"{datetime.now(LONDON):%-d %b %Y}"
    assert made.answers == [
        f"new: workforce {PERIOD}, RX4: 2 answers, the first of {day}",
        f"new: workforce {PERIOD}, RA9: 1 answer, the first of {day}",
    ]
    assert not any("new" in line for line in again.answers) and not again.has_news and other.answers == []
    assert "answers of trusts" in digest.mail(made, "x").get_body(("plain",)).get_content()


def test_a_steward_takes_answers_over_together_and_an_approver_approves_them(desk):
    answer(
        "bob@rx4.example", "RX4", VAL_TYPE=("correct", "101", ""), CEILING=("confirm", "checked", "Against the roster.")
    )
    answer("ann@ra9.example", "RA9", VAL_TYPE=("correct", "102", "A slip."))
    assert turn("RX4") == turn("RA9") == "us"
    in_digests()
    steward, approver = Pages(desk, "steward"), Pages(desk, "approver")
    steward.open("/queue")
    assert "3 answers from trusts" in steward.text
    steward.follow("3 answers from trusts")
    assert "Checked against our own records" in steward.text and "Against the roster." in steward.text
    steward.press("Preview together", {"words": "Fits what we know."})
    assert steward.status == 200, steward.text
    assert "Held now, accepted" in steward.text and "becomes" in steward.text and "Fits what we know." in steward.text
    assert state("RX4") == [("VAL-TYPE", "open"), ("CEILING", "open")], "a preview keeps nothing"
    steward.press("Accept the answers")
    assert "Your decisions have been saved." in steward.text
    assert state("RX4") + state("RA9") == [("VAL-TYPE", "proposed"), ("CEILING", "proposed"), ("VAL-TYPE", "proposed")]
    decided = flow.rows(
        "SELECT kind, author, new_value, value_source, reason, state FROM intake.decisions ORDER BY decision_id"
    )
    assert {(kind, author, value, state) for kind, author, value, _, _, state in decided} == {
        ("correct", "sam", "101", "proposed"),
        ("correct", "sam", "102", "proposed"),
        ("waive", "sam", None, "proposed"),
    }
    assert all("The trust answered: " in reason and reason.endswith("Fits what we know.") for *_, reason, _ in decided)
    assert all(
        source.startswith("The trust in its room, ") for kind, _, _, source, _, _ in decided if kind == "correct"
    )
    steward.open("/queue")
    assert "from trusts" not in steward.text
    approver.open("/decisions?state=proposed")
    approver.follow("made together")
    approver.follow("Preview and approve")
    assert "many" in approver.text and "becomes" in approver.text
    approver.press("Approve those included")
    assert {row[1] for row in state("RX4") + state("RA9")} == {"accepted"}
    flow.take_in()
    assert flow.value("SELECT state FROM intake.submissions WHERE submission_id = %s", [submission("RX4")]) != "held"


def test_the_author_of_the_decision_cannot_approve_it_and_no_answer_approves_itself(desk):
    """After the test above: whoever took an answer over is the first of two people."""
    one = flow.value("SELECT min(decision_id) FROM intake.decisions")
    page = desk.client("steward").get(f"/steward/decisions/{one}").text
    assert "Answer of the trust" in page
    with flow.as_desk() as connection, pytest.raises(Exception, match="does not wait for us any more"):
        connection.execute(
            "INSERT INTO core.reply_taken (decision_id, reply_id) SELECT decision_id, 1 FROM core.decision WHERE kind = 'waive'"
        )


def test_an_answer_that_is_not_accepted_is_the_trusts_turn_again_with_the_reason(desk):
    answer("ann@ra9.example", "RA9", **{rule: ("confirm", "new_ward", "") for rule in OPEN})
    steward = Pages(desk, "steward")
    steward.open("/replies")
    steward.press("Do not accept those included")
    assert steward.status == 409 and "Say why, so that the trust knows what to do" in steward.text
    steward.press("Do not accept those included", {"refusal": "Ring 01539 123456"})
    assert steward.status == 409 and "telephone number" in steward.text and "Ring 01539 123456" in steward.text
    steward.press("Do not accept those included", {"refusal": "No ward opened in your <b>site</b> list."})
    assert "These answers were not accepted" in steward.text
    assert {one for _, one in state("RA9")} == {"accepted", "refused"}
    left = "SELECT rule_id, turn FROM intake.task_turns WHERE sender = 'RA9' AND turn <> 'trust'"
    assert flow.rows(left) == [] and turn("RA9") == "trust"
    with warehouse.connect("trust_room") as connection:
        words = "SELECT refused_words FROM room.replies(%s, %s) WHERE state = 'refused'"
        found = connection.execute(words, [session_of("ann@ra9.example"), submission("RA9")]).fetchall()
    assert set(found) == {("No ward opened in your <b>site</b> list.",)}
    occasions.queue()
    occasions.queue()
    mails = flow.rows("SELECT mail, body_text FROM core.message WHERE kind = 'answer_refused'")
    assert [mail for mail, _ in mails] == ["ann@ra9.example"] and "No ward opened" in mails[0][1]
    answer("ann@ra9.example", "RA9", WF_R1=("confirm", "restated", ""))
    assert turn("RA9") == "us", "whoever is refused may answer again"


def test_a_decision_of_an_answer_that_an_approver_refuses_waits_for_us_again(desk):
    steward, approver = Pages(desk, "steward"), Pages(desk, "approver")
    steward.open("/replies")
    steward.press("Preview together")
    steward.press("Accept the answers")
    assert state("RA9")[-1] == ("WF-R1", "proposed")
    approver.open("/decisions?state=proposed")
    approver.follow("made together")
    approver.follow("Preview and approve")
    approver.press("Refuse those included", {"words": "The audit is not over."})
    assert state("RA9")[-1] == ("WF-R1", "open") and turn("RA9") == "us"


def test_rules_show_what_trusts_answered(desk):
    page = desk.client("viewer").get("/steward/rules/VAL-TYPE?collection=workforce").text
    assert "What trusts answered" in page and "The value was corrected" in page
    assert flow.rows("SELECT kind, replies, trusts, accepted FROM intake.reply_reasons WHERE rule_id = 'VAL-TYPE'") == [
        ("correct", 2, 2, 2)
    ]


@pytest.mark.parametrize(
    ("rule", "confirmed", "corrected", "warns"),
    [("WF-R4", 4, 0, False), ("WF-R6", 5, 0, True), ("WF-R7", 9, 1, True), ("WF-R8", 8, 1, False)],
)
def test_a_rule_that_trusts_nearly_always_confirm_is_named_as_such(desk, rule, confirmed, corrected, warns):
    """Of five answers or more, nine of ten."""
    add = """INSERT INTO core.reply (submission_id, kind, rule_id, line, column_name, message, reason_code, new_value)
             VALUES (%s, %s, %s, %s, 'fte', 'x', %s, %s)"""
    with warehouse.connect() as connection:
        for line in range(confirmed + corrected):
            what = ("confirm", rule, line, "restated", None) if line < confirmed else ("correct", rule, line, None, "1")
            connection.execute(add, [submission("RX4"), *what])
    page = desk.client("viewer").get(f"/steward/rules/{rule}").text
    assert ("Trusts say nearly always that what this rule finds is right" in page) is warns
    assert "What trusts answered" in page


def test_a_correction_of_the_desk_must_be_a_value_of_its_column(desk):
    finding = flow.rows(
        "SELECT finding_id, column_name FROM intake.findings WHERE submission_id = %s AND scope = 'cell' AND decision_id IS NULL AND severity <> 'info'",
        [submission("RA9")],
    )
    assert finding
    fields = {
        "submission": submission("RA9"),
        "kind": "correct",
        "finding": finding[0][0],
        "reason": "Slip.",
        "value_source": "The trust.",
    }
    answered = desk.post("steward", "/preview", **fields, new_value="about ten")
    assert answered.status_code == 409 and "is not a valid value" in answered.text and "about ten" in answered.text

"""What a trust answers to findings, from the form to the ledger."""

import flow
import psycopg
import pytest
from served_room import ANN, session_of
from trust_benchmarks.portal import answers
from trust_benchmarks.stores import warehouse

PERIODS = iter(["2025-06", "2025-05", "2025-04", "2025-03", "2025-02", "2025-01"])
pytestmark = pytest.mark.usefixtures("room")


def spoil(rows):
    rows[0]["headcount"] = "many"  # no value: to be corrected
    rows[1]["fte"] = "99999"  # more than people: to be confirmed or corrected
    rows[2]["joiners_hc"] = "-1"


@pytest.fixture
def held(room):
    """The id of a new return of RA9 with three faults, one of them a whole row that is missing, which holds it."""
    period = next(PERIODS)

    def change(rows):
        spoil(rows)
        del rows[-1]

    flow.put_return("RA9", period, flow.workforce("RA9", period, change=change))
    flow.take_in()
    return flow.value("SELECT submission_id FROM core.submission WHERE period = %s", [period])


def findings(submission_id):
    """Ids of open findings by rule and heading."""
    query = "SELECT rule_id, column_name, finding_id FROM intake.findings WHERE submission_id = %s AND severity <> 'info'"
    return {(rule, column): finding_id for rule, column, finding_id in flow.rows(query, [submission_id])}


def kept(submission_id):
    query = "SELECT kind, rule_id, reason_code, new_value, note, state, came_by FROM intake.replies WHERE submission_id = %s ORDER BY reply_id"
    return flow.rows(query, [submission_id])


def test_a_figure_is_confirmed_and_a_cell_corrected_in_one_form_and_both_wait_for_a_steward(ann, held):
    at, ids = f"/submissions/{held}", findings(held)
    right, wrong = ids["VAL-UNUSUAL", "fte"], ids["VAL-TYPE", "headcount"]
    page = ann.get(at)
    assert page.text.count("Answer this finding") == 9 and "Choose a reason" in page.text
    fields = {f"kind-{right}": "confirm", f"reason-{right}": "new_ward", f"kind-{wrong}": "correct", f"value-{wrong}": "120"}
    fields |= {f"note-{right}": "Opened in May."}
    answer = ann.submit(f"{at}/answers", page, **fields)
    assert answer.headers["location"] == f"{at}?done=answered"
    assert kept(held) == [
        ("correct", "VAL-TYPE", None, "120", "", "open", "room"),
        ("confirm", "VAL-UNUSUAL", "new_ward", None, "Opened in May.", "open", "room"),
    ]
    shown = ann.get(at).text
    assert "The value should be &#39;120&#39;" in shown and "The figure is right: A ward, team or site opened" in shown
    collection, period = flow.rows("SELECT collection, period FROM core.submission WHERE submission_id = %s", [held])[0]
    assert "A steward is looking at your answers" in ann.get(f"/returns/{collection}/{period}/RA9").text
    turn = flow.rows("SELECT turn, replies FROM intake.turns WHERE submission_id = %s", [held])
    assert turn == [("us", 2)]
    mail = flow.rows("SELECT subject, body_text FROM core.message WHERE kind = 'replied' ORDER BY message_key DESC LIMIT 1")[0]
    assert "We have your answers" in mail[0] and "Opened in May." in mail[1] and at in mail[1]
    # The same again changes nothing; another answer takes the place of the first.
    assert ann.submit(f"{at}/answers", page, **fields).headers["location"] == f"{at}?done=same"
    ann.submit(f"{at}/answers", page, **{f"kind-{right}": "correct", f"value-{right}": "90.5"})
    assert [row[5] for row in kept(held)] == ["open", "replaced", "open"]


def test_what_is_wrong_is_said_beside_each_field_and_nothing_typed_is_lost(ann, held):
    at, ids = f"/submissions/{held}", findings(held)
    right, wrong, negative = ids["VAL-UNUSUAL", "fte"], ids["VAL-TYPE", "headcount"], ids["VAL-RANGE", "joiners_hc"]
    fields = {
        f"kind-{right}": "confirm",
        f"reason-{right}": "checked",
        f"kind-{wrong}": "correct",
        f"value-{wrong}": "about 120",
        f"note-{wrong}": "Ring 01539 123456",
        f"note-{negative}": "typed <b>and</b> not chosen",
    }
    answer = ann.fill(at, f"{at}/answers", **fields)
    assert answer.status_code == 400
    for field, says in (
        (f"note-{right}", "Say against which record it was checked"),
        (f"value-{wrong}", "is not a valid value for people in post"),
        (f"note-{wrong}", "Take out the email address or telephone number"),
        (f"kind-{negative}", "Choose whether the figure is right"),
    ):
        assert f'id="{field}-error"' in answer.text and f'href="#{field}"' in answer.text and says in answer.text
    for typed in ("about 120", "Ring 01539 123456", "typed &lt;b&gt;and&lt;/b&gt; not chosen", 'value="checked" selected'):
        assert typed in answer.text
    assert kept(held) == [] and ann.fill(at, f"{at}/answers").status_code == 400


def test_a_correction_must_be_a_value_of_its_column(ann, held):
    at, finding_id = f"/submissions/{held}", findings(held)["VAL-RANGE", "joiners_hc"]
    for value, says in (
        ("", "is missing"),
        ("-1", "what your file says already"),
        ("1.5", "not a valid value"),
        ("-2", "out of range"),
        ("1" * 501, "at most 500"),
    ):
        answer = ann.fill(at, f"{at}/answers", **{f"kind-{finding_id}": "correct", f"value-{finding_id}": value})
        assert answer.status_code == 400 and says in answer.text, value
    assert kept(held) == []


def test_the_database_keeps_no_answer_that_the_form_would_refuse(held):
    """As the role of the room, with the session of the trust's own contact."""
    ids, session = findings(held), session_of(ANN)
    reply = "SELECT room.reply(%s, %s, %s, 's', 't', 'h')"
    good = {"finding_id": ids["VAL-UNUSUAL", "fte"], "kind": "confirm", "reason_code": "restated", "note": ""}
    for change, says in (
        ({"finding_id": ids["VAL-TYPE", "headcount"]}, "cannot be answered like that"),  # no value to confirm
        ({"finding_id": ids["STR05", "staff_group"], "kind": "correct", "new_value": "x", "reason_code": None}, "cannot be answered like that"),
        ({"finding_id": "none"}, "no longer open"),
        ({"kind": "approve"}, "cannot be answered like that"),
        ({"note": "Write to ann@ra9.example"}, "email address"),
        ({"note": "Patient 943 476 5919"}, "NHS number"),
        ({"reason_code": None}, "confirm_has_a_reason"),
    ):
        with pytest.raises(psycopg.Error, match=says), warehouse.connect("trust_room") as connection:
            connection.execute(reply, [session, held, psycopg.types.json.Jsonb([good | change])])
    assert kept(held) == []


def test_the_form_may_be_long_and_has_an_end(ann, held):
    at, finding_id = f"/submissions/{held}", findings(held)["VAL-UNUSUAL", "fte"]
    page = ann.get(at)
    long = {f"note-{number:032x}": "x" * 400 for number in range(answers.returns.LISTED)}
    assert ann.submit(f"{at}/answers", page, **long).status_code == 400
    answer = ann.submit(f"{at}/answers", page, **{f"kind-{finding_id}": "confirm", f"note-{finding_id}": "x" * 1_000_000})
    assert answer.status_code == 413 and "too long" in answer.text

"""What a trust answers to findings, from the form to the ledger."""

import io
import re

import flow
import openpyxl
import psycopg
import pytest
from served_room import ANN, session_of
from trust_benchmarks.ingest import workbook_replies
from trust_benchmarks.portal import answers
from trust_benchmarks.reference import reply_reasons
from trust_benchmarks.stores import warehouse

PERIODS = iter(["2025-06", "2025-05", "2025-04", "2025-03", "2025-02", "2025-01", "2024-06", "2024-05"])
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
    query = (
        "SELECT rule_id, column_name, finding_id FROM intake.findings WHERE submission_id = %s AND severity <> 'info'"
    )
    return {(rule, column): finding_id for rule, column, finding_id in flow.rows(query, [submission_id])}


def kept(submission_id):
    query = "SELECT kind, rule_id, reason_code, new_value, note, state, came_by FROM intake.replies WHERE submission_id = %s ORDER BY reply_id"
    return flow.rows(query, [submission_id])


def test_a_figure_is_confirmed_and_a_cell_corrected_in_one_form_and_both_wait_for_a_steward(ann, held):
    at, ids = f"/submissions/{held}", findings(held)
    right, wrong = ids["VAL-UNUSUAL", "fte"], ids["VAL-TYPE", "headcount"]
    page = ann.get(at)
    assert page.text.count("Answer this finding") == 9 and "Choose a reason" in page.text
    fields = {
        f"kind-{right}": "confirm",
        f"reason-{right}": "new_ward",
        f"kind-{wrong}": "correct",
        f"value-{wrong}": "120",
    }
    fields |= {f"note-{right}": "Opened in May."}
    answer = ann.submit(f"{at}/answers", page, **fields)
    assert answer.headers["location"] == f"{at}?done=answered"
    assert kept(held) == [
        ("correct", "VAL-TYPE", None, "120", "", "open", "room"),
        ("confirm", "VAL-UNUSUAL", "new_ward", None, "Opened in May.", "open", "room"),
    ]
    shown = ann.get(at).text
    assert "The value should be &#39;120&#39;" in shown and "It is right: A ward, team or site opened" in shown
    collection, period = flow.rows("SELECT collection, period FROM core.submission WHERE submission_id = %s", [held])[0]
    assert "A steward is looking at your answers" in ann.get(f"/returns/{collection}/{period}/RA9").text
    turn = flow.rows("SELECT turn, replies FROM intake.turns WHERE submission_id = %s", [held])
    assert turn == [("us", 2)]
    mail = flow.rows(
        "SELECT subject, body_text FROM core.message WHERE kind = 'replied' ORDER BY message_key DESC LIMIT 1"
    )[0]
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
        (f"kind-{negative}", "Choose whether it is right"),
    ):
        assert f'id="{field}-error"' in answer.text and f'href="#{field}"' in answer.text and says in answer.text
    for typed in (
        "about 120",
        "Ring 01539 123456",
        "typed &lt;b&gt;and&lt;/b&gt; not chosen",
        'value="checked" selected',
    ):
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
        (
            {"finding_id": ids["STR05", "staff_group"], "kind": "correct", "new_value": "x", "reason_code": None},
            "cannot be answered like that",
        ),
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
    answer = ann.submit(
        f"{at}/answers", page, **{f"kind-{finding_id}": "confirm", f"note-{finding_id}": "x" * 1_000_000}
    )
    assert answer.status_code == 413 and "too long" in answer.text


# In the workbook -----------------------------------------------------------------------------------------------------


def workbook_of(person, submission_id):
    """The workbook of a submission, and its list of findings: the row of each by rule and heading, and the columns by heading."""
    book = openpyxl.load_workbook(io.BytesIO(person.get(f"/submissions/{submission_id}/workbook.xlsx").content))
    rows = list(book["Findings"].iter_rows())
    start = next(at for at, row in enumerate(rows) if row[0].value == "No.")
    at = {cell.value: cell.column for cell in rows[start] if cell.value}
    found = {(row[at["Rule"] - 1].value, row[at["Heading"] - 1].value): row[0].row for row in rows[start + 1 :]}
    return book, found, at


def fill(book, found, at, replies):
    """Fills the cells of a reply: (rule, heading) -> texts by heading."""
    for place, texts in replies.items():
        for heading, text in texts.items():
            book["Findings"].cell(found[place], at[heading]).value = text


def sent_back(book, period, version):
    out = io.BytesIO()
    book.save(out)
    flow.put(f"workforce/workforce_RA9_{period}_v{version}.xlsx", out.getvalue())
    flow.take_in()
    query = "SELECT submission_id FROM core.submission WHERE period = %s ORDER BY version DESC LIMIT 1"
    return flow.value(query, [period])


def test_replies_in_the_workbook_become_the_same_answers_once(ann, held):
    period = flow.value("SELECT period FROM core.submission WHERE submission_id = %s", [held])
    book, found, at = workbook_of(ann, held)
    sheet = book["Findings"]
    lists = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation}
    assert len(lists) == 2 and all("trust-benchmarks-manifest" in one for one in lists.values())
    kinds = [book["trust-benchmarks-manifest"].cell(row, 2).value for row in range(1, 13)]
    assert kinds[:2] == ["It is right", "Correct it"] and "A ward, team or site opened" in kinds
    replies = {
        ("VAL-UNUSUAL", "fte"): {
            "Your reply": "It is right",
            "Reason": "Restated after audit",
            "Note": "In May.",
        },
        ("VAL-TYPE", "headcount"): {"Correct value": "120"},  # plainly meant
        ("VAL-RANGE", "joiners_hc"): {"Your reply": "Correct it", "Correct value": "many"},
        ("WF-R1", "fte"): {"Your reply": "It is right", "Reason": "Because"},
        ("WF-R5", "fte_days_available"): {
            "Your reply": "confirm",
            "Reason": "Something else",
            "Note": "Ring 01539 123456",
        },
        ("FLOOR", None): {"Your reply": "Correct it", "Correct value": "10"},
    }
    fill(book, found, at, replies)
    data = book["return"]
    data.insert_rows(2)  # rows may be moved: the last one stands first now
    for column in range(1, data.max_column + 1):
        data.cell(2, column).value = data.cell(data.max_row, column).value
    data.delete_rows(data.max_row)
    newest = sent_back(book, period, 2)
    assert {row[:6] for row in kept(newest)} == {
        ("confirm", "VAL-UNUSUAL", "restated", None, "In May.", "open"),
        ("correct", "VAL-TYPE", None, "120", "", "open"),
    }
    assert dict(flow.rows("SELECT rule_id, line FROM intake.replies WHERE submission_id = %s", [newest])) == {
        "VAL-UNUSUAL": 4,
        "VAL-TYPE": 3,
    }
    page = ann.get(f"/submissions/{newest}").text
    assert "Answers that we could not read" in page
    for why in ("is not a valid value", "none of the list", "telephone number", "not about one cell"):
        assert why in page, why
    # The same workbook once more is the same submission; saved again by another program, it is a version that makes nothing twice.
    assert flow.value("SELECT count(*) FROM core.reply WHERE submission_id = %s", [newest]) == 2
    with flow.as_desk() as connection:
        connection.execute(
            "INSERT INTO core.reply_refusal (reply_id, person, words, batch) SELECT reply_id, 'sam', 'No.', repeat('a', 32) "
            "FROM intake.replies WHERE submission_id = %s AND kind = 'confirm'",
            [newest],
        )
    book.properties.title = "saved again"
    third = sent_back(book, period, 3)
    assert third != newest and [row[0] for row in kept(third)] == ["correct"]
    assert {row[5] for row in kept(newest)} == {"refused", "over"}


def test_a_cell_that_is_corrected_in_the_workbook_is_a_new_version_and_no_answer(ann, held):
    period = flow.value("SELECT period FROM core.submission WHERE submission_id = %s", [held])
    book, *_ = workbook_of(ann, held)
    book["return"]["D2"].value = "120"
    newest = sent_back(book, period, 2)
    assert newest != held and kept(newest) == [] and ("VAL-TYPE", "headcount") not in findings(newest)


def test_what_cannot_be_confirmed_is_the_same_for_form_workbook_and_decisions():
    barred = {rule for (rule,) in flow.rows("SELECT rule_id FROM core.rule_limit WHERE NOT waive")}
    assert barred == workbook_replies.NOT_CONFIRMED


def test_the_reasons_are_told_apart_and_each_code_can_be_kept():
    found = reply_reasons.reasons()
    assert len({one.says.casefold() for one in found.values()}) == len(found) >= 8
    assert all(re.fullmatch("[a-z_]{1,40}", code) for code in found)

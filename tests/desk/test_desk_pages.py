"""What the desk's pages say and do, over returns that went through the real pipeline."""

import csv
import html
import io
import re

import flow
import pytest
from desk_world import HOSTILE, NEXT_YEAR, PERIOD
from trust_benchmarks.reading import harmless

MARKUP_OF_CELLS = ("<script>alert", "<img", "<svg", "<iframe", "<style", "<h1>taken", "<b>", "<!-- ")


@pytest.fixture
def look(desk):
    """Pages by their path, as a steward sees them."""
    with desk.client("steward") as client:

        def get(path: str, status: int = 200):
            answer = client.get(f"/steward{path}")
            assert answer.status_code == status, answer.text
            return answer

        yield get


def text_of(page: str) -> str:
    """What a page shows, without markup and with single spaces."""
    page = re.sub(r"</?(d[dt]|li|p|t[dhr]|h\d|summary)\b[^>]*>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())


def test_board_counts_and_leads_to_submissions(look, returns):
    board = look("/").text
    assert "Returns" in board
    assert "who_knows.csv" in board
    assert "nothing_in_it.csv" in board
    held = re.search(r'href="([^"]*state=held)"[^>]*aria-label="2 held, 2025-06"', board)
    inside = look(html.unescape(held[1]).removeprefix("/steward")).text
    assert f'href="/steward/submissions/{returns["RX4 v2"]}"' in inside
    assert "Cumbria, Northumberland, Tyne and Wear NHS Foundation Trust (RX4)" in inside
    assert "RA9" not in inside
    everybody = text_of(look(f"/?collection=workforce&period={PERIOD}").text)
    assert "Deadline 14 Jul 2025, 17:00." in everybody
    assert "Missing (54)" in everybody


def test_every_submission_and_task_has_its_page(look):
    for (submission_id,) in flow.rows("SELECT submission_id FROM intake.submissions"):
        page = look(f"/submissions/{submission_id}").text
        assert "<h1>Workforce, " in page
        look(f"/submissions/{submission_id}/summary.txt")
        look(f"/submissions/{submission_id}/original")
    for path in re.findall(r'href="/steward(/submissions/[^"#]*)', look("/queue").text):
        assert "No findings" not in look(html.unescape(path)).text


def test_a_period_that_nobody_knows(look):
    assert "No return of workforce for 1999-01" in look("/?collection=workforce&period=1999-01", 404).text
    assert "There is no submission" in look("/submissions/nothing", 404).text
    assert "There is no decision 999" in look("/decisions/999", 404).text
    assert "incomplete: decision_id" in look("/decisions/many", 400).text


@pytest.mark.parametrize(
    ("query", "tasks"),
    [
        ("", None),
        ("severity=hold&provider=RX4", 3),
        ("provider=cumbria", 9),
        ("provider=100%25", 0),
        ("collection=estates", 0),
        ("responsible=us", 0),
        ("assignee=nobody", None),
        ("assignee=me", 0),
        ("page=99", None),
    ],
)
def test_queue_filters(look, query, tasks):
    page = look(f"/queue?{query}").text
    total = flow.value("SELECT count(*) FROM intake.tasks")
    assert f"{total if tasks is None else tasks} task" in text_of(page)


def test_taking_a_task_comes_back_to_the_queue_as_it_was(desk, look, returns):
    held = returns["RX4 v2"]
    fields = {
        "submission": held,
        "rule": "WF-R2",
        "column": "",
        "assignee": "me",
        "back": "queue?severity=warn&provider=RX4",
    }
    answer = desk.post("steward", "/assign", **fields)
    assert answer.headers["location"] == "/steward/queue?severity=warn&provider=RX4&done=assigned"
    assert "1 task with" in text_of(look("/queue?assignee=me").text)
    elsewhere = desk.post("steward", "/assign", **fields | {"back": "https://example.org/"})
    assert elsewhere.headers["location"].startswith(f"/steward/submissions/{held}")


def test_submission_shows_what_was_sent_and_found(look, returns):
    page = look(f"/submissions/{returns['RX4 v2']}").text
    said = text_of(page)
    for words in (
        "Version 2. Not included in published figures.",
        "workforce_RX4_2025-06_v2.csv",
        "Rows held 9",
        "2 versions, newest first",
        "Newly wrong: 9",
        "VAL-TYPE, line 2, fte",
        "The cell contains about ninety",
        "Expected a number in FTE of 0 or more.",
        "About rule WF-R1",
    ):
        assert words in said, words
    assert '<mark><bdi class="sent">about ninety</bdi></mark>' in page
    assert "SAMPLE" not in said
    assert "SAMPLE This page shows sample data" in text_of(look(f"/submissions/{returns['RT5 v1']}").text)


def test_submission_shows_what_the_trust_was_told(look, returns):
    held, other = returns["RX4 v2"], next(one for name, one in returns.items() if name != "RX4 v2")
    with flow.as_owner() as connection:
        connection.execute(
            """INSERT INTO core.message (kind, about, mail, name, subject, body_text, body_html)
               VALUES ('held', %s, 'ann@example.org', '<b>Ann', 'Correct and send again: it', 'SECRET', 'SECRET')""",
            [held],
        )
    page = look(f"/submissions/{held}").text
    assert "&lt;b&gt;Ann ann@example.org" in page and "Correct and send again: it" in page and "SECRET" not in page
    assert "Waiting" in text_of(page).partition("Messages to the trust")[2]
    assert "Correct and send again: it" not in look(f"/submissions/{other}").text


def test_findings_are_filtered_and_counted(look, returns):
    page = text_of(look(f"/submissions/{returns['RX4 v2']}?rule=VAL-TYPE&column=fte").text)
    assert "1 to 1 of 1 findings" in page
    page = text_of(look(f"/submissions/{returns['RTQ v1']}?severity=reject").text)
    assert f"of {len(HOSTILE)} findings" in page


def test_downloads(look, returns):
    held = returns["RX4 v2"]
    table = look(f"/submissions/{held}/findings.csv")
    found = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(found) == flow.value("SELECT count(*) FROM intake.findings WHERE submission_id = %s", [held])
    original = look(f"/submissions/{held}/original")
    assert original.headers["content-type"] == "application/octet-stream"
    assert original.headers["content-disposition"].startswith("attachment;")
    assert b"about ninety" in original.content
    assert look(f"/submissions/{held}/workbook.xlsx").content[:2] == b"PK"
    assert look(f"/submissions/{held}/summary.txt").headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_cells_are_text(look, returns, kind):
    sent = HOSTILE[kind]
    assert flow.value("SELECT count(*) FROM core.finding WHERE submission_id = %s AND raw_value = %s", [
        returns["RTQ v1"], sent[:500].replace("\x00", ""),
    ]), "the cell is not among the findings"  # fmt: skip
    finding = flow.value(
        "SELECT finding_id FROM intake.findings WHERE submission_id = %s AND raw_value = %s",
        [returns["RTQ v1"], sent[:500]],
    )
    pages = [
        look(path).text
        for path in (
            f"/submissions/{returns['RTQ v1']}",
            f"/decide?submission={returns['RTQ v1']}&kind=correct&finding={finding}",
            "/queue?provider=RTQ",
        )
    ]
    for page in pages:
        for markup in MARKUP_OF_CELLS:
            assert markup not in page.replace('<script src="/steward/desk.js', "")
        assert not re.search(f"[{harmless.UNSEEN}]", page.replace("\n", "")), "an unseen character got through"
        assert not re.search(r"<[^>]* on\w+=", re.sub(r'="[^"]*"', "", page))
    shown = (
        html.escape(harmless.harmless(sent[:200], None), quote=True)
        .replace("&quot;", "&#34;")
        .replace("&#x27;", "&#39;")
    )
    assert shown in pages[0]
    assert shown in pages[1]


def test_hostile_cells_in_the_table(look, returns):
    table = look(f"/submissions/{returns['RTQ v1']}/findings.csv").content.decode("utf-8-sig")
    for row in csv.DictReader(io.StringIO(table)):
        assert not re.match(r"\s*[=+@|-]", row["raw_value"]) or harmless.NUMBER.fullmatch(row["raw_value"])


def test_hostile_words_in_addresses_and_forms(desk, look, returns):
    bad = "<script>alert(1)</script>\u202e"
    for path in (
        f"/queue?provider={bad}",
        f"/submissions/{bad}",
        f"/decisions?author={bad}",
        f"/?collection={bad}&period=1",
    ):
        with desk.client("steward") as client:
            assert "<script>alert" not in client.get(f"/steward{path}").text
    answer = desk.post(
        "steward", "/preview", submission=returns["RX4 v2"], kind="accept", reason="", rule=bad, column=bad
    )
    assert answer.status_code == 409
    assert "<script>alert" not in answer.text
    assert desk.post("steward", "/comment", submission=returns["RX4 v2"], reason=bad).status_code == 303
    assert "<script>alert" not in look(f"/submissions/{returns['RX4 v2']}").text


def test_a_form_says_what_is_missing(desk, returns):
    held = returns["RX4 v2"]
    finding = flow.value(
        "SELECT finding_id FROM intake.findings WHERE submission_id = %s AND rule_id = 'VAL-TYPE'", [held]
    )
    for fields, words in (
        ({"kind": "accept"}, "Enter a reason"),
        ({"kind": "waive", "rule": "WF-R2", "reason": "x", "until": "soon"}, "day, month and year"),
        ({"kind": "waive", "rule": "WF-R2", "reason": "x", "until": "2000-01-01"}, "The waiver would have ended"),
        ({"kind": "waive", "rule": "WF-R2", "reason": "x", "until": "2099-01-01"}, "Enter a day no later than"),
        ({"kind": "accept", "reason": "Ask jo@example.org"}, "Take out the email address"),
        ({"kind": "accept", "reason": "About 943 476 5919"}, "Take out the NHS number"),
        ({"kind": "accept", "reason": "long " * 500}, "Shorten this to 2,000 characters"),
        ({"kind": "waive", "rule": "VAL-TYPE", "reason": "x", "until": NEXT_YEAR}, "cannot be waived"),
        (
            {"kind": "correct", "finding": finding, "reason": "x", "new_value": "1"},
            "Say where the correct value comes from",
        ),
        ({"kind": "hold", "reason": "x"}, "You cannot make this decision"),
        ({"kind": "undo", "reason": "x", "undoes": "999"}, "There is no decision 999"),
    ):
        answer = desk.post("steward", "/preview", submission=held, **fields)
        assert answer.status_code == 409, fields
        assert "There is a problem" in answer.text
        assert words in answer.text
        assert 'class="problem" role="alert"' in answer.text


def hidden_of(page: str) -> dict[str, str]:
    """The hidden fields of a preview's confirming form."""
    form = re.search(r'<form method="post" action="/steward/decide">.*?</form>', page, re.S)[0]
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in fields if name != "token"}


def test_preview_decide_approve_and_see_it_published(desk, look, returns):
    held = returns["RX4 v2"]
    finding = flow.value(
        "SELECT finding_id FROM intake.findings WHERE submission_id = %s AND rule_id = 'VAL-TYPE'", [held]
    )
    draft = {
        "submission": held,
        "kind": "correct",
        "finding": finding,
        "new_value": "117",
        "value_source": "Mail of 3 July",
        "reason": "Typing slip.",
    }
    desk_before = flow.value("SELECT count(*) FROM intake.decisions WHERE kind = 'correct'")
    shown = desk.post("steward", "/preview", **draft)
    assert shown.status_code == 200, shown.text
    assert flow.value("SELECT count(*) FROM intake.decisions WHERE kind = 'correct'") == desk_before
    assert "Nothing has been decided yet" in shown.text
    taken = desk.post("steward", "/decide", **hidden_of(shown.text))
    assert taken.status_code == 303, taken.text
    number = taken.headers["location"].split("/")[-1].split("?")[0]
    assert "This decision has no effect until a second person approves it." in look(f"/decisions/{number}").text
    assert "Decision" in look("/decisions?state=proposed").text
    with desk.client("approver") as client:
        assert "What would change" in client.get(f"/steward/decisions/{number}?preview=1").text
    assert desk.post("approver", f"/decisions/{number}/verdict", verdict="approve", words="Seen.").status_code == 303
    again = desk.post("other approver", f"/decisions/{number}/verdict", verdict="approve")
    assert again.status_code == 409
    assert "in force already, by olga" in again.text
    assert look(f"/decisions/{number}/effect").json()["state"] == "queued"
    flow.take_in()
    flow.release()
    assert look(f"/decisions/{number}/effect").json()["state"] == "published"
    assert f"decision {number}" in look(f"/submissions/{held}").text


def test_an_approval_reaches_airflow(desk):
    import sqlite3

    with sqlite3.connect(desk.home / "airflow.db") as database:
        events = database.execute("SELECT partition_key, extra FROM asset_event ORDER BY id").fetchall()
    assert events and events[-1][0] == PERIOD
    assert '"by": "olga"' in events[-1][1]


def test_cells_that_changed_since_the_preview(desk, returns):
    held = returns["RX4 v2"]
    fields = {
        "submission": held,
        "kind": "waive",
        "rule": "WF-R2",
        "reason": "Known.",
        "until": NEXT_YEAR,
        "scope": "cells",
    }
    shown = desk.post("steward", "/preview", **fields)
    assert shown.status_code == 200, shown.text
    answer = desk.post("steward", "/decide", **hidden_of(shown.text) | {"seen": "something else"})
    assert answer.status_code == 409
    assert "have changed since the preview" in answer.text
    assert desk.post("steward", "/decide", **hidden_of(shown.text)).status_code == 303


def test_withdrawing_and_undoing(desk, look, returns):
    sound = returns["RA9 v1"]
    answer = desk.post("steward", "/decide", submission=sound, kind="hold", reason="A question is open.")
    number = answer.headers["location"].split("/")[-1].split("?")[0]
    others = desk.post("other steward", f"/decisions/{number}/undo", reason="Not mine.")
    assert others.status_code == 409
    assert "Only sam withdraws this proposal" in others.text
    assert desk.post("steward", f"/decisions/{number}/undo", reason="Answered.").status_code == 303
    assert "Withdrawn" in look(f"/decisions/{number}").text


def test_a_return_that_does_not_count_holds_at_once_and_reaches_airflow(desk, look, returns):
    answer = desk.post(
        "steward", "/decide", submission=returns["RTQ v1"], kind="return", reason="Please send it again."
    )
    assert answer.status_code == 303, answer.text
    number = answer.headers["location"].split("/")[-1].split("?")[0]
    assert look(f"/decisions/{number}/effect").json()["state"] in ("queued", "published", "measuring")
    assert "Returned to the trust" in text_of(look(f"/submissions/{returns['RTQ v1']}").text)


def test_what_trusts_see_before_publication_is_shown_to_stewards_and_decided_by_approvers(desk, look, returns):
    number = flow.offer("2025-08")
    with flow.as_owner() as connection:
        connection.execute("SELECT core.add_contact('ann@ra9.example', 'Ann Adams', '{RA9}', 'a test')")
        connection.execute(
            """INSERT INTO core.preview_response (preview_id, provider_code, contact_key, response, words)
               SELECT %s, 'RA9', contact_key, 'asked for a correction', 'Agency <b>staff</b>.' FROM core.contact""",
            [number],
        )
    page = look("/").text
    assert "1 release</a> that trusts see before publication; 1 trust asks for a correction" in page
    at = f"/previews/{number}"
    for path in ("/previews", at):
        assert "Trusts are looking" in look(path).text and "SAMPLE" not in text_of(look(path).text), path
    shown = look(at).text
    assert "Agency &lt;b&gt;staff&lt;/b&gt;." in shown and "Ann Adams" in shown and "not looked</summary>" in shown
    assert "Publish now" not in shown, "that is for an approver"
    for does, more, wrong in (
        ("hold", {}, "Enter a reason that people"),
        ("nothing", {"reason": "Known."}, "Select what to do"),
        ("extend", {"reason": "Asked for.", "until": "soon"}, "Enter the day on which"),
        ("extend", {"reason": "Asked for.", "until": "1/1/2026"}, "Enter a later day"),
        ("offer", {"reason": "Right."}, "is not held back"),
    ):
        answer = desk.post("approver", at, does=does, **more)
        assert answer.status_code in (400, 409) and wrong in answer.text, does
        assert more.get("reason", "") in answer.text
    for does, state in (("hold", "Held back"), ("offer", "Trusts are looking"), ("extend", "Given more time because")):
        answer = desk.post("approver", at, does=does, reason="As agreed.", until="1/6/2030")
        assert answer.headers["location"].endswith(f"{at}?done=preview_{does}"), answer.text
        assert state in look(at).text
    assert "1 Jun 2030" in look(at).text
    assert desk.post("approver", at, does="release", reason="All have signed.").status_code == 303
    assert "Published" in look(at).text and "Decide" not in look(at).text
    assert flow.value("SELECT count(*) FROM published.figures WHERE period = '2025-08'") > 0

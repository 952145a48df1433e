"""What a contact sees of their trust, and that nobody else sees it: every route, for nobody, for a contact of it and for one of another trust."""

import csv
import io
import re

import flow
import openpyxl
import pytest
from fastapi.routing import APIRoute
from served_room import Person
from trust_benchmarks.pages import readable
from trust_benchmarks.portal import app, files, wording

# Every route of the application, with what its address is for something of RA9's; who may: all, contacts (each sees their own), or own
# (contacts of RA9 alone).
ROUTES = {
    ("GET", "/sign-in"): "all",
    ("POST", "/sign-in"): "all",
    ("GET", "/sign-in/provider"): "all",  # there is none here: test_room_provider.py has one
    ("GET", "/sign-in/back"): "all",
    ("GET", "/link/{token}"): "all",
    ("POST", "/link"): "all",
    ("GET", "/static/{name}"): "all",
    ("GET", "/healthz"): "all",
    ("GET", "/help"): "all",
    ("POST", "/sign-out"): "contacts",
    ("GET", "/account"): "contacts",
    ("POST", "/account/name"): "contacts",
    ("POST", "/account/leave"): "contacts",
    ("GET", "/"): "contacts",
    ("GET", "/send"): "contacts",
    ("POST", "/send"): "contacts",
    ("GET", "/receipts"): "contacts",
    ("GET", "/figures"): "contacts",
    ("GET", "/previews"): "contacts",
    ("GET", "/messages"): "contacts",
    ("POST", "/messages"): "contacts",
    ("GET", "/{path:path}"): "contacts",
    ("GET", "/returns/{collection}/{period}/{sender}"): "own",
    ("GET", "/submissions/{submission_id}"): "own",
    ("POST", "/submissions/{submission_id}/answers"): "own",
    ("GET", "/submissions/{submission_id}/workbook.xlsx"): "own",
    ("GET", "/submissions/{submission_id}/original"): "own",
    ("GET", "/send/{draft_id}"): "own",
    ("GET", "/send/{draft_id}/workbook.xlsx"): "own",
    ("POST", "/send/{draft_id}"): "own",
    ("GET", "/receipts/{draft_id}"): "own",
    ("GET", "/receipts/{draft_id}/receipt.txt"): "own",
    ("GET", "/figures/{provider}/{metric}"): "own",
    ("GET", "/reports/{provider}/{half}"): "own",
    ("GET", "/reports/{provider}/{half}/report.pdf"): "own",
    ("GET", "/reports/{provider}/{half}/figures.csv"): "own",
    ("GET", "/previews/{preview_id}/{provider}"): "own",
    ("POST", "/previews/{preview_id}/{provider}"): "own",
}


def upload(person, content):
    return person.fill("/send", "/send", files={"file": ("f.csv", content)}).headers["location"].rpartition("/")[2]


@pytest.fixture(scope="module")
def known(returns, ann):
    """What the addresses above name: a draft and a receipt of ann's, and the submission of RA9 that is held."""
    sent = upload(ann, flow.workforce("RA9", "2025-04"))
    ann.fill(f"/send/{sent}", f"/send/{sent}")
    draft = upload(ann, flow.workforce("RA9", "2025-03"))
    own = {"collection": "workforce", "period": "2025-06", "sender": "RA9", "submission_id": returns["RA9 v2"]}
    return own | {
        "draft_id": draft,
        "sent": sent,
        "preview_id": flow.offer("2025-08"),
        "provider": "RA9",
        "half": "2025-04",
        "metric": "WF01",
        "token": "0",
        "name": "room.css",
    }


def address(path, known):
    if path.startswith("/receipts/"):
        path = path.replace("{draft_id}", "{sent}")
    return path.replace("{path:path}", "nothing").format(**known)


def test_the_matrix_has_every_route_of_the_application():
    found = {
        (method, route.path) for route in app.create().routes if isinstance(route, APIRoute) for method in route.methods
    }
    assert found == ROUTES.keys()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_who_may_see_what(room, ann, bob, stranger, known, method, path):
    who, at = ROUTES[method, path], address(path, known)
    answers = {}
    for name, person in (("ann", ann), ("bob", bob), ("nobody", stranger)):
        if method == "GET":
            answers[name] = person.get(at)
        elif (name, who) != ("ann", "own") and path not in (
            "/sign-out",
        ):  # ann would send it, or sign out for the tests that follow
            page = person.get("/sign-in" if name == "nobody" else "/account")
            answers[name] = person.submit(at, page, mail="x@y.example", link="x", name="Same")
    for name, answer in answers.items():
        assert answer.status_code < 500, name
        if who != "all" and name == "nobody":
            wanted = (303, "/sign-in") if method == "GET" else (403, None)
            assert (answer.status_code, answer.headers.get("location")) == wanted
            assert "RA9" not in answer.text
        elif who == "own" and name == "bob":
            assert answer.status_code == 404 and "RA9" not in answer.text
        elif who == "own" and name == "ann":
            assert answer.status_code == 200 and (
                "RA9" in answer.text or path.endswith((".xlsx", "original", ".pdf", ".csv"))
            )
    if who == "contacts" and method == "GET":
        assert "RX4" not in answers["ann"].text and "RA9" not in answers["bob"].text


def test_a_return_is_with_the_trust_while_something_stops_it(ann, known):
    page = ann.get("/").text
    todo, _, rest = page.partition("All returns")
    assert "Workforce" in todo and "June 2025" in todo and "With you" in todo and "May 2025" not in todo
    assert "Published" in rest and re.search(r"In release \S+, since", rest)
    one = ann.get("/returns/workforce/2025-06/RA9").text
    assert one.count("Version ") >= 2 and "stopped" in one and "this version is used" in one


def test_each_finding_is_shown_in_its_row_and_marked_in_the_workbook(ann, known):
    page = ann.get(f"/submissions/{known['submission_id']}").text
    assert '<td class="room-here">&lt;b&gt;many&lt;/b&gt;</td>' in page and "about ninety" in page and "<b>" not in page
    assert page.count('class="room-finding"') == flow.value(
        "SELECT count(*) FROM intake.findings WHERE submission_id = %s", [known["submission_id"]]
    )
    book = openpyxl.load_workbook(io.BytesIO(ann.get(f"/submissions/{known['submission_id']}/workbook.xlsx").content))
    assert any(cell.value == "<b>many</b>" and cell.font.b for row in book.worksheets[0] for cell in row)
    sent = ann.get(f"/submissions/{known['submission_id']}/original")
    assert b"<b>many</b>" in sent.content and sent.headers["content-type"] == "application/octet-stream"


def test_own_figures_stand_beside_the_peers_median_and_name_nobody_else(ann, known):
    page = ann.get("/figures").text
    value, median = flow.rows(
        "SELECT value, median FROM published.latest WHERE metric_id = 'WF02' AND provider_code = 'RA9'"
    )[0]
    unit = flow.value("SELECT unit FROM published.metrics WHERE metric_id = 'WF02'")
    row = next(one for one in page.split("<tr") if "/figures/RA9/WF02" in one)
    assert readable.with_unit(value, unit) in row and readable.with_unit(median, unit) in row
    assert not re.search("|".join(set(flow.TRUSTS) - {"RA9"}), page)
    series = ann.get("/figures/RA9/WF02").text
    assert "May 2025" in series and "June 2025" in series and ann.get("/figures/RA9/NONE").status_code == 404


BASE = dict.fromkeys(
    (
        "submission_id",
        "due",
        "closes",
        "counting",
        "is_returned",
        "waits_for_trust",
        "is_proposed",
        "replies",
        "refused_replies",
        "release_id",
        "published_at",
    )
)


@pytest.mark.parametrize(
    ("row", "tag", "rank"),
    [
        ({"state": "not_due"}, "Not due yet", 2),
        ({"state": "due"}, "Due", 1),
        ({"state": "late"}, "Late", 0),
        ({"state": "missing"}, "Not sent", 2),
        ({"state": "received", "submission_id": "s"}, "Being checked", 2),
        ({"state": "held", "submission_id": "s", "waits_for_trust": True}, "With you", 0),
        ({"state": "held", "submission_id": "s", "waits_for_trust": False}, "With us", 2),
        ({"state": "held", "submission_id": "s", "waits_for_trust": True, "is_proposed": True}, "With us", 2),
        ({"state": "held", "submission_id": "s", "is_returned": True}, "With you", 0),
        ({"state": "held", "submission_id": "s", "is_returned": True, "replies": 1}, "With us", 2),
        ({"state": "held", "submission_id": "s", "waits_for_trust": True, "replies": 1}, "With us", 2),
        (
            {"state": "held", "submission_id": "s", "waits_for_trust": True, "replies": 1, "refused_replies": 1},
            "With you",
            0,
        ),
        ({"state": "accepted", "submission_id": "s"}, "Accepted", 2),
        ({"state": "accepted_with_warnings", "submission_id": "s", "release_id": "r"}, "Published", 2),
    ],
)
def test_states_are_plain_words(row, tag, rank):
    said = wording.state_of(BASE | row)
    assert (said.tag, said.rank) == (tag, rank) and said.says.endswith(".")


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (12.3456, "%", "12.3%"),
        (66_123.4, "GBP", "£66,100"),
        (-12.0, "GBP/FTE", "-£12 per FTE"),
        (0.012345, "ratio", "0.0123 ratio"),
        (1_234_567.0, "", "1,230,000"),
        (None, "%", "none"),
    ],
)
def test_numbers_are_rounded_for_people(value, unit, says):
    assert readable.with_unit(value, unit) == says


def test_a_return_that_a_steward_sent_back_says_so_with_the_reason(bob, returns):
    with flow.as_desk() as connection:
        connection.execute(
            "INSERT INTO core.decision (kind, author, submission_id, reason) VALUES ('return', 'sam', %s, 'Please look at the FTE.')",
            [returns["RX4 v2"]],
        )
    assert "We sent it back to you" in bob.get("/").text
    assert "Please look at the FTE." in bob.get(f"/submissions/{returns['RX4 v2']}").text


def test_a_fault_is_said_without_its_details(room, returns, monkeypatch):
    def broken(*_):
        raise RuntimeError("a secret of the database")

    with Person(room, "ann@ra9.example") as person:
        monkeypatch.setattr(files.database, "rows", broken)
        answer = person.get("/figures")
    assert (
        answer.status_code == 500
        and "a secret" not in answer.text
        and "default-src" in answer.headers["content-security-policy"]
    )


def test_a_board_report_of_the_trust_s_own_figures_returns_and_decisions(ann, returns):
    with flow.as_owner() as connection:
        connection.execute(
            """INSERT INTO core.reply (submission_id, kind, rule_id, message, reason_code, note)
               VALUES (%s, 'confirm', 'WF-R2', 'Unusual.', 'new_ward', 'Ward 7 since June.')""",
            [returns["RA9 v2"]],
        )
    page = ann.get("/reports/RA9/2025-04")
    assert (
        "The trust confirmed what was found" in page.text
        and "A ward, team or site opened. Ward 7 since June." in page.text
    )
    assert "Recommendation 5: Workforce wellbeing and engagement" in page.text and "WF04" in page.text
    assert "sent more than once" in page.text and "RX4" not in page.text
    pdf, table = (ann.get(f"/reports/RA9/2025-04/{name}") for name in ("report.pdf", "figures.csv"))
    assert pdf.content.startswith(b"%PDF") and "board_report_RA9_2025-04.pdf" in pdf.headers["content-disposition"]
    exact = {row["metric_id"]: row for row in csv.DictReader(io.StringIO(table.text)) if row["period"] == "2025-06"}
    query = "SELECT value FROM published.figures WHERE (provider_code, period, metric_id) = ('RA9', '2025-06', 'WF04')"
    assert float(exact["WF04"]["value"]) == flow.value(query)
    for wrong in ("2025-05", "x"):
        assert ann.get(f"/reports/RA9/{wrong}").status_code == 404
    assert ann.get("/reports/RX4/2025-04").status_code == 404

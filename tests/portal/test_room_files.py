"""Check and send: what a contact is told of a file, what is kept of it, and receipts that go with files whatever ends in between."""

import hashlib
import http.client
import io
import re
from datetime import timedelta

import flow
import openpyxl
import polars as pl
import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from served_room import ANN, Person, session_of
from trust_benchmarks.ingest.inbox import DRAFTS
from trust_benchmarks.portal import files, sending
from trust_benchmarks.reading import raw_table
from trust_benchmarks.records.file_check import check
from trust_benchmarks.stores import objects, settings, warehouse


def spoil(rows):
    rows[0]["headcount"] = "many"
    rows[1]["fte"] = "<script>alert(1)</script>"


GOOD = flow.workforce("RA9", "2025-06")
BAD = flow.workforce("RA9", "2025-06", change=spoil)


def upload(person, content, name="return.csv", **fields):
    return person.fill("/send", "/send", files={"file": (name, content, "text/csv")}, **fields)


def inbox(prefix="") -> set[str]:
    return {found.key for found in objects.listing(settings.load().inbox, prefix)}


@pytest.fixture(autouse=True)
def nothing_left(ann):
    """No sending of another test is unfinished."""
    yield
    sending.sweep(timedelta(0))


def test_a_faulty_file_is_told_of_row_by_row_and_nothing_is_kept_of_it(ann):
    before = inbox("workforce/")
    answer = upload(ann, BAD, "workforce_RA9_2025-06_v1.csv")
    assert answer.status_code == 303
    page = ann.get(answer.headers["location"]).text
    verdict = check(BAD, "workforce_RA9_2025-06_v1.csv")
    assert "Something would stop it" in page and "Send this file" in page and "June 2025" in page
    assert len(re.findall('class="room-finding"', page)) == verdict.findings.height
    assert '<td class="room-here">many</td>' in page and "&lt;script&gt;alert(1)" in page and "<script" not in page
    book = ann.get(answer.headers["location"] + "/workbook.xlsx")
    marked = openpyxl.load_workbook(io.BytesIO(book.content))
    assert (
        any(
            cell.value == "many" and cell.fill.fgColor.rgb != "00000000" for row in marked.worksheets[0] for cell in row
        )
        or len(marked.sheetnames) > 1
    )
    assert inbox("workforce/") == before and flow.value("SELECT count(*) FROM core.room_sending") == 0


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_sound_file_is_sent_received_and_counts(ann, ending):
    content = flow.workforce("RA9", "2025-05", scale=1.0 if ending == "csv" else 1.1)
    if ending == "xlsx":
        out = io.BytesIO()
        pl.read_csv(content, infer_schema=False).write_excel(out)
        content = out.getvalue()
    answer = upload(ann, content, f"our file.{ending}")
    place = answer.headers["location"]
    page = ann.get(place)
    assert "Nothing is wrong with it" in page.text and "Send this file" in page.text
    sent = ann.submit(place, page)
    receipt = ann.get(sent.headers["location"]).text
    digest = hashlib.sha256(content).hexdigest()
    assert "We have your file" in receipt and digest in receipt and "Workforce" in receipt
    text = ann.get(sent.headers["location"] + "/receipt.txt")
    assert digest in text.text and "attachment" in text.headers["content-disposition"]
    draft = sent.headers["location"].rpartition("/")[2]
    key = f"workforce/RA9/{draft}/our file.{ending}"
    assert objects.get(settings.load().inbox, key)[0] == content
    assert not [one for one in inbox(DRAFTS) if one.endswith(draft)], "the draft has gone"
    assert ann.submit(place, page).headers["location"] == sent.headers["location"], "pressed twice: the same receipt"
    assert flow.rows("SELECT count(*), count(received_at) FROM intake.room_sendings WHERE sha256 = %s", [digest]) == [
        (1, 1)
    ]
    flow.take_in()
    assert flow.rows("SELECT sender, period, state FROM intake.submissions WHERE sha256 = %s", [digest]) == [
        ("RA9", "2025-05", "accepted")
    ]


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (flow.workforce("RX4", "2025-06"), "f.csv", "which is not your trust"),
        (flow.workforce("RX4", "2025-06"), "workforce_RA9_2025-06_v1.csv", "not your trust"),
        (flow.text([row | {"ods_code": ""} for row in flow.workforce_rows()]), "f.csv", "could not tell which trust"),
        (flow.text([row | {"period": ""} for row in flow.workforce_rows()]), "f.csv", "could not tell which period"),
        (b"not,a\nreturn,at all\n", "f.csv", "could not tell which return"),
    ],
)
def test_what_is_not_the_trusts_own_return_is_refused(ann, content, name, says):
    before = inbox("workforce/")
    place = upload(ann, content, name).headers["location"]
    page = ann.get(place).text
    assert says in page and 'action="/send/' not in page
    token = re.search(r'name="token" value="(\w+)"', page)[1]
    assert ann.post(place, data={"token": token}).status_code == 409
    assert inbox("workforce/") == before


@pytest.mark.parametrize(
    ("name", "content", "status", "says"),
    [
        ("f.pdf", b"x", 400, "ends in .csv"),
        ("f.csv", b"", 400, "is empty"),
        ("f", b"x", 400, "ends in .csv"),
        ("f.csv", b"x" * 200_000, 413, "larger than"),
    ],
)
def test_what_cannot_be_a_return_is_refused_at_once(ann, monkeypatch, name, content, status, says):
    monkeypatch.setattr(files, "MAX_BYTES", 100_000)
    answer = upload(ann, content, name)
    assert answer.status_code == status and says in answer.text and 'href="#file"' in answer.text


def test_no_file_and_no_such_return_are_told_at_the_field(ann):
    assert "Choose a file" in ann.fill("/send", "/send").text
    assert upload(ann, GOOD, collection="nothing").status_code == 400
    assert upload(ann, GOOD, collection="workforce").status_code == 303


def test_a_file_that_is_too_large_is_refused_before_it_is_read(ann, stranger):
    host, port = ann.base_url.host, ann.base_url.port
    asked = http.client.HTTPConnection(host, port)
    asked.putrequest("POST", "/send")
    cookie = f"{files.security.SESSION}={ann.cookies[files.security.SESSION]}"
    for name, value in {"Content-Length": str(raw_table.MAX_BYTES * 2), "Cookie": cookie}.items():
        asked.putheader(name, value)
    asked.endheaders()  # and not a byte of the file
    assert asked.getresponse().status == 413
    asked.close()
    assert stranger.post("/send", files={"file": ("f.csv", GOOD)}).status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "../../workforce/RX4/f.csv",
        "C:\\temp\\f.csv",
        "a\x07\u202e\u200b.csv",
        "x" * 300 + ".csv",
        "ü ☃.csv",
        "'\"<b>.csv",
    ],
)
def test_a_name_is_only_a_name(ann, name):
    place = upload(ann, flow.workforce("RA9", "2025-04", scale=1 + len(name) / 1000), name).headers["location"]
    sent = ann.fill(place, place)
    (key,) = inbox(f"workforce/RA9/{place.rpartition('/')[2]}")
    assert key.count("/") == 3 and sent.status_code == 303
    page = ann.get(sent.headers["location"])
    assert page.status_code == 200 and "<b>" not in page.text and "\u202e" not in page.text


def test_another_session_sees_no_draft_not_even_of_the_same_person(ann, bob, room):
    place = upload(ann, GOOD).headers["location"]
    with Person(room, ANN) as other:
        for person in (bob, other):
            for path in (place, f"{place}/workbook.xlsx"):
                assert person.get(path).status_code == 404
            assert person.submit(place, person.get("/account")).status_code == 404


def test_a_draft_goes_when_its_time_is_over_or_its_session(room, ann):
    with Person(room, ANN) as person:
        upload(person, GOOD)
        assert len(inbox(DRAFTS)) >= 1
        person.fill("/account", "/sign-out")
    upload(ann, GOOD)
    with flow.as_owner() as connection:
        connection.execute("ALTER TABLE core.room_draft DISABLE TRIGGER facts")
        connection.execute("UPDATE core.room_draft SET expires_at = now() - interval '6 minutes'")
        connection.execute("ALTER TABLE core.room_draft ENABLE TRIGGER facts")
    sending.sweep()
    assert inbox(DRAFTS) == set()


class Killed(BaseException):
    """Stands for the end of the process."""


def test_whatever_ends_in_between_there_is_a_receipt_for_each_file_and_a_file_for_each_receipt(ann, monkeypatch):
    session = session_of(ANN)
    with warehouse.connect("trust_room") as connection:
        ((key, *_),) = connection.execute("SELECT * FROM room.me(%s)", [session]).fetchall()
    contact = files.security.Contact(key, ANN, "Ann", ("RA9",), session)
    steps = {"put": (objects, "put_once"), "receipt": (sending, "_give_receipt"), "delete": (objects, "delete")}
    found = {}
    for number, (step, (module, name)) in enumerate(steps.items()):
        for after in (False, True):
            content = flow.workforce("RA9", "2025-03", scale=1 + number / 10 + after / 20)
            draft_id = f"{step}{after}".lower()
            place = sending.draft_key(key, draft_id)
            with warehouse.connect("trust_room") as connection:
                connection.execute(
                    "SELECT room.add_draft(%s, %s, 'f.csv', %s, %s)",
                    [session, draft_id, hashlib.sha256(content).hexdigest(), len(content)],
                )
            draft = files.database.first("draft", session, draft_id)
            objects.put_once(settings.load().inbox, place, content)
            real = getattr(module, name)

            def killed(*given, real=real, after=after):
                if after:
                    real(*given)
                raise Killed

            with monkeypatch.context() as patch, pytest.raises(Killed):
                patch.setattr(module, name, killed)
                sending.send(contact, draft, check(content, "f.csv"))
            found[draft_id] = f"workforce/RA9/{draft_id}/f.csv"
    # The draft of one is gone, too, before the file got anywhere.
    objects.delete(settings.load().inbox, [sending.draft_key(key, "putfalse")])
    assert sending.sweep()["receipts"] == 0, "they may be in work still"
    first, again = sending.sweep(timedelta(0)), sending.sweep(timedelta(0))
    assert (first["receipts"], first["lost"], first["sent"]) == (2, 1, 0) and not any(again.values())
    states = dict(
        flow.rows(
            "SELECT sending_id, received_at IS NOT NULL FROM intake.room_sendings WHERE sending_id = ANY(%s)",
            [list(found)],
        )
    )
    there = inbox("workforce/RA9/")
    assert states == {draft_id: place in there for draft_id, place in found.items()}
    assert [draft_id for draft_id, is_there in states.items() if not is_there] == ["putfalse"]
    assert "did not arrive" in ann.get("/receipts/putfalse").text and "Not received" in ann.get("/receipts").text
    assert ann.get("/receipts/putfalse/receipt.txt").status_code == 404


def test_a_draft_that_outlived_its_process_is_sent_by_the_sweep(ann, monkeypatch):
    place = upload(ann, flow.workforce("RA9", "2025-02")).headers["location"]

    def away(*_):
        raise EndpointConnectionError(endpoint_url="s3")

    with monkeypatch.context() as patch:
        patch.setattr(objects, "put_once", away)
        assert ann.fill(place, place).status_code == 503
    assert "on its way" in ann.get(f"/receipts/{place.rpartition('/')[2]}").text
    assert sending.sweep(timedelta(0))["sent"] == 1
    assert "We have your file" in ann.get(f"/receipts/{place.rpartition('/')[2]}").text


def test_answers_go_with_the_file_and_are_replies_once_it_is_received(ann):
    """Answered before it is sent; a mistake costs nothing; what cannot be confirmed is not offered, and refused if it is sent all the same."""
    content = flow.workforce("RA9", "2025-01", change=spoil)
    place = upload(ann, content).headers["location"]
    page = ann.get(place)
    row = re.search(r'many</td>.*?name="kind-(f\d+)"', page.text, re.S)[1]
    assert f'id="reason-{row}"' not in page.text, "a cell without a value is not confirmed"
    ceiling = re.search(r'rule CEILING.*?name="kind-(f\d+)"', page.text, re.S)[1]
    wrong = {
        f"kind-{row}": "correct",
        f"value-{row}": "lots",
        f"kind-{ceiling}": "confirm",
        f"note-{ceiling}": "Kept <b>so</b>.",
    }
    again = ann.submit(place, page, **wrong)
    assert again.status_code == 400 and "lots" in again.text and "Kept &lt;b&gt;so" in again.text
    assert f'href="#value-{row}"' in again.text and f'href="#reason-{ceiling}"' in again.text
    forged = ann.submit(place, page, **{f"kind-{row}": "confirm", f"reason-{row}": "restated"})
    assert forged.status_code == 400 and "cannot be confirmed" in forged.text
    assert inbox(f"workforce/RA9/{place.rpartition('/')[2]}") == set(), "nothing was sent with a wrong answer"
    right = wrong | {f"value-{row}": "100", f"reason-{ceiling}": "checked"}
    sent = ann.submit(place, page, **right).headers["location"]
    assert ann.submit(place, page, **right).headers["location"] == sent
    assert "2 answers sent with it" in ann.get(sent).text and "2 answers" in ann.get(f"{sent}/receipt.txt").text
    kept = """SELECT r.kind, r.rule_id, r.new_value, r.reason_code, r.note, r.state, r.came_by, r.contact_name FROM intake.replies r
              WHERE r.period = '2025-01' ORDER BY r.reply_id"""
    assert flow.rows(kept) == [], "not before the file is there"
    for key in sorted(inbox(f"workforce/RA9/{place.rpartition('/')[2]}")):
        flow.put(key.replace("return.csv", "copy.csv"), content)  # the same bytes again make no second answer
    for _ in range(2):
        flow.take_in()
    assert flow.rows(kept) == [
        ("confirm", "CEILING", None, "checked", "Kept <b>so</b>.", "open", "room", "Ann Adams"),
        ("correct", "VAL-TYPE", "100", None, "", "open", "room", "Ann Adams"),
    ]
    assert "answered findings" in ann.get("/account").text.lower()


def test_a_contact_checks_a_hundred_files_an_hour_at_most(ann, room):
    with warehouse.connect("trust_room") as connection:
        session = session_of(ANN)
        for number in range(101):
            try:
                with connection.transaction():
                    connection.execute(
                        "SELECT room.add_draft(%s, %s, 'f.csv', repeat('a', 64), 3)", [session, f"many{number}"]
                    )
            except psycopg.Error as problem:
                assert "100 files" in str(problem) and number > 50
                break
        else:
            raise AssertionError("all were taken")
    answer = upload(ann, GOOD)
    assert answer.status_code == 409 and "100 files within an hour" in answer.text

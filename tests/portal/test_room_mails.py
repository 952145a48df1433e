"""The room's mails: a link by mail signs in, a receipt by mail names the file, and each waits in the outbox once."""

import hashlib
import re
from email.message import EmailMessage

import flow
import pytest
from served_room import ANN, BOB, Person
from trust_benchmarks.messages import outbox, words


@pytest.fixture
def post():
    """What is handed to the mail server when the outbox is sent."""
    sent: list[EmailMessage] = []
    yield lambda: (outbox.send(by=sent.append), sent)[1]


def _text(mail: EmailMessage) -> str:
    return mail.get_body(("plain",)).get_content()


def test_a_link_that_came_by_mail_signs_in(room, stranger, post):
    stranger.fill("/sign-in", "/sign-in", mail=f" {ANN.upper()} ")
    (mail,) = post()
    assert (mail["To"], mail["Subject"]) == (ANN, "Your link to the trust room")
    (link,) = re.findall(rf"{room}/link/[0-9a-f]{{64}}", _text(mail))
    assert link in mail.get_body(("html",)).get_content() and "{link}" not in str(mail)
    token = link.rpartition("/")[2]
    assert stranger.fill(f"/link/{token}", "/link", link=token).headers["location"] == "/"
    assert "Ann Adams" in stranger.get("/account").text


def test_a_link_that_is_too_old_is_not_mailed_any_more(room, stranger, post):
    before = flow.value("SELECT count(*) FROM core.message")
    stranger.fill("/sign-in", "/sign-in", mail=BOB)
    late = flow.value(
        "SELECT count(*) FROM core.message WHERE not_after BETWEEN now() + interval '14 minutes' AND now() + interval '15 minutes'"
    )
    assert flow.value("SELECT count(*) FROM core.message") == before + 1 and late >= 1
    stranger.fill("/sign-in", "/sign-in", mail="nobody@example.nhs.uk")
    assert flow.value("SELECT count(*) FROM core.message") == before + 1, "nobody but a contact gets mail"


def test_a_receipt_comes_by_mail_once_and_harmless(room, post):
    content = flow.workforce("RA9", "2025-06")
    with Person(room, ANN) as ann:
        place = ann.fill("/send", "/send", files={"file": ("<b>our file.csv", content)}).headers["location"]
        page = ann.get(place)
        for _ in range(2):
            ann.submit(place, page)
    mails = [one for one in post() if one["Subject"].startswith("We have your file")]
    (mail,) = mails
    assert mail["To"] == ANN and "Workforce, June 2025, RA9" in mail["Subject"]
    assert hashlib.sha256(content).hexdigest() in _text(mail) and "File       <b>our file.csv" in _text(mail)
    html = mail.get_body(("html",)).get_content()
    assert "<b>our" not in html and "&lt;b&gt;our" in html
    assert flow.value("SELECT count(*) FROM core.message WHERE kind = 'receipt'") == 1


def test_a_contact_sees_their_mails_and_chooses_what_they_get(room):
    def held() -> set[tuple[str, str]]:
        return set(flow.rows("SELECT kind, choice FROM intake.message_preferences WHERE mail = %s", [BOB]))

    kinds = [name for name, kind in words.kinds().items() if kind.may_be_off]
    with Person(room, BOB) as bob, Person(room, ANN) as ann:
        bob.fill("/messages", "/messages", how="usual", **dict.fromkeys(kinds, "yes"))
        assert held() == set(), "nothing was changed, so nothing is noted"
        sent = bob.fill("/messages", "/messages", how="digest", **dict.fromkeys(set(kinds) - {"late"}, "yes"))
        assert sent.headers["location"] == "/messages?done=chosen" and held() == {("*", "digest"), ("late", "off")}
        page = bob.get("/messages").text
        assert (
            'value="digest" checked' in page and len(re.findall('type="checkbox"[^>]* checked', page)) == len(kinds) - 1
        )
        bob.fill("/messages", "/messages", how="digest", **dict.fromkeys(kinds, "yes"), sign_in_link="yes", other="x")
        assert held() == {("*", "digest"), ("late", "digest")}
        assert "We have your file" in ann.get("/messages").text and "We have your file" not in bob.get("/messages").text
        assert "/link/" not in bob.get("/messages").text

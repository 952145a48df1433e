"""The outbox and a real mail server on loopback: once each, digests, refusals, two senders, a server that dies after taking a mail."""

import threading
from datetime import UTC, datetime, timedelta

import flow
import psycopg
import pytest
from mail_server import text
from trust_benchmarks import messages
from trust_benchmarks.messages import outbox, words
from trust_benchmarks.stores import warehouse
from trust_benchmarks.stores.mail import Unsendable

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
EARLY = datetime(2026, 11, 1, tzinfo=UTC)


SAID = words.Text("Workforce, 2025-06: due", "Send it.\n\n- By Friday\n", "<p>Send it.</p>")
WHOLE = words.Text("Your receipt", "Kept.\n", "<html><body>Kept.</body></html>")


def queued(kind="due_soon", about="a", to="ann@example.org", said=SAID, **given) -> bool:
    with warehouse.connect() as connection:
        return messages.queue(connection, kind, about, to, said, **{"not_before": EARLY, **given})


def many(number, to="ann@example.org", kind="received", start=0):
    """Messages that may go into a digest, without their templates."""
    with warehouse.connect() as connection:
        for one in range(start, start + number):
            connection.execute(
                """INSERT INTO core.message (kind, about, mail, subject, body_text, body_html, not_before)
                   VALUES (%s, %s, %s, %s, 'Body ' || %s, '<p>x</p>', %s)""",
                [kind, str(one), to, f"Subject {one}", one, EARLY],
            )


def states() -> list[tuple]:
    return flow.rows("SELECT state, attempts FROM intake.messages ORDER BY message_key")


def test_one_message_is_queued_once_sent_once_and_only_when_its_transaction_was_committed(world, post):
    assert queued(name="Ann Other", to=" Ann@Example.org ") and not queued() and queued(to="ben@example.org")
    with pytest.raises(RuntimeError), warehouse.connect() as connection:
        messages.queue(connection, "sign_in_link", "x", "ann@example.org", WHOLE)
        raise RuntimeError
    assert messages.send(by=post.deliver, now=NOW) == outbox.Sent(emails=2, sent=2)
    assert messages.send(by=post.deliver, now=NOW) == outbox.Sent()
    (mail,) = post.mails("ann@example.org")
    assert mail["Subject"] == "Workforce, 2025-06: due"
    assert text(mail).startswith("Dear Ann Other,\n\nSend it.\n\n- By Friday\n\nYou get this because")
    assert "<p>Dear Ann Other,</p>" in mail.get_body(("html",)).get_content()
    assert states() == [("sent", 1), ("sent", 1)]
    for statement in ("UPDATE core.message SET subject = 'x'", "DELETE FROM core.message_attempt"):
        with pytest.raises(psycopg.Error, match="are facts"), flow.as_owner() as connection:
            connection.execute(statement)


def test_up_to_three_come_alone_and_more_as_one_digest_a_day(world, post):
    many(2)
    assert messages.send(by=post.deliver, now=NOW).emails == 2
    many(50, start=2)
    done = messages.send(by=post.deliver, now=NOW)
    assert (done.emails, done.sent) == (1, 50)
    digest = post.mails()[-1]
    assert digest["Subject"] == "50 messages about your returns, 24 November 2026"
    assert all(f"Subject {one}\n" in text(digest) and f"Body {one}\n" in text(digest) for one in range(2, 52))
    many(2, start=52)
    queued("receipt", said=WHOLE)  # comes at once all the same, and as it was written
    assert messages.send(by=post.deliver, now=NOW).postponed == 2
    assert len(post.mails()) == 4 and text(post.mails()[-1]) == "Kept.\n"
    assert messages.send(by=post.deliver, now=NOW + timedelta(hours=10)).emails == 0
    assert messages.send(by=post.deliver, now=datetime(2026, 11, 25, 7, 31, tzinfo=UTC)).emails == 2
    assert {state for state, _ in states()} == {"sent"}


def test_what_the_server_refuses_is_tried_again_later_and_given_up_in_the_end(world, post):
    queued()
    queued(to="ben@example.org")
    queued(to="gone@example.org")
    post.answers = {"ann@example.org": "450 try again later", "gone@example.org": "550 no such person"}
    done = messages.send(by=post.deliver, now=NOW)
    assert (done.sent, done.failed, len(done.given_up)) == (1, 1, 1)
    assert flow.value("SELECT said FROM intake.messages WHERE mail = 'gone@example.org'") == "550 no such person"
    assert messages.send(by=post.deliver, now=NOW + timedelta(minutes=4)) == outbox.Sent()
    moment, given_up = NOW, []
    for minutes in outbox.PAUSES:
        moment += timedelta(minutes=minutes)
        given_up += messages.send(by=post.deliver, now=moment).given_up
    assert len(given_up) == 1 and states() == [("given_up", 8), ("sent", 1), ("given_up", 1)]
    post.answers = {}
    assert messages.send(by=post.deliver, now=moment + timedelta(days=9)) == outbox.Sent()


def test_without_a_server_everything_waits_and_nothing_is_counted_as_tried(world, post):
    queued()

    def unreachable(message):
        raise Unsendable("refused")

    with pytest.raises(Unsendable):
        messages.send(by=unreachable, now=NOW)
    assert states() == [("waiting", 0)]
    assert messages.send(by=post.deliver, now=NOW).sent == 1


def test_what_comes_too_late_to_be_of_use_is_dropped(world, post):
    queued("sign_in_link", said=WHOLE, not_after=NOW - timedelta(minutes=1))
    assert messages.send(by=post.deliver, now=NOW) == outbox.Sent(dropped=1)
    assert post.mails() == [] and states() == [("dropped", 1)]


def test_a_server_that_dies_after_taking_a_mail_gets_the_same_mail_again(world, post):
    queued()
    post.breaks_off_after = 1
    assert messages.send(by=post.deliver, now=NOW).failed == 1
    assert messages.send(by=post.deliver, now=NOW + timedelta(minutes=6)).sent == 1
    first, second = post.mails()
    assert first["Message-ID"] == second["Message-ID"]


def test_two_senders_at_once_send_each_mail_once(world, post):
    for one in range(20):
        queued(to=f"p{one % 7}@example.org", about=str(one))
    both, found = threading.Barrier(2), []

    def run():
        both.wait()
        found.append(messages.send(by=post.deliver, now=NOW))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    messages.send(by=post.deliver, now=NOW)  # whom both passed over
    ids = [mail["Message-ID"] for mail in post.mails()]
    assert len(ids) == len(set(ids)) == 20 and {state for state, _ in states()} == {"sent"}


def test_the_digest_and_the_links_are_harmless(world, post):
    with pytest.raises(ValueError, match="not an email address"):
        queued(to="ann@example.org\nBcc: all@example.org")
    queued(said=words.Text("Due\r\nBcc: x", "<script>\n", words.html("<script>")), name="<b>Ann\r\nBcc: y")
    messages.send(by=post.deliver, now=NOW)
    (mail,) = post.mails()
    html = mail.get_body(("html",)).get_content()
    assert mail["Bcc"] is None and "<script>" not in html and "<b>" not in html


def test_a_mail_that_cannot_be_made_is_given_up_and_keeps_no_other_back(world, post):
    many(1, to="bad@example.org")
    many(1, to="good@example.org")

    def deliver(message):
        if message["To"] == "bad@example.org":
            raise ValueError("a header that is none")
        post.deliver(message)

    done = messages.send(by=deliver, now=NOW)
    assert (done.sent, len(done.given_up)) == (1, 1)
    assert [mail["To"] for mail in post.mails()] == ["good@example.org"]

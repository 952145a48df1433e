"""A month of a trust played: every message once, in order, with its words; many at once are one digest; killed between, nothing is lost."""

import os
import re
import signal
from datetime import UTC, datetime, time, timedelta

import flow
import pytest
from mail_server import text
from trust_benchmarks import messages
from trust_benchmarks.messages import days, occasions, preferences
from trust_benchmarks.reference.calendar import working_days_after
from trust_benchmarks.stewardship.decisions import Draft, decide, verdict
from trust_benchmarks.stores import warehouse

PERIOD, OTHER = "2025-06", "2025-05"
TODAY = datetime.now(UTC)
FIRST = days.at(working_days_after(days.day_of(TODAY), 1), time(10))  # a working day
ANN = "ann@example.org"


def contact(*codes, mail=ANN, name="Ann Other", **choices):
    with warehouse.connect() as connection:
        connection.execute("SELECT core.add_contact(%s, %s, %s, 'kim')", [mail, name, list(codes)])
        for kind, choice in choices.items():
            preferences.choose(connection, mail, kind.replace("every", "*"), choice, "kim")


def due(sender, moment, closes, period=PERIOD):
    """Of all that the calendar asks for, only this."""
    with flow.as_owner() as connection:
        for table in ("expected", "calendar"):
            connection.execute(f"ALTER TABLE core.{table} DISABLE TRIGGER facts")
            connection.execute(f"DELETE FROM core.{table}")
        connection.execute(
            "INSERT INTO core.expected (collection, period, sender, part, due, closes) VALUES ('workforce', %s, %s, '', %s, %s)",
            [period, sender, moment, closes],
        )


def sent(post, now, address=ANN) -> list:
    """What comes when the DAG runs at a moment, twice."""
    before = len(post.mails(address))
    for _ in range(2):
        assert occasions.queue(now).failed == []
        messages.send(by=post.deliver, now=now + timedelta(seconds=1))
    # What is due of the present month is another matter, and depends on the day.
    return [mail for mail in post.mails(address)[before:] if re.search("2025-0|messages about", mail["Subject"])]


def subjects(mails) -> list[str]:
    return [mail["Subject"].strip() for mail in mails]  # a long one begins on a line of its own


def test_a_month_of_a_trust_every_message_once_in_order_with_its_words(world, post, monkeypatch):
    monkeypatch.setenv("TB_ROOM_URL", "https://room.example.org/")
    contact("RA9", every="each")
    contact("RHA", mail="ben@example.org", name="Ben")
    deadline = days.at(working_days_after(days.day_of(FIRST), 3), time(17))
    due("RA9", deadline, deadline + timedelta(days=30))

    (mail,) = sent(post, FIRST)
    assert subjects([mail])[0].startswith(f"Due {deadline:%-d %B %Y}: ") and "2025-06, RA9" in mail["Subject"]
    what = mail["Subject"].partition(": ")[2]
    said = text(mail)
    assert said.startswith("Dear Ann Other,\n\nThe return ") and "We have not received it yet." in said
    assert "Send it in the trust's room: https://room.example.org" in said
    assert 'href="https://room.example.org"' in mail.get_body(("html",)).get_content()
    assert sent(post, FIRST + timedelta(hours=1)) == []

    assert subjects(sent(post, deadline - timedelta(hours=7))) == [f"Due today: {what}"]
    next_day = days.at(working_days_after(days.day_of(deadline), 1), time(10))
    (mail,) = sent(post, next_day)
    assert subjects([mail]) == [f"Late: {what}"] and "The period closes on" in text(mail)

    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, change=lambda rows: rows[2].update(fte="lots")))
    flow.take_in()
    received, held = sent(post, next_day + timedelta(hours=1))
    assert subjects([received, held]) == [f"Received: {what}", f"Correct and send again: {what}"]
    sha = flow.value("SELECT sha256 FROM core.submission")
    assert f"- SHA-256 of the file: {sha}\n" in text(received)
    assert "\n\nWhat you must correct:\n\n- " in text(held)
    assert "\n- VAL-TYPE in fte: 1 finding (line 4). 'lots' is not a valid value" in text(held)
    assert "send the whole return again" in text(held) and "<li>VAL-TYPE in " in held.get_body(("html",)).get_content()

    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD), 2)
    flow.take_in()
    received, mended = sent(post, next_day + timedelta(hours=2))
    assert subjects([received, mended]) == [f"Received: {what}", f"Corrected and accepted: {what}"]
    assert "10 of 10 rows are recorded" in text(mended)

    flow.put_return("RA9", OTHER, flow.workforce("RA9", OTHER))
    flow.take_in()
    other = what.replace(PERIOD, OTHER)
    assert subjects(sent(post, next_day + timedelta(hours=3))) == [f"Received: {other}", f"Accepted: {other}"]
    flow.release()
    found = sent(post, next_day + timedelta(hours=4))
    assert sorted(subjects(found)) == sorted([f"Published: {what}", f"Published: {other}"])
    assert "See your figures beside those of your peers: https://room.example.org" in text(found[0])

    submission = flow.value("SELECT submission_id FROM core.submission WHERE period = %s", [OTHER])
    with flow.as_desk() as connection:
        number = decide(connection, Draft("return", submission, "The bank pay is of another month."), "sam")
    assert sent(post, next_day + timedelta(hours=5)) == []  # only proposed
    with flow.as_desk() as connection:
        verdict(connection, number, "alex", approve=True)
    flow.take_in()
    (mail,) = sent(post, next_day + timedelta(hours=6))
    assert subjects([mail])[0].startswith("Please send again by ") and mail["Subject"].endswith(other)
    assert "Why: The bank pay is of another month." in text(mail)
    flow.take_in()
    flow.release()
    assert sent(post, next_day + timedelta(hours=7)) == []
    assert not [mail for mail in post.mails("ben@example.org") if "RA9" in text(mail)]  # not their trust


def test_fifty_held_returns_of_one_person_are_one_digest_and_what_is_off_is_not_sent(world, post):
    contact(*flow.TRUSTS, received="off")
    periods = [f"2025-0{month}" for month in range(1, 8)]
    returns = [(ods, period) for period in periods for ods in flow.TRUSTS][:50]
    for ods, period in returns:
        rows = flow.workforce_rows(ods, period)[:2]
        rows[1]["fte"] = "lots"
        flow.put_return(ods, period, flow.text(rows))
    flow.take_in()
    assert flow.value("SELECT count(*) FROM core.validation WHERE outcome = 'held'") == 50
    due("RA9", FIRST + timedelta(days=90), None)
    (mail,) = sent(post, FIRST)
    assert mail["Subject"] == f"50 messages about your returns, {FIRST:%-d %B %Y}"
    said = text(mail)
    assert said.count("Correct and send again: ") == 50 and said.count("- VAL-TYPE in ") == 50
    assert all(f"{period}, {ods}" in said for ods, period in returns)


def killed_after(number, port):
    """Sends, and is killed when the server has taken so many mails."""
    from mail_server import Post

    taken, post = [], Post()
    post.port = port

    def deliver(message):
        post.deliver(message)
        taken.append(message)
        if len(taken) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    messages.send(by=deliver, now=FIRST)


class Killed(BaseException):
    """In place of a kill: nothing catches it, and the transaction is gone."""


def four_contacts():
    for person in "abcd":
        contact("RA9", mail=f"{person}@example.org", name=person)
    due("RA9", FIRST + timedelta(hours=5), None)
    assert occasions.queue(FIRST).added == 4


def the_rest_comes_and_one_of_them_twice(post):
    messages.send(by=post.deliver, now=FIRST + timedelta(minutes=1))
    ids = [mail["Message-ID"] for mail in post.mails()]
    assert len(ids) == 5 and len(set(ids)) == 4


def test_ended_between_a_mail_and_its_mark_it_comes_twice_and_no_other_is_lost(world, post):
    four_contacts()

    def deliver(message):
        post.deliver(message)
        if len(post.mails()) == 3:
            raise Killed

    with pytest.raises(Killed):
        messages.send(by=deliver, now=FIRST)
    the_rest_comes_and_one_of_them_twice(post)


@pytest.mark.full
def test_killed_between_a_mail_and_its_mark_it_is_the_same(world, post):
    four_contacts()
    process = flow.start(world, killed_after, 2, post.port)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    the_rest_comes_and_one_of_them_twice(post)


def test_a_period_of_which_nothing_came_is_asked_for_by_the_calendar(world, post):
    """Only of a collection that has begun, and only a trust that has to send it."""
    contact("RA9", mail=ANN)
    contact("ZZZ", mail="nobody@example.org")
    flow.put_return("RHA", PERIOD, flow.workforce("RHA", PERIOD))
    flow.take_in()
    deadline = days.at(working_days_after(days.day_of(FIRST), 2), time(17))
    due("RHA", TODAY - timedelta(days=200), TODAY - timedelta(days=100))
    with flow.as_owner() as connection:
        for name in ("workforce", "estates"):
            period = "2025-07" if name == "workforce" else "2024-25"
            connection.execute(
                "INSERT INTO core.calendar (collection, period, due) VALUES (%s, %s, %s)", [name, period, deadline]
            )
    (mail,) = sent(post, FIRST)
    assert subjects([mail])[0].startswith("Due ") and "2025-07, RA9" in mail["Subject"]
    assert post.mails("nobody@example.org") == []


def test_what_a_contact_chooses(world, post):
    with pytest.raises(preferences.Unknown, match="always sent"):
        contact("RA9", held="off")
    with warehouse.connect() as connection:
        for wrong in ((ANN, "lunch", "each"), (ANN, "held", "never"), ("no@example.org", "held", "each")):
            with pytest.raises(preferences.Unknown):
                preferences.choose(connection, *wrong, "kim")
    contact("RA9", every="digest")
    due("RA9", FIRST + timedelta(hours=5), None)
    tomorrow = days.next_morning(FIRST)
    with warehouse.connect() as connection:
        for number, made in enumerate((FIRST - timedelta(days=1), FIRST)):
            connection.execute(
                """INSERT INTO core.message (kind, about, mail, subject, body_text, body_html, made_at, not_before)
                   VALUES ('accepted', %s, %s, %s, 'x', 'x', %s, %s)""",
                [str(number), ANN, f"Subject {number}", made, made],
            )
    messages.send(by=post.deliver, now=FIRST)
    messages.send(by=post.deliver, now=tomorrow)
    assert subjects(post.mails()) == ["Subject 0", "Subject 1"]
    with warehouse.connect() as connection:
        connection.execute("SELECT core.end_contact(%s, NULL, 'kim')", [ANN])
    assert occasions.queue(FIRST).added == 0

"""Digests to a real mail server on loopback: three days, nothing new, hostile content, late is not held is not due."""

import os
import smtplib
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta

import flow
import psycopg
import pytest
from trust_benchmarks.stewardship import digest
from trust_benchmarks.stewardship.decisions import Draft, decide

PERIOD = "2025-06"
DAY = date(2026, 11, 23)
DESK = "http://127.0.0.1:1/steward"
# Period, trust, days until it is due and until it closes: late, missing, not due, due soon.
EXPECTED = (
    (PERIOD, "RP7", -3, 30),
    (PERIOD, "RQY", -60, -2),
    ("2030-01", "RT5", 400, 430),
    ("2025-07", "RTQ", 4, 30),
)
PEOPLE = """
[[people]]
name = "sam"
mail = "sam@example.org"
collections = ["workforce"]
role = "steward"
[[people]]
name = "alex"
mail = "alex@example.org"
collections = ["workforce"]
role = "approver"
[[people]]
name = "ann"
mail = "ann@example.org"
collections = []
role = "steward"
"""


@pytest.fixture
def deliver(post):
    return post.deliver


@pytest.fixture
def month(world, tmp_path, monkeypatch):
    """Eight trusts: two held, one late, one missing, one not due yet, the others sound."""
    file = tmp_path / "people.toml"
    file.write_text(PEOPLE)
    monkeypatch.setenv("TB_PEOPLE", str(file))
    send_return("RA9", lambda rows: rows[2].update(fte="500"))
    send_return("RHA", lambda rows: rows[1].update(joiners_hc="three"))
    send_return("RNU")
    return world


def send_return(ods, change=lambda rows: None, version=1):
    flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, change=change), version)
    flow.take_in()
    now = datetime.now(UTC)
    with flow.as_owner() as connection:  # of all that the calendar asks for, only these
        connection.execute("ALTER TABLE core.expected DISABLE TRIGGER facts")
        connection.execute("DELETE FROM core.expected")
        for period, sender, due, closes in EXPECTED:
            connection.execute(
                "INSERT INTO core.expected (collection, period, sender, part, due, closes) VALUES ('workforce', %s, %s, '', %s, %s)",
                [period, sender, now + timedelta(days=due), now + timedelta(days=closes)],
            )


def texts(message) -> tuple[str, str]:
    bodies = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return tuple(text.replace("\r\n", "\n") for text in bodies)


def section(text: str, title: str) -> str:
    """The lines below a heading of the plain text; '' without one."""
    return next((part for part in text.split("\n\n") if part.startswith(title)), "")


def test_three_days_new_still_open_resolved_and_nothing_new(month, post, deliver):
    assert "Sent to sam" in digest.send("sam", deliver, DESK, DAY)
    (first,) = post.mails()
    text, html = texts(first)
    assert first["To"] == "sam@example.org" and first["Subject"].startswith("Steward desk, 23 Nov 2026: ")
    assert "RA9" in section(text, "New") and "RHA" in section(text, "New")
    assert not section(text, "Still open") and not section(text, "Resolved")
    assert f"{DESK}/queue" in text and f"{DESK}/queue" in html

    # The same day once more, then a day on which nothing happened.
    assert "has already had" in digest.send("sam", deliver, DESK, DAY)
    assert "Nothing new" in digest.send("sam", deliver, DESK, DAY + timedelta(days=1))
    assert len(post.envelopes) == 1

    # RA9 sends again: what held it is resolved, another thing is wrong; RHA's is still open.
    send_return("RA9", lambda rows: rows[3].update(leavers_hc="many"), version=2)
    assert "Sent to sam" in digest.send("sam", deliver, DESK, DAY + timedelta(days=1))
    text, _ = texts(post.mails()[1])
    assert "RA9" in section(text, "New") and "leavers_hc" in section(text, "New")
    assert "RHA" in section(text, "Still open") and "RHA" not in section(text, "New")
    assert "RA9: WF-R1" in section(text, "Resolved") and "was held" not in section(text, "Resolved")

    # All of it is right in the end; the late one has come too.
    send_return("RA9", version=3), send_return("RHA", version=2), send_return("RP7")
    assert "0 new" in digest.send("sam", deliver, DESK, DAY + timedelta(days=2))
    text, _ = texts(post.mails()[2])
    resolved = section(text, "Resolved")
    assert (
        all(trust in resolved for trust in ("RA9", "RHA", "RP7")) and "was late" in resolved and "was held" in resolved
    )
    assert not section(text, "New") and not section(text, "Still open") and not section(text, "Late")
    days = flow.rows("SELECT day FROM intake.digests WHERE person = 'sam' ORDER BY 1")
    assert [day for (day,) in days] == [DAY + timedelta(days=n) for n in range(3)]


def test_late_held_missing_and_not_due_never_look_alike(month, post, deliver):
    digest.send("sam", deliver, DESK, DAY)
    text, html = texts(post.mails()[0])
    expected = {"Late": ["RP7"], "Held": ["RA9", "RHA"], "Missing": ["RQY"]}
    for title, trusts in expected.items():
        head, line = section(text, title).splitlines()
        assert f"({len(trusts)})" in head and line.endswith(f"new: {', '.join(trusts)}")
        assert f">{title}: " in html
    assert section(text, "Not due yet").startswith("Not due yet (2)")
    assert "RT5" not in text and "RTQ" not in text


def test_proposals_go_to_approvers_and_tasks_to_whom_they_are_assigned(month, post, deliver):
    held = flow.value("SELECT submission_id FROM intake.submissions WHERE sender = 'RA9'")
    with flow.as_desk() as connection:
        decide(connection, Draft("assign", held, "yours", assignee="Ann"), "sam")
        decide(connection, Draft("accept", held, "they rang\r\nBcc: everybody <b>"), "sam")
        decide(connection, Draft("waive", held, "a", rule_id="STR05", until=date(2099, 1, 1)), "alex")
    for name in ("sam", "alex", "ann"):
        digest.send(name, deliver, DESK, DAY)
    text, html = texts(post.mails("alex@example.org")[0])
    waiting = section(text, "Awaiting your approval")
    assert "(1)" in waiting and "accept" in waiting and "waive" not in waiting and "they rang␍␊Bcc" in waiting
    assert "<b>" not in html and "&lt;b&gt;" in html
    assert "Awaiting" not in texts(post.mails("sam@example.org")[0])[0]
    text, _ = texts(post.mails("ann@example.org")[0])
    assert "RA9" in section(text, "New") and "assigned to Ann" in text and "RHA" not in text and "RP7" not in text


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=HYPERLINK(1)",
    "a\u202eb\u2066",
    "\r\nBcc: all@example.org",
    "x\x00\x07\x1b[31m",
    "{{ 7 * 7 }}{% include 'x' %}",
    "z" * 9000,
    "&#60;b&#62;",
    "\u200b\ufeff",
]


@pytest.mark.parametrize("cell", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_file_holds_is_shown_harmless(month, post, deliver, cell):
    send_return("RT5", lambda rows: rows[1].update(joiners_hc=cell))
    digest.send("sam", deliver, DESK, DAY)
    ((message), envelope) = (*post.mails(), post.envelopes[0])
    text, html = texts(message)
    assert "RT5" in section(text, "New")
    assert envelope.rcpt_tos == ["sam@example.org"] and message["Bcc"] is None
    assert set(message.keys()) <= {
        "Subject",
        "To",
        "From",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
        "X-Peer",
        "X-MailFrom",
        "X-RcptTo",
    }
    for shown in (text, html):
        assert not set(shown) & set("\x00\x07\x1b\u202e\u2066\u200b\ufeff")
        assert "49" not in shown.replace("149", "") or "7 * 7" in shown
    assert "<script" not in html and "<img" not in html and len(text) < 8000
    assert not any(line.startswith("Bcc") for line in text.splitlines())


def test_a_send_that_fails_marks_nothing_and_is_made_up_for(month, post, deliver):
    post.answers["sam@example.org"] = "450 try again later"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        digest.send("sam", deliver, DESK, DAY)
    assert flow.value("SELECT count(*) FROM intake.digests") == 0
    post.answers.clear()
    assert "Sent" in digest.send("sam", deliver, DESK, DAY)

    # Sent, and killed before the mark: it comes again, and can be known as the same.
    def killed(message):
        deliver(message)
        raise SystemExit

    with pytest.raises(SystemExit):
        digest.send("alex", killed, DESK, DAY)
    digest.send("alex", deliver, DESK, DAY)
    once, again = post.mails("alex@example.org")
    assert once["Message-ID"] == again["Message-ID"]


def test_two_tries_at_the_same_moment_send_one_mail(month, post, deliver):
    said = []
    threads = [threading.Thread(target=lambda: said.append(digest.send("sam", deliver, DESK, DAY))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(words.startswith("Sent") for words in said) == [False, False, False, True]
    assert len(post.envelopes) == 1


def test_what_was_sent_is_a_fact(month, deliver):
    digest.send("sam", deliver, DESK, DAY)
    for statement in ("DELETE FROM core.digest_sent", "UPDATE core.digest_sent SET day = day"):
        with pytest.raises(psycopg.errors.RaiseException, match="are facts"), flow.as_owner() as connection:
            connection.execute(statement)
    assert "example.org" not in str(flow.rows("SELECT * FROM core.digest_sent"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"sam@example.org"', '"sam@example.org\\nBcc: x@example.org"', "one address"),
        ('"sam@example.org"', '"a@example.org, b@example.org"', "one address"),
        ('"sam"', '"sam\\nx"', "needs a name"),
        ('"alex"', '"SAM"', "twice"),
        ('"approver"', '"boss"', "needs a role"),
        ('["workforce"]', '["wages"]', "list of collections"),
        ("[[people]]", "[[people", "not a valid TOML file"),
    ],
)
def test_a_file_of_people_that_is_wrong_is_refused_in_a_sentence(tmp_path, old, new, says):
    (tmp_path / "people.toml").write_text(PEOPLE.replace(old, new, 1))
    with pytest.raises(digest.People, match=says):
        digest.people(tmp_path / "people.toml")


def test_the_example_of_people_can_be_read_and_names_nobody_real():
    from pathlib import Path

    found = digest.people(Path(__file__).parents[2] / "docs" / "people.example.toml")
    assert {person.mail.rpartition("@")[2] for person in found} == {"example.org"}


PROVIDER = """
import sys
from email.message import EmailMessage
from trust_benchmarks.stores import mail
message = EmailMessage()
message["To"], message["Subject"] = "sam@example.org", "by the provider"
message.set_content("text")
message.add_alternative("<p>html</p>", subtype="html")
mail.deliver(message)
"""


def test_the_provider_of_airflow_delivers_to_the_connection_of_the_environment(post, tmp_path):
    extra = '{"from_email": "Desk <desk@example.org>", "disable_ssl": true, "disable_tls": true, "timeout": 10}'
    connection = f'{{"conn_type": "smtp", "host": "127.0.0.1", "port": {post.port}, "extra": {extra}}}'
    done = subprocess.run(
        [sys.executable, "-c", PROVIDER],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_SMTP_DEFAULT": connection},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (message,) = post.mails()
    assert (post.envelopes[0].mail_from, message["From"]) == ("desk@example.org", "Desk <desk@example.org>")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]

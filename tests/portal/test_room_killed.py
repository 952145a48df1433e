"""The portal, a task's process and the database are killed between upload, receipt, reply, approval, offer and switch.

Whatever was killed, who was at it does it again, as a person does who sees an error or as Airflow does; in the end all is as if nobody had
disturbed it: nothing is lost, nothing is there twice, no file without its receipt and no receipt without its file.
"""

import os
import re
import signal
import socket
import time
from datetime import date, timedelta

import flow
import httpx
import psycopg
import pytest
import uvicorn
from psycopg.types.json import Jsonb
from served_room import ANN, Person, add_contacts, session_of
from sizes import FULL
from trust_benchmarks import messages
from trust_benchmarks.messages import occasions
from trust_benchmarks.portal import app, security, sending
from trust_benchmarks.releases import build, switch
from trust_benchmarks.stewardship import decisions, replies
from trust_benchmarks.stores import child_process, objects, pool, settings, warehouse
from worlds import new_world

PERIOD, PAIR = "2025-08", ("workforce", "2025-08")


def superuser(world) -> psycopg.Connection:
    at = f"postgresql://postgres:{world['TB_POSTGRES_PASSWORD']}@127.0.0.1:{world['TB_PORT_POSTGRES']}/postgres"
    return psycopg.connect(at, autocommit=True, connect_timeout=5)


def crash_database(world) -> None:
    """Kills a process of the server, which ends all others and recovers from its log, as it does after a failure."""
    with superuser(world) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)


def wait_for_database(world) -> None:
    pool.close()
    for _ in range(600):
        try:
            with superuser(world):
                return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise TimeoutError("The database did not come back.")


@pytest.fixture(scope="module")
def shared_world(services):
    """Trusts' returns of a month, and a contact of one that has not sent. What was committed outlives a crash, as in production."""
    with new_world(services) as world:
        name = world["TB_WAREHOUSE_URL"].rpartition("/")[2]
        with superuser(world) as connection:
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        pool.close()
        for number, ods in enumerate(("RX4", "RHA", "RNU")):
            flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 10))
        flow.take_in()
        add_contacts()
        yield world


def done(world, work, *given, kill_at=None, what="process") -> int:
    """What a process ended with that was disturbed before its `kill_at`-th word with a store."""
    process = flow.start(world, disturbed, world, work, given, kill_at, what)
    process.join(120)
    assert process.exitcode is not None
    if what == "database":
        wait_for_database(world)
    return process.exitcode


def disturbed(world, work, given, kill_at, what) -> None:
    flow.count_steps(kill_at, *([lambda: crash_database(world)] if what == "database" else []))
    work(*given)


def steps_of(world, work, *given) -> int:
    """How many words with the stores a piece of work takes."""
    counter = flow.SPAWN.Value("i", 0)
    process = flow.start(world, counted, work, given, counter)
    process.join(120)
    assert process.exitcode == 0
    return counter.value


def counted(work, given, counter) -> None:
    said = flow.count_steps(None)
    work(*given)
    counter.value = next(said)


def chosen(most: int, few: int) -> list[int]:
    """Before which words to kill: a few from the first to the last."""
    return sorted({1 + place * (most - 1) // (few - 1) for place in range(few)})


def inbox() -> set[str]:
    return {found.key for found in objects.listing(settings.load().inbox, "workforce/RA9/")}


def sound() -> None:
    """No receipt without a file, no file without a receipt, one mail for each."""
    sendings = flow.rows("SELECT inbox_key, received_at IS NOT NULL, is_lost, sending_id FROM intake.room_sendings")
    assert {key for key, is_received, *_ in sendings if is_received} == inbox()
    assert all(is_received != is_lost for _, is_received, is_lost, _ in sendings), sendings
    told = flow.rows("SELECT about FROM core.message WHERE kind = 'receipt'")
    assert sorted(about for (about,) in told) == sorted(one for *_, is_received, _, one in [
        (key, received, lost, number) for key, received, lost, number in sendings] if is_received)  # fmt: skip


# The portal ---------------------------------------------------------------------------------------------------------------------------


def a_word(rows) -> None:
    rows[0]["headcount"] = "10O"


def serve(port: int, kill_at: int | None) -> None:
    """The portal, until it is killed."""
    child_process.in_this_process = True  # files are opened in this one, which starts sooner
    application = app.create()
    flow.count_steps(kill_at)
    uvicorn.Server(uvicorn.Config(application, port=port, log_level="critical", lifespan="off")).run()


class Portal:
    """The portal as a process, which somebody starts again when it has ended."""

    def __init__(self, world):
        self.world, self.process = world, None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def up(self, kill_at: int | None = None) -> str:
        self.process = flow.start(self.world, serve, self.port, kill_at)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return f"http://127.0.0.1:{self.port}"
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("The portal did not start.")

    def down(self) -> None:
        self.process.kill()
        self.process.join()


def sends(person: Person, content: bytes) -> str:
    """Uploads, corrects a cell, sends: as a contact who has lost nothing begins, or goes on where the last page was."""
    place = person.fill("/send", "/send", files={"file": ("return.csv", content, "text/csv")}).headers["location"]
    page = person.get(place)
    field = re.search(r'10O</td>.*?name="kind-(f\d+)"', page.text, re.S)[1]
    return person.submit(place, page, **{f"kind-{field}": "correct", f"value-{field}": "100"}).headers["location"]


def test_a_portal_that_is_killed_while_a_contact_sends_loses_nothing_and_sends_nothing_twice(shared_world, monkeypatch):
    portal, session = Portal(shared_world), session_of(ANN)
    monkeypatch.setenv("TB_ROOM_URL", "http://127.0.0.1:1")
    killed = 0
    places = range(1, 40, 3) if FULL else [13, 25]
    for number, kill_at in enumerate(places):
        content = flow.workforce("RA9", f"2025-{2 + number % 6:02}", scale=1 + number / 100, change=a_word)
        for attempt in range(3):
            url = portal.up(kill_at if attempt == 0 else None)
            try:
                with Person(url) as person:
                    person.cookies.set(security.SESSION, session)
                    sent = sends(person, content)
                    assert sent.startswith("/receipts/") and person.get(sent).status_code == 200
                break
            except httpx.TransportError:
                killed += 1
                assert attempt == 0, "it was killed once"
            finally:
                portal.down()
        sending.sweep(timedelta(0))
        # Killed after the file was in the inbox, it got its receipt; then who sends it again sends the same bytes.
        sound()
    assert killed >= len(places) - 2, "it was killed nearly each time"
    flow.take_in()
    query = "SELECT count(*), count(DISTINCT sha256) FROM core.submission WHERE sender = 'RA9'"
    assert flow.rows(query) == [(len(places), len(places))], "the same bytes are one submission"
    kept = "SELECT submission_id, count(*) FROM intake.replies WHERE sender = 'RA9' AND state <> 'replaced' GROUP BY 1"
    assert sorted(count for _, count in flow.rows(kept)) == [1] * len(places)


def test_a_database_that_fails_while_a_contact_sends_is_told_and_nothing_is_lost(shared_world, monkeypatch):
    portal, session = Portal(shared_world), session_of(ANN)
    monkeypatch.setenv("TB_ROOM_URL", "http://127.0.0.1:1")
    url = portal.up()
    try:
        with Person(url) as person:
            person.cookies.set(security.SESSION, session)
            content = flow.workforce("RA9", "2025-01", change=a_word)
            place = person.fill("/send", "/send", files={"file": ("f.csv", content, "text/csv")}).headers["location"]
            page = person.get(place)
            crash_database(shared_world)
            said = person.submit(place, page)
            assert said.status_code == 503 and "Nothing was lost" in said.text
            wait_for_database(shared_world)
            again = person.submit(place, page)
            assert again.status_code == 303, again.text
            sent = again.headers["location"]
            assert "We have your file" in person.get(sent).text
    finally:
        portal.down()
    sound()


# From the answer to the figures that everybody sees ---------------------------------------------------------------------------------------


def answers(session: str) -> None:
    """The contact confirms what was found, and presses again where the page did not come."""
    with warehouse.connect("trust_room") as connection:
        submission = connection.execute(
            "SELECT submission_id FROM room.submissions(%s, 'workforce', %s)", [session, PERIOD]
        ).fetchone()[0]
        found = connection.execute(
            "SELECT finding_id FROM room.answerable(%s, %s) WHERE may_confirm", [session, submission]
        )
        given = [{"finding_id": one, "kind": "confirm", "reason_code": "restated", "note": ""} for (one,) in found]
    with warehouse.connect("trust_room") as connection:
        connection.execute("SELECT room.reply(%s, %s, %s, 's', 't', 'h')", [session, submission, Jsonb(given)])


def takes() -> None:
    """A steward takes the answers over that wait."""
    with warehouse.connect("steward_desk") as connection:
        query = "SELECT reply_id FROM intake.replies WHERE state = 'open' AND period = %s"
        waiting = [one for (one,) in connection.execute(query, [PERIOD])]
        if waiting:
            made, refused = replies.drafts(
                connection, replies.get(connection, waiting), date.today() + timedelta(99), ""
            )
            assert not refused
            replies.take(connection, made, "sam")


def approves() -> None:
    """An approver approves what waits."""
    with warehouse.connect("steward_desk") as connection:
        query = "SELECT decision_id FROM intake.decisions WHERE state = 'proposed' ORDER BY 1"
        for (one,) in connection.execute(query).fetchall():
            decisions.verdict(connection, one, "olga", True)


def offers() -> None:
    """The tasks: what was decided is validated again, computed, and offered to the trusts."""
    flow.take_in()
    with flow.preview_declared():
        build.make(*PAIR)
        switch.switch([PAIR])
    occasions.queue()


def responds(session: str) -> None:
    """The contact comments on the figures, once."""
    with warehouse.connect("trust_room") as connection:
        (one,) = connection.execute("SELECT preview_id FROM room.open_previews(%s)", [session]).fetchone()
        said = connection.execute("SELECT response FROM room.preview_said(%s, %s, 'RA9')", [session, one]).fetchall()
        if ("commented",) not in said:
            connection.execute("SELECT room.respond(%s, %s, 'RA9', 'commented', 'As we know it.')", [session, one])


def publishes() -> None:
    """An approver publishes, and the tasks tell."""
    query = "SELECT release_id FROM intake.previews WHERE period = %s AND state = 'open'"
    for (one,) in flow.rows(query, [PERIOD]):
        with flow.preview_declared():
            switch.let_through(one, reason="All have looked.", person="olga")
    with flow.preview_declared():
        switch.switch([PAIR])
    occasions.queue()


# Who presses again after a kill says again that it is released, which is a fact of its own.
COUNTS = {
    "replies": "SELECT rule_id, kind, state FROM intake.replies WHERE period = %(period)s ORDER BY 1, 2",
    "decisions": "SELECT rule_id, kind, state, author, verdict_by FROM intake.decisions WHERE period = %(period)s ORDER BY 1, 2",
    "submission": "SELECT state, rows_recorded FROM intake.submissions WHERE period = %(period)s AND sender = 'RA9'",
    "offers": "SELECT state, offered, looked, commented FROM intake.previews WHERE period = %(period)s",
    "published": "SELECT count(*), count(DISTINCT release_key) FROM core.current_release WHERE period = %(period)s",
    "switches": "SELECT count(*) FROM core.edition_switch",
    "verdicts": "SELECT DISTINCT verdict, person FROM core.release_verdict",
    "messages": "SELECT kind, mail, count(*) FROM core.message WHERE kind NOT IN ('receipt') GROUP BY 1, 2 ORDER BY 1, 2",
    "figures": "SELECT metric_id, value FROM published.measures WHERE period = %(period)s AND provider_code = 'RA9' ORDER BY 1",
}


@pytest.fixture(scope="module")
def undisturbed(services):
    """What the way leaves when nobody disturbs it, and how many words with the stores each part of it takes."""
    with new_world(services) as world:
        begin()
        session = session_of(ANN)
        yield [steps_of(world, work, *given(work, session)) for work in WAY], left()


WAY = (answers, takes, approves, offers, responds, publishes)


def given(work, session) -> tuple:
    return (session,) if work in (answers, responds) else ()


def begin() -> None:
    for number, ods in enumerate(("RX4", "RHA", "RNU")):
        flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 10))

    def too_many_hours(rows):
        for row in rows:
            row["fte"] = str(float(row["headcount"]) * 1.2)

    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, change=too_many_hours))
    flow.take_in()
    add_contacts()


def left() -> dict[str, list]:
    return {name: flow.rows(query, {"period": PERIOD}) for name, query in COUNTS.items()}


@pytest.mark.full
@pytest.mark.parametrize("what", ["process", "database"])
def test_killed_anywhere_from_answer_to_switch_it_ends_as_undisturbed(services, undisturbed, what):
    many, expected = undisturbed
    with new_world(services) as world:
        name = world["TB_WAREHOUSE_URL"].rpartition("/")[2]
        with superuser(world) as connection:
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        pool.close()
        begin()
        session = session_of(ANN)
        for work, most in zip(WAY, many, strict=True):
            ended = [
                done(world, work, *given(work, session), kill_at=place, what=what)
                for place in chosen(most, 12 if what == "process" else 4)
            ]
            assert any(ended), f"{work.__name__} was never disturbed"
            assert done(world, work, *given(work, session)) == 0
        assert left() == expected


@pytest.mark.full
def test_the_way_is_a_whole_one(undisturbed):
    _, expected = undisturbed
    assert {state for *_, state in expected["replies"]} == {"accepted"}
    assert expected["submission"][0][0] != "held" and expected["offers"] == [
        ("published", expected["offers"][0][1], 1, 1)
    ]
    assert expected["figures"] and expected["published"] == [(1, 1)]


def test_a_mail_is_sent_once_however_often_the_sender_was_killed_between(shared_world, post):
    """Killed between a mail and its mark, it may come twice, with one Message-ID: tests/messages/test_month.py."""
    occasions.queue()
    messages.send(by=post.deliver)
    messages.send(by=post.deliver)
    ids = [mail["Message-ID"] for mail in post.mails()]
    assert ids and len(ids) == len(set(ids))

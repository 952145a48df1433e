"""Figures before publication in the room: a trust sees its own, comments, asks for a correction, and its named officer signs off."""

import re
from datetime import date

import flow
import pytest
from served_room import ANN, BOB
from trust_benchmarks import messages, sql
from trust_benchmarks.messages import occasions
from trust_benchmarks.releases import switch
from trust_benchmarks.stewardship import digest
from trust_benchmarks.stores import warehouse

PERIOD = "2025-08"


@pytest.fixture(scope="module")
def offer(room):
    return flow.offer(PERIOD)


@pytest.fixture(scope="module")
def at(offer):
    return f"/previews/{offer}/RA9"


def said(offer, code="RA9"):
    query = (
        "SELECT response FROM core.preview_response WHERE preview_id = %s AND provider_code = %s ORDER BY response_id"
    )
    return [response for (response,) in flow.rows(query, [offer, code])]


def sends(subject):
    query = "SELECT mail, body_text FROM core.message WHERE kind = 'preview_open' AND subject ~ %s ORDER BY mail"
    return flow.rows(query, [subject])


def test_the_contacts_of_its_trusts_are_told_once(offer):
    occasions.queue()
    told = sends("^See your figures before publication: Workforce, 2025-08")
    assert [mail for mail, _ in told] == [ANN, BOB]
    assert "/previews" in told[0][1] and "RA9" in told[0][1] and "RX4" not in told[0][1]
    assert occasions.queue().added == 0
    assert messages.send(0).emails == 0


def test_a_trust_sees_its_own_figures_beside_what_stands_and_nobody_else_does(ann, bob, stranger, offer, at):
    for page in ("/", "/figures", "/previews"):
        assert f'href="{at}"' in ann.get(page).text, page
        assert f"/previews/{offer}/RX4" in bob.get(page).text and at not in bob.get(page).text, page
    page = ann.get(at).text
    values = flow.rows(
        """SELECT m.metric_id FROM core.measure m JOIN core.preview p USING (release_key)
           WHERE p.preview_id = %s AND m.provider_code = 'RA9' AND m.value IS NOT NULL""",
        [offer],
    )
    assert values and all(metric in page for (metric,) in values)
    assert "10 of 10 rows" in page and "Nothing of this period yet" in page and "RX4" not in page
    assert ann.get(at).status_code == 200 and said(offer) == ["looked"], "looking is noted once"
    assert bob.get(at).status_code == 404 and stranger.get(at).headers["location"] == "/sign-in"
    assert "August 2025" not in ann.get("/figures").text.partition("What this means")[0].partition("<table")[2]


def test_what_it_says_is_kept_and_what_may_not_be_kept_is_refused_with_its_words_still_there(ann, at, offer):
    for words, does, wrong in (
        ("", "comment", "Enter your comment"),
        ("", "correct", "Say which figure looks wrong"),
        ("Ring 01803 655 789 <b>", "comment", "telephone number"),
        ("x" * 2001, "comment", "Shorten this"),
        ("Fine", "nothing", "Choose what you want to do"),
    ):
        answer = ann.fill(at, at, does=does, words=words)
        assert answer.status_code == 400 and wrong in answer.text and 'href="#words"' in answer.text
        assert words.replace("<b>", "&lt;b&gt;") in answer.text
    assert said(offer) == ["looked"]
    answer = ann.fill(at, at, does="comment", words="Turnover <i>looks</i> high.")
    assert answer.headers["location"] == f"{at}?done=commented"
    page = ann.get(f"{at}?done=commented").text
    assert "Turnover &lt;i&gt;looks&lt;/i&gt; high." in page and "Your comment has been sent" in page
    answer = ann.fill(at, at, does="correct", words="Agency staff of one ward are missing.")
    assert answer.headers["location"] == f"/returns/workforce/{PERIOD}/RA9?done=asked"
    assert "Check and send a new file" in ann.get(answer.headers["location"]).text


def test_only_a_named_officer_signs_and_once(ann, bob, at, offer):
    assert "Sign off" not in ann.get(at).text
    assert ann.fill(at, at, does="sign", sure="yes").status_code == 409
    with warehouse.connect() as connection:
        assert connection.execute("SELECT core.set_signer(%s, 'RA9', true, 'a test')", [ANN]).fetchone() != (None,)
        assert connection.execute("SELECT core.set_signer(%s, 'RX4', true, 'a test')", [ANN]).fetchone() == (None,)
    assert ann.fill(at, at, does="sign").status_code == 400, "the box is ticked by hand"
    assert ann.fill(at, at, does="sign", sure="yes").headers["location"] == f"{at}?done=signed"
    assert ann.fill(at, at, does="sign", sure="yes").status_code == 303
    assert said(offer) == ["looked", "commented", "asked for a correction", "signed off"]
    assert "Signed off" in ann.get("/previews").text and said(offer, "RX4") == []
    mails = flow.rows("SELECT mail, subject, body_text, body_html FROM core.message WHERE kind = 'signed'")
    release = flow.value("SELECT release_id FROM intake.previews WHERE preview_id = %s", [offer])
    ((mail, subject, text, html),) = mails
    assert mail == ANN and "You signed off figures: Workforce, August 2025, RA9" in subject
    assert all(release in body and at in body for body in (text, html)), "the receipt says which figures"


def test_what_trusts_said_is_in_the_chained_audit_and_a_change_is_noticed(offer):
    noted = "SELECT count(*) FROM core.audit WHERE of_table = 'preview_response'"
    assert flow.value(noted) == len(said(offer)) - 1, "that somebody looked is not noted"
    assert flow.rows(sql.text("operations/audit")) == []
    with flow.as_owner() as connection, connection.transaction(force_rollback=True):
        connection.execute("ALTER TABLE core.preview_response DISABLE TRIGGER facts")
        connection.execute("UPDATE core.preview_response SET words = 'All is well.' WHERE response = 'commented'")
        ((_, table, _, why),) = connection.execute(sql.text("operations/audit")).fetchall()
    assert table == "preview_response" and "not as it was noted" in why


def test_stewards_are_told_in_their_digest_and_the_offer_keeps_who_did_what(offer):
    person = digest.Person("olga", "olga@example.org", ("workforce",), "steward")
    with warehouse.connect() as connection:
        made = digest.compose(connection, person, date(2026, 12, 1), {})
        again = digest.compose(connection, person, date(2026, 12, 2), made.items)
    assert [line.split(" on ")[0] for line in made.previews] == [
        f"new: workforce {PERIOD}, RA9 {what}" for what in ("commented", "asked for a correction", "signed off")
    ]
    assert "Agency staff" in made.previews[1] and "Figures before publication" not in digest.mail(made, "x")["Subject"]
    assert not any("new:" in line for line in again.previews) and not again.has_news
    query = "SELECT offered, looked, commented, asked, signed FROM intake.previews WHERE preview_id = %s"
    assert flow.rows(query, [offer]) == [(flow.value("SELECT count(*) FROM core.preview_trust"), 1, 1, 1, 1)]


def test_a_correction_replaces_the_offer_and_who_spoke_is_told_again(ann, offer, at):
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, scale=1.3), version=2)
    newer = flow.offer(PERIOD, trusts=())
    assert newer > offer
    occasions.queue()
    assert [mail for mail, _ in sends("^Other figures before publication")] == [ANN], "bob said nothing"
    page = ann.get(f"/previews/{newer}/RA9").text
    assert "took the place of ones that were offered before" in page and "Sign off" in page
    old = ann.get(at).text
    assert f"/previews/{newer}/RA9" in old and "Your figures</h2>" not in old and "Agency staff" in old
    assert "replaced by newer ones" in ann.post(at, data={"token": token(ann), "does": "comment", "words": "x"}).text


def token(person):
    return re.search(r'name="token" value="([0-9a-f]{64})"', person.get("/account").text)[1]


def test_once_it_is_published_it_is_among_the_figures_and_the_record_says_so(ann, offer):
    newest = flow.value("SELECT max(preview_id) FROM core.preview")
    release = flow.value("SELECT release_id FROM intake.previews WHERE preview_id = %s", [newest])
    with flow.preview_declared():
        done = switch.let_through(release, reason="Every trust has signed.", person="olga")
    assert done.changed == 1
    record = flow.rows("SELECT DISTINCT edition_number FROM intake.preview_trusts WHERE preview_id = %s", [newest])
    assert record == [(done.number,)]
    assert "August 2025" in ann.get("/figures").text and "Published" in ann.get("/previews").text
    assert "have been published" in ann.fill("/account", f"/previews/{newest}/RA9", does="comment", words="x").text

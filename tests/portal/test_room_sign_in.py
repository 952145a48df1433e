"""Who may enter the room: links that work once, sessions that end, forms of the room's own, and what is noted of all that."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor

import flow
import psycopg
import pytest
from served_room import ANN, BOB, Person, add_contacts, link_of, session_of
from trust_benchmarks.cli import contacts
from trust_benchmarks.portal import pages, security
from trust_benchmarks.stores import warehouse


def test_a_link_signs_in_once_and_looking_at_it_does_not(room, stranger):
    token = link_of(ANN)
    for _ in range(3):
        page = stranger.get(f"/link/{token}")
    answer = stranger.submit("/link", page, link=token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("tb_room="))
    assert "HttpOnly" in cookie and "samesite=lax" in cookie.lower() and "Secure" not in cookie
    assert stranger.get("/account").status_code == 200
    with Person(room) as other:
        again = other.fill(f"/link/{token}", "/link", link=token)
    assert again.status_code == 403 and "no longer works" in again.text


def test_the_cookie_goes_by_https_alone_where_people_come_by_https(room, stranger, monkeypatch):
    token = link_of(ANN)
    page = stranger.get(f"/link/{token}")
    monkeypatch.setenv(pages.ADDRESS, "https://room.example.nhs.uk")
    answer = stranger.submit("/link", page, link=token)
    cookies = answer.headers.get_list("set-cookie")
    assert any(one.startswith("tb_room=") and "Secure" in one for one in cookies)


def test_of_many_who_use_a_link_at_once_one_gets_in(room):
    token = link_of(ANN)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _began(token), range(8)))
    assert len([one for one in found if one]) == 1


def _began(token):
    with warehouse.connect("trust_room") as connection:
        return connection.execute("SELECT room.begin_session(%s, 'x')", [token]).fetchone()[0]


def test_no_token_is_kept_only_hashes(room):
    link = link_of(ANN)
    session = _began(link)
    kept = "\n".join(
        str(row) for row in flow.rows("SELECT * FROM core.room_link") + flow.rows("SELECT * FROM core.room_session")
    )
    assert link not in kept and session not in kept
    assert hashlib.sha256(session.encode()).hexdigest() in kept


def test_links_and_sessions_end(room):
    link, session = link_of(ANN), session_of(ANN)
    with flow.as_owner() as connection:
        connection.execute(
            "ALTER TABLE core.room_link DISABLE TRIGGER facts; ALTER TABLE core.room_session DISABLE TRIGGER facts"
        )
        connection.execute("UPDATE core.room_link SET expires_at = expires_at - interval '15 minutes 1 second'")
        connection.execute(
            "UPDATE core.room_session SET expires_at = expires_at - interval '8 hours 1 second' WHERE session_hash = %s",
            [hashlib.sha256(session.encode()).hexdigest()],
        )
        connection.execute(
            "ALTER TABLE core.room_link ENABLE TRIGGER facts; ALTER TABLE core.room_session ENABLE TRIGGER facts"
        )
    assert _began(link) is None
    with warehouse.connect("trust_room") as connection:
        assert connection.execute("SELECT * FROM room.me(%s)", [session]).fetchall() == []


def test_the_answer_says_nothing_of_whether_an_address_is_a_contacts(room, stranger):
    before = flow.value("SELECT count(*) FROM core.room_link")
    said = [
        re.sub(r"<strong>.*?</strong>", "", stranger.fill("/sign-in", "/sign-in", mail=mail).text)
        for mail in (ANN, "nobody@example.nhs.uk", f" {BOB.upper()} ")
    ]
    assert len(set(said)) == 1 and "Check your email" in said[0]
    assert flow.value("SELECT count(*) FROM core.room_link") == before + 2
    assert stranger.fill("/sign-in", "/sign-in", mail="nothing").status_code == 400


def test_links_are_limited_by_contact_without_saying_so_and_by_network_with_a_word(room, stranger):
    for _ in range(8):
        assert stranger.fill("/sign-in", "/sign-in", mail=BOB).status_code == 200
    sent = "SELECT count(*) FROM core.room_action JOIN core.contact USING (contact_key) WHERE mail = %s AND action = 'link sent'"
    assert flow.value(sent, [BOB]) == 5
    codes = [stranger.fill("/sign-in", "/sign-in", mail=f"{n}@example.nhs.uk").status_code for n in range(20)]
    assert codes[0] == 200 and codes[-1] == 429


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"headers": {"origin": "https://elsewhere.example"}}, 403),
        ({"headers": {"sec-fetch-site": "cross-site"}}, 403),
        ({"data": {"name": "Eve", "token": "0" * 64}}, 403),
        ({"data": {"name": "Eve"}}, 403),
        ({"content": b"x" * 30_000, "data": None}, 413),
    ],
)
def test_only_forms_of_the_room_are_taken(ann, change, status):
    token = re.search(r'value="([0-9a-f]{64})"', ann.get("/account").text)[1]
    request = {"data": {"name": "Eve", "token": token}} | change
    answer = ann.post("/account/name", **{name: value for name, value in request.items() if value is not None})
    assert answer.status_code == status
    assert "Eve" not in ann.get("/account").text


def test_a_form_of_one_session_is_none_of_another(ann, bob):
    page = bob.get("/account")
    assert ann.submit("/account/name", page, name="Eve").status_code == 403


def test_every_answer_has_the_headers(ann, stranger):
    for answer in (
        ann.get("/account"),
        stranger.get("/sign-in"),
        stranger.get("/none"),
        stranger.get("/static/room.css"),
    ):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert (
            answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"] == "same-origin"
        )
    assert ann.get("/account").headers["cache-control"] == "no-store"


def test_a_contact_corrects_their_name_sees_what_they_did_and_signs_out(room):
    with Person(room, BOB) as person:
        assert person.fill("/account", "/account/name", name=" ").status_code == 400
        assert (
            person.fill("/account", "/account/name", name="Robert <b>Brown</b>").headers["location"]
            == "/account?done=renamed"
        )
        page = person.get("/account?done=renamed").text
        assert "Robert &lt;b&gt;Brown" in page and "Signed in: from 127.0.0.1" in page and "Renamed" in page
        session = person.cookies[security.SESSION]
        person.submit("/sign-out", person.get("/account"))
        person.cookies.set(security.SESSION, session)
        assert person.get("/account").headers["location"] == "/sign-in"


def test_who_leaves_is_out_at_once_in_every_browser_and_comes_back_only_when_added(room):
    contacts.add("carl@ra9.example", ["ra9", "RX4"], "Carl")
    first, second = Person(room, "carl@ra9.example"), Person(room, "carl@ra9.example")
    unused = link_of("carl@ra9.example")
    assert first.fill("/account", "/account/leave").status_code == 400
    assert first.fill("/account", "/account/leave", sure="yes").headers["location"] == "/sign-in?done=left"
    assert second.get("/account").status_code == 303 and _began(unused) is None
    with pytest.raises(contacts.Refused):
        contacts.link("carl@ra9.example")
    contacts.add("carl@ra9.example", ["RX4"], "Carl")
    with warehouse.connect("trust_room") as connection:
        assert connection.execute("SELECT codes FROM room.me(%s)", [session_of("carl@ra9.example")]).fetchone() == (
            ["RX4"],
        )


def test_the_command_line_adds_lists_and_ends_contacts(room, capsys):
    for mail, codes in (("no address", ["RA9"]), ("x@y.example", ["NONE1"])):
        with pytest.raises(contacts.Refused):
            contacts.add(mail, codes, "")
    contacts.add("Dora@RA9.example", ["RA9", "RT5"], "Dora")
    contacts.listed("RT5", contacts.Format.csv)
    assert 'dora@ra9.example,Dora,"RA9, RT5"' in capsys.readouterr().out
    contacts.link("dora@ra9.example")
    assert re.fullmatch(rf"{room}/link/[0-9a-f]{{64}}\n", capsys.readouterr().out)
    contacts.add("dora@ra9.example", ["RA9"], "")
    assert flow.value("SELECT name FROM core.contact WHERE mail = 'dora@ra9.example'") == "Dora", "their name stays"
    contacts.leave("dora@ra9.example", "RT5")
    contacts.listed("RT5", contacts.Format.csv)
    assert "dora" not in capsys.readouterr().out
    contacts.leave("dora@ra9.example", None)
    with pytest.raises(contacts.Refused):
        contacts.leave("dora@ra9.example", None)


def test_a_contact_acts_for_trusts_that_took_theirs_over(room):
    rows = flow.rows(
        "SELECT from_code, to_code FROM core.succession WHERE type IN ('merger', 'acquisition') AND legal_date < now()"
    )
    old, new = next((old, new) for old, new in rows if new in flow.TRUSTS)
    with flow.as_owner() as connection:
        connection.execute("SELECT core.add_contact('eve@old.example', 'Eve', %s, 'a test')", [[old]])
    with warehouse.connect("trust_room") as connection:
        (codes,) = connection.execute("SELECT codes FROM room.me(%s)", [session_of("eve@old.example")]).fetchone()
    assert {old, new} <= set(codes)


def test_what_was_done_is_in_the_log_and_stays_there(room):
    add_contacts()
    assert flow.value("SELECT count(*) FROM intake.room_actions WHERE action = 'signed in'") > 5
    with pytest.raises(psycopg.Error, match="are facts"), flow.as_owner() as connection:
        connection.execute("DELETE FROM core.room_action")


def test_the_style_sheet_is_the_one_that_nhs_england_published():
    content = (pages.FOLDER / "static" / "nhsuk-frontend-10.6.1.min.css").read_bytes()
    # Of dist/nhsuk in the npm package nhsuk-frontend 10.6.1.
    assert hashlib.sha256(content).hexdigest() == "9bf2be59da16f34ce7550a66962d8998921e13e7d87e3258d8bd1bedfed1a830"
    assert "MIT License" in (pages.FOLDER / "static" / "nhsuk-frontend-LICENSE.txt").read_text()

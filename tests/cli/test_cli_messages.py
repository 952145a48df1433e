"""`messages`: what was sent to whom, what a contact wants, and the page with all words."""

import json

import pytest
from trust_benchmarks.stores import warehouse


def test_messages_are_listed_and_a_contact_says_what_they_want(tb, world):
    with warehouse.connect() as connection:
        connection.execute("SELECT core.add_contact('ann@example.org', 'Ann', ARRAY['RA9'], 'kim')")
        connection.execute(
            """INSERT INTO core.message (kind, about, mail, subject, body_text, body_html)
               VALUES ('held', 'a', 'ann@example.org', 'Correct and send again', 'x', 'x'),
                      ('held', 'a', 'ben@example.org', 'Not hers', 'x', 'x')"""
        )
    ran = tb("messages", "list", "--mail", "Ann@example.org", "--format", "csv", env=world)
    assert (ran.code, ran.out.count("\n")) == (0, 2) and "Correct and send again,waiting,0" in ran.out
    ran = tb("messages", "list", "--state", "lost", env=world)
    assert ran.code == 2 and "Choose one of waiting, sent, given_up, dropped." in ran.err
    assert tb("messages", "prefer", "ann@example.org", "digest", env=world).code == 0
    ran = tb("messages", "prefer", "ann@example.org", "off", "--kind", "held", env=world)
    assert ran.code == 2 and "always sent" in ran.err
    with warehouse.connect() as connection:
        found = connection.execute("SELECT mail, kind, choice FROM intake.message_preferences").fetchall()
    assert found == [("ann@example.org", "*", "digest")]


@pytest.mark.full  # three processes that import Airflow
def test_what_waits_is_sent_and_without_a_server_a_sentence_says_what_to_do(tb_process, world, post, tmp_path):
    with warehouse.connect() as connection:
        connection.execute(
            """INSERT INTO core.message (kind, about, mail, subject, body_text, body_html)
               VALUES ('sign_in_link', 'a', 'ann@example.org', 'Your link', 'x', 'x')"""
        )
    own = {**world, "AIRFLOW_HOME": str(tmp_path)}
    ran = tb_process("messages", "send", env=own)
    assert ran.code == 2 and "No mail server is configured. Set AIRFLOW_CONN_SMTP_DEFAULT." in ran.err
    extra = {"from_email": "desk@example.org", "disable_ssl": True, "disable_tls": True}
    server = {"conn_type": "smtp", "host": "127.0.0.1", "port": post.port, "extra": extra}
    ran = tb_process("messages", "send", env={**own, "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(server)})
    assert (ran.code, [mail["Subject"] for mail in post.mails()]) == (0, ["Your link"])
    server["port"] = 1
    with warehouse.connect() as connection:
        connection.execute(
            """INSERT INTO core.message (kind, about, mail, subject, body_text, body_html)
               VALUES ('sign_in_link', 'b', 'ann@example.org', 'Your link', 'x', 'x')"""
        )
    ran = tb_process("messages", "send", env={**own, "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(server)})
    assert ran.code == 2 and "The mail server of smtp_default cannot be used" in ran.err

"""`messages`: what was sent to whom, what a contact wants, and the page with all words."""

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

-- Adds a message, unless it has been said already. Names no column to look at: whoever calls may only be allowed to add.
INSERT INTO core.message (kind, about, mail, name, subject, body_text, body_html, not_before, not_after)
VALUES (%(kind)s, %(about)s, %(mail)s, %(name)s, %(subject)s, %(body_text)s, %(body_html)s,
        coalesce(%(not_before)s::timestamptz, clock_timestamp()), %(not_after)s)
ON CONFLICT DO NOTHING

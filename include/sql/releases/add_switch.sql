-- A moment of its own, after all others: what stood at a moment is one edition.
INSERT INTO core.edition_switch (number, edition_id, previous_edition_id, kind, switched_at, releases, changed, person, reason)
SELECT coalesce(max(number), 0) + 1, %(edition)s, %(previous)s, %(kind)s,
       greatest(clock_timestamp(), max(switched_at) + interval '1 microsecond'), %(releases)s, %(changed)s, %(person)s, %(reason)s
FROM core.edition_switch RETURNING number, switched_at

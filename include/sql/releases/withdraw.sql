-- What is left is withdrawn; what was withdrawn and stands again is released.
INSERT INTO core.release_verdict (release_key, verdict, person, reason)
SELECT core.key_of(l.release_id), 'withdrawn', %(person)s, %(reason)s FROM unnest(%(left)s::text[]) AS l (release_id)
UNION ALL
SELECT core.key_of(w.release_id), 'released', %(person)s, %(reason)s FROM unnest(%(again)s::text[]) AS w (release_id)
WHERE 'withdrawn' = (SELECT v.verdict FROM core.release_verdict v WHERE v.release_key = core.key_of(w.release_id) ORDER BY v.verdict_id DESC LIMIT 1)

-- What a person said of the release that was held back holds for the one that takes its place.
INSERT INTO core.release_verdict (release_key, verdict, person, reason)
SELECT core.key_of(%(release_id)s), 'withdrawn', v.person, 'As the release before it: ' || v.reason FROM core.release_verdict v
WHERE v.release_key = core.key_of(%(before)s) ORDER BY v.verdict_id DESC LIMIT 1

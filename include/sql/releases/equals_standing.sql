-- Notes that a release which was made of these inputs before has the figures of the one that stands.
INSERT INTO core.computed_again (collection, period, inputs_hash, same_as_key, reference_version, code_version, submissions)
SELECT o.collection, o.period, %(inputs_hash)s, r.release_key, o.reference_version, o.code_version, o.submissions
FROM core.release o JOIN core.current_release c USING (collection, period) JOIN core.release r ON r.release_key = c.release_key
WHERE o.release_id = %(release_id)s AND r.release_key <> o.release_key AND r.figures_hash = o.figures_hash
RETURNING (SELECT r.release_id FROM core.release r WHERE r.release_key = same_as_key)

-- Notes that these inputs come to the figures of the release that stands, or of one that trusts were shown or a person spoke about.
INSERT INTO core.computed_again (collection, period, inputs_hash, same_as_key, reference_version, code_version, submissions)
SELECT r.collection, r.period, %(inputs_hash)s, r.release_key, %(reference_version)s, %(code_version)s, %(submissions)s
FROM core.release r LEFT JOIN core.current_release c USING (release_key)
WHERE (r.collection, r.period, r.figures_hash) = (%(collection)s, %(period)s, %(figures_hash)s) AND r.inputs_hash <> %(inputs_hash)s
  AND (c.release_key IS NOT NULL OR EXISTS (SELECT FROM core.release_verdict v WHERE v.release_key = r.release_key)
       OR EXISTS (SELECT FROM core.preview p WHERE p.release_key = r.release_key))
ORDER BY c.release_key IS NOT NULL DESC, r.created_at DESC LIMIT 1
ON CONFLICT DO NOTHING RETURNING (SELECT r.release_id FROM core.release r WHERE r.release_key = same_as_key)

INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
VALUES (%(release_id)s, %(collection)s, %(period)s, %(inputs_hash)s, %(reference_version)s, %(code_version)s, %(submissions)s, %(is_sample)s,
        %(figures_hash)s)
ON CONFLICT DO NOTHING RETURNING release_key

INSERT INTO core.validation (submission_id, rules_version, layout, outcome, rows_read, rows_recorded, rows_rejected, rows_held,
                             rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes, records_together,
                             findings_key, findings_sha256, findings_bytes,
                             decisions, counts_hash, identified, plain_outcome, plain_cells_expected, plain_cells_valid, validated_at)
VALUES (%(submission_id)s, %(rules_version)s, %(layout)s, %(outcome)s, %(rows_read)s, %(rows_recorded)s, %(rows_rejected)s,
        %(rows_held)s, %(rows_set_aside)s, %(cells_expected)s, %(cells_valid)s, %(records_key)s, %(records_sha256)s,
        %(records_bytes)s, %(records_together)s, %(findings_key)s, %(findings_sha256)s, %(findings_bytes)s, %(decisions)s, %(counts_hash)s, %(identified)s, %(plain_outcome)s, %(plain_cells_expected)s,
        %(plain_cells_valid)s, %(validated_at)s)
ON CONFLICT DO NOTHING

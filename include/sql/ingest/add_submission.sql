-- Registers a file as the next version of its return.
INSERT INTO core.submission (submission_id, collection, period, sender, part, version, sha256, bytes, file_name, archive_key,
                             received_at, is_sample)
SELECT %(submission_id)s, %(collection)s, %(period)s, %(sender)s, %(part)s, coalesce(max(version), 0) + 1, %(sha256)s, %(bytes)s,
       %(file_name)s, %(archive_key)s, %(received_at)s, %(is_sample)s
FROM core.submission
WHERE collection = %(collection)s AND period IS NOT DISTINCT FROM %(period)s AND sender IS NOT DISTINCT FROM %(sender)s
  AND part = %(part)s

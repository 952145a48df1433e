-- Periods of which something was received and that have no expected senders, or (national files) no trusts expected in the file.
SELECT DISTINCT s.collection, s.period
FROM core.submission s
WHERE s.collection = ANY(%(collections)s) AND s.period IS NOT NULL
  AND (
    NOT EXISTS (SELECT FROM core.expected e WHERE (e.collection, e.period) = (s.collection, s.period))
    OR (
      s.collection = ANY(%(with_trusts_in_file)s)
      AND NOT EXISTS (SELECT FROM core.expected_provider x WHERE (x.collection, x.period) = (s.collection, s.period))
    )
  )

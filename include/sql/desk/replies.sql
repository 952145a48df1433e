-- Answers of trusts that fit the filters ('' for any), by return, in the order in which they came.
SELECT r.*, p.provider_name
FROM intake.replies r LEFT JOIN published.providers p ON p.provider_code = r.sender
WHERE %(state)s::text IN ('', r.state)
  AND %(submission)s::text IN ('', r.submission_id)
  AND %(collection)s::text IN ('', r.collection)
  AND %(period)s::text IN ('', r.period)
  AND %(rule)s::text IN ('', r.rule_id)
  AND (%(provider)s::text = '' OR r.sender = upper(%(provider)s) OR strpos(lower(p.provider_name), lower(%(provider)s)) > 0)
ORDER BY r.collection, r.period DESC, coalesce(p.provider_name, r.sender), r.submission_id, r.reply_id LIMIT %(most)s

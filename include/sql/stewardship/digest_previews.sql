-- What trusts said to figures that are not published yet, in the collections that a person looks after.
SELECT t.response_id, t.collection, t.period, t.provider_code AS sender, t.response, t.words, t.given_at, r.is_sample
FROM intake.preview_trusts t JOIN intake.previews r USING (preview_id)
WHERE t.response IN ('commented', 'asked for a correction', 'signed off') AND r.state IN ('open', 'held', 'ended')
  AND t.collection = ANY(%(collections)s)
ORDER BY t.response_id

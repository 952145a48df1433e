-- Whom it was offered to, and what each said; those that asked for a correction first, those that did nothing last.
SELECT provider_code, provider_name, response, words, given_at, name,
       min(CASE response WHEN 'asked for a correction' THEN 1 WHEN 'commented' THEN 2 WHEN 'signed off' THEN 3 WHEN 'looked' THEN 4 ELSE 5 END)
         OVER (PARTITION BY provider_code) AS rank
FROM intake.preview_trusts WHERE preview_id = %(preview_id)s
ORDER BY rank, provider_code, response_id

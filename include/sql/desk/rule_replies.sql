-- What trusts answered to what a rule found, by reason, the most frequent first.
SELECT kind, reason_code, sum(replies)::bigint AS replies, max(trusts) AS trusts, sum(accepted)::bigint AS accepted, sum(refused)::bigint AS refused,
       sum(open_replies)::bigint AS open_replies, max(last_at) AS last_at
FROM intake.reply_reasons WHERE rule_id = %(rule)s AND %(collection)s::text IN ('', collection)
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2

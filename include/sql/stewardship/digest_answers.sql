-- Returns with answers of trusts that wait for a steward, in the collections that a person looks after, the one that waits longest first.
SELECT r.collection, r.period, r.sender, r.part, count(*) AS answers, max(r.reply_id) AS last_reply, min(r.replied_at) AS since, r.is_sample
FROM intake.replies r WHERE r.state = 'open' AND r.collection = ANY(%(collections)s)
GROUP BY r.collection, r.period, r.sender, r.part, r.is_sample ORDER BY since, last_reply

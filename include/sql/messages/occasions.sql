-- Whom something is to be said to that has not been said yet: kind, about what, and what its words need. It follows from the ledger alone,
-- so whoever was killed before it was written is said it by the next run.
WITH RECURSIVE person AS (  -- contacts with their trusts, and those that took them over
  SELECT c.contact_key, c.mail, c.name, p.ods_code AS code, greatest(p.since, c.added_at) AS since
  FROM core.contact c JOIN core.contact_provider p USING (contact_key) WHERE c.left_at IS NULL AND p.until IS NULL
  UNION
  SELECT m.contact_key, m.mail, m.name, s.to_code, m.since FROM person m JOIN core.succession s ON s.from_code = m.code
  WHERE s.type IN ('merger', 'acquisition', 'rename') AND s.legal_date <= (%(now)s AT TIME ZONE 'Europe/London')::date),
recipient AS (SELECT contact_key, mail, name, code, min(since) AS since FROM person GROUP BY 1, 2, 3, 4),
asked AS (  -- what is expected; of periods of which nothing has been received yet, the caller knows it
  SELECT e.collection, e.period, e.sender, e.part, e.due, e.closes FROM core.expected e WHERE e.sender IN (SELECT code FROM recipient)
  UNION
  SELECT u.collection, u.period, u.sender, '', k.due, k.closes
  FROM unnest(%(collections)s::text[], %(periods)s::text[], %(senders)s::text[]) u (collection, period, sender)
  JOIN core.calendar k USING (collection, period)),
sent AS (
  SELECT s.submission_id, s.collection, s.period, s.sender, s.part, s.version, s.registered_at,
         s.version = max(s.version) OVER (PARTITION BY s.collection, s.period, s.sender, s.part) AS is_newest
  FROM core.submission s
  WHERE s.sender IN (SELECT code FROM recipient) AND s.period IS NOT NULL
    AND s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i)),
first_counted AS (  -- what has counted for longer is not news
  SELECT l.submission_id, min(l.since) AS moment FROM core.counting_log l WHERE l.submission_id IS NOT NULL
  GROUP BY 1 HAVING min(l.since) > %(now)s - interval '60 days'),
returned AS (
  SELECT d.decision_id, d.submission_id, d.reason, coalesce(d.verdict_at, d.decided_at) AS moment FROM intake.decisions d
  WHERE d.kind = 'return' AND d.state = 'in_force' AND d.sender IN (SELECT code FROM recipient)),
occasion AS (
  -- Reminders: on working days in the morning, about returns of which nothing was received.
  SELECT CASE WHEN (a.due AT TIME ZONE 'Europe/London')::date = %(today)s THEN 'due_today' WHEN a.due > %(now)s THEN 'due_soon' ELSE 'late' END AS kind,
         concat_ws('|', a.collection, a.period, a.sender, a.part) AS about, a.collection, a.period, a.sender, a.part,
         NULL::text AS submission_id, NULL::text AS reason, NULL::timestamptz AS moment,
         CASE WHEN a.due > %(now)s THEN a.due ELSE coalesce(a.closes, %(now)s + interval '14 days') END AS not_after
  FROM asked a
  WHERE (%(remind)s OR (%(morning)s AND (a.due AT TIME ZONE 'Europe/London')::date = %(today)s))
    AND (a.due AT TIME ZONE 'Europe/London')::date <= %(soon)s AND a.due > %(now)s - interval '14 days'
    AND (a.due > %(now)s OR a.closes IS NULL OR a.closes > %(now)s)
    AND ((a.due AT TIME ZONE 'Europe/London')::date <> %(today)s OR a.due > %(now)s)
    AND NOT EXISTS (SELECT FROM sent s WHERE (s.collection, s.period, s.sender, s.part) = (a.collection, a.period, a.sender, a.part))
  UNION ALL
  SELECT 'received', s.submission_id, s.collection, s.period, s.sender, s.part, s.submission_id, NULL, s.registered_at, NULL
  FROM sent s WHERE s.registered_at > %(now)s - interval '14 days'
  UNION ALL
  -- Held, and not because a steward returned it: that is said with the steward's reason.
  SELECT 'held', s.submission_id, s.collection, s.period, s.sender, s.part, s.submission_id, NULL, v.validated_at, NULL
  FROM sent s JOIN (
    SELECT DISTINCT ON (v.submission_id) v.submission_id, v.outcome, v.validated_at FROM core.validation v
    ORDER BY v.submission_id, v.validated_at DESC, v.rules_version DESC) v USING (submission_id)
  WHERE s.is_newest AND v.outcome = 'held' AND v.validated_at > %(now)s - interval '14 days'
    AND s.submission_id NOT IN (SELECT r.submission_id FROM returned r)
    AND s.submission_id NOT IN (SELECT c.submission_id FROM core.counting c)
  UNION ALL
  SELECT 'returned', 'decision ' || r.decision_id, s.collection, s.period, s.sender, s.part, s.submission_id, r.reason, r.moment, NULL
  FROM returned r JOIN sent s USING (submission_id) WHERE s.is_newest
  UNION ALL
  -- Answers that a steward did not accept, one message for those that were refused together.
  SELECT 'answer_refused', 'answers ' || x.batch || ' ' || s.submission_id, s.collection, s.period, s.sender, s.part, s.submission_id,
         min(x.words) || ' (about ' || string_agg(concat_ws(', ', r.rule_id, 'line ' || r.line, r.column_name), '; ' ORDER BY r.reply_id) || ')',
         min(x.refused_at), NULL
  FROM core.reply_refusal x JOIN core.reply r USING (reply_id) JOIN sent s USING (submission_id)
  WHERE s.is_newest GROUP BY x.batch, s.submission_id, s.collection, s.period, s.sender, s.part
  UNION ALL
  -- Mended: an earlier version was held or returned. Otherwise accepted.
  SELECT CASE WHEN EXISTS (
           SELECT FROM core.submission o  -- as the index has it
           WHERE (o.collection, coalesce(o.period, ''), coalesce(o.sender, ''), o.part) = (s.collection, s.period, s.sender, s.part)
             AND o.version < s.version
             AND (o.submission_id IN (SELECT r.submission_id FROM returned r)
                  OR EXISTS (SELECT FROM core.validation v WHERE v.submission_id = o.submission_id AND v.outcome = 'held')))
           THEN 'mended' ELSE 'accepted' END,
         s.submission_id, s.collection, s.period, s.sender, s.part, s.submission_id, NULL, f.moment, NULL
  FROM first_counted f JOIN sent s USING (submission_id) JOIN core.counting c USING (submission_id)
  WHERE f.moment > %(now)s - interval '14 days'
  UNION ALL
  -- Published: the first time that figures rest on this file. Not about files that were accepted long before.
  SELECT 'published', s.submission_id, s.collection, s.period, s.sender, s.part, s.submission_id, NULL, p.published_at, NULL
  FROM core.current_release p JOIN core.release_input i USING (release_key) JOIN sent s USING (submission_id)
  JOIN first_counted f USING (submission_id)
  WHERE i.counts AND (s.collection, s.period) = (p.collection, p.period) AND p.published_at > %(now)s - interval '14 days'
  UNION ALL
  -- Figures that the trust sees before they are published: once for each window and its end, so also when somebody made it longer; and
  -- once more when other figures take the place of those that the trust said something about.
  SELECT 'preview_open', CASE WHEN c.is_again THEN 'preview ' || p.preview_id
                              ELSE format('preview %%s %%s until %%s', p.collection, p.period, p.ends_at AT TIME ZONE 'Europe/London') END,
         p.collection, p.period, t.provider_code, '', NULL,
         CASE WHEN c.is_again THEN 'replaced' WHEN p.extended_at IS NOT NULL THEN 'extended' END,
         coalesce(CASE WHEN NOT c.is_again THEN p.extended_at END, p.offered_at), p.ends_at
  FROM core.preview_now p JOIN core.preview_trust t USING (preview_id) CROSS JOIN (VALUES (false), (true)) c (is_again)
  WHERE p.state = 'open' AND t.provider_code IN (SELECT code FROM recipient)
    AND (NOT c.is_again OR EXISTS (SELECT FROM core.preview_response s WHERE s.preview_id = p.replaces_id
                                   AND s.provider_code = t.provider_code AND s.response <> 'looked')))
SELECT o.kind, o.about, r.mail, r.name, o.collection, o.period, o.sender, o.part, o.submission_id, o.reason, o.moment, o.not_after,
       e.due, e.closes, n.name AS sender_name
FROM occasion o JOIN recipient r ON r.code = o.sender
LEFT JOIN asked e ON (e.collection, e.period, e.sender, e.part) = (o.collection, o.period, o.sender, o.part)
LEFT JOIN first_counted f USING (submission_id)
LEFT JOIN (SELECT DISTINCT ON (code) code, name FROM core.provider_name ORDER BY code, valid_from DESC NULLS LAST) n ON n.code = o.sender
WHERE NOT EXISTS (SELECT FROM core.message m WHERE (m.kind, m.about, m.mail) = (o.kind, o.about, r.mail))
  -- What happened lately, and since the person is a contact.
  AND (o.moment IS NULL OR o.moment >= greatest(r.since, %(now)s - interval '14 days'))
  AND (o.kind <> 'published' OR f.moment >= r.since)
  AND NOT EXISTS (  -- not wanted: the newest choice for the kind, else for all kinds
    SELECT FROM (SELECT p.choice FROM core.contact_preference p WHERE p.contact_key = r.contact_key AND p.kind IN (o.kind, '*')
                 ORDER BY (p.kind = '*'), p.preference_key DESC LIMIT 1) w
    WHERE w.choice = 'off' AND o.kind = ANY(%(may_be_off)s))
  -- The contact who sent it in the room has a receipt already.
  AND (o.kind <> 'received' OR NOT EXISTS (
    SELECT FROM core.receipt g JOIN core.room_sending h USING (inbox_key) JOIN core.room_draft d USING (draft_id)
    WHERE g.submission_id = o.submission_id AND d.contact_key = r.contact_key))
ORDER BY coalesce(o.moment, %(now)s), array_position(%(order)s::text[], o.kind), o.about, r.mail

-- Rows add up to the publisher's own total, where a collection has one (include/sql/totals): exactly where nothing is withheld, else
-- to half of it at least, and never to more. A file that counts by a decision was looked at by people and is not asked again.
SELECT c.release_key, t.subject,
       format('%s: the rows add up to %s, and the publisher''s total is %s%s. Expected the same: a row was lost or counted twice.',
              t.subject, t.summed, t.published, CASE WHEN t.withheld > 0 THEN format(' (%s rows are withheld)', t.withheld) ELSE '' END) AS message
FROM candidate c JOIN core.release_total t USING (release_key)
WHERE (t.summed > t.published + t.slack OR (t.withheld = 0 AND t.summed < t.published - t.slack) OR t.summed < 0.5 * t.published)
AND NOT EXISTS (
  SELECT FROM core.release_input i JOIN core.release r USING (release_key) JOIN core.submission s USING (submission_id)
  JOIN core.validation v USING (submission_id, rules_version)
  WHERE i.release_key = c.release_key AND i.counts AND (s.collection, s.period) = (r.collection, r.period) AND v.decisions <> '{}')

-- How many submissions a request would validate again, by whether they are held and validated by the rules in force.
SELECT v.outcome = 'held' AS is_held,
       split_part(v.rules_version, '.', 1) = r.rules_version
         OR EXISTS (SELECT FROM core.found_again o
                    WHERE o.submission_id = s.submission_id AND o.same_as = v.rules_version
                      AND split_part(o.rules_version, '.', 1) = r.rules_version) AS is_current,
       count(*) AS submissions
FROM core.submission s
JOIN intake.validations v USING (submission_id)
JOIN core.rules_now r USING (collection)
WHERE s.collection = %(collection)s AND (%(period)s::text IS NULL OR s.period = %(period)s)
  AND (%(accepted_too)s OR v.outcome = 'held')
  AND s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i)
GROUP BY 1, 2

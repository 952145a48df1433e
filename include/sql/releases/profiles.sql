-- What the own collection's submissions look like as a whole, by column.
SELECT submission_id, p.column_name, p.rows, p.filled, p.distinct_values, p.minimum, p.lower_quartile, p.median, p.upper_quartile,
       p.maximum, p.total, p.patterns, p.recognised, p.sketch
FROM unnest(%(submissions)s::text[], %(rules)s::text[]) AS r (submission_id, rules_version)
JOIN core.submission s USING (submission_id) JOIN core.profile p USING (submission_id, rules_version)
WHERE s.collection = %(collection)s ORDER BY submission_id, p.column_name

-- The state of a submission, and the version of its return that is included in published figures.
SELECT s.state, s.rows_recorded, s.rows_rejected,
       (SELECT o.version FROM intake.submissions o
        WHERE o.is_current
          AND (o.collection, o.period, o.sender, o.part) IS NOT DISTINCT FROM (s.collection, s.period, s.sender, s.part)
       ) AS counting_version
FROM intake.submissions s WHERE s.submission_id = %(submission_id)s

-- Whether the return that a decision is about is still to be validated, and the current release of its period.
SELECT EXISTS (
         SELECT FROM intake.waiting w
         WHERE (w.collection, w.period, w.sender, w.part) IS NOT DISTINCT FROM (d.collection, d.period, d.sender, d.part)
       ) AS is_waiting,
       (SELECT r.release_id FROM intake.releases r
        WHERE r.collection = d.collection AND r.period = d.period AND r.is_current) AS current_release
FROM intake.decisions d WHERE d.decision_id = %(decision_id)s

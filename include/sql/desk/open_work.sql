-- Tasks assigned to nobody, decisions awaiting approval, and submissions that the pipeline has not finished.
SELECT (SELECT count(*) FROM intake.tasks WHERE assignee IS NULL) AS tasks,
       (SELECT count(*) FROM intake.decisions WHERE state = 'proposed') AS proposed,
       (SELECT count(*) FROM intake.waiting) AS waiting

-- Tasks that wait for us and are assigned to nobody, decisions awaiting approval, submissions that the pipeline has not finished.
SELECT (SELECT count(*) FROM intake.task_turns WHERE assignee IS NULL AND turn = 'us') AS tasks,
       (SELECT count(*) FROM intake.decisions WHERE state = 'proposed') AS proposed,
       (SELECT count(*) FROM intake.waiting) AS waiting

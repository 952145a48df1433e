-- Tasks that wait for us and are assigned to nobody, decisions awaiting approval, submissions that the pipeline has not finished, releases that
-- trusts see before they are published, and how many trusts asked for a correction of those.
SELECT (SELECT count(*) FROM intake.task_turns WHERE assignee IS NULL AND turn = 'us') AS tasks,
       (SELECT count(*) FROM intake.decisions WHERE state = 'proposed') AS proposed,
       (SELECT count(*) FROM intake.waiting) AS waiting,
       (SELECT count(*) FROM intake.previews WHERE state IN ('open', 'held', 'ended')) AS previews,
       (SELECT coalesce(sum(asked), 0)::int FROM intake.previews WHERE state IN ('open', 'held', 'ended')) AS corrections

-- Whose turn every return and task is.

-- When what waits for a side is overdue: with the trust after the deadline; with us or the approver five days after the deadline or
-- the receipt, whichever is later, and at the close unless it was received after that; running after an hour.
CREATE FUNCTION core.is_overdue(turn text, due timestamptz, closes timestamptz, received_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce(now() > CASE turn
    WHEN 'trust' THEN due
    WHEN 'running' THEN received_at + interval '1 hour'
    WHEN 'nobody' THEN NULL
    ELSE least(CASE WHEN received_at <= closes THEN closes END, greatest(due, received_at) + interval '5 days') END, false)
$$;

-- Tasks with whose turn they are. A proposed decision takes its task to the approver, if it covers all its findings.
CREATE VIEW intake.task_turns AS
WITH proposed AS MATERIALIZED (
  SELECT d.decision_id, d.submission_id, d.kind, d.rule_id, d.column_name, d.cells
  FROM intake.decisions d
  WHERE d.state = 'proposed' AND d.kind IN ('accept', 'hold', 'return', 'waive', 'correct')),
returned AS MATERIALIZED (
  SELECT DISTINCT d.submission_id FROM intake.decisions d WHERE d.kind = 'return' AND d.state = 'in_force'),
running AS MATERIALIZED (SELECT DISTINCT w.submission_id FROM intake.waiting w),
answered AS MATERIALIZED (  -- by rule and column: answers of the trust that wait for a steward, and whether the last one was not accepted
  SELECT r.submission_id, r.rule_id, r.column_name, count(*) FILTER (WHERE r.state = 'open') AS replies, bool_or(r.state = 'refused') AS is_refused
  FROM intake.replies r WHERE r.state IN ('open', 'refused') GROUP BY 1, 2, 3),
covering AS MATERIALIZED (
  SELECT t.task_id, max(p.decision_id) AS proposal
  FROM proposed p JOIN intake.tasks t USING (submission_id)
  LEFT JOIN LATERAL jsonb_array_elements(p.cells) c ON p.kind IN ('waive', 'correct')
  WHERE p.kind NOT IN ('waive', 'correct')
     OR (p.rule_id = t.rule_id AND (p.column_name IS NULL OR p.column_name = t.column_name))
  GROUP BY t.task_id, t.findings
  HAVING bool_or(p.kind NOT IN ('waive', 'correct') OR (p.kind = 'waive' AND jsonb_array_length(p.cells) = 0))
      OR count(DISTINCT c) >= t.findings),
turned AS (
  SELECT t.*, c.proposal,
         CASE WHEN w.submission_id IS NOT NULL THEN 'running'
              WHEN a.replies > 0 AND c.proposal IS NULL THEN 'us'
              WHEN r.submission_id IS NOT NULL THEN 'trust'
              WHEN c.proposal IS NOT NULL THEN 'approver'
              WHEN a.is_refused THEN 'trust'
              ELSE 'us' END AS turn,
         coalesce(a.replies, 0) AS replies
  FROM intake.tasks t
  LEFT JOIN covering c USING (task_id)
  LEFT JOIN answered a ON a.submission_id = t.submission_id AND a.rule_id = t.rule_id AND a.column_name IS NOT DISTINCT FROM t.column_name
  LEFT JOIN returned r ON r.submission_id = t.submission_id
  LEFT JOIN running w ON w.submission_id = t.submission_id)
SELECT t.*, core.is_overdue(t.turn, t.due, t.closes, t.received_at) AS is_overdue,
       -- The same heading, however it is spaced and cased.
       coalesce(regexp_replace(lower(t.column_name), '[^a-z0-9]+', '', 'g'), '') AS column_folded
FROM turned t;
COMMENT ON VIEW intake.task_turns IS 'Tasks, each with whose turn it is.';
COMMENT ON COLUMN intake.task_turns.proposal IS 'The proposed decision that would settle the task; NULL where there is none.';
COMMENT ON COLUMN intake.task_turns.turn IS 'us (a steward must decide, also on an answer of the trust), trust (it was returned, or an answer was not accepted), approver (a decision on all of it is proposed), or running (the pipeline validates it).';
COMMENT ON COLUMN intake.task_turns.replies IS 'How many answers of the trust wait for a steward.';
COMMENT ON COLUMN intake.task_turns.is_overdue IS 'True where whoever has the turn is late: the trust after the deadline, us and the approver five days after the deadline or the receipt or at the close, the pipeline after an hour.';
COMMENT ON COLUMN intake.task_turns.column_folded IS 'The heading in small letters and digits only, by which the same fault of several trusts is found; empty where there is no column.';

-- Returns with whose turn they are: the board, and files of no known period or sender.
CREATE VIEW intake.turns AS
WITH tasks AS MATERIALIZED (
  SELECT t.submission_id, count(*) AS tasks, count(*) FILTER (WHERE t.turn = 'us') AS with_us,
         count(*) FILTER (WHERE t.turn = 'trust') AS with_trust, sum(t.replies)::bigint AS replies
  FROM intake.task_turns t GROUP BY 1),
proposed AS MATERIALIZED (
  SELECT DISTINCT d.submission_id FROM intake.decisions d WHERE d.state = 'proposed' AND d.kind NOT IN ('assign', 'comment')),
returned AS MATERIALIZED (
  SELECT DISTINCT d.submission_id FROM intake.decisions d WHERE d.kind = 'return' AND d.state = 'in_force'),
running AS MATERIALIZED (SELECT DISTINCT w.submission_id FROM intake.waiting w),
returns AS (
  SELECT b.collection, b.period, b.sender, b.part, b.due, b.closes, b.submission_id, b.version, b.received_at, b.is_sample, b.counting,
         b.state
  FROM intake.board b
  UNION ALL
  SELECT s.collection, s.period, s.sender, s.part, NULL, NULL, s.submission_id, s.version, s.received_at, s.is_sample, NULL, s.state
  FROM intake.submissions s WHERE (s.period IS NULL OR s.sender IS NULL) AND s.is_newest),
turned AS (
  SELECT b.*, coalesce(t.tasks, 0) AS tasks, coalesce(t.replies, 0) AS replies,
         CASE WHEN w.submission_id IS NOT NULL OR b.state = 'received' THEN 'running'
              WHEN b.state IN ('due', 'late', 'missing') THEN 'trust'
              WHEN t.with_us > 0 THEN 'us'
              WHEN p.submission_id IS NOT NULL THEN 'approver'
              WHEN r.submission_id IS NOT NULL OR t.with_trust > 0 THEN 'trust'
              WHEN b.state = 'held' THEN 'us'
              ELSE 'nobody' END AS turn
  FROM returns b
  LEFT JOIN tasks t USING (submission_id)
  LEFT JOIN proposed p USING (submission_id)
  LEFT JOIN returned r USING (submission_id)
  LEFT JOIN running w USING (submission_id))
SELECT t.*, core.is_overdue(t.turn, t.due, t.closes, t.received_at) AS is_overdue FROM turned t;
COMMENT ON VIEW intake.turns IS 'Every return that is asked for or came, and every file of no known period or sender, with whose turn it is.';
COMMENT ON COLUMN intake.turns.tasks IS 'How many open tasks its newest version has.';
COMMENT ON COLUMN intake.turns.replies IS 'How many answers of the trust wait for a steward.';
COMMENT ON COLUMN intake.turns.turn IS 'us, trust, approver, running, or nobody (nothing to do). A return is with us as long as one of its tasks is.';
COMMENT ON COLUMN intake.turns.is_overdue IS 'True where whoever has the turn is late (see intake.task_turns).';
COMMENT ON COLUMN intake.turns.counting IS 'The submission of this return that counts now.';
COMMENT ON COLUMN intake.turns.state IS 'As on intake.board.';

SELECT core.share_comments('{intake.task_turns,intake.turns}', '{intake.tasks,intake.board}');
GRANT EXECUTE ON FUNCTION core.is_overdue(text, timestamptz, timestamptz, timestamptz) TO steward_desk, steward_reader;

-- Filters of the queue that a person has given a name. They say nothing about returns, so they come and go.
CREATE TABLE core.saved_filter (
  person text NOT NULL CHECK (btrim(person) <> ''), name text NOT NULL CHECK (btrim(name) <> '' AND length(name) <= 60),
  address text NOT NULL CHECK (length(address) <= 1000),   -- the query of the queue's address
  saved_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (person, name));
GRANT SELECT, DELETE, INSERT (person, name, address), UPDATE (address) ON core.saved_filter TO steward_desk;

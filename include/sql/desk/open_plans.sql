-- Plans without an outcome, newest first.
SELECT plan_id, planned_from, kind, provider_code
FROM published.programme_plan WHERE outcome <> 'happened' ORDER BY planned_from DESC, plan_id

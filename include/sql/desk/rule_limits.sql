-- Rules that some decisions cannot override: rule_id, accept, waive, because.
SELECT * FROM core.rule_limit

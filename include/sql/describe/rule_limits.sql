SELECT rule_id, concat_ws(' or ', CASE WHEN NOT accept THEN 'accepted' END, CASE WHEN NOT waive THEN 'waived' END), because
FROM core.rule_limit
WHERE NOT (accept AND waive)
ORDER BY ctid

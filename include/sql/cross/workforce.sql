-- WF-R6: people in post follow from last month's, joiners and leavers. WF-R7: staff in post do not jump.
WITH before AS (
    SELECT * FROM history WHERE period = period_before(target_period())
),
pairs AS (
    SELECT
        n.submission_id,
        n.sheet,
        n.line,
        n.provider_code,
        n.staff_group,
        n.headcount,
        n.fte,
        b.headcount AS headcount_before,
        b.fte AS fte_before,
        n.joiners_hc,
        n.leavers_hc,
        b.headcount + n.joiners_hc - n.leavers_hc AS headcount_due
    FROM records AS n
    JOIN before AS b USING (provider_code, staff_group)
    ANTI JOIN breaks USING (provider_code)
),
trusts AS (
    SELECT n.submission_id, n.provider_code, n.fte, b.fte AS fte_before
    FROM (SELECT submission_id, provider_code, total(fte) AS fte FROM records GROUP BY ALL) AS n
    JOIN (SELECT provider_code, total(fte) AS fte FROM before GROUP BY ALL) AS b USING (provider_code)
    ANTI JOIN breaks USING (provider_code)
)
SELECT
    'WF-R6' AS rule_id,
    provider_code,
    submission_id,
    sheet,
    line,
    'headcount' AS column_name,
    CAST(headcount AS VARCHAR) AS raw_value,
    format(
        '{} headcount {} does not follow from last month. Expected about {}: {} last month, plus {} joiners, less {} leavers, '
        || 'within 2 percent or 5 people. Correct headcount, joiners_hc or leavers_hc, or tell us what moved.',
        staff_group, headcount, headcount_due, headcount_before, joiners_hc, leavers_hc
    ) AS message
FROM pairs
WHERE abs(headcount - headcount_due) > greatest(5, 0.02 * headcount_before)
UNION ALL
SELECT
    'WF-R7',
    provider_code,
    submission_id,
    sheet,
    line,
    'fte',
    CAST(fte AS VARCHAR),
    format(
        '{} FTE went from {} last month to {}. Expected a change of at most 15 percent or 20 FTE. '
        || 'Confirm with a reason (transfer, reorganisation, correction or real), or correct fte.',
        staff_group, say(fte_before, 1), say(fte, 1)
    )
FROM pairs
WHERE abs(fte - fte_before) > 20 AND abs(fte - fte_before) > 0.15 * fte_before
UNION ALL
SELECT
    'WF-R7',
    provider_code,
    submission_id,
    NULL,
    NULL,
    'fte',
    CAST(fte AS VARCHAR),
    format(
        'FTE over all staff groups went from {} last month to {}. Expected a change of at most 5 percent. '
        || 'Confirm with a reason (transfer, reorganisation, correction or real), or correct fte.',
        say(fte_before, 1), say(fte, 1)
    )
FROM trusts
WHERE abs(fte - fte_before) > 0.05 * fte_before

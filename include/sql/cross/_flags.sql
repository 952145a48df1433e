-- What was found between periods, trusts and collections is said by the flags of the same release: a provider that a finding is
-- about, or of which rows were left out, is B where it was A. A finding without a provider is about all that its submission speaks for.
UPDATE returns
SET quality_flag = 'B'
WHERE
    quality_flag = 'A'
    AND (
        provider_code IN (SELECT f.provider_code FROM cross_findings AS f WHERE f.provider_code IS NOT NULL)
        OR provider_code IN (
            SELECT s.provider_code
            FROM cross_findings AS f
            JOIN spoken_for AS s USING (submission_id)
            WHERE f.provider_code IS NULL
        )
        OR provider_code IN (
            SELECT r.provider_code
            FROM rejected_rows AS r
            WHERE r.collection = target_collection() AND r.period = target_period()
        )
    );

-- How many answers of trusts wait for a steward.
SELECT count(*) FROM intake.replies WHERE state = 'open'

-- Whether collecting has come to rest: nothing waits for validation, or nobody has registered or validated anything for two
-- minutes (what waits then is left to the next run, and keeps no figures back).
SELECT NOT EXISTS (SELECT FROM intake.waiting)
    OR coalesce(greatest((SELECT max(registered_at) FROM core.submission),
                         (SELECT max(validated_at) FROM core.validation)) < now() - interval '2 minutes', true) AS at_rest

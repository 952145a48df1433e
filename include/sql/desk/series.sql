-- A metric of a provider for all periods, with its limits and signals.
SELECT m.period, m.value, m.quality_flag, m.release_id, m.is_sample, m.suppressed, m.withheld, w.sentence, s.section,
       s.is_restart, s.centre, s.lower_limit, s.upper_limit, s.is_trial, s.signal, s.signal_side, s.assessment,
       s.withheld AS no_limits, s.rule_set
FROM published.measures m
LEFT JOIN published.reasons w ON w.code = m.withheld
LEFT JOIN published.signals s
  ON (s.collection, s.metric_id, s.provider_code, s.period) = (m.collection, m.metric_id, m.provider_code, m.period)
WHERE m.collection = %(collection)s AND m.metric_id = %(metric)s AND m.provider_code = %(provider)s
ORDER BY m.period

-- What a trust's board report of half a year is made of. The room's functions take a session's token and give the same of own trusts only.

-- The published figures of a trust over periods that end in the half-year, and over those of the year before, for the trend.
CREATE FUNCTION core.report_figures(of_provider text, since date, until date)
RETURNS TABLE (collection text, metric_id text, metric_name text, period text, period_start date, period_end date, value double precision,
               unit text, polarity text, peers bigint, lower_quartile double precision, median double precision, upper_quartile double precision,
               percentile_rank double precision, quartile int, opportunity_gbp double precision, adds_over text, quality_flag text,
               completeness double precision, rows_sent bigint, rows_used bigint, months_covered int, months_expected int, suppressed boolean,
               withheld text, reason text, release_id text, published_at timestamptz, is_sample boolean)
LANGUAGE sql STABLE AS $$
  SELECT f.collection, f.metric_id, f.metric_name, f.period, f.period_start, f.period_end, f.value, f.unit, f.polarity,
         f.peers_with_value::bigint, f.lower_quartile, f.median, f.upper_quartile, f.percentile_rank, f.quartile, f.opportunity_gbp, f.adds_over,
         f.quality_flag, f.completeness, f.rows_sent, f.rows_used, f.months_covered, f.months_expected, f.suppressed, f.withheld, f.reason,
         f.release_id, f.published_at, f.is_sample
  FROM published.figures f
  WHERE f.provider_code = of_provider AND f.period_end BETWEEN (since - interval '1 year')::date AND until
  ORDER BY f.collection, f.metric_id, f.period_start
$$;

-- Its returns of these periods: when each was due and came, how many versions it sent, and where the newest stands.
CREATE FUNCTION core.report_returns(of_provider text, since date, until date)
RETURNS TABLE (collection text, period text, part text, due timestamptz, first_received_at timestamptz, versions bigint, state text)
LANGUAGE sql STABLE AS $$
  SELECT b.collection, b.period, b.part, b.due, s.first_received_at, s.versions, b.state
  FROM intake.board b CROSS JOIN LATERAL (
    SELECT min(s.received_at) AS first_received_at, count(*) AS versions FROM core.submission s
    WHERE (s.collection, s.period, s.sender, s.part) = (b.collection, b.period, b.sender, b.part)) s
  WHERE b.sender = of_provider AND core.period_end(b.period) BETWEEN since AND until
  ORDER BY b.collection, b.period, b.part
$$;

-- What the trust and our stewards did about them: decisions in force, the trust's replies to findings, and what it said to figures before
-- they were published.
CREATE FUNCTION core.report_actions(of_provider text, since date, until date)
RETURNS TABLE (what text, collection text, period text, rule_id text, reason_code text, words text, at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT d.kind, d.collection, d.period, d.rule_id, NULL, d.reason, coalesce(d.verdict_at, d.decided_at) FROM intake.decisions d
  WHERE d.sender = of_provider AND d.state IN ('in_force', 'ended') AND d.kind IN ('accept', 'waive', 'correct', 'hold', 'return')
    AND core.period_end(d.period) BETWEEN since AND until
  UNION ALL
  SELECT s.response, p.collection, p.period, NULL, NULL, s.words, s.given_at FROM core.preview_response s JOIN core.preview p USING (preview_id)
  WHERE s.provider_code = of_provider AND s.response <> 'looked' AND core.period_end(p.period) BETWEEN since AND until
  UNION ALL
  SELECT 'reply ' || r.kind, r.collection, r.period, r.rule_id,
         r.reason_code, concat_ws('. ', 'New value: ' || r.new_value, nullif(r.note, '')), r.replied_at
  FROM intake.replies r WHERE r.sender = of_provider AND core.period_end(r.period) BETWEEN since AND until
  ORDER BY 7
$$;

CREATE FUNCTION room.report_figures(session text, of_provider text, since date, until date)
RETURNS TABLE (collection text, metric_id text, metric_name text, period text, period_start date, period_end date, value double precision,
               unit text, polarity text, peers bigint, lower_quartile double precision, median double precision, upper_quartile double precision,
               percentile_rank double precision, quartile int, opportunity_gbp double precision, adds_over text, quality_flag text,
               completeness double precision, rows_sent bigint, rows_used bigint, months_covered int, months_expected int, suppressed boolean,
               withheld text, reason text, release_id text, published_at timestamptz, is_sample boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.* FROM core.report_figures(of_provider, since, until) f WHERE of_provider = ANY(core.room_codes(core.room_contact(session)))
$$;

CREATE FUNCTION room.report_returns(session text, of_provider text, since date, until date)
RETURNS TABLE (collection text, period text, part text, due timestamptz, first_received_at timestamptz, versions bigint, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.* FROM core.report_returns(of_provider, since, until) r WHERE of_provider = ANY(core.room_codes(core.room_contact(session)))
$$;

CREATE FUNCTION room.report_actions(session text, of_provider text, since date, until date)
RETURNS TABLE (what text, collection text, period text, rule_id text, reason_code text, words text, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.* FROM core.report_actions(of_provider, since, until) a WHERE of_provider = ANY(core.room_codes(core.room_contact(session)))
$$;

REVOKE ALL ON FUNCTION room.report_figures(text, text, date, date), room.report_returns(text, text, date, date),
  room.report_actions(text, text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION room.report_figures(text, text, date, date), room.report_returns(text, text, date, date),
  room.report_actions(text, text, date, date) TO trust_room;

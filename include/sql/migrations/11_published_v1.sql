-- Version 1 of the published views: exactly the columns that it promised.

CREATE SCHEMA published_v1;
CREATE VIEW published_v1.measures AS
SELECT metric_id, collection, period, provider_code, provider_name, numerator, denominator, value, unit, quality_flag,
       percentile_rank, peer_group, release_id, is_sample, decisions, suppressed
FROM published.measures;
CREATE VIEW published_v1.benchmarks AS
SELECT metric_id, collection, period, peer_group, providers, minimum, lower_quartile, median, upper_quartile, maximum,
       release_id, is_sample
FROM published.benchmarks;
CREATE VIEW published_v1.comparisons AS
SELECT metric_id, collection, period, provider_code, benchmark_kind, benchmark_value, variance, is_better,
       opportunity_gbp, stretch_opportunity_gbp, adds_to_total, release_id, is_sample
FROM published.comparisons;
CREATE VIEW published_v1.price_comparison AS
SELECT collection, period, product_code, code_type, base_unit, description, trusts, lines, spend_gbp, lowest,
       lower_quartile, median, upper_quartile, highest, suspects_left_out, provider_code, provider_lines,
       provider_base_units, provider_spend_gbp, unit_price_gbp, variance_to_median, opportunity_to_median_gbp,
       opportunity_to_lowest_gbp, release_id, is_sample
FROM published.price_comparison;
CREATE VIEW published_v1.price_list AS
SELECT collection, period, part, product_code, pack_code, name, supplier, pack_size, unit, price_pence,
       price_per_unit_pence, change_on_previous_pence, release_id, is_sample
FROM published.price_list;
CREATE VIEW published_v1.kept_apart AS
SELECT collection, period, body_code, body_name, body_type, rows, release_id, is_sample
FROM published.kept_apart;
CREATE VIEW published_v1.engagement_timeline AS
SELECT event_id, occurred_from, occurred_to, date_precision, kind, layer, status, provider_code, collection, period,
       recommendation_number, summary, source
FROM published.engagement_timeline;
CREATE VIEW published_v1.data_status AS
SELECT collection, period, expected, received, accepted, held, missing, coverage, published_at, release_id, is_sample
FROM published.data_status;
CREATE VIEW published_v1.metrics AS
SELECT metric_id, name, unit, polarity, numerator, denominator, formula, lens, compartment, oversight_theme,
       recommendation, fed_by, not_fed_because
FROM published.metrics;
CREATE VIEW published_v1.recommendations AS
SELECT number, area, summary, owner, deadline, deadline_end_date, collections, source
FROM published.recommendations;
CREATE VIEW published_v1.cohort AS
SELECT code, name_2017, sector, region
FROM published.cohort;
CREATE VIEW published_v1.providers AS
SELECT provider_code, provider_name, sector, region, kind, open_from, open_to, in_cohort
FROM published.providers;
CREATE VIEW published_v1.successions AS
SELECT from_code, to_code, legal_date, type, verified, source
FROM published.successions;
CREATE VIEW published_v1.release_history AS
SELECT collection, period, release_id, published_at, is_current
FROM published.release_history;
CREATE VIEW published_v1.movements AS
SELECT metric_id, collection, period, provider_code, step, cause, value_before, value_after, change,
       previous_release_id, release_id, is_sample
FROM published.movements;
CREATE VIEW published_v1.price_spread AS
SELECT collection, period, product_code, code_type, base_unit, description, trusts, lines, spend_gbp, lowest,
       lower_quartile, median, upper_quartile, highest, suspects_left_out, release_id, is_sample
FROM published.price_spread;
GRANT USAGE ON SCHEMA published_v1 TO dashboard_reader, steward_reader, steward_desk;
GRANT SELECT ON ALL TABLES IN SCHEMA published_v1 TO dashboard_reader, steward_reader, steward_desk;

-- Offers a release to the trusts that have figures in it, in place of the open offer of its period if there is one.
WITH before AS (
  SELECT p.preview_id FROM core.preview_now p
  WHERE (p.collection, p.period) = (%(collection)s, %(period)s) AND p.outcome IS NULL),
closed AS (
  INSERT INTO core.preview_close (preview_id, outcome) SELECT preview_id, 'replaced' FROM before ON CONFLICT DO NOTHING),
made AS (
  INSERT INTO core.preview (collection, period, release_key, ends_at, replaces_id)
  SELECT %(collection)s, %(period)s, core.key_of(%(release_id)s), %(ends_at)s, (SELECT max(preview_id) FROM before)
  RETURNING preview_id, release_key)
INSERT INTO core.preview_trust (preview_id, provider_code)
SELECT DISTINCT m.preview_id, f.provider_code FROM made m JOIN core.measure f USING (release_key)

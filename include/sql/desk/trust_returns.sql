-- The returns of a trust: of each collection the last thirteen periods, newest first.
SELECT * FROM (
  SELECT b.*, dense_rank() OVER (PARTITION BY b.collection ORDER BY b.period DESC) AS place
  FROM intake.turns b WHERE b.sender = %(provider)s AND b.period IS NOT NULL) r
WHERE place <= 13 ORDER BY collection, period DESC, part

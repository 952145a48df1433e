-- Prices of a list are credible beside the list that stands and beside last month's: at most a quarter of the lines that both have moved
-- by more than half (all times 100 is such a move of all), and four fifths of the lines of last month are still there.
WITH lines AS (
  SELECT c.release_key, c.against_key, c.comparable, r.collection, r.period, p.part, p.line_key, p.price_pence, p.change_on_previous_pence
  FROM candidate c JOIN core.release r USING (release_key) JOIN core.price_list p USING (release_key)),
pairs AS (
  SELECT n.release_key, n.part, 'the list that stands' AS beside, n.price_pence AS after, o.price_pence AS before
  FROM lines n JOIN core.price_list o ON (o.release_key, o.part, o.line_key) = (n.against_key, n.part, n.line_key)
  WHERE n.comparable
  UNION ALL
  -- A release knows the prices of the month before itself; so what is found does not depend on which of the two was switched to first.
  SELECT release_key, part, 'last month''s list', price_pence, price_pence - change_on_previous_pence
  FROM lines WHERE change_on_previous_pence IS NOT NULL),
moved AS (
  SELECT release_key, part, beside, count(*) AS lines, count(*) FILTER (WHERE abs(after - before) > 0.5 * before) AS far,
         percentile_cont(0.5) WITHIN GROUP (ORDER BY after / nullif(before, 0)) AS usual
  FROM pairs WHERE before > 0 GROUP BY 1, 2, 3),
earlier AS (
  SELECT DISTINCT l.release_key, e.release_key AS earlier_key
  FROM (SELECT DISTINCT release_key, collection, period FROM lines) l
  JOIN core.release n USING (release_key)
  JOIN core.current_release e ON e.collection = l.collection
  AND e.period = to_char(to_date(l.period || '-01', 'YYYY-MM-DD') - interval '1 month', 'YYYY-MM')
  JOIN core.release o ON o.release_key = e.release_key AND o.is_sample = n.is_sample
  WHERE l.period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
lost AS (
  SELECT e.release_key, o.part, count(*) AS lines,
         count(*) FILTER (WHERE EXISTS (SELECT FROM core.price_list n WHERE (n.release_key, n.part, n.line_key) = (e.release_key, o.part, o.line_key))) AS still
  FROM earlier e JOIN core.price_list o ON o.release_key = e.earlier_key
  -- A part that did not come is another matter: it is due, and missing.
  WHERE EXISTS (SELECT FROM core.price_list n WHERE (n.release_key, n.part) = (e.release_key, o.part))
  GROUP BY 1, 2)
SELECT release_key, 'prices of ' || part || ' beside ' || beside AS subject,
       format('%s of %s prices of %s moved by more than half against %s (half of them are %s times what they were or more). Expected at most a quarter.',
              far, lines, part, beside, round(usual::numeric, 2)) AS message
FROM moved WHERE lines >= 20 AND far > 0.25 * lines
UNION ALL
SELECT release_key, 'lines of ' || part || ' beside last month''s list',
       format('The price list %s has %s of the %s lines of last month''s list. Expected at least %s.', part, still, lines, ceil(0.8 * lines))
FROM lost WHERE lines >= 20 AND still < 0.8 * lines

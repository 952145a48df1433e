-- What a column of a name means wherever it stands. A view's own comment, beside its definition, says what is particular there.

-- Gives columns of views that have no words yet those that columns of the same name have in others, in the first that has some.
CREATE FUNCTION core.share_comments(views regclass[], others regclass[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE one record;
BEGIN
  FOR one IN
    SELECT DISTINCT ON (a.attrelid, a.attname) a.attrelid::regclass AS view, a.attname AS name, col_description(o.attrelid, o.attnum) AS means
    FROM pg_attribute a JOIN pg_attribute o ON o.attname = a.attname AND o.attrelid = ANY(others)
    WHERE a.attrelid = ANY(views) AND a.attnum > 0
      AND col_description(a.attrelid, a.attnum) IS NULL AND col_description(o.attrelid, o.attnum) IS NOT NULL
    ORDER BY a.attrelid, a.attname, array_position(others, o.attrelid::regclass)
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', one.view, one.name, one.means);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION core.share_comments(regclass[], regclass[]) FROM PUBLIC;

DO $$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT format('%s.%I', a.attrelid::regclass, a.attname) AS column_path, w.means
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN (VALUES
      ('collection', 'Name of the collection, as in the catalogue.'),
      ('period', 'Month (2025-06) or financial year (2016-17, April to March) that the row is about.'),
      ('period_start', 'First day of the period.'),
      ('period_end', 'Last day of the period.'),
      ('period_type', 'month or financial_year.'),
      ('metric_id', 'Metric; its definition is in published.metrics.'),
      ('provider_code', 'Provider, by ODS code.'),
      ('provider_name', 'Name of the provider at the end of the period.'),
      ('numerator', 'What is counted, as it was summed (counts of people to the nearest 5, and NULL where suppressed); NULL where nothing was reported or the metric has none.'),
      ('denominator', 'What it is divided by (counts of people to the nearest 5, and NULL where suppressed); NULL where nothing was reported or the metric has none.'),
      ('unit', 'Unit of the values.'),
      ('lower', 'Lower end of the value''s 95% interval by chance alone, in the metric''s unit; NULL where it has none (published.metrics.no_interval says why).'),
      ('upper', 'Upper end of the value''s 95% interval by chance alone, in the metric''s unit; NULL where it has none.'),
      ('peer_group', 'Whose trusts are compared: ''national'', ''sector:'', ''region:'' or ''size:'' (a band; 1 the smallest) and which; for peers of one trust ''nearest:'' or ''own_list:'' and its code.'),
      ('withheld', 'Why figures are withheld: a code of published.reasons, whose sentence is to be printed in their place; NULL where they are all there.'),
      ('basis', 'How peers were chosen: sector, region, size, nearest (neighbours on the features named) or own_list.'),
      ('release_id', 'The immutable release that the row belongs to; the same inputs give the same one.'),
      ('is_sample', 'True where sample returns (invented figures) had a part in it. Say so wherever it is shown.'),
      ('submission_id', 'The submission: made from the collection and the file''s SHA-256.'),
      ('sender', 'Who sent the file: a provider''s ODS code, or the publisher of a national file.'),
      ('part', 'Which part of a national collection the file is; empty where there are no parts.'),
      ('version', 'Its place in the chain of submissions of one collection, period, sender and part; the first is 1.'),
      ('sha256', 'SHA-256 of the file as sent; the archive keeps it under that name.'),
      ('received_at', 'When the file arrived.'),
      ('validated_at', 'When it was last validated.'),
      ('rules_version', 'Version of the rules that validated it: common number, the collection''s number, hash of the reviewed data.'),
      ('layout', 'The template version that the file was read by.'),
      ('rows_read', 'Rows of data in the file: recorded + rejected + held.'),
      ('rows_recorded', 'Rows that were accepted and recorded.'),
      ('rows_rejected', 'Rows that were left out and listed among the findings.'),
      ('rows_held', 'Rows that wait for a steward, because the whole submission is held.'),
      ('rows_set_aside', 'Rows that were recognised as totals or notes; not among the rows read.'),
      ('file_name', 'The file''s name as sent.'),
      ('is_current', 'True where it is what counts now.'),
      ('published_at', 'When the release became the current one; NULL where nothing is published.'),
      ('inbox_key', 'The object''s key in the inbox.'),
      ('etag', 'The object store''s tag of the object, by which a change is noticed.'),
      ('sheet', 'Sheet of a workbook; NULL for text files.'),
      ('line', 'Line of the file, or row of the sheet, counted from 1; NULL where the whole file is meant.'),
      ('column_name', 'The heading as sent; NULL where a whole row or file is meant.'),
      ('raw_value', 'The cell as sent (at most 500 characters).'),
      ('message', 'What was found, what was expected and what to do, for the person who can mend it.'),
      ('rule_id', 'The rule that was broken; its words are above.'),
      ('severity', 'hold (the submission waits), reject (the row is left out), warn (the row counts), info (nothing to do).'),
      ('responsible', 'Who must act: trust, publisher or us.'),
      ('lower_quartile', 'A quarter of the values lie below it (linear between neighbours, R type 7).'),
      ('median', 'Half of the values lie below it.'),
      ('upper_quartile', 'Three quarters of the values lie below it (linear between neighbours, R type 7).'),
      ('product_code', 'The product''s code, of the kind named in code_type or by SNOMED in price lists; text, never a number.'),
      ('code_type', 'Kind of product code: gtin, npc or mpc (local codes are not compared).'),
      ('base_unit', 'What one price is for: each single unit in a pack.'),
      ('sector', 'Sector of the provider: community, mental_health, combined, integrated, acute and others.'),
      ('region', 'NHS England region.'),
      ('number', 'Number of the recommendation.'),
      ('summary', 'In one sentence.'),
      ('source', 'Where it is known from.'),
      ('archive_key', 'Where the archive keeps the file as sent.'),
      ('name', 'Name.'),
      ('decision_id', 'The decision, by its number (numbers have gaps, because previews use some); of a finding: the decision that sets it aside, NULL while it is open.'),
      ('decisions', 'Numbers of the decisions in force that it was made under; {} where there were none.'),
      ('decided_at', 'When the decision was taken.'),
      ('author', 'Who took it.'),
      ('kind', 'assign, comment, accept, waive, correct, hold, return or undo.'),
      ('assignee', 'Who has taken it on; NULL where nobody has.'),
      ('due', 'The soft deadline; NULL where there is none.'),
      ('closes', 'The hard close; NULL where there is none.')) w (name, means) ON w.name = a.attname
    WHERE c.relnamespace IN ('intake'::regnamespace, 'published'::regnamespace) AND col_description(a.attrelid, a.attnum) IS NULL
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s IS %L', one.column_path, one.means);
  END LOOP;
  -- A version keeps the words of the view that it was taken from.
  FOR one IN
    SELECT v.oid::regclass AS view, a.attname AS name, col_description(p.attrelid, p.attnum) AS means, obj_description(n.oid, 'pg_class') AS about
    FROM pg_class v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
    JOIN pg_class n ON n.relname = v.relname AND n.relnamespace = 'published'::regnamespace
    JOIN pg_attribute p ON p.attrelid = n.oid AND p.attname = a.attname
    WHERE v.relnamespace = 'published_v1'::regnamespace
  LOOP
    EXECUTE format('COMMENT ON VIEW %s IS %L', one.view, one.about);
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', one.view, one.name, one.means);
  END LOOP;
  -- Figures have the words of the measures that they are, and the newest figures those of all figures.
  FOR one IN
    SELECT t.name AS view, a.attname AS name, coalesce(col_description('published.figures'::regclass, a.attnum), m.means) AS means
    FROM pg_attribute a
    LEFT JOIN (SELECT b.attname, col_description(b.attrelid, b.attnum) AS means FROM pg_attribute b
               WHERE b.attrelid = 'published.measures'::regclass) m USING (attname)
    CROSS JOIN (VALUES ('figures'), ('latest')) t (name)
    WHERE a.attrelid = 'published.figures'::regclass AND a.attnum > 0
  LOOP
    EXECUTE format('COMMENT ON COLUMN published.%I.%I IS %L', one.view, one.name, one.means);
  END LOOP;
END $$;

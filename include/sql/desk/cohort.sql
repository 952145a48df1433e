-- The codes of the cohort.
SELECT code FROM published.cohort

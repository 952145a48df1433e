-- Claims of sources that contradict each other.
SELECT * FROM published.contradictions ORDER BY topic, event_id, claim

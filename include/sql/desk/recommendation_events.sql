-- Events that name a recommendation, without the repetitions of recurring ones.
SELECT * FROM published.engagement_timeline
WHERE recommendation_number IS NOT NULL AND layer <> 'derived' AND strpos(event_id, '+') = 0
ORDER BY occurred_from, coalesce(occurred_to, occurred_from), layer DESC, kind, event_id

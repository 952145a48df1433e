import flow


def test_x(shared_world):
    from trust_benchmarks.pipeline import timeline

    print(timeline.refresh())
    for q in (
        "SELECT provider_code, occurred_from, occurred_to, kind, summary, confidence, status FROM core.timeline WHERE layer='trust' AND event_id !~ '^EV0?..-' ORDER BY 1,2",
        "SELECT * FROM published.programme_plan ORDER BY planned_from",
        "SELECT * FROM published.provider_ancestors WHERE provider_code IN ('G6V2S','RW4','RTQ','RY3')",
        "SELECT provider_code, own_code, event_id, occurred_from, summary FROM published.provider_lanes WHERE provider_code = 'G6V2S' ORDER BY 4",
        "SELECT * FROM published.contradictions",
        "SELECT * FROM published.board_reports ORDER BY 1",
        "SELECT * FROM published.recommendation_progress LIMIT 5",
        "SELECT count(*) FROM published.engagement_facts",
        "SELECT core.year_before(x) FROM unnest(ARRAY['2025-06','2016-17','2024-01','2024-25']) x",
    ):
        print(q)
        for r in flow.rows(q):
            print("   ", *r, sep=" | ")

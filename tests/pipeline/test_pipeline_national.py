"""The published turnover and out-of-area placement files through the real stores: measured, kept apart, and accounted for."""

import flow
import pytest

FILES = {
    ("staff_turnover", "2025-10"): "workforce/turnover_staff_group_org_2025-10.csv",
    ("out_of_area_placements", "2016-10"): "out_of_area_placements/oaps_2016-10.csv",
    ("out_of_area_placements", "2016-12"): "out_of_area_placements/oaps_2016-12.csv",
    ("out_of_area_placements", "2017-02"): "out_of_area_placements/oaps_2017-02.csv",
}
# (collection, period) -> measures with a value by metric, and rows of bodies that are no provider
FOUND = {
    ("staff_turnover", "2025-10"): ({"WF01": 205, "WF02": 205, "WF05": 0, "WF11": 205}, 960),
    ("out_of_area_placements", "2016-10"): ({"OA05": 12}, 7488),
    ("out_of_area_placements", "2016-12"): ({"OA05": 11}, 10222),
    ("out_of_area_placements", "2017-02"): ({"OA05": 10}, 11153),
}


@pytest.fixture(scope="module", autouse=True)
def published(shared_world, shared_data):
    """The four files, taken in and published."""
    for (collection, _), path in FILES.items():
        source = shared_data / path
        flow.put(f"{collection}/{source.name}", source.read_bytes())
    assert flow.take_in()["received"] == len(FILES)
    assert sorted(map(tuple, flow.release())) == sorted(FILES)


@pytest.mark.parametrize("release", FILES, ids="-".join)
def test_what_is_published(release):
    metrics, kept_apart = FOUND[release]
    found = flow.rows(
        "SELECT metric_id, count(value) FROM published.measures WHERE collection = %s AND period = %s GROUP BY 1",
        release,
    )
    assert {metric: n for metric, n in found if not metric.startswith("DQ")} == metrics
    rows = flow.rows("SELECT sum(rows)::int FROM published.kept_apart WHERE collection = %s AND period = %s", release)
    assert rows == [(kept_apart,)]


def test_independent_hospitals_and_totals_stand_among_those_kept_apart():
    found = flow.rows(
        "SELECT DISTINCT body_code, body_type FROM published.kept_apart WHERE collection = 'out_of_area_placements' "
        "AND body_type = 'sending_provider' AND period = '2016-10'"
    )
    codes = {code for code, _ in found}
    assert {"8HR47", "AHL", "999", None} <= codes
    assert not codes & {"RX2", "NQL"}


def test_rows_add_up_to_the_publishers_totals_and_every_check_passes():
    found = flow.rows(
        """SELECT r.period, t.subject, t.published, t.summed, t.withheld FROM core.release_total t JOIN core.release r USING (release_key)
           ORDER BY 1, 2"""
    )
    # Trusts with few placements are withheld, so their rows add up to less than England's.
    assert found == [
        ("2016-10", "cost_gbp by sending provider", 725690, 606646, 72),
        ("2016-10", "days by sending provider", 1714, 1502, 68),
        ("2016-12", "cost_gbp by sending provider", 6763900, 6501334, 26),
        ("2016-12", "days by sending provider", 15867, 15602, 22),
        ("2017-02", "cost_gbp by sending provider", 5763700, 5553311, 27),
        ("2017-02", "days by sending provider", 16912, 16550, 21),
    ]
    assert flow.rows("SELECT release_id, check_id, message FROM intake.release_checks WHERE NOT passed") == []

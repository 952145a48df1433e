"""Which periods of which collections a release rests on, by the catalogue."""

from trust_benchmarks.releases import dependencies


def months_of(collection: str, period: str, other: str) -> list[str]:
    return [month for name, month in dependencies.rests_on(collection, period) if name == other]


def test_collections_that_are_used_are_given_for_the_months_asked_for():
    """Agency pay since April needs every month of the workforce returns; income of a month needs the month before."""
    since_april = [f"2025-{month:02d}" for month in range(4, 13)] + ["2026-01", "2026-02", "2026-03"]
    assert months_of("finance_oversight", "2026-03", "workforce") == since_april
    assert months_of("medicines_pharmacy", "2025-06", "finance_oversight") == ["2025-05", "2025-06"]
    assert months_of("e_rostering", "2025-06", "workforce") == ["2025-06"]
    assert months_of("corporate_services", "2025-26", "finance_oversight") == since_april

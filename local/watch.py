"""What a run looks at while Airflow works: how far it is, what failed, and in the end what came out."""

from dataclasses import dataclass

import psycopg
from rich.table import Table
from rich.text import Text

PROGRESS = """
SELECT (SELECT count(*) FROM core.receipt),
       (SELECT count(*) FROM core.submission),
       (SELECT count(*) FROM core.submission) - (SELECT count(*) FROM intake.waiting),
       (SELECT count(*) FROM core.current_release)
"""
BY_PERIOD = """
SELECT collection, coalesce(period, 'unknown'), count(*),
       count(*) FILTER (WHERE state = 'accepted'),
       count(*) FILTER (WHERE state = 'accepted_with_warnings'),
       count(*) FILTER (WHERE state = 'held'),
       coalesce(sum(rows_rejected), 0), bool_or(is_sample)
FROM intake.submissions GROUP BY 1, 2 ORDER BY 1, 2
"""
TOTALS = """
SELECT (SELECT count(DISTINCT metric_id) FROM published.measures WHERE value IS NOT NULL),
       (SELECT count(*) FROM published.measures WHERE value IS NOT NULL),
       (SELECT count(DISTINCT provider_code) FROM published.measures WHERE value IS NOT NULL),
       (SELECT count(*) FROM published.engagement_timeline),
       (SELECT count(*) FROM core.current_release),
       coalesce((SELECT bool_or(is_sample) FROM published.measures), false)
"""


@dataclass(frozen=True)
class Progress:
    """Objects of the inbox looked at, submissions registered, submissions checked, releases published."""

    looked_at: int
    registered: int
    checked: int
    released: int


def progress(url: str) -> Progress:
    """How far the job is, by the ledger."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        return Progress(*next(connection.execute(PROGRESS)))


def summary(url: str) -> tuple[Table, str, bool]:
    """A table of what came in by collection and period, a sentence on what was published, and whether it is a sample."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        rows = connection.execute(BY_PERIOD).fetchall()
        metrics, values, providers, events, releases, is_sample = next(connection.execute(TOTALS))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("collection", "period"):
        table.add_column(heading, no_wrap=True)
    for heading in ("received", "accepted", "with warnings", "held", "rows rejected"):
        table.add_column(heading, justify="right")
    table.add_column("")
    shown = None
    for collection, period, *numbers, sample in rows:
        table.add_row(
            collection if collection != shown else "",
            period,
            *(
                Text(f"{number:,}", style="yellow" if place == 3 and number else "")
                for place, number in enumerate(numbers)
            ),
            Text("sample", style="dim") if sample else "",
        )
        shown = collection
    word = "sample " if is_sample else ""
    return (
        table,
        f"{metrics} metrics ({values:,} {word}values) for {providers} providers in {releases} releases; "
        f"{events:,} events on the timeline.",
        is_sample or any(row[-1] for row in rows),
    )

"""What a file and a release leave in the ledger stays within what docs/sizing.md says; bytes of rows, without indexes and free room."""

import flow
import pytest
from psycopg import sql as pgsql
from trust_benchmarks.records import findings_kept
from trust_benchmarks.stores import warehouse

TRUSTS = flow.TRUSTS
MOST_OF_A_FILE = 7_000  # bytes; 5,740 were measured
MOST_OF_A_RELEASE = 800_000  # of workforce with eight trusts, and the timeline; 663,000 were measured
MOST_OF_FINDINGS = 300_000  # of a file with more than 20,000 of them; 225,000 were measured


def ledger() -> int:
    """Bytes of all rows of the ledger."""
    with warehouse.connect(warehouse.OWNER) as connection:
        tables = connection.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'core'::regnamespace AND relkind = 'r'"
        ).fetchall()
        each = [
            pgsql.SQL("SELECT coalesce(sum(pg_column_size(t)), 0) FROM core.{} t").format(pgsql.Identifier(name))
            for (name,) in tables
        ]
        return sum(connection.execute(one).fetchone()[0] for one in each)


@pytest.mark.usefixtures("world")
def test_a_file_a_release_and_a_file_wrong_throughout_stay_within_their_bounds():
    for ods in TRUSTS:
        flow.put_return(ods, "2025-06", flow.workforce(ods))
    before = ledger()
    flow.take_in()
    taken_in = ledger()
    flow.release()
    released = ledger()
    rows = [row | {"fte": "500", "joiners_hc": "some"} for row in flow.workforce_rows() * 500]
    flow.put_return("RA9", "2025-07", flow.text([row | {"period": "2025-07"} for row in rows]))
    flow.take_in()
    wrong = ledger()
    assert (taken_in - before) / len(TRUSTS) < MOST_OF_A_FILE
    assert released - taken_in < MOST_OF_A_RELEASE
    assert flow.value("SELECT sum(findings) FROM intake.finding_counts") > 10 * findings_kept.limits()[1]
    assert wrong - released < MOST_OF_FINDINGS

"""Stored fingerprints: the same as those of the whole ledger after every kind of write, and cheap to ask for."""

import time
from datetime import date, timedelta

import flow
import pytest
from sizes import FULL
from trust_benchmarks import catalogue
from trust_benchmarks.reference import calendar
from trust_benchmarks.releases import candidates
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stewardship.decisions import Draft
from trust_benchmarks.stores import warehouse

PERIOD = "2025-06"
STORED = "SELECT collection, period, counts, hash FROM core.inputs ORDER BY 1, 2"
WHOLE = """SELECT i.* FROM (SELECT array_agg(collection) AS c, array_agg(period) AS p FROM (
             SELECT collection, period FROM core.submission WHERE period IS NOT NULL UNION SELECT collection, period FROM core.expected
             UNION SELECT collection, period FROM core.expected_provider) a) o, core.inputs_of(o.c, o.p) i ORDER BY 1, 2"""


def check() -> list[tuple]:
    """The fingerprints, as they are and after they were stored, beside those of the whole ledger."""
    whole = flow.rows(WHOLE)
    assert flow.rows(STORED) == whole
    candidates.stale()
    assert flow.rows(STORED) == whole and flow.value("SELECT count(*) FROM core.fingerprint_change") == 0
    assert flow.rows("SELECT collection, period, counts, hash FROM core.fingerprint ORDER BY 1, 2") == whole
    return whole


def decide(kind: str, **more) -> int:
    submission = flow.value("SELECT submission_id FROM intake.submissions WHERE is_newest AND sender = 'RA9'")
    with warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, Draft(kind, submission, "They rang.", **more), "amy")
        decisions.verdict(connection, number, "ben", True)
    return number


def test_fingerprints_follow_every_write(world):
    seen = [check()]
    for ods in ("RA9", "RHA"):
        flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD))
        flow.take_in()
        seen.append(check())
    flow.release()
    check()
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, scale=2), version=2)
    flow.take_in()
    seen.append(check())
    held = decide("hold")
    flow.take_in()
    seen.append(check())
    decide("undo", undoes=held)
    check()  # before it was looked at again
    flow.take_in()
    assert check() == seen[3] and all(one != other for n, one in enumerate(seen) for other in seen[:n])


def test_a_waiver_that_ends_is_no_write_and_changes_them_all_the_same(world):
    def wrong(rows):
        rows[0]["fte"] = "999"

    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD, change=wrong))
    flow.take_in()
    rule = flow.value("SELECT rule_id FROM intake.findings WHERE severity <> 'info' LIMIT 1")
    decide("waive", rule_id=rule, provider_code="RA9", until=date.today() + timedelta(days=9))
    flow.take_in()
    check()
    with flow.as_owner() as connection:  # time passes
        connection.execute("ALTER TABLE core.decision DISABLE TRIGGER facts")
        connection.execute("UPDATE core.decision SET until = current_date - 1")
        connection.execute("UPDATE core.fingerprint SET stored_on = current_date - 2")
    assert flow.value("SELECT count(*) FROM core.fingerprint_due") == 1
    assert flow.rows(STORED) == flow.rows(WHOLE)


@pytest.mark.parametrize("months", [pytest.param(24, marks=pytest.mark.skipif(not FULL, reason="full")), 2])
def test_asking_what_is_stale_does_not_read_the_whole_ledger(world, months):
    names = [one.name for one in catalogue.all().values() if one.frequency == "month"]
    periods = calendar.periods("2023-01", "2024-12")[:months]
    trusts = 720 // len(names) + 1  # 24 months of twelve collections of 60 trusts, over those that are monthly
    with warehouse.connect() as connection:
        connection.execute(
            """INSERT INTO core.submission (submission_id, collection, period, sender, version, sha256, bytes, file_name, archive_key, received_at, is_sample)
               SELECT md5(c || p || t), c, p, 'T' || t, 1, md5(c || p || t), 1, 'x', 'x', now() - interval '1 year', false
               FROM unnest(%s::text[]) c, unnest(%s::text[]) p, generate_series(1, %s) t""",
            [names, periods, trusts],
        )
        connection.execute(
            """INSERT INTO core.validation (submission_id, rules_version, layout, outcome, rows_read, rows_recorded, rows_rejected, rows_held,
                                            rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes,
                                            records_together, counts_hash)
               SELECT submission_id, 'x', 'x', 'accepted', 1, 1, 0, 0, 0, 1, 1, 'x', md5(submission_id), 1, 1, 'x' FROM core.submission"""
        )
        connection.execute(
            """INSERT INTO core.counting (collection, period, sender, part, submission_id, rules_version)
               SELECT collection, period, sender, part, submission_id, 'x' FROM core.submission"""
        )
        connection.execute(
            "INSERT INTO core.expected (collection, period, sender, due) SELECT collection, period, sender, now() FROM core.submission"
        )
    warehouse.analyze(("submission", "validation", "counting", "expected"))
    took = {}
    for what, query in (("whole", WHOLE), ("stored", STORED)):
        if what == "stored":
            candidates.stale()
        began = time.monotonic()
        found = flow.rows(query)
        took[what] = time.monotonic() - began
    began = time.monotonic()
    assert len(candidates.stale()) == len(found) == len(names) * months
    took["stale"] = time.monotonic() - began
    print(f"{len(names) * months * trusts} submissions: {took}")
    assert months == 2 or took["stored"] < took["whole"] / 3

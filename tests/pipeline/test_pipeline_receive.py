"""Receiving and processing on real stores: the same bytes, corrected and worse versions, samples, two at once, damage."""

import hashlib
import os
from pathlib import Path

import flow
import polars as pl
import psycopg
import pytest
from trust_benchmarks.ingest import expected_returns, inbox, receive, waiting
from trust_benchmarks.records import pointer, record_objects, sweep, write
from trust_benchmarks.records import validate_and_record as validate_and_record_module
from trust_benchmarks.records.validate_and_record import validate_and_record
from trust_benchmarks.stores import cache, objects, settings
from trust_benchmarks.validation import versions
from worlds import new_world

pytestmark = pytest.mark.usefixtures("world")
PERIOD = "2025-06"
FIGURES = "SELECT metric_id, provider_code, value FROM published.measures WHERE metric_id LIKE 'WF%' ORDER BY 1, 2"


def more_staff(rows):
    rows[0]["joiners_hc"] = "7"


def spoiled(rows):
    rows[3]["fte"] = "many"


def states(ods="RA9"):
    return flow.rows(
        "SELECT version, state, is_current FROM intake.submissions WHERE sender = %s ORDER BY version", [ods]
    )


def records() -> set[str]:
    return {found.key for found in objects.listing(settings.load().records)}


def test_a_return_goes_all_the_way():
    content = flow.workforce()
    flow.put_return("RA9", PERIOD, content)
    assert flow.take_in() == {"received": 1, "again": 0, "accepted": 1}
    (row,) = flow.rows(
        """SELECT submission_id, collection, period, sender, version, sha256, state, rows_read, rows_recorded, rows_rejected,
                  rows_held, is_current, is_sample, file_name, layout FROM intake.submissions"""
    )
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"workforce_RA9_{PERIOD}_v1.csv"
    layout = "workforce-return-v1"
    assert row[1:] == ("workforce", PERIOD, "RA9", 1, sha256, "accepted", 10, 10, 0, 0, True, False, name, layout)
    assert objects.get(settings.load().archive, inbox.archive_key(sha256))[0] == content
    (key,) = records()
    kept, _ = objects.get(settings.load().records, key)
    assert key == f"workforce/{PERIOD}/{hashlib.sha256(kept).hexdigest()}.parquet"
    assert set(pl.read_parquet(kept)["submission_id"]) == {row[0]}


def test_the_same_bytes_again_get_a_receipt_and_change_nothing():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    before = flow.snapshot()
    assert flow.take_in() == {"received": 0, "again": 0}
    assert flow.snapshot() == before
    flow.put_return("RA9", PERIOD, flow.workforce(), version=2)
    assert flow.take_in() == {"received": 0, "again": 1}
    assert states() == [(1, "accepted", True)]
    assert flow.rows("SELECT again FROM intake.receipts ORDER BY inbox_key") == [(False,), (True,)]
    assert flow.rows("SELECT severity FROM intake.findings WHERE rule_id = 'SUB03'") == [("warn",)]


def test_a_corrected_resubmission_counts_and_the_first_is_kept():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    flow.put_return("RA9", PERIOD, flow.workforce(change=more_staff), version=2)
    assert flow.take_in() == {"received": 1, "again": 0, "accepted": 1}
    assert states() == [(1, "accepted", False), (2, "accepted", True)]
    assert len(records()) == 2
    log = "SELECT version FROM core.counting_log JOIN core.submission USING (submission_id) ORDER BY move_id"
    assert flow.rows(log) == [(1,), (2,)]


def test_a_worse_resubmission_is_held_and_does_not_count():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    flow.release()
    before = flow.rows(FIGURES)
    assert any(figure is not None for *_, figure in before)
    flow.put_return("RA9", PERIOD, flow.workforce(change=spoiled), version=2)
    assert flow.take_in() == {"received": 1, "again": 0, "held": 1}
    assert states() == [(1, "accepted", True), (2, "held", False)]
    assert len(records()) == 1
    flow.release()
    assert flow.rows(FIGURES) == before
    assert flow.value("SELECT accepted FROM published.data_status") == 1


def test_versions_in_one_inbox_are_taken_in_their_order():
    for version, scale in ((10, 1.3), (2, 1.1), (1, 1.0)):  # put in the wrong order on purpose
        flow.put_return("RA9", PERIOD, flow.workforce(scale=scale), version=version)
    assert flow.take_in() == {"received": 3, "again": 0, "accepted": 3}
    names = flow.rows("SELECT file_name, is_current FROM intake.submissions ORDER BY version")
    assert [(name[-7:-4].lstrip("_v"), current) for name, current in names] == [
        ("1", False),
        ("2", False),
        ("10", True),
    ]


def test_an_older_version_that_is_processed_late_does_not_count():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.put_return("RA9", PERIOD, flow.workforce(change=more_staff), version=2)
    receive.receive()
    (first, second) = waiting.batches("workforce", PERIOD)[0]
    assert validate_and_record([second])["accepted"] == 1
    assert validate_and_record([first])["accepted"] == 1
    assert states() == [(1, "accepted", False), (2, "accepted", True)]


def test_a_sample_never_replaces_a_real_return_and_a_real_one_replaces_a_sample():
    flow.put("workforce/sample_workforce_RA9_2025-06_v1.csv", flow.workforce(), arrived="2025-07-01T09:00:00+01:00")
    flow.take_in()
    assert flow.rows("SELECT is_sample, is_current FROM intake.submissions") == [(True, True)]
    flow.put_return("RA9", PERIOD, flow.workforce(scale=1.1), version=1)
    flow.take_in()
    flow.put(
        "workforce/sample_workforce_RA9_2025-06_v3.csv", flow.workforce(scale=1.2), arrived="2025-07-02T09:00:00+01:00"
    )
    flow.take_in()
    assert flow.rows("SELECT is_sample, is_current FROM intake.submissions ORDER BY version") == [
        (True, False), (False, True), (True, False)
    ]  # fmt: skip
    flow.release()
    assert flow.rows("SELECT is_sample FROM intake.releases WHERE is_current") == [(False,)]


def test_only_a_sample_may_say_when_it_arrived():
    objects.client().put_object(
        Bucket=settings.load().inbox,
        Key="workforce/workforce_RA9_2025-06_v1.csv",
        Body=flow.workforce(),
        Metadata={"arrived-at": "2001-01-01T00:00:00+00:00"},
    )
    flow.take_in()
    assert flow.value("SELECT received_at > now() - interval '1 hour' FROM intake.submissions")


def test_processing_again_leaves_everything_as_it_is():
    flow.put_return("RA9", PERIOD, flow.workforce())
    receive.receive()
    (batch,) = waiting.batches("workforce", PERIOD)
    assert validate_and_record(batch)["accepted"] == 1
    before = flow.snapshot(), records()
    assert validate_and_record(batch)["done_before"] == 1
    assert (flow.snapshot(), records()) == before


def test_newer_rules_do_not_judge_again_what_was_judged(monkeypatch):
    """A task that is cleared after an upgrade must not take an accepted return out of the figures."""
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    flow.release()
    before = flow.snapshot()
    monkeypatch.setattr(versions, "version", lambda _: "newer")
    assert validate_and_record([flow.value("SELECT submission_id FROM intake.submissions")])["done_before"] == 1
    flow.release()
    assert flow.snapshot() == before


def test_a_submission_that_is_not_known_is_refused_and_those_before_it_stay_done():
    flow.put_return("RA9", PERIOD, flow.workforce())
    receive.receive()
    ((known,),) = waiting.batches("workforce", PERIOD)
    with pytest.raises(LookupError, match="nowhere"):
        validate_and_record([known, "nowhere"])
    assert states() == [(1, "accepted", True)]


UNREADABLE = {
    "workforce/workforce_RA9_2025-06_v1.csv": (b"", "FIL-EMPTY"),
    "workforce/workforce_RHA_2025-06_v1.xlsx": (b"PK\x03\x04 and no more", "FIL-DAMAGED"),
    "workforce/workforce_RNU_2025-06_v1.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "FIL-KIND"),
    "workforce/workforce_RP7_2025-06_v1.csv": (b"these,are\nnot,it\n", "STR01"),
    "workforce/nobody.csv": (b"%PDF-1.7", "FIL-KIND"),
    "sickness_absence/sickness.csv": (b"DATE,OTHER\n1,2\n", "STR01"),
}


def test_files_that_cannot_be_read_are_held_and_fail_nobody():
    for key, (content, _) in UNREADABLE.items():
        flow.put(key, content)
    flow.put_return("RQY", PERIOD, flow.workforce("RQY"))
    assert flow.take_in()["accepted"] == 1
    found = flow.rows(
        """SELECT s.collection || '/' || s.file_name, s.state, s.rows_recorded, f.rule_id, f.severity
           FROM intake.submissions s JOIN intake.findings f USING (submission_id) WHERE f.severity = 'hold'"""
    )
    assert {(key, rule) for key, _, _, rule, _ in found} >= {(key, rule) for key, (_, rule) in UNREADABLE.items()}
    assert {(state, recorded) for _, state, recorded, _, _ in found} == {("held", 0)}
    assert flow.value("SELECT count(*) FROM intake.waiting") == 0
    assert len(records()) == 1


def test_text_that_postgresql_does_not_keep_does_not_fail_the_run():
    def odd(rows):
        rows[2]["fte"] = 'a\x00b "quoted", \\N\\. \u2028 £\U0001f600'

    flow.put_return("RA9", PERIOD, flow.workforce(change=odd))
    assert flow.take_in()["held"] == 1
    raw = flow.value("SELECT raw_value FROM intake.findings WHERE rule_id = 'VAL-TYPE'")
    assert raw == 'a\ufffdb "quoted", \\N\\. \u2028 £\U0001f600'


def test_the_conservation_of_rows_is_kept_by_the_database():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    insert = """INSERT INTO core.validation (submission_id, rules_version, outcome, rows_read, rows_recorded, rows_rejected,
                rows_held, rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes, records_together)
                SELECT submission_id, 'x', %(outcome)s, %(read)s, %(recorded)s, %(rejected)s, %(held)s, 0, 0, 0, %(key)s, %(key)s,
                       length(%(key)s), length(%(key)s) FROM core.submission"""
    for values, constraint in (
        (("accepted", 10, 9, 0, 0, "k"), "conservation"),
        (("accepted", 10, 11, 0, 0, "k"), "conservation"),
        (("held", 10, 0, 0, 10, "k"), "held_is_whole"),
        (("accepted", 10, 10, 0, 0, None), "held_is_whole"),
        (("held", 10, 5, 0, 5, None), "held_records_nothing"),
    ):
        with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
            flow.rows(
                insert, dict(zip(("outcome", "read", "recorded", "rejected", "held", "key"), values, strict=True))
            )


def test_archived_bytes_that_changed_are_told_and_nothing_is_recorded():
    flow.put_return("RA9", PERIOD, flow.workforce())
    receive.receive()
    key = flow.value("SELECT archive_key FROM core.submission")
    objects.client().put_object(Bucket=settings.load().archive, Key=key, Body=b"something else")
    of = settings.load()
    objects.delete(of.inbox, [one.key for one in objects.listing(of.inbox)])  # else it would be put back from there
    (copy,) = Path(of.cache).glob("*/*")
    copy.write_bytes(b"harmed")
    with pytest.raises(
        objects.Harmed, match=r"its bytes have changed; it is the file of submission \w+, and the inbox"
    ):
        validate_and_record(waiting.batches("workforce", PERIOD)[0])
    assert states() == [(1, "received", False)]
    assert records() == set()


def test_records_that_changed_are_told_and_nothing_is_published():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    (key,) = records()
    of = settings.load()
    objects.client().put_object(Bucket=of.records, Key=key, Body=b"something else")
    for bucket in (of.inbox, of.archive):  # else it would be made anew of them
        objects.delete(bucket, [one.key for one in objects.listing(bucket)])
    for copy in Path(settings.load().cache).glob("*/*"):
        copy.unlink()
    with pytest.raises(
        objects.Harmed, match=r"it holds the accepted rows of \w+ \(workforce 2025-06\) and cannot be made anew"
    ):
        flow.release()
    assert flow.rows("SELECT * FROM published.measures") == []


def test_the_archive_is_written_once():
    archive = settings.load().archive
    assert objects.put_once(archive, "k", b"one")
    assert not objects.put_once(archive, "k", b"two")
    assert objects.get(archive, "k")[0] == b"one"


def test_a_database_that_is_down_raises_and_holds_nothing(monkeypatch):
    flow.put_return("RA9", PERIOD, flow.workforce())
    receive.receive()
    (batch,) = waiting.batches("workforce", PERIOD)
    with monkeypatch.context() as down:
        down.setenv("TB_WAREHOUSE_URL", "postgresql://warehouse:x@127.0.0.1:1/warehouse")
        for work in (lambda: validate_and_record(batch), receive.receive, flow.release):
            with pytest.raises(psycopg.OperationalError):
                work()
    assert states() == [(1, "received", False)]
    assert validate_and_record(batch)["accepted"] == 1


def test_a_database_that_goes_down_in_the_middle_leaves_nothing_behind(monkeypatch):
    flow.put_return("RA9", PERIOD, flow.workforce())
    receive.receive()
    (batch,) = waiting.batches("workforce", PERIOD)

    def broken(*_):
        raise psycopg.OperationalError("the connection was lost")

    with monkeypatch.context() as down:
        down.setattr(pointer, "point_to_newest_accepted", broken)
        with pytest.raises(psycopg.OperationalError):
            validate_and_record(batch)
    assert states() == [(1, "received", False)]
    assert flow.value("SELECT count(*) FROM core.validation") == 0
    assert validate_and_record(batch)["accepted"] == 1


def test_orphans_are_swept_and_nothing_else():
    from datetime import timedelta

    bucket = settings.load().records
    for ods in ("RA9", "RHA"):
        flow.put_return(ods, PERIOD, flow.workforce(ods))
    flow.take_in()
    named = records()
    objects.client().put_object(Bucket=bucket, Key="workforce/2025-06/gone/0123456789abcdef.parquet", Body=b"x")
    assert sweep.sweep() == {
        "looked_at": 0,
        "removed": 0,
        "forgotten": 0,
    }  # they may be a worker's that is about to name them
    assert sweep.sweep(grace=timedelta(seconds=-5)) == {"looked_at": 2, "removed": 1, "forgotten": 0}
    assert records() == named
    assert sweep.sweep(grace=timedelta(seconds=-5)) == {"looked_at": 1, "removed": 0, "forgotten": 0}


def test_local_copies_that_nobody_uses_are_forgotten_and_come_back():
    flow.put_return("RA9", PERIOD, flow.workforce())
    flow.take_in()
    copies = sorted(Path(settings.load().cache).glob("*/*"))
    assert len(copies) == 2  # the file as sent and its records
    os.utime(copies[0], (0, 0))
    assert sweep.sweep()["forgotten"] == 1
    assert sorted(Path(settings.load().cache).glob("*/*")) == copies[1:]
    key, sha256 = flow.rows("SELECT archive_key, sha256 FROM core.submission")[0]
    assert cache.content(settings.load().archive, key, sha256) == flow.workforce()


def test_an_orphan_that_is_named_while_it_is_swept_stays(monkeypatch):
    """A run that was killed left an object; the run after it names the same object while the sweep looks."""
    import threading
    from datetime import timedelta

    flow.put_return("RA9", PERIOD, flow.workforce())
    receive.receive()
    (batch,) = waiting.batches("workforce", PERIOD)
    with monkeypatch.context() as killed:
        killed.setattr(write, "add_validations", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            validate_and_record(batch)
    assert len(records()) == 1
    written, swept, original = threading.Event(), threading.Event(), write.write_records

    def slowly(*given):
        made = original(*given)
        written.set()
        swept.wait(0.5)
        return made

    monkeypatch.setattr(write, "write_records", slowly)
    worker = threading.Thread(target=validate_and_record, args=(batch,))
    worker.start()
    written.wait(10)
    sweep.sweep(grace=timedelta(seconds=-5))
    swept.set()
    worker.join()
    assert records() == {flow.value("SELECT records_key FROM core.validation")}


def test_two_at_once_have_one_effect(world):
    for ods in flow.TRUSTS:
        flow.put_return(ods, PERIOD, flow.workforce(ods))
        flow.put_return(ods, PERIOD, flow.workforce(ods, scale=1.1), version=2)
    both = flow.SPAWN.Barrier(2)
    workers = [flow.start(world, flow.whole_run, None, None, both) for _ in range(2)]
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert flow.value("SELECT count(*) FROM core.submission") == 16
    assert flow.value("SELECT count(*) FROM core.receipt") == 16
    assert flow.value("SELECT count(*) FROM core.validation") == 16
    assert flow.value("SELECT count(*) FROM core.counting_log") in range(8, 17)
    assert flow.rows("SELECT DISTINCT version FROM intake.submissions WHERE is_current") == [(2,)]
    # Both wrote what they recorded together before one of them was first; what nobody names, the sweep takes.
    named = {key for (key,) in flow.rows("SELECT records_key FROM core.validation")}
    assert len(named) == 1 and named <= records()
    assert flow.value("SELECT count(*) FROM published.measures WHERE metric_id = 'WF01' AND value IS NOT NULL") == 8
    before = flow.snapshot()
    assert flow.take_in() == {"received": 0, "again": 0}
    flow.release()
    assert flow.snapshot() == before


def test_a_receiver_that_was_killed_before_it_put_down_who_is_expected_is_made_up_for(world, monkeypatch):
    """Else one release would be made without them and another one, later, with them."""

    def dies(*_):
        raise KeyboardInterrupt

    flow.put_return("RA9", "2025-06", flow.workforce("RA9", "2025-06"))
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(expected_returns, "expect", dies)
        receive.receive("workforce")
    counts = "SELECT (SELECT count(*) FROM core.submission), (SELECT count(*) FROM core.expected)"
    assert flow.rows(counts) == [(1, 0)]
    receive.receive("workforce")
    assert flow.value("SELECT count(*) FROM core.expected WHERE (collection, period) = ('workforce', '2025-06')") > 50


def test_what_is_recorded_together_and_what_is_recorded_alone_comes_to_the_same(services, monkeypatch):
    """Six returns together; then two are sent again, so that four of the six rows of the first object still count."""

    def month():
        for number, ods in enumerate(flow.TRUSTS[:6]):
            flow.put_return(ods, PERIOD, flow.workforce(ods, scale=1 + number / 10))
        flow.take_in()
        for ods in flow.TRUSTS[:2]:
            flow.put_return(ods, PERIOD, flow.workforce(ods, scale=1.5), version=2)
        flow.take_in()
        flow.release()
        # Not by release_id: that rests on when the files came.
        return flow.rows("SELECT figures_hash FROM core.release"), flow.rows(FIGURES), len(records())

    *together, objects_together = month()
    with new_world(services):
        monkeypatch.setattr(validate_and_record_module, "_record_together", lambda *_: {})
        *alone, objects_alone = month()
    assert together == alone and together[1]
    assert (objects_together, objects_alone) == (2, 8)


def test_rows_that_were_gathered_here_are_gathered_anew_when_they_are_harmed():
    for number, ods in enumerate(flow.TRUSTS[:3]):
        flow.put_return(ods, PERIOD, flow.workforce(ods, scale=1 + number / 10))
    flow.take_in()
    found = flow.rows("SELECT submission_id, records_key, records_bytes, records_together FROM core.validation")
    wanted = [record_objects.Wanted(*row) for row in found]
    (path,) = record_objects.files(wanted)
    assert path.name == Path(wanted[0].key).stem  # wanted whole: as it is
    (path,) = record_objects.files(wanted[:2])
    whole = path.read_bytes()
    assert set(pl.read_parquet(path)["submission_id"]) == {one.submission_id for one in wanted[:2]}
    path.write_bytes(whole[:100] + b"?" + whole[101:])
    (path,) = record_objects.files(wanted[:2])
    assert path.read_bytes() == whole
    assert record_objects.files(wanted[:2]) == [path]
    assert set(pl.read_parquet(record_objects.own_file(wanted[2]))["submission_id"]) == {wanted[2].submission_id}


def test_rows_recorded_under_older_rules_are_gathered_with_newer_ones():
    """A field that was whole then and is a number now: releases read both, as DuckDB did when each file was read alone."""
    then = pl.DataFrame({"provider_code": ["RA9"], "value": [3]})
    now = pl.DataFrame({"provider_code": ["RHA"], "value": [2.5]})
    wanted = []
    for submission_id, rows in (("then", then), ("now", now)):
        one = record_objects.write("workforce", PERIOD, {submission_id: rows})[submission_id]
        wanted.append(record_objects.Wanted(submission_id, one.key, one.size, one.together))
    (path,) = record_objects.files(wanted)
    assert sorted(pl.read_parquet(path)["value"]) == [2.5, 3.0]

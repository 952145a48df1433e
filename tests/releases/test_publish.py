"""Publishing on real stores: who may read and write what, one release at a time, re-issues, the timeline, migrations."""

import io
import threading

import flow
import pandas as pd
import psycopg
import pytest
from trust_benchmarks import reference, sql
from trust_benchmarks.ingest import receive, reference_load
from trust_benchmarks.measures import measure
from trust_benchmarks.reference import calendar
from trust_benchmarks.releases import candidates, switch
from trust_benchmarks.stores import warehouse
from trust_benchmarks.timeline import refresh as timeline

MONTHS = calendar.periods("2025-01", "2025-06")
SUM = "SELECT count(*), count(DISTINCT release_id), sum(value) FROM published.measures WHERE metric_id = 'WF01' AND period = '2025-06'"


@pytest.fixture(scope="module", autouse=True)
def published(shared_world):
    """Six months of eight trusts, published; whether the first figures were asked for before any file, before them and after them."""
    for month in MONTHS:
        for number, ods in enumerate(flow.TRUSTS):
            flow.put_return(ods, month, flow.workforce(ods, month, scale=1 + number / 10))
    asked = [candidates.first_can_be_made()]
    flow.take_in()
    asked.append(candidates.first_can_be_made())
    flow.release()
    return [*asked, candidates.first_can_be_made()]


def test_only_the_first_figures_of_all_do_not_wait_for_collecting_to_come_to_rest(published):
    assert published == [False, True, False]


def test_a_second_time_changes_nothing():
    before = flow.snapshot(), flow.rows("SELECT * FROM core.current_release ORDER BY 1, 2")
    assert flow.take_in() == {"received": 0, "again": 0}
    assert candidates.stale() == []
    for month in MONTHS:
        assert switch.refresh("workforce", month).new is False
    assert (flow.snapshot(), flow.rows("SELECT * FROM core.current_release ORDER BY 1, 2")) == before


def test_the_tidy_table_says_what_the_others_say():
    assert flow.rows(
        """SELECT metric_id, period, provider_code, value, percentile_rank, quality_flag, completeness, withheld, release_id
           FROM published.figures ORDER BY 1, 2, 3"""
    ) == flow.rows(
        """SELECT metric_id, period, provider_code, value, percentile_rank, quality_flag, completeness, withheld, release_id
           FROM published.measures ORDER BY 1, 2, 3"""
    )
    beside = """SELECT count(*), count(f.median), count(f.quartile), count(f.opportunity_gbp), count(f.reason), count(f.metric_name)
                FROM published.figures f
                LEFT JOIN published.benchmarks b USING (collection, period, metric_id, peer_group)
                LEFT JOIN published.comparisons c ON (c.collection, c.period, c.metric_id, c.provider_code, c.adds_to_total)
                  = (f.collection, f.period, f.metric_id, f.provider_code, true)
                LEFT JOIN published.reasons r ON r.code = f.withheld
                LEFT JOIN published.metrics m ON m.metric_id = f.metric_id
                WHERE f.median IS NOT DISTINCT FROM b.median AND f.opportunity_gbp IS NOT DISTINCT FROM c.opportunity_gbp
                  AND f.reason IS NOT DISTINCT FROM r.sentence AND f.metric_name = m.name
                  AND f.quartile IS NOT DISTINCT FROM CASE WHEN f.percentile_rank < 25 THEN 1 WHEN f.percentile_rank < 50 THEN 2
                    WHEN f.percentile_rank < 75 THEN 3 WHEN f.percentile_rank <= 100 THEN 4 END"""
    ((rows, *filled),) = flow.rows(beside)
    *all_but, opportunities, reasons, names = filled
    assert rows == flow.value("SELECT count(*) FROM published.measures") == names and all([*all_but, reasons]), filled
    assert opportunities == 0  # nothing of workforce is worth money by itself
    newest = "SELECT collection, metric_id, provider_code, max(period) FROM published.measures GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    assert flow.rows(
        "SELECT collection, metric_id, provider_code, period FROM published.latest ORDER BY 1, 2, 3"
    ) == flow.rows(newest)


def test_a_sample_is_the_newest_figure_only_where_there_is_no_real_one():
    newest = "SELECT period, is_sample FROM published.latest WHERE (metric_id, provider_code) = ('WF04', 'RA9')"
    real = flow.rows(newest)
    assert real == [(max(MONTHS), False)]
    with warehouse.connect() as connection:
        connection.execute(
            """CREATE TEMP TABLE figures AS SELECT * FROM published.figures WHERE (metric_id, provider_code) = ('WF04', 'RA9');
               UPDATE figures SET is_sample = true WHERE period_start = (SELECT max(period_start) FROM figures)"""
        )
        view = connection.execute("SELECT pg_get_viewdef('published.latest'::regclass)").fetchone()[0]
        found = connection.execute(view.replace("published.figures", "figures")).fetchall()
        assert len(found) == 1 and found[0][3] == sorted(MONTHS)[-2]


def test_the_database_and_python_agree_on_every_period():
    months = [f"{year}-{month:02d}" for year in range(2000, 2031) for month in range(1, 13)]
    years = [f"{year}-{(year + 1) % 100:02d}" for year in range(2000, 2031)]
    asked = sorted({*months, *years})
    found = flow.rows(
        "SELECT p, core.period_start(p), core.period_end(p) FROM unnest(%s::text[]) p ORDER BY 1", [asked]
    )
    assert found == [(one, calendar.period_start(one), calendar.period_end(one)) for one in asked]


def test_refreshing_the_timeline_twice_changes_nothing():
    events = "SELECT ctid::text, xmin::text, t.* FROM core.timeline t ORDER BY event_id"
    timeline.refresh()
    before = flow.rows(events)
    assert timeline.refresh() == {"events": len(before), "added": 0, "removed": 0}
    assert flow.rows(events) == before
    kinds = dict(
        flow.rows("SELECT kind, count(*) FROM published.engagement_timeline WHERE layer = 'derived' GROUP BY 1")
    )
    assert (kinds["received"], kinds["accepted"], kinds["published"]) == (48, 48, 6)


def test_the_timeline_of_another_day_differs_only_by_what_was_missing_then():
    from datetime import UTC, datetime

    now = set(flow.rows("SELECT event_id FROM core.timeline"))
    timeline.refresh(datetime(2025, 1, 1, tzinfo=UTC))
    then = set(flow.rows("SELECT event_id FROM core.timeline"))
    kinds = set(flow.rows("SELECT kind FROM core.timeline"))
    assert then < now and ("missing_at_close",) not in kinds
    assert timeline.refresh()["removed"] == 0
    assert set(flow.rows("SELECT event_id FROM core.timeline")) == now


FACTS = (
    "submission",
    "receipt",
    "validation",
    "finding",
    "provider_rows",
    "counting_log",
    "release",
    "release_log",
    "measure",
    "event",
    "event_withdrawal",
    "benchmark",
    "edition",
    "edition_release",
    "edition_switch",
    "release_check",
    "release_verdict",
    "release_total",
    "explained",
    "calendar",
    "revision",
)


@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("statement", ["DELETE FROM core.{}", "UPDATE core.{} SET {} = {}"])
def test_facts_are_never_changed_or_removed(table, statement):
    column = flow.value(
        "SELECT min(column_name::text) FROM information_schema.columns WHERE table_schema = 'core' AND table_name = %s "
        "AND is_identity = 'NO'",
        [table],
    )
    with (
        pytest.raises(psycopg.errors.RaiseException, match="are facts and are never changed or removed"),
        flow.as_owner() as connection,  # the pipeline has not even the right
    ):
        connection.execute(statement.format(table, column, column))


def names(schema):
    return flow.rows(
        "SELECT format('%%I.%%I', table_schema, table_name) FROM information_schema.tables WHERE table_schema = %s",
        [schema],
    )


def test_a_dashboard_reads_what_is_published_and_nothing_else():
    with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as reader:
        reader.autocommit = True
        for (name,) in names("published"):
            reader.execute(f"SELECT * FROM {name} LIMIT 1")
        refused = [name for schema in ("core", "intake", "public") for (name,) in names(schema)]
        assert len(refused) > 25
        for name in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM {name} LIMIT 1")
        for statement in (
            *(f"DELETE FROM {name}" for (name,) in names("published")),
            "INSERT INTO published.metrics (metric_id) VALUES ('x')",
            "UPDATE published.metrics SET name = 'x'",
            "CREATE TABLE published.mine (x int)",
            "CREATE TABLE public.mine (x int)",
            "CREATE SCHEMA mine",
            "CREATE VIEW published.mine AS SELECT 1",
            "SELECT pg_read_file('/etc/passwd')",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SET ROLE warehouse",
            "SET ROLE steward_reader",
            "SELECT pg_advisory_lock(1)",
            "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
            "SELECT lo_create(0)",
            "SELECT lo_from_bytea(0, 'x')",
            "ALTER ROLE dashboard_reader CONNECTION LIMIT -1",
        ):
            with pytest.raises(psycopg.Error) as error:
                reader.execute(statement)
            assert error.value.sqlstate in ("42501", "55000", "0A000"), statement
        limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [reader.execute(f"SHOW {name}").fetchone()[0] for name in limits] == ["1min", "5s", "10min"]


def test_a_steward_also_reads_the_intake():
    with flow.connect_as("steward_reader", "TB_STEWARD_PASSWORD") as reader:
        reader.autocommit = True
        for (name,) in [*names("published"), *names("intake")]:
            reader.execute(f"SELECT * FROM {name} LIMIT 1")
        for (name,) in names("core"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM {name} LIMIT 1")


def test_a_reader_without_its_password_is_refused(monkeypatch):
    monkeypatch.setenv("TB_READER_PASSWORD", "guess")
    with pytest.raises(psycopg.OperationalError, match="password"):
        flow.connect_as("dashboard_reader", "TB_READER_PASSWORD")


# Re-issues ------------------------------------------------------------------------------------------------------


def by_period() -> dict[str, tuple]:
    """period -> release and figures."""
    found = flow.rows(
        """SELECT period, release_id, array_agg((metric_id, provider_code, numerator, denominator, value, quality_flag,
             percentile_rank)::text ORDER BY metric_id, provider_code)
           FROM published.measures WHERE collection = 'workforce' GROUP BY 1, 2 ORDER BY 1"""
    )
    return {period: (release, figures) for period, release, figures in found}


def test_a_reissue_of_a_month_changes_it_and_those_that_look_back_on_it():
    before = by_period()
    assert list(before) == MONTHS
    flow.put_return("RP7", "2025-03", flow.workforce("RP7", "2025-03", scale=1.35), version=2)
    flow.take_in()
    assert candidates.stale() == [("workforce", month) for month in ("2025-03", "2025-04", "2025-05", "2025-06")]
    flow.release()
    after = by_period()
    assert [after[m] == before[m] for m in MONTHS] == [True, True, False, False, False, False]
    changed = {m: {c.split(",")[0][1:] for c in set(after[m][1]) ^ set(before[m][1])} for m in MONTHS[2:]}
    assert "WF01" in changed["2025-03"]
    # Later months read only what looks back: no month of this has twelve before it, so only the share of resubmissions.
    assert [changed[m] for m in MONTHS[3:]] == [{"DQ04"}] * 3
    moved = [c.split(",")[1] for c in set(after["2025-03"][1]) ^ set(before["2025-03"][1]) if c.startswith("(WF01")]
    assert set(moved) >= {"RP7"}


@pytest.mark.full
def test_a_reader_sees_one_release_or_the_other_never_a_mixture():
    """A month is published again and again; every statement, and every transaction that asks for it, sees one release."""
    stop, seen, mixed = threading.Event(), set(), []

    def single(reader):
        reader.autocommit = True
        while not stop.is_set():
            count, releases, total = reader.execute(SUM).fetchone()
            joined = reader.execute(
                """SELECT count(DISTINCT release_id) FROM (SELECT release_id FROM published.measures WHERE period = '2025-06'
                   UNION ALL SELECT release_id FROM published.benchmarks WHERE period = '2025-06'
                   UNION ALL SELECT release_id FROM published.comparisons WHERE period = '2025-06'
                   UNION ALL SELECT release_id FROM published.data_status WHERE period = '2025-06') AS r"""
            ).fetchone()[0]
            if releases != 1 or joined != 1:
                mixed.append((count, releases, joined))
            seen.add((count, total))

    def repeatable(reader):
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        while not stop.is_set():
            with reader.transaction():
                first = reader.execute(SUM).fetchone()
                stop.wait(0.03)
                found = reader.execute(
                    "SELECT DISTINCT release_id FROM published.measures WHERE period = '2025-06' UNION "
                    "SELECT DISTINCT release_id FROM published.benchmarks WHERE period = '2025-06'"
                ).fetchall()
                if len(found) != 1 or reader.execute(SUM).fetchone() != first:
                    mixed.append((first, found))

    readers = [flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") for _ in range(2)]
    threads = [
        threading.Thread(target=work, args=(reader,))
        for work, reader in zip((single, repeatable), readers, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        for version in range(2, 7):
            flow.put_return("RHA", "2025-06", flow.workforce("RHA", "2025-06", scale=1 + version / 10), version=version)
            flow.take_in()
            switch.refresh("workforce", "2025-06")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for reader in readers:
            reader.close()
    assert mixed == []
    assert len(seen) >= 3
    flow.release()


def test_two_that_publish_the_same_month_at_once_make_one_release(shared_world):
    flow.put_return("RTQ", "2025-06", flow.workforce("RTQ", "2025-06", scale=2.2), version=2)
    flow.take_in()
    before = flow.value("SELECT count(*) FROM core.release")
    workers = [flow.start(shared_world, switch.refresh, "workforce", "2025-06") for _ in range(2)]
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert flow.value("SELECT count(*) FROM core.release") == before + 1
    assert candidates.stale() == []


def test_inputs_that_move_while_figures_are_computed_are_not_published(monkeypatch):
    original = measure.compute

    def meanwhile(inputs):
        flow.put_return("RQY", "2025-06", flow.workforce("RQY", "2025-06", scale=1.77), version=3)
        flow.take_in()
        return original(inputs)

    flow.put_return("RQY", "2025-06", flow.workforce("RQY", "2025-06", scale=1.66), version=2)
    flow.take_in()
    before = flow.snapshot("published")["published.measures"]
    with monkeypatch.context() as moving:
        moving.setattr(measure, "compute", meanwhile)
        assert switch.refresh("workforce", "2025-06").new is False
    assert flow.snapshot("published")["published.measures"] == before
    assert ("workforce", "2025-06") in candidates.stale()
    flow.release()
    assert candidates.stale() == []


def test_a_period_whose_files_wait_is_not_published_yet():
    flow.put_return("RNU", "2025-06", flow.workforce("RNU", "2025-06", scale=1.9), version=2)
    receive.receive()
    assert candidates.stale() == []
    flow.take_in()
    assert candidates.stale() == [("workforce", "2025-06")]
    flow.release()


# Figures --------------------------------------------------------------------------------------------------------


def test_the_figures_equal_a_second_calculation():
    """Workforce of one month by pandas, from the files that count as they lie in the archive."""
    from trust_benchmarks.stores import objects, settings

    keys = flow.rows(
        "SELECT archive_key FROM core.submission JOIN core.counting USING (submission_id) WHERE core.counting.period = '2025-06'"
    )
    frame = pd.concat(pd.read_csv(io.BytesIO(objects.get(settings.load().archive, key)[0])) for (key,) in keys)
    assert len(frame) == 80
    sums = frame.groupby("ods_code").sum(numeric_only=True)
    nurses = frame[frame.staff_group == "nurses_health_visitors"].set_index("ods_code").fte
    support = frame[frame.staff_group == "support_to_clinical"].set_index("ods_code").fte
    pay = sums.substantive_pay_gbp + sums.bank_pay_gbp + sums.agency_pay_gbp
    above = ["central_functions", "hotel_property_estates", "senior_managers", "managers"]
    infrastructure = frame[frame.staff_group.isin(above)].groupby("ods_code").fte.sum()
    again = pd.DataFrame(
        {
            "WF01": sums.fte,
            "WF02": sums.fte / (5 * ((sums.headcount + 2.5) // 5)),  # a count of people, to the nearest 5
            "WF03": 100 * (sums.establishment_fte - sums.fte) / sums.establishment_fte,
            "WF04": 100 * sums.fte_days_lost / sums.fte_days_available,
            "WF07": 100 * sums.agency_pay_gbp / pay,
            "WF08": 100 * (sums.bank_fte + sums.agency_fte) / (sums.fte + sums.bank_fte + sums.agency_fte),
            "WF09": 100 * nurses / (nurses + support),
            "WF10": sums.substantive_pay_gbp / sums.fte,
            "WF11": 100 * infrastructure / sums.fte,
        }
    )
    published = flow.rows(
        "SELECT provider_code, metric_id, value FROM published.measures WHERE period = '2025-06' AND metric_id LIKE 'WF%%' AND value IS NOT NULL"
    )
    found = pd.DataFrame(published, columns=["ods_code", "metric", "value"]).pivot(
        index="ods_code", columns="metric", values="value"
    )
    assert set(found.columns) == set(again.columns)
    pd.testing.assert_frame_equal(found, again, check_names=False, check_like=True, rtol=1e-9)
    spread = {row[0]: row[1:] for row in flow.rows(
        """SELECT metric_id, providers, lower_quartile, median, upper_quartile FROM published.benchmarks
           WHERE period = '2025-06' AND peer_group = 'national' AND metric_id LIKE 'WF%%' AND median IS NOT NULL"""
    )}  # fmt: skip
    assert set(spread) == set(again.columns)
    for metric, (providers, lower, median, upper) in spread.items():
        assert providers == 8
        assert (lower, upper) == (None, None)  # over the whole country, quartiles want ten
        assert median == pytest.approx(again[metric].median(), rel=1e-9)


# Migrations and reference data ----------------------------------------------------------------------------------


def test_migrating_again_does_nothing():
    before = flow.rows("SELECT * FROM public.migration ORDER BY 1")
    assert warehouse.migrate() == []
    assert flow.rows("SELECT * FROM public.migration ORDER BY 1") == before


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(monkeypatch, tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in (sql.FOLDER / "migrations").glob("*.sql"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(sql, "FOLDER", tmp_path)
    assert warehouse.migrate() == []
    (folder / "99_broken.sql").write_text("CREATE TABLE core.half (x int); SELECT no_such_thing();")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        warehouse.migrate()
    assert flow.value("SELECT to_regclass('core.half')") is None
    (folder / "99_broken.sql").unlink()
    first = sorted(folder.glob("*.sql"))[0]
    first.write_text(first.read_text(encoding="utf-8") + "-- changed\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match=f"{first.name} was changed after it had been applied"):
        warehouse.migrate()


def test_the_same_reference_data_again_changes_nothing():
    before = flow.rows("SELECT xmin::text, p.* FROM core.provider p ORDER BY code")
    assert reference_load.refresh()["new"] is False
    assert flow.rows("SELECT xmin::text, p.* FROM core.provider p ORDER BY code") == before
    assert candidates.stale() == []


def test_reference_data_that_does_not_hold_together_is_not_loaded(monkeypatch):
    before = flow.snapshot("published")
    monkeypatch.setattr(reference, "check", lambda _: ["providers.csv: RXX stands twice."])
    with pytest.raises(reference.ReferenceDataError, match="RXX stands twice"):
        reference_load.refresh()
    assert flow.snapshot("published") == before


def test_bulk_loads_keep_every_text_and_every_digit():
    import polars as pl

    frame = pl.DataFrame(
        {
            "submission_id": [str(n) for n in range(6)],
            "rule_id": ["X"] * 6,
            "line": [1, None, 2**40, 0, -1, None],
            "message": ["", 'a "b", c', "two\nlines\r\n", "\\N", "back\\slash\t£\U0001f600", "NULL"],
            "raw_value": [None, "", '"', ",", " lead", "é"],
        }
    )
    with warehouse.connect() as connection:
        flow.know(connection, "made_up")
        (key,) = connection.execute(
            """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
               VALUES ('none', 'made_up', '2025-06', 'x', 'x', 'x', '{}', true, 'x') RETURNING release_key"""
        ).fetchone()
        assert warehouse.copy(connection, "cross_finding", frame, release_key=key) == 6
    back = flow.rows(
        "SELECT submission_id, rule_id, line, message, raw_value FROM core.cross_finding WHERE release_key = core.key_of('none') ORDER BY 1"
    )
    assert back == frame.rows()
    numbers = pl.DataFrame(
        {
            "metric_id": [str(n) for n in range(6)],
            "provider_code": ["x"] * 6,
            "value": [0.1 + 0.2, 1e300, -5e-324, None, 123456789.123456789, -0.0],
            "quality_flag": ["A"] * 6,
            "is_sample": [True, False] * 3,
        }
    )
    with warehouse.connect() as connection:
        warehouse.copy(connection, "measure", numbers, release_key=key)
    back = flow.rows(
        "SELECT metric_id, provider_code, value, quality_flag, is_sample FROM core.measure WHERE release_key = core.key_of('none') ORDER BY 1"
    )
    assert back == numbers.rows()

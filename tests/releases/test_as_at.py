"""As at: what every published table said at a moment; and a reader's transaction sees the releases of one moment."""

import itertools
import os
import random
import threading
import time

import flow
import psycopg
import pytest
from psycopg import sql as pgsql
from sizes import size
from trust_benchmarks.releases import pointers
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stores import warehouse
from trust_benchmarks.timeline import events

VIEWS = (
    "measures",
    "benchmarks",
    "comparisons",
    "price_comparison",
    "price_spread",
    "price_list",
    "kept_apart",
    "signals",
)
VIEWS += ("definitions_used", "funnel", "size_adjusted", "peers", "peer_benchmarks", "measures_restated")
# What does not follow from releases alone: histories, reference data, what was received, decided and entered.
OTHERS = (
    "reasons",
    "figures",
    "latest",
    "board_reports",
    "cohort",
    "contradictions",
    "data_status",
    "editions",
    "engagement_facts",
    "engagement_timeline",
    "metric_versions",
    "metrics",
    "movements",
    "programme_plan",
    "provider_ancestors",
    "provider_lanes",
    "providers",
    "recommendation_progress",
    "recommendations",
    "release_history",
    "revisions",
    "successions",
    "versions",
)
# What has a function published.<view>_as_at: what people ask of an earlier moment.
AS_AT = ("measures", "benchmarks", "comparisons", "definitions_used", "data_status", "engagement_timeline")
AS_AT += (
    "figures",
    "latest",
    "reasons",
    "metrics",
    "metric_versions",
    "recommendations",
    "cohort",
    "providers",
    "successions",
)
MONTHS = ("2025-05", "2025-06")
MADE = ("made_up", "2025-06")  # a collection whose releases are put there by hand, with rows in every table


def contents(connection, source="published.{}", parameters=(), views=VIEWS + OTHERS) -> dict[str, list[str]]:
    """The rows of each view, or of each function that `source` calls."""
    return {
        view: sorted(map(repr, connection.execute("SELECT * FROM " + source.format(view), parameters)))
        for view in views
    }


def make(connection, release_id: str, value: float, collection=MADE[0], period=MADE[1]) -> None:
    """A release with a row or more in every table, all of them with this value."""
    flow.know(connection, collection)
    connection.execute(
        """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
           VALUES (%s, %s, %s, %s, 'x', 'x', '{}', true, %s)""",
        [release_id, collection, period, release_id, release_id],
    )
    for statement in (
        "INSERT INTO core.measure (release_key, metric_id, provider_code, value, quality_flag, is_sample) VALUES (core.key_of(%s), 'M', 'P', %s, 'A', true)",
        "INSERT INTO core.benchmark (release_key, metric_id, peer_group, median, providers, is_sample) VALUES (core.key_of(%s), 'M', 'national', %s, 9, true)",
        """INSERT INTO core.comparison (release_key, metric_id, provider_code, benchmark_kind, benchmark_value, adds_to_total)
           VALUES (core.key_of(%s), 'M', 'P', 'target', %s, false)""",
        """INSERT INTO core.price_spread (release_key, product_code, code_type, base_unit, median, is_sample)
           VALUES (core.key_of(%s), '1', 'gtin', 'each', %s, true)""",
        """INSERT INTO core.price_position (release_key, product_code, code_type, base_unit, provider_code, unit_price_gbp, is_sample)
           VALUES (core.key_of(%s), '1', 'gtin', 'each', 'P', %s, true)""",
        "INSERT INTO core.price_list (release_key, part, line_key, price_pence, is_sample) VALUES (core.key_of(%s), 'ix', 'k', %s, true)",
        "INSERT INTO core.kept_apart (release_key, body_code, rows) VALUES (core.key_of(%s), 'Q', %s)",
        """INSERT INTO core.series_rule (release_key, metric_id, polarity, covers_months, times, rule_set)
           VALUES (core.key_of(%s), 'M', 'neutral', 1, %s, 'x')""",
        "INSERT INTO core.peer (release_key, provider_code, basis, peer_code, distance, features) VALUES (core.key_of(%s), 'O', 'nearest', 'P', %s, 'x')",
        "INSERT INTO core.funnel (release_key, metric_id, provider_code, kind, centre) VALUES (core.key_of(%s), 'M', 'P', 'rate', %s)",
        "INSERT INTO core.size_cost (release_key, metric_id, provider_code, cost_gbp) VALUES (core.key_of(%s), 'M', 'P', %s)",
        "INSERT INTO core.release_metric (release_key, metric_id, version) VALUES (core.key_of(%s), 'M', %s)",
    ):
        connection.execute(statement, [release_id, value])


@pytest.fixture(scope="module")
def moments(shared_world):
    """[(moment, what the views held then)]: nothing, published, reissued, reissued again, and one pointer switched back."""
    found = []

    def note():
        with warehouse.connect() as connection:
            at = connection.execute("SELECT clock_timestamp()").fetchone()[0]
            found.append((at, contents(connection), releases(connection)))

    note()
    for version, scale in ((1, 1.0), (2, 1.3), (3, 0.8)):
        with warehouse.connect() as connection:
            make(connection, f"made_up-{version}", float(version))
            flow.point(connection, *MADE, f"made_up-{version}")
        # The second time only one month: the other one keeps its release.
        for month in MONTHS if version != 2 else MONTHS[1:]:
            for number, ods in enumerate(flow.TRUSTS):
                flow.put_return(ods, month, flow.workforce(ods, month, scale=scale + number / 10), version=version)
        flow.take_in()
        flow.release()
        note()
    with warehouse.connect() as connection:
        flow.point(connection, *MADE, "made_up-1")
    note()
    for happens in (
        a_return_is_held,
        it_is_accepted,
        it_is_gone_back_on,
        an_event_is_entered,
        it_is_withdrawn,
        a_trust_joins_and_another_is_renamed,
    ):
        happens()
        note()
    return found


def a_return_is_held():
    def without_a_group(rows):
        del rows[-1]

    flow.put_return("RW1", MONTHS[1], flow.workforce("RW1", MONTHS[1], change=without_a_group))
    assert flow.take_in()["held"] == 1


def it_is_accepted():
    submission = flow.value("SELECT submission_id FROM intake.submissions WHERE sender = 'RW1'")
    with flow.as_desk() as connection:
        number = decisions.decide(connection, decisions.Draft("accept", submission, "They have no such group."), "amy")
        decisions.verdict(connection, number, "ben", approve=True)
    flow.take_in()
    flow.release()


def it_is_gone_back_on():
    with warehouse.connect() as connection:
        pointers.rollback(connection, reason="For a test.", person="ben")


def an_event_is_entered():
    cells = {"date": "2018-09-12", "date_precision": "day", "kind": "visit", "status": "actual", "provider": "RNU"}
    cells |= {"summary": "A visit.", "source": "made up", "confidence": "high"}
    with flow.as_desk() as connection:
        assert events.add(connection, events.check_one(cells), "amy").ids


def it_is_withdrawn():
    with flow.as_desk() as connection:
        events.withdraw(connection, flow.value("SELECT event_id FROM intake.events"), "ben", "It was another trust.")


def a_trust_joins_and_another_is_renamed():
    """As a new version of the reference data does it: all rows go, and nearly all come back."""
    with warehouse.connect() as connection:
        for table in ("cohort", "provider_name"):
            connection.execute(f"CREATE TEMP TABLE old_{table} AS SELECT * FROM core.{table}")
            connection.execute(f"DELETE FROM core.{table}")
        connection.execute("UPDATE old_provider_name SET name = name || ' (renamed)' WHERE code = 'RNU'")
        connection.execute("INSERT INTO old_cohort (code, name_2017) VALUES ('RW9', 'South of the Hill')")
        for table in ("cohort", "provider_name"):
            connection.execute(f"INSERT INTO core.{table} SELECT * FROM old_{table}")


def releases(connection, source="core.standing", parameters=()) -> list[tuple]:
    return connection.execute(
        f"SELECT collection, period, release_id, published_at FROM {source} ORDER BY 1, 2", parameters
    ).fetchall()


@pytest.fixture
def reader(shared_world):
    with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as connection:
        connection.autocommit = True
        yield connection


def test_every_table_as_at_every_moment_is_what_it_was(moments, reader):
    assert [len(then["measures"]) > 0 for _, then, _ in moments] == [False] + 10 * [True]
    assert all(then[view] for _, then, _ in moments[1:] for view in VIEWS)
    assert {view for view in OTHERS if not moments[-1][1][view]} <= {"revisions"}
    for at, then, stood in moments:
        assert contents(reader, "published.{}_as_at(%s)", [at], AS_AT) == {view: then[view] for view in AS_AT}
        assert releases(reader, "published.releases_as_at(%s)", [at]) == stood
    # No two alike, so that every moment was really asked for.
    for (_, earlier, _), (_, later, _) in itertools.pairwise(moments):
        assert earlier != later
    # Not one of them always answers the same.
    alike = {view for view in AS_AT if len({tuple(then[view]) for _, then, _ in moments}) == 1}
    assert alike == {"reasons", "metrics", "metric_versions", "recommendations", "successions"}


def test_what_changed_at_each_moment(moments):
    changed = [
        {view for view in OTHERS if earlier[view] != later[view]}
        for (_, earlier, _), (_, later, _) in itertools.pairwise(moments)
    ]
    held, accepted, back, entered, withdrawn, reviewed = changed[4:]
    assert "data_status" in held and "release_history" not in held
    assert {"data_status", "release_history", "editions", "engagement_timeline", "engagement_facts"} <= accepted
    assert {"data_status", "release_history", "editions", "movements"} <= back
    assert entered == withdrawn == {"engagement_timeline", "provider_lanes"}
    assert reviewed == {"cohort", "providers"}


def test_rows_that_come_back_in_the_same_transaction_were_never_gone(moments):
    ended = "SELECT table_name, count(*) FROM core.history WHERE valid_to IS NOT NULL AND table_name <> 'timeline' GROUP BY 1"
    assert flow.rows(ended) == [
        ("provider_name", flow.value("SELECT count(*) FROM core.provider_name WHERE code = 'RNU'"))
    ]


def test_a_new_column_changes_no_history(moments):
    with flow.as_owner() as connection:
        connection.execute("ALTER TABLE core.cohort ADD COLUMN more text")
        connection.execute("CREATE TEMP TABLE old_cohort AS SELECT * FROM core.cohort")
        connection.execute("DELETE FROM core.cohort")
        connection.execute("INSERT INTO core.cohort SELECT * FROM old_cohort")
        asked = "SELECT count(*), count(DISTINCT code) FROM published.cohort_as_at(clock_timestamp())"
        assert (
            connection.execute(asked).fetchone()
            == connection.execute("SELECT count(*), count(*) FROM core.cohort").fetchone()
        )
        connection.rollback()


def test_ten_random_figures_at_random_moments(moments, reader):
    picked = random.Random(4)
    figures = reader.execute(
        "SELECT collection, period, metric_id, provider_code FROM published.measures WHERE metric_id LIKE 'WF%' ORDER BY 1, 2, 3, 4"
    ).fetchall()
    values = set()
    for collection, period, metric, provider in picked.sample(figures, 10):
        at, then, _ = picked.choice(moments[1:])
        rows = reader.execute(
            "SELECT * FROM published.measures_as_at(%s) WHERE (collection, period, metric_id, provider_code) = (%s, %s, %s, %s)",
            [at, collection, period, metric, provider],
        ).fetchall()
        assert len(rows) == 1 and repr(rows[0]) in then["measures"]
        narrowed = "SELECT * FROM published.measures_as_at(%s, %s, %s) WHERE (metric_id, provider_code) = (%s, %s)"
        assert reader.execute(narrowed, [at, collection, period, metric, provider]).fetchall() == rows
        values.add(repr(rows[0]))
    assert len(values) == 10


def test_a_move_counts_from_its_own_moment_on(moments, reader):
    query = "SELECT release_id, published_at, is_current FROM published.release_history WHERE collection = %s ORDER BY published_at"
    history = reader.execute(query, [MADE[0]]).fetchall()
    assert [(name, current) for name, _, current in history] == [
        ("made_up-1", False),
        ("made_up-2", False),
        ("made_up-3", False),
        ("made_up-1", True),  # switched back: the same release, a move of its own
    ]
    asked = (
        "SELECT (SELECT release_id FROM published.releases_as_at(%s, %s)), "
        "(SELECT release_id FROM published.releases_as_at(%s - interval '1 microsecond', %s))"
    )
    for before, (name, at, _) in zip([(None, None, None), *history], history, strict=False):
        assert reader.execute(asked, [at, MADE[0], at, MADE[0]]).fetchone() == (name, before[0])


def test_readers_may_call_the_functions_and_see_nothing_behind_them(moments, reader):
    functions = flow.rows(
        """SELECT p.proname, p.prosecdef, p.provolatile::text, p.proconfig, pg_get_userbyid(p.proowner), has_function_privilege('public', p.oid, 'EXECUTE')
           FROM pg_proc p WHERE p.pronamespace = 'published'::regnamespace ORDER BY 1"""
    )
    assert [name for name, *_ in functions] == sorted([f"{view}_as_at" for view in AS_AT] + ["releases_as_at"])
    assert {name for (name,) in flow.rows("SELECT viewname::text FROM pg_views WHERE schemaname = 'published'")} == {
        *VIEWS,
        *OTHERS,
    }
    assert {tuple(map(str, rest)) for _, *rest in functions} == {
        ("True", "s", "['search_path=pg_catalog, pg_temp']", "warehouse", "False")
    }
    for view in AS_AT:
        # A column that a later migration adds to a view, and not to its function, would be missed here.
        now = f"SELECT (SELECT count(*) FROM published.{view}_as_at(now())), (SELECT count(*) FROM published.{view})"
        asked, there = reader.execute(now).fetchone()
        assert asked == there > 0
    for refused in (
        "core.releases_at(now(), NULL, NULL)",
        "core.release_log",
        "intake.releases",
        "moment.timeline(now())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"SELECT * FROM {refused}")


@pytest.mark.parametrize(
    "view", ["measures", "figures", "benchmarks", "comparisons", "definitions_used", "data_status"]
)
def test_one_collection_and_period_is_a_part_of_the_whole(moments, reader, view):
    at = moments[-1][0]
    for collection, period in (MADE, ("workforce", MONTHS[0]), ("workforce", None), ("none", "2025-06")):
        part = contents(reader, "published.{}_as_at(%s, %s, %s)", [at, collection, period], [view])[view]
        there = reader.execute(
            f"SELECT * FROM published.{view} WHERE collection = %s AND period = coalesce(%s, period)",
            [collection, period],
        )
        assert part == sorted(map(repr, there))


def test_nobodys_own_tables_stand_in_for_ours(moments, reader):
    reader.execute(
        "CREATE TEMPORARY TABLE release_log (collection text, period text, release_id text, published_at timestamptz)"
    )
    reader.execute("SET search_path = pg_temp, published")
    assert reader.execute("SELECT count(*) FROM measures_as_at(now())").fetchone()[0] == len(moments[-1][1]["measures"])


# One moment for one transaction ---------------------------------------------------------------------------------

READERS, SWITCHES = 10, int(os.environ.get("TB_TEST_SWITCHES", size(20, 1000)))
# Each reader's transaction reads three tables, each of another collection: only an edition holds them together.
THREE = {"measures": "switched_1", "benchmarks": "switched_2", "comparisons": "switched_3"}


@pytest.mark.parametrize("role", ["dashboard_reader", "steward_reader"])
def test_a_readers_transaction_is_of_one_moment(shared_world, role):
    variable = warehouse.ROLES[role]
    with flow.connect_as(role, variable) as connection:
        assert connection.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)


@pytest.mark.parametrize(("level", "releases_seen"), [(None, 1), ("read committed", 2)])
def test_a_switch_between_two_reads_is_seen_only_by_who_asks_for_it(shared_world, level, releases_seen):
    pair, names = (f"between_{releases_seen}", "2025-06"), [f"between-{releases_seen}-{one}" for one in "ab"]
    with warehouse.connect() as connection:
        for name in names:
            make(connection, name, 1.0, *pair)
        flow.point(connection, *pair, names[0])
    with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as reader:
        if level:
            reader.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        seen = reader.execute("SELECT release_id FROM published.measures WHERE collection = %s", pair[:1]).fetchall()
        with warehouse.connect() as connection:
            flow.point(connection, *pair, names[1])
        seen += reader.execute("SELECT release_id FROM published.benchmarks WHERE collection = %s", pair[:1]).fetchall()
    assert len(set(seen)) == releases_seen


def test_no_reader_sees_two_editions_while_they_are_switched(shared_world, capsys):
    """Bar 2. A wait for a lock is told apart from a wait for the processor: one of more than 100 ms ends a reader with an error."""
    editions = {letter: {(name, "2025-06"): f"{name}-{letter}" for name in THREE.values()} for letter in "ab"}
    with warehouse.connect() as connection:
        for moves in editions.values():
            for pair, release_id in moves.items():
                make(connection, release_id, 1.0, *pair)
        first = pointers.move(connection, editions["a"])
    stop, mixed, seen, broken = threading.Event(), [], set(), []
    reads: dict[str, list[float]] = {"at rest": [], "switching": []}
    phase = ["at rest"]

    def read(connection):
        try:
            connection.execute("SET lock_timeout = '100ms'")
            connection.commit()
            while not stop.is_set():
                found = set()
                with connection.transaction():
                    for view, collection in THREE.items():
                        began = time.perf_counter()
                        query = pgsql.SQL("SELECT DISTINCT release_id FROM published.{} WHERE collection = %s")
                        rows = connection.execute(query.format(pgsql.Identifier(view)), [collection]).fetchall()
                        found |= {release_id.rpartition("-")[2] for (release_id,) in rows} or {"nothing"}
                        reads[phase[0]].append(time.perf_counter() - began)
                    last = "SELECT edition_id FROM published.editions ORDER BY number DESC LIMIT 1"
                    found |= {named[connection.execute(last).fetchone()[0]]}
                seen.update(found)
                if len(found) != 1:
                    mixed.append(found)
        except Exception as problem:
            broken.append(problem)

    named = {first.edition_id: "a"}
    with warehouse.connect() as connection:
        named[pointers.move(connection, editions["b"]).edition_id] = "b"
    readers = [flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") for _ in range(READERS)]
    threads = [threading.Thread(target=read, args=(connection,)) for connection in readers]
    for thread in threads:
        thread.start()
    switches, locked = [], 0
    try:
        time.sleep(2)  # how long reads take on this machine when nothing is switched
        phase[0] = "switching"
        with warehouse.connect() as connection:
            connection.autocommit = True
            for number in range(SWITCHES):
                began = time.perf_counter()
                with connection.transaction():
                    done = pointers.move(connection, editions["ab"[number % 2]])
                switches.append(time.perf_counter() - began)
                assert done.changed == 3
                locked += connection.execute(
                    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.usename = 'dashboard_reader'"
                ).fetchone()[0]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for connection in readers:
            connection.close()
    longest = {name: 1000 * max(taken) for name, taken in reads.items()}
    with capsys.disabled():
        print(
            f"\n{SWITCHES} switches under {READERS} readers: {len(reads['switching']):,} reads, the longest took {longest['switching']:.0f} ms "
            f"(at rest {longest['at rest']:.0f} ms of {len(reads['at rest']):,}), the longest switch {1000 * max(switches):.0f} ms; "
            f"readers that waited for a lock: {locked}, for more than 100 ms: {len(broken)}"
        )
    assert broken == [] and mixed == []
    assert seen == {"a", "b"} and len(reads["switching"]) > SWITCHES
    assert locked == 0
    for name in THREE.values():
        moves = flow.value("SELECT count(*) FROM published.release_history WHERE collection = %s", [name])
        assert moves == SWITCHES + 2
    # Named by what they hold: a thousand switches between two editions are two editions.
    assert (
        flow.value(
            "SELECT count(DISTINCT edition_id) FROM published.editions WHERE edition_id = ANY(%s)", [list(named)]
        )
        == 2
    )


def test_rollback_of_a_hundred_releases_takes_under_five_seconds(shared_world, capsys):
    """A hundred collections of three hundred figures each; every one of them moved, and all go back."""
    count = 100
    with warehouse.connect() as connection:
        for number in range(1, count + 1):
            flow.know(connection, f"many_{number}")
        connection.execute(
            """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
               SELECT format('many-%%s-%%s', n, letter), format('many_%%s', n), '2025-06', letter, 'x', 'x', '{}', true, letter
               FROM generate_series(1, %s) n CROSS JOIN (VALUES ('a'), ('b')) l (letter)""",
            [count],
        )
        connection.execute(
            """INSERT INTO core.measure (release_key, metric_id, provider_code, value, quality_flag, is_sample)
               SELECT release_key, 'M' || m, 'P' || p, m + length(release_id) + (inputs_hash = 'b')::int, 'A', true FROM core.release
               CROSS JOIN generate_series(1, 10) m CROSS JOIN generate_series(1, 30) p WHERE release_id LIKE 'many-%'"""
        )
        pairs = {
            letter: {(f"many_{n}", "2025-06"): f"many-{n}-{letter}" for n in range(1, count + 1)} for letter in "ab"
        }
        first = pointers.move(connection, pairs["a"])
    with warehouse.connect() as connection:
        pointers.move(connection, pairs["b"])
    began = time.perf_counter()
    with warehouse.connect() as connection:
        back = pointers.rollback(connection, reason="For a test.", person="ben")
    seconds = time.perf_counter() - began
    with capsys.disabled():
        print(f"\nRollback of {count} releases with 30,000 figures: {seconds:.2f} s")
    assert (back.edition_id, back.changed) == (first.edition_id, count)
    assert seconds < 5
    explained = (
        "SELECT count(*), sum(change) FROM published.movements WHERE cause = 'rollback' AND collection LIKE 'many_%'"
    )
    assert flow.rows(explained) == [(300 * count, -300.0 * count)]

"""The timeline whole: lanes through a merger, plans beside outcomes, evidence, facts that follow, and events that people add. All returns are made up."""

from datetime import date

import flow
import psycopg
import pytest
from trust_benchmarks.stores import warehouse
from trust_benchmarks.timeline import event_checks, events
from trust_benchmarks.timeline import refresh as timeline
from worlds import copy_of

GOOD = {
    "date": "2018-05-30", "date_precision": "day", "kind": "board_report", "status": "actual", "provider": "RRP", "recommendation": "9",
    "summary": "Told the board how rostering went.", "source": "board paper, made up", "confidence": "medium",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def merged(shared_world):
    """A return of RRP before it was merged into G6V2S, one of G6V2S after, both published; the log of one more trust, as facts."""
    for ods, period in (("RRP", "2024-08"), ("G6V2S", "2025-01")):
        flow.put_return(ods, period, flow.workforce(ods, period))
    said = flow.take_in()
    assert said["accepted"] == 2, said
    flow.release()


def add(cells: dict, person: str = "sam", file_name: str | None = None) -> events.Added:
    """Adds one event as the desk does, with the desk's own role."""
    checked = event_checks.Checked()
    checked.add(cells)
    with warehouse.connect(role="steward_desk") as connection:
        return events.add(connection, checked, person, file_name)


def test_a_merged_trust_keeps_its_ancestors_events():
    lane = flow.rows(
        """SELECT own_code, kind, joined_on, period FROM published.provider_lanes
           WHERE provider_code = 'G6V2S' AND kind IN ('cohort_selected', 'received', 'in_benchmarks', 'trust_succession') ORDER BY 1, 2"""
    )
    joined, later = date(2024, 11, 1), date(2026, 4, 1)
    assert lane == [
        ("G6V2S", "in_benchmarks", None, "2025-01"),
        ("G6V2S", "received", None, "2025-01"),
        ("RNK", "trust_succession", later, None),
        ("RRP", "cohort_selected", joined, None),
        ("RRP", "in_benchmarks", joined, "2024-08"),
        ("RRP", "received", joined, "2024-08"),
        ("RRP", "trust_succession", joined, None),
        ("TAF", "trust_succession", joined, None),
    ]
    own = "SELECT count(*) FROM published.provider_lanes WHERE provider_code = 'RRP' AND own_code <> 'RRP'"
    assert flow.value(own) == 0, "an ancestor's lane has nothing of what came after it"
    # Nothing is lost and nothing told twice: a lane is the events of its providers.
    assert flow.rows(
        """SELECT l.provider_code FROM published.provider_lanes l GROUP BY 1
           HAVING count(*) <> count(DISTINCT event_id) OR count(*) <> (
             SELECT count(*) FROM published.engagement_timeline t WHERE t.provider_code = l.provider_code OR t.provider_code IN (
               SELECT a.ancestor_code FROM published.provider_ancestors a WHERE a.provider_code = l.provider_code))"""
    ) == []  # fmt: skip


def test_the_ancestors_are_those_of_the_reference_tables():
    from trust_benchmarks import reference

    links = [s for s in reference.load().successions if s.type in ("merger", "acquisition")]

    def before(code: str) -> set[str]:
        own = {s.from_code for s in links if s.to_code == code}
        return own | {far for one in own for far in before(one)}

    found = flow.rows("SELECT provider_code, ancestor_code FROM published.provider_ancestors")
    expected = {(code, far) for code in {s.to_code for s in links} for far in before(code)}
    assert len(found) == len(set(found)) > 70
    assert set(found) == expected


def test_every_event_of_the_seeds_is_there_as_the_source_has_it():
    from trust_benchmarks import reference

    kept = {row[0]: row[1:] for row in flow.rows(
        "SELECT event_id, occurred_from, occurred_to, date_precision, status, confidence, source FROM published.engagement_timeline"
    )}  # fmt: skip
    for event in reference.load().programme_events:
        ids = [event.event_id]
        if event.trust_ods == "ALL23":
            ids = [f"{event.event_id}-{one.code}" for one in reference.load().cohort]
        for one in ids:
            assert kept[one] == (
                event.date, event.date_end, event.date_precision, event.status, event.confidence, event.source,
            )  # fmt: skip


def test_plan_and_outcome():
    plans = {row[0]: row[1:] for row in flow.rows(
        "SELECT plan_id, due_by, outcome, actual_id, slippage_days FROM published.programme_plan"
    )}  # fmt: skip
    assert plans["EV020"] == (date(2017, 11, 30), "happened", "EV025", 175)
    assert plans["EV003"] == (date(2016, 9, 30), "no source says", None, None)
    assert plans["EV034"][0] == date(2021, 12, 31)
    assert plans["EV044"][1] == ("not yet" if date.today() <= date(2027, 4, 1) else "no source says")
    # Every six months after March 2019, until the trust closed on 31 March 2026.
    again = sorted(plans[one][0] for one in plans if one.startswith("EV030+"))
    assert (len(again), again[0], again[-1]) == (14, date(2019, 9, 30), date(2026, 3, 31))


def test_what_sources_disagree_about_stands_side_by_side():
    claims = flow.rows(
        "SELECT topic, claim, source FROM published.contradictions WHERE topic LIKE 'Size%' OR topic LIKE 'When the report%'"
    )
    assert {claim for _, claim, _ in claims} == {"23 trusts", "20 trusts", "just over 20 trusts", "autumn 2017", "late 2017"}  # fmt: skip
    assert all(source for *_, source in claims)


def test_a_rename_without_a_date_is_a_span_of_low_confidence():
    assert flow.rows(
        """SELECT occurred_from, occurred_to, status, confidence FROM published.engagement_timeline
           WHERE provider_code = 'RY7' AND kind = 'trust_renamed'"""
    ) == [(date(2017, 2, 8), date(2020, 9, 30), "inferred", "low")]


def test_evidence_for_a_recommendation_and_its_boards(world_of_benchmarks):
    five = {row[0]: row[1:] for row in flow.rows(
        """SELECT metric_id, period, median, period_before, median_before, change, direction, is_sample FROM published.recommendation_progress
           WHERE recommendation_number = 5 AND collection = 'sickness_absence'"""
    )}  # fmt: skip
    assert five["WF03"] == ("2031-06", 4.5, "2030-06", 5.0, -0.5, "better", True)  # absence: lower is better
    assert five["WF05"] == ("2031-06", None, None, None, None, "too early to say", False)  # too few trusts
    boards = dict(
        flow.rows(
            """SELECT DISTINCT recommendation_number, boards_reported || ' ' || last_board_report FROM published.recommendation_progress
               WHERE boards_reported > 0"""
        )
    )
    paper = {number: "1 2018-09-12" for number in (1, 5, 7, 9, 12)}
    assert boards == paper | {16: "1 2018-07-01"}


@pytest.fixture
def world_of_benchmarks(shared_world):
    """A copy with made-up medians, two years apart from all others."""
    made = """
    INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
                             VALUES ('r1', 'sickness_absence', '2030-06', 'x1', 'x', 'x', '{}', false, 'x1'),
                                    ('r2', 'sickness_absence', '2031-06', 'x2', 'x', 'x', '{}', true, 'x2');
    INSERT INTO core.benchmark
    VALUES (core.key_of('r1'), 'WF03', 'national', 9, 1, 2, 5.0, 6, 7, false), (core.key_of('r2'), 'WF03', 'national', 9, 1, 2, 4.5, 6, 7, true),
           (core.key_of('r2'), 'WF05', 'national', 3, NULL, NULL, NULL, NULL, NULL, false)"""
    with copy_of(shared_world):
        with warehouse.connect() as connection:
            connection.execute(made)
            flow.point(connection, "sickness_absence", "2030-06", "r1")
            flow.point(connection, "sickness_absence", "2031-06", "r2")
        yield


def test_facts_of_the_log_and_what_it_is_too_early_for():
    """Made-up facts: RA9 was late twice in seven months and needed two versions once; RT5 was asked twice and sent nothing sound."""
    log = []
    for month in range(1, 8):
        period = f"2025-{month:02}"
        due = f"2025-{month + 1:02}-14T17:00Z"
        log.append(f"INSERT INTO core.expected VALUES ('estates', '{period}', 'RA9', '', '{due}', NULL)")
        came = f"2025-{month + 1:02}-{20 if month in (2, 5) else 10}T12:00Z"
        for version in (1, 2) if month == 1 else (1,):
            one = f"RA9-{period}-{version}"
            log.append(
                f"""INSERT INTO core.submission (submission_id, collection, period, sender, version, sha256, bytes, file_name, archive_key,
                    received_at, is_sample) VALUES ('{one}', 'estates', '{period}', 'RA9', {version}, 'x', 1, 'x', 'x',
                    timestamptz '{came}' + interval '{version - 1} days', false)"""
            )
            held = month == 1 and version == 1
            log.append(
                f"""INSERT INTO core.validation (submission_id, rules_version, outcome, rows_read, rows_recorded, rows_rejected, rows_held,
                    rows_set_aside, cells_expected, cells_valid, records_key, records_sha256, records_bytes, records_together)
                    VALUES ('{one}', 'x', '{"held" if held else "accepted"}', 1, {int(not held)}, 0, {int(held)}, 0, 1, 1, {"NULL, NULL, NULL, NULL" if held else "'x', 'x', 1, 1"})"""
            )
    for month in (1, 2):
        log.append(
            f"INSERT INTO core.expected VALUES ('estates', '2025-{month:02}', 'RT5', '', '2025-03-14T17:00Z', NULL)"
        )
    with warehouse.connect() as connection:
        for statement in log:
            connection.execute(statement)
    columns = """first_due, first_accepted, days_to_first_accepted, returns_accepted, rounds_to_clean, periods_due, on_time, share_on_time,
                 too_early, rounds_minimum, share_minimum"""
    found = {
        row[0]: row[1:]
        for row in flow.rows(
            f"SELECT provider_code, {columns} FROM published.engagement_facts WHERE collection = 'estates'"
        )
    }
    assert found["RA9"] == (date(2025, 2, 14), date(2025, 2, 11), -3, 7, 8 / 7, 7, 5, 5 / 7, [], 3, 6)
    too_early = ["days_to_first_accepted", "rounds_to_clean", "share_on_time"]
    assert found["RT5"] == (date(2025, 3, 14), None, None, 0, None, 2, 0, None, too_early, 3, 6)


# Events that people add -----------------------------------------------------------------------------------------------


def test_the_desk_and_the_database_know_the_same_kinds():
    assert dict(flow.rows("SELECT kind, says FROM core.event_kind")) == event_checks.KINDS


def test_an_event_is_there_at_once_and_once_and_can_be_taken_back():
    first = add(GOOD, file_name="events.csv")
    (event_id,) = first.ids
    assert (first.already, add(GOOD, "stella")) == (0, events.Added((), 1))
    shown = "SELECT layer, provider_code, recommendation_number, occurred_from, confidence FROM published.engagement_timeline WHERE event_id = %s"
    assert flow.rows(shown, [event_id]) == [("entered", "RRP", 9, date(2018, 5, 30), "medium")]
    assert flow.rows("SELECT entered_by, file_name FROM intake.events WHERE event_id = %s", [event_id]) == [
        ("sam", "events.csv")
    ]
    timeline.refresh()
    before = flow.rows("SELECT count(*) FROM core.timeline")
    timeline.refresh()
    assert flow.rows("SELECT count(*) FROM core.timeline") == before, "a refresh neither takes it nor keeps it twice"
    assert flow.rows(shown, [event_id])
    lane = "SELECT own_code FROM published.provider_lanes WHERE provider_code = 'G6V2S' AND event_id = %s"
    assert flow.rows(lane, [event_id]) == [("RRP",)], "it stays with the trust through its merger"
    reported = "SELECT said FROM published.board_reports WHERE recommendation_number = 9 AND provider_code = 'RRP'"
    assert flow.rows(reported) == [("reported",)]
    with warehouse.connect(role="steward_desk") as connection:
        with pytest.raises(events.Refused, match="Say why"):
            events.withdraw(connection, event_id, "stella", " ")
        events.withdraw(connection, event_id, "stella", "It was another trust.")
    assert flow.rows(shown, [event_id]) == flow.rows(reported) == []
    assert flow.rows("SELECT withdrawn_by, withdrawn_because FROM intake.events WHERE event_id = %s", [event_id]) == [
        ("stella", "It was another trust.")
    ]
    with (
        warehouse.connect(role="steward_desk") as connection,
        pytest.raises(events.Refused, match="withdrawn already, by stella"),
    ):
        events.withdraw(connection, event_id, "sam", "Again.")
    (again,) = add(GOOD).ids  # as a fact of its own: the first stays withdrawn
    assert again == f"{event_id}.1"
    with warehouse.connect(role="steward_desk") as connection:
        events.withdraw(connection, again, "sam", "The test is over.")


def test_the_outcome_of_a_plan_is_told_by_people():
    done = GOOD | {
        "kind": "pilot", "provider": "RYV", "recommendation": "9", "date": "2019-03", "date_precision": "month", "fulfils": "EV029",
    }  # fmt: skip
    (event_id,) = add(done).ids
    plan = "SELECT outcome, actual_id, slippage_days, slippage_least_days, slippage_most_days FROM published.programme_plan WHERE plan_id = 'EV029'"
    assert flow.rows(plan) == [("happened", event_id, None, 29, 59)]  # from 31 January to some day of March
    with warehouse.connect(role="steward_desk") as connection:
        events.withdraw(connection, event_id, "sam", "Made up.")
    assert flow.rows(plan) == [("no source says", None, None, None, None)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "nonsense"}, "no kind of event"),
        ({"provider_code": "XXX"}, "not the ODS code"),
        ({"summary": " "}, "Say in a sentence"),
        ({"source": ""}, "known from"),
        ({"occurred_from": "2199-01-01"}, "still to come"),
        ({"source": "ask jo@example.org"}, "e-mail address or a telephone number"),
        ({"summary": "Ring (0161) 496 0000."}, "e-mail address or a telephone number"),
        ({"recommendation_number": None}, "number of the recommendation"),
        ({"fulfils": "EV025"}, "not the id of a plan"),
        ({"fulfils": "EN-0000000000000000"}, "not the id of a plan"),
    ],
)
def test_the_database_itself_refuses(change, says):
    checked = event_checks.Checked()
    checked.add(GOOD)
    checked.events[0] |= change
    with (
        warehouse.connect(role="steward_desk") as connection,
        pytest.raises(events.Refused, match=says),
    ):
        events.add(connection, checked, "sam")


def test_all_of_a_file_or_nothing():
    checked = event_checks.Checked()
    checked.add(GOOD | {"summary": "The first of two."})
    checked.add(GOOD | {"summary": "The second of two."})
    checked.events[1]["fulfils"] = "EN-0000000000000000"  # which only the database can know
    with (
        warehouse.connect(role="steward_desk") as connection,
        pytest.raises(events.Refused, match=r"Event 2 of 2.*Nothing was added"),
    ):
        events.add(connection, checked, "sam", "two.csv")
    assert flow.value("SELECT count(*) FROM core.event WHERE file_name = 'two.csv'") == 0


def test_nobody_gets_at_the_facts_in_another_way():
    asked = "SELECT core.add_event('x', '{}'::jsonb)"
    for role, variable in (("dashboard_reader", "TB_READER_PASSWORD"), ("steward_reader", "TB_STEWARD_PASSWORD")):
        with flow.connect_as(role, variable) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(asked)
    for statement in (
        "INSERT INTO core.event SELECT * FROM core.event", "DELETE FROM core.event_withdrawal", "UPDATE core.event SET summary = 'x'",
        "INSERT INTO core.timeline SELECT * FROM core.timeline",
    ):  # fmt: skip
        with (
            flow.connect_as("steward_desk", "TB_DESK_PASSWORD") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)
    with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as connection:
        for view in (
            "provider_lanes",
            "programme_plan",
            "contradictions",
            "board_reports",
            "recommendation_progress",
            "engagement_facts",
        ):
            assert connection.execute(f"SELECT count(*) FROM published.{view}").fetchone()[0] > 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT entered_by FROM intake.events")

"""A release of a collection with a preview window is offered to its trusts, and published when the window has ended or a person says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import flow
import psycopg
import pytest
from trust_benchmarks import catalogue
from trust_benchmarks.reference import calendar
from trust_benchmarks.releases import build, candidates, editions, previews, switch
from trust_benchmarks.stores import warehouse

pytestmark = pytest.mark.usefixtures("shared_world")
TRUSTS = flow.TRUSTS[:3]
PERIODS = iter(
    ("2025-08", "2025-07", "2025-06", "2025-05", "2025-04", "2025-03")
)  # each test has one; later ones first, which no other rests on


@pytest.fixture(autouse=True)
def declared():
    with flow.preview_declared():
        yield


@pytest.fixture
def period():
    return next(PERIODS)


@pytest.fixture
def offered(period):
    """The offer of a period that three trusts have sent."""
    send_all(period)
    return now_open(period)


def send_all(period):
    for number, ods in enumerate(TRUSTS):
        flow.put_return(ods, period, flow.workforce(ods, period, scale=1 + number / 10))
    flow.take_in()
    release(period)


def release(period):
    build.make("workforce", period)
    return switch.switch([("workforce", period)])


def now_open(period):
    with warehouse.connect() as connection:
        return previews.open_of(connection, "workforce", period)


def standing(period):
    with warehouse.connect() as connection:
        return editions.standing(connection).get(("workforce", period))


def time_passes():
    """The windows of open offers have ended."""
    with warehouse.connect() as connection:
        connection.execute(
            """INSERT INTO core.preview_extension (preview_id, ends_at, person, reason)
               SELECT preview_id, now() - interval '1 minute', 'a test', 'Time passes.' FROM core.preview_now WHERE outcome IS NULL"""
        )


def correct(period, version=2, scale=1.03):
    flow.put_return("RA9", period, flow.workforce("RA9", period, scale=scale), version=version)
    flow.take_in()
    release(period)


def outcomes(period):
    query = "SELECT outcome FROM core.preview_now WHERE period = %s ORDER BY preview_id"
    return [outcome for (outcome,) in flow.rows(query, [period])]


def test_it_is_offered_to_every_trust_in_it_and_nobody_else_sees_any_of_it_until_its_time(offered, period):
    assert offered.state == "open" and standing(period) is None
    assert offered.ends_at == calendar.preview_end("workforce", period, offered.offered_at)
    trusts = {code for (code,) in flow.rows("SELECT provider_code FROM core.preview_trust")}
    in_release = "SELECT DISTINCT provider_code FROM core.measure WHERE release_key = core.key_of(%s)"
    assert trusts == {code for (code,) in flow.rows(in_release, [offered.release_id])} >= set(TRUSTS)
    assert candidates.stale() == [], "a run has nothing to do until the window ends"
    assert switch.switch().changed == 0 and now_open(period) == offered
    for view in ("figures", "measures", "benchmarks", "comparisons", "movements", "release_history"):
        assert flow.value(f"SELECT count(*) FROM published.{view} WHERE collection = 'workforce'") == 0, view
    state = "SELECT state FROM intake.releases WHERE release_id = %s"
    assert flow.value(state, [offered.release_id]) == "in_preview"
    with pytest.raises(psycopg.errors.RaiseException, match="shown to its trusts"), warehouse.connect() as connection:
        flow.point(connection, "workforce", period, offered.release_id)  # the database publishes none before its time
    time_passes()
    assert candidates.stale() == [("workforce", period)]
    done = switch.switch()
    assert done.changed == 1 and standing(period) == offered.release_id and now_open(period) is None
    assert flow.rows("SELECT state, edition_number FROM intake.previews") == [("published", done.number)]


def test_a_correction_takes_its_place_and_keeps_the_end_unless_a_person_gives_more_time(offered, period):
    correct(period)
    newer = now_open(period)
    assert newer.release_id != offered.release_id and newer.ends_at == offered.ends_at
    assert outcomes(period) == ["replaced", None]
    before = "SELECT replaces_id FROM core.preview WHERE preview_id = %s"
    assert flow.value(before, [newer.preview_id]) == offered.preview_id
    later = newer.ends_at + timedelta(days=3)
    previews.extend(newer.preview_id, later, reason="Two trusts asked for it.", person="olga")
    correct(period, 3, 1.04)
    assert now_open(period).ends_at == later and standing(period) is None
    for until in (later, datetime.now(UTC)):
        with pytest.raises(editions.Unknown, match="only ever made longer"):
            previews.extend(now_open(period).preview_id, until, reason="Shorter.", person="olga")
    with pytest.raises(editions.Unknown, match="is over: its release was replaced"):
        previews.extend(offered.preview_id, later + timedelta(1), reason="Longer.", person="olga")
    time_passes()
    correct(period, 4, 1.05)  # it came in after the window: trusts see it first, for a window of its own
    assert standing(period) is None and now_open(period).ends_at > datetime.now(UTC)
    assert outcomes(period) == ["replaced", "replaced", "replaced", None]


def test_a_person_publishes_earlier_holds_back_and_offers_again(offered, period):
    previews.hold(offered.preview_id, reason="A trust doubts its pay.", person="olga")
    assert now_open(period).state == "held"
    with pytest.raises(editions.Unknown, match="held back already"):
        previews.hold(offered.preview_id, reason="Again.", person="olga")
    time_passes()
    release(period)
    assert standing(period) is None and outcomes(period) == [None]
    correct(period)
    newer = now_open(period)
    assert newer.state == "held" and newer.preview_id > offered.preview_id, "what takes its place is held back too"
    time_passes()
    release(period)
    assert standing(period) is None and outcomes(period) == ["replaced", None]
    offered = newer
    previews.offer_again(offered.preview_id, reason="It is right.", person="olga")
    again = now_open(period)
    assert again.state == "open" and again.ends_at > datetime.now(UTC), "its window had ended: it has a new one"
    catalogue.all()["workforce"] = replace(catalogue.load("workforce"), preview={})
    release(period)
    assert standing(period) is None, "an offer that was made is kept, also when the collection has no preview any more"
    done = switch.let_through(offered.release_id, reason="All trusts have signed.", person="olga")
    assert (
        done.changed == 1 and standing(period) == offered.release_id and outcomes(period) == ["replaced", "published"]
    )
    with pytest.raises(editions.Unknown, match="is over: its release was published"):
        previews.hold(offered.preview_id, reason="Too late.", person="olga")


def test_what_stands_stays_until_then_and_an_offer_of_no_use_is_dropped(period, monkeypatch):
    plain = replace(catalogue.load("workforce"), preview={})
    with monkeypatch.context() as without:
        without.setitem(catalogue.all(), "workforce", plain)
        send_all(period)
    first = standing(period)
    assert first and outcomes(period) == []
    correct(period)
    assert standing(period) == first and now_open(period).state == "open"
    steps = "SELECT count(*) FROM {}.movements WHERE period = %s"
    assert flow.value(steps.format("intake"), [period]) > 0, "why figures would move is known before"
    assert flow.value(steps.format("published"), [period]) == 0
    with warehouse.connect() as connection:
        previews.close(connection, [("workforce", period)])
        assert previews.open_of(connection, "workforce", period)
        previews.close(connection, [])  # nothing else than what stands should stand
    assert outcomes(period) == ["dropped"]


def test_an_open_period_is_not_offered_with_each_return_that_comes_in():
    period = calendar.previous_period(calendar.period_of(datetime.now(UTC).date()))
    assert calendar.closes("workforce", period) > datetime.now(UTC)
    flow.put_return("RA9", period, flow.workforce("RA9", "2025-06").replace(b"2025-06", period.encode()))
    flow.take_in()
    release(period)
    assert flow.value("SELECT count(*) FROM core.release WHERE period = %s", [period]) == 1
    assert outcomes(period) == [] and ("workforce", period) not in candidates.stale()


def test_its_end_is_in_working_days_and_not_before_an_embargo(monkeypatch):
    thursday = datetime(2025, 12, 18, 20, 0, tzinfo=UTC)
    assert calendar.preview_end("workforce", "2025-09", thursday) == datetime(
        2025, 12, 29, 9, 30, tzinfo=calendar.LONDON
    )
    embargo = {"months_after": 4, "day": 15, "at": "00:01"}
    declared = replace(catalogue.load("workforce"), preview={"working_days": 2}, embargo=embargo)
    monkeypatch.setitem(catalogue.all(), "workforce", declared)
    assert calendar.preview_end("workforce", "2025-09", thursday) == datetime(2026, 1, 15, 0, 1, tzinfo=calendar.LONDON)
    assert calendar.preview_times() == ["00:01", "09:30"]

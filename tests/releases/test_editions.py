"""Editions: made beside and switched to as a whole, held back by checks, rolled back, and revised when a period is final."""

import itertools
import math
import random
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import flow
import polars as pl
import psycopg
import pytest
from trust_benchmarks import catalogue, reference
from trust_benchmarks.measures import measure, versions
from trust_benchmarks.reference import calendar
from trust_benchmarks.releases import build, candidates, editions, pointers, switch
from trust_benchmarks.releases import checks as release_checks
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stewardship.decisions import Draft
from trust_benchmarks.stores import objects, settings, warehouse
from worlds import copy_of

FINAL, OPEN = "2025-05", "2025-06"  # a period that has been final for long, and one that stays provisional
TRUSTS = reference.load().expected(catalogue.load("workforce").sectors, date(2025, 6, 30))[:20]
RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "README.md"


@pytest.fixture(scope="module")
def published(shared_world):
    """Two months of workforce: 20 trusts in the one, four in the other; the first edition."""
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.calendar (collection, period, final_from) VALUES ('workforce', %s, 'infinity')", [OPEN]
        )
    for number, ods in enumerate(TRUSTS):
        flow.put_return(ods, OPEN, flow.workforce(ods, OPEN, scale=1 + number / 10))
        if number < 4:
            flow.put_return(ods, FINAL, flow.workforce(ods, FINAL, scale=1 + number / 10))
    flow.take_in()
    flow.release()
    return shared_world


@pytest.fixture
def copied(published):
    """What was published first, in a warehouse of its own."""
    with copy_of(published) as world:
        inbox = settings.load().inbox  # copies share it, and what was sent to one is not for the others
        objects.delete(inbox, [one.key for one in objects.listing(inbox)])
        yield world


def send(ods: str, period: str, version: int, **change) -> None:
    flow.put_return(ods, period, flow.workforce(ods, period, **change), version=version)
    flow.take_in()


def stands() -> list[tuple]:
    return flow.rows("SELECT collection, period, release_id, published_at FROM core.standing ORDER BY 1, 2")


def release_of(period: str) -> str | None:
    with warehouse.connect() as connection:
        return editions.standing(connection).get(("workforce", period))


def switches() -> int:
    return flow.value("SELECT count(*) FROM core.edition_switch")


def current() -> str:
    with warehouse.connect() as connection:
        return editions.current(connection)


def back(which=None, reason="It was wrong.") -> editions.Switched:
    with warehouse.connect() as connection:
        return pointers.rollback(connection, which, reason=reason, person="ben")


def figures(period: str, at=None) -> dict[tuple, float | None]:
    source = "published.measures" if at is None else "published.measures_as_at(%s)"
    found = flow.rows(
        f"SELECT metric_id, provider_code, value FROM {source} WHERE collection = 'workforce' AND period = %s",
        [*([at] if at else []), period],
    )
    return {(metric, provider): value for metric, provider, value in found}


# Made beside, switched to as a whole ----------------------------------------------------------------------------------


def test_a_switch_is_whole_or_nothing(copied, monkeypatch):
    first_stands = {(collection, period): release_id for collection, period, release_id, _ in stands()}
    first = current()
    assert first == editions.name(first_stands) and len(first_stands) == 2  # named by its releases
    assert candidates.stale() == [] and switch.switch().changed == 0 and switches() == 1
    send(TRUSTS[0], OPEN, 2, scale=1.2)
    send(TRUSTS[1], FINAL, 2, scale=1.3)
    before = stands(), first, flow.snapshot("published")
    for pair in candidates.stale():
        build.make(*pair)

    def nothing_moved() -> bool:
        return (stands(), current(), flow.snapshot("published")) == before

    assert nothing_moved()  # made beside
    assert candidates.stale() == [("workforce", FINAL), ("workforce", OPEN)]

    def dies(*_):
        raise KeyboardInterrupt

    for part in ("_revise", "_point"):
        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr(pointers, part, dies)
            switch.switch()
        assert nothing_moved()
    # The database itself lets no pointer move without its edition, no edition without its pointers, no final figure without a revision.
    with pytest.raises(psycopg.errors.RaiseException, match="pointers move with an edition"):
        flow.rows("DELETE FROM core.current_release WHERE period = %s RETURNING 1", [OPEN])
    with (
        pytest.raises(psycopg.errors.RaiseException, match="moves all of them in one transaction"),
        warehouse.connect() as connection,
    ):
        connection.execute("INSERT INTO core.edition (edition_id) VALUES ('edition-x')")
        connection.execute(
            """INSERT INTO core.edition_switch (number, edition_id, kind, switched_at, releases, changed, reason)
               VALUES (2, 'edition-x', 'switch', clock_timestamp(), 0, 0, 'x')"""
        )
    with monkeypatch.context() as forgotten:
        forgotten.setattr(pointers, "_revise", lambda *_: None)
        with pytest.raises(psycopg.errors.RaiseException, match=f"workforce {FINAL} is final"):
            switch.switch()
    assert nothing_moved()

    assert switch.switch().changed == 2 and switch.switch().changed == 0 and candidates.stale() == []
    assert len({published_at for *_, published_at in stands()}) == 1  # one moment: no as-at can fall in between
    last = "SELECT number, releases, changed, kind, reason FROM published.editions ORDER BY number DESC LIMIT 1"
    assert flow.rows(last) == [(2, 2, 2, "switch", "2 releases: workforce 2.")]
    assert flow.rows("SELECT DISTINCT edition_id FROM published.data_status") == [(current(),)]


# Checks -----------------------------------------------------------------------------------------------------------------


def put_release(connection, release_id, measures, lists=(), total=None, sample=False, prices=(), since=None) -> str:
    """A release made by hand: {metric: values by provider}, parts of a price list, a total, and prices with how much each changed."""
    flow.know(connection, "made_up")
    (key,) = connection.execute(
        """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
           VALUES (%s, 'made_up', '2025-06', %s, 'x', 'x', '{}', %s, %s) RETURNING release_key""",
        [release_id, release_id, sample, release_id],
    ).fetchone()
    rows = [(metric, f"P{n:02}", value) for metric, values in measures.items() for n, value in enumerate(values)]
    frame = pl.DataFrame(
        rows, schema={"metric_id": pl.String, "provider_code": pl.String, "value": pl.Float64}, orient="row"
    )
    warehouse.copy(connection, "measure", frame, release_key=key, quality_flag="A", is_sample=sample)
    for part, lines in lists:
        connection.execute(
            "INSERT INTO core.price_list (release_key, part, line_key, is_sample) SELECT %s, %s, n, false FROM generate_series(1, %s) n",
            [key, part, lines],
        )
    for line, price in enumerate(prices):
        connection.execute(
            """INSERT INTO core.price_list (release_key, part, line_key, price_pence, change_on_previous_pence, is_sample)
               VALUES (%s, 'viii_a', %s, %s, %s, false)""",
            [key, str(line), price, since[line] if since else None],
        )
    if total:
        connection.execute("INSERT INTO core.release_total VALUES (%s, 'days', %s, %s, %s, %s)", [key, *total])
    return release_id


def found_on(standing: dict | None, candidate: dict) -> dict[str, str]:
    """Which checks fail between two releases made by hand, and on what; nothing of it is kept."""
    with warehouse.connect() as connection:
        against = put_release(connection, "hand-old", **standing) if standing else None
        release_id = put_release(connection, "hand-new", **candidate)
        for _ in range(2):  # the second time adds nothing
            release_checks.run(connection, [(release_id, against)])
        rows = connection.execute(
            "SELECT check_id, subject, passed, message FROM core.release_check WHERE release_key = core.key_of(%s)",
            [release_id],
        ).fetchall()
        connection.rollback()
    assert {check for check, *_ in rows} == set(release_checks.words())
    assert all(message if not passed else (subject, message) == ("", "") for _, subject, passed, message in rows)
    return {check: subject for check, subject, passed, _ in rows if not passed}


def same(values) -> dict:
    return {"measures": {"WF01": list(values)}}


SOUND = [100.0 + n for n in range(24)]


@pytest.mark.parametrize(
    ("standing", "candidate", "found"),
    [
        (same(SOUND), same(SOUND), {}),
        (None, same(SOUND), {}),
        # Rows: 18 of 24 report is too few, 20 is enough.
        (same(SOUND), same([*SOUND[:18], *[None] * 6]), {"counts": "WF01"}),
        (same(SOUND), same([*SOUND[:20], *[None] * 4]), {}),
        (same(SOUND[:19]), same(SOUND[:3]), {}),  # too few to say
        # Went to zero, to nothing, or away.
        (same(SOUND), same([0.0] * 24), {"went_to_zero": "WF01", "moved": "WF01"}),
        (same(SOUND), same([None] * 24), {"went_to_zero": "WF01", "counts": "WF01"}),
        (same(SOUND), {"measures": {"WF02": SOUND}}, {"lost_category": "metric WF01", "counts": "WF01"}),
        # Moved: seven of 24 are more than a quarter, six are not; the same on data quality is not asked.
        (same(SOUND), same([v * 2 for v in SOUND[:7]] + SOUND[7:]), {"moved": "WF01"}),
        (same(SOUND), same([v * 2 for v in SOUND[:6]] + SOUND[6:]), {}),
        ({"measures": {"DQ01": [50.0] * 24}}, {"measures": {"DQ01": [100.0] * 24}}, {}),
        # Half have only come now: what is compared with others moves then.
        (same(SOUND), same([v * 2 for v in SOUND] + SOUND), {}),
        # Values around 0 are judged by what is usual.
        (same([0.001] * 8 + SOUND[:16]), same([0.1] * 8 + SOUND[:16]), {}),
        # Ranges: a share above 100, a value that is none; a rate may be what it is.
        (None, {"measures": {"WF04": [5.0] * 22 + [101.0, -1.0]}}, {"range": "WF04"}),
        (None, {"measures": {"WF04": [5.0] * 23 + [101.0]}}, {}),
        (None, {"measures": {"ER03": [140.0] * 24}}, {}),
        (None, same([math.nan]), {"range": "WF01"}),
        (None, same([math.inf]), {"range": "WF01"}),
        # A sample is no measure for what is real.
        (same(SOUND) | {"sample": True}, same([1.0] * 24), {}),
        # Parts of a list.
        (same([]) | {"lists": [("ix", 30), ("cat_m", 30)]}, same([]) | {"lists": [("ix", 30)]},
         {"lost_category": "part of the price list cat_m", "counts": "price list cat_m"}),
        (same([]) | {"lists": [("ix", 30)]}, same([]) | {"lists": [("ix", 25)]}, {}),
        # Prices: all times 100, and a quarter of them doubled, against the list that stands and against last month's.
        (same([]) | {"prices": SOUND}, same([]) | {"prices": [100 * v for v in SOUND]}, {"prices": "prices of viii_a beside the list that stands"}),
        (same([]) | {"prices": SOUND}, same([]) | {"prices": [v * 2 for v in SOUND[:6]] + SOUND[6:]}, {}),
        (None, same([]) | {"prices": [100 * v for v in SOUND], "since": [99 * v for v in SOUND]}, {"prices": "prices of viii_a beside last month's list"}),
        (None, same([]) | {"prices": SOUND, "since": [0.0] * 24}, {}),
        # Totals: (published, summed, slack, withheld).
        (None, same([]) | {"total": (100, 100, 0.1, 0)}, {}),
        (None, same([]) | {"total": (100, 99, 0.1, 0)}, {"totals": "days"}),
        (None, same([]) | {"total": (100, 99, 0.1, 3)}, {}),
        (None, same([]) | {"total": (100, 49, 0.1, 3)}, {"totals": "days"}),
        (None, same([]) | {"total": (100, 101, 0.1, 3)}, {"totals": "days"}),
    ],
)  # fmt: skip
def test_a_check_finds_what_it_is_for_and_nothing_else(published, standing, candidate, found):
    assert found_on(standing, candidate) == found


def test_the_runbook_names_every_check():
    section = RUNBOOK.read_text(encoding="utf-8").split("## A release was held back by a check")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` ", section, re.M)) == set(release_checks.words())
    assert all(len(words) > 40 for words in release_checks.words().values())


@pytest.fixture
def doubled(monkeypatch):
    """Code that gives twice the staff in post."""
    real = measure.compute

    def compute(inputs, **more):
        made = real(inputs, **more)
        twice = pl.when(pl.col("metric_id") == "WF01").then(2 * pl.col("value")).otherwise("value")
        return replace(made, measures=made.measures.with_columns(value=twice))

    monkeypatch.setattr(measure, "compute", compute)
    monkeypatch.setattr(versions, "method_version", lambda collection: "another")


def test_a_release_that_a_check_holds_back_waits_and_the_others_go_on(copied, doubled):
    before, small = figures(OPEN), figures(FINAL)
    stood = release_of(OPEN)
    flow.release()
    assert figures(OPEN) == before and release_of(OPEN) == stood
    key = ("WF01", TRUSTS[0])
    assert figures(FINAL)[key] == 2 * small[key]  # four trusts are too few to say
    assert candidates.stale() == []  # nothing that a machine could do
    [held] = switch.switch().held_back
    assert (held.period, held.standing) == (OPEN, stood)
    assert held.messages == ["WF01: 20 of 20 values moved by more than half. Expected at most a quarter of them."]
    told = candidates.what_to_do([held])
    assert held.release_id in told and "trust-benchmarks release" in told and "docs/runbooks" in told
    assert flow.rows("SELECT release_id, failed_checks FROM intake.releases WHERE state = 'held_back'") == [
        (held.release_id, 1)
    ]
    failed = "SELECT release_id, against, check_id, subject FROM intake.release_checks WHERE NOT passed"
    assert flow.rows(failed) == [(held.release_id, stood, "moved", "WF01")]
    # A person lets it through.
    with pytest.raises(editions.Unknown, match="There is no release x"):
        switch.let_through("x", reason="y", person="ben")
    with warehouse.connect() as connection:
        put_release(connection, "other", {})
    with pytest.raises(editions.Unknown, match="other is not what counts now"):
        switch.let_through("other", reason="y", person="ben")
    done = switch.let_through(held.release_id, reason="Staff are counted twice on purpose.", person="ben")
    assert (done.changed, done.held_back) == (1, [])
    assert figures(OPEN)[key] == 2 * before[key]
    verdict = "SELECT state, verdict, verdict_by, verdict_reason FROM intake.releases WHERE release_id = %s"
    assert flow.rows(verdict, [held.release_id]) == [
        ("current", "released", "ben", "Staff are counted twice on purpose.")
    ]
    assert flow.rows("SELECT person, reason FROM intake.editions ORDER BY number DESC LIMIT 1") == [
        ("ben", "Staff are counted twice on purpose. 1 release: workforce 1.")
    ]


def test_ordinary_work_is_not_held_back_and_the_status_tells_of_it(copied):
    """Resubmissions, late and held returns and decisions about single trusts pass every check."""

    def spoil(rows):
        del rows[-1]  # a staff group is missing: that holds it

    for number, ods in enumerate(TRUSTS[:3]):
        flow.put_return(ods, OPEN, flow.workforce(ods, OPEN, scale=4 + number), version=2)
    for ods in TRUSTS[8:10]:
        flow.put_return(ods, FINAL, flow.workforce(ods, FINAL, change=spoil))
    flow.take_in()
    decide("hold", TRUSTS[5])
    decide("accept", TRUSTS[8], FINAL)
    flow.take_in()
    stood = release_of(OPEN)
    flow.release()
    assert release_of(OPEN) != stood
    assert flow.value("SELECT count(*) FROM intake.release_checks WHERE NOT passed") == 0
    told = "SELECT count(*) FROM intake.release_checks WHERE against = %s"
    assert flow.value(told, [stood]) == len(release_checks.words())
    [(received, accepted, held, held_share, waived_share, as_at, next_due)] = flow.rows(
        "SELECT received, accepted, held, held_share, waived_share, as_at, next_due FROM published.data_status WHERE period = %s",
        [FINAL],
    )
    assert (received, accepted, held) == (6, 5, 1)
    assert (held_share, waived_share) == (1 / 6, 1 / 5)
    assert as_at == flow.value("SELECT max(switched_at) FROM published.editions")
    assert next_due > flow.value("SELECT now()")


def decide(kind: str, sender: str, period: str = OPEN, **more) -> int:
    submission = flow.value(
        "SELECT submission_id FROM intake.submissions WHERE sender = %s AND period = %s AND is_newest", [sender, period]
    )
    with warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, Draft(kind, submission, "They rang: it is wrong.", **more), "amy")
        decisions.verdict(connection, number, "ben", True)
    return number


# Rollback ---------------------------------------------------------------------------------------------------------------


def test_rollback_is_everything_as_it_was_and_does_not_come_undone(copied):
    then, first = flow.snapshot("published"), current()
    send(TRUSTS[0], OPEN, 2, scale=3)
    send(TRUSTS[1], FINAL, 2, scale=3)
    flow.put_return(TRUSTS[2], "2025-04", flow.workforce(TRUSTS[2], "2025-04"))  # a period that is new
    flow.take_in()
    flow.release()
    second, now = current(), figures(OPEN)
    at = flow.value("SELECT clock_timestamp()")
    done = back(reason="The files were read twice.")
    assert (done.edition_id, done.changed) == (first, 3)
    after = flow.snapshot("published")
    for view in ("measures", "benchmarks", "comparisons", "price_list", "kept_apart"):
        assert after[f"published.{view}"] == then[f"published.{view}"]
    assert figures("2025-04") == {} and len(figures("2025-04", at)) > 0 and figures(OPEN, at) == now
    assert flow.rows("SELECT period FROM published.releases_as_at(now()) ORDER BY 1") == [(FINAL,), (OPEN,)]
    history = "SELECT period, is_current FROM published.release_history WHERE release_id = ANY(%s) ORDER BY 1"
    withdrawn = [one for (one,) in flow.rows("SELECT release_id FROM intake.releases WHERE state = 'withdrawn'")]
    assert flow.rows(history, [withdrawn]) == [("2025-04", False), (FINAL, False), (OPEN, False)]
    assert candidates.stale() == []
    assert switch.switch().changed == 0
    moved = "SELECT DISTINCT cause FROM published.movements WHERE release_id = %s AND previous_release_id = ANY(%s)"
    assert flow.rows(moved, [release_of(OPEN), withdrawn]) == [("rollback",)]
    # New inputs make a new release, which comes.
    send(TRUSTS[0], OPEN, 3, scale=2)
    assert candidates.stale() == [("workforce", OPEN)]
    flow.release()
    assert figures(OPEN)["WF01", TRUSTS[0]] != now["WF01", TRUSTS[0]] and release_of(OPEN) not in withdrawn
    # Undone by a rollback to the edition that was left, by its name or number.
    undone = back("2")
    assert undone.edition_id == second and figures(OPEN) == now and len(figures("2025-04")) > 0
    assert candidates.stale() == []
    with pytest.raises(editions.Unknown, match="is the current edition"):
        back(second)
    with pytest.raises(editions.Unknown, match="There is no edition 99"):
        back(99)
    kinds = [kind for (kind,) in flow.rows("SELECT kind FROM published.editions ORDER BY number")]
    assert kinds == ["switch", "switch", "rollback", "switch", "rollback"]


# Provisional and final -----------------------------------------------------------------------------------------------


def revisions(period: str) -> list[tuple]:
    return flow.rows(
        "SELECT revision, release_id, values_changed, reason FROM published.revisions WHERE period = %s ORDER BY revision",
        [period],
    )


def test_a_final_figure_changes_in_a_numbered_revision_with_a_reason(copied):
    assert revisions(OPEN) == []
    assert revisions(FINAL) == [(0, release_of(FINAL), 0, "First published, the period being final.")]
    before = figures(FINAL)
    send(TRUSTS[1], FINAL, 2, scale=3)
    number = decide("hold", TRUSTS[2], FINAL)
    flow.take_in()
    flow.put_return(TRUSTS[9], FINAL, flow.workforce(TRUSTS[9], FINAL))
    flow.take_in()
    flow.release()
    after = figures(FINAL)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    _, (revision, release_id, count, reason) = revisions(FINAL)
    assert (revision, release_id, count) == (1, release_of(FINAL), len(changed))
    assert reason == (
        f"Late data: workforce {FINAL} of {TRUSTS[9]} (version 1). Resubmission: workforce {FINAL} of {TRUSTS[1]} (version 2 for 1). "
        f"Withdrawn submission: workforce {FINAL} of {TRUSTS[2]} (version 1). Decision {number} (hold): They rang: it is wrong."
    )
    assert revisions(OPEN) == []  # it looks back on the other month and moved too, but is provisional
    back(reason="It was wrong all the same.")
    assert [row[0] for row in revisions(FINAL)] == [0, 1, 2]
    assert revisions(FINAL)[2][2:] == (len(changed), "Rolled back: It was wrong all the same.")
    switch.let_through(release_id, reason="No, it is right.", person="ben")
    assert revisions(FINAL)[3][:3] == (3, release_id, len(changed))
    assert revisions(FINAL)[3][3].startswith("No, it is right. Late data: ")
    switch.let_through(release_id, reason="The trust confirmed it.", person="ben")  # words that are added afterwards
    assert revisions(FINAL)[3][3].endswith("The trust confirmed it.") and revisions(FINAL)[1][3].endswith(
        "confirmed it."
    )
    status = (
        "SELECT standing, revision, release_id, final_from IS NOT NULL FROM published.data_status WHERE period = %s"
    )
    assert flow.rows(status, [FINAL]) == [("final", 3, release_id, True)]
    assert flow.rows(status, [OPEN]) == [("provisional", None, release_of(OPEN), True)]


def test_what_stands_when_a_period_becomes_final_is_revision_0(copied):
    period = "2025-04"
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.calendar (collection, period, final_from) VALUES ('workforce', %s, 'infinity')", [period]
        )
    for version in (1, 2):
        send(TRUSTS[0], period, version, scale=version)
        switch.refresh("workforce", period)
    stood = release_of(period)
    assert revisions(period) == []
    with flow.as_owner() as connection:  # time passes
        connection.execute("ALTER TABLE core.calendar DISABLE TRIGGER facts")
        connection.execute("UPDATE core.calendar SET final_from = clock_timestamp() WHERE period = %s", [period])
    assert revisions(period) == [(0, stood, 0, "It stood when the period became final.")]
    send(TRUSTS[0], period, 3, scale=3)
    switch.refresh("workforce", period)
    assert [row[:2] for row in revisions(period)] == [(0, stood), (1, release_of(period))]


def test_every_collection_says_when_a_period_is_final():
    told = {}
    for name, declared in catalogue.all().items():
        period = "2023-24" if declared.frequency == "financial_year" else "2025-06"
        told[name] = calendar.deadline(declared.final_rule, period).date().isoformat()
        if closes := calendar.closes(name, period):
            assert calendar.deadline(declared.final_rule, period) > closes
    assert {name: told[name] for name in ("workforce", "sickness_absence", "drug_tariff", "estates")} == {
        "workforce": "2025-09-01",
        "sickness_absence": "2025-12-31",
        "drug_tariff": "2025-07-31",
        "estates": "2025-03-31",
    }
    bare = replace(catalogue.load("workforce"), final={})
    assert bare.final_rule == bare.closes | {"months_after": 3}
    yearly = replace(bare, closes={"month": 12, "day": 1})
    assert yearly.final_rule == {"month": 1, "day": 1, "years_after": 1}
    assert replace(catalogue.load("estates"), final={}).final_rule == {"months_after": 12, "day": 31}


# Why figures moved, over editions -------------------------------------------------------------------------------------


@pytest.mark.full
def test_causes_add_up_between_ten_random_pairs_of_editions(copied):
    """Bar 3: whatever lies between two editions, the steps lead from every figure of the one to that of the other."""
    picked = random.Random(9)
    send(TRUSTS[2], OPEN, 2, scale=2)
    send(TRUSTS[0], FINAL, 2, scale=3)
    flow.release()
    held = decide("hold", TRUSTS[4])
    flow.take_in()
    flow.release()
    with warehouse.connect("steward_desk") as connection:  # and back again: a release that stood before
        undone = flow.value("SELECT submission_id FROM core.decision WHERE decision_id = %s", [held])
        number = decisions.decide(connection, Draft("undo", undone, "It was right.", undoes=held), "amy")
        decisions.verdict(connection, number, "ben", True)
    flow.take_in()
    flow.release()
    assert current() == flow.value("SELECT edition_id FROM published.editions WHERE number = 2")
    back(1)
    back("3")
    send(TRUSTS[7], OPEN, 2, scale=7)
    flow.release()
    moments = flow.rows("SELECT number, switched_at FROM published.editions ORDER BY number")
    assert len(moments) == 7
    steps: dict[tuple, list] = {}
    for release_id, previous, metric, provider, cause, was, now in flow.rows(
        """SELECT release_id, previous_release_id, metric_id, provider_code, cause, value_before, value_after
           FROM published.movements ORDER BY release_id, previous_release_id, metric_id, provider_code, step"""
    ):
        steps.setdefault((previous, release_id), []).append(((metric, provider), cause, was, now))
    ways = flow.rows(
        "SELECT period, release_id, published_at FROM published.release_history WHERE collection = 'workforce' ORDER BY published_at"
    )
    causes, moved = set(), 0
    for one, other in picked.sample(list(itertools.combinations(moments, 2)), 10):
        for period in (FINAL, OPEN):
            on_the_way = [release_id for of, release_id, at in ways if of == period and one[1] < at <= other[1]]
            stood = [release_id for of, release_id, at in ways if of == period and at <= one[1]][-1]
            values, wanted = figures(period, one[1]), figures(period, other[1])
            for previous, release_id in itertools.pairwise([stood, *on_the_way]):
                for key, cause, was, now in steps.get((previous, release_id), ()):
                    assert values.get(key) == was, (
                        period,
                        key,
                        cause,
                    )  # each step begins where the one before it ended
                    values[key] = now
                    causes.add(cause)
                    moved += 1
            # A figure that went away ends as none.
            assert {k: v for k, v in values.items() if v is not None} == {
                k: v for k, v in wanted.items() if v is not None
            }
    assert moved > 100 and {"resubmission", "withdrawn submission", "rollback"} <= causes


# Computed again and equal ---------------------------------------------------------------------------------------------


def stood() -> tuple:
    """All that a refresh of equal figures leaves as it was."""
    tables = ("release", "release_log", "edition", "edition_switch", "revision", "current_release", "movement")
    return tuple(flow.rows(f"SELECT * FROM core.{table} t ORDER BY t") for table in tables)


def test_figures_that_are_computed_again_and_equal_move_nothing(copied, monkeypatch):
    """Bar 4: another version of the methods without another formula leaves editions and revisions as they were."""
    before = stood()
    monkeypatch.setattr(versions, "method_version", lambda collection: "raised")
    assert candidates.stale() == [("workforce", FINAL), ("workforce", OPEN)]
    assert flow.release() == [("workforce", FINAL), ("workforce", OPEN)]
    assert stood() == before and candidates.stale() == []
    again = "SELECT a.period, r.release_id, a.code_version FROM core.computed_again a JOIN core.release r ON release_key = same_as_key ORDER BY 1"
    assert flow.rows(again) == [(FINAL, release_of(FINAL), "raised"), (OPEN, release_of(OPEN), "raised")]
    assert build.make("workforce", OPEN) == build.Built(release_of(OPEN))
    assert stood() == before


def test_one_figure_that_is_another_is_a_new_release_and_a_revision(copied, doubled):
    before = {period: release_of(period) for period in (FINAL, OPEN)}
    assert flow.release() and release_of(FINAL) != before[FINAL]
    assert [row[0] for row in revisions(FINAL)] == [0, 1] and revisions(FINAL)[1][2] > 0
    assert flow.value("SELECT count(*) FROM core.computed_again") == 0


def test_a_withdrawn_release_does_not_come_back_as_equal_figures_of_other_inputs(copied, monkeypatch):
    first = release_of(OPEN)
    send(TRUSTS[0], OPEN, 2, scale=1.7)
    flow.release()
    withdrawn = release_of(OPEN)
    back()
    assert release_of(OPEN) == first and candidates.stale() == []
    monkeypatch.setattr(versions, "method_version", lambda collection: "raised")
    flow.release()
    assert (
        release_of(OPEN) == first and candidates.stale() == []
    )  # its figures wait for a person, whatever they are called
    switch.let_through(withdrawn, reason="It was right.", person="ben")
    assert release_of(OPEN) == withdrawn and candidates.stale() == []

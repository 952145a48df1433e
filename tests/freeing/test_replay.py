"""Bar 6: a replay, run before, announces exactly what then happens: states, findings and figures; and it changes nothing."""

import flow
import pytest
from test_freed import PERIOD, known, other_headings, other_layout, sickness, spoiled
from trust_benchmarks.cli import replay as pages
from trust_benchmarks.records import revalidation_requests
from trust_benchmarks.stewardship.replay import replay
from trust_benchmarks.stores import objects, settings, warehouse

pytestmark = pytest.mark.usefixtures("world")
FIGURES = """SELECT r.collection, r.period, m.metric_id, m.provider_code, m.value, m.percentile_rank, m.quality_flag, m.withheld
             FROM core.current_release c JOIN core.release r USING (release_key) JOIN core.measure m USING (release_key)"""
NAMES = ("value", "percentile_rank", "quality_flag", "withheld")
SEEN = "SELECT rule_id, severity, count(*) FROM core.finding JOIN intake.validations USING (submission_id, rules_version) GROUP BY 1, 2"


def published() -> dict:
    return {tuple(row[:4]): tuple(row[4:]) for row in flow.rows(FIGURES)}


def moves(before: dict, after: dict) -> dict:
    nothing = (None,) * len(NAMES)
    return {
        key: (before.get(key, nothing), after.get(key, nothing))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }


def announced(found) -> dict:
    return {
        (one["collection"], one["period"], one["metric_id"], one["provider_code"]): (
            tuple(one[f"{name}_before"] for name in NAMES),
            tuple(one[f"{name}_after"] for name in NAMES),
        )
        for one in found.figures
    }


def states() -> dict:
    return {
        row[0]: row[1] for row in flow.rows("SELECT submission_id, state FROM intake.submissions WHERE became IS NULL")
    }


def everything() -> tuple:
    tables = flow.rows(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'core' AND table_type = 'BASE TABLE'"
    )
    counts = {name: flow.value(f"SELECT count(*) FROM core.{name}") for (name,) in tables}
    of = settings.load()
    return (
        flow.snapshot(),
        counts,
        [{one.key for one in objects.listing(bucket)} for bucket in (of.archive, of.records, of.inbox)],
    )


def check_announced(found) -> None:
    """Lets the pipeline take up what it would, and compares."""
    before, figures, seen = states(), published(), {row[:2]: row[2] for row in flow.rows(SEEN)}
    flow.take_in()
    flow.release()
    flow.release()
    after = states()
    told = {one["submission_id"]: one["after"] for one in found.submissions if one["when"] == "by itself"}
    assert {key: state for key, state in after.items() if before.get(key) != state} == told
    now = {row[:2]: row[2] for row in flow.rows(SEEN)}
    change = {key: now.get(key, 0) - seen.get(key, 0) for key in now.keys() | seen.keys()}
    said: dict = {}
    for one in found.rules:
        key = (one["rule_id"], one["severity"])
        said[key] = said.get(key, 0) + one["by_itself"] * (1 if one["change"] == "appears" else -1)
    assert {k: v for k, v in change.items() if v} == {k: v for k, v in said.items() if v}
    happened = moves(figures, published())
    assert announced(found) == happened
    assert found.figures_moved == len(happened)


@pytest.fixture
def month():
    """Eight trusts and one unknown; two files are held for other reasons."""
    for number, ods in enumerate(flow.TRUSTS):
        flow.put_return(ods, PERIOD, flow.workforce(ods, scale=1 + number / 10))
    flow.put_return("RZ9", PERIOD, flow.workforce("RZ9", scale=3))
    flow.put_return("RYG", PERIOD, flow.workforce("RYG", scale=2, change=spoiled))
    flow.put("workforce/return.csv", other_headings(flow.workforce("RY8", scale=4)))
    flow.take_in()
    flow.release()


def test_a_new_provider_is_announced(month, learned):
    learned.provider("RZ9")
    before = everything()
    found = replay("workforce")
    assert everything() == before, "a replay changes nothing"
    assert [(one["sender"], one["before"], one["after"]) for one in found.submissions] == [("RZ9", "held", "accepted")]
    assert found.read == 11 and not found.broke
    check_announced(found)


def test_a_new_layout_is_announced(month, learned):
    learned.layout("workforce", other_layout())
    before = everything()
    found = replay("workforce", "2025-04")
    assert everything() == before
    assert [(one["sender"], one["period"], one["version"], one["after"]) for one in found.submissions] == [
        ("RY8", PERIOD, 1, "accepted")
    ]
    # The file that was received as nothing's stays as a fact beside the one that it is now: its findings stay there too.
    flow.take_in()
    flow.release()
    happened = {key[:4]: value for key, value in published().items()}
    assert {key: after for key, (_, after) in announced(found).items()} == {
        key: happened.get(key) for key in announced(found)
    }
    assert replay("workforce").submissions == [] and replay("workforce").figures_moved == 0


def test_a_milder_rule_is_announced(month, learned):
    learned.entry("workforce", "max_rejected_share = 0.0", "max_rejected_share = 0.2")
    found = replay("workforce")
    assert [(one["sender"], one["after"]) for one in found.submissions] == [("RYG", "accepted_with_warnings")]
    check_announced(found)


def test_what_would_happen_on_request_is_told_apart(month, learned):
    learned.entry("workforce", '"" = 10', '"" = 11')
    found = replay("workforce")
    assert {one["when"] for one in found.submissions} == {"on request"} and len(found.submissions) == 8
    assert (found.releases, found.figures_moved) == ([], 0)
    found = replay("workforce", accepted_too=True)
    figures = published()
    flow.take_in()
    with warehouse.connect() as connection:
        revalidation_requests.ask(connection, "workforce", None, True, "amy", "All.")
    flow.take_in()
    flow.release()
    told = {one["submission_id"]: one["after"] for one in found.submissions}
    assert told.items() <= states().items()
    assert announced(found) == moves(figures, published())


def test_a_national_file_and_what_uses_it(learned):
    flow.put("sickness_absence/sickness_absence_2024-04.csv", sickness([*known(60), "RZ9"]))
    flow.take_in()
    flow.release()
    learned.provider("RZ9", sector="acute")
    found = replay("sickness_absence")
    assert [(one["before"], one["after"], one["when"]) for one in found.submissions] == [
        ("accepted_with_warnings", "accepted", "by itself")
    ]
    assert [(one["rule_id"], one["change"], one["by_itself"]) for one in found.rules] == [("STR04", "goes", 1)]
    check_announced(found)


def test_nothing_new_is_nothing_found_and_code_that_breaks_is_told(month, monkeypatch):
    found = replay("workforce")
    assert (found.read, found.same, found.submissions, found.rules, found.releases) == (11, 11, [], [], [])
    assert "No figure would change." in pages.summary(found)
    from trust_benchmarks.stewardship import replay as lab

    monkeypatch.setattr(lab.read_and_validate, "outcome_of", lambda *_: 1 / 0)
    found = replay("workforce")
    assert len(found.broke) == 11 and "ZeroDivisionError" in found.broke[0]["problem"]


def test_the_page_runs_nothing_that_a_file_says(month, learned, tmp_path):
    def hostile(rows):
        rows[3]["fte"] = "<script>alert(1)</script>\u202e"

    flow.put_return("RDY", PERIOD, flow.workforce("RDY", change=hostile))
    flow.take_in()
    learned.entry("workforce", "max_rejected_share = 0.0", "max_rejected_share = 0.2")
    found = replay("workforce", keep=tmp_path / "records")
    found.rules[0]["example"] += "<script>alert(1)</script>\u202e"
    text = pages.page(found)
    assert "<script" not in text and "&lt;script&gt;" in text and "\u202e" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert len(list((tmp_path / "records").glob("*.parquet"))) == 2
    pages._keep(found, tmp_path)
    assert (tmp_path / "figures.csv").read_text().startswith("collection,period,metric_id,provider_code")

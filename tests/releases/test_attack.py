"""Suppressed numbers cannot be recovered from all that a reader of dashboards can read; and the attack that tries does find what leaks."""

import dataclasses

import attack
import flow
import polars as pl
import pytest
from trust_benchmarks import catalogue, reference
from trust_benchmarks.measures import measure
from trust_benchmarks.releases import export
from trust_benchmarks.releases import inputs as release_inputs
from trust_benchmarks.stores import objects, settings, warehouse
from worlds import copy_of

PERIOD = "2025-06"
FIELDS = {
    "WF12": ("appraisals_done", "appraisals_due"),
    "WF13": ("training_compliant_hc", "training_due_hc"),
    "WF16": ("job_plans_signed_off", "job_plans_due"),
}
# Ten trusts that hide nothing, so that all benchmarks are shown (their numbers are fives, the most that an attack can know), and
# three that hide: one part, both, both in all metrics.
LARGE = ("RGD", "RLY", "RMY", "RP7", "RQY", "RT2", "RTQ", "RV5", "RVN", "RWR")
SMALL = {
    "RWV": {"WF12": (3, 21), "WF13": (7, 61), "WF16": (30, 40)},
    "RX2": {"WF12": (5, 6), "WF13": (50, 60), "WF16": (0, 4)},
    "RX3": {"WF12": (35, 50), "WF13": (45, 60), "WF16": (20, 40)},
}
TRUTH = {
    ods: {"WF12": (30 + 5 * n, 100), "WF13": (50 + 5 * n, 120), "WF16": (10 + 5 * n, 80)} for n, ods in enumerate(LARGE)
} | SMALL
# What is sent again: a hidden cell that stays hidden and is another, and cells that come out of hiding, or go into it.
AGAIN = [
    {"RWV": {"WF12": (6, 21), "WF13": (4, 61), "WF16": (30, 40)}},
    {
        "RX2": {"WF12": (9, 13), "WF13": (50, 60), "WF16": (3, 4)},
        "RX3": {"WF12": (2, 50), "WF13": (45, 60), "WF16": (20, 40)},
    },
]


def send(truth: dict, version: int) -> None:
    for ods, parts in truth.items():

        def fill(rows, parts=parts):
            for metric, fields in FIELDS.items():
                rows[0] |= {field: str(count) for field, count in zip(fields, parts[metric], strict=True)}

        flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, change=fill), version=version)
    flow.take_in()


def published() -> str:
    flow.release()
    export.export("workforce", PERIOD)
    return flow.value("SELECT release_id FROM core.standing WHERE period = %s", [PERIOD])


def attacked() -> dict:
    bucket = settings.load().exports
    files = {one.key: objects.get(bucket, one.key)[0] for one in objects.listing(bucket)}
    with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as reader:
        seen = attack.sightings(reader, files)
    assert all(seen[table] for table in ("measures", "benchmarks", "comparisons", "engagement_timeline"))
    return attack.attack(seen)


def few(truth: dict) -> dict[tuple[str, str], tuple[int, int]]:
    """(provider, metric) -> true parts, of the cells in which a part is from 1 to 7."""
    return {
        (ods, metric): parts
        for ods, metrics in truth.items()
        for metric, parts in metrics.items()
        if any(1 <= part <= 7 for part in parts)
    }


@pytest.fixture(scope="module")
def taken_in(shared_world):
    """Thirteen returns, recorded and not yet published."""
    send(TRUTH, version=1)
    return shared_world


EXACT = "(SELECT *, NULL::VARCHAR AS withheld FROM exact)"
# What would leak, and how many hidden cells the attack then has for certain.
LEAKS = {
    "nothing is suppressed": ("measures/_small_numbers", "d.regime IN ('hes', 'mhsds')", "FALSE", 4),
    "values of exact parts": ("measures/_small_numbers", "CASE\n            WHEN NOT counts_people THEN value", "CASE\n            WHEN TRUE THEN value", 1),
    "benchmarks of exact values": ("benchmarks/_spreads", "JOIN measured AS r", f"JOIN {EXACT} AS r", 1),
    "comparisons of exact values": ("benchmarks/_comparisons", "FROM measured", f"FROM {EXACT}", 1),
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_the_attack_recovers_what_leaks(taken_in, monkeypatch, leak):
    name, good, bad, least = LEAKS[leak]
    read = measure._sql
    assert good in read(name)
    monkeypatch.setattr(measure, "_sql", lambda one: read(one).replace(good, bad) if one == name else read(one))
    with copy_of(taken_in):
        release = published()
        left = attacked()
        objects.delete(settings.load().exports, [one.key for one in objects.listing(settings.load().exports)])
    recovered = {(ods, metric): left[release, ods, metric] for ods, metric in few(TRUTH)}
    certain = {cell for cell, pairs in recovered.items() if pairs == {few(TRUTH)[cell]}}
    assert len(certain) >= least, {cell: sorted(pairs)[:8] for cell, pairs in recovered.items()}


# Other truths behind the same hidden cells; where a part is shown, one that rounds to the same number.
OTHERS = (
    {
        "RWV": {"WF12": (7, 19), "WF13": (1, 58), "WF16": (28, 42)},
        "RX2": {"WF12": (1, 7), "WF13": (48, 62), "WF16": (0, 1)},
    },
    {
        "RWV": {"WF12": (1, 22), "WF13": (4, 62), "WF16": (32, 38)},
        "RX2": {"WF12": (2, 2), "WF13": (52, 58), "WF16": (0, 7)},
    },
)


def test_nothing_published_depends_on_which_small_number_it_was(taken_in, tmp_path):
    """The strongest attacker knows every other cell; with any other truth behind the hidden ones he would see the same."""
    with warehouse.connect() as connection:
        inputs = release_inputs.load(connection, "workforce", PERIOD).inputs
    published = measure.compute(inputs)
    assert published.measures["suppressed"].sum() == len(few(TRUTH))
    for number, other in enumerate(OTHERS):
        changed = []
        for path in inputs.records["workforce"]:
            frame = pl.read_parquet(path)
            for metric, counts in other.get(frame["ods_code"][0], {}).items():
                for field, count in zip(FIELDS[metric], counts, strict=True):
                    assert frame[field].drop_nulls().len() == 1
                    frame = frame.with_columns(pl.when(pl.col(field).is_not_null()).then(count).alias(field))
            changed.append(tmp_path / f"{number}-{path.name}")
            frame.write_parquet(changed[-1])
        same = measure.compute(dataclasses.replace(inputs, records=inputs.records | {"workforce": changed}))
        for name in ("measures", "benchmarks", "comparisons"):
            assert getattr(same, name).equals(getattr(published, name)), name


def test_what_is_suppressed_cannot_be_recovered_from_all_releases(taken_in):
    truth, releases = dict(TRUTH), {}
    releases[published()] = dict(truth)
    for version, again in enumerate(AGAIN, 2):
        send(again, version)
        truth |= again
        releases[published()] = dict(truth)
    assert len(releases) == 3 and flow.value(
        "SELECT count(*) FROM published.movements WHERE metric_id = ANY(%s)", [list(FIELDS)]
    )
    left, tried = attacked(), 0
    for release, truth in releases.items():
        hidden = few(truth)
        rows = flow.rows(
            "SELECT provider_code, metric_id, numerator, denominator, value, suppressed FROM core.measure WHERE release_key = core.key_of(%s)",
            [release],
        )
        shown = {row[:2]: row[2:] for row in rows if row[1] in FIELDS and row[0] in TRUTH}
        assert {cell for cell, (*_, suppressed) in shown.items() if suppressed} == set(hidden)
        for (ods, metric), parts in hidden.items():
            pairs = left[release, ods, metric]
            assert parts in pairs, "the attack left out the truth: it assumes too much"
            for place, part in enumerate(parts):
                if 1 <= part <= 7:
                    assert shown[ods, metric][place] is None and shown[ods, metric][2] is None
                    assert len({pair[place] for pair in pairs}) >= 5, (release, ods, metric, sorted(pairs))
                    tried += 1
    assert tried == 15


def test_people_who_left_are_no_more_than_people_in_post_tell():
    """Turnover's numerator stands beside headcounts, which fall when people leave: exact ones would tell the least of it."""
    people, left = [104, 103, 101, 101, 100, 99, 98], 6
    assert attack.fewest_leavers([(n, n) for n in people]) == left
    assert attack.fewest_leavers([(5 * round(n / 5) - 2, 5 * round(n / 5) + 2) for n in people]) <= 3


def test_every_collection_says_how_it_protects_people():
    for path in sorted(catalogue.FOLDER.glob("*/collection.toml")):
        assert "\ndisclosure = " in path.read_text(), (
            f"{path.parent.name}: add disclosure, one of {', '.join(catalogue.REGIMES)}."
        )
    protected = {}
    for one in catalogue.all().values():
        if one.disclosure in ("hes", "mhsds"):
            for metric in reference.load().metrics:
                default = "both" if metric.disclosure_class == "persons" else "neither"
                if (
                    one.name in metric.fed_by
                    and (parts := one.people_parts.get(metric.metric_id, default)) != "neither"
                ):
                    protected[metric.metric_id] = parts
                    # What a unit is worth is made of exact parts, so that these are published without money.
                    assert metric.monetised == "no", metric
    ours = {key: parts for key, parts in protected.items() if key.startswith("WF")}
    assert ours == {"WF02": "denominator", "WF05": "both", "WF12": "both", "WF13": "both", "WF16": "both"}

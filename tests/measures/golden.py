"""Golden figures: what every collection and method gives for fixed inputs, as digests. `python tests/measures/golden.py` records them.

A family is a collection (its measures, prices and cross findings) or a method that all share (measures/versions.toml). Inputs are
the cases of tests/sql and random returns; each has a name with a digest of what goes in, so that figures are compared only where
they are computed from the same inputs.
"""

import dataclasses
import hashlib
import sys
import tempfile
import tomllib
from pathlib import Path

import polars as pl

GOLDEN = Path(__file__).with_name("golden_versions.toml")
sys.path.append(str(Path(__file__).resolve().parents[1] / "sql"))

import random_returns  # noqa: E402
import second_calculation  # noqa: E402
import sql_cases  # noqa: E402
from trust_benchmarks import catalogue  # noqa: E402
from trust_benchmarks.measures import derived, measure, profiles, versions  # noqa: E402
from trust_benchmarks.reference import calendar  # noqa: E402
from trust_benchmarks.validation import profile  # noqa: E402

# What figures follow from in the definition of a metric.
DEFINING = (
    "metric_id",
    "formula",
    "denominator",
    "polarity",
    "period",
    "benchmark_default",
    "min_peers_median",
    "opportunity_root",
)
DEFINING += (
    "disclosure_class",
    "missing_rows",
    "tolerates_missing",
    "window_months",
    "window",
    "fed_by",
    "version",
    "funnel",
    "interval",
    "series",
    "adjust_for_size",
)
RANKS = ["percentile_rank", "rank_withheld"]


def figures(out: Path, *, cases: bool = True) -> dict[str, dict[str, str]]:
    """Family -> name of the inputs -> digest of what comes out; a family that gives nothing for an input leaves it out.

    Args:
        cases: whether the cases of tests/sql are computed too, besides the random returns.
    """
    found = {one.name: {"declared": _digest([], _declared(one))} for one in catalogue.all().values()}
    for name, inputs in _inputs(out, cases):
        given = _given(inputs)
        for family, frames in _families(inputs).items():
            if any(frame.height for frame in frames):
                found.setdefault(family, {})[f"{name} {given}"] = _digest(frames)
    return found


def _declared(one: catalogue.Collection) -> list[str]:
    """What a collection declares that its figures follow from."""
    asked = sorted(profile.settings(one.name).items())
    return [repr(fact) for fact in (one.disclosure, sorted(one.people_parts.items()), one.size, one.alike, asked)]


def _inputs(out: Path, cases: bool = True):
    for case in sql_cases.folders() if cases else ():
        folder = out / case.parent.name / case.name
        folder.mkdir(parents=True)
        yield f"{case.parent.name}/{case.name}", sql_cases.inputs(case, folder)
    for collection in second_calculation.collections():
        folder = out / collection / "random returns"
        folder.mkdir(parents=True)
        made, _ = random_returns.make(collection, 1, folder)
        yield f"{collection}/random returns", dataclasses.replace(made, profiles=_profiles(made))


def _profiles(inputs: measure.Inputs) -> pl.DataFrame:
    """The profile of every submission of the collection itself."""
    found = [profiles.empty()]
    for path in inputs.records[inputs.collection]:
        for (submission_id,), records in pl.read_parquet(path).group_by("submission_id", maintain_order=True):
            of_one = profile.of(records, inputs.collection)
            found.append(of_one.select(pl.lit(submission_id).alias("submission_id"), *profile.COLUMNS))
    return pl.concat(found)


def _families(inputs: measure.Inputs) -> dict[str, list[pl.DataFrame]]:
    results = measure.compute(inputs)
    tables = derived.add({"measure": results.measures}, inputs.period, inputs.reference)
    keys, about_returns = ["metric_id", "provider_code"], pl.col("metric_id").str.starts_with("DQ")
    own = results.measures.drop(RANKS)
    prices = [results.prices_spread, results.prices_position, results.price_list]
    return {
        inputs.collection: [own.filter(~about_returns), results.cross_findings, *prices],
        "data_quality": [own.filter(about_returns)],
        "ranks": [results.measures.select(*keys, *RANKS).drop_nulls("percentile_rank")],
        "spreads": [results.benchmarks, results.peer_groups, results.peers],
        "comparisons": [results.comparisons],
        "series": [tables["measure"].select(*keys, "restarts"), tables["series_rule"], tables["successor"]],
        "funnel": [tables["funnel"]],
        "intervals": [tables["value_interval"]],
        "size_adjusted": [tables["size_cost"]],
    }


def _given(inputs: measure.Inputs) -> str:
    """A digest of all that goes in; of definitions what figures follow from."""
    known = inputs.reference
    frames = [pl.read_parquet(path) for paths in inputs.records.values() for path in sorted(paths)]
    defined = known.metrics_in(calendar.period_start(inputs.period))
    facts = [repr([getattr(metric, name) for name in DEFINING]) for metric in defined]
    facts += map(repr, (known.providers, known.successions, inputs.period))
    given = [*frames, inputs.submissions, inputs.expected, inputs.provider_rows, inputs.profiles.drop("sketch")]
    return _digest(given, facts)


def _digest(frames: list[pl.DataFrame], facts: list[str] = ()) -> str:
    """Of figures the first ten digits: the last ones may differ between machines."""
    digest = hashlib.sha256("\n".join(facts).encode())
    for frame in frames:
        rounded = frame.select(pl.col(pl.Float64).round_sig_figs(10), pl.exclude(pl.Float64))
        if rounded.width:
            rounded = rounded.select(sorted(rounded.columns)).sort(sorted(rounded.columns))
        digest.update(rounded.write_csv().encode())
    return digest.hexdigest()[:10]


def declared() -> dict[str, int]:
    """Every family and the version that it says it has."""
    return {name: one.measures_version for name, one in catalogue.all().items()} | versions.shared()


def problems(golden: dict, found: dict[str, dict[str, str]], now: dict[str, int]) -> list[str]:
    """What is wrong with the declared versions, in words.

    Args:
        golden: family -> {version, figures}, as recorded.
        found: family -> name of the inputs -> digest, as computed now.
        now: family -> declared version.
    """
    wrong = []
    for family, version in now.items():
        if family not in golden:
            continue
        recorded, before = golden[family]["figures"], golden[family]["version"]
        same_inputs = recorded.keys() & found.get(family, {}).keys()
        moved = sorted(name for name in same_inputs if recorded[name] != found[family][name])
        if moved and version == before:
            wrong.append(
                f"The figures of {family} changed for the same inputs ({', '.join(moved[:3])}), and its version is still {version}. "
                f"Raise it to {version + 1} and run python tests/measures/golden.py."
            )
        elif not moved and version != before:
            wrong.append(f"The version of {family} is {version} (was {before}), and no figure changed. Put it back.")
    return wrong


def recorded() -> dict:
    """The golden figures, as they were recorded."""
    return tomllib.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}


def record() -> list[str]:
    """Writes the golden figures as they are now, unless a version is wrong; returns what is."""
    with tempfile.TemporaryDirectory() as folder:
        found = figures(Path(folder))
    wrong = problems(recorded(), found, declared())
    if not wrong:
        lines = ["# Written by tests/measures/golden.py; test_golden_versions.py says what it is for.\n"]
        for family, version in declared().items():
            lines += [f"\n[{family}]\nversion = {version}\n", f"\n[{family}.figures]\n"]
            lines += [f'"{name}" = "{digest}"\n' for name, digest in sorted(found.get(family, {}).items())]
        GOLDEN.write_text("".join(lines), encoding="utf-8")
    return wrong


if __name__ == "__main__":
    sys.exit("\n".join(record()))

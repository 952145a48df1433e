"""The rows of a release: measures, benchmarks and prices computed from what was gathered, marked with the decisions they rest on."""

from dataclasses import replace

import polars as pl

from .. import reference
from ..measures import derived, measure
from ..reference import calendar
from .inputs import Gathered


def figures(gathered: Gathered) -> dict[str, pl.DataFrame]:
    """The rows of a release, by the table of schema core that they go to, without release_id."""
    results = measure.compute(gathered.inputs)
    apart = _kept_apart(gathered.inputs.records[gathered.collection], gathered.own)
    tables = _tables(results, gathered.period, apart)
    if gathered.decided:
        without = measure.compute(_undecided(gathered)).measures
        tables["measure"] = _marked(tables["measure"], without, gathered.decided)
    return derived.add(tables, gathered.period, gathered.inputs.reference)


def _undecided(gathered: Gathered) -> measure.Inputs:
    """The inputs as they would be if nobody had accepted, waived or corrected anything."""
    inputs, gone = gathered.inputs, []
    records = {name: list(paths) for name, paths in inputs.records.items()}
    for one in gathered.decided:
        records[one["collection"]].remove(one["path"])
        if one["plain_path"]:
            records[one["collection"]].append(one["plain_path"])
        else:
            gone.append(one["submission_id"])
    changed = [one["submission_id"] for one in gathered.decided]
    kept = inputs.provider_rows.filter(~pl.col("submission_id").is_in(changed))
    counted = pl.concat([kept, *(one["plain_rows"] for one in gathered.decided)])
    counts = pl.col("is_current") & ~pl.col("submission_id").is_in(gone)
    submissions = inputs.submissions.with_columns(is_current=counts)
    return replace(inputs, records=records, submissions=submissions, provider_rows=counted)


def _marked(measures: pl.DataFrame, without: pl.DataFrame, decided: list[dict]) -> pl.DataFrame:
    """Measures with the decisions that they rest on: those about the provider where its figure would else be another."""
    about: dict[str, set[int]] = {}
    national: set[int] = set()
    for one in decided:
        for decision_id, provider in zip(one["decisions"], one["providers"], strict=True):
            code = provider or one["provider_code"]
            national.add(decision_id) if code is None else about.setdefault(code, set()).add(decision_id)
    keys, values = ["metric_id", "provider_code"], ["numerator", "denominator", "value"]
    other = without.select(*keys, *(pl.col(name).alias(f"{name}_without") for name in values))
    joined = measures.join(other, on=keys, how="left", maintain_order="left")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_without")) for name in values)
    marks = {
        code: "{" + ",".join(map(str, sorted(about.get(code, set()) | national))) + "}"
        for code in measures["provider_code"].unique()
    }
    mark = pl.col("provider_code").replace_strict(marks, default="{}", return_dtype=pl.String)
    return joined.select(*measures.columns, decisions=pl.when(differs).then(mark).otherwise(pl.lit("{}")))


def _kept_apart(paths, own: pl.DataFrame) -> pl.DataFrame:
    """Rows of this period that are about bodies other than providers, counted by body."""
    schema = {"body_code": pl.String, "body_name": pl.String, "body_type": pl.String, "rows": pl.Int64}
    names = pl.scan_parquet(paths).collect_schema().names() if paths else []
    if "org_type" not in names:
        return pl.DataFrame(schema=schema)
    other = pl.scan_parquet(paths).filter(
        (pl.col("body") != "provider") & pl.col("submission_id").is_in(own["submission_id"].implode())
    )
    counted = other.group_by(body_code="ods_code", body_name="org_name", body_type="org_type").agg(
        rows=pl.len().cast(pl.Int64)
    )
    return counted.sort("body_code").collect().cast(schema)


def _tables(results: measure.Results, period: str, kept_apart: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Result frames by the table of schema core that they go to, with the names and units that were true in the period."""
    known, end = reference.load(), calendar.period_end(period)
    defined = {metric.metric_id: metric for metric in known.metrics_in(calendar.period_start(period))}
    units = {metric_id: metric.unit for metric_id, metric in defined.items()}
    codes = results.measures["provider_code"].unique().to_list()
    names = {code: known.name_on(code, end) for code in codes if known.knows(code)}
    measures = results.measures.with_columns(
        provider_name=pl.col("provider_code").replace_strict(names, default=None, return_dtype=pl.String),
        unit=pl.col("metric_id").replace_strict(units, default=None, return_dtype=pl.String),
    )
    return {
        "measure": measures,
        "release_metric": _versions(measures, defined),
        "benchmark": results.benchmarks,
        "peer_group": results.peer_groups,
        "peer": results.peers,
        "peer_benchmark": results.peer_benchmarks,
        "comparison": results.comparisons,
        "price_spread": results.prices_spread,
        "price_position": results.prices_position,
        "price_list": results.price_list,
        "cross_finding": results.cross_findings,
        "kept_apart": kept_apart,
    }


def _versions(measures: pl.DataFrame, defined: dict[str, reference.Metric]) -> pl.DataFrame:
    """Which version of its metric each figure follows."""
    used = [(one, defined[one].version) for one in sorted(set(measures["metric_id"])) if one in defined]
    return pl.DataFrame(used, schema={"metric_id": pl.String, "version": pl.Int64}, orient="row")

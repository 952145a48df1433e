"""The rows of a release: measures, benchmarks and prices computed from its inputs, marked with the decisions they rest on."""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from .. import reference, sql
from ..measures import derived, measure
from ..reference import calendar
from . import without_decisions
from .inputs import ReleaseInputs

# The publisher's own totals beside what the rows add up to: core.release_total.
TOTAL: dict[str, Any] = {
    "subject": pl.String,
    "published": pl.Float64,
    "summed": pl.Float64,
    "slack": pl.Float64,
    "withheld": pl.Int64,
}


def figures(given: ReleaseInputs) -> dict[str, pl.DataFrame]:
    """The rows of a release, by the table of schema core that they go to, without release_id."""
    results = measure.compute(given.inputs)
    apart = _kept_apart(given.inputs.records[given.collection], given.own)
    tables = _tables(results, given.period, apart)
    if given.decided:
        without = measure.compute(without_decisions.undecided(given.inputs, given.decided)).measures
        tables["measure"] = without_decisions.marked(tables["measure"], without, given.decided)
    return {**derived.add(tables, given.period, given.inputs.reference), "release_total": _totals(given)}


def figures_hash(tables: Mapping[str, pl.DataFrame]) -> str:
    """Names rows by what they say: equal for equal rows in every table, whatever their order."""
    digest = hashlib.sha256()
    for name, frame in sorted(tables.items()):
        columns = sorted(frame.columns)
        rows = frame.select(columns).sort(columns).write_csv(null_value="", quote_style="non_numeric")
        digest.update(f"{name}:{len(rows)}\n{rows}".encode())
    return digest.hexdigest()


def _kept_apart(paths: list[Path], own: pl.DataFrame) -> pl.DataFrame:
    """Rows of this period that are about bodies other than providers, counted by body."""
    schema: dict[str, Any] = {"body_code": pl.String, "body_name": pl.String, "body_type": pl.String, "rows": pl.Int64}
    names = pl.scan_parquet(paths).collect_schema().names() if paths else []
    if "org_type" not in names:
        return pl.DataFrame(schema=schema)
    other = pl.scan_parquet(paths).filter(
        (pl.col("body") != "provider") & pl.col("submission_id").is_in(own["submission_id"].implode())
    )
    counted = other.group_by(body_code="ods_code", body_name="org_name", body_type="org_type").agg(
        rows=pl.len().cast(pl.Int64)
    )
    return counted.sort("body_code").collect().cast(pl.Schema(schema))


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


def _totals(given: ReleaseInputs) -> pl.DataFrame:
    """The publisher's own totals beside what the rows add up to, with the columns of `TOTAL`; empty where a collection has no such file."""
    path = sql.FOLDER / "totals" / f"{given.collection}.sql"
    paths = given.inputs.records[given.collection]
    if not path.exists() or not paths:
        return pl.DataFrame(schema=TOTAL)
    with closing(duckdb.connect()) as db:
        db.register("own", given.own.select("submission_id").to_arrow())
        files = ", ".join("'" + str(one).replace("'", "''") + "'" for one in sorted(map(str, paths)))
        db.execute(
            f"CREATE TEMP VIEW records AS SELECT * FROM read_parquet([{files}], union_by_name = true) SEMI JOIN own USING (submission_id)"
        )
        found: pl.DataFrame = db.sql(path.read_text(encoding="utf-8")).pl()
        return found.cast(pl.Schema(TOTAL)).sort("subject")

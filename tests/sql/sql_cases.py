"""Reads a folder of CSV files into `measure.Inputs`: what the SQL tests are made of.

A case is tests/sql/<collection>/<case>/ with
    README.md             one sentence: what it shows
    submissions.csv       submission_id, period, provider_code; other columns have defaults (an accepted first version)
    records.csv           submission_id and the schema's fields; fields left out are empty, lines count up
    <other>_records.csv   the same for a collection that this one uses
    expected.csv          period, sender: which returns are due; its last period is the one computed
    providers.csv         provider_code, sector
    provider_rows.csv     (optional) submission_id, provider_code, rows_sent, rows_used: where not every row that was sent is a record
    successions.csv       (optional) from_code, to_code, legal_date, type
    expected_<output>.csv what must come out, e.g. expected_measures.csv: exactly these rows for the metrics it names
Metrics and holidays are those of the reference data.
"""

import dataclasses
import datetime as dt
from pathlib import Path

import polars as pl
from trust_benchmarks import reference, schemas
from trust_benchmarks.measures import input_tables, measure

FOLDER = Path(__file__).parent
NEEDED = ("README.md", "submissions.csv", "records.csv", "expected.csv", "providers.csv")
DEFAULTS = {
    "part": "",
    "version": "1",
    "state": "accepted",
    "is_current": "true",
    "is_sample": "false",
    "on_time": "true",
    "cells_expected": "10",
    "cells_valid": "10",
}


def folders() -> list[Path]:
    """Every case, complete or not."""
    return sorted(p for p in FOLDER.glob("*/*") if p.is_dir() and p.name != "__pycache__")


def missing(folder: Path) -> list[str]:
    """What a case lacks, in words."""
    problems = [f"{name} is not there" for name in NEEDED if not (folder / name).exists()]
    problems += [f"{p.name} is empty" for p in folder.glob("*") if p.is_file() and not p.read_text().strip()]
    outputs = list(folder.glob("expected_*.csv"))
    if not outputs:
        problems.append("no expected_*.csv says what must come out")
    for path in outputs:
        name = path.stem.removeprefix("expected_")
        if name not in measure.OUTPUTS:
            problems.append(f"{path.name} names no output; outputs are {', '.join(measure.OUTPUTS)}")
        # No finding is a fact worth expecting; no measure is not.
        elif len(path.read_text().strip().splitlines()) < 2 and name != "cross_findings":
            problems.append(f"{path.name} has no rows")
    return problems


def texts(path: Path) -> pl.DataFrame:
    """A CSV file as text; empty cells are null."""
    return pl.read_csv(path, infer_schema=False)


def inputs(folder: Path, out: Path) -> measure.Inputs:
    """The case's inputs, with records written as Parquet to `out`, one file a submission."""
    collection = folder.parent.name
    expected = texts(folder / "expected.csv").with_columns(pl.lit(collection).alias("collection"))
    submissions = texts(folder / "submissions.csv")
    if "collection" not in submissions.columns:
        submissions = submissions.with_columns(pl.lit(None, dtype=pl.String).alias("collection"))
    submissions = submissions.with_columns(pl.col("collection").fill_null(collection))
    if "sender" not in submissions.columns:
        submissions = submissions.with_columns(pl.col("provider_code").alias("sender"))
    for column in measure.SUBMISSIONS:
        default = pl.lit(DEFAULTS.get(column), dtype=pl.String)
        submissions = submissions.with_columns(
            (pl.col(column).fill_null(default) if column in submissions.columns else default).alias(column)
        )
    records = {collection: records_of(folder / "records.csv", collection, submissions, out)}
    for path in folder.glob("*_records.csv"):
        other = path.stem.removesuffix("_records")
        records[other] = records_of(path, other, submissions, out)
    rows_of = pl.DataFrame(schema=measure.PROVIDER_ROWS)
    if (folder / "provider_rows.csv").exists():
        rows_of = provider_rows(records[collection], texts(folder / "provider_rows.csv"))
    providers = [
        reference.Provider(
            r["provider_code"], f"{r['provider_code']} Trust", r["sector"], "London", "trust", None, None
        )
        for r in texts(folder / "providers.csv").to_dicts()
    ]
    successions = []
    if (folder / "successions.csv").exists():
        successions = [
            reference.Succession(
                r["from_code"], r["to_code"], dt.date.fromisoformat(r["legal_date"]), r["type"], "test", "yes"
            )
            for r in texts(folder / "successions.csv").to_dicts()
        ]
    return measure.Inputs(
        collection=collection,
        period=expected["period"].max(),
        records=records,
        submissions=submissions.select(typed(submissions, measure.SUBMISSIONS)),
        expected=expected,
        reference=dataclasses.replace(reference.load(), providers=providers, successions=successions),
        provider_rows=rows_of,
    )


def provider_rows(paths: list[Path], said: pl.DataFrame) -> pl.DataFrame:
    """The rows of each submission and provider: as they are in the records, but where `said` says otherwise."""
    counted = pl.concat([pl.read_parquet(path, columns=["submission_id", "provider_code"]) for path in paths])
    counted = counted.group_by("submission_id", "provider_code").agg(rows_used=pl.len().cast(pl.Int64))
    counted = counted.with_columns(rows_sent="rows_used", rows_warned=pl.lit(0, dtype=pl.Int64))
    told = said.with_columns(pl.col("rows_sent", "rows_used").cast(pl.Int64), rows_warned=pl.lit(0, dtype=pl.Int64))
    keys = ["submission_id", "provider_code"]
    return pl.concat([told, counted.join(told, on=keys, how="anti")], how="diagonal").select(
        list(measure.PROVIDER_ROWS)
    )


def records_of(path: Path, collection: str, submissions: pl.DataFrame, out: Path) -> list[Path]:
    """Writes a case's records of one collection; returns the paths."""
    types = record_types(collection)
    rows = texts(path)
    unknown = set(rows.columns) - set(types)
    assert not unknown, f"{path}: {unknown} are no fields of {collection}. Expected some of {list(types)}."
    of = submissions.select("submission_id", pl.col("provider_code").alias("sent_for"))
    rows = rows.join(of, on="submission_id", how="left", maintain_order="left")
    if "provider_code" not in rows.columns:
        rows = rows.with_columns(pl.col("sent_for").alias("provider_code"))
    if "body" not in rows.columns:
        rows = rows.with_columns(pl.lit("provider").alias("body"))
    rows = rows.with_columns((pl.int_range(pl.len()).over("submission_id") + 2).cast(pl.String).alias("line"))
    paths = []
    for (submission_id,), group in rows.select(typed(rows, types)).group_by("submission_id", maintain_order=True):
        paths.append(out / f"{collection}-{submission_id}.parquet")
        group.write_parquet(paths[-1], compression="lz4")
    return paths


def record_types(collection: str) -> dict:
    """Columns of a record, by type."""
    return input_tables.RECORD | {name: field.dtype for name, field in schemas.load(collection).fields.items()}


def typed(frame: pl.DataFrame, types: dict) -> list[pl.Expr]:
    """Text columns as their types; columns that are not there are null."""
    return [
        (
            pl.lit(None, dtype=dtype)
            if name not in frame.columns
            else (pl.col(name) == "true")
            if dtype == pl.Boolean
            else pl.col(name).str.to_date("%Y-%m-%d")
            if dtype == pl.Date
            else pl.col(name).cast(dtype)
        ).alias(name)
        for name, dtype in types.items()
    ]

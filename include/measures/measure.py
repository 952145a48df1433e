"""Computes the measures, benchmarks and prices of one collection and period: SQL files over current submissions' records.

A pure function of its inputs: no services, nothing kept. DuckDB runs the files of include/sql over the Parquet objects;
figures are the same whatever the order of the files and the number of threads.
"""

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
from trust_benchmarks import reference, sql
from trust_benchmarks.measures import input_tables, peer_groups, profiles, size_adjusted
from trust_benchmarks.measures.input_tables import MeasureError, table, types

SUBMISSIONS = types(
    "collection period provider_code sender part submission_id state plain_state",
    whole="version rows_read rows_recorded rows_rejected cells_expected cells_valid plain_cells_expected plain_cells_valid",
    yes_no="is_current is_sample on_time identified",
)
EXPECTED = types("collection period sender")
EXPECTED_IN_FILE = types("collection period provider_code")
PROVIDER_ROWS = types("submission_id provider_code", whole="rows_sent rows_used rows_warned")

# Tables of the warehouse's core schema, without release_id: what order their columns stand in, and what sorts them.
OUTPUTS = {
    "measures": (
        "metric_id provider_code numerator denominator value quality_flag percentile_rank peer_group is_sample suppressed "
        "rows_sent rows_used months_covered months_expected completeness withheld rank_withheld",
        ["metric_id", "provider_code"],
    ),
    "benchmarks": (
        "metric_id peer_group providers minimum lower_quartile median upper_quartile maximum is_sample",
        ["metric_id", "peer_group"],
    ),
    "peer_groups": ("provider_code basis peer_group features", ["basis", "provider_code"]),
    "peers": (
        "provider_code basis peer_code distance features",
        ["provider_code", "basis", "distance", "peer_code"],
    ),
    "peer_benchmarks": (
        "metric_id provider_code basis peer_group peers peers_with_value minimum lower_quartile median upper_quartile "
        "maximum is_sample",
        ["metric_id", "provider_code", "basis"],
    ),
    "comparisons": (
        "metric_id provider_code benchmark_kind benchmark_value variance is_better opportunity_gbp "
        "stretch_opportunity_gbp adds_to_total adds_over",
        ["metric_id", "provider_code", "benchmark_kind"],
    ),
    "cross_findings": (
        "submission_id rule_id provider_code sheet line column_name raw_value message",
        ["submission_id", "rule_id", "line", "column_name", "raw_value", "message"],
    ),
    "prices_spread": (
        "product_code code_type base_unit description trusts lines spend_gbp lowest lower_quartile median "
        "upper_quartile highest suspects_left_out is_sample",
        ["product_code", "code_type"],
    ),
    "prices_position": (
        "product_code code_type base_unit provider_code lines base_units spend_gbp unit_price_gbp variance_to_median "
        "opportunity_to_median_gbp opportunity_to_lowest_gbp is_sample",
        ["product_id", "provider_code"],  # product_id is in the order of product_code and code_type
    ),
    "price_list": (
        "part line_key product_code pack_code name supplier pack_size unit price_pence price_per_unit_pence "
        "change_on_previous_pence is_sample",
        ["part", "line_key"],
    ),
}
TYPES = types(
    "metric_id provider_code quality_flag peer_group benchmark_kind submission_id rule_id sheet column_name raw_value "
    "message product_code code_type base_unit description part line_key pack_code name supplier unit withheld rank_withheld adds_over "
    "basis peer_code features",
    "numerator denominator value percentile_rank minimum lower_quartile median upper_quartile maximum benchmark_value "
    "variance opportunity_gbp stretch_opportunity_gbp spend_gbp lowest highest base_units unit_price_gbp "
    "variance_to_median opportunity_to_median_gbp opportunity_to_lowest_gbp pack_size price_pence "
    "price_per_unit_pence change_on_previous_pence completeness distance",
    "providers line trusts lines suspects_left_out rows_sent rows_used months_covered months_expected peers peers_with_value",
    "is_sample is_better adds_to_total suppressed",
)


MADE = "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"
CROSS_FINDING = {name: TYPES[name] for name in OUTPUTS["cross_findings"][0].split()}
# What a file of measures may give: gbp_per_unit is what one unit of a metric's value is worth; months_covered where not every return of
# the window could be used; withheld why there is no value, where that does not follow from the parts.
COMPUTED = types("metric_id provider_code withheld", "numerator denominator value gbp_per_unit", whole="months_covered")


@dataclass(frozen=True)
class Inputs:
    """All that the figures of one collection and period depend on.

    Attributes:
        collection: its name in the catalogue.
        period: month '2025-06' or financial year '2016-17'.
        records: Parquet paths of the current submissions' records: the collection's own over the months that its
            measures look back, and those of the collections it uses.
        submissions: one row a submission of that window, columns as in `SUBMISSIONS` (own collection: also those
            that are not current; with every submission that `records` holds). What begins with `plain_` is what it is
            without decisions (left out: the same), and `identified` whether it can be seen to be the return it was sent as.
        expected: one row a return that is due, columns as in `EXPECTED`.
        reference: `reference.load()`.
        provider_rows: rows sent, used and warned about of each provider in the validated submissions of that window,
            columns as in `PROVIDER_ROWS`. Where a submission has none, its records count as all that was sent.
        expected_in_file: the trusts that must be in a national file of the period, columns as in `EXPECTED_IN_FILE`.
        profiles: what the own collection's validated submissions of that window look like as a whole, also of those that no
            longer count; columns as in `profiles.PROFILES`. Of periods before the last three, columns of numbers are enough.
    """

    collection: str
    period: str
    records: dict[str, list[Path]]
    submissions: pl.DataFrame
    expected: pl.DataFrame
    reference: reference.Tables
    provider_rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROVIDER_ROWS))
    expected_in_file: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EXPECTED_IN_FILE))
    profiles: pl.DataFrame = field(default_factory=profiles.empty)


@dataclass(frozen=True)
class Results:
    """The figures, a frame a table with the columns of `OUTPUTS`; empty where a collection has none."""

    measures: pl.DataFrame
    benchmarks: pl.DataFrame
    peer_groups: pl.DataFrame
    peers: pl.DataFrame
    peer_benchmarks: pl.DataFrame
    comparisons: pl.DataFrame
    cross_findings: pl.DataFrame
    prices_spread: pl.DataFrame
    prices_position: pl.DataFrame
    price_list: pl.DataFrame


def compute(inputs: Inputs, *, threads: int | None = None, memory_limit: str = "700MB") -> Results:
    """The figures of one collection and period.

    Args:
        inputs: what they depend on.
        threads: how many threads DuckDB may use; figures do not depend on it. None: one for small records, for which sharing out
            takes longer than computing, else two.
        memory_limit: what DuckDB may hold in memory before it spills to a temporary folder.

    Raises:
        MeasureError: when records and submissions do not belong together, or a collection has no measures file.
    """
    if threads is None:
        paths = [path for own in inputs.records.values() for path in own]
        threads = 1 if input_tables.are_small(paths) else 2
    with tempfile.TemporaryDirectory() as spill, closing(duckdb.connect()) as db:
        db.execute(f"SET threads = {int(threads)}")
        db.execute("SET preserve_insertion_order = false")
        db.execute("SET memory_limit = ?", [memory_limit])
        db.execute("SET temp_directory = ?", [spill])
        _load(db, inputs)
        _run(db, inputs.collection, inputs.reference)
        made = {row[0] for row in db.execute(MADE).fetchall()}
        return Results(**{name: _output(db, name, made) for name in OUTPUTS})


def _load(db: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    input_tables.load_declared(db, inputs.collection, inputs.period, inputs.reference)
    table(db, "submissions", inputs.submissions, SUBMISSIONS)
    table(db, "expected", inputs.expected, EXPECTED)
    table(db, "provider_rows", inputs.provider_rows, PROVIDER_ROWS)
    table(db, "expected_in_file", inputs.expected_in_file, EXPECTED_IN_FILE)
    input_tables.load_records(db, inputs.collection, inputs.records)
    profiles.load(db, inputs.collection, inputs.profiles)
    size_adjusted.expected_by_size(db)


def _run(db: duckdb.DuckDBPyConnection, collection: str, known: reference.Tables) -> None:
    """Every SQL file that concerns the collection, each making tables for those after it."""
    if not _exists(f"measures/{collection}"):
        raise MeasureError(
            f"There is no {collection}.sql in include/sql/measures. Write the collection's measures there."
        )
    for script in (
        "measures/_received",
        "measures/_returns",
        "cross/_breaks",
        f"benchmarks/{collection}",
        "measures/_windows",
    ):
        if _exists(script):
            db.execute(_sql(script))
    db.execute(_sql("cross/_past"))
    looked_at = ["cross/_profiles"] + ["cross/_profiles_by_provider"] * profiles.by_provider(collection)
    _union(db, "cross_findings", CROSS_FINDING, [f"cross/{collection}", *looked_at])
    db.execute(_sql("cross/_flags"))
    _union(db, "computed", COMPUTED, [f"measures/{collection}", "measures/_data_quality"])
    for step in ("_measured", "_small_numbers", "_withheld"):
        db.execute(_sql(f"measures/{step}"))
    peer_groups.load(db, collection, known)
    db.execute(_sql("benchmarks/_spreads"))
    for name in ("benchmarks", "peer_benchmarks", "measures", "comparisons"):
        db.execute(f"CREATE TEMP TABLE {name} AS {_sql(f'benchmarks/_{name}')}")


def _union(db: duckdb.DuckDBPyConnection, name: str, columns: input_tables.Types, scripts: list[str]) -> None:
    """A table of the rows of these scripts, where they exist; a column that one leaves out is NULL."""
    table(db, f"no_{name}", [], columns)
    parts = [f"UNION ALL BY NAME ({_sql(one)})" for one in scripts if _exists(one)]
    db.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM no_{name} {' '.join(parts)}")


def _exists(script: str) -> bool:
    return (sql.FOLDER / f"{script}.sql").exists()


def _sql(script: str) -> str:
    return sql.text(f"{script}.sql")


def _output(db: duckdb.DuckDBPyConnection, name: str, made: set[str]) -> pl.DataFrame:
    columns, keys = OUTPUTS[name]
    chosen = {column: TYPES[column] for column in columns.split()}
    source = {
        "prices_spread": "price_spread",
        "prices_position": "price_position",
        "peer_groups": "peer_group",
        "peers": "peer",
    }.get(name, name)
    if source not in made:
        return pl.DataFrame(schema=chosen)
    selected = ", ".join(f'"{column}"' for column in chosen)
    query = f"SELECT {selected} FROM {source} WHERE {{}} ORDER BY {', '.join(keys)}"
    slices = ["TRUE"]
    if name == "prices_position":
        # Slice by slice: the positions of ten million lines would else stand in memory twice.
        [(last,)] = db.execute("SELECT coalesce(max(product_id), 0) FROM price_compared").fetchall()
        step = max(1, -(-last // 16))
        slices = [f"product_id > {first} AND product_id <= {first + step}" for first in range(0, max(1, last), step)]
    frames = [pl.DataFrame(schema=chosen)]
    frames += [db.sql(query.format(part)).pl().cast(chosen) for part in slices]
    return pl.concat(frames)

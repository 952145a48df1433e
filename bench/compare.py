"""Whether two ways gave the same: what each stored is written to files, and the files are compared."""

from pathlib import Path

KEYS = {
    "findings": ["file", "line", "rule_id"],
    "spread": ["product_code", "code_type"],
    "position": ["product_code", "code_type", "provider_code"],
    "measures": ["metric_id", "provider_code"],
}
TOLERANCE = 1e-9  # of figures, relative; absolute below 1
SPREAD = (
    "product_code, code_type, description, trusts, lines, spend_gbp, lowest, lower_quartile, median, upper_quartile, "
    "highest, suspects_left_out"
)
POSITION = (
    "product_code, code_type, provider_code, lines, base_units, spend_gbp, unit_price_gbp, variance_to_median, "
    "opportunity_to_median_gbp, opportunity_to_lowest_gbp"
)
MEASURES = "metric_id, provider_code, numerator, denominator, value"
PLAIN = {
    "findings": "SELECT file, line, rule_id FROM plain.findings",
    "spread": f"SELECT {SPREAD} FROM plain.spread",
    "position": f"SELECT {POSITION} FROM plain.position",
    "measures": f"SELECT {MEASURES} FROM plain.measures WHERE metric_id = 'PP05'",
}
# Left out: what only a pipeline can find (late files) and measure (quality of returns, trusts that sent nothing), and measures over
# twelve months, which are not shown over the one month that there is; every price that they are made of is compared.
OURS = {
    "findings": "SELECT file_name AS file, line, rule_id FROM intake.findings JOIN intake.submissions USING (submission_id) "
    "JOIN intake.validations USING (submission_id) WHERE rule_id NOT LIKE 'SUB%' AND (number IS NULL OR findings_key IS NULL)",
    "spread": f"SELECT {SPREAD} FROM core.price_spread",
    "position": f"SELECT {POSITION} FROM core.price_position",
    "measures": f"SELECT {MEASURES} FROM published.measures WHERE metric_id = 'PP05' AND quality_flag <> 'D'",
}


def keep(folder: Path, queries: dict[str, str]) -> None:
    """Writes what the warehouse holds to folder/<name>.csv."""
    from trust_benchmarks.stores import warehouse

    with warehouse.connect(warehouse.OWNER) as connection:
        for name, query in queries.items():
            with (
                (folder / f"{name}.csv").open("wb") as out,
                connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as stream,
            ):
                for block in stream:
                    out.write(block)
                if name == "findings" and queries is OURS:
                    _add_unlisted(out)


def _add_unlisted(out) -> None:
    """Adds the findings of files with so many that the ledger lists only the first."""
    import polars as pl
    from trust_benchmarks.records import all_findings
    from trust_benchmarks.stores import warehouse

    with warehouse.connect() as connection:
        many = "SELECT submission_id, file_name FROM intake.submissions JOIN intake.validations USING (submission_id) WHERE findings_key IS NOT NULL"
        for submission_id, file_name in connection.execute(many).fetchall():
            everything = pl.read_parquet(all_findings.file(connection, submission_id))
            out.write(everything.select(pl.lit(file_name), "line", "rule_id").write_csv(include_header=False).encode())


def folders(one: Path, other: Path) -> tuple[list[str], dict[str, int]]:
    """The differences in words (none: the same) and the number of rows by name."""
    differences, counts = [], {}
    for name, keys in KEYS.items():
        found, rows = _differences(name, keys, one / f"{name}.csv", other / f"{name}.csv")
        differences += found
        counts[name] = rows
    return differences, counts


def _differences(name: str, keys: list[str], one: Path, other: Path) -> tuple[list[str], int]:
    import polars as pl

    a, b = (_read(path, keys) for path in (one, other))
    if not a.height:
        return [f"{name}: there is nothing to compare."], 0
    if not a.select(keys).equals(b.select(keys)):
        lost, more = a.join(b, keys, "anti", nulls_equal=True), b.join(a, keys, "anti", nulls_equal=True)
        return [
            f"{name}: {a.height} and {b.height} rows, {lost.height} only in the first, such as {lost.head(3).rows()}, "
            f"{more.height} only in the second, such as {more.head(3).rows()}"
        ], a.height
    found = []
    for column in set(a.columns) - set(keys):
        if a[column].dtype == pl.String:
            same = a[column].eq_missing(b[column])
        else:
            x, y = a[column].cast(pl.Float64), b[column].cast(pl.Float64)
            scale = pl.select(pl.max_horizontal(x.abs(), y.abs(), 1.0)).to_series()
            same = ((x - y).abs() <= TOLERANCE * scale).fill_null(False) | (x.is_null() & y.is_null())
        if not same.all():
            at = (~same).arg_true()[0]
            found.append(f"{name}.{column}: {(~same).sum()} differ, such as {a.row(at)} and {b.row(at)}")
    return found, a.height


def _read(path: Path, keys: list[str]):
    import polars as pl

    texts = {name: pl.String for name in ("product_code", "provider_code", "description", "file", "rule_id")}
    return pl.read_csv(path, schema_overrides=texts, infer_schema_length=None).sort(keys)

"""Counts the rows of a submission by the provider that each is about: sent, used, and under a warning."""

import polars as pl

from .. import catalogue, reference
from ..reading.reading import Reading
from ..schemas.fields import ODS_CODE
from ..schemas.rules import REJECT, WARN
from .parse import Parsed

COLUMNS = {
    "provider_code": pl.String,
    "rows_sent": pl.Int64,
    "rows_used": pl.Int64,
    "rows_warned": pl.Int64,
}


def empty() -> pl.DataFrame:
    """No rows counted."""
    return pl.DataFrame(schema=COLUMNS)


def count(reading: Reading, tables: list[tuple[Parsed, pl.Series]], found: pl.DataFrame) -> pl.DataFrame:
    """Rows sent, used and warned about, one row a provider, in the order of their codes (columns as in `COLUMNS`).

    A return by trust counts as a whole for its sender. In a national file each row counts for the provider that it names; those
    about other bodies, those whose code cannot be read, and those of files that name no trusts, count together under null.

    Args:
        tables: the tables as parsed, whose rows are the rows sent, each with the lines that are not used.
        found: all findings with `decision_id`. An open warning (or rejection) about the whole file, at no row of it, is
            a warning on every row.
    """
    if not catalogue.load(reading.collection).is_national and not found.height:  # then every row was used
        rows = sum(parsed.frame.height for parsed, _ in tables)
        return pl.DataFrame([(reading.sender, rows, rows, 0)] if rows else [], schema=COLUMNS, orient="row")
    warns = (pl.col("severity") == WARN) | ((pl.col("severity") == REJECT) & pl.col("line").is_null())
    warned = found.filter(warns & pl.col("decision_id").is_null()).select("sheet", "line").unique()
    at_rows, counts = 0, list[pl.DataFrame]()
    for parsed, rejected in tables:
        frame, lines = parsed.frame, warned.filter(pl.col("sheet").eq_missing(pl.lit(parsed.table.sheet)))["line"]
        if lines.len():
            lines = lines.filter(lines.is_in(frame["line"].implode()))
            at_rows += lines.len()
        line, none = pl.col("line"), pl.lit(False)
        unused = line.is_in(rejected.implode()) if rejected.len() else none
        counts.append(
            frame.select(
                "line",
                provider_code=_provider_code(reading, parsed, unused),
                unused=unused,
                warned=line.is_in(lines.implode()) if lines.len() else none,
            )
        )
    everywhere = at_rows < warned.height
    counted = pl.concat(counts).group_by("provider_code")
    return (
        counted.agg(
            rows_sent=pl.len(),
            rows_used=pl.len() - pl.col("unused").sum(),
            rows_warned=pl.len() if everywhere else pl.col("warned").sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
        .sort("provider_code")
    )


def _provider_code(reading: Reading, parsed: Parsed, unused: pl.Expr) -> pl.Expr:
    """Whose each row is."""
    if not catalogue.load(reading.collection).is_national:
        return pl.lit(reading.sender, pl.String)
    if "ods_code" not in parsed.frame.columns:
        return pl.lit(None, pl.String)
    # What is no ODS code is nobody's; there may be as many of them as rows, and each as long as a cell can be. Of a row with
    # a fault it may not be known what kind of body it is about.
    code = pl.col("ods_code")
    known = unused & code.is_in([one.code for one in reference.load().providers])
    provider = (parsed.schema.body.cast(pl.String) == "provider") | known
    return pl.when(code.str.contains(ODS_CODE) & provider).then(code)

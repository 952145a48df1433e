"""Names a row by what it is about, so that it is known again in another version where it stands on another line."""

import polars as pl

from ..reading.reading import Table
from ..schemas.models import Schema
from .spelling import BLANKS


def row_keys(table: Table, schema: Schema) -> pl.Series:
    """The key fields' text as sent, joined by '|', one a row; empty texts where the table has none of the key fields."""
    fields = [name for name in schema.key if name in table.headings]
    if not fields:
        return pl.Series([""] * table.frame.height, dtype=pl.String)
    texts = [pl.col(name).fill_null("").str.strip_chars(BLANKS) for name in fields]
    return table.frame.select(pl.concat_str(texts, separator="|")).to_series()

"""Whether a text would do as the value of one cell: for corrections, before they are made."""

from dataclasses import replace

import pandera.polars as pa
import polars as pl

from .. import reference, schemas
from ..catalogue.layouts import plain
from ..reading.reading import Reading, Table
from ..schemas.fields import ODS_CODE
from ..schemas.rules import REJECT
from . import check_findings
from .checks import columns_of
from .parse import Parsed


def wrong(reading: Reading, sheet: str | None, heading: str | None, text: str) -> str | None:
    """What is wrong with a text as a value of a column of a file, in a sentence; None where it would be read as a value.

    Args:
        reading: the file as sent.
        sheet: the sheet of the cell; None in a text file.
        heading: of the column, as sent. A column that the collection does not read takes any text.
        text: the value. An empty one will do where the field need not be filled.
    """
    tables = [table for table in reading.tables if table.sheet == sheet] or reading.tables
    for table in tables:
        name = next((name for name, one in table.headings.items() if plain(one) == plain(heading or "")), None)
        if name is not None and reading.layout is not None:
            return _wrong(reading, table, name, text)
    return None


def _wrong(reading: Reading, table: Table, name: str, text: str) -> str | None:
    schema = schemas.load(reading.collection)
    assert reading.layout is not None
    # The column alone: what is derived from others, or is the same in all rows, is none of its business.
    layout = replace(table.layout, derive={}, constants={}, optional={}, status="")
    alone = replace(
        table,
        layout=layout,
        frame=pl.DataFrame({"line": [1], name: [text]}, schema={"line": pl.Int64, name: pl.String}),
        headings={name: table.headings[name]},
    )
    parsed = Parsed(alone, schema, reading.layout, reading.responsible)
    found = [frame.filter(pl.col("severity") == REJECT) for frame in parsed.findings]
    if name in schema.fields:
        try:
            pa.DataFrameSchema({name: columns_of(reading.collection)[name]}).validate(parsed.frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            found += [check_findings.finding(parsed, {}, error) for error in errors.schema_errors]
    for frame in found:
        if frame.height:
            return str(frame["message"][0])
    spec = schema.fields.get(name)
    code = parsed.frame[name][0] if spec and spec.pattern == ODS_CODE else None
    if code and not reference.load().knows(code):
        return f"'{code}' is not in our list of providers. Expected the ODS code of a provider that is known here."
    return None

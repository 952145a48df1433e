"""How an answer is written: JSON, CSV or Arrow, chosen by `format` or by the header Accept."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from ..reading.harmless import csv_safe
from ..sql.published import Column
from .answer import Answer
from .problems import Problem, shown

ARROW: Mapping[str, Any] = {
    "text": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "jsonb": pa.string(),
}


@dataclass(frozen=True)
class Format:
    """A way to write rows.

    Attributes:
        write: the answer and the address of the next page (empty where there is none) as bytes.
    """

    name: str
    media_type: str
    write: Callable[[Answer, str], bytes]


def _json(answer: Answer, next_page: str) -> bytes:
    fields = answer.question.fields
    body = {
        "edition": answer.edition.name,
        "switched_at": answer.edition.switched_at,
        "as_at": answer.question.as_at,
        "data": [dict(zip(fields, map(_finite, row), strict=True)) for row in answer.rows],
        "next": next_page or None,
    }
    return compact(body)


def compact(body: object) -> bytes:
    """JSON without blanks; dates and moments as ISO 8601 has them."""
    return json.dumps(body, ensure_ascii=False, default=_text, separators=(",", ":"), allow_nan=False).encode()


def _csv(answer: Answer, next_page: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(answer.question.fields)
    writer.writerows(map(_cell, row) for row in answer.rows)
    return out.getvalue().encode()


def _arrow(answer: Answer, next_page: str) -> bytes:
    columns = [answer.question.table.columns[name] for name in answer.question.fields]
    schema = pa.schema([pa.field(c.name, arrow_type(c), metadata={"description": c.words}) for c in columns])
    schema = schema.with_metadata({"edition": answer.edition.name, "next": next_page})
    arrays = []
    for place, column in enumerate(columns):
        values = [row[place] for row in answer.rows]
        if column.type == "jsonb":
            values = [None if value is None else json.dumps(value) for value in values]
        arrays.append(pa.array(values, arrow_type(column)))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return sink.getvalue()


FORMATS = {
    one.name: one
    for one in (
        Format("json", "application/json", _json),
        Format("csv", "text/csv", _csv),
        Format("arrow", "application/vnd.apache.arrow.stream", _arrow),
    )
}


def arrow_type(column: Column) -> Any:
    """Arrow's type of a column."""
    found = ARROW[column.type.removesuffix("[]")]
    return pa.list_(found) if column.type.endswith("[]") else found


def negotiate(name: str | None, accept: str) -> Format:
    """The way that is asked for.

    Args:
        name: the parameter `format`; None where it is not given.
        accept: the header; empty accepts everything.

    Raises:
        Problem: there is no such way.
    """
    if name is not None:
        if name not in FORMATS:
            raise Problem(
                400,
                "bad_parameter",
                f"The parameter format is {shown(name)}.",
                f"Expected: {', '.join(FORMATS)}.",
                "Correct it, or leave it out.",
            )
        return FORMATS[name]
    for wanted in _in_order(accept or "*/*"):
        for one in FORMATS.values():
            if wanted in (one.media_type, one.media_type.partition("/")[0] + "/*", "*/*"):
                return one
    raise Problem(
        406,
        "not_acceptable",
        f"The header Accept is {shown(accept)}.",
        f"Expected one of: {', '.join(one.media_type for one in FORMATS.values())}.",
        "Change the header, or name the format in the address: format=csv.",
    )


def _in_order(accept: str) -> list[str]:
    """The media types of a header Accept, the most wanted first."""
    wanted = []
    for part in accept.split(","):
        kind, *parameters = (one.strip().lower() for one in part.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            wanted.append((float(quality), kind))
        except ValueError:
            continue
    return [kind for quality, kind in sorted(wanted, key=lambda one: -one[0]) if quality > 0]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, str):
        return csv_safe(value)  # as everywhere where a spreadsheet may open it
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value

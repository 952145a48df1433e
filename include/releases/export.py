"""Exports releases: the published tables of each as Parquet and CSV with a data package, one folder a release in a bucket of their own."""

import hashlib
import io
import json
import logging
import time
from typing import Any

import polars as pl
import psycopg
from psycopg import sql as pgsql
from psycopg.rows import dict_row

from .. import catalogue, sql
from ..reading.harmless import csv_safe_frame
from ..sources import declared as sources
from ..sql import published
from ..stores import log, objects, settings, warehouse
from .failures import log_failure

logger = logging.getLogger(__name__)

COMMERCIAL = (
    "commercial/"  # below a release's folder, so that a bucket policy can keep */commercial/* from some readers
)
PACKAGE = "datapackage.json"  # written last: a folder that has one is whole
BUDGET = 600.0  # seconds that one call of `export_missing` may begin new exports in
KINDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "text": pl.String,
    "integer": pl.Int64,
    "bigint": pl.Int64,
    "double precision": pl.Float64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "bigint[]": pl.List(pl.Int64),
    "text[]": pl.List(pl.String),
}
LICENCE = {
    "name": "OGL-UK-3.0",
    "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "title": "Open Government Licence v3.0",
}
ATTRIBUTION = (
    "Contains public sector information licensed under the Open Government Licence v3.0, from NHS England, NHS Digital and "
    "NHS Improvement."
)
CSV = (
    'Nothing between two commas is no value (NULL); an empty text is "". Numbers have all their digits. A text that a spreadsheet would '
    "take for a formula has an apostrophe before it, and control characters are written out: the Parquet file has texts as they are."
)
PARQUET = "Values as they are published: NULL is null, lists are lists."


def export(collection: str, period: str) -> dict[str, Any]:
    """Exports the current release of a collection and period, unless it has been.

    Files are named by what they hold and their bytes follow from the release, so that an export that was killed is taken up where
    it stopped; two at once wait for one another.

    Returns:
        {"release_id", "rows", "files", "new"}: release_id is None where nothing is published; rows are those of all tables.
    """
    bucket, began = settings.load().exports, time.monotonic()
    with warehouse.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        release = _release(connection, collection, period)
        if release is None:
            return {"release_id": None, "rows": 0, "files": 0, "new": False}
        folder = release["release_id"]
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"export {folder}"])
        if any(objects.listing(bucket, f"{folder}/{PACKAGE}")):
            return {"release_id": folder, "rows": 0, "files": 0, "new": False}
        resources, rows = [], 0
        for view in tables(connection):
            frame = _frame(connection, view, folder)
            if frame.height:
                rows += frame.height
                resources += [_put(bucket, folder, view, frame, form) for form in ("csv", "parquet")]
        package = json.dumps(_package(release, resources), ensure_ascii=False, indent=2) + "\n"
        objects.put_once(bucket, f"{folder}/{PACKAGE}", package.encode())
    about = {"collection": collection, "period": period, "release_id": folder}
    log.line(logger, "exported", **about, rows=rows, files=len(resources) + 1, seconds=time.monotonic() - began)
    return {"release_id": folder, "rows": rows, "files": len(resources) + 1, "new": True}


def export_missing(budget: float = BUDGET) -> dict[str, Any]:
    """Exports every current release that has no export yet, oldest first, until `budget` seconds have passed.

    Returns:
        {"exported", "left", "failed"}: how many were, how many wait for the next call, and "collection period: why" of those
        that could not be; one that fails does not keep the others back.
    """
    began, done = time.monotonic(), 0
    failed: list[str] = []
    waiting = missing()
    for count, (collection, period) in enumerate(waiting):
        if time.monotonic() - began > budget:
            return {"exported": done, "left": len(waiting) - count, "failed": failed}
        try:
            done += export(collection, period)["new"]
        except Exception as problem:
            log_failure(logger, "not_exported", (collection, period), problem)
            failed.append(f"{collection} {period}: {problem}")
    return {"exported": done, "left": 0, "failed": failed}


def missing() -> list[list[str]]:
    """The (collection, period) pairs whose current release has no whole export, in the order in which they were published."""
    bucket = settings.load().exports
    whole = {found.key.split("/")[0] for found in objects.listing(bucket) if found.key.endswith(f"/{PACKAGE}")}
    with warehouse.connect() as connection:
        current = connection.execute(
            "SELECT collection, period, release_id FROM core.standing ORDER BY published_at, collection, period"
        ).fetchall()
    return [[collection, period] for collection, period, release_id in current if release_id not in whole]


def tables(connection: psycopg.Connection[Any]) -> list[published.View]:
    """The views whose rows are those of one release each; not those that follow from others of them."""
    return [view for view in published.views_by_name(connection).values() if view.is_exported]


def _release(connection: psycopg.Connection[Any], collection: str, period: str) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        given = {"collection": collection, "period": period}
        return cursor.execute(sql.text("releases/current"), given).fetchone()


def _frame(connection: psycopg.Connection[Any], view: published.View, release_id: str) -> pl.DataFrame:
    """The rows of a release as the view has them, in one order whatever the database's."""
    order = [column for column in view.columns if column.key or (not view.key and not column.type.endswith("[]"))]
    query = pgsql.SQL("SELECT {} FROM published.{} WHERE release_id = %s ORDER BY {}").format(
        pgsql.SQL(", ").join(pgsql.Identifier(column.name) for column in view.columns),
        pgsql.Identifier(view.name),
        pgsql.SQL(", ").join(
            pgsql.SQL('{} COLLATE "C"' if column.type == "text" else "{}").format(pgsql.Identifier(column.name))
            for column in order
        ),
    )
    rows = connection.execute(query, [release_id]).fetchall()
    values = list(zip(*rows, strict=True)) or [()] * len(view.columns)
    return pl.DataFrame(
        [pl.Series(column.name, found, KINDS[column.type]) for column, found in zip(view.columns, values, strict=True)]
    )


def _put(bucket: str, folder: str, view: published.View, frame: pl.DataFrame, form: str) -> dict[str, Any]:
    """Stores one table in one form; its entry in the data package."""
    content = _csv(frame) if form == "csv" else _parquet(frame)
    path = f"{COMMERCIAL if view.commercial else ''}{view.name}.{form}"
    key = f"{folder}/{path}"
    # Bytes that differ are of an export that was killed and of other code: nobody has been told of them yet.
    if not objects.put_once(bucket, key, content) and objects.get(bucket, key)[0] != content:
        objects.delete(bucket, [key])
        objects.put_once(bucket, key, content)
    schema = {"fields": [_field(column) for column in view.columns], "missingValues": [""]}
    entry = {
        "name": view.name if form == "csv" else f"{view.name}-{form}",
        "type": "table",
        "path": path,
        "description": f"{view.words} {CSV if form == 'csv' else PARQUET}",
        "format": form,
        "mediatype": "text/csv" if form == "csv" else "application/vnd.apache.parquet",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "rows": frame.height,
        "schema": schema | ({"primaryKey": view.key} if view.key else {}),
    }
    return entry | ({"encoding": "utf-8"} if form == "csv" else {})


def _csv(frame: pl.DataFrame) -> bytes:
    lists = [
        ("[" + pl.col(name).cast(pl.List(pl.String)).list.join(",") + "]").alias(name)
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.List)
    ]
    return csv_safe_frame(frame).with_columns(lists).write_csv(null_value="").encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out, compression="snappy")  # what every reader knows
    return out.getvalue()


def _field(column: published.Column) -> dict[str, Any]:
    field = {"name": column.name, "type": published.TYPES[column.type][2], "description": column.words}
    if column.unit:
        field["unit"] = column.unit
    constraints: dict[str, Any] = {"required": True} if column.required else {}
    if column.values:
        constraints["enum"] = list(column.values)
    return field | ({"constraints": constraints} if constraints else {})


def _package(release: dict[str, Any], resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The descriptor, in the words of Data Package 2.0 (https://datapackage.org/standard/data-package/)."""
    declared = catalogue.load(release["collection"])
    about = "Sample: these figures are invented. " if release["is_sample"] else ""
    sent = declared.publisher if declared.is_national else "the trusts"
    # Returns that trusts send are not published under any licence that we know of, and samples are nobody's data.
    is_open = declared.is_national and not release["is_sample"]
    attribution = f" {ATTRIBUTION}" if is_open else ""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": release["release_id"].lower(),
        "title": f"{declared.title}, {release['period']}{' (sample)' if release['is_sample'] else ''}",
        "description": f"{about}Measures and benchmarks from {declared.title.lower()} of {release['period']}, as released.{attribution}",
        "version": published.version(),
        "created": release["created_at"].isoformat(),
        **({"licenses": [LICENCE]} if is_open else {}),
        "sources": [{"title": f"{declared.title}, {release['period']}, as sent by {sent}"}]
        + [
            {"title": "Where it is fetched from", "path": one.address}
            for one in sources.load(declared.name)
            if one.address.startswith("https://") and "{" not in one.address
        ],
        "contributors": [{"title": declared.owner, "roles": ["publisher"]}],
        "sample": release["is_sample"],
        "release": {
            name: release[name] for name in ("release_id", "collection", "period", "reference_version", "code_version")
        }
        | {"submissions": list(release["submissions"])},
        "resources": resources,
    }

"""Downloads of a submission: all its findings, the workbook for the trust, the file as sent, and a summary."""

import csv
import io
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.background import BackgroundTask

from .. import sql
from ..ingest import inbox
from ..reading.harmless import csv_safe
from ..records import all_findings
from ..stewardship import summary, workbook
from ..stores import cache, objects, settings
from . import database, security, submission
from .database import Row
from .formatting import SEVERITIES

router = APIRouter()
COLUMNS = (
    "finding_id", "rule_id", "severity", "responsible", "sheet", "line", "column_name", "raw_value", "message", "decision_id",
)  # fmt: skip
_one_at_a_time = threading.Lock()  # a large workbook takes memory and most of a core
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attachment(name: str) -> dict[str, str]:
    """The header that has a browser save an answer under a name, whatever characters the name has."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "file"
    return {"Content-Disposition": f"attachment; filename=\"{safe}\"; filename*=UTF-8''{quote(safe)}"}


def file_name(one: Row, ending: str) -> str:
    """The name of a download about a submission."""
    parts = (
        one["collection"],
        one["sender"] or "unknown",
        one["period"] or "unknown",
        one["part"],
        f"v{one['version']}",
    )
    return ("SAMPLE_" if one["is_sample"] else "") + "_".join(filter(None, parts)) + ending


@router.get("/submissions/{submission_id}/findings.csv")
def findings_csv(submission_id: str, person: security.Anybody) -> Response:
    """Every finding, as a table that a spreadsheet opens without running anything."""
    with database.opened() as connection:
        one = submission.get(connection, submission_id)
        everything = all_findings.file(connection, submission_id)
    headers = attachment(file_name(one, "_findings.csv"))
    return StreamingResponse(_lines(submission_id, everything), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(submission_id: str, everything: Path | None) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    yield "\N{BYTE ORDER MARK}".encode()  # so that Excel reads it as UTF-8
    for row in _findings(submission_id, everything):
        writer.writerow([csv_safe(value) if isinstance(value, str) else value for value in row])
        if out.tell() > 60_000:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _findings(submission_id: str, everything: Path | None) -> Iterator[Sequence[object]]:
    """Every finding, columns as in `COLUMNS`: from the ledger, or, where it does not list all, from the file of all of them."""
    with database.opened() as connection, connection.cursor(name="findings") as cursor:
        cursor.itersize = 2000
        given = {"submission_id": submission_id, "only_other": everything is not None}
        cursor.execute(sql.text("desk/all_findings"), given)
        yield from cursor
    if everything:
        for severity in SEVERITIES:
            for part in all_findings.parts(everything, pl.col("severity") == severity):
                yield from all_findings.with_ids(part, submission_id).select(COLUMNS).iter_rows()


@router.get("/submissions/{submission_id}/workbook.xlsx")
def workbook_xlsx(submission_id: str, person: security.Anybody) -> Response:
    """The trust's own workbook with the findings marked in it."""
    folder = tempfile.mkdtemp(prefix="workbook-")
    out = Path(folder) / "workbook.xlsx"
    try:
        with database.opened() as connection:
            one = submission.get(connection, submission_id)
            with _one_at_a_time:
                workbook.build(connection, submission_id, out)
    except BaseException as problem:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(problem, workbook.TooLarge):
            raise HTTPException(409, str(problem)) from problem
        raise
    # A return that is made from it is recognised by this name.
    headers = attachment(workbook.name_of(one["collection"], one["sender"], one["period"]))
    return FileResponse(out, media_type=XLSX, headers=headers, background=BackgroundTask(shutil.rmtree, folder, True))


@router.get("/submissions/{submission_id}/original")
def original(submission_id: str, person: security.Anybody) -> Response:
    """The file as sent, byte for byte. The browser never shows it, it only saves it."""
    with database.opened() as connection:
        one = submission.get(connection, submission_id)
    bucket, key = settings.load().archive, inbox.archive_key(one["sha256"])
    try:
        path = cache.cached(bucket, key, one["sha256"])
    except objects.TooLarge:
        headers = attachment(one["file_name"])
        return StreamingResponse(objects.parts(bucket, key), media_type="application/octet-stream", headers=headers)
    return FileResponse(path, media_type="application/octet-stream", headers=attachment(one["file_name"]))


@router.get("/submissions/{submission_id}/summary.txt")
def summary_txt(submission_id: str, person: security.Anybody) -> Response:
    """What is wrong, what to do and by when, to paste into a message."""
    with database.opened() as connection:
        return PlainTextResponse(summary.text(connection, submission_id))

"""Downloads of a submission: all its findings, the workbook for the trust, the file as sent, and a plain summary."""

import csv
import io
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.background import BackgroundTask

from ..ingest import inbox
from ..reading.harmless import csv_safe
from ..stewardship import summary, workbook
from ..stores import objects, settings
from . import database, security, submission

router = APIRouter()
COLUMNS = (
    "finding_id", "rule_id", "severity", "responsible", "sheet", "line", "column_name", "raw_value", "message", "decision_id",
)  # fmt: skip
_one_at_a_time = threading.Lock()  # a large workbook takes memory and most of a core
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attachment(name: str) -> dict[str, str]:
    """The header that has a browser save an answer under a name, whatever the name holds."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "file"
    return {"Content-Disposition": f"attachment; filename=\"{safe}\"; filename*=UTF-8''{quote(safe)}"}


def name_of(one: dict, ending: str) -> str:
    """A file's name that says what it is about."""
    parts = (
        one["collection"],
        one["sender"] or "unknown",
        one["period"] or "unknown",
        one["part"],
        f"v{one['version']}",
    )
    return ("SAMPLE_" if one["is_sample"] else "") + "_".join(filter(None, parts)) + ending


@router.get("/submissions/{submission_id}/findings.csv")
def findings_csv(submission_id: str, person: security.Anybody):
    """Every finding, as a table that a spreadsheet opens without running anything."""
    with database.opened() as connection:
        one = submission.get(connection, submission_id)
    return StreamingResponse(
        _lines(submission_id), media_type="text/csv; charset=utf-8", headers=attachment(name_of(one, "_findings.csv"))
    )


def _lines(submission_id: str) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    with database.opened() as connection, connection.cursor(name="findings") as cursor:
        cursor.itersize = 2000
        cursor.execute(
            f"""SELECT {", ".join(COLUMNS)} FROM intake.findings WHERE submission_id = %s
                ORDER BY {submission.SEVERITY}, sheet, line, column_name, rule_id, message""",
            [submission_id],
        )
        yield "\N{BYTE ORDER MARK}".encode()  # so that Excel reads it as UTF-8
        for row in cursor:
            writer.writerow([csv_safe(value) if isinstance(value, str) else value for value in row])
            if out.tell() > 60_000:
                yield out.getvalue().encode()
                out.seek(0)
                out.truncate()
    yield out.getvalue().encode()


@router.get("/submissions/{submission_id}/workbook.xlsx")
def workbook_xlsx(submission_id: str, person: security.Anybody):
    """The trust's own workbook back, with what was found marked in it."""
    with database.opened() as connection:
        one = submission.get(connection, submission_id)
        folder = tempfile.mkdtemp(prefix="workbook-")
        out = Path(folder) / "workbook.xlsx"
        try:
            with _one_at_a_time:
                workbook.build(connection, submission_id, out)
        except BaseException as problem:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(problem, workbook.TooLarge):
                raise HTTPException(409, str(problem)) from problem
            raise
    # Under the name by which a return that is made from it is recognised.
    headers = attachment(workbook.name_of(one))
    return FileResponse(out, media_type=XLSX, headers=headers, background=BackgroundTask(shutil.rmtree, folder, True))


@router.get("/submissions/{submission_id}/original")
def original(submission_id: str, person: security.Anybody):
    """The file as it was sent, byte by byte. Never shown by the browser, always saved."""
    with database.opened() as connection:
        one = submission.get(connection, submission_id)
    path = objects.cached(settings.load().archive, inbox.archive_key(one["sha256"]), one["sha256"])
    return FileResponse(path, media_type="application/octet-stream", headers=attachment(one["file_name"]))


@router.get("/submissions/{submission_id}/summary.txt")
def summary_txt(submission_id: str, person: security.Anybody):
    """What was wrong, what to do and by when, to paste or to send."""
    with database.opened() as connection:
        submission.get(connection, submission_id)
        return PlainTextResponse(summary.text(connection, submission_id))

"""One structured line for the log: an event and its facts by name, so that lines can be searched and counted.

In Airflow the line goes to its own structlog, which the web interface and log shippers read. Elsewhere it goes through `logging`: as
JSON, or as name=value where a person looks at a terminal.
"""

import json
import logging
import sys
from datetime import datetime
from pathlib import Path

import structlog

from . import telemetry

MOST = 200  # characters of a value; a file's name may have 900

_json = structlog.processors.JSONRenderer(serializer=json.dumps)
_logfmt = structlog.processors.LogfmtRenderer(key_order=["event"])


def line(logger: logging.Logger, event: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Logs an event with its facts, for example ``received`` with submission_id, collection and seconds; metrics are made of it too."""
    telemetry.tell(event, facts, level)
    if not logger.isEnabledFor(level):
        return
    told = {name: _short(value) for name, value in facts.items()}
    if structlog.is_configured():
        structlog.get_logger(logger.name).log(level, event, **told)
        return
    render = _logfmt if sys.stderr.isatty() else _json
    logger.log(level, "%s", render(logger, logging.getLevelName(level), {"event": event, **told}))


def short(problem: BaseException) -> str:
    """An exception in one short line: its class and the beginning of what it says."""
    return f"{type(problem).__name__}: {problem}"


def where(problem: BaseException) -> str:
    """The file and line where it was raised, for example parse.py:120; in the child process, if it came from there."""
    if raised_at := getattr(problem, "raised_at", ""):
        return str(raised_at)
    at = problem.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    return f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else ""


def _short(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int) else str(value)[:MOST]

"""One line of facts for the log: an event and key=value pairs, so that a line can be searched and counted."""

import json
import logging
from datetime import datetime
from pathlib import Path

MOST = 200  # characters of a value; a file's name may have 900


def line(logger: logging.Logger, event: str, *, level: int = logging.INFO, **facts) -> None:
    """Logs an event with its facts, for example ``received submission_id=ab12 collection=workforce seconds=0.012``."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", " ".join([event, *(f"{name}={_text(value)}" for name, value in facts.items())]))


def short(problem: BaseException) -> str:
    """An exception in one short line: its class and the beginning of what it says."""
    return f"{type(problem).__name__}: {problem}"


def where(problem: BaseException) -> str:
    """The file and line where it was raised, for example parse.py:120."""
    at = problem.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    return f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else ""


def _text(value) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime):
        return value.isoformat()
    text = "none" if value is None else str(value)[:MOST]
    plain = text.isascii() and text.isprintable() and text and not set(text) & set(' "=')
    return text if plain else json.dumps(text)

"""What a received file is about, by its place, name and content (see reading/identify.py)."""

import csv
import logging
from typing import NamedTuple

from .. import catalogue
from ..catalogue import layouts
from ..catalogue.layouts import plain
from ..reading import periods, safely
from ..reading.identify import in_name
from ..stores import log
from ..stores.faults import is_failure, is_outage
from .inbox import Arrival

logger = logging.getLogger(__name__)

READ_WHOLE = 262_144  # a file of at most this size is read whole when its first row cannot confirm its name


class Identity(NamedTuple):
    """What a file is about; None where that is not known."""

    period: str | None
    sender: str | None
    part: str


def identify(arrival: Arrival) -> Identity:
    """Identifies a file. Where reading it breaks our own code, its name decides: it is registered, validated and held all the same."""
    try:
        return _identify(arrival)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        log.line(logger, "not_identified", level=logging.ERROR, problem=log.short(problem), **arrival.log_facts())
    try:
        return _by_name(arrival)
    except Exception:
        return Identity(None, None, "")


def _by_name(arrival: Arrival) -> Identity:
    named = in_name(arrival.collection, arrival.file_name, arrival.received_at)
    declared = catalogue.load(arrival.collection)
    return Identity(named.period, declared.publisher if declared.is_national else named.code, "")


def _identify(arrival: Arrival) -> Identity:
    """From the name, where it gives period and sender and the first row agrees (thousands of small files); else from the content."""
    collection = arrival.collection
    named = in_name(collection, arrival.file_name, arrival.received_at)
    if not catalogue.load(collection).is_national and named.period and named.code:
        seen = first_row(collection, arrival.start)
        if seen == (named.period, named.code) or (seen is None and arrival.size > READ_WHOLE):
            return Identity(named.period, named.code, layouts.load(collection)[0].part)
    if arrival.local is None:  # too large to be read: its name decides, and validation holds it
        return _by_name(arrival)
    reading = safely.read(arrival.local, arrival.file_name, collection, arrival.received_at, tables=False)
    return Identity(reading.period, reading.sender, reading.part)


def first_row(collection: str, start: bytes) -> tuple[str, str] | None:
    """Period and sender in the first row of a plain CSV file, by its first bytes; None where the file is not plain CSV or the row does not have both."""
    declared, (layout, *_) = catalogue.load(collection), layouts.load(collection)
    try:
        lines = start.decode("utf-8-sig", "ignore").splitlines()[:2]
        headings, cells = csv.reader(lines)
    except (csv.Error, ValueError):
        return None
    columns = {plain(heading): at for at, heading in enumerate(headings)}
    at_period, at_code = (columns.get(rule.get("column", "")) for rule in (layout.period, layout.sender))
    if at_period is None or at_code is None or len(cells) <= max(at_period, at_code):
        return None
    meaning = periods.month if declared.frequency == "month" else periods.financial_year
    period, code = meaning(cells[at_period][: periods.LONGEST]), cells[at_code].strip()
    return (period, code) if period and code else None

"""A cheap look at the first row of a return that came as plain CSV, so that a thousand small files need not be read twice."""

import csv

from .. import catalogue
from ..catalogue import layouts
from ..catalogue.layouts import plain
from ..reading import periods

LOOKED_AT = 16_384  # bytes of a file that are looked at here
MOST_READ = 262_144  # bytes of a file that is read whole to find out what it is about, although its name says so


def first_row(collection: str, content: bytes) -> tuple[str, str] | None:
    """Period and code in the first row of a plain CSV file; None where it is not such a file or the row does not say both."""
    declared, (layout, *_) = catalogue.load(collection), layouts.load(collection)
    try:
        lines = content[:LOOKED_AT].decode("utf-8-sig", "ignore").splitlines()[:2]
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

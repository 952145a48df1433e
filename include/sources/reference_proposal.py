"""Reference data from their publishers, as a proposal: what ODS and GOV.UK say that our tables do not, for a person to review.

Nothing is accepted by itself. New bank holidays can be written into holidays.csv on demand, and are only ever added; everything else
is edited by hand, because a new trust needs a sector and a closed one a successor.
"""

import csv
import io
from datetime import date
from pathlib import Path

from .. import reference
from ..reference import Holiday, ReferenceDataError
from ..reference.calendar import bank_holidays
from . import reference_files
from .outcomes import Stopped
from .reference_files import Change
from .web import Web

REPORTS = "https://www.odsdatasearchandexport.nhs.uk/api/getReport?report="
HOLIDAYS = "https://www.gov.uk/bank-holidays.json"
# A wrong report's name gives another well-formed list: fewer trusts than this, or as many that are unknown, is one.
FEWEST_TRUSTS, MOST_UNKNOWN = 150, 60


class NotProposed(RuntimeError):
    """A publisher's file could not be had or read; the message says what was found and what to do."""


def propose(web: Web, as_at: date | None = None) -> tuple[list[Change], list[Holiday]]:
    """Every difference, and the holidays of GOV.UK's feed.

    Raises:
        NotProposed: a file could not be had, or is not what it should be.
    """
    tables = reference.load()
    try:
        trusts = reference_files.read_etr(_get(web, REPORTS + "etr"))
        care_trusts = reference_files.read_etr(_get(web, REPORTS + "ect"))
        successions = reference_files.read_successions(_get(web, REPORTS + "succ"))
        holidays = reference_files.read_bank_holidays(_get(web, HOLIDAYS))
    except ReferenceDataError as problem:
        raise NotProposed(str(problem)) from problem
    unknown = sum(not tables.knows(one["code"]) for one in trusts)
    if len(trusts) < FEWEST_TRUSTS or unknown > MOST_UNKNOWN:
        raise NotProposed(
            f"{REPORTS}etr has {len(trusts)} trusts, of which {unknown} are not known here. Expected at least {FEWEST_TRUSTS} and at most "
            f"{MOST_UNKNOWN} unknown ones: this is another list. Look at the report in a browser."
        )
    changes = reference_files.propose(tables, trusts + care_trusts, as_at)
    changes += reference_files.propose_successions(tables, successions)
    return changes + reference_files.propose_holidays(bank_holidays(), holidays), holidays


def add_holidays(path: Path, holidays: list[Holiday]) -> int:
    """Adds the holidays that a holidays.csv does not have, in order of date, and removes none; returns how many."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = {row["date"]: row for row in csv.DictReader(lines)}
    new = [one for one in holidays if one.date.isoformat() not in rows]
    if new:
        rows |= {
            one.date.isoformat(): {"date": one.date.isoformat(), "title": one.title, "source": one.source}
            for one in new
        }
        out = io.StringIO()
        writer = csv.DictWriter(out, ["date", "title", "source"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[day] for day in sorted(rows))
        path.write_text(out.getvalue(), encoding="utf-8")
    return len(new)


def _get(web: Web, address: str) -> bytes:
    try:
        answer = web.page(address)
    except Stopped as stopped:
        raise NotProposed(
            f"{stopped.found} Run this again later, or fetch the file in a browser and review it by hand."
        ) from stopped
    assert answer.body is not None
    return answer.body.read()

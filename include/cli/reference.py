"""What the publishers of reference data say that our tables do not, a row a difference."""

from pathlib import Path

from ..sources import reference_proposal, settings
from ..sources.web import Web
from . import Refused
from .embedded import stores
from .output import Format, note, write

COLUMNS = ("kind", "code", "known", "found", "what_to_do")


def propose(holidays: Path | None, form: Format) -> None:
    """Writes the differences; adds new bank holidays to a file if one is named.

    Raises:
        Refused: no contact is set, or a publisher's file could not be had.
    """
    if holidays and not holidays.is_file():
        raise Refused(f"There is no file {holidays}. Expected the holidays.csv of a checkout.")
    with stores():
        try:
            with Web() as web:
                changes, feed = reference_proposal.propose(web)
        except (settings.NotConfigured, reference_proposal.NotProposed) as problem:
            raise Refused(str(problem)) from problem
    write([(one.kind, one.code, one.known, one.found, one.sentence) for one in changes], COLUMNS, form)
    if holidays:
        added = reference_proposal.add_holidays(holidays, feed)
        note(
            f"{added} bank holidays were added to {holidays}. Review the difference and commit it; refresh_reference loads it."
        )

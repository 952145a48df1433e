"""Looks at publishers by hand: what came of each source, a row a source."""

from .. import catalogue
from ..sources import declared, fetch, settings
from . import Refused
from .embedded import stores
from .output import Format, note, write

COLUMNS = ("source", "outcome", "fetched", "said")


def run(collection: str | None, source: str | None, since: str | None, form: Format) -> int:
    """Looks at the sources of a collection, or at all of them; returns how many need a person.

    Raises:
        Refused: nothing of that name is declared, no contact is set, or the period is none.
    """
    keys = _keys(collection, source)
    rows: list[tuple[object, ...]] = []
    person = 0
    with stores():
        for key in keys:
            try:
                found = fetch.look(key, since=since)
            except (declared.WrongSource, settings.NotConfigured) as problem:
                raise Refused(str(problem)) from problem
            note(f"{key}: {found.outcome}, {len(found.fetched)} to the inbox")
            rows.append((key, found.outcome, len(found.fetched), " ".join(found.said)))
            person += found.needs_person
    write(rows, COLUMNS, form)
    return person


def _keys(collection: str | None, source: str | None) -> list[str]:
    name = catalogue.load(collection).name if collection else None
    keys = [one.key for one in declared.fetched() if name in (None, one.collection) and source in (None, one.name)]
    if not keys:
        known = ", ".join(one.key for one in declared.fetched())
        raise Refused(f"No such source is declared. Declared: {known}. Other collections are uploaded to the inbox.")
    return keys

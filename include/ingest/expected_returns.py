"""Which returns are expected, by when, which trusts must be in a national file, and when a period becomes final.

From the catalogue and the reference data to core.expected, core.expected_provider and core.calendar.
"""

import logging
from collections.abc import Collection as Some
from datetime import UTC, datetime, timedelta

import psycopg

from .. import catalogue, reference, sql
from ..reference import calendar, known_collections
from ..stores import log, warehouse

logger = logging.getLogger(__name__)

AHEAD = 3  # periods whose dates are stated before anything of them is received, so that the next deadline is known


def expect(collection: str, periods: Some[str]) -> int:
    """Adds the expected senders of these periods, and the trusts expected in a national file; rows that exist stay as they are.

    A period whose deadlines cannot be worked out (the bank holidays end too early) is logged and left out until they can.

    Returns:
        how many senders were added.
    """
    if not periods:
        return 0
    declared = catalogue.load(collection)
    returns: list[tuple[object, ...]] = []
    in_file: list[tuple[str, str, str]] = []
    for period in sorted(periods):
        if dates := _dates(declared, period, (declared.due, declared.closes)):
            senders, providers = who_is_expected(collection, period)
            in_file += [(collection, period, code) for code in providers]
            returns += [(collection, period, sender, part, *dates) for sender, part in senders]
    with warehouse.connect() as connection:
        _schedule(connection, collection, periods)
        added = 0
        if returns:
            added = connection.execute(
                """INSERT INTO core.expected (collection, period, sender, part, due, closes)
                   SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
                   ON CONFLICT DO NOTHING""",
                [list(column) for column in zip(*returns, strict=True)],
            ).rowcount
        _expect_in_file(connection, in_file)
    return added


def who_is_expected(collection: str, period: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(sender, part) of each return that is expected for a period, and the codes of the trusts that must be in a national file."""
    declared, known, end = catalogue.load(collection), reference.load(), calendar.period_end(period)
    providers = known.expected(declared.sectors, end)
    if not declared.is_national:
        return [(code, "") for code in providers], []
    # A publisher gives those that closed with the period's last day under their successors, or as they were.
    stay = known.expected(declared.sectors, end + timedelta(days=1))
    return [(declared.publisher, part) for part in declared.parts], [code for code in providers if code in stay]


def _expect_in_file(connection: psycopg.Connection, rows: list[tuple[str, str, str]]) -> None:
    """Adds the trusts that must be in a national file; a period that has some already is left as it is."""
    known = set(connection.execute("SELECT DISTINCT collection, period FROM core.expected_provider"))
    new = [row for row in rows if row[:2] not in known]
    columns = zip(*new, strict=True) if new else ((), (), ())
    values = dict(zip(("collections", "periods", "providers"), map(list, columns), strict=True))
    connection.execute(sql.text("ingest/add_expected_providers.sql"), values)


def not_stated(connection: psycopg.Connection, names: list[str]) -> dict[str, set[str]]:
    """By collection, the periods of which something was received and that have no expected senders, or no trusts expected in a file."""
    in_files = [name for name in names if catalogue.load(name).is_national and catalogue.load(name).sectors]
    values = {"collections": names, "with_trusts_in_file": in_files}
    found: dict[str, set[str]] = {}
    for collection, period in connection.execute(sql.text("ingest/not_expected_yet.sql"), values):
        found.setdefault(collection, set()).add(period)
    return found


def schedule(today: datetime | None = None) -> None:
    """States the dates of every collection's present period and of some after it, so that the next deadline is known."""
    with warehouse.connect() as connection:
        known_collections.note(connection)
        for collection in catalogue.all():
            _schedule(connection, collection, (), today)


def _schedule(
    connection: psycopg.Connection, collection: str, periods: Some[str], today: datetime | None = None
) -> None:
    """States the dates of these periods, of the present one and of some after it; dates that exist stay as they are.

    A period whose dates cannot be worked out, because the bank holidays that are known end too early, is left for later.
    """
    declared = catalogue.load(collection)
    present = calendar.period_of((today or datetime.now(UTC)).date(), declared.frequency)
    coming = [calendar.previous_period(present), present]
    for _ in range(AHEAD):
        coming.append(calendar.next_period(coming[-1]))
    known = {
        period
        for (period,) in connection.execute("SELECT period FROM core.calendar WHERE collection = %s", [collection])
    }
    for period in sorted({*periods, *coming} - known):
        dates = _dates(declared, period, (declared.due, declared.closes, declared.final_rule), asked=period in periods)
        if dates is None:
            continue
        connection.execute(
            "INSERT INTO core.calendar (collection, period, due, closes, final_from) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [collection, period, *dates],
        )


def _dates(
    declared: catalogue.Collection, period: str, rules: Some[catalogue.Rule], asked: bool = True
) -> list[datetime | None] | None:
    """When each rule falls for a period; None, and a line in the log if somebody asked for that period, when one cannot be worked out."""
    try:
        return [calendar.deadline(rule, period) for rule in rules]
    except (ValueError, OverflowError) as problem:
        if asked:
            log.line(
                logger,
                "no_deadline",
                level=logging.WARNING,
                collection=declared.name,
                period=period,
                problem=log.short(problem),
            )
        return None

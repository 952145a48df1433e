"""Who is expected to send what, by when, and when a period becomes final: rows of core.expected and core.calendar, from the catalogue."""

import logging
from datetime import UTC, datetime

from .. import catalogue, reference
from ..reference import calendar
from ..stores import log, warehouse

logger = logging.getLogger(__name__)

AHEAD = 3  # periods whose dates are put down before anything of them has come, so that the next deadline is known


def expect(collection: str, periods) -> int:
    """Adds the expected senders of these periods; a period that is there already is left as it is. Returns new rows.

    A period whose deadlines cannot be worked out (the bank holidays end too early) is logged and left out until they can.
    """
    if not periods:
        return 0
    declared, known = catalogue.load(collection), reference.load()
    rows = []
    for period in sorted(periods):
        dates = _dates(declared, period, (declared.due, declared.closes))
        if dates is None:
            continue
        due, closes = dates
        if declared.is_national:
            senders = [(declared.publisher, part) for part in declared.parts]
        else:
            senders = [(code, "") for code in known.expected(declared.sectors, calendar.period_end(period))]
        rows += [(collection, period, sender, part, due, closes) for sender, part in senders]
    with warehouse.connect() as connection:
        _schedule(connection, collection, periods)
        before = connection.execute("SELECT count(*) FROM core.expected").fetchone()[0]
        connection.cursor().executemany(
            "INSERT INTO core.expected (collection, period, sender, part, due, closes) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            rows,
        )
        return connection.execute("SELECT count(*) FROM core.expected").fetchone()[0] - before


def schedule(today: datetime | None = None) -> None:
    """Puts down the dates of every collection's present period and of some after it, so that the next deadline is known."""
    with warehouse.connect() as connection:
        for collection in catalogue.all():
            _schedule(connection, collection, (), today)


def _schedule(connection, collection: str, periods, today: datetime | None = None) -> None:
    """Puts down the dates of these periods, of the present one and of some after it; dates that are there already stay as they are.

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


def _dates(declared: catalogue.Collection, period: str, rules, asked: bool = True) -> list[datetime | None] | None:
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

"""Who is expected to send what, by when, who is expected in a national file, and when a period becomes final, from the catalogue.

Rows of core.expected, core.expected_provider and core.calendar.
"""

import logging
from datetime import UTC, datetime, timedelta

from .. import catalogue, reference
from ..reference import calendar
from ..stores import log, warehouse

logger = logging.getLogger(__name__)

AHEAD = 3  # periods whose dates are put down before anything of them has come, so that the next deadline is known


def expect(collection: str, periods) -> int:
    """Adds the expected senders of these periods, and the trusts expected in a national file; what is there already is left as it is.

    A period whose deadlines cannot be worked out (the bank holidays end too early) is logged and left out until they can.

    Returns:
        how many senders were added.
    """
    if not periods:
        return 0
    declared = catalogue.load(collection)
    rows, in_file = [], []
    for period in sorted(periods):
        dates = _dates(declared, period, (declared.due, declared.closes))
        if dates is None:
            continue
        due, closes = dates
        senders, providers = who_is_expected(collection, period)
        in_file += [(collection, period, code) for code in providers]
        rows += [(collection, period, sender, part, due, closes) for sender, part in senders]
    with warehouse.connect() as connection:
        _schedule(connection, collection, periods)
        before = connection.execute("SELECT count(*) FROM core.expected").fetchone()[0]
        if rows:
            connection.execute(
                """INSERT INTO core.expected (collection, period, sender, part, due, closes)
                   SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
                   ON CONFLICT DO NOTHING""",
                [list(column) for column in zip(*rows, strict=True)],
            )
        _expect_in_file(connection, in_file)
        return connection.execute("SELECT count(*) FROM core.expected").fetchone()[0] - before


def who_is_expected(collection: str, period: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(sender, part) of each return that is expected for a period, and the codes of the trusts that must be in a national file."""
    declared, known, end = catalogue.load(collection), reference.load(), calendar.period_end(period)
    providers = known.expected(declared.sectors, end)
    if not declared.is_national:
        return [(code, "") for code in providers], []
    # A publisher gives those that closed with the period's last day under their successors, or as they were.
    stay = known.expected(declared.sectors, end + timedelta(days=1))
    return [(declared.publisher, part) for part in declared.parts], [code for code in providers if code in stay]


def _expect_in_file(connection, rows: list[tuple[str, str, str]]) -> None:
    """Puts down the trusts that must be in a national file; a period that has some already is left as it is."""
    known = set(connection.execute("SELECT DISTINCT collection, period FROM core.expected_provider"))
    new = [row for row in rows if row[:2] not in known]
    connection.execute(
        """INSERT INTO core.expected_provider (collection, period, provider_code)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING""",
        [[row[i] for row in new] for i in range(3)],
    )


def not_stated(connection, names: list[str]) -> dict[str, set[str]]:
    """By collection, the periods of which something was received and that have no expected senders, or no trusts expected in a file."""
    in_files = [name for name in names if catalogue.load(name).is_national and catalogue.load(name).sectors]
    rows = connection.execute(
        """SELECT DISTINCT s.collection, s.period FROM core.submission s WHERE s.collection = ANY(%s) AND s.period IS NOT NULL
           AND (NOT EXISTS (SELECT FROM core.expected e WHERE (e.collection, e.period) = (s.collection, s.period))
                OR s.collection = ANY(%s)
                AND NOT EXISTS (SELECT FROM core.expected_provider x WHERE (x.collection, x.period) = (s.collection, s.period)))""",
        [names, in_files],
    )
    found: dict[str, set[str]] = {}
    for collection, period in rows:
        found.setdefault(collection, set()).add(period)
    return found


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

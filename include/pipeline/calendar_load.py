"""Who is expected to send what, and by when: rows of core.expected, from the catalogue and the reference data."""

from .. import catalogue, reference
from ..reference import calendar
from ..stores import warehouse


def expect(collection: str, periods) -> int:
    """Adds the expected senders of these periods; a period that is there already is left as it is. Returns new rows."""
    declared, known = catalogue.load(collection), reference.load()
    rows = []
    for period in sorted(periods):
        due, closes = calendar.deadline(declared.due, period), calendar.deadline(declared.closes, period)
        if declared.is_national:
            senders = [(declared.publisher, part) for part in declared.parts]
        else:
            senders = [(code, "") for code in known.expected(declared.sectors, calendar.period_end(period))]
        rows += [(collection, period, sender, part, due, closes) for sender, part in senders]
    with warehouse.connect() as connection:
        before = connection.execute("SELECT count(*) FROM core.expected").fetchone()[0]
        connection.cursor().executemany(
            "INSERT INTO core.expected (collection, period, sender, part, due, closes) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            rows,
        )
        return connection.execute("SELECT count(*) FROM core.expected").fetchone()[0] - before

"""Notes the collections of the catalogue in the ledger, whose tables refer to them."""

import psycopg

from .. import catalogue, sql


def note(connection: psycopg.Connection) -> None:
    """Adds what is new in the catalogue to core.collection, in the caller's transaction; a title follows the catalogue.

    One that left the catalogue stays: its submissions and releases are there.
    """
    declared = [(name, one.title, one.frequency, one.kind) for name, one in sorted(catalogue.all().items())]
    columns = ("collections", "titles", "frequencies", "kinds")
    given = dict(zip(columns, map(list, zip(*declared, strict=True)), strict=True))
    connection.execute(sql.text("reference/note_collections"), given)

"""How far collecting is, from the ledger."""

from .. import sql
from ..stores import warehouse


def at_rest() -> bool:
    """Whether no submission is being collected, in one query over all collections."""
    with warehouse.connect() as connection:
        row = connection.execute(sql.text("ingest/at_rest.sql")).fetchone()
    return row is not None and bool(row[0])

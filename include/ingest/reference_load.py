"""Brings the warehouse to the reference data and rules of this checkout."""

from typing import Any

from .. import catalogue
from ..records import rules_in_force
from ..reference import known_collections, load_to_warehouse
from ..stores import warehouse


def refresh() -> dict[str, Any]:
    """Loads the reference data and notes the rules in force, so that what they concern is validated again.

    Returns:
        {"version", "new": whether it is another one than before, and the number of rows by table}.

    Raises:
        ReferenceDataError: see `load_to_warehouse.load`.
    """
    with warehouse.connect() as connection:
        loaded = load_to_warehouse.load(connection)
        known_collections.note(connection)
        rules_in_force.note_rules(connection, list(catalogue.all()))
    return {"version": loaded.version, "new": loaded.new, **loaded.rows}

"""Sweeps away records that a killed run left behind: objects that no validation names."""

from datetime import UTC, datetime, timedelta

from ..stores import objects, settings, warehouse
from .process import SWEEP_LOCK

GRACE = timedelta(days=1)  # a worker may be between writing its object and its transaction


def sweep(grace: timedelta = GRACE) -> dict:
    """Removes record objects that are older than `grace` and that no validation names; returns how many there were."""
    bucket, before = settings.load().records, datetime.now(UTC) - grace
    with warehouse.connect() as connection:
        # Without it, the object that a killed run left could be swept while a later run is about to name it.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [SWEEP_LOCK])
        listed = [found for found in objects.listing(bucket) if found.modified < before]
        named = {
            row[0]
            for row in connection.execute("SELECT records_key FROM core.validation WHERE records_key IS NOT NULL")
        }
        orphans = [found.key for found in listed if found.key not in named]
        objects.delete(bucket, orphans)
    return {"looked_at": len(listed), "removed": len(orphans)}

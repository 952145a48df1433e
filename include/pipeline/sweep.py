"""Sweeps away records that a killed run left behind: objects that no validation names."""

from datetime import UTC, datetime, timedelta

from ..stores import objects, settings, warehouse

GRACE = timedelta(days=1)  # a worker may be between writing its object and its transaction


def sweep(grace: timedelta = GRACE) -> dict:
    """Removes record objects that are older than `grace` and that no validation names; returns how many there were."""
    bucket, before = settings.load().records, datetime.now(UTC) - grace
    # Listed first: what is written after the listing is not looked at.
    listed = [found for found in objects.listing(bucket) if found.modified < before]
    with warehouse.connect() as connection:
        named = {
            row[0]
            for row in connection.execute("SELECT records_key FROM core.validation WHERE records_key IS NOT NULL")
        }
    orphans = [found.key for found in listed if found.key not in named]
    objects.delete(bucket, orphans)
    return {"looked_at": len(listed), "removed": len(orphans)}

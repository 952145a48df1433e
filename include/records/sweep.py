"""Sweeps away what nobody needs: records and findings that a killed run left and no validation names, and local copies long unused."""

from datetime import UTC, datetime, timedelta

from .. import sql
from ..stores import cache, objects, settings, warehouse
from . import record_objects
from .write import SWEEP_LOCK

GRACE = timedelta(days=1)  # a worker may be between writing its object and its transaction
UNUSED = timedelta(days=30)  # local copies of objects are kept so long after their last use


def sweep(grace: timedelta = GRACE) -> dict[str, int]:
    """Removes record objects that are older than `grace` and that no validation names, and this machine's unused local copies.

    Returns:
        {"looked_at", "removed"}: record objects; "forgotten": local copies.
    """
    bucket, before = settings.load().records, datetime.now(UTC) - grace
    with warehouse.connect() as connection:
        # Without it, the object that a killed run left could be swept while a later run is about to name it.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [SWEEP_LOCK])
        listed = [found for found in objects.listing(bucket) if found.modified < before]
        named = {
            record_objects.stands_for(row[0]) for row in connection.execute(sql.text("records/named_by_validations"))
        }
        orphans = [found.key for found in listed if record_objects.stands_for(found.key) not in named]
        objects.delete(bucket, orphans)
    forgotten = cache.forget(UNUSED.total_seconds())
    return {"looked_at": len(listed), "removed": len(orphans), "forgotten": forgotten}

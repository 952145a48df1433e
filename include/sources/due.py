"""When a source is looked at: daily, hourly while a release is due or its publisher does not answer, and a closed series once."""

from datetime import UTC, datetime, timedelta

from . import declared, ledger
from .declared import Source
from .ledger import LastLook
from .outcomes import NOT_YET

DAILY, HOURLY = timedelta(hours=20), timedelta(minutes=50)


def due(now: datetime | None = None) -> list[str]:
    """Keys of the sources to look at now."""
    now, last = now or datetime.now(UTC), ledger.last_looks()
    return [one.key for one in declared.fetched() if _is_due(one, last.get(one.key), now)]


def _is_due(source: Source, last: LastLook | None, now: datetime) -> bool:
    if last is None:
        return True
    if source.ended and last.reached:  # whatever was wrong, a person was told
        return False
    is_daily = last.reached and last.outcome != NOT_YET
    return now - last.began_at >= (DAILY if is_daily else HOURLY)

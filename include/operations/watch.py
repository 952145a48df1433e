"""What a person is told of an installation, besides tasks that failed: what `doctor` finds and deadlines that passed, each once a day.

And a heartbeat to the outside, because an installation that has stopped tells nothing.
"""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from .. import sql
from ..stores import log, warehouse
from . import doctor
from .doctor import Finding

logger = logging.getLogger(__name__)

REMIND = timedelta(hours=23)  # what lasts is told again after this: at the same hour of the next day
ADDRESS = "TB_HEARTBEAT_URL"


def examine() -> list[Finding]:
    """What is wrong now. TB_AIRFLOW_URL and TB_BACKUP name what is looked at besides, as for `trust-benchmarks doctor`."""
    airflow, backups = os.environ.get("TB_AIRFLOW_URL"), os.environ.get("TB_BACKUP")
    found = doctor.examine(airflow, Path(backups) if backups else None)
    if all(one.ok for one in found if one.about in ("warehouse", "migrations")):
        found += _passed()
    for about in sorted({one.about for one in found}):
        failed = sum(not one.ok for one in found if one.about == about)
        log.line(logger, "examined", about=about, failed=failed)
    # Whoever backs up by other means names no folder, and need not hear of it every day.
    return [one for one in found if not one.ok and (one.about != "backup" or backups)]


def _passed(now: datetime | None = None) -> Iterator[Finding]:
    """Collections of single trusts whose deadline passed in the last two days without every return."""
    with warehouse.connect() as connection:
        rows = connection.execute(sql.text("operations/deadlines"), {"now": now or datetime.now(UTC)}).fetchall()
    for collection, period, due, missing, expected in rows:
        yield Finding(
            "returns",
            False,
            f"{missing} of {expected} returns of {collection} {period} have not come by the deadline of {due:%d %B %Y}.",
            "The steward desk's board names the trusts.",
            "late-collections.md",
            f"{collection} {period}",
        )


def to_tell(
    found: list[Finding], told: dict[str, str], now: datetime | None = None
) -> tuple[list[Finding], dict[str, str]]:
    """Which findings to tell now, and what has been told then.

    Args:
        told: when what was told last, as an earlier call returned it; what is not found any more is forgotten.
    """
    now = now or datetime.now(UTC)
    keys = {f"{one.about} {one.of}".strip(): one for one in found}
    new = {key: one for key, one in keys.items() if key not in told or now - datetime.fromisoformat(told[key]) > REMIND}
    kept = {key: told[key] for key in keys if key not in new}
    return list(new.values()), kept | dict.fromkeys(new, now.isoformat())


def sentence(one: Finding) -> str:
    """A finding as it is told: the runbook, which no mail may cut off, what was found, and what to do."""
    return f"{one.about} (docs/runbooks/{one.runbook}): {one.says} {one.do}"


def heartbeat() -> bool:
    """Asks for the address that TB_HEARTBEAT_URL names, so that a monitor there hears that all goes on; False where none is named.

    Raises:
        RuntimeError: when the monitor does not take it. The address is in no message: whoever knows it can feign a heartbeat.
    """
    address = os.environ.get(ADDRESS)
    if not address:
        return False
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the address
    try:
        answer = httpx.get(address, timeout=10, follow_redirects=True)
        said = "" if answer.is_success else f"status {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        said = type(problem).__name__
    if said:
        raise RuntimeError(f"The monitor that {ADDRESS} names did not take the heartbeat: {said}.")
    return True

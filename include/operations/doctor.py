"""Checks an installation: services, versions, sources, what waits, what is held back, the last backup and space, in plain sentences."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psycopg
from botocore.exceptions import ClientError

from .. import sql
from ..releases import candidates
from ..sources.outcomes import MEANINGS
from ..stores import objects, settings, warehouse
from ..stores.faults import is_outage
from .folder import Folder, Unusable

WAITS = timedelta(hours=1)  # receive_inbox looks every quarter of an hour
BACKUP_AGE = timedelta(hours=26)  # one a day, and time to make it
FREE = 0.2  # of a disk
SHOWN = 5  # names in a sentence


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        about: what was checked, in a word or two; ok: whether it passed; says: what was found; do: what to do, empty where it
            passed; runbook: a file of docs/runbooks; of: what it is about of several, which stays the same while numbers change.
    """

    about: str
    ok: bool
    says: str
    do: str = ""
    runbook: str = ""
    of: str = ""


def examine(airflow: str | None = None, backups: Path | None = None) -> list[Finding]:
    """Checks everything; nothing is changed, and what does not answer keeps nothing else from being checked.

    What the warehouse is asked is left out where it does not answer or has not this version's migrations.

    Args:
        airflow: its address; None: it is not checked.
        backups: the folder of backups; None: none is named.
    """
    found = list(_warehouse())
    if all(one.ok for one in found):
        found += [*_roles(), *_audit(backups), *_sources(), *_late(), *_backlog(), *_messages(), *_held_back()]
    return [*found, *_object_store(), *_airflow(airflow), *_backup(backups), *_space(backups)]


def _warehouse() -> Iterator[Finding]:
    try:
        with warehouse.connect() as connection:
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
        missing = warehouse.migrations_missing()
    except (psycopg.Error, settings.Unconfigured) as problem:
        yield Finding("warehouse", False, f"does not answer: {_first(problem)}.", "Start PostgreSQL.", "services.md")
        return
    yield Finding(
        "warehouse",
        True,
        f"answers: PostgreSQL {row[0] if row else '?'}; this is version {version('trust-benchmarks')}.",
    )
    if missing:
        yield Finding(
            "migrations",
            False,
            f"{len(missing)} are missing or have changed, the first is {missing[0]}. What the warehouse holds was not checked.",
            "Run `trust-benchmarks prepare` with the version that is to run.",
            "migrations.md",
        )
    else:
        yield Finding("migrations", True, "all are applied.")


def _object_store() -> Iterator[Finding]:
    missing = []
    try:
        of = settings.load()
        for bucket in (of.inbox, of.archive, of.records, of.exports):
            try:
                objects.client().list_objects_v2(Bucket=bucket, MaxKeys=1)
            except ClientError as problem:
                # Whoever may not use a bucket is not told whether it is there.
                if problem.response["Error"]["Code"] not in ("NoSuchBucket", "AccessDenied"):
                    raise
                missing.append(bucket)
    except Exception as problem:
        if not is_outage(problem) and not isinstance(problem, settings.Unconfigured | ClientError):
            raise
        yield Finding(
            "object store", False, f"does not answer: {_first(problem)}.", "Start the S3 server.", "services.md"
        )
        return
    if missing:
        what = f"has no bucket {_names(missing)}, or does not let the key of TB_S3_KEY use it."
        yield Finding(
            "object store", False, what, "Run `trust-benchmarks prepare`, or correct TB_BUCKET_*.", "services.md"
        )
    else:
        yield Finding("object store", True, "answers, with all buckets.")


def _airflow(url: str | None) -> Iterator[Finding]:
    if url is None:
        yield Finding("Airflow", True, "was not checked: name its address in TB_AIRFLOW_URL.")
        return
    try:
        with httpx.Client(timeout=10, trust_env=False) as http:
            said = http.get(f"{url.rstrip('/')}/api/v2/monitor/health").raise_for_status().json()
        parts = {name: said[name]["status"] for name in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
        beat = said["scheduler"]["latest_scheduler_heartbeat"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as problem:
        yield Finding(
            "Airflow", False, f"at {url} does not answer: {_first(problem)}.", "Start its API server.", "services.md"
        )
        return
    down = [name for name, status in parts.items() if status not in ("healthy", None)]
    if down or parts["scheduler"] != "healthy":
        yield Finding(
            "Airflow",
            False,
            f"is not fully running: {_names(down or ['scheduler'])} does not run; the scheduler's last heartbeat was {beat or 'never'}.",
            "Start it: nothing is collected meanwhile.",
            "services.md",
        )
    else:
        yield Finding("Airflow", True, f"runs; the scheduler's last heartbeat was {beat}.")


def _roles() -> Iterator[Finding]:
    ((role, tables),) = _rows(sql.text("operations/too_many_rights"))
    if tables:
        says = f"{role} could change or remove facts in {tables} tables."
        do = (
            "Name the role `pipeline` in TB_WAREHOUSE_URL, and the owner in TB_WAREHOUSE_OWNER_URL for `prepare` alone."
        )
        yield Finding("roles", False, says, do, "roles.md")
    else:
        yield Finding("roles", True, f"{role} can add facts, and cannot change or remove any.")


def _audit(backups: Path | None) -> Iterator[Finding]:
    """Whether each decision and verdict is as it was noted, and the chain the one that the newest backup knows."""
    do = "Somebody who could connect as the owner changed the record: find out who, and compare with a backup."
    for place, table, key, why in _rows(sql.text("operations/audit")):
        what = f"entry {place} ({table} {key}) does not fit" if place else f"{table} {key} has no entry"
        yield Finding("audit", False, f"{what}: {why}.", do, "audit.md")
        return
    ((entries, last),) = _rows(
        "SELECT count(*), max(hash) FILTER (WHERE place = (SELECT max(place) FROM core.audit)) FROM core.audit"
    )
    saved = _saved_audit(backups)
    if saved and _rows("SELECT place FROM core.audit WHERE place = %(place)s AND hash = %(hash)s", saved) == []:
        says = f"entry {saved['place']} is not the one that the last backup has: the audit was written anew, or its end was cut off."
        yield Finding("audit", False, says, do, "audit.md")
        return
    end = f"; the last entry is {last[:16]}" if last else ""
    yield Finding("audit", True, f"{entries:,} decisions and verdicts are as they were noted{end}.")


def _saved_audit(backups: Path | None) -> dict[str, Any]:
    """The last entry of the audit in the newest backup; {} where there is none that can be read."""
    if backups is None:
        return {}
    try:
        return dict(Folder(backups).read().get("audit", {}))
    except (Unusable, OSError):  # `_backup` says so
        return {}


def _sources() -> Iterator[Finding]:
    rows = _rows("SELECT collection, source, outcome, said FROM intake.sources ORDER BY 1, 2")
    for collection, source, outcome, said in rows:
        meaning = MEANINGS.get(outcome)
        if meaning and meaning.person:
            says = f"{collection} ({source}): {meaning.says}. {said or ''}".strip()
            yield Finding("sources", False, says, meaning.do, "late-collections.md", f"{collection} {source} {outcome}")
    if rows and not any(MEANINGS[row[2]].person for row in rows if row[2] in MEANINGS):
        yield Finding("sources", True, f"{len(rows)} were looked at; none needs a person.")


def _late() -> Iterator[Finding]:
    rows = _rows(sql.text("operations/late"))
    if rows:
        names = _names([f"{collection} {period} (due {due:%d %B %Y})" for collection, period, due in rows])
        do = "Ask the senders, or look at the publisher's page."
        of = " ".join(f"{collection} {period}" for collection, period, _ in rows)
        yield Finding("collections", False, f"nothing has come for {names}.", do, "late-collections.md", of)
    else:
        yield Finding("collections", True, "something has come for each period that was due in the last three months.")


def _backlog() -> Iterator[Finding]:
    ((count, oldest),) = _rows("SELECT count(*), min(registered_at) FROM intake.waiting")
    if count and datetime.now(UTC) - oldest > WAITS:
        says = f"{count:,} files wait to be validated, the oldest since {oldest:%d %B %Y %H:%M} UTC."
        yield Finding("backlog", False, says, "See why `collect_...` runs do not start or end.", "backlog.md")
    else:
        yield Finding("backlog", True, f"{count:,} files wait to be validated.")


def _messages() -> Iterator[Finding]:
    ((given_up, waiting, oldest),) = _rows(sql.text("operations/messages"))
    if given_up or waiting:
        says = f"{given_up:,} were given up in the last 7 days, and {waiting:,} wait for a day or longer"
        says += f", the oldest since {oldest:%d %B %Y %H:%M} UTC." if waiting else "."
        do = "See what the mail server said: `trust-benchmarks messages list --state given_up`."
        yield Finding("messages", False, says, do, "messages.md")
    else:
        yield Finding("messages", True, "those to trusts were sent, or wait for less than a day.")


def _held_back() -> Iterator[Finding]:
    with warehouse.connect() as connection:
        held = candidates.held_back(connection)
    if held:
        names = _names([one.release_id for one in held])
        do = "Publish it with `trust-benchmarks release`, or correct what was sent."
        of = " ".join(one.release_id or "" for one in held)
        yield Finding(
            "releases", False, f"{len(held)} are held back by a check: {names}.", do, "held-back-releases.md", of
        )
    else:
        yield Finding("releases", True, "none is held back.")


def _backup(path: Path | None) -> Iterator[Finding]:
    do = "Run `trust-benchmarks backup FOLDER` once a day."
    if path is None:
        yield Finding("backup", False, "no folder of backups is named in TB_BACKUP.", do, "backups.md")
        return
    newest = Folder(path).newest()
    if newest is None:
        yield Finding("backup", False, f"{path} holds none.", do, "backups.md")
    elif datetime.now(UTC) - newest > BACKUP_AGE:
        yield Finding("backup", False, f"the last one is of {newest:%d %B %Y %H:%M} UTC.", do, "backups.md")
    else:
        yield Finding("backup", True, f"the last one is of {newest:%d %B %Y %H:%M} UTC.")


def _space(backups: Path | None) -> Iterator[Finding]:
    """Space where this machine writes: the cache and the backups. Servers on other machines are not seen from here."""
    folders = {"backups": backups} if backups else {}
    try:
        folders = {"cache": settings.load().cache} | folders
    except settings.Unconfigured as problem:
        says = f"the cache was not checked: {_first(problem)}."
        yield Finding("space", False, says, "Set it for whoever runs `doctor`.", "space.md")
    for name, folder in folders.items():
        if not folder.exists():
            continue
        disk = shutil.disk_usage(folder)
        free = disk.free / disk.total if disk.total else 0.0
        says = f"{free:.0%} ({disk.free / 1e9:.1f} GB) is free where the {name} is ({folder})."
        if free < FREE:
            yield Finding("space", False, says, "Make room before it is full.", "space.md", name)
        else:
            yield Finding("space", True, says)


def _rows(query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with warehouse.connect() as connection:
        return connection.execute(query, parameters).fetchall()


def _names(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _first(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0].rstrip(".")

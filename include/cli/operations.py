"""Back up, restore, heal and look after an installation, at the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import psycopg

from ..operations import backup as backups
from ..operations import doctor as examining
from ..operations import heal as healing
from ..operations import restore as restores
from ..operations.folder import Unusable
from ..reading.harmless import harmless
from ..stores.faults import is_outage
from . import Refused, embedded
from .output import Format, note, write

SHOWN = 20  # lines
PASSED = (
    "TB_WAREHOUSE_URL",
    "TB_CACHE",
    "TB_S3_ENDPOINT",
    "TB_S3_KEY",
    "TB_S3_SECRET",
    "TB_BUCKET_",
)  # of the settings that `make run` made


def doctor(form: Format) -> int:
    """Prints what each check found; the exit status."""
    backups = _folder(None) if os.environ.get("TB_BACKUP") else None
    with _services() as airflow:
        found = examining.examine(airflow, backups)
    failed = [one for one in found if not one.ok]
    if form is Format.table:
        for one in found:
            print(harmless(f"{'OK' if one.ok else 'FAIL':4}  {one.about}: {one.says}", None))
            if not one.ok:
                print(harmless(f"      {one.do} See docs/runbooks/{one.runbook}.", None))
        print(f"{len(failed)} of {len(found)} checks failed." if failed else f"All {len(found)} checks passed.")
    else:
        names = [field.name for field in fields(examining.Finding)]
        write([list(asdict(one).values()) for one in found], names, form)
    return 1 if failed else 0


@contextmanager
def _services() -> Iterator[str | None]:
    """The services to check, as they are: none is started. Airflow's address, None where it is not named."""
    airflow = os.environ.get("TB_AIRFLOW_URL")
    if os.environ.get("TB_WAREHOUSE_URL"):
        yield airflow
        return
    made = embedded.with_warehouse().settings()
    if "TB_PORT_AIRFLOW" in made:
        airflow = airflow or f"http://127.0.0.1:{made['TB_PORT_AIRFLOW']}"
    before = dict(os.environ)
    os.environ.update({name: value for name, value in made.items() if name.startswith(PASSED)})
    try:
        yield airflow
    finally:
        os.environ.clear()
        os.environ.update(before)


def backup(path: Path | None, keep: int | None, quick: bool) -> int:
    """Backs up to a folder; the exit status.

    Raises:
        Refused: there is no folder, it is in use, or a store does not answer.
    """
    with _as_refusals(), embedded.stores():
        done = backups.back_up(_folder(path), keep, read_all=not quick)
    note(
        f"{done.name}: {done.tables} tables with {done.rows:,} rows and {done.objects:,} objects ({done.bytes:,} bytes; "
        f"{done.new_bytes:,} of them are new)."
        + (f" {done.forgotten} older backups were removed." if done.forgotten else "")
    )
    _lines(done.harmed)
    return 1 if done.harmed else 0


def restore(path: Path | None, name: str | None, only_check: bool) -> int:
    """Restores a backup into empty stores, or says whether it is whole; the exit status.

    Raises:
        Refused: there is no backup, the stores are not empty, or a store does not answer.
    """
    folder = _folder(path)
    with _as_refusals():
        if only_check:
            damaged = backups.verify(folder, name)
            _lines(damaged)
            note("The backup is damaged." if damaged else "The backup is whole.")
            return 1 if damaged else 0
        with embedded.stores():
            done = restores.restore(folder, name, note)
    note(
        f"{done.name} was restored: {done.tables} tables with {done.rows:,} rows and {done.objects:,} objects, each compared with "
        "what was backed up."
        + (f" Newer migrations were applied: {', '.join(done.migrated)}." if done.migrated else "")
    )
    return 0


def heal(path: Path | None, only_look: bool) -> int:
    """Puts back what is lost or harmed; the exit status.

    Raises:
        Refused: the folder holds no backup, or a store does not answer.
    """
    if path is None and os.environ.get("TB_BACKUP"):
        path = _folder(None)
    with _as_refusals(), embedded.stores():
        done = healing.heal(path, only_look)
    _lines(done.healed)
    _lines(done.lost)
    note(
        f"{done.looked_at:,} objects were read: {len(done.healed)} were put back, {len(done.lost)} are lost or harmed."
    )
    return 1 if done.lost else 0


def _folder(path: Path | None) -> Path:
    if path is None and not os.environ.get("TB_BACKUP"):
        raise Refused("No folder of backups is named. Name it after the command, or in TB_BACKUP.")
    return path or Path(os.environ["TB_BACKUP"])


@contextmanager
def _as_refusals() -> Iterator[None]:
    """Raises what an operator can mend as `Refused`, in a sentence."""
    try:
        yield
    except Unusable as problem:
        raise Refused(str(problem)) from None
    except OSError as problem:
        raise Refused(
            f"{problem.filename or 'The folder'} cannot be used ({problem.strerror}). Correct that and start the command again."
        ) from None
    except Exception as problem:
        if not is_outage(problem) and not isinstance(problem, psycopg.errors.InsufficientPrivilege):
            raise
        first = (str(problem).strip().splitlines() or [""])[0]
        raise Refused(
            f"A store did not answer or refused ({first}). See that it is up, and start the command again."
        ) from None


def _lines(texts: list[str]) -> None:
    for text in texts[:SHOWN]:
        note(f"  {text}")
    if len(texts) > SHOWN:
        note(f"  and {len(texts) - SHOWN} more")

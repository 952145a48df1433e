"""PostgreSQL and the S3 server as a context: started when nobody has, reused when a run has, stopped afterwards."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trust_benchmarks_local import objects, postgres, processes
from trust_benchmarks_local.state import Held, State


@contextlib.contextmanager
def running(folder: Path | str | None = None) -> Iterator[dict[str, str]]:
    """Run the services of a state folder (TB_STATE or .state if None) and put their settings into the environment.

    Yields the settings. What a run already serves is used as it is and left running. Raises Trouble.
    """
    state = State(Path(folder) if folder else None).open()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(state.held("a command"))
        except Held:
            if not (postgres.answers(state) and objects.answers(state)):
                raise
        else:
            stack.enter_context(started(state))
        before = {name: os.environ.get(name) for name in exported(state.settings)}
        os.environ.update(exported(state.settings))
        try:
            yield dict(state.settings)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def scratch() -> Iterator[None]:
    """An empty PostgreSQL in a temporary folder, named in the environment; no object store."""
    with tempfile.TemporaryDirectory(prefix="trust-benchmarks-", ignore_cleanup_errors=True) as folder:
        state = State(Path(folder) / "state").open()
        server = postgres.start(state)
        # An object store must be named, and is not there.
        settings = exported(state.settings) | {"TB_S3_KEY": "none", "TB_S3_SECRET": "none", "TB_CACHE": folder}
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield
        finally:
            server.stop()
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def started(state: State) -> Iterator[list[processes.Child]]:
    """Start both services (the caller holds the folder); stop them in reverse order. Orphans are ended first."""
    processes.end_orphans(state.folder)
    children: list[processes.Child] = []
    try:
        children.append(postgres.start(state))
        children.append(objects.start(state))
        cache = state.folder / "cache"
        cache.mkdir(exist_ok=True)
        state.keep(TB_CACHE=str(cache))
        yield children
    finally:
        for child in reversed(children):
            child.stop()


OF_THE_OWNER = {"TB_WAREHOUSE_OWNER_URL", "TB_PIPELINE_PASSWORD", "TB_STEWARD_PASSWORD", "TB_ROOM_PASSWORD"}


def exported(settings: dict[str, str]) -> dict[str, str]:
    """The settings that our own code reads; not the passwords of the superuser or of Airflow."""
    names = {"TB_WAREHOUSE_URL", "TB_CACHE", "TB_READER_PASSWORD", "TB_DESK_PASSWORD"} | OF_THE_OWNER
    names |= {"TB_S3_ENDPOINT", "TB_S3_KEY", "TB_S3_SECRET", "TB_S3_REGION"}
    return {name: value for name, value in settings.items() if name in names or name.startswith("TB_BUCKET_")}


def of_the_pipeline(settings: dict[str, str]) -> dict[str, str]:
    """Those of them that tasks, the desk and the HTTP API get: nothing by which tables are made or readers' passwords set."""
    return {name: value for name, value in exported(settings).items() if name not in OF_THE_OWNER}

"""PostgreSQL and the S3 server as a context: started when nobody has, reused when a run has, stopped afterwards."""

import contextlib
import os
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


def exported(settings: dict[str, str]) -> dict[str, str]:
    """The settings that the pipeline reads; not the passwords of the superuser or of Airflow."""
    names = ("TB_WAREHOUSE_URL", "TB_CACHE", "TB_READER_PASSWORD", "TB_STEWARD_PASSWORD", "TB_DESK_PASSWORD")
    prefixes = ("TB_S3_", "TB_BUCKET_")
    return {name: value for name, value in settings.items() if name in names or name.startswith(prefixes)}

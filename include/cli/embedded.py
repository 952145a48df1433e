"""The embedded services of `make run`, for commands that run where the environment names no stores.

They are a package of their own that is not deployed. It registers itself under the entry point group `GROUP`.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from . import Refused
from .output import note

GROUP = "trust_benchmarks.embedded"


class Embedded(Protocol):
    """The services of one state folder (TB_STATE, or .state in the checkout)."""

    folder: Path

    def settings(self) -> dict[str, str]:
        """What `make run` wrote to the state folder: text by name, {} before the first run."""

    def warehouse_answers(self) -> bool:
        """Whether the warehouse is up."""

    def running(self) -> AbstractContextManager[dict[str, str]]:
        """Starts the services if they are not up, and puts their settings into the environment meanwhile."""

    def scratch(self) -> AbstractContextManager[None]:
        """Runs an empty warehouse in a folder of its own, and puts its settings into the environment meanwhile."""


def find() -> Embedded:
    """The embedded services of this installation.

    Raises:
        Refused: where they are not installed, as in production.
    """
    for point in entry_points(group=GROUP):
        try:
            return cast(Embedded, point.load()())
        except ModuleNotFoundError as missing:
            if missing.name != point.module.partition(".")[0]:
                raise
    raise Refused("The embedded services are not installed here. Name the warehouse in TB_WAREHOUSE_URL.")


def with_warehouse() -> Embedded:
    """The embedded services, when they hold a warehouse.

    Raises:
        Refused: when nobody has run them yet.
    """
    found = find()
    if "TB_WAREHOUSE_URL" not in found.settings():
        raise Refused(
            f"There is no warehouse yet: {found.folder} holds none. Run `make run` first, "
            "or name a warehouse in TB_WAREHOUSE_URL or a state folder in TB_STATE."
        )
    return found


@contextmanager
def stores() -> Iterator[None]:
    """The stores that the environment names, or the embedded ones (started if they are not up)."""
    if os.environ.get("TB_WAREHOUSE_URL"):
        yield
        return
    with with_warehouse().running():
        yield


@contextmanager
def warehouse_url() -> Iterator[str]:
    """The address of the warehouse: TB_WAREHOUSE_URL, or the embedded one, started for as long as it is needed."""
    if url := os.environ.get("TB_WAREHOUSE_URL"):
        yield url
        return
    services = with_warehouse()
    if services.warehouse_answers():
        yield services.settings()["TB_WAREHOUSE_URL"]
        return
    note("Starting the embedded warehouse ...")
    with services.running() as settings:
        yield settings["TB_WAREHOUSE_URL"]

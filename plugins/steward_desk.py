"""The steward desk in Airflow's web server: at /steward, and in its navigation."""

import threading
from functools import cache
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

_building = threading.Lock()


@cache
def _app() -> "FastAPI":
    from trust_benchmarks.desk.app import create

    return create()


def _built() -> "FastAPI":
    with _building:
        return _app()


async def desk(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The desk's application, built at its first request: every Airflow process loads plugins, and only one serves pages."""
    import anyio

    app = await anyio.to_thread.run_sync(_built)  # it takes a second or two, once; others are answered meanwhile
    await app(scope, receive, send)


class StewardDeskPlugin(AirflowPlugin):
    """Registers the desk and its place in the navigation."""

    name = "steward_desk"
    fastapi_apps = [{"app": desk, "url_prefix": "/steward", "name": "Steward desk"}]  # noqa: RUF012 - Airflow reads a plain list
    external_views = [  # noqa: RUF012
        {
            "name": "Stewards",  # as much as its place in the navigation can show
            "href": "/steward/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": "steward",
        }
    ]

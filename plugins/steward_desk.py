"""The steward desk in Airflow's web server: at /steward, and in its navigation."""

import threading
from functools import cache

from airflow.plugins_manager import AirflowPlugin

_building = threading.Lock()


@cache
def _app():
    from trust_benchmarks.desk.app import create

    return create()


def _built():
    with _building:
        return _app()


async def desk(scope, receive, send) -> None:
    """The desk's application, built at its first request: every Airflow process loads plugins, and only one serves pages."""
    import anyio

    app = await anyio.to_thread.run_sync(_built)  # it takes a second or two, once; others are answered meanwhile
    await app(scope, receive, send)


class StewardDeskPlugin(AirflowPlugin):
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

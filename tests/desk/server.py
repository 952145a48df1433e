"""The desk behind Airflow's own sign-in, without the rest of Airflow.

A process that makes Airflow's database and then, for each line of JSON on its input (an environment), a copy of itself that serves the
desk, and says READY with its process, port, routes and tokens. An empty line ends the copy, which DONE answers. Importing Airflow takes
longer than most tests of the desk.
"""

import asyncio
import gc
import json
import os
import signal
import socket
import sys

import uvicorn
from airflow import settings
from airflow.api_fastapi.app import init_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.utils import db
from airflow.utils.session import create_session
from fastapi import FastAPI
from fastapi.routing import APIRoute
from trust_benchmarks import catalogue
from trust_benchmarks.desk.app import create

USERS = {"vera": "viewer", "sam": "user", "stella": "user", "olga": "op", "otto": "op", "admin": "admin"}


def make_assets() -> None:
    """What the DAGs would have told Airflow: the asset that each collection listens to."""
    from airflow.models.asset import AssetModel

    with create_session() as session:
        session.add_all(AssetModel(name=f"waiting_{name}", uri=f"waiting_{name}") for name in catalogue.all())


def serve() -> None:
    """Serves the desk until it is ended."""
    outer = FastAPI()
    rights = init_auth_manager(outer)
    desk = create()
    outer.mount("/steward", desk)
    tokens = {
        name: rights.generate_jwt(SimpleAuthManagerUser(username=name, role=role), expiration_time_in_seconds=3600)
        for name, role in USERS.items()
    }
    routes = [
        [sorted(route.methods), route.path]
        if isinstance(route, APIRoute)
        else [["?"], getattr(route, "path", repr(route))]
        for route in desk.routes
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(outer, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    said = {"pid": os.getpid(), "port": listener.getsockname()[1], "routes": routes, "tokens": tokens}
    print("READY " + json.dumps(said), flush=True)
    asyncio.run(server.serve(sockets=[listener]))


def copied(environment: dict[str, str]) -> int:
    """A copy of this process that serves in that environment; its number."""
    child = os.fork()
    if child:
        return child
    try:
        os.environ.update(environment)
        settings.configure_orm()
        serve()
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(0)


def main() -> None:
    with create_session() as session:
        db.initdb(session=session)
    make_assets()
    settings.dispose_orm()  # a connection is not for two processes
    gc.freeze()
    for line in sys.stdin:
        child = copied(json.loads(line))
        sys.stdin.readline()
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        print("DONE", flush=True)


main()

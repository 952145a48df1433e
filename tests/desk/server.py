"""The desk behind Airflow's own sign-in, without the rest of Airflow: a process that says READY with its port, routes and tokens."""

import asyncio
import json
import socket

import uvicorn
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


def main() -> None:
    with create_session() as session:
        db.initdb(session=session)
    make_assets()
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
    port = listener.getsockname()[1]
    print("READY " + json.dumps({"port": port, "routes": routes, "tokens": tokens}), flush=True)
    asyncio.run(server.serve(sockets=[listener]))


main()

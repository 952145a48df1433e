"""The desk as a process of its own over a fresh warehouse with made-up returns, and callers in every role."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from worlds import copy_of, environment, new_world

HERE = Path(__file__).parent

ROLES = {"viewer": "vera", "steward": "sam", "other steward": "stella", "approver": "olga", "other approver": "otto"}


@dataclass
class Desk:
    """A running desk."""

    url: str
    routes: list
    tokens: dict
    home: Path

    def client(self, role: str | None, html: bool = True) -> httpx.Client:
        """A caller in a role, signed in as a browser is; None is somebody who is not."""
        client = httpx.Client(base_url=self.url, trust_env=False, timeout=60, follow_redirects=False)
        client.headers["Accept"] = "text/html" if html else "application/json"
        if role:
            client.cookies.set("_token", self.tokens[ROLES[role]])
        return client

    def post(self, role: str, path: str, **fields) -> httpx.Response:
        """A post as a form of the desk sends it."""
        with self.client(role) as client:
            token = client.get("/steward/me").json()["token"]
            return client.post(f"/steward{path}", data={"token": token, **fields})


@contextlib.contextmanager
def served(world):
    """A desk over a world's stores."""
    with tempfile.TemporaryDirectory(prefix="desk-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        passwords = {name: name for name in ("vera", "sam", "stella", "olga", "otto", "admin")}
        (home / "passwords.json").write_text(json.dumps(passwords))
        ours = {
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "none"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "vera:viewer,sam:user,stella:user,olga:op,otto:op,admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__API__SECRET_KEY": "a secret of this test",
            "AIRFLOW__API_AUTH__JWT_SECRET": "another secret of this test, long enough for its purpose 0123456789 0123456789",
        }
        log = home / "server.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "server.py")],
                env=os.environ | ours,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                for line in process.stdout:
                    if line.startswith("READY "):
                        said = json.loads(line[6:])
                        break
                else:
                    raise RuntimeError(f"The desk did not start:\n{log.read_text()[-3000:]}")
                (home / "pid").write_text(str(process.pid))
                yield Desk(f"http://127.0.0.1:{said['port']}", said["routes"], said["tokens"], home)
            finally:
                process.terminate()
                process.wait(15)


@pytest.fixture(scope="session")
def month(services):
    """A world with the returns of one month (seven sound ones, and one of RX4 whose second version is held), and their ids."""
    import desk_world

    with new_world(services) as world:
        made = desk_world.make()
        with environment(services):
            yield world, made


@pytest.fixture(scope="module")
def shared_world(month):
    """A copy of that world for the tests of one module."""
    with copy_of(month[0]) as world:
        yield world


@pytest.fixture(scope="module")
def returns(month):
    """The ids of the returns, by sender and version."""
    return month[1]


@pytest.fixture(scope="module")
def desk(shared_world, returns):
    """A running desk over those returns."""
    with served(shared_world) as running:
        yield running

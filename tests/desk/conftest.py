"""The desk as a process of its own over a fresh warehouse with made-up returns, and callers in every role."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from served_desk import Airflow, served
from worlds import copy_of, environment, new_world

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def airflow():
    """Airflow's own sign-in and database, for all desks of the session, of which one runs at a time."""
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
        with (
            (home / "server.log").open("w") as errors,
            subprocess.Popen(
                [sys.executable, str(HERE / "server.py")],
                env=os.environ | ours,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            yield Airflow(process, home)
            process.stdin.close()


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
def desk(airflow, shared_world, returns):
    """A running desk over those returns."""
    with served(airflow, shared_world) as running:
        yield running


@pytest.fixture(scope="module")
def signed_in(desk, browser):
    """A function: the browser as used by that person; a new one for each test would load all that it keeps again."""
    contexts = {}

    def context(person: str):
        if person not in contexts:
            contexts[person] = browser.new_context(viewport={"width": 1280, "height": 900})
            contexts[person].add_cookies([{"name": "_token", "value": desk.tokens[person], "url": desk.url}])
        return contexts[person]

    yield context
    for one in contexts.values():
        one.close()

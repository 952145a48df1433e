"""The desk as tests meet it: a process of its own, and callers in every role."""

import contextlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
from trust_benchmarks_local.services import exported

ROLES = {"viewer": "vera", "steward": "sam", "other steward": "stella", "approver": "olga", "other approver": "otto"}


@dataclass
class Desk:
    """A running desk."""

    url: str
    routes: list
    tokens: dict
    home: Path
    pid: int

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


@dataclass
class Airflow:
    """The process that has Airflow, and makes desks (server.py)."""

    process: subprocess.Popen
    home: Path

    def ask(self, line: str, answer: str) -> str:
        """Sends a line, and reads up to the answer; what follows it."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        for said in self.process.stdout:
            if said.startswith(answer):
                return said.removeprefix(answer)
        raise RuntimeError(f"The desk did not start:\n{(self.home / 'server.log').read_text()[-3000:]}")


@contextlib.contextmanager
def served(airflow, world):
    """A desk over a world's stores."""
    said = json.loads(airflow.ask(json.dumps(exported(world)), "READY "))
    yield Desk(f"http://127.0.0.1:{said['port']}", said["routes"], said["tokens"], airflow.home, said["pid"])
    airflow.ask("", "DONE")

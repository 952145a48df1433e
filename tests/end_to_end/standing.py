"""A job that has collected and stays up: its desk, its passwords, its warehouse."""

import time
from pathlib import Path

import httpx
import psycopg
from job import Job

PERIOD = "2025-06"  # of the made-up returns
PATIENCE = 240  # seconds for what Airflow does; it is quicker on a machine of its own


class Standing:
    """A running job: where it is, who may sign in, what it said, and its warehouse."""

    def __init__(self, job: Job, inbox: Path):
        self.job, self.inbox, self.said = job, inbox, ""
        self.process = job.start("--inbox", str(inbox))
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Look around"):
                break
        else:
            raise AssertionError(f"The job ended early: {self.said}")
        settings = (job.state / "settings.env").read_text().splitlines()
        self.settings = dict(line.split("=", 1) for line in settings if "=" in line)
        self.url = f"http://127.0.0.1:{self.settings['TB_PORT_AIRFLOW']}"

    def query(self, sql: str, *values) -> list[tuple]:
        with psycopg.connect(self.settings["TB_WAREHOUSE_URL"]) as connection:
            return connection.execute(sql, values or None).fetchall()

    def person(self, browser, name: str):
        """A page of the browser in which that user has signed in by Airflow's own form."""
        page = browser.new_context().new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{self.url}/auth/login?next={self.url}/steward/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", self.settings[f"TB_AIRFLOW_{name.upper()}_PASSWORD"])
        page.click("button[type=submit]")
        page.wait_for_url(lambda address: "/login" not in address)
        return page

    def client(self, name: str) -> httpx.Client:
        """A program that has signed in as that user."""
        password = self.settings[f"TB_AIRFLOW_{name.upper()}_PASSWORD"]
        token = httpx.post(f"{self.url}/auth/token", json={"username": name, "password": password}, timeout=60)
        header = {"Authorization": f"Bearer {token.json()['access_token']}"}
        return httpx.Client(base_url=f"{self.url}/steward", headers=header, timeout=120)

    def wait(self, what: str, until) -> None:
        begun = time.monotonic()
        while not until():
            assert time.monotonic() - begun < PATIENCE, f"It took more than {PATIENCE} s until {what}."
            time.sleep(1)

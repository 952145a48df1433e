"""A real browser for tests: which one, how it is started, and what is said when there is none."""

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

LOOK = Path(__file__).parents[1] / ".ci" / "browser"
ABSENT = "Browser tests could not run: "
# What root, a machine without a graphics card and tests without a network need.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but this machine can be reached: no other name has an address, and no other address a way to it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=127.0.0.1;localhost",
]


@cache
def _look() -> tuple[str | None, str]:
    done = subprocess.run([LOOK, "--look"], capture_output=True, text=True, timeout=180, check=False)
    path = done.stdout.strip()
    words = (done.stderr.strip().splitlines() or ["No browser."])[-1]
    return (path, "") if done.returncode == 0 and path else (None, words)


def browser_path() -> str:
    """The path of a browser of this machine; skips the test without one, or fails it if TB_BROWSER_REQUIRED is set."""
    path, words = _look()
    if path is None:
        (pytest.fail if os.environ.get("TB_BROWSER_REQUIRED") else pytest.skip)(ABSENT + words)
    return path


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright, that reaches this machine alone: `browser.new_context(...)` for each person."""
    path = browser_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


def serious(tab) -> list[str]:
    """What axe finds on a page that is serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = (
        Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    )  # all rules; no list of what passed
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]


def why_not(stats: dict) -> str:
    """The line that says that browser tests could not run and why; empty if they did, or none was asked for.

    Args:
        stats: pytest's reports by outcome.
    """
    for outcome in ("skipped", "failed", "error"):
        for report in stats.get(outcome, []):
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
            if ABSENT in text:
                return ABSENT + text.partition(ABSENT)[2].splitlines()[0]
    return ""

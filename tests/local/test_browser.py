"""The browser of the tests: one is found or its absence is told in the last line, and it reaches this machine alone."""

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
TEST = "def test_it(browser):\n    assert browser.version\n\n\ndef test_other():\n    pass\n"


@pytest.fixture
def nowhere(tmp_path):
    """An environment in which no browser is to be found, nor fetched."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env", "dirname", "timeout", "id", "python3", "head", "tail", "cat", "mktemp", "rm", "sh"):
        found = next((p for p in ("/usr/bin", "/bin") if Path(p, name).exists()), None)
        if found:
            (folder / name).symlink_to(Path(found, name))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    return clean | {"PATH": str(folder), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "TB_OFFLINE": "1"}


def run_pytest(tmp_path, env, *arguments):
    (tmp_path / "test_one.py").write_text(TEST)
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *arguments,
        str(tmp_path / "test_one.py"),
    ]
    return subprocess.run(
        command, env=env | {"PYTHONPATH": str(HERE)}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "shared out"])
def test_without_a_browser_the_last_line_says_so(tmp_path, nowhere, workers):
    done = run_pytest(tmp_path, nowhere, *workers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("Browser tests could not run: No browser: none on this machine"), last
    done = run_pytest(tmp_path, nowhere | {"TB_BROWSER_REQUIRED": "1"}, *workers)
    assert done.returncode == 1
    assert done.stdout.strip().splitlines()[-1].startswith("Browser tests could not run: ")


def test_the_script_fetches_nothing_where_it_may_not(nowhere):
    done = subprocess.run([HERE.parent / ".ci" / "browser"], env=nowhere, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "TB_OFFLINE is set" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_the_browser_reaches_this_machine_and_no_other(browser):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    try:
        assert page.goto(f"http://127.0.0.1:{server.server_port}/").ok
        for elsewhere in ("http://example.org/", "http://192.0.2.1/"):
            with pytest.raises(Exception, match="net::ERR_"):
                page.goto(elsewhere, timeout=20_000)
    finally:
        page.close()
        server.shutdown()

"""What the tests of the command share: running it, in a process of its own or here."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str


def command(*arguments, env: dict | None = None, cwd: Path | None = None) -> Ran:
    """Runs trust-benchmarks; `env` is added to an environment without our own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    done = subprocess.run(
        [sys.executable, "-m", "trust_benchmarks.cli.main", *map(str, arguments)],
        capture_output=True,
        env=clean | {"TERM": "dumb", "COLUMNS": "160"} | (env or {}),
        cwd=cwd,
        timeout=120,
    )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ran.out + ran.err and "panicked" not in ran.err
    return ran


def here(*arguments, env: dict | None = None, cwd: Path | None = None) -> Ran:
    """The same in this process, which is quicker by the time that imports take."""
    from trust_benchmarks.cli.main import run

    clean = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    with (
        mock.patch.dict(os.environ, clean | {"TERM": "dumb", "COLUMNS": "160"} | (env or {}), clear=True),
        mock.patch.object(sys, "argv", ["trust-benchmarks", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        os.chdir(cwd or before)
        try:
            run()
        finally:
            os.chdir(before)
    assert "should not happen" not in err.getvalue()
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def tb():
    """A function that runs the command in this process."""
    return here


@pytest.fixture
def tb_process():
    """A function that runs the command in a process of its own, as a person does."""
    return command


@pytest.fixture(scope="session")
def workforce_rows() -> list[list[str]]:
    """A made-up workforce return without faults: the headings, then a row a staff group."""
    from trust_benchmarks.schemas.workforce import STAFF_GROUPS

    head = "ods_code period staff_group headcount fte joiners_hc leavers_hc fte_days_available fte_days_lost substantive_pay_gbp"
    wanted = head.split()
    from trust_benchmarks import schemas

    names = list(schemas.load("workforce").fields)
    row = dict(zip(wanted, ["RY8", "2025-06", "", "100", "90.5", "2", "1", "2715", "120", "350000"], strict=True))
    return [names, *[[(row | {"staff_group": group}).get(name, "") for name in names] for group in STAFF_GROUPS]]


@pytest.fixture
def workforce_file(tmp_path, workforce_rows):
    """A function that writes the made-up return with some cells changed: {(line, field): text}."""

    def write(changes: dict | None = None, name: str = "workforce_RY8_2025-06.csv") -> Path:
        rows = [list(row) for row in workforce_rows]
        for (line, field), text in (changes or {}).items():
            rows[line - 1][rows[0].index(field)] = text
        lines = [
            ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set(',"\n') else c for c in r) for r in rows
        ]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write

"""Runs the command, in a process of its own or in this one."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str


def ran(code: int, out: bytes, err: bytes) -> Ran:
    """What a command did, which is neither a traceback nor a panic of a Rust library."""
    said = Ran(code, out.decode(), err.decode())
    assert "Traceback" not in said.out + said.err and "panicked" not in said.err
    assert "This is an error in trust-benchmarks" not in said.err, said.err
    return said


def command(*arguments, env: dict | None = None, cwd: Path | None = None, stdin=None) -> Ran:
    """Runs trust-benchmarks; `env` is added to an environment without our own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    done = subprocess.run(
        [sys.executable, "-m", "trust_benchmarks.cli.main", *map(str, arguments)],
        capture_output=True,
        env=clean | {"TERM": "dumb", "COLUMNS": "160"} | (env or {}),
        cwd=cwd,
        stdin=stdin,
        timeout=120,
    )
    return ran(done.returncode, done.stdout, done.stderr)


def here(*arguments, env: dict | None = None, cwd: Path | None = None) -> Ran:
    """The same in this process, which is quicker by the time that imports take."""
    from trust_benchmarks.cli.main import run

    clean = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before = Path.cwd()
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
    return ran(int(ended.value.code or 0), *(stream.buffer.getvalue() for stream in (out, err)))

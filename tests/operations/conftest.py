"""What the tests of operations share: the command, run in this process with the stores of the test."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs trust-benchmarks: its exit status, standard output and standard error."""

    def command(*arguments: str) -> SimpleNamespace:
        from trust_benchmarks.cli import main

        monkeypatch.setattr("sys.argv", ["trust-benchmarks", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
        wrote = capsys.readouterr()
        return SimpleNamespace(code=ended.value.code, out=wrote.out, err=wrote.err)

    return command

"""The state folder: one run at a time, secrets for the owner alone, ports that are free."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from trust_benchmarks_local import Trouble
from trust_benchmarks_local.state import State, is_free


@pytest.fixture
def state(tmp_path) -> State:
    return State(tmp_path / "a folder").open()


def test_secrets_are_made_once_and_kept_for_the_owner_alone(state):
    again = State(state.folder).open()
    assert again.settings == state.settings
    assert state.file.stat().st_mode & 0o777 == 0o600
    assert state.folder.stat().st_mode & 0o777 == 0o700
    secrets = [value for name, value in state.settings.items() if name.endswith(("PASSWORD", "SECRET", "KEY"))]
    assert len(secrets) == len(set(secrets)) >= 9
    assert min(map(len, secrets)) >= 20


def test_a_port_is_kept_while_it_is_free_and_changed_when_it_is_taken(state):
    port = state.port("TB_PORT_X")
    assert State(state.folder).open().port("TB_PORT_X") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        other = State(state.folder).open().port("TB_PORT_X")
    assert other != port and is_free(other)


def test_a_second_run_is_refused_in_one_sentence_that_names_the_first(state):
    first = f"make run, process {os.getpid()}"
    with state.held("make run"), pytest.raises(Trouble, match=first) as refused, State(state.folder).held("make run"):
        pass
    assert "Stop it with Ctrl-C" in str(refused.value)
    with State(state.folder).held("make run"):
        pass


def test_the_lock_of_a_killed_run_is_void(state):
    code = (
        "import sys, time; from trust_benchmarks_local.state import State\n"
        "with State(sys.argv[1]).held('make run'): print('held', flush=True); time.sleep(60)"
    )
    run = subprocess.Popen([sys.executable, "-c", code, state.folder], stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "held\n"
    with pytest.raises(Trouble), state.held("make run"):
        pass
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    with state.held("make run"):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Trouble, match="TB_STATE"):
        State(tmp_path / "file" / "state").open()

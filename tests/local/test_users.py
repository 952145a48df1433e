"""Who may sign in after `make run`: four users, each with a password of their own that only the owner can read."""

import json

import pytest
from trust_benchmarks.operations import retention
from trust_benchmarks_local import airflow, run, services
from trust_benchmarks_local.services import exported
from trust_benchmarks_local.state import State


@pytest.fixture
def state(tmp_path) -> State:
    state = State(tmp_path / "state").open()
    state.keep(TB_PORT_AIRFLOW="20001", TB_AIRFLOW_DATABASE_URL="postgresql://airflow:x@127.0.0.1:1/airflow")
    return state


def test_each_user_has_a_role_and_a_password_of_their_own(state, tmp_path):
    users = airflow.environment(state)["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    assert users == "admin:admin,viewer:viewer,steward:user,approver:op"
    file = tmp_path / "passwords.json"
    airflow.write_passwords(file, state.settings)
    passwords = json.loads(file.read_text())
    assert list(passwords) == [user.partition(":")[0] for user in users.split(",")]
    assert len(set(passwords.values())) == 4 and file.stat().st_mode & 0o777 == 0o600


def test_a_folder_of_an_older_version_gets_the_new_passwords(state):
    old = {name: value for name, value in state.settings.items() if "STEWARD" not in name and "DESK" not in name}
    state.file.write_text("".join(f"{name}={value}\n" for name, value in old.items()))
    again = State(state.folder).open().settings
    assert again["TB_AIRFLOW_PASSWORD"] == old["TB_AIRFLOW_PASSWORD"]
    assert again["TB_AIRFLOW_STEWARD_PASSWORD"] and again["TB_DESK_PASSWORD"]


def test_the_run_tells_where_to_sign_in_and_with_what(state):
    told = "\n".join(run._sign_in("http://127.0.0.1:20001", state.settings))
    assert "http://127.0.0.1:20001/steward/" in told
    for name, (_, variable) in airflow.USERS.items():
        assert name in told and state.settings[variable] in told


def test_no_process_of_airflow_gets_a_password_of_its_users_or_of_the_superuser(state, monkeypatch):
    monkeypatch.setenv("TB_PEOPLE", "/somewhere/people.toml")
    monkeypatch.setenv("TB_USER_PASSWORD", "mine")
    named = ["TB_FETCH_CONTACT", "TB_FETCH_AGENT", "TB_FETCH_PAUSE", "HTTPS_PROXY", *retention.KEPT]
    for name in named:
        monkeypatch.setenv(name, f"of {name}")
    given = airflow.environment(state)
    secret = {variable for _, variable in airflow.USERS.values()} | {"TB_POSTGRES_PASSWORD", "TB_USER_PASSWORD"}
    secret |= services.OF_THE_OWNER | {"TB_WAREHOUSE_PASSWORD"}
    assert not secret & set(given)
    assert not {state.settings.get(name) for name in secret} & set(given.values()) - {None}
    assert given["TB_PEOPLE"] == "/somewhere/people.toml"
    assert {name: given[name] for name in named} == {name: f"of {name}" for name in named}
    assert exported(state.settings)["TB_DESK_PASSWORD"] == given["TB_DESK_PASSWORD"]

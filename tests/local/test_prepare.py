"""What an installation needs once is made, and made again without harm."""

import json
from pathlib import Path

import psycopg
import pytest
from trust_benchmarks.cli import Refused, prepare
from trust_benchmarks.stores import objects


@pytest.fixture
def installation(world, tmp_path, monkeypatch) -> dict:
    """The services of this test run, named as an installation names them; Airflow's own commands are noted, not run."""
    asked = []
    monkeypatch.setattr(prepare, "_airflow", lambda *command: asked.append(command))
    passwords = {variable: f"password of {name}" for name, (_, variable) in prepare.USERS.items()}
    superuser = f"postgresql://postgres:{world['TB_POSTGRES_PASSWORD']}@127.0.0.1:{world['TB_PORT_POSTGRES']}/postgres"
    file = tmp_path / "passwords.json"
    given = passwords | {
        "TB_POSTGRES_URL": superuser,
        "TB_AIRFLOW_DATABASE_PASSWORD": world["TB_AIRFLOW_DATABASE_PASSWORD"],
        "TB_WAREHOUSE_PASSWORD": world["TB_WAREHOUSE_PASSWORD"],
        "TB_BUCKET_EXPORTS": "a-new-bucket",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return {"file": str(file), "superuser": superuser, "asked": asked}


def test_an_installation_is_prepared_and_may_be_prepared_again(installation, world):
    for _ in range(2):
        prepare.run()
    assert "a-new-bucket" in {bucket["Name"] for bucket in objects.client().list_buckets()["Buckets"]}
    with psycopg.connect(installation["superuser"]) as connection:
        assert {row[0] for row in connection.execute("SELECT datname FROM pg_database")} >= {"airflow", "warehouse"}
    with psycopg.connect(world["TB_WAREHOUSE_URL"]) as connection:
        assert connection.execute("SELECT count(*) > 200 FROM core.provider").fetchone() == (True,)
    assert json.loads(Path(installation["file"]).read_text())["steward"] == "password of steward"
    commands = installation["asked"][: len(installation["asked"]) // 2]
    assert commands[0] == ("db", "migrate")
    assert [command[2] for command in commands[1:]] == list(prepare.POOLS)


def test_a_setting_that_is_missing_is_named(installation, monkeypatch):
    monkeypatch.delenv("TB_WAREHOUSE_PASSWORD")
    with pytest.raises(Refused, match="TB_WAREHOUSE_PASSWORD is not set"):
        prepare.run()

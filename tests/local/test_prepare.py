"""What an installation needs once is made, and made again without harm."""

import json
from pathlib import Path

import psycopg
import pytest
from trust_benchmarks.cli import Refused, prepare
from trust_benchmarks.stores import objects


@pytest.fixture
def installation(world, tmp_path, monkeypatch):
    """The services of this test run, named as an installation names them; Airflow's commands are noted, and make no more than the pools."""
    asked = []
    passwords = {variable: f"password of {name}" for name, (_, variable) in prepare.USERS.items()}
    superuser = f"postgresql://postgres:{world['TB_POSTGRES_PASSWORD']}@127.0.0.1:{world['TB_PORT_POSTGRES']}/postgres"
    file = tmp_path / "passwords.json"

    def airflow(*command):
        asked.append(command)
        with psycopg.connect(superuser.rpartition("/")[0] + "/airflow") as database:
            database.execute("CREATE TABLE IF NOT EXISTS slot_pool (pool text)")
            if command[0] == "pools":
                made = [(name,) for name in json.loads(Path(command[-1]).read_text())]
                database.cursor().executemany("INSERT INTO slot_pool VALUES (%s)", made)

    monkeypatch.setattr(prepare, "_airflow", airflow)
    given = passwords | {
        "TB_POSTGRES_URL": superuser,
        "TB_AIRFLOW_DATABASE_PASSWORD": world["TB_AIRFLOW_DATABASE_PASSWORD"],
        "TB_WAREHOUSE_PASSWORD": world["TB_WAREHOUSE_PASSWORD"],
        "TB_BUCKET_EXPORTS": "a-new-bucket",
        "TB_S3_KEY": world["TB_S3_ADMIN_KEY"],  # as in compose: the one identity that may make one
        "TB_S3_SECRET": world["TB_S3_ADMIN_SECRET"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    yield {"file": str(file), "superuser": superuser, "asked": asked}
    with psycopg.connect(superuser.rpartition("/")[0] + "/airflow") as database:
        database.execute("DROP TABLE IF EXISTS slot_pool")


def test_an_installation_is_prepared_and_may_be_prepared_again(installation, world):
    for _ in range(2):
        prepare.run()
    assert "a-new-bucket" in {bucket["Name"] for bucket in objects.client().list_buckets()["Buckets"]}
    with psycopg.connect(installation["superuser"]) as connection:
        assert {row[0] for row in connection.execute("SELECT datname FROM pg_database")} >= {"airflow", "warehouse"}
    with psycopg.connect(world["TB_WAREHOUSE_URL"]) as connection:
        assert connection.execute("SELECT count(*) > 200 FROM core.provider").fetchone() == (True,)
    assert json.loads(Path(installation["file"]).read_text())["steward"] == "password of steward"
    assert [command[:2] for command in installation["asked"]] == [
        ("db", "migrate"),
        ("pools", "import"),
        ("db", "migrate"),
    ]
    with psycopg.connect(installation["superuser"].rpartition("/")[0] + "/airflow") as connection:
        assert {row[0] for row in connection.execute("SELECT pool FROM slot_pool")} == set(prepare.POOLS)


def test_a_setting_that_is_missing_is_named(installation, monkeypatch):
    monkeypatch.delenv("TB_WAREHOUSE_PASSWORD")
    with pytest.raises(Refused, match="TB_WAREHOUSE_PASSWORD is not set"):
        prepare.run()

"""The stores are found in the environment, else in Airflow's connections, else as AWS finds them."""

import json
import os
import subprocess
import sys

import pytest
from trust_benchmarks.stores import settings

WAREHOUSE = {
    "conn_type": "postgres",
    "host": "db.example",
    "port": 5433,
    "login": "warehouse",
    "password": "p@ss/word",
    "schema": "warehouse",
    "extra": {"sslmode": "require"},
}
S3 = {
    "conn_type": "aws",
    "login": "AKIA1",
    "password": "secret",
    "extra": {"endpoint_url": "https://s3.example", "region_name": "eu-west-2", "aws_session_token": "t"},
}
SFTP = {
    "conn_type": "sftp",
    "host": "sftp.example",
    "port": 2222,
    "login": "us",
    "password": "p",
    "extra": {"host_key": "ssh-rsa A", "key_file": "k", "private_key_passphrase": "s"},
}
ASK = """
import airflow.sdk, json, dataclasses
from trust_benchmarks.stores import airflow_connections, objects, settings
partner, nobody = airflow_connections.sftp("partner"), airflow_connections.sftp("nobody")
found = settings.load()
client = objects.client()
print("FOUND " + json.dumps([found.warehouse_url, dataclasses.asdict(found.s3), client.meta.endpoint_url, client.meta.region_name,
       partner and dataclasses.astuple(partner), nobody]))
"""


def ask(tmp_path, **environment):
    """What a process of Airflow finds, given these variables."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("TB_", "AIRFLOW", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**plain, "AIRFLOW_HOME": str(tmp_path), "HOME": str(tmp_path), "TB_CACHE": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    return json.loads(found[-1].removeprefix("FOUND ")) if found else done.stderr


def test_connections_of_airflow_serve_where_the_environment_names_no_store(tmp_path):
    url, s3, endpoint, region, partner, nobody = ask(
        tmp_path,
        AIRFLOW_CONN_TRUST_BENCHMARKS_WAREHOUSE=json.dumps(WAREHOUSE),
        AIRFLOW_CONN_TRUST_BENCHMARKS_S3=json.dumps(S3),
        AIRFLOW_CONN_PARTNER=json.dumps(SFTP),
    )
    assert partner == ["sftp.example", 2222, "us", "p", None, "s", "k", "ssh-rsa A"]
    assert nobody is None
    assert url == "postgresql://warehouse:p%40ss%2Fword@db.example:5433/warehouse?sslmode=require"
    assert s3 == {
        "endpoint": "https://s3.example",
        "key": "AKIA1",
        "secret": "secret",
        "session_token": "t",
        "region": "eu-west-2",
    }
    assert (endpoint, region) == ("https://s3.example", "eu-west-2")


def test_a_connection_without_a_key_leaves_it_to_the_role_of_the_machine(tmp_path):
    _, s3, endpoint, *_ = ask(
        tmp_path,
        TB_WAREHOUSE_URL="postgresql://here/warehouse",
        AIRFLOW_CONN_TRUST_BENCHMARKS_S3=json.dumps({"conn_type": "aws", "extra": {"region_name": "eu-west-2"}}),
    )
    assert s3["key"] is None and s3["secret"] is None
    assert "amazonaws.com" in endpoint and "eu-west-2" in endpoint


def test_without_connections_it_says_what_to_set(tmp_path):
    assert "TB_WAREHOUSE_URL is not set" in ask(tmp_path)


def test_the_environment_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("TB_WAREHOUSE_URL", "postgresql://here/warehouse")
    monkeypatch.setenv("TB_S3_ENDPOINT", "http://127.0.0.1:8333")
    monkeypatch.setenv("TB_S3_KEY", "k")
    monkeypatch.setenv("TB_S3_SECRET", "s")
    monkeypatch.setenv("TB_CACHE", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_TRUST_BENCHMARKS_S3", json.dumps(S3))
    found = settings.load()
    assert found.warehouse_url == "postgresql://here/warehouse"
    assert (found.s3.endpoint, found.s3.key, found.s3.secret) == ("http://127.0.0.1:8333", "k", "s")


def test_a_key_without_its_secret_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TB_WAREHOUSE_URL", "postgresql://here/warehouse")
    monkeypatch.setenv("TB_S3_KEY", "k")
    monkeypatch.delenv("TB_S3_SECRET", raising=False)
    with pytest.raises(settings.Unconfigured, match="TB_S3_SECRET"):
        settings.load()

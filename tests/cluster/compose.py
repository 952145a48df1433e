"""docker-compose.yml and the Dockerfile as a container engine understands them, as far as this project uses them."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
ASKED = re.compile(r"\$\{([A-Z0-9_]+):\?[^}]*\}")


@dataclass
class Service:
    """One service, its text interpolated. `command` begins with the entrypoint; `volumes` are (name, path inside)."""

    name: str
    command: list[str]
    environment: dict[str, str]
    volumes: list[tuple[str, str]] = field(default_factory=list)
    tmpfs: list[str] = field(default_factory=list)
    read_only: bool = False
    is_ours: bool = False
    health: list[str] = field(default_factory=list)
    interval: float = 30.0
    start_interval: float = 5.0
    after: dict[str, str] = field(default_factory=dict)


def new_secrets() -> dict[str, str]:
    """One for each ${NAME:?...} of the file, as its head says how to make them."""
    names = set(ASKED.findall((CHECKOUT / "docker-compose.yml").read_text()))
    made = {name: secrets.token_hex(32) for name in names}
    return made | {"AIRFLOW_FERNET_KEY": secrets.token_urlsafe(32) + "="}


def services(given: dict[str, str]) -> dict[str, Service]:
    """The services by name; a secret that is not given raises KeyError."""
    read = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    return {name: _service(name, said, given) for name, said in read.items()}


def image() -> dict[str, str]:
    """ENV of the Dockerfile, which has no ENTRYPOINT."""
    text = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ")
    assert "ENTRYPOINT" not in text
    return dict(pair.split("=", 1) for line in re.findall(r"^ENV (.+)$", text, re.MULTILINE) for pair in line.split())


def _service(name: str, said: dict, given: dict[str, str]) -> Service:
    def text(value: object) -> str:
        return ASKED.sub(lambda asked: given[asked[1]], str(value)).replace("$$", "$")

    ours = said["image"].startswith("trust-benchmarks:")
    environment = image() if ours else {}
    entrypoint = [text(word) for word in said.get("entrypoint", [])]
    check = said.get("healthcheck", {})
    kind, *words = [text(word) for word in check.get("test", ["NONE"])]
    return Service(
        name,
        [*entrypoint, *(text(word) for word in said.get("command", []))],
        environment | {key: text(value) for key, value in said.get("environment", {}).items()},
        [tuple(mount.split(":")[:2]) for mount in said.get("volumes", [])],
        list(said.get("tmpfs", [])),
        bool(said.get("read_only")),
        ours,
        ["sh", "-c", *words] if kind == "CMD-SHELL" else words,
        float(check.get("interval", "30s").removesuffix("s")),
        float(check.get("start_interval", "5s").removesuffix("s")),
        {needed: how["condition"] for needed, how in said.get("depends_on", {}).items()},
    )

"""What is deployed holds what the code imports and nothing that only tests, linters or embedded services need."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
OWN = {"trust_benchmarks", "trust_benchmarks_local"}
LOCKED = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)(?: ; (?P<marker>.+))? \\$", re.MULTILINE)


def names(requirements):
    return {re.match(r"[A-Za-z0-9._-]+", one).group().lower().replace("_", "-") for one in requirements}


def locked(file):
    """The pins of a lock file as {(name, version)}."""
    return {(found["name"], found["version"]) for found in LOCKED.finditer((HERE / file).read_text())}


def imported(*folders):
    """The names of the packages that the Python files of these folders import from outside the project."""
    found = set()
    for folder in folders:
        beside = {path.stem for path in (HERE / folder).glob("*.py")}
        for path in (HERE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {name.name.split(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    found.add(node.module.split(".")[0])
        found -= beside
    packages = importlib.metadata.packages_distributions()
    return {
        module: {name.lower() for name in packages.get(module, [])}
        for module in found - OWN
        if module not in sys.stdlib_module_names
    }


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-deploy.lock"])
def test_a_lock_names_versions_and_hashes_and_no_address(file):
    text = (HERE / file).read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"://|--index|--find-links|file:|^/", text, re.MULTILINE)
    pins = re.split(r"\n(?=[a-z])", text.strip())
    assert len(pins) == len(LOCKED.findall(text)) > 100
    assert all("--hash=sha256:" in pin for pin in pins)


def test_the_image_installs_nothing_for_tests_linters_docs_or_embedded_services():
    deployed = {name for name, _ in locked("requirements-deploy.lock")}
    extras = PROJECT["optional-dependencies"]
    unwanted = {name for extra, needed in extras.items() if extra != "build" for name in names(needed)}
    # psutil comes with Airflow, which needs it itself.
    assert deployed & unwanted == {"psutil"}
    assert not {name for name in deployed if name.startswith(("pytest", "playwright", "types-", "mkdocs"))}
    assert names(PROJECT["dependencies"]) <= deployed
    assert "requirements-deploy.lock" in (HERE / "Dockerfile").read_text()


def test_both_locks_name_the_same_versions():
    assert locked("requirements-deploy.lock") <= locked("requirements.lock")


def test_what_is_deployed_declares_what_it_imports():
    declared = names(PROJECT["dependencies"]) | {"apache-airflow-task-sdk", "apache-airflow-core"}
    undeclared = {m: d for m, d in imported("include", "dags", "plugins").items() if not d & declared}
    # Airflow names its versions of these itself.
    assert not set(undeclared) - {"starlette", "botocore"}, undeclared


def test_what_is_declared_is_imported_or_has_its_reason():
    told = {
        line.split('"')[1]
        for line in (HERE / "pyproject.toml").read_text().splitlines()
        if re.match(r'\s+"[^"]+", # ', line)
    }
    used = {name for found in imported("include", "dags", "plugins").values() for name in found}
    unused = names(PROJECT["dependencies"]) - used - names(told)
    assert {name for name in unused if not name.startswith("apache-airflow")} <= {"structlog", "pendulum", "pandas"}

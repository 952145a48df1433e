"""What is deployed holds what the code imports and nothing that only tests, linters or embedded services need."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
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


@pytest.mark.parametrize(
    ("file", "least"), [("requirements.lock", 100), ("requirements-deploy.lock", 100), (".ci/audit.lock", 20)]
)
def test_a_lock_names_versions_and_hashes_and_no_address(file, least):
    text = (HERE / file).read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"://|--index|--find-links|file:|^/", text, re.MULTILINE)
    pins = re.split(r"\n(?=[a-z])", text.strip())
    assert len(pins) == len(LOCKED.findall(text)) > least
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


PIP_AUDIT = {
    "nothing": (0, "No known vulnerabilities found"),
    "a fault": (1, "Found 1 known vulnerability in 1 package\njinja2 2.10 PYSEC-2019-217"),
    # What it says where its service is not in reach, with and without an answer for the first package.
    "nobody": (
        1,
        "ERROR:pip_audit._cli:a2wsgi: Dependency not found on PyPI and could not be audited: a2wsgi (1.10.10)",
    ),
}


@pytest.mark.parametrize(
    ("answer", "ci", "status", "says"),
    [
        ("nothing", "1", 0, "no fault is known in them"),
        ("a fault", "", 1, "A fault is known in a package of the image"),
        ("nobody", "", 0, "could not be asked for"),
        ("nobody", "1", 1, "whether a fault is known was not found out"),
    ],
)
def test_the_audit_of_packages_never_takes_no_answer_for_a_good_one(tmp_path, answer, ci, status, says):
    """The script with programs in place of the two it calls; the real ones come by their own lock when it runs."""
    code, words = PIP_AUDIT[answer]
    shutil.copytree(HERE / ".ci", tmp_path / ".ci", symlinks=True)
    programs = tmp_path / "build" / "audit" / "bin"
    programs.mkdir(parents=True)
    for name, text in {
        "pip-audit": f"case \" $* \" in *' --strict '*) ;; *) exit 9 ;; esac; printf '%s\\n' '{words}'; exit {code}",
        "cyclonedx-py": "for last; do :; done; printf '%s\\n' '\"purl\": 1' >\"$last\"",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    (programs.parent / ".ready").touch()
    environment = {"PATH": os.defpath, "CI": ci}
    done = subprocess.run([tmp_path / ".ci" / "audit"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status and says in done.stdout + done.stderr, done
    assert "build/sbom.cdx.json: 1 packages" in done.stdout

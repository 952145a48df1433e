"""Only what Airflow offers to authors of DAGs, timetables and plugins is used, so that an upgrade breaks little and says what."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
# https://airflow.apache.org/docs/apache-airflow/stable/public-airflow-interface.html, and what its pages on timetables,
# partition mappers and plugins import.
PUBLIC = (
    "airflow.sdk",
    "airflow.providers",
    "airflow.exceptions",
    "airflow.configuration",
    "airflow.plugins_manager",
    "airflow.listeners",
    "airflow.timetables",
    "airflow.partition_mappers",
    "airflow.api_fastapi.app",
    "airflow.api_fastapi.auth.managers",
    "airflow.api_fastapi.core_api.security",
)
# The one adapter: reads and marks runs for the steward desk, inside Airflow's web server, by Airflow's own tables, because a
# plugin there has no client of the REST API. Its tests run it against the installed Airflow.
ADAPTERS = {"include/desk/airflow_runs.py", "include/desk/runs.py"}
# Public names that are not for tasks or plugins.
FORBIDDEN = ("airflow.sdk.execution_time", "airflow.sdk.api", "airflow.sdk.definitions")
FILES = sorted(
    str(path.relative_to(CHECKOUT))
    for room in ("include", "dags", "plugins")
    for path in (CHECKOUT / room).rglob("*.py")
)


def trees(*rooms):
    return {file: ast.parse((CHECKOUT / file).read_text()) for file in FILES if file.split("/")[0] in rooms}


def test_only_public_modules_of_airflow_are_imported():
    wrong = []
    for file, tree in trees("include", "dags", "plugins").items():
        for node in ast.walk(tree):
            modules = {ast.Import: lambda n: [a.name for a in n.names], ast.ImportFrom: lambda n: [n.module or ""]}
            for module in modules.get(type(node), lambda n: [])(node):
                if module.split(".")[0] != "airflow" or file in ADAPTERS:
                    continue
                names = [alias.name for alias in node.names]
                if (
                    not any(module == known or module.startswith(f"{known}.") for known in PUBLIC)
                    or module.startswith(FORBIDDEN)
                    or any(part.startswith("_") for part in [*module.split("."), *names])
                ):
                    wrong.append(f"{file}: {module} {names}")
    assert wrong == []


def private(node) -> bool:
    return node.startswith("_") and not node.startswith("__")


@pytest.mark.parametrize("room", ["dags", "plugins"])
def test_no_private_member_of_airflow_is_used_or_replaced(room):
    """In dags/ and plugins/, a member that begins with an underscore is defined where it is used."""
    wrong = []
    for file, tree in trees(room).items():
        for owner in [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]:
            own = {node.name for node in owner.body if isinstance(node, ast.FunctionDef) and private(node.name)}
            inherited = set().union(*(dir(base) for base in bases(file, owner)))
            wrong += [f"{file}: {owner.name} replaces {name}" for name in own & inherited]
            used = {node.attr for node in ast.walk(owner) if isinstance(node, ast.Attribute) and private(node.attr)}
            wrong += [f"{file}: {owner.name} uses {name}" for name in used - own - {"_replace"}]  # of a named tuple
        free = {node.attr for node in tree.body for node in ast.walk(node) if isinstance(node, ast.Attribute)}
        if not any(isinstance(node, ast.ClassDef) for node in tree.body):
            wrong += [f"{file} uses {name}" for name in free if private(name)]
    assert wrong == []


def bases(file, owner):
    """The classes of Airflow that a class derives from."""
    import importlib

    tree = ast.parse((CHECKOUT / file).read_text())
    homes = {a.name: n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    return [
        getattr(importlib.import_module(homes[base.id]), base.id)
        for base in owner.bases
        if isinstance(base, ast.Name) and homes.get(base.id, "").startswith("airflow")
    ]

"""The data contract: as the standard wants it, and as the warehouse is."""

import ast
from pathlib import Path

import flow
import pytest
import yaml
from trust_benchmarks import catalogue
from trust_benchmarks.cli import contract
from trust_benchmarks.sql import published
from trust_benchmarks.sql.published import Undescribed
from trust_benchmarks.stores import warehouse

ROOT = Path(__file__).resolve().parents[2]

# What version 3.1.0 of the standard allows at each place (schema/odcs-json-schema-v3.1.0.json of
# bitol-io/open-data-contract-standard). `datacontract lint` checks all of it.
TOP = [
    "version",
    "kind",
    "apiVersion",
    "id",
    "name",
    "tenant",
    "tags",
    "status",
    "servers",
    "dataProduct",
    "description",
    "domain",
    "schema",
    "support",
    "price",
    "team",
    "roles",
    "slaDefaultElement",
    "slaProperties",
    "authoritativeDefinitions",
    "customProperties",
    "contractCreatedTs",
]
ELEMENT = [
    "id",
    "name",
    "physicalType",
    "description",
    "businessName",
    "authoritativeDefinitions",
    "tags",
    "customProperties",
]
OBJECT = [
    *ELEMENT,
    *["logicalType", "physicalName", "dataGranularityDescription", "properties", "relationships", "quality"],
]
PROPERTY = [
    *ELEMENT,
    *[
        "primaryKey",
        "primaryKeyPosition",
        "logicalType",
        "logicalTypeOptions",
        "physicalName",
        "required",
        "unique",
        "relationships",
        "quality",
        "items",
    ],
]
RULE = ["type", "metric", "arguments", "mustBe", "mustBeGreaterThan", "unit", "dimension", "description"]
LOGICAL = {"string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"}
METRICS = {"nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"}


@pytest.fixture(scope="module")
def written(services) -> dict:
    with warehouse.connect() as connection:
        return yaml.safe_load(contract.document(connection))


def test_it_has_the_structure_of_the_standard(written):
    assert {"version", "apiVersion", "kind", "id", "status"} <= set(written) <= set(TOP)
    assert (written["apiVersion"], written["kind"]) == ("v3.1.0", "DataContract")
    for server in written["servers"]:
        assert {"server", "type", "host", "port", "database", "schema"} <= set(server) and server["type"] == "postgres"
        assert server["host"].startswith("${")  # no address of anybody's
    for sla in written["slaProperties"]:
        assert {"property", "value"} <= set(sla)
    for view in written["schema"]:
        assert set(view) <= set(OBJECT) and view["name"] and view["logicalType"] == "object"
        for column in view["properties"]:
            assert set(column) <= set(PROPERTY), column
            assert column["logicalType"] in LOGICAL and column["description"]
        for rule in [
            *view.get("quality", []),
            *(rule for column in view["properties"] for rule in column.get("quality", [])),
        ]:
            assert set(rule) <= set(RULE) and rule["metric"] in METRICS and rule["type"] == "library"
            assert len([name for name in rule if name.startswith("mustBe")]) == 1


def test_it_describes_every_published_column_as_the_database_has_it(written, services):
    there: dict[str, list] = {}
    for view, column, kind in flow.rows(
        """SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
           WHERE table_schema = 'published' ORDER BY table_name, ordinal_position"""
    ):
        there.setdefault(view, []).append((column, kind))
    told = {view["name"]: [(c["name"], c["physicalType"]) for c in view["properties"]] for view in written["schema"]}
    assert told == there
    assert sum(map(len, told.values())) > 130


def test_it_names_every_published_function(written, services):
    functions = flow.rows(
        "SELECT format('published.%s(%s)', proname, pg_get_function_arguments(oid)) FROM pg_proc WHERE pronamespace = 'published'::regnamespace"
    )
    (told,) = [entry["value"] for entry in written["customProperties"] if entry["property"] == "functions"]
    plain = {
        name.replace("timestamp with time zone", "timestamptz").replace("NULL::text", "NULL") for (name,) in functions
    }
    assert {one["name"] for one in told} == plain


def test_collections_owners_and_the_hour_of_refreshing_are_those_of_the_code(written):
    measures = next(view for view in written["schema"] if view["name"] == "measures")
    column = next(column for column in measures["properties"] if column["name"] == "collection")
    (accepted,) = [rule["arguments"]["validValues"] for rule in column["quality"] if rule["metric"] == "invalidValues"]
    assert accepted == list(catalogue.all())
    owners = {declared.owner for declared in catalogue.all().values()}
    assert owners <= {member["username"] for member in written["team"]["members"]}
    dag = ast.parse((ROOT / "dags" / "refresh_benchmarks.py").read_text(encoding="utf-8"))
    crons = [
        call.args[0].value
        for call in ast.walk(dag)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "CronTriggerTimetable"
    ]
    assert (
        crons == [published.refreshed()] == [sla["schedule"] for sla in written["slaProperties"] if "schedule" in sla]
    )


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        ({"gone": {"key": ["code"]}}, "views that do not exist: gone"),
        ({"cohort": {"key": ["cod"]}}, r"\[cohort\]: no such column: cod"),
    ],
)
def test_facts_about_what_does_not_exist_are_refused(monkeypatch, services, fact, says):
    real = published._facts()
    monkeypatch.setattr(published, "_facts", lambda: real | fact)
    with pytest.raises(Undescribed, match=says):
        flow.published_views()

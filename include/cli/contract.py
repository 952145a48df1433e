"""The data contract: schema published as the Open Data Contract Standard says it, written from what the code declares.

Version 3.1.0 of the standard (Bitol, LF AI & Data; https://bitol-io.github.io/open-data-contract-standard/v3.1.0/), whose JSON
schema it fits. `datacontract lint` and `datacontract test` read it.
"""

from typing import Any

import psycopg
import yaml

from .. import catalogue
from ..sql import published

STANDARD = "v3.1.0"

HEAD = """# Data contract of schema published, in the Open Data Contract Standard {standard}.
# Written by `trust-benchmarks dictionary`. Do not edit: change what it is made from. A test fails when they disagree.
"""

# Addresses and passwords are each environment's own: datacontract takes them from DATACONTRACT_POSTGRES_HOST and its like.
SERVERS = {
    "production": ("prod", "The warehouse that dashboards read."),
    "local": ("dev", "The warehouse of `make run` on a person's own machine: sample data."),
}
ROLES = {
    "dashboard_reader": (
        "read",
        "Reads schema published and nothing else. For dashboards; every transaction sees one moment.",
    ),
    "published_commercial": (
        "read",
        "No login: its members also read prices of single trusts (tagged commercial). The other three are members until that is revoked.",
    ),
    "steward_reader": ("read", "Reads published and intake. For data stewards."),
    "steward_desk": (
        "read and decide",
        "Reads published and intake, adds decisions and verdicts. For the steward desk only.",
    ),
}
READERS = ("dashboard_reader", "steward_reader")


def document(connection: psycopg.Connection[Any]) -> str:
    """The contract as YAML, of the views of this warehouse.

    Raises:
        Undescribed: a view, column or function has no comment.
    """
    # Indented as people write it, and without line breaks inside sentences.
    text = yaml.dump(_contract(connection), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=10_000, indent=2)
    return HEAD.format(standard=STANDARD) + text


class _Plain(yaml.SafeDumper):
    """Without anchors: the same words twice are written twice."""

    def ignore_aliases(self, data: object) -> bool:
        """True: no anchors."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists are indented below their name."""
        super().increase_indent(flow, False)


def _contract(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    views = published.views_by_name(connection)
    return {
        "apiVersion": STANDARD,
        "kind": "DataContract",
        "id": "trust-benchmarks",
        "name": "Benchmarks of NHS trusts",
        "version": published.version(),
        "status": "active",
        "domain": "NHS community and mental health trusts",
        "tags": ["nhs", "benchmarks"],
        "description": {
            "purpose": "Measures, benchmarks and comparisons of NHS trusts' returns, and the engagement timeline, for dashboards.",
            "usage": "Read as dashboard_reader. Join releases by release_id. Ask data_status whether a period may be shown, "
            "sum opportunities only where adds_to_total is true and adds_over is the same, print the sentence of published.reasons where "
            "a figure is withheld, and ask the functions *_as_at for what was shown before.",
            "limitations": "Rows where is_sample is true rest on invented figures: say so wherever they are shown. A value that "
            "was not reported is NULL, never 0, and withheld says why. A value that rests on a part of its rows or months is marked in "
            "withheld and compared with nothing. Figures over too few trusts are NULL.",
        },
        "servers": [_server(name, *about) for name, about in SERVERS.items()],
        "schema": [_view(view) for view in views.values()],
        "team": {
            "name": "data-platform",
            "description": "Runs the pipeline. Each collection has an owner of its own in include/catalogue.",
            "members": [
                {
                    "username": owner,
                    "role": "owner of a collection" if owner != "data-platform" else "owner",
                    "description": ", ".join(names),
                }
                for owner, names in _owners().items()
            ],
        },
        "roles": [{"role": role, "access": access, "description": says} for role, (access, says) in ROLES.items()],
        "slaProperties": _sla(),
        "customProperties": [
            {
                "property": "functions",
                "value": [
                    {"name": f"published.{one.called}", "description": one.words}
                    for one in published.functions(connection)
                ],
                "description": "What the views that people ask about said at a moment.",
            }
        ],
    }


def _owners() -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {"data-platform": ["The pipeline and schema published"]}
    for name, declared in catalogue.all().items():
        owners.setdefault(declared.owner, []).append(name)
    return owners


def _server(name: str, environment: str, says: str) -> dict[str, Any]:
    return {
        "server": name,
        "type": "postgres",
        "environment": environment,
        "description": says,
        "host": "${TB_WAREHOUSE_HOST}",
        "port": 5432,
        "database": "warehouse",
        "schema": "published",
        "roles": [{"role": role} for role in READERS],
    }


def _view(view: published.View) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": view.name,
        "physicalName": view.name,
        "logicalType": "object",
        "physicalType": "view",
        "description": view.words,
        "properties": [_property(column, single=len(view.key) == 1) for column in view.columns],
    }
    if view.commercial:
        made["tags"] = ["commercial"]
    if len(view.key) > 1:
        made["dataGranularityDescription"] = f"One row for each {', '.join(view.key)}."
    if view.rows:
        made["quality"] = [
            {
                "type": "library",
                "metric": "rowCount",
                "unit": "rows",
                "dimension": "completeness",
                "description": "Once reference data are loaded and something is published.",
                **view.rows,
            }
        ]
    return made


def _property(column: published.Column, single: bool) -> dict[str, Any]:
    physical, logical, _ = published.TYPES[column.type]
    made: dict[str, Any] = {
        "name": column.name,
        "logicalType": logical,
        "physicalType": physical,
        "description": column.words,
    }
    if physical == "ARRAY":
        made["items"] = {"logicalType": "integer" if column.type.startswith("bigint") else "string"}
    made["required"] = column.required
    if column.key:
        made |= {"primaryKey": True, "primaryKeyPosition": column.key}
        if single:
            made["unique"] = True
    if column.refers:
        made["relationships"] = [{"to": column.refers, "type": "foreignKey"}]
    if column.unit:
        made["customProperties"] = [{"property": "unit", "value": column.unit}]
    made["quality"] = [
        {"type": "library", "metric": "nullValues", "mustBe": 0, "unit": "rows", "dimension": "completeness"}
        for _ in range(column.required)
    ]
    if values := _values(column):
        made["quality"].append(
            {
                "type": "library",
                "metric": "invalidValues",
                "arguments": {"validValues": values},
                "mustBe": 0,
                "unit": "rows",
                "dimension": "conformity",
            }
        )
    return {name: value for name, value in made.items() if value != []}


def _values(column: published.Column) -> list[str]:
    return list(catalogue.all()) if column.name == "collection" else list(column.values)


def _sla() -> list[dict[str, Any]]:
    return [
        {
            "property": "frequency",
            "value": 1,
            "unit": "d",
            "element": "measures.value",
            "driver": "operational",
            "scheduler": "cron",
            "schedule": published.refreshed(),
            "description": "Figures follow what was sent: as soon as collecting comes to rest (ten minutes at most) after every run "
            "that took something in, after new reference data, and once a day at this time of Europe/London.",
        },
        {
            "property": "generalAvailability",
            "value": "2026-11-22T00:00:00Z",
            "description": "The first version of this contract.",
        },
        {
            "property": "retention",
            "value": "unlimited",
            "element": "release_history.release_id",
            "description": "No release is ever removed; the functions *_as_at answer for every moment since the first one.",
        },
    ]

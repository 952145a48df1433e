"""The data dictionary: fields, rules, metrics and published views, written from what the code itself declares; and the data contract."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from .. import catalogue, reference, schemas
from ..schemas.fields import FieldSpec
from ..sql import published
from ..stores import warehouse
from ..validation import rule_wording
from . import Refused, contract, embedded, messages, moves
from .output import note

FOLDER = Path(__file__).parent
PACKAGE = Path(__file__).resolve().parents[1]
DOCUMENT = PACKAGE.parent / "docs" / "data-dictionary.md"
CONTRACT = PACKAGE.parent / "docs" / "contract" / "trust-benchmarks.odcs.yaml"
MESSAGES = PACKAGE.parent / "docs" / "messages.md"
RULE_ID = re.compile(
    r"""["']((?:FIL|ROW|VAL|DEC|STR|SYS|COL|UNIT|WARN|PROF)-[A-Z]+(?:-[A-Z]+)*|(?:STR|SUB)\d\d|FLOOR|CEILING)["']"""
)

HEAD = """# Data dictionary

Written by `trust-benchmarks dictionary` from schemas, rules, metrics and migrations. Do not edit: change what it is made from.
A test fails when this page and the code disagree.
"""


def run(check: bool) -> int:
    """Writes dictionary and contract, or (check) says whether they are up to date; returns the exit status.

    Views are read from the warehouse that the environment names, or from an embedded one made for the moment.

    Raises:
        Refused: the warehouse was made by other migrations, or a file cannot be written.
    """
    status = 0
    with _warehouse() as connection:
        texts = {DOCUMENT: document(connection), CONTRACT: contract.document(connection), MESSAGES: messages.document()}
    for path, text in texts.items():
        if check:
            old = path.read_text(encoding="utf-8") if path.exists() else ""
            if old != text:
                found = _difference(old, text)
                note(f"{_short(path)} is out of date (first at: {found}). Run: trust-benchmarks dictionary")
                status = 1
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as problem:
            raise Refused(f"{path} cannot be written ({problem.strerror}). Run this in a checkout of yours.") from None
        note(f"Wrote {_short(path)}.")
    return status


@contextmanager
def _warehouse() -> Iterator[psycopg.Connection[Any]]:
    with ExitStack() as stack:
        if not os.environ.get("TB_WAREHOUSE_URL"):
            stack.enter_context(embedded.find().scratch())
            warehouse.migrate()
        if others := warehouse.migrations_missing():
            raise Refused(
                f"The warehouse of TB_WAREHOUSE_URL was made by other migrations ({', '.join(others)} differ). "
                "Leave TB_WAREHOUSE_URL unset: an embedded one is made for the moment."
            )
        yield stack.enter_context(warehouse.connect())


def document(connection: psycopg.Connection[Any]) -> str:
    """The whole document as Markdown, of the views of this warehouse.

    Raises:
        Refused: a rule has no words, or words are for a rule that does not exist.
        Undescribed: a view, column or function has no comment.
    """
    parts = [HEAD, _contents(), "## Collections\n"]
    parts += [_collection(name) for name in catalogue.all()]
    parts += [_common_rules(), moves.page(connection), _metrics(), _views(connection)]
    return "\n".join(parts).rstrip() + "\n"


def _contents() -> str:
    links = [
        f"- [{one.title}](#{name}): {_sent(one)}, by {one.frequency.replace('_', ' ')}"
        for name, one in catalogue.all().items()
    ]
    links += [
        "- [Rules of every collection](#rules-of-every-collection)",
        "- [Decisions](#decisions)",
        "- [Metrics](#metrics)",
        "- [Views](#views)",
        "- [As at](#as-at)",
    ]
    return "\n".join(links) + "\n"


def _collection(name: str) -> str:
    declared, schema = catalogue.load(name), schemas.load(name)
    lines = [
        f"### {name}\n",
        f"{declared.title}: {declared.description}\n",
        f"Sent by {_sent(declared)}; a period is a {declared.frequency.replace('_', ' ')}. {schema.description} "
        f"A row is named by `{'`, `'.join(schema.key)}`."
        + (f" Every `{schema.complete}` must be there." if schema.complete else "")
        + "\n",
        f"Tried on real files: {declared.real_files or 'none are published'}.\n",
        f"Held if more than {100 * declared.max_rejected_share:g} percent of rows are rejected, or more than "
        f"{100 * declared.max_warned_share:g} percent carry a warning.\n",
        _table(
            ("field", "what it is", "kind", "unit", "required", "expected", "unusual outside"),
            [
                (
                    f"`{spec.name}`",
                    spec.title,
                    spec.kind,
                    spec.unit or "",
                    "yes" if spec.required else "no",
                    spec.expected(),
                    _usual(spec),
                )
                for spec in schema.fields.values()
            ],
        ),
        _table(
            ("rule", "severity", "who acts", "what is said"),
            [(rule.id, rule.severity, rule.responsible, rule.says) for rule in rule_wording.of(name)],
        ),
    ]
    return "\n".join(lines)


def _sent(declared: catalogue.Collection) -> str:
    return f"{declared.publisher}, nationally" if declared.is_national else "each trust"


def _usual(spec: FieldSpec) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (spec.low, spec.high))
    return f"{low} to {high}".strip() if low or high else ""


def _common_rules() -> str:
    declared = tomllib.loads(Path(rule_wording.__file__).with_name("rules.toml").read_text(encoding="utf-8"))["rule"]
    known, used = {rule["id"] for rule in declared}, _rules_in_code()
    if known != used:
        raise Refused(
            f"include/validation/rules.toml and the code disagree. Without words: {_named(used - known)}; "
            f"no longer in the code: {_named(known - used)}. Add or remove their sentences."
        )
    meant = [f"- *{severity}*: {means}" for severity, means in rule_wording.MEANS.items()]
    rows = [(rule["id"], rule["severity"], rule["says"]) for rule in declared]
    return "\n".join(["## Rules of every collection\n", *meant, "", _table(("rule", "severity", "what is said"), rows)])


def _rules_in_code() -> set[str]:
    folders = ("reading", "validation", "records", "ingest", "pipeline", "measures")
    files = [path for folder in folders for path in (PACKAGE / folder).glob("*.py")]
    files += [
        *(PACKAGE / "sql" / "migrations").glob("*.sql"),
        *(PACKAGE / "sql" / "cross").glob("_profiles*.sql"),
        PACKAGE / "schemas" / "rules.py",
    ]
    return {found for path in files for found in RULE_ID.findall(path.read_text(encoding="utf-8"))}


def _metrics() -> str:
    rows = [
        (
            metric.metric_id,
            metric.name,
            metric.unit,
            metric.polarity.replace("_", " "),
            metric.formula,
            ", ".join(metric.fed_by) or f"not fed: {metric.not_fed_because}",
        )
        for metric in reference.load().metrics
    ]
    return "## Metrics\n\n" + _table(("metric", "name", "unit", "better", "formula", "fed by"), rows)


def _views(connection: psycopg.Connection[Any]) -> str:
    lines = [
        "## Views\n",
        "Dashboards read the schema `published` as the role `dashboard_reader`; stewards also read `intake`.\n",
    ]
    for (schema, view), found in groupby(published.described(connection), key=lambda one: (one.schema, one.view)):
        columns = list(found)
        rows = [(f"`{one.column}`", one.words) for one in columns]
        lines += [f"### {schema}.{view}\n", columns[0].about + "\n", _table(("column", "what it holds"), rows)]
    return "\n".join([*lines, _functions(connection)])


def _functions(connection: psycopg.Connection[Any]) -> str:
    rows = [(f"`published.{one.called}`", one.words) for one in published.functions(connection)]
    return (
        "## As at\n\n"
        "What the views that people ask about said at a moment, for whoever may read the view. A move of a release's pointer counts from its "
        "`published_at` on, and what was received, decided or replaced from when it was written down; `of_collection` and "
        "`of_period` leave the rest out, which is quicker for figures: "
        "`SELECT * FROM published.measures_as_at('2026-01-31', 'workforce', '2025-06')`. Of reference data, deadlines and the "
        "timeline the history begins with the first start of a version that keeps it.\n\n"
        + _table(("function", "what it answers"), rows)
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    text = " ".join(str(text).split())
    return text if text.startswith("`") else re.sub(r"([|*<>\[\]])", r"\\\1", text)


def _difference(old: str, new: str) -> str:
    pairs = zip([*old.splitlines(), ""], [*new.splitlines(), ""], strict=False)
    return next((new_line or old_line for old_line, new_line in pairs if old_line != new_line), "its end")[:80]


def _short(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))

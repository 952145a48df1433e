"""The data dictionary: fields, rules, metrics and published views, written from what the code itself declares; and the data contract."""

import re
import tomllib
from pathlib import Path

from .. import catalogue, reference, schemas
from ..sql import published, views
from . import Refused, contract, moves, rules
from .output import note

FOLDER = Path(__file__).parent
PACKAGE = Path(__file__).resolve().parents[1]
DOCUMENT = PACKAGE.parent / "docs" / "data-dictionary.md"
CONTRACT = PACKAGE.parent / "docs" / "contract" / "trust-benchmarks.odcs.yaml"
RULE_ID = re.compile(
    r"""["']((?:FIL|ROW|VAL|DEC|STR|SYS|COL|UNIT|WARN|PROF)-[A-Z]+(?:-[A-Z]+)*|(?:STR|SUB)\d\d|FLOOR|CEILING)["']"""
)

HEAD = """# Data dictionary

Written by `trust-benchmarks dictionary` from schemas, rules, metrics and migrations. Do not edit: change what it is made from.
A test fails when this page and the code disagree.
"""


def run(check: bool) -> int:
    """Writes dictionary and contract, or (check) says whether they are up to date; returns the exit status."""
    status = 0
    for path, text in ((DOCUMENT, document()), (CONTRACT, contract.document())):
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


def document() -> str:
    """The whole document as Markdown.

    Raises:
        Refused: a rule, view or column that has no words, or words for one that is no more.
    """
    parts = [HEAD, _contents(), "## Collections\n"]
    parts += [_collection(name) for name in catalogue.all()]
    parts += [_common_rules(), moves.page(), _metrics(), _views()]
    return "\n".join(parts).rstrip() + "\n"


def _contents() -> str:
    links = [f"- [{one.title}](#{name})" for name, one in catalogue.all().items()]
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
    sent = f"{declared.publisher}, nationally" if declared.is_national else "each trust"
    lines = [
        f"### {name}\n",
        f"{declared.title}: {declared.description}\n",
        f"Sent by {sent}; a period is a {declared.frequency.replace('_', ' ')}. {schema.description} "
        f"A row is named by `{'`, `'.join(schema.key)}`."
        + (f" Every `{schema.complete}` must be there." if schema.complete else "")
        + "\n",
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
            [(rule.id, rule.severity, rule.responsible, rule.says) for rule in rules.of(name)],
        ),
    ]
    return "\n".join(lines)


def _usual(spec) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (spec.low, spec.high))
    return f"{low} to {high}".strip() if low or high else ""


def _common_rules() -> str:
    declared = tomllib.loads((FOLDER / "rules.toml").read_text(encoding="utf-8"))["rule"]
    known, used = {rule["id"] for rule in declared}, _rules_in_code()
    if known != used:
        raise Refused(
            f"include/cli/rules.toml and the code disagree. Without words: {_named(used - known)}; "
            f"no longer in the code: {_named(known - used)}. Add or remove their sentences."
        )
    meant = [f"- *{severity}*: {means}" for severity, means in rules.MEANS.items()]
    rows = [(rule["id"], rule["severity"], rule["says"]) for rule in declared]
    return "\n".join(["## Rules of every collection\n", *meant, "", _table(("rule", "severity", "what is said"), rows)])


def _rules_in_code() -> set[str]:
    folders = ("reading", "validation", "records", "ingest", "pipeline", "measures")
    files = [path for folder in folders for path in (PACKAGE / folder).glob("*.py")]
    files += [*(PACKAGE / "sql" / "migrations").glob("*.sql"), *(PACKAGE / "sql" / "cross").glob("_profiles*.sql")]
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


def _views() -> str:
    words, found = dict(views.words()), views.columns()
    common, _ = words.pop("columns"), words.pop("functions")
    if set(words) != set(found):
        raise Refused(
            f"include/sql/views.toml and the migrations disagree. Without words: {_named(set(found) - set(words))}; "
            f"no longer there: {_named(set(words) - set(found))}. Add or remove their sections."
        )
    lines = [
        "## Views\n",
        "Dashboards read the schema `published` as the role `dashboard_reader`; stewards also read `intake`.\n",
    ]
    for name in sorted(found, key=lambda view: (not view.startswith("published"), list(found).index(view))):
        own = words[name]
        lacking = [column for column in found[name] if column not in own | common]
        strange = set(own) - set(found[name]) - {"about"}
        if lacking or strange:
            raise Refused(
                f"include/sql/views.toml, {name}: columns without words: {_named(lacking)}; "
                f"words for no column: {_named(strange)}. Add or remove their sentences."
            )
        rows = [(f"`{column}`", own.get(column, common.get(column))) for column in found[name]]
        lines += [f"### {name}\n", own["about"] + "\n", _table(("column", "what it holds"), rows)]
    if unused := set(common) - {column for names in found.values() for column in names}:
        raise Refused(f"include/sql/views.toml: [columns] has words for no column: {_named(unused)}. Remove them.")
    return "\n".join([*lines, _functions()])


def _functions() -> str:
    rows = [(f"`published.{called}`", answers) for called, answers in published.functions().items()]
    return (
        "## As at\n\n"
        "What every view said at a moment, for whoever may read the view. A move of a release's pointer counts from its "
        "`published_at` on, and what was received, decided or replaced from when it was written down; `of_collection` and "
        "`of_period` leave the rest out, which is quicker for figures: "
        "`SELECT * FROM published.measures_as_at('2026-01-31', 'workforce', '2025-06')`. Of reference data, deadlines and the "
        "timeline the history begins with the first start of a version that keeps it.\n\n"
        + _table(("function", "what it answers"), rows)
    )


def _named(names) -> str:
    return ", ".join(sorted(names)) or "none"


def _table(head: tuple, rows: list[tuple]) -> str:
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

"""How decisions move, drawn from the migration that enforces it."""

import re

from .. import sql

TABLES = ("decision_kind", "decision_possible", "decision_move", "rule_limit")


def page() -> str:
    """The section of the data dictionary: kinds, states and moves of decisions as Markdown with a Mermaid drawing."""
    kinds, possible, moves, limits = (_rows(table) for table in TABLES)
    states: dict[str, list[str]] = {}
    for state, kind in possible:
        states.setdefault(state, []).append(kind)
    drawn = [f"  {'[*]' if start == 'new' else start} --> {end}: {what} ({who})" for start, what, end, who in moves]
    return "\n".join(
        [
            "## Decisions\n",
            "What stewards may decide, on what, and how a decision moves. The database enforces it "
            "(`include/sql/migrations/05_stewardship.sql`); this section is drawn from there.\n",
            "```mermaid\nstateDiagram-v2\n" + "\n".join(drawn) + "\n```\n",
            "| decision | what it says | second person |\n|---|---|---|",
            *(f"| {kind} | {says} | {second} |" for kind, says, second in kinds),
            "",
            "| a submission that is | can be decided on by |\n|---|---|",
            *(f"| {state.replace('_', ' ')} | {', '.join(kinds)} |" for state, kinds in states.items()),
            "",
            "Rules that a decision cannot pass over:\n",
            "| rule | not | because |\n|---|---|---|",
            *(
                f"| {rule} | {' or '.join(word for word, may in (('accepted', accept), ('waived', waive)) if may == 'false')} | {why} |"
                for rule, accept, waive, why in limits
                if "false" in (accept, waive)
            ),
            "",
        ]
    )


def _rows(table: str) -> list[list[str]]:
    """The rows that the migrations put into a table of schema core, texts without their quotes."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((sql.FOLDER / "migrations").glob("*.sql")))
    found = []
    for values in re.findall(rf"INSERT INTO core\.{table} \([^)]*\) VALUES\s(.*?\));", text, re.S):
        for row in re.findall(r"\(((?:'[^']*'|[^()'])*)\)", values):
            found.append([quoted or bare for quoted, bare in re.findall(r"'([^']*)'|(\btrue\b|\bfalse\b)", row)])
    return found

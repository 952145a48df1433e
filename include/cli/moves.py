"""How decisions move, drawn from the tables that the database enforces it by."""

from typing import Any, cast

import psycopg

from .. import sql


def page(connection: psycopg.Connection[Any]) -> str:
    """The section of the data dictionary: kinds, states and moves of decisions as Markdown with a Mermaid drawing."""

    def rows(name: str) -> list[tuple[str, ...]]:
        return cast("list[tuple[str, ...]]", connection.execute(sql.text(f"describe/{name}")).fetchall())

    drawn = [
        f"  {'[*]' if start == 'new' else start} --> {end}: {what} ({who})"
        for start, what, end, who in rows("decision_moves")
    ]
    return "\n".join(
        [
            "## Decisions\n",
            "What stewards may decide, on what, and how a decision moves. The database enforces it "
            "(`include/sql/migrations/05_stewardship.sql`); this section is drawn from there.\n",
            "```mermaid\nstateDiagram-v2\n" + "\n".join(drawn) + "\n```\n",
            "| decision | what it says | second person |\n|---|---|---|",
            *(f"| {kind} | {says} | {second} |" for kind, says, second in rows("decision_kinds")),
            "",
            "| a submission that is | can be decided on by |\n|---|---|",
            *(f"| {state} | {kinds} |" for state, kinds in rows("decisions_possible")),
            "",
            "Rules that a decision cannot pass over:\n",
            "| rule | not | because |\n|---|---|---|",
            *(f"| {rule} | {barred} | {why} |" for rule, barred, why in rows("rule_limits")),
            "",
        ]
    )

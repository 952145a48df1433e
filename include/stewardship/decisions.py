"""Takes decisions and verdicts to the database, which alone says whether they are allowed, and tells what became of them."""

import json
from dataclasses import asdict, dataclass
from datetime import date

import polars as pl
import psycopg
from psycopg.rows import dict_row

from .. import catalogue, schemas
from ..releases.fingerprints import next_release
from ..stores.refusals import Refused as Refused
from ..stores.refusals import ask
from ..validation.row_keys import row_keys
from . import submitted_file

CHANGES_FIGURES = ("accept", "waive", "correct", "hold", "return", "undo")
MOST_CELLS = 100_000  # of one decision


@dataclass(frozen=True)
class Cell:
    """A cell that a decision is about, as it stood: where, in which row by its key, what it said, what was found."""

    sheet: str | None
    line: int | None
    row_key: str | None
    column_name: str | None
    saw: str | None
    message: str


@dataclass(frozen=True)
class Draft:
    """A decision before it is taken. Which fields a kind needs is said in include/sql/migrations/05_stewardship.sql.

    Attributes:
        kind: 'assign', 'comment', 'accept', 'waive', 'correct', 'hold', 'return' or 'undo'.
        until: the last day on which a waiver holds.
        undoes: the decision that is undone.
        expected_release: the release that the preview said would follow.
    """

    kind: str
    submission_id: str
    reason: str
    rule_id: str | None = None
    column_name: str | None = None
    provider_code: str | None = None
    cells: tuple[Cell, ...] = ()
    new_value: str | None = None
    value_source: str | None = None
    until: date | None = None
    assignee: str | None = None
    undoes: int | None = None
    expected_release: str | None = None


def decide(connection: psycopg.Connection, draft: Draft, author: str) -> int:
    """Appends a decision and returns its number.

    Raises:
        Refused: when the database does not allow it.
    """
    if len(draft.cells) > MOST_CELLS:
        raise Refused(
            f"One decision names {MOST_CELLS:,} cells at most; this one names {len(draft.cells):,}. Return the submission, "
            "or waive the rule for the provider and period."
        )
    values = asdict(draft) | {"author": author, "provider_code": draft.provider_code or provider_of(connection, draft)}
    values["cells"] = json.dumps([asdict(cell) for cell in draft.cells]).replace("\\u0000", "\\ufffd")
    values["reason"] = (draft.reason or "").strip()
    names = list(values)
    return ask(
        connection,
        f"INSERT INTO core.decision ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) RETURNING decision_id",
        [_text(values[name]) for name in names],
        already="The same decision has just been taken. Look at the submission again.",
        missing=MISSING,
    )[0]


def verdict(connection: psycopg.Connection, decision_id: int, person: str, approve: bool, words: str = "") -> None:
    """Appends what the second person said about a decision.

    Raises:
        Refused: when the database does not allow it, or somebody else was faster.
    """
    ask(
        connection,
        "INSERT INTO core.verdict (decision_id, verdict, person, words) VALUES (%s, %s, %s, %s) RETURNING decision_id",
        [decision_id, "approve" if approve else "refuse", person, words],
        already=f"Somebody has just given a verdict on decision {decision_id}. Look at it again.",
        missing=MISSING,
    )


def get(connection: psycopg.Connection, decision_id: int) -> dict:
    """One row of intake.decisions.

    Raises:
        LookupError: when there is none of that number.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM intake.decisions WHERE decision_id = %s", [decision_id]).fetchone()
    if row is None:
        raise LookupError(f"There is no decision {decision_id}. List them with: trust-benchmarks decisions")
    return row


def cells_of(
    connection: psycopg.Connection,
    submission_id: str,
    rule_id: str | None = None,
    column_name: str | None = None,
    *,
    finding_ids: list[str] | None = None,
) -> tuple[Cell, ...]:
    """The cells of a submission's open findings as they stand, with the keys of their rows.

    Args:
        rule_id, column_name: of one task; or
        finding_ids: of the findings that are meant.
    """
    found = connection.execute(
        """SELECT sheet, line, column_name, raw_value, message FROM intake.findings
           WHERE submission_id = %s AND decision_id IS NULL AND severity <> 'info'
             AND (%s::text[] IS NULL OR finding_id = ANY(%s::text[]))
             AND (%s::text IS NULL OR rule_id = %s) AND (%s::text IS NULL OR column_name = %s)
           ORDER BY sheet, line, column_name, message""",
        [submission_id, finding_ids, finding_ids, rule_id, rule_id, column_name, column_name],
    ).fetchall()
    keys = _keys(connection, submission_id) if any(line is not None for _, line, *_ in found) else {}
    return tuple(
        Cell(sheet, line, keys.get((sheet, line)), column, raw, message) for sheet, line, column, raw, message in found
    )


def effect(connection: psycopg.Connection, decision_id: int) -> dict:
    """What has become of a decision.

    Returns:
        {"state", "release_id", "collection", "period"}: state is 'none' (it changes no figure), 'proposed', 'queued' (the
        pipeline has not looked at the submission under it), 'measuring', or 'published' (the current release rests on it).
    """
    one = get(connection, decision_id)
    answer = {"state": "none", "release_id": None, "collection": one["collection"], "period": one["period"]}
    if one["kind"] not in CHANGES_FIGURES or one["state"] in ("refused", "withdrawn"):
        return answer
    if one["state"] == "proposed":
        return answer | {"state": "proposed"}
    waits = connection.execute(
        """SELECT EXISTS (SELECT FROM intake.waiting w WHERE (w.collection, w.period, w.sender, w.part)
                          IS NOT DISTINCT FROM (%s::text, %s::text, %s::text, %s::text))""",
        [one["collection"], one["period"], one["sender"], one["part"]],
    ).fetchone()[0]
    if waits:
        return answer | {"state": "queued"}
    current = connection.execute(
        "SELECT release_id FROM intake.releases WHERE collection = %s AND period = %s AND is_current",
        [one["collection"], one["period"]],
    ).fetchone()
    published = False
    if current is not None:
        inputs_hash = next_release(connection, one["collection"], one["period"]).inputs_hash
        due = connection.execute(
            "SELECT core.release_of(%s, %s, %s)", [one["collection"], one["period"], inputs_hash]
        ).fetchone()
        published = due is not None and current[0] == due[0]
    return answer | {"state": "published" if published else "measuring", "release_id": current[0] if current else None}


MISSING = {
    "decision_reason_check": "A reason is missing. Say why, in a sentence that will still be understood next year.",
    "waive_is_bounded": "A waiver needs the rule, a last day, and either cells or a provider.",
    "correct_is_one_cell": "A correction needs one cell, the right value, and the source of that value.",
    "assign_names_somebody": "Say who takes the task.",
    "undo_names_a_decision": "Say which decision is undone.",
    "decision_author_check": "It is not known who decides.",
    "verdict_person_check": "It is not known who approves.",
}


def _text(value):
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def provider_of(connection: psycopg.Connection, draft: Draft) -> str | None:
    """Whom a decision is about: the trust that sent the return, or the provider of a national file's rows if it is one."""
    row = connection.execute(
        "SELECT collection, sender FROM intake.submissions WHERE submission_id = %s", [draft.submission_id]
    ).fetchone()
    if row is None:
        return None
    collection, sender = row
    if not catalogue.load(collection).is_national:
        return sender
    if schemas.load(collection).key[0] != "ods_code":
        return None
    codes = {(cell.row_key or "").split("|")[0] for cell in draft.cells}
    return codes.pop() or None if len(codes) == 1 else None


def _keys(connection: psycopg.Connection, submission_id: str) -> dict:
    content, file_name, collection = submitted_file.content_of(connection, submission_id)
    schema, reading = schemas.load(collection), submitted_file.as_sent(content, file_name, collection)
    keys = {}
    for table in reading.tables:
        named = pl.DataFrame({"line": table.frame["line"], "key": row_keys(table, schema)})
        keys |= {(table.sheet, line): key for line, key in named.iter_rows()}
    return keys

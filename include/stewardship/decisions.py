"""Appends decisions and verdicts to the ledger, and reads them back. The database alone says whether a decision is allowed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import psycopg

from .. import catalogue, schemas, sql
from ..records import all_findings
from ..releases.fingerprints import next_release
from ..stores.refusals import Refused as Refused
from ..stores.refusals import ask
from ..validation.row_keys import row_keys
from . import queries, submitted_file

CHANGES_FIGURES = ("accept", "waive", "correct", "hold", "return", "undo")
MOST_CELLS = 100_000  # of one decision

# Sentences for the CHECK constraints of core.decision and core.verdict.
MISSING = {
    "decision_reason_check": "A reason is missing. Say why, in a sentence that people will still understand next year.",
    "waive_is_bounded": "A waiver needs the rule, a last day, and either cells or a provider.",
    "correct_is_one_cell": "A correction needs one cell, the right value, and the source of that value.",
    "assign_names_somebody": "Say who takes the task.",
    "undo_names_a_decision": "Say which decision is undone.",
    "decision_author_check": "The name of the author is missing.",
    "verdict_person_check": "The name of the approver is missing.",
}


class Cell(NamedTuple):
    """A cell that a decision is about, with the key of its row, its text at that time, and the message of the finding."""

    sheet: str | None
    line: int | None
    row_key: str | None
    column_name: str | None
    saw: str | None
    message: str


@dataclass(frozen=True)
class Draft:
    """A decision before it is appended. include/sql/migrations/05_stewardship.sql says which fields each kind needs.

    Attributes:
        kind: 'assign', 'comment', 'accept', 'waive', 'correct', 'hold', 'return' or 'undo'.
        until: the last day of a waiver.
        undoes: the decision to undo.
        expected_release: the release that the preview announced.
        batch: a number (32 hexadecimal digits) that decisions made together share.
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
    batch: str | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A row of intake.decisions.

    Attributes:
        cells: as in `Cell`, one dict each.
        second_person: whether a second person must approve it.
        state: 'proposed', 'in_force', 'refused', 'withdrawn', 'undone' or 'ended'.
    """

    decision_id: int
    kind: str
    author: str
    decided_at: datetime
    submission_id: str
    collection: str
    period: str | None
    sender: str | None
    part: str | None
    version: int
    rule_id: str | None
    column_name: str | None
    provider_code: str | None
    cells: list[dict[str, Any]]
    new_value: str | None
    value_source: str | None
    until: date | None
    assignee: str | None
    undoes: int | None
    reason: str
    second_person: bool
    expected_release: str | None
    verdict: str | None
    verdict_by: str | None
    verdict_at: datetime | None
    verdict_words: str | None
    undone_by: int | None
    state: str
    batch: str | None


class Effect(NamedTuple):
    """What a decision has led to.

    Attributes:
        state: 'none' (it changes no figure), 'proposed', 'queued' (the submission has not been validated under it yet), 'measuring',
            'in_preview' (trusts see the release that rests on it before it is published) or 'published' (the current release rests on it).
        release_id: the current release, where the state is 'measuring' or 'published'; the one that trusts see where it is 'in_preview'.
    """

    state: str
    release_id: str | None = None


class _Progress(NamedTuple):
    is_waiting: bool
    current_release: str | None


class _OpenFinding(NamedTuple):
    sheet: str | None
    line: int | None
    column_name: str | None
    raw_value: str | None
    message: str


def decide(connection: psycopg.Connection[Any], draft: Draft, author: str) -> int:
    """Appends a decision and returns its number.

    Raises:
        Refused: the database does not allow it.
    """
    if len(draft.cells) > MOST_CELLS:
        raise _too_many(len(draft.cells))
    values = asdict(draft) | {"author": author, "provider_code": draft.provider_code or provider_of(connection, draft)}
    values["cells"] = json.dumps([cell._asdict() for cell in draft.cells]).replace("\\u0000", "\\ufffd")
    values["reason"] = draft.reason.strip()
    values = {n: v.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for n, v in values.items()}
    taken = "The same decision has just been made. Look at the submission again."
    row = ask(connection, sql.text("stewardship/add_decision"), values, already=taken, missing=MISSING)
    return int(row[0])


def verdict(connection: psycopg.Connection[Any], decision_id: int, person: str, approve: bool, words: str = "") -> None:
    """Appends a second person's verdict on a decision.

    Raises:
        Refused: the database does not allow it, or somebody has given a verdict already.
    """
    values = {
        "decision_id": decision_id,
        "verdict": "approve" if approve else "refuse",
        "person": person,
        "words": words,
    }
    taken = f"Somebody has just approved or refused decision {decision_id}. Look at it again."
    ask(connection, sql.text("stewardship/add_verdict"), values, already=taken, missing=MISSING)


def get(connection: psycopg.Connection[Any], decision_id: int) -> Decision:
    """One decision.

    Raises:
        LookupError: there is no decision of that number.
    """
    found = queries.first(connection, "stewardship/decision", Decision, decision_id=decision_id)
    if found is None:
        raise LookupError(f"There is no decision {decision_id}. List all decisions with: trust-benchmarks decisions")
    return found


def cells_of(
    connection: psycopg.Connection[Any],
    submission_id: str,
    rule_id: str | None = None,
    column_name: str | None = None,
    *,
    finding_ids: list[str] | None = None,
    lines: Sequence[int] = (),
) -> tuple[Cell, ...]:
    """The cells of a submission's open findings, with the keys of their rows.

    Args:
        connection: of a role that may read findings.
        submission_id: the submission.
        rule_id: only findings of this rule.
        column_name: only findings in this column.
        finding_ids: only these findings, of those that intake.findings lists.
        lines: only these lines; none: all.

    Raises:
        Refused: there are more than a decision can name.
    """
    wanted = {"submission_id": submission_id, "rule_id": rule_id, "column_name": column_name}
    path = None if finding_ids else all_findings.file(connection, submission_id)
    only = {"finding_ids": finding_ids, "only_other": path is not None}
    found = queries.rows(connection, "stewardship/open_findings", _OpenFinding, **wanted, **only)
    if path:
        found += _open_in(path, rule_id, column_name, lines)
    if lines:
        found = [one for one in found if one.line in lines]
    keys = _row_keys(connection, submission_id) if any(one.line is not None for one in found) else {}
    return tuple(
        Cell(one.sheet, one.line, keys.get((one.sheet, one.line)), one.column_name, one.raw_value, one.message)
        for one in found
    )


def _open_in(path: Path, rule_id: str | None, column_name: str | None, lines: Sequence[int]) -> list[_OpenFinding]:
    """The open findings in a file of all findings (see `all_findings.file`)."""
    is_wanted = pl.col("decision_id").is_null() & (pl.col("severity") != "info")
    if rule_id is not None:
        is_wanted &= pl.col("rule_id") == rule_id
    if column_name is not None:
        is_wanted &= pl.col("column_name") == column_name
    if lines:
        is_wanted &= pl.col("line").is_in(list(lines))
    wanted = pl.scan_parquet(path).filter(is_wanted)
    many = wanted.select(pl.len()).collect().item()
    if many > MOST_CELLS:
        raise _too_many(many)
    return [_OpenFinding(*row) for row in wanted.select(_OpenFinding._fields).collect().iter_rows()]


def _too_many(cells: int) -> Refused:
    return Refused(
        f"A decision can name at most {MOST_CELLS:,} cells; this one names {cells:,}. Return the submission, "
        "or waive the rule for the provider and period."
    )


def effect(connection: psycopg.Connection[Any], decision_id: int) -> Effect:
    """What a decision has led to so far.

    Raises:
        LookupError: there is no decision of that number.
    """
    one = get(connection, decision_id)
    if one.kind not in CHANGES_FIGURES or one.state in ("refused", "withdrawn"):
        return Effect("none")
    if one.state == "proposed":
        return Effect("proposed")
    now = queries.first(connection, "stewardship/progress", _Progress, decision_id=decision_id)
    if now is None or now.is_waiting:
        return Effect("queued")
    if now.current_release is None or one.period is None:
        return Effect("measuring", now.current_release)
    inputs_hash = next_release(connection, one.collection, one.period).inputs_hash
    due = connection.execute("SELECT core.release_of(%s, %s, %s)", [one.collection, one.period, inputs_hash]).fetchone()
    is_published = due is not None and due[0] == now.current_release
    if due is not None and not is_published:
        # Of the desk's role, which sees offers in this view alone.
        open_ones = "SELECT FROM intake.previews WHERE release_id = %s AND state IN ('open', 'held', 'ended')"
        if connection.execute(open_ones, [due[0]]).rowcount:
            return Effect("in_preview", due[0])
    return Effect("published" if is_published else "measuring", now.current_release)


def provider_of(connection: psycopg.Connection[Any], draft: Draft) -> str | None:
    """The provider that a decision is about: the trust that sent the return, or the only provider of a national file's cells."""
    row = connection.execute(
        "SELECT collection, sender FROM intake.submissions WHERE submission_id = %s", [draft.submission_id]
    ).fetchone()
    if row is None:
        return None
    collection, sender = row
    if not catalogue.load(collection).is_national:
        return sender  # type: ignore[no-any-return]  # a text column
    if schemas.load(collection).key[0] != "ods_code":
        return None
    codes = {(cell.row_key or "").split("|")[0] for cell in draft.cells}
    return codes.pop() or None if len(codes) == 1 else None


def _row_keys(connection: psycopg.Connection[Any], submission_id: str) -> dict[tuple[str | None, int | None], str]:
    """The key of each row of a submission's file, by sheet and line."""
    file = submitted_file.content_of(connection, submission_id)
    schema, reading = schemas.load(file.collection), submitted_file.as_sent(*file)
    keys: dict[tuple[str | None, int | None], str] = {}
    for table in reading.tables:
        named = pl.DataFrame({"line": table.frame["line"], "key": row_keys(table, schema)})
        keys |= {(table.sheet, line): key for line, key in named.iter_rows()}
    return keys

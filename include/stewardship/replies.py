"""Answers of trusts to findings: a steward makes a decision of each, which a second person approves, or does not accept it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import uuid4

import psycopg

from .. import sql
from ..reference import reply_reasons
from ..stores.refusals import ask
from ..validation import one_cell
from . import decisions, queries, submitted_file, trust_wording
from .bulk import SomeRefused
from .decisions import Cell, Draft, Refused

GONE = "its finding is no longer open"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a trust answered to a finding, as intake.replies has it."""

    reply_id: int
    submission_id: str
    collection: str
    period: str | None
    sender: str | None
    kind: str
    rule_id: str
    sheet: str | None
    line: int | None
    column_name: str | None
    message: str
    reason_code: str | None
    new_value: str | None
    note: str
    replied_at: datetime
    came_by: str
    finding_id: str | None
    state: str

    @property
    def words(self) -> str:
        """What was answered, in words."""
        said = reply_reasons.in_words(self.kind, self.reason_code, self.new_value)
        return f"{said} {self.note}".strip()


def get(connection: psycopg.Connection[Any], reply_ids: Iterable[int]) -> list[Reply]:
    """The answers of these numbers, by submission."""
    return queries.rows(connection, "stewardship/replies", Reply, reply_ids=list(reply_ids))


def drafts(
    connection: psycopg.Connection[Any], found: Iterable[Reply], until: date, words: str = ""
) -> tuple[dict[int, Draft], dict[int, str]]:
    """The decision that each answer asks for: a waiver or a correction, by the number of the answer; and why others can be none.

    Args:
        connection: of a role that may read findings.
        found: the answers.
        until: the last day of the waivers.
        words: what the steward adds to the trust's reason.
    """
    made, refused = dict[int, Draft](), dict[int, str]()
    by_submission = groupby(
        sorted(found, key=lambda one: (one.submission_id, one.reply_id)), lambda one: one.submission_id
    )
    for submission_id, group in by_submission:
        replies = list(group)
        cells = _cells(connection, submission_id, replies)
        file = submitted_file.content_of(connection, submission_id)
        for reply in replies:
            cell = cells.get(reply.reply_id)
            if reply.state != "open" or cell is None:
                refused[reply.reply_id] = GONE if reply.state in ("open", "over") else f"it is {reply.state}"
                continue
            made[reply.reply_id] = _draft(reply, cell, until, words)
            if reply.kind == "correct":
                reading = submitted_file.as_sent(*file)
                if wrong := one_cell.wrong(reading, cell.sheet, cell.column_name, reply.new_value or ""):
                    refused[reply.reply_id] = wrong
                    del made[reply.reply_id]
    return made, refused


def _draft(reply: Reply, cell: Cell, until: date, words: str) -> Draft:
    reason = f"The trust answered: {reply.words} {words}".strip()
    draft = Draft(
        "waive", reply.submission_id, reason, rule_id=reply.rule_id, column_name=cell.column_name, cells=(cell,)
    )
    if reply.kind == "confirm":
        return replace(draft, until=until)
    by = "in the workbook" if reply.came_by == "workbook" else "in its room"
    source = f"The trust {by}, {trust_wording.day(reply.replied_at)} (answer {reply.reply_id})"
    return replace(draft, kind="correct", new_value=reply.new_value, value_source=source)


def _cells(connection: psycopg.Connection[Any], submission_id: str, replies: list[Reply]) -> dict[int, Cell]:
    """The cell of each answer's finding, as far as it is open."""
    found = dict[int, Cell]()
    for rule_id in sorted({one.rule_id for one in replies if one.finding_id}):
        own = [one for one in replies if one.rule_id == rule_id and one.finding_id]
        cells = decisions.cells_of(connection, submission_id, rule_id, finding_ids=[str(one.finding_id) for one in own])
        for one in own:
            here = [cell for cell in cells if (cell.line, cell.column_name) == (one.line, one.column_name)]
            here = [cell for cell in here if cell.message == one.message] or here
            if here:
                found[one.reply_id] = here[0]
    return found


def take(connection: psycopg.Connection[Any], made: Mapping[int, Draft], author: str) -> str:
    """Makes the decisions of these answers, or none; returns the batch that they share.

    Raises:
        SomeRefused: the database does not allow some of them, by the number of the answer; nothing was saved.
    """
    batch, refused = uuid4().hex, {}
    with connection.transaction():
        for reply_id, draft in made.items():
            try:
                with connection.transaction():
                    decision_id = decisions.decide(connection, replace(draft, batch=batch), author)
                    taken = {"decision_id": decision_id, "reply_id": reply_id}
                    ask(connection, sql.text("stewardship/take_reply"), taken)
            except Refused as problem:
                refused[reply_id] = str(problem)
        if refused:
            raise SomeRefused(refused)
    return batch


def refuse(connection: psycopg.Connection[Any], reply_ids: Iterable[int], person: str, words: str) -> None:
    """Does not accept these answers, or none of it is done. The trust reads the words in its room and by mail.

    Raises:
        SomeRefused: the database does not allow it for some of them, by the number of the answer; nothing was saved.
    """
    batch, refused = uuid4().hex, {}
    with connection.transaction():
        for reply_id in sorted(reply_ids):
            values = {"reply_id": reply_id, "person": person, "words": words.strip(), "batch": batch}
            try:
                ask(connection, sql.text("stewardship/refuse_reply"), values)
            except Refused as problem:
                refused[reply_id] = str(problem)
        if refused:
            raise SomeRefused(refused)

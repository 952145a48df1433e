"""One decision about the same fault in several returns: a draft for each of them, made or approved in one transaction."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg

from . import decisions
from .decisions import Cell, Draft, Refused

KINDS = ("waive", "return", "accept", "hold")  # a correction is about one cell of one return
MOST = 100  # returns at once


class SomeRefused(ValueError):
    """Nothing was saved, because some were refused: {submission or decision: why}."""

    def __init__(self, refused: Mapping[Any, str]) -> None:
        super().__init__(f"{len(refused)} refused")
        self.refused = dict(refused)


def drafts(
    connection: psycopg.Connection[Any],
    kind: str,
    returns: Mapping[str, list[str | None]],
    *,
    rule_id: str,
    reason: str,
    until: date | None = None,
) -> dict[str, Draft]:
    """A draft for each return, by its submission; the order is one that never has two people wait for each other.

    Args:
        connection: of a role that may read findings.
        kind: one of `KINDS`.
        returns: the columns that have the fault, by submission.
        rule_id: the rule; only a waiver names it.
        reason: the one reason.
        until: the last day of a waiver.
    """
    made = {}
    for submission_id in sorted(returns):
        draft = Draft(kind, submission_id, reason)
        if kind == "waive":
            cells = tuple(
                cell for column in returns[submission_id] for cell in _open(connection, submission_id, rule_id, column)
            )
            own = returns[submission_id]
            draft = replace(
                draft, rule_id=rule_id, column_name=own[0] if len(own) == 1 else None, cells=cells, until=until
            )
        made[submission_id] = draft
    return made


def _open(connection: psycopg.Connection[Any], submission_id: str, rule_id: str, column: str | None) -> Iterable[Cell]:
    found = decisions.cells_of(connection, submission_id, rule_id, column)
    return (cell for cell in found if cell.column_name == column)


def hash_of_cells(draft: Draft) -> str:
    """A hash of the cells of a draft, which tells whether they are still the cells of a preview."""
    return hashlib.sha256(json.dumps([cell._asdict() for cell in draft.cells]).encode()).hexdigest()[:16]


def decide(connection: psycopg.Connection[Any], made: Iterable[Draft], author: str) -> str:
    """Makes all of these decisions, or none; returns the batch that they share.

    Raises:
        SomeRefused: the database does not allow some of them; nothing was saved.
    """
    batch, refused = uuid4().hex, {}
    with connection.transaction():
        for draft in made:
            try:
                decisions.decide(connection, replace(draft, batch=batch), author)
            except Refused as problem:
                refused[draft.submission_id] = str(problem)
        if refused:
            raise SomeRefused(refused)
    return batch


def verdicts(
    connection: psycopg.Connection[Any], decision_ids: Iterable[int], person: str, approve: bool, words: str = ""
) -> None:
    """Approves or refuses all of these decisions, or none.

    Raises:
        SomeRefused: the database does not allow some of them; nothing was saved.
    """
    refused = {}
    with connection.transaction():
        for decision_id in sorted(decision_ids):
            try:
                decisions.verdict(connection, decision_id, person, approve, words)
            except Refused as problem:
                refused[decision_id] = str(problem)
        if refused:
            raise SomeRefused(refused)

"""Questions to the warehouse: one statement at a time, in a transaction that cannot write, within a time limit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import namedtuple_row

from .. import catalogue
from . import Refused, embedded
from .output import Format, note, write

Row = tuple[Any, ...]  # of a statement that somebody typed
STATES = ("received", "accepted", "accepted_with_warnings", "held")
SEVERITIES = ("hold", "reject", "warn", "info")

SUBMISSIONS = """
SELECT submission_id, collection, period, sender, part, version, state, rows_read, rows_recorded, rows_rejected, rows_held,
       received_at, is_current, is_sample, file_name
FROM intake.submissions s {where}
ORDER BY received_at DESC, collection, period, sender, version DESC"""

FINDINGS = """
SELECT s.collection, s.period, s.sender, f.submission_id, f.rule_id, f.severity, f.responsible, f.sheet, f.line, f.column_name,
       f.raw_value, f.message, f.decision_id
FROM intake.findings f JOIN intake.submissions s USING (submission_id) {where}
ORDER BY s.collection, s.period, s.sender, s.version, f.sheet NULLS FIRST, f.line NULLS FIRST, f.rule_id"""

UNLISTED = """
SELECT count(DISTINCT f.submission_id) AS submissions, sum(f.findings)::bigint AS findings, sum(f.listed)::bigint AS listed
FROM intake.finding_counts f JOIN intake.submissions s USING (submission_id) {where}
HAVING count(*) > 0"""

QUEUE = """
SELECT t.collection, t.period, t.sender, t.part, t.submission_id, t.rule_id, t.column_name, t.severity, t.responsible, t.findings,
       t.first_line, t.due, t.closes, t.assignee, t.example, t.is_sample
FROM intake.tasks t {where}
ORDER BY t.closes NULLS LAST, t.due NULLS LAST, t.received_at, t.collection, t.sender, t.rule_id, t.column_name"""

# What fits a terminal, with the submission to go on with; CSV and JSON have everything.
QUEUE_SHORT = """
SELECT coalesce(t.due, t.closes)::date AS due, t.collection, t.period, t.sender, t.severity, t.rule_id, t.column_name AS column, t.findings AS n,
       t.assignee, t.submission_id
FROM intake.tasks t {where}
ORDER BY t.closes NULLS LAST, t.due NULLS LAST, t.received_at, t.collection, t.sender, t.rule_id, t.column_name"""

DECISIONS = """
SELECT d.decision_id, d.state, d.kind, d.collection, d.period, d.sender, d.version, d.submission_id, d.author, d.decided_at, d.rule_id,
       d.column_name, d.provider_code, jsonb_array_length(d.cells) AS cells, d.new_value, d.value_source, d.until, d.assignee, d.undoes,
       d.verdict_by, d.verdict_at, d.verdict_words, d.reason
FROM intake.decisions d {where}
ORDER BY d.decision_id DESC"""
DECISION_STATES = ("proposed", "in_force", "refused", "withdrawn", "undone", "ended")

RELEASES = """
SELECT r.release_id, r.collection, r.period, r.state, r.created_at, r.published_at, r.failed_checks, f.found, r.verdict, r.verdict_by,
       r.verdict_at, r.verdict_reason, r.is_sample
FROM intake.releases r LEFT JOIN LATERAL (
  SELECT string_agg(k.message, ' ' ORDER BY k.checked_at DESC, k.check_id, k.subject) AS found FROM intake.release_checks k
  WHERE k.release_id = r.release_id AND NOT k.passed) f ON true {where}
ORDER BY coalesce(r.published_at, r.created_at) DESC, r.collection, r.period"""
RELEASES_SHORT = RELEASES.replace(
    """r.release_id, r.collection, r.period, r.state, r.created_at, r.published_at, r.failed_checks, f.found, r.verdict, r.verdict_by,
       r.verdict_at, r.verdict_reason, r.is_sample""",
    "r.release_id, r.state, coalesce(r.published_at, r.created_at)::timestamp(0) AS since, coalesce(r.verdict_reason, f.found) AS why",
)
RELEASE_STATES = ("current", "replaced", "held_back", "withdrawn", "in_preview", "made")

EDITIONS = """
SELECT number, edition_id, kind, switched_at, releases, changed, person, reason FROM intake.editions {where} ORDER BY number DESC"""


def releases(collection: str | None, period: str | None, state: str | None, form: Format, limit: int | None) -> None:
    """Writes the releases, newest first, how they stand and why; None leaves a condition out."""
    _one_of("state", state, RELEASE_STATES)
    conditions = {"r.collection": _known(collection), "r.period": period, "r.state": state}
    listed(RELEASES_SHORT if form == Format.table else RELEASES, conditions, form, limit)


def editions(form: Format, limit: int | None) -> None:
    """Writes every switch from one edition to the next, newest first."""
    listed(EDITIONS, {}, form, limit)


def submissions(
    collection: str | None, period: str | None, state: str | None, sender: str | None, form: Format, limit: int | None
) -> None:
    """Writes what was received, newest first; None leaves a condition out."""
    _one_of("state", state, STATES)
    listed(
        SUBMISSIONS,
        {"s.collection": _known(collection), "s.period": period, "state": state, "s.sender": sender},
        form,
        limit,
    )


def findings(
    submission: str | None,
    collection: str | None,
    period: str | None,
    rule: str | None,
    severity: str | None,
    sender: str | None,
    form: Format,
    limit: int | None,
    open_only: bool = False,
) -> None:
    """Writes findings, in the order of the files; None leaves a condition out.

    Args:
        open_only: leave out findings that a decision sets aside.
    """
    _one_of("severity", severity, SEVERITIES)
    conditions = {
        "f.submission_id": submission,
        "s.collection": _known(collection),
        "s.period": period,
        "f.rule_id": rule,
        "f.severity": severity,
        "s.sender": sender,
    }
    also = ["f.decision_id IS NULL"] if open_only else []
    if submission and form is not Format.table and _unlisted({"f.submission_id": submission}):
        from . import all_findings

        return all_findings.listing(submission, rule, severity, open_only, form, limit)
    listed(FINDINGS, conditions, form, limit, also)
    for many in _unlisted(conditions):
        note(
            f"Only the first {many.listed:,} of {many.findings:,} findings of {many.submissions:,} "
            f"submission{'' if many.submissions == 1 else 's'} with very many are listed. "
            "All of one: --submission with its id and --format csv."
        )
    return None


def _unlisted(conditions: dict[str, str | None]) -> list[Any]:
    """How many findings the submissions have of which not all are listed: one row with submissions, findings and listed, or none."""
    where, given = _where(conditions, ["f.listed < f.findings"])
    with _connection(60) as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(UNLISTED.format(where=where), given).fetchall()


def queue(
    collection: str | None,
    period: str | None,
    sender: str | None,
    severity: str | None,
    responsible: str | None,
    assignee: str | None,
    form: Format,
    limit: int | None,
) -> None:
    """Writes the queue of tasks, the nearest deadline first; None leaves a condition out."""
    _one_of("severity", severity, ("hold", "reject", "warn"))
    _one_of("responsible", responsible, ("trust", "publisher", "us"))
    conditions = {
        "t.collection": _known(collection),
        "t.period": period,
        "t.sender": sender,
        "t.severity": severity,
        "t.responsible": responsible,
        "t.assignee": assignee,
    }
    listed(QUEUE_SHORT if form == Format.table else QUEUE, conditions, form, limit)


def decisions(
    state: str | None,
    submission: str | None,
    collection: str | None,
    period: str | None,
    sender: str | None,
    form: Format,
    limit: int | None,
) -> None:
    """Writes the decisions, newest first; None leaves a condition out."""
    _one_of("state", state, DECISION_STATES)
    conditions = {
        "d.state": state,
        "d.submission_id": submission,
        "d.collection": _known(collection),
        "d.period": period,
        "d.sender": sender,
    }
    listed(DECISIONS, conditions, form, limit)


def show(sql: str, params: list[str] | None, form: Format, limit: int | None, seconds: int = 60) -> None:
    """Writes what one statement gives.

    Raises:
        Refused: several statements, one that writes, wrong SQL, no rows to give, or no warehouse.
    """
    if not sql.strip(" \t\r\n;"):
        raise Refused('There is no statement. Give one that reads, for example "SELECT * FROM published.data_status".')
    with _connection(seconds) as connection:
        try:
            # Streaming uses the extended protocol, in which PostgreSQL itself refuses a second statement.
            cursor = connection.cursor()
            rows = cursor.stream(sql, params, size=500)
            first = next(rows, None)
            if first is None:  # a stream of no rows does not tell its columns
                cursor = connection.execute(sql, params, prepare=True)
            names = [column.name for column in cursor.description or ()]
            write(_from(first, rows), names, form, limit=limit, more="To see all: --format csv, or a larger --limit.")
        except psycopg.Error as problem:
            raise Refused(_sentence(problem, seconds)) from None


def _from(first: Row | None, rows: Iterator[Row]) -> Iterator[Row]:
    if first is not None:
        yield first
        yield from rows


def listed(
    sql: str, conditions: dict[str, str | None], form: Format, limit: int | None, also: Sequence[str] = ()
) -> None:
    """Writes the rows of a listing under conditions; those of None are left out."""
    where, given = _where(conditions, also)
    show(sql.format(where=where), given or None, form, limit)


def _where(conditions: dict[str, str | None], also: Sequence[str] = ()) -> tuple[str, list[str]]:
    given = {column: value for column, value in conditions.items() if value is not None}
    asked = [*(f"{column} = %s" for column in given), *also]
    return "WHERE " + " AND ".join(asked) if asked else "", list(given.values())


def _known(collection: str | None) -> str | None:
    return catalogue.load(collection).name if collection else None


def _one_of(what: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise Refused(f"'{value}' is not a {what}. Expected one of {', '.join(known)}.")


@contextmanager
def _connection(seconds: int) -> Iterator[psycopg.Connection[Row]]:
    with embedded.warehouse_url() as url:
        try:
            connection = psycopg.connect(
                url,
                connect_timeout=10,
                application_name="trust-benchmarks query",
                options=f"-c default_transaction_read_only=on -c statement_timeout={seconds * 1000} -c TimeZone=Europe/London",
            )
        except psycopg.Error as problem:
            first = str(problem).strip().splitlines()[0]
            raise Refused(
                f"The warehouse does not answer ({first}). Start it with `make run`, or correct TB_WAREHOUSE_URL."
            ) from None
        try:
            connection.read_only = True
            yield connection
        finally:
            connection.close()  # whatever it was, it is rolled back


def _sentence(problem: psycopg.Error, seconds: int) -> str:
    first = (problem.diag.message_primary or str(problem).strip().splitlines()[0]).rstrip(".")
    if isinstance(problem, errors.ReadOnlySqlTransaction):
        return f"Nothing can be changed here ({first}). Only statements that read are answered, such as SELECT."
    if isinstance(problem, errors.QueryCanceled):
        return f"The answer took longer than {seconds} s. Ask for fewer rows, or give more time with --timeout."
    if "produce a result" in first or first.startswith("COPY cannot"):
        return "The statement gives no rows. Only statements that read are answered, such as SELECT."
    if "multiple commands" in first:
        return "There are several statements. Ask them one at a time."
    if isinstance(problem, errors.UndefinedTable):
        return f"The warehouse has no such table or view ({first}). docs/data-dictionary.md lists those that are published."
    if isinstance(problem, errors.InsufficientPrivilege):
        return f"This user may not read that ({first}). Ask for what is in the schema published."
    hint = problem.diag.message_hint
    return f"The statement cannot be answered: {first}." + (f" {hint}" if hint else "") + " Correct it and ask again."

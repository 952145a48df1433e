"""One submission: what was sent, what was found in it, what was decided, and how it differs from the version before."""

from fastapi import APIRouter, Request, Response

from .. import catalogue
from . import changes, database, file_context, formatting, pages, people, security
from .database import Connection, Row

router = APIRouter()
EVERY_REPLY = {"state": "", "submission": "", "collection": "", "period": "", "provider": "", "rule": "", "most": 500}
COMPARED_AT_ONCE = 5000  # rows; larger submissions are compared on a page of their own


def get(connection: Connection, submission_id: str) -> Row:
    """One submission with its sender's name and whether it is a national file.

    Raises:
        LookupError: there is no such submission.
    """
    found = database.rows(connection, "submission", submission_id=submission_id)
    if not found:
        raise LookupError(f"There is no submission {submission_id[:80]}. The board leads to all submissions.")
    return found[0] | {"is_national": catalogue.load(found[0]["collection"]).is_national}


def counts(connection: Connection, submission_id: str) -> list[Row]:
    """How many findings there are by rule and column, how many of them a decision covers, and how many are listed."""
    return database.rows(connection, "finding_counts", submission_id=submission_id)


def possible(connection: Connection, state: str) -> list[Row]:
    """The kinds of decision that people can make on a submission in this state: kind, says, second_person."""
    return database.rows(connection, "possible_decisions", state=state)


def limits(connection: Connection) -> dict[str, Row]:
    """Rules that some decisions cannot override: {rule_id: {"accept", "waive", "because"}}."""
    return {row["rule_id"]: row for row in database.rows(connection, "rule_limits")}


def messages_about(connection: Connection, one: Row) -> list[Row]:
    """What people of the trust were sent about a submission, about decisions on it, and about its return."""
    decided = database.rows(connection, "decisions_on_submission", submission_id=one["submission_id"], decisions=[])
    chain = "|".join(one[name] or "" for name in ("collection", "period", "sender", "part"))
    about = [one["submission_id"], chain, *(f"decision {row['decision_id']}" for row in decided)]
    return database.rows(connection, "messages", about=about)


@router.get("/submissions/{submission_id}")
def submission(
    request: Request,
    person: security.Anybody,
    submission_id: str,
    rule: str = "",
    column: str = "",
    severity: str = "",
    page: int = 1,
) -> Response:
    """Everything about one submission."""
    return page_of(request, submission_id, rule, column, severity, page)


def page_of(
    request: Request, submission_id: str, rule: str = "", column: str = "", severity: str = "", page: int = 1, *,
    errors: dict[str, str] | None = None, comment: str = "",
) -> Response:  # fmt: skip
    """The page of a submission, with a comment that could not be saved."""
    wanted = {"rule": rule, "column": column, "severity": severity}
    with database.opened() as connection:
        one = get(connection, submission_id)
        found = counts(connection, submission_id)
        fitting = [
            row
            for row in found
            if rule in ("", row["rule_id"]) and column in ("", row["column_name"]) and severity in ("", row["severity"])
        ]
        paging = pages.Paging(page, sum(row["listed"] for row in fitting))
        chain = {name: one[name] for name in ("collection", "period", "sender", "part")}
        versions = database.rows(connection, "versions", **chain)
        before = next((other for other in versions if other["version"] < one["version"]), None)
        where = {"submission_id": submission_id, "size": paging.size, "offset": paging.offset}
        shown = database.rows(connection, "findings", **where, **wanted)
        around, still_reading = file_context.around(submission_id, shown)
        is_compared = before is not None and (one["rows_read"] or 0) <= COMPARED_AT_ONCE
        decided = {"submission_id": submission_id, "decisions": one["decisions"]}
        return pages.page(
            request, "submission.html", 409 if errors else 200, section="board", one=one, chain=versions, before=before,
            changes=changes.of(connection, submission_id) if is_compared else None, counts=found,
            findings=[row | {"around": around.get(row["finding_id"])} for row in shown], paging=paging, wanted=wanted,
            fitting=sum(row["findings"] for row in fitting), possible=possible(connection, one["state"]), limits=limits(connection), still_reading=still_reading,
            decisions=database.rows(connection, "decisions_on_submission", **decided),
            replies=database.rows(connection, "replies", **EVERY_REPLY | {"submission": submission_id}),
            messages=messages_about(connection, one), rules=formatting.rules_of(one["collection"]), turn=next(iter(database.rows(connection, "turn", submission_id=submission_id)), None),
            people=[(name, name) for name in people.names()], errors=errors or {}, comment=comment, is_sample=one["is_sample"],
        )  # fmt: skip


@router.get("/submissions/{submission_id}/changes")
def changes_page(
    request: Request, person: security.Anybody, submission_id: str, what: str = "", page: int = 1
) -> Response:
    """What changed since the version before: findings, cells and rows."""
    with database.opened() as connection:
        one = get(connection, submission_id)
        found = changes.of(connection, submission_id)
    if found is None:
        raise LookupError("This is the first version of the return: there is nothing to compare it with.")
    kinds = {name: kind for name, _, kind in changes.KINDS}
    what = what if what in kinds else next((name for name, count in found.counts.items() if count), "fixed")
    paging = pages.Paging(page, found.counts[what])
    return pages.page(
        request, "changes.html", section="board", one=one, changes=found, what=what, kind=kinds[what], paging=paging,
        entries=found.entries(what, paging.offset, paging.size), is_sample=one["is_sample"],
    )  # fmt: skip

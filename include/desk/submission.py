"""One submission: what was sent, what was found in it, what was decided, and how it differs from the version before."""

from fastapi import APIRouter, Request

from .. import catalogue
from . import database, file_context, formatting, pages, security

router = APIRouter()
COMPARED_AT_ONCE = 5000  # rows; larger submissions are compared on a page of their own
SEVERITY = "array_position(ARRAY['hold', 'reject', 'warn', 'info'], severity)"


def get(connection, submission_id: str) -> dict:
    """One submission with its sender's name and its deadline.

    Raises:
        LookupError: when there is none of that id.
    """
    found = database.rows(
        connection,
        """SELECT s.*, p.provider_name FROM intake.submissions s LEFT JOIN published.providers p ON p.provider_code = s.sender
           WHERE s.submission_id = %s""",
        [submission_id],
    )
    if not found:
        raise LookupError(f"There is no submission {submission_id[:80]}. The board leads to those that there are.")
    one = found[0]
    one["is_national"] = catalogue.load(one["collection"]).is_national
    return one


def chain(connection, one: dict) -> list[dict]:
    """All versions of the same return, newest first."""
    return database.rows(
        connection,
        """SELECT submission_id, version, state, received_at, file_name, is_current, is_returned, rows_read, rows_recorded,
                  rows_rejected, rows_held FROM intake.submissions
           WHERE (collection, period, sender, part) IS NOT DISTINCT FROM (%(collection)s, %(period)s, %(sender)s, %(part)s)
           ORDER BY version DESC""",
        one,
    )


def counts(connection, submission_id: str) -> list[dict]:
    """How many findings there are by rule and column, and over how many of them a decision passes."""
    return database.rows(
        connection,
        f"""SELECT rule_id, column_name, severity, responsible, count(*) AS findings, count(decision_id) AS passed
            FROM intake.findings WHERE submission_id = %s GROUP BY 1, 2, 3, 4
            ORDER BY {SEVERITY}, count(*) DESC, rule_id, column_name""",
        [submission_id],
    )


def findings(connection, submission_id: str, rule: str, column: str, severity: str, offset: int) -> list[dict]:
    """One page of findings, what holds the return first, then in the order of the file."""
    where, parameters = database.conditions(
        {
            "submission_id = %(submission_id)s": submission_id,
            "rule_id = %(rule)s": rule,
            "column_name = %(column)s": column,
            "severity = %(severity)s": severity,
        }
    )
    return database.rows(
        connection,
        f"""SELECT * FROM intake.findings {where}
            ORDER BY {SEVERITY}, sheet, line, column_name, rule_id, message LIMIT %(size)s OFFSET %(offset)s""",
        {**parameters, "size": pages.PAGE, "offset": offset},
    )


def possible(connection, state: str) -> list[dict]:
    """The kinds of decision that a submission in this state can take, with what each does."""
    return database.rows(
        connection,
        """SELECT k.kind, k.says, k.second_person FROM core.decision_possible p JOIN core.decision_kind k USING (kind)
           WHERE p.submission_state = %s ORDER BY array_position(ARRAY['accept', 'return', 'hold'], k.kind), k.kind""",
        [state],
    )


def limits(connection) -> dict[str, dict]:
    """Rules that some decision cannot pass over: {rule_id: {"accept", "waive", "because"}}."""
    return {row["rule_id"]: row for row in database.rows(connection, "SELECT * FROM core.rule_limit")}


def decisions_on(connection, one: dict) -> list[dict]:
    """Every decision on a submission, and those on earlier versions under which it was checked, newest first."""
    return database.rows(
        connection,
        """SELECT decision_id, kind, author, decided_at, rule_id, column_name, jsonb_array_length(cells) AS cells, new_value,
                  until, assignee, undoes, reason, state, verdict, verdict_by, verdict_at, verdict_words, submission_id
           FROM intake.decisions WHERE submission_id = %(id)s
              OR decision_id = ANY(%(under)s)
           ORDER BY decision_id DESC""",
        {"id": one["submission_id"], "under": one["decisions"]},
    )


@router.get("/submissions/{submission_id}")
def submission(
    request: Request, person: security.Anybody, submission_id: str, rule: str = "", column: str = "", severity: str = "",
    page: int = 1,
):  # fmt: skip
    """Everything about one submission."""
    with database.opened() as connection:
        one = get(connection, submission_id)
        found = counts(connection, submission_id)
        fitting = [
            row for row in found
            if rule in ("", row["rule_id"]) and column in ("", row["column_name"]) and severity in ("", row["severity"])
        ]  # fmt: skip
        paging = pages.Paging(page, sum(row["findings"] for row in fitting))
        versions = chain(connection, one)
        before = next((other for other in versions if other["version"] < one["version"]), None)
        shown = findings(connection, submission_id, rule, column, severity, paging.offset)
        around, still_reading = file_context.around(one, shown)
        return pages.page(
            request, "submission.html", section="board", one=one, chain=versions, before=before,
            changes=file_context.changes(connection, one) if before and (one["rows_read"] or 0) <= COMPARED_AT_ONCE else None,
            counts=found, findings=[{**row, "around": around.get(row["finding_id"])} for row in shown], paging=paging,
            wanted={"rule": rule, "column": column, "severity": severity}, possible=possible(connection, one["state"]),
            limits=limits(connection), still_reading=still_reading, decisions=decisions_on(connection, one),
            rules=formatting.rules_of(one["collection"]), is_sample=one["is_sample"],
        )  # fmt: skip


@router.get("/submissions/{submission_id}/changes")
def changes(request: Request, person: security.Anybody, submission_id: str, what: str = "", page: int = 1):
    """What changed since the version before: findings, cells and rows."""
    with database.opened() as connection:
        one = get(connection, submission_id)
        found = file_context.changes(connection, one)
    if found is None:
        raise LookupError("This is the first version of the return: there is nothing to compare it with.")
    kinds = {name: kind for name, _, kind in found.KINDS}
    what = what if what in kinds else next((name for name, count in found.counts.items() if count), "fixed")
    paging = pages.Paging(page, found.counts[what])
    return pages.page(
        request, "changes.html", section="board", one=one, changes=found, what=what, kind=kinds[what], paging=paging,
        entries=found.entries(what, paging.offset, paging.size), is_sample=one["is_sample"],
    )  # fmt: skip

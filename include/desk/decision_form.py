"""Making a decision: the form, the preview, and the decision itself; also assigning tasks and commenting."""

import contextlib
from dataclasses import replace
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from ..pages import entered
from ..reading.harmless import harmless
from ..stewardship import bulk, decisions, submitted_file
from ..stewardship import preview as previews
from ..validation import one_cell
from . import airflow_runs, database, form_checks, formatting, pages, people, security, submission
from .database import Connection
from .decisions import provider_names
from .form_checks import Incomplete

router = APIRouter()

# The fields of the form besides its token; hidden on the preview, so that they come back as they were.
FIELDS = (
    "submission", "kind", "rule", "column", "finding", "scope", "provider", "reason", "until", "new_value", "value_source", "undoes",
)  # fmt: skip
NO_SOURCE = "Say where the correct value comes from, such as an email from the trust and its date."


def draft_of(connection: Connection, fields: dict[str, str]) -> decisions.Draft:
    """The decision that a form describes, with its cells as they are now.

    Raises:
        Incomplete: something is missing or wrong that the database cannot ask for; says all of it at once.
    """
    asked = {name: fields.get(name, "").strip() for name in FIELDS}
    draft = decisions.Draft(asked["kind"], asked["submission"], asked["reason"])
    errors = {"reason": entered.words(draft.reason, form_checks.NO_REASON)}
    if draft.kind == "undo":
        if not asked["undoes"].isdigit():
            errors[""] = "Say which decision to undo."
        _complain(errors)
        return replace(draft, undoes=int(asked["undoes"]))
    if draft.kind not in ("waive", "correct"):
        _complain(errors)
        return draft
    draft = replace(draft, rule_id=asked["rule"] or None, column_name=fields.get("column") or None)
    if asked["scope"] == "provider" and draft.kind == "waive":
        draft = replace(draft, provider_code=asked["provider"].upper() or None, column_name=None)
        if not draft.provider_code:
            errors["provider"] = "Enter the ODS code of the provider that the waiver is for."
    else:
        only = [asked["finding"]] if asked["finding"] else None
        cells = decisions.cells_of(connection, draft.submission_id, draft.rule_id, draft.column_name, finding_ids=only)
        if not cells:
            errors[""] = "These findings are no longer open. Look at the submission again."
        draft = replace(draft, cells=cells)
    if draft.kind == "waive":
        try:
            draft = replace(draft, until=form_checks.last_day(asked["until"]))
        except ValueError as problem:
            errors["until"] = str(problem)
        _complain(errors)
        return draft
    if draft.cells and len(draft.cells) != 1:
        errors[""] = "A correction changes one cell. Select it on the submission's page."
    draft = replace(draft, new_value=fields.get("new_value", "").strip(), value_source=asked["value_source"])
    if len(draft.cells) == 1:
        reading = submitted_file.as_sent(*submitted_file.content_of(connection, draft.submission_id))
        (cell,) = draft.cells
        errors["new_value"] = one_cell.wrong(reading, cell.sheet, cell.column_name, draft.new_value or "")
    errors["value_source"] = entered.words(asked["value_source"], NO_SOURCE)
    _complain(errors)
    return draft


def _complain(errors: dict[str, str | None]) -> None:
    if found := {name: words for name, words in errors.items() if words}:
        raise Incomplete(found)


def _form(
    request: Request,
    connection: Connection,
    fields: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The form, filled with what is known."""
    fields = {name: fields.get(name, "") for name in FIELDS}
    one = submission.get(connection, fields["submission"])
    kind = fields["kind"]
    if kind not in decisions.CHANGES_FIGURES:
        raise LookupError(
            f"There is no decision '{harmless(kind, 40)}'. The page of the submission lists the decisions you can make."
        )
    finding = None
    if fields["finding"]:
        about = {"submission_id": one["submission_id"], "finding_id": fields["finding"]}
        finding = next(iter(database.rows(connection, "finding", **about)), None)
        if finding is None:
            raise LookupError("This finding no longer exists. Look at the submission again.")
        fields |= {"rule": finding["rule_id"], "column": finding["column_name"] or ""}
    open_cells = sum(
        row["findings"] - row["covered"]
        for row in submission.counts(connection, one["submission_id"])
        if row["rule_id"] == fields["rule"] and fields["column"] in ("", row["column_name"])
    )
    kinds = {row["kind"]: row for row in submission.possible(connection, one["state"])}
    if kind not in kinds:
        state = formatting.STATES[one["state"]].lower()
        errors = (errors or {}) | {"": f"You cannot make this decision on a submission that is {state}."}
    undone = None
    if kind == "undo" and fields["undoes"].isdigit():
        with contextlib.suppress(LookupError):  # the database says so when the form is sent
            undone = decisions.get(connection, int(fields["undoes"]))
    return pages.page(
        request, "decide.html", status, section="board", one=one, kind=kind, says=kinds.get(kind, {}).get("says", ""),
        fields=fields, finding=finding, open_cells=open_cells, undone=undone,
        limit=submission.limits(connection).get(fields["rule"]),
        rule_says=formatting.rules_of(one["collection"]).get(fields["rule"], ""),
        second=kinds.get(kind, {}).get("second_person", ""), errors=errors or {}, field="f-reason", is_sample=one["is_sample"],
    )  # fmt: skip


def _errors(problem: Incomplete | decisions.Refused) -> dict[str, str]:
    return problem.errors if isinstance(problem, Incomplete) else {"": str(problem)}


@router.get("/decide")
def decide_form(request: Request, person: security.Steward) -> Response:
    """The form of one kind of decision."""
    with database.opened() as connection:
        return _form(request, connection, dict(request.query_params))


@router.post("/preview")
def preview(request: Request, person: security.Steward, form: security.Form) -> Response:
    """What the decision would lead to, computed and not kept; with a button that makes the decision."""
    with database.opened() as connection:
        try:
            draft = draft_of(connection, form)
            found = previews.preview(draft, person.name)
        except (Incomplete, decisions.Refused) as problem:
            return _form(request, connection, form, _errors(problem), 409)
        one = submission.get(connection, draft.submission_id)
        names = provider_names(connection, found)
    return pages.page(
        request, "preview.html", section="board", one=one, draft=draft, found=found, names=names,
        hidden={name: form.get(name, "") for name in FIELDS}, seen=bulk.hash_of_cells(draft), is_sample=one["is_sample"],
    )  # fmt: skip


@router.post("/decide")
def decide(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Makes the decision as it was previewed."""
    with database.opened() as connection:
        try:
            draft = draft_of(connection, form)
            if form.get("seen") and form["seen"] != bulk.hash_of_cells(draft):
                raise decisions.Refused(
                    "The cells have changed since the preview, so nothing was decided. Look at the preview again."
                )
            draft = replace(draft, expected_release=form.get("expected_release") or None)
            decision_id = decisions.decide(connection, draft, person.name)
        except (Incomplete, decisions.Refused) as problem:
            connection.rollback()
            return _form(request, connection, form, _errors(problem), 409)
    airflow_runs.start_after(decision_id, person.name)
    return pages.go(request, f"/decisions/{decision_id}", done="decided")


@router.post("/assign")
def assign(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Assigns a submission's findings, or those of one rule and column, to somebody."""
    assignee = form.get("assignee", "").strip()
    named = person.name if assignee == "me" else people.known_as(assignee, person.name)
    if assignee and named is None:
        words = f"Nobody named {harmless(assignee, 60)} can sign in, so nothing was assigned. Select somebody who can."
        return pages.page(request, "problem.html", 409, heading="Nothing was saved", words=words)
    draft = decisions.Draft(
        "assign",
        form.get("submission", ""),
        form.get("reason", "").strip() or "Assigned on the desk.",
        rule_id=form.get("rule") or None,
        column_name=form.get("column") or None,
        assignee=named or None,
    )
    return _append(request, draft, person.name, "assigned", form.get("back", ""))


@router.post("/comment")
def comment(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Adds a comment to a submission."""
    draft = decisions.Draft("comment", form.get("submission", ""), form.get("reason", "").strip())
    if wrong := entered.words(draft.reason, "Enter a comment."):
        return submission.page_of(
            request, draft.submission_id, errors={"reason": wrong}, comment=form.get("reason", "")
        )
    return _append(request, draft, person.name, "noted", form.get("back", ""))


def _append(request: Request, draft: decisions.Draft, author: str, done: str, back: str) -> Response:
    """Appends a decision that changes no figure, and goes back to the queue or the submission."""
    try:
        with database.opened() as connection:
            submission.get(connection, draft.submission_id)
            decisions.decide(connection, draft, author)
    except decisions.Refused as problem:
        return pages.page(request, "problem.html", 409, heading="Nothing was saved", words=str(problem))
    if back.startswith("queue?") or back == "queue":  # the queue as it was filtered; no other address is accepted
        return pages.go(request, "/queue", **dict(parse_qsl(back[6:])) | {"done": done})
    return pages.go(request, f"/submissions/{draft.submission_id}", done=done)

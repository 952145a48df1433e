"""Deciding: the form, the preview of what would follow, and the decision itself; also assigning and commenting."""

import contextlib
import hashlib
import json
import re
from dataclasses import asdict, replace
from datetime import date
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request

from ..reading.harmless import harmless
from ..stewardship import decisions
from ..stewardship import preview as previews
from . import airflow_runs, database, formatting, pages, security, submission

router = APIRouter()

# What a form holds besides its token; hidden on the preview, so that it comes back as it was.
FIELDS = (
    "submission", "kind", "rule", "column", "finding", "scope", "provider", "reason", "until", "new_value", "value_source", "undoes",
)  # fmt: skip
DECIDED_WITH_PREVIEW = ("accept", "waive", "correct", "hold", "return", "undo")


class Incomplete(ValueError):
    """The form lacks something; the message says what."""


def draft_of(connection, fields: dict[str, str]) -> decisions.Draft:
    """The decision that a form describes, with its cells as they stand now.

    Raises:
        Incomplete: when something that only the form knows is missing; what else is missing the database says.
    """
    asked = {name: fields.get(name, "").strip() for name in FIELDS}
    draft = decisions.Draft(asked["kind"], asked["submission"], asked["reason"])
    if not draft.reason:
        raise Incomplete("Give a reason, in a sentence that will still be understood next year.")
    if draft.kind == "undo":
        if not asked["undoes"].isdigit():
            raise Incomplete("Say which decision is to be undone.")
        return replace(draft, undoes=int(asked["undoes"]))
    if draft.kind not in ("waive", "correct"):
        return draft
    draft = replace(draft, rule_id=asked["rule"] or None, column_name=fields.get("column") or None)
    if asked["scope"] == "provider" and draft.kind == "waive":
        draft = replace(draft, provider_code=asked["provider"].upper() or None, column_name=None)
        if not draft.provider_code:
            raise Incomplete("Give the ODS code of the provider that the waiver is for.")
    else:
        only = [asked["finding"]] if asked["finding"] else None
        cells = decisions.cells_of(connection, draft.submission_id, draft.rule_id, draft.column_name, finding_ids=only)
        if not cells:
            raise Incomplete("What this was to be about is no longer open. Look at the submission again.")
        draft = replace(draft, cells=cells)
    if draft.kind == "waive":
        return replace(draft, until=_day(asked["until"]))
    if len(draft.cells) != 1:
        raise Incomplete("A correction is about one cell. Choose it on the submission's page.")
    if not asked["value_source"]:
        raise Incomplete("Say where the right value comes from, such as an e-mail of the trust and its date.")
    return replace(draft, new_value=fields.get("new_value", "").strip(), value_source=asked["value_source"])


def _day(text: str) -> date:
    """A day as people of this country write it, or as machines do."""
    digits = re.findall(r"\d+", text)
    year_first = len(digits) == 3 and len(digits[0]) == 4
    try:
        year, month, day = map(int, digits if year_first else reversed(digits))
        if year < 1000:
            raise ValueError
        return date(year, month, day)
    except ValueError:
        raise Incomplete("Give the last day of the waiver as day, month and year, such as 31/3/2026.") from None


def seen(draft: decisions.Draft) -> str:
    """A mark of the cells that a draft is about, by which a decision can tell that they are still what was previewed."""
    return hashlib.sha256(json.dumps([asdict(cell) for cell in draft.cells]).encode()).hexdigest()[:16]


def _form(request: Request, connection, fields: dict[str, str], errors=(), status: int = 200):
    """The form, filled with what is known."""
    fields = {name: fields.get(name, "") for name in FIELDS}
    one = submission.get(connection, fields.get("submission", ""))
    kind = fields.get("kind", "")
    kinds = {row["kind"]: row for row in submission.possible(connection, one["state"])}
    if kind not in DECIDED_WITH_PREVIEW:
        raise LookupError(
            f"There is no decision '{harmless(kind, 40)}'. The page of the submission lists those that are possible."
        )
    finding = None
    if fields.get("finding"):
        found = database.rows(
            connection,
            "SELECT * FROM intake.findings WHERE submission_id = %s AND finding_id = %s",
            [one["submission_id"], fields["finding"]],
        )
        if not found:
            raise LookupError("This finding is no longer there. Look at the submission again.")
        finding = found[0]
        fields = {**fields, "rule": finding["rule_id"], "column": finding["column_name"] or ""}
    open_cells = sum(
        row["findings"] - row["passed"]
        for row in submission.counts(connection, one["submission_id"])
        if row["rule_id"] == fields.get("rule") and fields.get("column") in (None, "", row["column_name"])
    )
    says = kinds[kind]["says"] if kind in kinds else ""
    if kind not in kinds:
        errors = [
            *errors,
            f"A submission that is {formatting.STATES[one['state']].lower()} cannot be decided on in this way.",
        ]
    undone = None
    if kind == "undo" and fields["undoes"].isdigit():
        with contextlib.suppress(LookupError):  # the database says it better, to whoever tries
            undone = decisions.get(connection, int(fields["undoes"]))
    return pages.page(
        request, "decide.html", status, section="board", one=one, kind=kind, says=says, fields=fields, finding=finding,
        open_cells=open_cells, undone=undone, limit=submission.limits(connection).get(fields.get("rule") or ""),
        rule_says=formatting.rules_of(one["collection"]).get(fields.get("rule") or "", ""),
        second=kinds.get(kind, {}).get("second_person", ""), errors=list(errors), field="f-reason", is_sample=one["is_sample"],
    )  # fmt: skip


@router.get("/decide")
def decide_form(request: Request, person: security.Steward):
    """The form of one kind of decision."""
    fields = {name: request.query_params.get(name, "") for name in FIELDS}
    with database.opened() as connection:
        return _form(request, connection, fields)


@router.post("/preview")
def preview(request: Request, person: security.Steward, form: security.Form):
    """What the decision would do, computed and not kept; with a button that takes it."""
    with database.opened() as connection:
        try:
            draft = draft_of(connection, form)
            found = previews.preview(draft, person.name)
        except (Incomplete, decisions.Refused) as problem:
            return _form(request, connection, form, [str(problem)], 409)
        one = submission.get(connection, draft.submission_id)
        names = database.names(connection, [row["provider_code"] for row in (*found.measures, *found.other_changes)])
    hidden = {name: form.get(name, "") for name in FIELDS}
    return pages.page(
        request, "preview.html", section="board", one=one, draft=draft, found=found, names=names, hidden=hidden,
        seen=seen(draft), is_sample=one["is_sample"],
    )  # fmt: skip


@router.post("/decide")
def decide(request: Request, person: security.Steward, form: security.Form):
    """Takes the decision, as it was previewed."""
    with database.opened() as connection:
        try:
            draft = draft_of(connection, form)
            if form.get("seen") and form["seen"] != seen(draft):
                raise decisions.Refused(
                    "The cells have changed since the preview, so nothing was decided. Look at the preview again."
                )
            draft = replace(draft, expected_release=form.get("expected_release") or None)
            decision_id = decisions.decide(connection, draft, person.name)
        except (Incomplete, decisions.Refused) as problem:
            connection.rollback()
            return _form(request, connection, form, [str(problem)], 409)
    tell_airflow(decision_id, person.name)
    return pages.go(request, f"/decisions/{decision_id}", done="decided")


@router.post("/assign")
def assign(request: Request, person: security.Steward, form: security.Form):
    """Gives a submission's findings, or those of one rule and column, to somebody."""
    return _noted(request, person, form, "assign", "assigned")


@router.post("/comment")
def comment(request: Request, person: security.Steward, form: security.Form):
    """Notes something on a submission."""
    return _noted(request, person, form, "comment", "noted")


def _noted(request: Request, person, form: dict[str, str], kind: str, done: str):
    assignee = form.get("assignee", "").strip()
    draft = decisions.Draft(
        kind, form.get("submission", ""), form.get("reason", "").strip() or ("Assigned on the desk." if kind == "assign" else ""),
        rule_id=form.get("rule") or None, column_name=form.get("column") or None,
        assignee=(person.name if assignee == "me" else assignee) or None if kind == "assign" else None,
    )  # fmt: skip
    with database.opened() as connection:
        submission.get(connection, draft.submission_id)
        try:
            decisions.decide(connection, draft, person.name)
        except decisions.Refused as problem:
            refused = str(problem)
        else:
            refused = ""
    if refused:
        return pages.page(request, "problem.html", 409, heading="This was not done", words=refused)
    back = form.get("back", "")
    if back.startswith("queue?") or back == "queue":  # the queue as it was filtered; nothing else is a way back
        return pages.go(request, "/queue", **dict(parse_qsl(back[6:])) | {"done": done})
    return pages.go(request, f"/submissions/{draft.submission_id}", done=done)


def tell_airflow(decision_id: int, person: str) -> None:
    """If the pipeline has something to do because of a decision, asks Airflow to begin at once."""
    with database.opened() as connection:
        what = decisions.effect(connection, decision_id)
    if what["state"] == "queued" and what["period"]:
        airflow_runs.announce(what["collection"], what["period"], decision_id, person)

"""The same fault in several returns: chosen, previewed, decided and approved together. Each return has a decision of its own."""

import re

from fastapi import APIRouter, Request, Response

from ..pages import entered
from ..stewardship import bulk
from ..stewardship import preview as previews
from ..stewardship.decisions import Draft
from . import airflow_runs, database, form_checks, formatting, pages, security, submission
from .database import Connection, Row
from .form_checks import Incomplete

router = APIRouter()
FAULT = ("collection", "period", "rule", "column")  # what names a fault; the column as intake.task_turns folds it
NOTHING = "Select at least one return."


def _fault(connection: Connection, fields: dict[str, str]) -> tuple[dict[str, str], list[Row]]:
    """The name of a fault, and the returns that have it.

    Raises:
        LookupError: none has it any more.
    """
    name = {key: fields.get(key, "") for key in FAULT}
    found = database.rows(connection, "fault", **name)
    if not found:
        raise LookupError("No return has this fault any more. The queue lists what is open.")
    return name, found


def _kinds(connection: Connection, found: list[Row], rule: str) -> list[Row]:
    """The kinds of decision that are possible on all of these returns: kind, says, second_person."""
    of_state = [submission.possible(connection, state) for state in sorted({row["submission_state"] for row in found})]
    common = set.intersection(*({row["kind"] for row in rows} for rows in of_state))
    limit = submission.limits(connection).get(rule)
    barred = {kind for kind in ("waive", "accept") if limit and not limit[kind]}
    barred |= {"waive"} if any(row["severity"] == "info" for row in found) else set()
    kinds = [row for row in of_state[0] if row["kind"] in common - barred and row["kind"] in bulk.KINDS]
    return sorted(kinds, key=lambda row: bulk.KINDS.index(row["kind"]))


def _taken(form: dict[str, str], found: list[Row]) -> list[Row]:
    """The returns that are selected in a form and wait for us."""
    return [row for row in found if form.get(f"take-{row['submission_id']}") and row["turn"] == "us"][: bulk.MOST]


@router.get("/fault")
def fault(request: Request, person: security.Anybody) -> Response:
    """The returns that have the same fault, with a form to decide on any of them together."""
    with database.opened() as connection:
        return _form(request, connection, dict(request.query_params))


def _form(
    request: Request, connection: Connection, fields: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    name, found = _fault(connection, fields)
    waiting = [row for row in found if row["turn"] == "us"]
    kinds = _kinds(connection, waiting, name["rule"]) if waiting else []
    sent = any(key.startswith("take-") for key in fields) or errors
    return pages.page(
        request, "fault.html", 409 if errors else 200, section="queue", name=name, found=found, kinds=kinds, fields=fields,
        kind=fields.get("kind") or (kinds[0]["kind"] if kinds else ""), most=bulk.MOST, waiting=len(waiting),
        chosen={row["submission_id"] for row in (_taken(fields, found) if sent else waiting[: bulk.MOST])},
        rule_says=formatting.rules_of(name["collection"]).get(name["rule"], ""), errors=errors or {}, field="choose",
        is_sample=any(row["is_sample"] for row in found),
    )  # fmt: skip


def _drafts(connection: Connection, form: dict[str, str], name: dict[str, str], taken: list[Row]) -> list[Draft]:
    """The decisions that a form describes, one for each return.

    Raises:
        Incomplete: something is missing or wrong; says all of it at once.
    """
    kind, reason = form.get("kind", ""), form.get("reason", "").strip()
    errors = {"": None if taken else NOTHING, "reason": entered.words(reason, form_checks.NO_REASON)}
    errors["kind"] = None if kind in bulk.KINDS else "Select what to decide."
    until = None
    if kind == "waive":
        try:
            until = form_checks.last_day(form.get("until", ""))
        except ValueError as problem:
            errors["until"] = str(problem)
    if wrong := {field: words for field, words in errors.items() if words}:
        raise Incomplete(wrong)
    returns = {row["submission_id"]: row["columns"] for row in taken}
    made = bulk.drafts(connection, kind, returns, rule_id=name["rule"], reason=reason, until=until)
    return list(made.values())


@router.post("/fault/preview")
def preview(request: Request, person: security.Steward, form: security.Form) -> Response:
    """What the decisions would lead to together; nothing is kept."""
    with database.opened() as connection:
        name, found = _fault(connection, form)
        try:
            drafts = _drafts(connection, form, name, _taken(form, found))
        except Incomplete as problem:
            return _form(request, connection, form, problem.errors)
        return _preview(request, connection, form, found, drafts)


def _preview(
    request: Request, connection: Connection, form: dict[str, str], found: list[Row], drafts: list[Draft],
    refused: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """The page of a preview; what was refused is taken out, and said."""
    refused = dict(refused or {})
    drafts = [draft for draft in drafts if draft.submission_id not in refused]
    made = previews.together(drafts, request.state.person.name)
    refused |= {drafts[place].submission_id: words for place, words in made.refused.items()}
    by_id = {row["submission_id"]: row for row in found}
    codes = {row["provider_code"] for row in made.other_changes}
    codes |= {row["provider_code"] for one in made.previews.values() for row in one.measures}
    shown = [(by_id[drafts[place].submission_id], drafts[place], one) for place, one in made.previews.items()]
    errors = [f"{by_id[key]['sender']} was taken out: {words}" for key, words in refused.items()]
    name = {key: form.get(key, "") for key in FAULT}
    return pages.page(
        request, "fault_preview.html", 409 if errors else 200, section="queue", name=name, made=made,
        shown=sorted(shown, key=lambda one: list(by_id).index(one[1].submission_id)),
        kind=form.get("kind", ""), fields={key: form.get(key, "") for key in (*FAULT, "kind", "reason", "until")},
        names=database.names(connection, codes), hash_of=bulk.hash_of_cells, errors=errors,
        is_sample=any(row["is_sample"] for row, _, _ in shown),
    )  # fmt: skip


@router.post("/fault/decide")
def decide(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Makes a decision for each return that is still selected; all of them, or none."""
    if form.get("change"):
        with database.opened() as connection:
            return _form(request, connection, form)
    with database.opened() as connection:
        name, found = _fault(connection, form)
        try:
            drafts = _drafts(connection, form, name, _taken(form, found))
        except Incomplete as problem:
            return _form(request, connection, form, problem.errors)
        gone = {key[5:] for key in form if key.startswith("take-")} - {draft.submission_id for draft in drafts}
        changed = {
            draft.submission_id: "its cells have changed since the preview."
            for draft in drafts
            if form.get(f"seen-{draft.submission_id}", "") != bulk.hash_of_cells(draft)
        }
        changed |= {row["submission_id"]: "it no longer waits for us." for row in found if row["submission_id"] in gone}
        try:
            if changed:
                raise bulk.SomeRefused(changed)
            batch = bulk.decide(connection, drafts, person.name)
        except bulk.SomeRefused as problem:
            return _preview(request, connection, form, found, drafts, problem.refused)
        started = {(row["collection"], row["period"]): row["decision_id"] for row in _batch(connection, batch)}
    for decision_id in started.values():
        airflow_runs.start_after(decision_id, person.name)
    return pages.go(request, f"/batches/{batch}", done="decided_together")


def _batch(connection: Connection, batch: str) -> list[Row]:
    found = database.rows(connection, "batch", batch=batch)
    if not found:
        raise LookupError("There are no decisions that were made together under this number. See all decisions.")
    return found


@router.get("/batches/{batch}")
def batch_page(request: Request, person: security.Anybody, batch: str, preview: str = "") -> Response:
    """Decisions that were made together; what approving them would lead to; and one form to approve or refuse them."""
    with database.opened() as connection:
        return _page_of(request, connection, batch, is_previewed=bool(preview))


def _page_of(
    request: Request, connection: Connection, batch: str, *, is_previewed: bool = False,
    errors: dict[str, str] | None = None, chosen: set[int] | None = None, words: str = "",
) -> Response:  # fmt: skip
    found = _batch(connection, batch)
    open_ones = [row for row in found if row["state"] == "proposed"]
    made = None
    if is_previewed and open_ones:
        made = previews.together(
            [row["decision_id"] for row in sorted(open_ones, key=lambda one: one["submission_id"])]
        )
    codes = {row["provider_code"] for row in made.other_changes} if made else set()
    codes |= {row["provider_code"] for one in made.previews.values() for row in one.measures} if made else set()
    me = request.state.person.name.strip().lower()
    return pages.page(
        request, "batch.html", 409 if errors else 200, section="decisions", batch=batch, found=found, open_ones=open_ones, made=made,
        by_submission={one.submission_id: one for one in made.previews.values()} if made else {},
        names=database.names(connection, codes), first=found[0], words=words, errors=errors or {}, field="choose",
        chosen={row["decision_id"] for row in open_ones} if chosen is None else chosen,
        mine=any(row["author"].strip().lower() == me for row in found), tasks=bulk_states(found),
        rule_says=formatting.rules_of(found[0]["collection"]).get(found[0]["rule_id"] or "", ""),
        is_sample=any(row["is_sample"] for row in found),
    )  # fmt: skip


def bulk_states(found: list[Row]) -> dict[str, int]:
    """How many decisions of a batch are in each state."""
    return {state: sum(row["state"] == state for row in found) for state in formatting.DECISION_STATES}


@router.post("/batches/{batch}/verdict")
def verdict(request: Request, person: security.Approver, form: security.Form, batch: str) -> Response:
    """The second person approves or refuses those that are selected; all of them, or none."""
    chosen = {int(key[5:]) for key in form if re.fullmatch(r"take-[0-9]{1,18}", key)}
    words, asked = form.get("words", "").strip(), form.get("verdict")
    with database.opened() as connection:
        known = {row["decision_id"]: row for row in _batch(connection, batch)}
        chosen &= set(known)
        errors = {"": None if chosen else NOTHING, "words": entered.words(words)}
        if asked not in ("approve", "refuse"):
            errors[""] = "Select whether to approve or refuse."
        if asked == "refuse" and not words:
            errors["words"] = "Say why you refuse, so that the author knows what to change."
        wrong = {field: said for field, said in errors.items() if said}
        if not wrong:
            try:
                bulk.verdicts(connection, chosen, person.name, asked == "approve", words)
            except bulk.SomeRefused as problem:
                wrong = {"": " ".join(f"{known[key]['sender']}: {said}" for key, said in problem.refused.items())}
                chosen -= set(problem.refused)
        if wrong:
            return _page_of(request, connection, batch, is_previewed=True, errors=wrong, chosen=chosen, words=words)
    if asked == "approve":
        started = {(known[key]["collection"], known[key]["period"]): key for key in sorted(chosen)}
        for decision_id in started.values():
            airflow_runs.start_after(decision_id, person.name)
    return pages.go(
        request, f"/batches/{batch}", done="approved_together" if asked == "approve" else "refused_together"
    )

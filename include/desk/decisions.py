"""Decisions: the list, one decision with its effect, and the second person's verdict."""

from fastapi import APIRouter, Request, Response

from ..pages import entered, readable
from ..stewardship import decisions
from ..stewardship import preview as previews
from ..stewardship.decisions import Decision
from ..stewardship.preview import Preview
from . import airflow_runs, database, formatting, pages, security, submission

router = APIRouter()
NO_WORDS = "Say why you refuse, so that the author knows what to change."
EFFECTS = {
    "none": "This decision changes no figure.",
    "proposed": "This decision has no effect until a second person approves it.",
    "queued": "Queued: Airflow starts within 15 minutes.",
    "collecting": "Running: Airflow is validating the return again.",
    "measuring": "Running: the figures are being calculated.",
    "in_preview": "Computed as release {}, which trusts see before it is published.",
    "published": "Published as release {}.",
}


def effect(decision: Decision) -> dict[str, str | bool | None]:
    """What a decision has led to: {"state", "words", "release_id", "done"}; done means that it will not change by itself."""
    with database.opened() as connection:
        state, release_id = decisions.effect(connection, decision.decision_id)
    if state == "queued" and decision.period:
        since = decision.verdict_at or decision.decided_at
        found = airflow_runs.of(decision.collection, decision.period, since)
        if any(run.dag_id.startswith("collect_") and run.state == "running" for run in found):
            state = "collecting"
    text = EFFECTS[state].format(release_id)
    if state == "published" and decision.expected_release:
        text += (
            " The preview announced this release."
            if decision.expected_release == release_id
            else f" The preview announced {decision.expected_release}; something else has changed since then."
        )
    done = state in ("none", "proposed", "in_preview", "published")
    return {"state": state, "words": text, "release_id": release_id, "done": done}


@router.get("/decisions")
def decisions_list(
    request: Request,
    person: security.Anybody,
    state: str = "",
    kind: str = "",
    collection: str = "",
    period: str = "",
    author: str = "",
    page: int = 1,
) -> Response:
    """Every decision and its state."""
    wanted = {"state": state, "kind": kind, "collection": collection, "period": period, "author": author}
    with database.opened() as connection:
        (total,) = database.values(connection, "decision_count", **wanted)
        paging = pages.Paging(page, total)
        found = database.rows(connection, "decisions", **wanted, size=paging.size, offset=paging.offset)
        authors = database.values(connection, "authors")
        collections = database.values(connection, "submitted_collections")
    return pages.page(
        request, "decisions.html", section="decisions", decisions=found, paging=paging, wanted=wanted,
        authors=[(name, name) for name in authors], collections=[(name, readable.title(name)) for name in collections],
        is_sample=any(row["is_sample"] for row in found),
    )  # fmt: skip


@router.get("/decisions/{decision_id}")
def decision(
    request: Request, person: security.Anybody, decision_id: int, preview: str = "", page: int = 1
) -> Response:
    """One decision: who, when, on what, why, on which cells, and its effect."""
    return _page(request, decision_id, preview=bool(preview), page=page)


def _judges(person: security.Person, one: Decision) -> bool:
    """Whether a person may approve or refuse a decision: an approver who did not make it, as long as it is proposed."""
    is_author = one.author.strip().lower() == person.name.strip().lower()
    return one.state == "proposed" and person.may_approve and not is_author


def _page(
    request: Request, decision_id: int, preview: bool = False, page: int = 1, errors: dict[str, str] | None = None, status: int = 200,
    words: str = "",
) -> Response:  # fmt: skip
    errors, found = dict(errors or {}), None
    with database.opened() as connection:
        one = decisions.get(connection, decision_id)
        about = submission.get(connection, one.submission_id)
        undone = decisions.get(connection, one.undoes) if one.undoes else None
        paging = pages.Paging(page, len(one.cells))
        if preview or _judges(request.state.person, one):  # what is approved is seen first
            try:
                found = previews.preview(decision_id)
            except decisions.Refused as problem:
                errors[""] = str(problem)
        names = provider_names(connection, found)
        of_all = one.kind in ("accept", "hold", "return")
        open_ones = database.rows(connection, "open_counts", submission_id=one.submission_id) if of_all else []
        replies = database.rows(connection, "replies_of_decisions", decision_ids=[decision_id])
        undoing = database.values(connection, "proposals_to_undo", decision_id=decision_id)
    return pages.page(
        request, "decision.html", status, section="decisions", decision=one, one=about, paging=paging, undoing=undoing, replies=replies,
        cells=one.cells[paging.offset : paging.offset + paging.size], found=found, names=names, effect=effect(one),
        rule_says=formatting.rules_of(one.collection).get(one.rule_id or "", ""), undone=undone, words=words, open_ones=open_ones,
        mine=one.author.strip().lower() == request.state.person.name.strip().lower(), errors=errors, judges=_judges(request.state.person, one), is_sample=about["is_sample"],
    )  # fmt: skip


def provider_names(connection: database.Connection, found: Preview | None) -> dict[str, str]:
    """The names of the providers in a preview, by code."""
    rows = [*found.measures, *found.other_changes] if found else []
    return database.names(connection, [row["provider_code"] for row in rows])


@router.get("/decisions/{decision_id}/effect")
def decision_effect(person: security.Anybody, decision_id: int) -> dict[str, str | bool | None]:
    """What a decision has led to, for a page that polls it."""
    with database.opened() as connection:
        one = decisions.get(connection, decision_id)
    return effect(one)


@router.post("/decisions/{decision_id}/verdict")
def verdict(request: Request, person: security.Approver, form: security.Form, decision_id: int) -> Response:
    """The second person approves or refuses."""
    approve = form.get("verdict") == "approve"
    if form.get("verdict") not in ("approve", "refuse"):
        return _page(request, decision_id, errors={"": "Select whether to approve or refuse."}, status=400)
    words = form.get("words", "").strip()
    if wrong := entered.words(words, "" if approve else NO_WORDS):
        return _page(request, decision_id, errors={"words": wrong}, status=409, words=words)
    try:
        with database.opened() as connection:
            decisions.get(connection, decision_id)
            decisions.verdict(connection, decision_id, person.name, approve, words)
    except decisions.Refused as problem:
        return _page(request, decision_id, errors={"": str(problem)}, status=409, words=words)
    airflow_runs.start_after(decision_id, person.name)
    return pages.go(request, f"/decisions/{decision_id}", done="approved" if approve else "refused")


@router.post("/decisions/{decision_id}/undo")
def undo(request: Request, person: security.Steward, form: security.Form, decision_id: int) -> Response:
    """Undoes a decision at once, with a reason; the form at /decide shows a preview first."""
    try:
        with database.opened() as connection:
            one = decisions.get(connection, decision_id)
            draft = decisions.Draft("undo", one.submission_id, form.get("reason", "").strip(), undoes=decision_id)
            added = decisions.decide(connection, draft, person.name)
    except decisions.Refused as problem:
        return _page(request, decision_id, errors={"": str(problem)}, status=409)
    airflow_runs.start_after(added, person.name)
    return pages.go(request, f"/decisions/{added}", done="decided")

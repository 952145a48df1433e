"""Decisions: the list, one of them with what became of it, and the second person's verdict."""

from fastapi import APIRouter, Request

from ..stewardship import decisions
from ..stewardship import preview as previews
from . import airflow_runs, database, decision_form, formatting, pages, security, submission

router = APIRouter()
EFFECTS = {
    "none": "It changes no figure.",
    "proposed": "It has no effect until a second person has approved it.",
    "queued": "Queued: Airflow starts it within 15 minutes at the latest.",
    "collecting": "Running: Airflow is checking the return again.",
    "measuring": "Running: the figures are being measured anew.",
    "published": "Published as release {}.",
}


def listed(connection, wanted: dict, number: int) -> tuple[list[dict], pages.Paging]:
    """One page of decisions, newest first, and where it stands."""
    where, parameters = database.conditions(
        {
            "d.state = %(state)s": wanted["state"],
            "d.kind = %(kind)s": wanted["kind"],
            "d.collection = %(collection)s": wanted["collection"],
            "d.period = %(period)s": wanted["period"],
            "d.author = %(author)s": wanted["author"],
        }
    )
    total = connection.execute(f"SELECT count(*) FROM intake.decisions d {where}", parameters).fetchone()[0]
    paging = pages.Paging(number, total)
    found = database.rows(
        connection,
        f"""SELECT d.decision_id, d.kind, d.author, d.decided_at, d.submission_id, d.collection, d.period, d.sender, d.version,
                   d.rule_id, d.column_name, jsonb_array_length(d.cells) AS cells, d.assignee, d.until, d.undoes, d.reason,
                   d.state, d.verdict_by, p.provider_name, s.is_sample
            FROM intake.decisions d JOIN intake.submissions s USING (submission_id)
            LEFT JOIN published.providers p ON p.provider_code = d.sender
            {where} ORDER BY d.decision_id DESC LIMIT %(size)s OFFSET %(offset)s""",
        {**parameters, "size": paging.size, "offset": paging.offset},
    )
    return found, paging


def effect(decision: dict) -> dict:
    """What has become of a decision, in words: {"state", "words", "release_id", "done"}; done: it will not change by itself."""
    with database.opened() as connection:
        found = decisions.effect(connection, decision["decision_id"])
    state = found["state"]
    since = decision["verdict_at"] or decision["decided_at"]
    if state in ("queued", "measuring") and decision["period"]:
        under_way = [
            run
            for run in airflow_runs.of(decision["collection"], decision["period"], since)
            if run["state"] in ("queued", "running")
        ]
        if state == "queued" and any(
            run["dag_id"].startswith("collect_") and run["state"] == "running" for run in under_way
        ):
            state = "collecting"
    said = EFFECTS[state].format(found["release_id"])
    if state == "published" and decision["expected_release"]:
        said += (
            " It is the release that the preview said."
            if decision["expected_release"] == found["release_id"]
            else f" The preview said {decision['expected_release']}; something else has changed since then."
        )
    return {
        "state": state,
        "words": said,
        "release_id": found["release_id"],
        "done": state in ("none", "proposed", "published"),
    }


@router.get("/decisions")
def decisions_list(
    request: Request, person: security.Anybody, state: str = "", kind: str = "", collection: str = "", period: str = "",
    author: str = "", page: int = 1,
):  # fmt: skip
    """Every decision, with where it stands."""
    wanted = {"state": state, "kind": kind, "collection": collection, "period": period, "author": author}
    with database.opened() as connection:
        found, paging = listed(connection, wanted, page)
        authors = [
            (name, name)
            for (name,) in connection.execute("SELECT DISTINCT author FROM intake.decisions ORDER BY 1").fetchall()
        ]
        collections = connection.execute("SELECT DISTINCT collection FROM intake.submissions ORDER BY 1").fetchall()
        return pages.page(
            request, "decisions.html", section="decisions", decisions=found, paging=paging, wanted=wanted, authors=authors,
            collections=[(name, formatting.title(name)) for (name,) in collections], is_sample=any(row["is_sample"] for row in found),
        )  # fmt: skip


@router.get("/decisions/{decision_id}")
def decision(request: Request, person: security.Anybody, decision_id: int, preview: str = "", page: int = 1):
    """One decision: who, when, on what, why, what was seen, and what became of it."""
    return _page(request, decision_id, preview=bool(preview), page=page)


def _page(request: Request, decision_id: int, preview: bool = False, page: int = 1, errors=(), status: int = 200):
    problem, found = [], None
    with database.opened() as connection:
        one = decisions.get(connection, decision_id)
        about = submission.get(connection, one["submission_id"])
        undone = decisions.get(connection, one["undoes"]) if one["undoes"] else None
        paging = pages.Paging(page, len(one["cells"]))
        if preview:
            try:
                found = previews.preview(decision_id)
            except decisions.Refused as refused:
                problem = [str(refused)]
        names = database.names(
            connection, [row["provider_code"] for row in (*found.measures, *found.other_changes)] if found else []
        )
        undoing = [number for (number,) in connection.execute(
            "SELECT decision_id FROM intake.decisions WHERE undoes = %s AND state = 'proposed'", [decision_id]
        )]  # fmt: skip
    return pages.page(
        request, "decision.html", status, section="decisions", decision=one, one=about, paging=paging, undoing=undoing,
        cells=one["cells"][paging.offset : paging.offset + paging.size], found=found, names=names, effect=effect(one),
        rule_says=formatting.rules_of(one["collection"]).get(one["rule_id"] or "", ""), undone=undone,
        mine=one["author"].strip().lower() == request.state.person.name.strip().lower(),
        errors=[*errors, *problem], is_sample=about["is_sample"],
    )  # fmt: skip


@router.get("/decisions/{decision_id}/effect")
def decision_effect(person: security.Anybody, decision_id: int) -> dict:
    """What has become of a decision, for a page that waits for it."""
    with database.opened() as connection:
        one = decisions.get(connection, decision_id)
    return effect(one)


@router.post("/decisions/{decision_id}/verdict")
def verdict(request: Request, person: security.Approver, form: security.Form, decision_id: int):
    """The second person approves or refuses."""
    approve = form.get("verdict") == "approve"
    if form.get("verdict") not in ("approve", "refuse"):
        return _page(request, decision_id, errors=["Choose whether to approve or to refuse."], status=400)
    with database.opened() as connection:
        decisions.get(connection, decision_id)
        try:
            decisions.verdict(connection, decision_id, person.name, approve, form.get("words", "").strip())
            refused = ""
        except decisions.Refused as problem:
            refused = str(problem)
    if refused:
        return _page(request, decision_id, errors=[refused], status=409)
    decision_form.tell_airflow(decision_id, person.name)
    return pages.go(request, f"/decisions/{decision_id}", done="approved" if approve else "refused")


@router.post("/decisions/{decision_id}/undo")
def undo(request: Request, person: security.Steward, form: security.Form, decision_id: int):
    """Undoes a decision at once, with a reason; the form of /decide shows first what that would do."""
    with database.opened() as connection:
        one = decisions.get(connection, decision_id)
        draft = decisions.Draft("undo", one["submission_id"], form.get("reason", "").strip(), undoes=decision_id)
        try:
            done, refused = decisions.decide(connection, draft, person.name), ""
        except decisions.Refused as problem:
            refused = str(problem)
    if refused:
        return _page(request, decision_id, errors=[refused], status=409)
    decision_form.tell_airflow(done, person.name)
    return pages.go(request, f"/decisions/{done}", done="decided")

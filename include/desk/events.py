"""Events that people add to the timeline: the form, rows that are pasted, one event, and withdrawing it."""

import re
from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from .. import catalogue
from ..pages import readable
from ..timeline import events
from ..timeline.event_checks import FIELDS, KINDS
from . import database, formatting, pages, security
from .database import Connection, Row
from .timeline import STATUSES
from .timeline_data import dated

router = APIRouter()
PASTED = "rows pasted on the desk"


def _cells(fields: dict[str, str]) -> dict[str, str]:
    """A form's texts by field."""
    return {name: fields.get(name, "").strip() for name in FIELDS}


def _form(
    request: Request,
    connection: Connection,
    fields: dict[str, str],
    errors: Sequence[str] = (),
    field: str = "f-date",
    status: int = 200,
) -> Response:
    """The form, filled with what is known."""
    providers = database.rows(connection, "providers")
    named = [(p["provider_code"], f"{p['provider_name']} ({p['provider_code']})", p["in_cohort"]) for p in providers]
    plans = database.rows(connection, "open_plans")
    recommendations = database.rows(connection, "recommendations")
    return pages.page(
        request, "event_form.html", status, section="timeline", fields=_cells(fields) | {"back": fields.get("back", "")},
        errors=list(errors), field=field, FIELDS=FIELDS, providers=named, STATUSES=STATUSES,
        kinds=[(kind, f"{formatting.plain(kind)}: {says}") for kind, says in KINDS.items()],
        recommendations=[(str(r["number"]), f"{r['number']} {r['area']}") for r in recommendations],
        collections=[(name, readable.title(name)) for name in catalogue.all()],
        plans=[
            (p["plan_id"], f"{p['plan_id']}: {formatting.plain(p['kind'])}{' of ' + p['provider_code'] if p['provider_code'] else ''}, {readable.day(p['planned_from'])}")
            for p in plans
        ],
    )  # fmt: skip


@router.get("/timeline/add")
def event_form(request: Request, person: security.Steward) -> Response:
    """The blank form; what an address names is filled in."""
    fields = {name: request.query_params.get(name, "") for name in FIELDS}
    fields["date_precision"] = fields["date_precision"] or "day"
    fields["status"] = fields["status"] or "actual"
    with database.opened() as connection:
        return _form(request, connection, fields)


@router.post("/timeline/add")
def add(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Adds the event, or says everything that is wrong with the form."""
    checked = events.check_one(_cells(form))
    with database.opened() as connection:
        if checked.findings.height:
            found = checked.findings.select("column_name", "message").rows()
            return _form(request, connection, form, [message for _, message in found], f"f-{found[0][0]}", 400)
        try:
            done = events.add(connection, checked, person.name)
        except events.Refused as problem:
            connection.rollback()
            return _form(request, connection, form, [str(problem)], status=409)
    if not done.ids:
        with database.opened() as connection:
            return _form(request, connection, form, ["The same event is on the timeline already."], status=409)
    return pages.go(request, f"/timeline/entered/{done.ids[0]}", done="added")


@router.get("/timeline/paste")
def paste_form(request: Request, person: security.Steward) -> Response:
    """The blank form for many events at once, with what each column wants."""
    return _pasted(request, "")


@router.post("/timeline/paste")
def paste(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Adds every row that was pasted, or none and says what is wrong in which of them."""
    text = form.get("rows", "")
    headings = text.lstrip().partition("\n")[0]
    checked = events.read(
        text.encode(), PASTED, "\t" if "\t" in headings else ","
    )  # a spreadsheet puts tabs between cells
    if checked.findings.height:
        return _pasted(request, text, checked.findings.to_dicts(), status=400)
    with database.opened() as connection:
        try:
            done = events.add(connection, checked, person.name, PASTED)
        except events.Refused as problem:
            connection.rollback()
            return _pasted(
                request,
                text,
                [{"line": None, "column_name": None, "raw_value": None, "message": str(problem)}],
                status=409,
            )
    return pages.go(request, "/timeline/paste", added=str(len(done.ids)), already=str(done.already))


def _pasted(request: Request, text: str, found: Sequence[Row] = (), status: int = 200) -> Response:
    shown = list(found)[: pages.PAGE]
    errors = [f"{readable.counted(len(found), 'error')}, listed below. Nothing was added."] if found else []
    counts = [request.query_params.get(name, "") for name in ("added", "already")]
    done = [int(count) for count in counts] if all(re.fullmatch(r"[0-9]{1,4}", count) for count in counts) else None
    return pages.page(
        request, "events_paste.html", status, section="timeline", text=text, found=shown, more=len(found) - len(shown),
        added=done, errors=errors, field="f-rows", headings=", ".join(FIELDS), FIELDS=FIELDS.values(),
    )  # fmt: skip


def _one(connection: Connection, event_id: str) -> Row:
    found = database.rows(connection, "event", event_id=event_id.replace("\x00", ""))
    if not found:
        raise LookupError("There is no such event. The timeline lists the events that people entered.")
    return found[0]


def _page(request: Request, event_id: str, errors: Sequence[str] = (), status: int = 200) -> Response:
    with database.opened() as connection:
        one = _one(connection, event_id)
    return pages.page(
        request, "event.html", status, section="timeline", event=one, errors=list(errors), field="f-reason",
        dated=dated, STATUSES=STATUSES,
    )  # fmt: skip


@router.get("/timeline/entered/{event_id}")
def event(request: Request, person: security.Anybody, event_id: str) -> Response:
    """One event that somebody entered: what, who, when, and whether it was withdrawn."""
    return _page(request, event_id)


@router.post("/timeline/entered/{event_id}/withdraw")
def withdraw(request: Request, person: security.Steward, form: security.Form, event_id: str) -> Response:
    """Withdraws an event, with a reason."""
    with database.opened() as connection:
        _one(connection, event_id)
        try:
            events.withdraw(connection, event_id, person.name, form.get("reason", "").strip())
            refused = ""
        except events.Refused as problem:
            refused = str(problem)
    if refused:
        return _page(request, event_id, [refused], 409)
    return pages.go(request, f"/timeline/entered/{event_id}", done="withdrawn")

"""The queue: open tasks, nearest deadline first; and the same fault in several returns, to be decided together."""

import csv
import io
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ..pages import entered, readable
from ..reading.harmless import csv_safe
from . import database, downloads, pages, security
from .database import Connection, Row

router = APIRouter()


def tasks(connection: Connection, wanted: dict[str, str], me: str, number: int) -> tuple[list[Row], pages.Paging, Row]:
    """One page of tasks, its place in the list, and totals: tasks_in_all, findings_in_all, overdue_in_all, any_sample.

    Args:
        connection: of the desk's role.
        wanted: collection, period, provider (a code or part of a name), severity, responsible, turn, rule, and assignee ('me',
            'nobody' or a name); '' for all.
        me: the name of the person who asks.
        number: of the page, from 1; beyond the last page, the last page is returned.
    """
    number = max(1, number)
    page = {"size": pages.PAGE, "offset": (number - 1) * pages.PAGE}
    found = database.rows(connection, "tasks", **wanted, **page, me=me)
    total = {name: found[0][name] for name in ("tasks_in_all", "findings_in_all", "overdue_in_all", "any_sample")}
    paging = pages.Paging(number, total["tasks_in_all"])
    if paging.number != number:
        return tasks(connection, wanted, me, paging.number)
    return [row for row in found if row["task_id"]], paging, total


def choices(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """The options of the filters."""
    found = database.rows(connection, "submitted_periods")
    periods = sorted({row["period"] for row in found if row["period"]}, reverse=True)
    return {
        "collections": [(name, readable.title(name)) for name in sorted({row["collection"] for row in found})],
        "periods": [(name, name) for name in periods],
        "people": [(name, name) for name in database.values(connection, "assignees")],
    }


FILTERS = ("collection", "period", "provider", "severity", "responsible", "assignee", "turn", "rule")
NO_NAME = "Give these filters a name."
LONGEST_NAME = 60

CSV = (
    "collection", "period", "sender", "provider_name", "part", "version", "rule_id", "column_name", "severity", "responsible", "findings",
    "first_line", "example", "turn", "is_overdue", "proposal", "assignee", "due", "closes", "received_at", "is_sample", "submission_id",
)  # fmt: skip


@router.get("/queue.csv")
def queue_csv(request: Request, person: security.Anybody) -> Response:
    """All tasks that fit the filters of the queue, as a table that a spreadsheet opens without running anything."""
    wanted = {name: request.query_params.get(name, "us" if name == "turn" else "").strip() for name in FILTERS}
    with database.opened() as connection:
        found = database.rows(connection, "tasks", **wanted, me=person.name, size=100_000, offset=0)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV)
    for row in found:
        if row["task_id"]:
            writer.writerow([csv_safe(row[name]) if isinstance(row[name], str) else row[name] for name in CSV])
    name = "SAMPLE_queue.csv" if found[0]["any_sample"] else "queue.csv"
    content = "\N{BYTE ORDER MARK}" + out.getvalue()
    return Response(content.encode(), media_type="text/csv; charset=utf-8", headers=downloads.attachment(name))


@router.post("/queue/save")
def save(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Gives the filters of a queue a name, under which the person finds them again."""
    wanted = {name: form.get(name, "").strip()[:100] for name in FILTERS}
    name = " ".join(form.get("name", "").split())
    wrong = entered.words(name, NO_NAME, LONGEST_NAME)
    if not wrong:
        with database.opened() as connection:
            address = urlencode({key: value for key, value in wanted.items() if value or key == "turn"})
            if not database.values(connection, "save_filter", person=person.name, name=name, address=address):
                wrong = "You have 50 saved filters. Remove one first."
    if wrong:
        return _page(request, person, wanted, 1, 409, {"name": wrong}, name)
    return pages.go(request, "/queue", **wanted, done="filter_saved")


@router.post("/queue/forget")
def forget(request: Request, person: security.Steward, form: security.Form) -> Response:
    """Removes a saved filter."""
    with database.opened() as connection:
        if not database.values(connection, "forget_filter", person=person.name, name=form.get("name", "")):
            raise LookupError("You have no saved filters of this name. They may have been removed already.")
    return pages.go(request, "/queue", done="filter_removed")


@router.get("/queue")
def queue(
    request: Request,
    person: security.Anybody,
    collection: str = "",
    period: str = "",
    provider: str = "",
    severity: str = "",
    responsible: str = "",
    assignee: str = "",
    turn: str = "us",
    rule: str = "",
    page: int = 1,
) -> Response:
    """Tasks: findings grouped by rule, column and submission."""
    wanted = {
        "collection": collection,
        "period": period,
        "provider": provider.strip(),
        "severity": severity,
        "responsible": responsible,
        "assignee": assignee,
        "turn": turn,
        "rule": rule,
    }
    return _page(request, person, wanted, page)


def _page(
    request: Request,
    person: security.Person,
    wanted: dict[str, str],
    page: int,
    status: int = 200,
    errors: dict[str, str] | None = None,
    name: str = "",
) -> Response:
    turn = wanted["turn"]
    with database.opened() as connection:
        saved = database.rows(connection, "saved_filters", person=person.name)
        found, paging, total = tasks(connection, wanted, person.name, page)
        offered = choices(connection)
        (answers,) = database.values(connection, "replies_waiting")
        faults = database.rows(connection, "faults", **wanted, me=person.name) if turn in ("", "us") else []
    return pages.page(
        request, "queue.html", status, section="queue", errors=errors or {}, saved=saved, entered_name=name, tasks=found, paging=paging, total=total, wanted=wanted, answers=answers,
        filtered=any(wanted[name] for name in wanted if name != "turn") or turn != "us", faults=faults, choices=offered, is_sample=total["any_sample"],
    )  # fmt: skip

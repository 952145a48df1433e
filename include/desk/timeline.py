"""The page of the engagement timeline and its charts: plans and events, what is due next, and the recommendations."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from ..pages import readable
from ..reference.calendar import LONDON
from . import database, figure_text, figures, pages, security, svg, timeline_charts, timeline_data
from .database import Row
from .timeline_data import KEPT, dated

router = APIRouter()

LAYERS = {
    "programme": "The programme",
    "trust": "Trusts",
    "entered": "Entered by people",
    "derived": "Returns and figures",
}
STATUSES = {"actual": "happened", "planned": "planned", "deadline": "deadline", "inferred": "happened, date inferred"}


def query(provider: str = "", collection: str = "", kind: str = "", year: str = "", page: str = "1") -> Row:
    """The query of an address, as it came."""
    return {"provider": provider, "collection": collection, "kind": kind, "year": year, "page": page}


Asked = Annotated[Row, Depends(query)]


@router.get("/timeline")
def timeline(request: Request, person: security.Anybody, asked: Asked) -> Response:
    """The whole page."""
    today = datetime.now(LONDON).date()
    with database.opened() as connection:
        choices = timeline_data.offered(connection, asked)
        engagement = timeline_data.together(timeline_data.events(connection, asked, KEPT))
        total = sum(row["events"] for row in timeline_data.counts(connection, asked))
        number = int(asked["page"]) if re.fullmatch(r"[0-9]{1,6}", asked["page"], re.ASCII) else 1
        paging = pages.Paging(number, total)
        derived = timeline_data.events(connection, asked, ("derived",), paging.size, paging.offset)
        done = timeline_data.returns(connection, asked)
        where = {"provider": asked["provider"], "codes": asked["codes"]}
        found: Row = {
            "plans": timeline_data.plans(connection, asked),
            "next": timeline_data.due_next(connection, today, asked),
            "recommendations": timeline_data.tracker(connection),
            "contradictions": timeline_data.contradictions(connection),
            "facts": timeline_data.facts(connection, asked),
            "entered": database.rows(connection, "entered_events", **where),
            "became": database.rows(connection, "successors", provider=asked["provider"]),
        }
        (is_sample,) = database.values(connection, "any_sample")
    chosen_name = next((name for some in choices["providers"] for code, name in some if code == asked["provider"]), "")
    return pages.page(
        request, "timeline.html", section="timeline", asked=asked, choices=choices, engagement=engagement, derived=derived,
        paging=paging, returns=done, today=today, found=found,
        address={name: asked[name] for name in ("provider", "collection", "kind", "year")}, chosen_name=chosen_name, dated=dated,
        LAYERS=LAYERS, STATUSES=STATUSES, text=figure_text, style=figures.style(), is_sample=is_sample,
        alt={"engagement": engagement_message(engagement, found["plans"]), "returns": returns_message(done, total)},
    )  # fmt: skip


def engagement_message(found: list[Row], planned: list[Row]) -> str:
    """The alternative text of the chart of events."""
    if not found:
        return "No event of the programme or of a trust fits these choices."
    text = f"{readable.counted(len(found), 'event')} from {dated(found[0])} to {dated(found[-1])}, numbered as in the table."
    for one in planned:
        if one["slippage_days"] is not None and any(e["event_id"] == one["plan_id"] for e in found):
            text += f" Planned for {dated(one['planned'])}, done {dated(one['actual'])}: {_late(one['slippage_days'])}."
    return text


def _late(days: int) -> str:
    return "on the day" if days == 0 else f"{readable.counted(abs(days), 'day')} {'later' if days > 0 else 'earlier'}"


def returns_message(done: list[Row], total: int) -> str:
    """The alternative text of the chart of returns."""
    if not total:
        return "No event of a return fits these choices."
    sums = {name: sum(row[name] for row in done) for name in ("dues", "receipts", "late", "missing")}
    return (
        f"{total:,} events. {sums['dues']:,} returns with a deadline, {sums['receipts']:,} received, {sums['late']:,} of them late, "
        f"{sums['missing']:,} not received."
    )


@router.get("/timeline/engagement.svg")
def engagement_chart(person: security.Anybody, asked: Asked, width: int = svg.WIDE) -> Response:
    """The events of the programme and of trusts as a chart."""
    with database.opened() as connection:
        timeline_data.offered(connection, asked)
        found = timeline_data.together(timeline_data.events(connection, asked, KEPT))
    reaching = [event | {"reach": timeline_data.reach(event)} for event in found]
    return svg.response(timeline_charts.engagement(asked, reaching, timeline_data.outcomes(found), width))


@router.get("/timeline/returns.svg")
def returns_chart(person: security.Anybody, asked: Asked, width: int = svg.WIDE) -> Response:
    """The returns as a chart: how many were due, received, held, late, missing, accepted and published in each month."""
    with database.opened() as connection:
        timeline_data.offered(connection, asked)
        found = timeline_data.counts(connection, asked)
    return svg.response(timeline_charts.returns(asked, found, width))

"""The page of figures and its charts: one metric of one period, its spread, its series, and what reaching a benchmark is worth."""

import hashlib
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from . import database, figure_charts, figure_text, pages, security, svg
from .database import Connection, Row
from .figure_data import Query, chosen, comparisons, opportunity_totals, series, spread

router = APIRouter()


def query(collection: str = "", period: str = "", metric: str = "", provider: str = "", peers: str = "") -> Query:
    """The query of an address, as it came."""
    return Query(collection, period, metric, provider, peers)


Asked = Annotated[Query, Depends(query)]


@router.get("/figures")
def figures(request: Request, person: security.Anybody, wanted: Asked) -> Response:
    """The page of one metric and period."""
    with database.opened() as connection:
        asked = chosen(connection, wanted)
        if asked["about"] is None:
            return pages.page(request, "figures.html", section="figures", asked=asked, style=style())
        found, line = spread(connection, asked), series(connection, asked)
        rows = comparisons(connection, asked) if asked["provider"] else []
        totals = opportunity_totals(connection, asked) if asked["provider"] else []
    # The release is part of the address of a chart, so that no browser shows a cached chart of another release.
    address = {name: asked[name] for name in Query._fields}
    address["release"] = found["status"]["release_id"] if found["status"] else ""
    named = [
        (row["provider_code"], f"{row['provider_name'] or row['provider_code']} ({row['provider_code']})")
        for row in asked["measures"]
    ]
    return pages.page(
        request,
        "figures.html",
        section="figures",
        asked=asked,
        metrics=[(one, f"{one} {about['name'] if about else ''}") for one, about in asked["metrics"]],
        found=found,
        line=line,
        worth={"rows": rows, "totals": totals},
        address=address,
        providers=[[pair for pair in named if (pair[0] in asked["cohort"]) is is_in] for is_in in (True, False)],
        periods=[(period, period) for period in asked["collections"][asked["collection"]]],
        alt={
            "spread": figure_text.spread_message(asked, found),
            "series": figure_text.series_message(asked, line) if line["points"] else "",
            "opportunity": figure_text.opportunity_message(asked, found, rows),
        },
        metric=asked["about"],
        text=figure_text,
        style=style(),
        is_sample=found["is_sample"] or line["is_sample"],
    )


def _of_a_trust(connection: Connection, wanted: Query) -> Row:
    asked = chosen(connection, wanted)
    if asked["about"] is None or not asked["provider"]:
        raise LookupError("This chart shows one trust: select a trust on the page of figures.")
    return asked


@router.get("/figures/spread.svg")
def spread_chart(person: security.Anybody, wanted: Asked, width: int = svg.WIDE) -> Response:
    """The spread as a chart."""
    with database.opened() as connection:
        asked = chosen(connection, wanted)
        if asked["about"] is None:
            raise LookupError("No figures have been published yet.")
        found = spread(connection, asked)
    return svg.response(figure_charts.spread(asked, found, width))


@router.get("/figures/series.svg")
def series_chart(person: security.Anybody, wanted: Asked, width: int = svg.WIDE) -> Response:
    """The series as a chart."""
    with database.opened() as connection:
        asked = _of_a_trust(connection, wanted)
        found = series(connection, asked)
    return svg.response(figure_charts.series(asked, found, width))


@router.get("/figures/opportunity.svg")
def opportunity_chart(person: security.Anybody, wanted: Asked, width: int = svg.WIDE) -> Response:
    """What reaching each benchmark is worth, as a chart."""
    with database.opened() as connection:
        asked = _of_a_trust(connection, wanted)
        found = spread(connection, asked)
        rows = comparisons(connection, asked)
    named = [row | {"words": figure_text.BENCHMARKS.get(row["benchmark_kind"], row["benchmark_kind"])} for row in rows]
    about = {name: found[name] for name in ("own", "thin", "is_sample")}
    return svg.response(figure_charts.opportunity(asked, about | {"rows": named}, width))


@cache
def _sheet() -> bytes:
    return (pages.FOLDER / "static" / "figures.css").read_bytes()


def style() -> str:
    """The version of the style sheet below, for its address."""
    return hashlib.sha256(_sheet()).hexdigest()[:12]


@router.get("/figures.css")
def sheet(person: security.Anybody) -> Response:
    """The styles of charts and their tables."""
    return Response(_sheet(), media_type="text/css", headers={"Cache-Control": "private, max-age=86400"})

"""The front page: what is published, for people with a browser and no key; and the feed of editions.

Every page is made of answers of the API's own tables, as the public sees them, and all of a page are of one edition.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI, Request, Response

from ..pages import readable, requests, templates
from . import answer, question, tagged
from .problems import Problem, shown
from .readers import Gate
from .tables import Table

FOLDER = Path(__file__).parent
FEED_DAYS, FEED_ENTRIES = 400, 50  # how far the feed goes back, and how many editions it has at most
HTML, ATOM = "text/html; charset=utf-8", "application/atom+xml; charset=utf-8"
HEADERS = requests.HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
DIRECTIONS = {
    "higher_better": "Higher is better.",
    "lower_better": "Lower is better.",
    "target_100": "Close to 100 is best.",
    "neutral": "Neither higher nor lower is better.",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Asking:
    """A page that is being made: rows of tables at one moment.

    Attributes:
        tables: by name, as the public sees them.
        samples: whether rows that rest on sample returns are shown.
    """

    connection: psycopg.Connection[Any]
    tables: Mapping[str, Table]
    samples: bool

    def rows(self, table: str, **asked: str | list[str]) -> list[Row]:
        """The rows that the API answers this question with, at most as many as it gives at once; a list asks for any of its values."""
        given = [
            (name, one) for name, value in asked.items() for one in (value if isinstance(value, list) else [value])
        ]
        read = question.read(self.tables[table], [("limit", str(question.MOST)), *given])
        found = answer.find_at(self.connection, read, self.samples)
        return [dict(zip(read.fields, row, strict=True)) for row in found.rows]


Page = Callable[[Asking, Request], tuple[str, Row]]


def add(app: FastAPI, tables: Mapping[str, Table], gate: Gate) -> None:
    """Adds the pages, the feed and the style sheet to the API's application."""
    public = {name: table.without_words() for name, table in tables.items()}
    for path, page, media_type in (
        ("/", _overview, HTML),
        ("/metrics/{metric}", _metric, HTML),
        ("/trusts/{trust}", _trust, HTML),
        ("/feed.atom", _feed, ATOM),
    ):
        endpoint = _endpoint(public, gate, page, media_type)
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], include_in_schema=False, response_class=Response)

    def css() -> Response:
        return Response(_css()[0], media_type="text/css", headers={"Cache-Control": "public, max-age=86400"})

    app.add_api_route("/front.css", css, methods=["GET", "HEAD"], include_in_schema=False)


def _endpoint(public: Mapping[str, Table], gate: Gate, page: Page, media_type: str) -> Callable[[Request], Response]:
    def shown_page(request: Request) -> Response:
        try:
            gate.reader(request)
            with answer.slot(), answer.reading() as connection:
                holds = answer.edition(connection)
                template, about = page(Asking(connection, public, gate.readers.public.samples), request)
            body = _environment().get_template(template).render(edition=holds, **about)
        except Problem as problem:
            return refused(problem)
        return tagged.tagged(request, holds.name, body.encode(), media_type, dict(HEADERS))

    return shown_page


def refused(problem: Problem) -> Response:
    """The page that says what was not found, or why there is none at the moment."""
    words = _environment().get_template("problem.html").render(problem=problem)
    return Response(words, problem.status, HEADERS | problem.headers, HTML)


@cache
def _environment() -> Any:
    made = templates.environment(FOLDER / "templates")
    made.filters |= {"period": readable.period, "number": readable.number, "plain": _plain, "moment": _moment}
    made.globals |= {
        "css": _css()[1],
        "with_unit": readable.with_unit,
        "quartile": readable.quartile,
        "compared": readable.compared,
        "incomplete": readable.incomplete,
        "DIRECTIONS": DIRECTIONS,
    }
    return made


def _plain(name: str) -> str:
    """A code as words: 'sector:mental_health' as 'sector: mental health'."""
    return name.replace("_", " ").replace(":", ": ")


def _moment(moment: datetime | None) -> str:
    """A moment as Atom has it; before the first edition, the beginning of the calendar of computers."""
    return (moment or datetime.fromtimestamp(0, UTC)).isoformat(timespec="seconds")


@cache
def _css() -> tuple[bytes, str]:
    """The style sheet, and its version in links, so that browsers may keep it."""
    content = (FOLDER / "static" / "front.css").read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


# Pages ----------------------------------------------------------------------------------------------------------------


def _overview(ask: Asking, request: Request) -> tuple[str, Row]:
    """Metrics by lens, trusts, and what can be downloaded."""
    latest = ask.rows("latest", fields="metric_id,provider_code,provider_name,sector,period,period_end,is_sample")
    measured = {row["metric_id"] for row in latest}
    metrics = ask.rows("metrics", fields="metric_id,name,unit,lens,compartment,not_fed_because")
    metrics.sort(key=lambda row: (row["lens"] or "", row["compartment"] or "", row["metric_id"]))
    by_lens = groupby((one for one in metrics if one["metric_id"] in measured), key=lambda row: row["lens"] or "other")
    names = {row["provider_code"]: row["provider_name"] or row["provider_code"] for row in latest}
    return "overview.html", {
        "lenses": {lens: list(rows) for lens, rows in by_lens},
        "not_measured": [one for one in metrics if one["metric_id"] not in measured],
        "trusts": sorted(names.items(), key=lambda pair: pair[1]),
        "newest": _newest(latest),
        "tables": [table for table in ask.tables.values() if not table.view.commercial],
        "is_sample": any(row["is_sample"] for row in latest),
    }


def _metric(ask: Asking, request: Request) -> tuple[str, Row]:
    """What a metric means, and every trust's value of one period."""
    metric = request.path_params["metric"]
    defined = ask.rows("metrics", metric_id=metric)
    if not defined:
        raise _nothing("metric", metric, "WF04")
    latest = ask.rows("latest", metric_id=metric, fields="period,period_end,provider_code,metric_id")
    newest = _newest(latest)
    period = request.query_params.get("period") or newest
    rows = ask.rows("figures", metric_id=metric, period=period) if period else []
    valued = [row for row in rows if row["value"] is not None]
    valued.sort(key=lambda row: (-row["value"], row["provider_name"] or ""))
    highest = max((abs(row["value"]) for row in valued), default=0)
    without: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        if row["value"] is None:
            name = (row["provider_code"], row["provider_name"] or row["provider_code"])
            without.setdefault(row["reason"] or "", []).append(name)
    spreads = ask.rows("benchmarks", metric_id=metric, period=period) if period else []
    return "metric.html", {
        "metric": defined[0],
        "asked": metric,
        "period": period,
        "rows": [row | {"share": 100 * abs(row["value"]) / highest if highest else 0} for row in valued],
        "without": without,
        "spreads": [one for one in spreads if one["median"] is not None],
        "is_sample": any(row["is_sample"] for row in rows),
    }


def _trust(ask: Asking, request: Request) -> tuple[str, Row]:
    """The newest figure of each metric of one trust, beside its peers'."""
    trust = request.path_params["trust"]
    known = ask.rows("providers", provider_code=trust)
    if not known:
        raise _nothing("trust", trust, "RY8")
    rows = ask.rows("latest", provider_code=trust)
    rows.sort(key=lambda row: (row["collection"], row["metric_id"]))
    return "trust.html", {
        "trust": known[0],
        "collections": {name: list(own) for name, own in groupby(rows, key=lambda row: row["collection"])},
        "best": sum(row["quartile"] == 4 for row in rows),
        "worst": sum(row["quartile"] == 1 for row in rows),
        "ranked": sum(row["quartile"] is not None for row in rows),
        "is_sample": any(row["is_sample"] for row in rows),
    }


def _feed(ask: Asking, request: Request) -> tuple[str, Row]:
    """The newest editions, each with the collections and periods that changed in it."""
    since = (datetime.now(UTC) - timedelta(days=FEED_DAYS)).date().isoformat()
    editions = ask.rows("editions", since=since)[-FEED_ENTRIES:][::-1]
    moved: dict[datetime, list[Row]] = {}
    if moments := [one["switched_at"].isoformat() for one in editions]:
        for row in ask.rows("release_history", published_at=moments):
            moved.setdefault(row["published_at"], []).append(row)
    return "feed.xml", {"entries": [one | {"moved": moved.get(one["switched_at"], [])} for one in editions]}


def _newest(rows: list[Row]) -> str:
    """The newest period of figures; empty where there are none."""
    return str(max(rows, key=lambda row: row["period_end"])["period"]) if rows else ""


def _nothing(what: str, asked: str, example: str) -> Problem:
    return Problem(
        404,
        f"no_such_{what}",
        f"There is no {what} {shown(asked)}.",
        f"Expected the code of a {what}, such as {example}.",
        "Choose one on the front page.",
    )

"""A trust's own published figures beside its peers'."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from ..pages import readable
from ..reference import good_practice
from ..reports import board
from . import database, pages, security
from .database import Row

router = APIRouter()


@router.get("/figures")
def figures(request: Request, contact: security.Known) -> Response:
    """The newest figure of each metric, with its group's median, its quarter, what it is worth, and what it rests on."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in database.rows("figures", contact.session):
        groups.setdefault((row["provider_code"], row["collection"]), []).append(row | words(row))
    about: dict[str, Any] = {
        "groups": groups,
        "previews": database.rows("open_previews", contact.session),
        "halves": board.halves(),
        "trusts": {row["code"]: row["name"] for row in database.rows("trusts", contact.session)},
        "is_sample": any(row["is_sample"] for rows in groups.values() for row in rows),
    }
    return pages.page(request, "figures.html", section="figures", **about)


@router.get("/figures/{provider}/{metric}")
def series(request: Request, contact: security.Known, provider: str, metric: str) -> Response:
    """One metric over time."""
    named = [
        row
        for row in database.rows("figures", contact.session)
        if (row["provider_code"], row["metric_id"]) == (provider, metric)
    ]
    if not named:
        raise HTTPException(404, "There is no such figure of your trust.")
    rows = [
        row | {"value_words": _value(row), "median_words": readable.with_unit(row["median"], row["unit"])}
        for row in database.rows("series", contact.session, provider, metric)
    ]
    about: dict[str, Any] = {
        "one": named[0] | words(named[0]),
        "rows": rows,
        "notes": good_practice.of(metric),
        "quartile": readable.quartile,
    }
    return pages.page(request, "series.html", section="figures", **about)


def _value(row: Row) -> str:
    """The value in words; a value that is withheld is none."""
    return readable.with_unit(row["value"], row["unit"]) if row["value"] is not None else "not shown"


def _compared(row: Row) -> str:
    """Whether a figure differs from the median by more than chance, and which ranks chance leaves possible; '' where it has no interval."""
    words = readable.compared(row)
    return f"{words[0].upper()}{words[1:]}. {readable.rank_range(row)}".strip() if words else ""


def words(row: Row) -> Row:
    """A figure of room.figures or room.preview_figures in words."""
    return {
        "value_words": _value(row),
        "median_words": readable.with_unit(row["median"], row["unit"]),
        "quartile_words": readable.quartile(row),
        "compared_words": _compared(row),
        "opportunity_words": readable.with_unit(row["opportunity_gbp"], "GBP") if row["opportunity_gbp"] else "",
        "complete_words": readable.incomplete(row["completeness"]),
        "reason_words": row["reason"] or "",
    }

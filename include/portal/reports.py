"""A trust's board reports and what stands beside its figures as good practice."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from ..reports import board, documents
from . import database, pages, returns, security

router = APIRouter()


@router.get("/reports/{provider}/{half}")
def report(request: Request, contact: security.Known, provider: str, half: str) -> Response:
    """The report of half a year as a page."""
    made = _made(contact, provider, half)
    about: dict[str, Any] = {"report": made, "body": documents.body(made), "halves": board.halves()}
    return pages.page(request, "report.html", section="figures", **about)


@router.get("/reports/{provider}/{half}/report.pdf")
def as_pdf(contact: security.Known, provider: str, half: str) -> Response:
    """The same as a PDF."""
    made = _made(contact, provider, half)
    database.ask("note", contact.session, "took a report", documents.name_of(made, "pdf"))
    headers = returns.attachment(documents.name_of(made, "pdf"))
    return Response(documents.pdf(made), media_type="application/pdf", headers=headers)


@router.get("/reports/{provider}/{half}/figures.csv")
def as_table(contact: security.Known, provider: str, half: str) -> Response:
    """Its exact figures."""
    made = _made(contact, provider, half)
    return Response(
        documents.table(made), media_type="text/csv", headers=returns.attachment(documents.name_of(made, "csv"))
    )


def _made(contact: security.Contact, provider: str, half: str) -> board.Report:
    names = {row["code"]: row["name"] for row in database.rows("trusts", contact.session)}
    if provider not in names:
        raise HTTPException(404, "There is no such trust of yours.")
    try:
        about = board.half(half)
    except board.NotAHalf as problem:
        raise HTTPException(404, str(problem)) from None
    asked = (contact.session, provider, about.since, about.until)
    rows = [database.rows(f"report_{name}", *asked) for name in ("figures", "returns", "actions")]
    return board.make(board.Rows(provider, names[provider], *rows), about)

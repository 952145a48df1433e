"""The room as an application: its pages, the check before each of them, and its error pages."""

import hashlib
import re
import time
from functools import cache
from typing import Any

import psycopg
import structlog
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response

from ..pages import requests
from ..stores import settings
from ..stores.refusals import Refused
from . import (
    account,
    answers,
    database,
    figures,
    files,
    mails,
    pages,
    previews,
    provider,
    reports,
    returns,
    security,
    sign_in,
)

LOG = structlog.get_logger()
STATIC = {
    "nhsuk-frontend-10.6.1.min.css": "text/css",
    "room.css": "text/css",
    "nhsuk-frontend-LICENSE.txt": "text/plain",
}
TITLES = {
    404: "Page not found",
    403: "You cannot do this",
    413: "The file is too large",
    429: "Please wait",
    500: "Sorry, there is a problem with the service",
    503: "Sorry, the service is not available",
}


@cache
def _static(name: str) -> tuple[bytes, str]:
    content = (pages.FOLDER / "static" / name).read_bytes()
    if name.endswith(".css"):
        # The design system's font is for NHS websites alone; our policy lets nothing be fetched from elsewhere, and Arial is shown.
        content = re.sub(rb"@font-face\{[^}]*\}", b"", content)
    return content, hashlib.sha256(content).hexdigest()[:12]


def create() -> FastAPI:
    """The application, to be served at the root of an address of its own (TB_ROOM_URL)."""
    provider.check()
    handlers: dict[int | type[Exception], Any] = {
        security.SignInFirst: _sign_in_first,
        HTTPException: _refused,
        404: _refused,
        405: _refused,
        LookupError: _unknown,
        Refused: _not_allowed,
        RequestValidationError: _not_understood,
        psycopg.OperationalError: _no_warehouse,
        settings.Unconfigured: _no_warehouse,
        BotoCoreError: _no_warehouse,
        ClientError: _no_warehouse,
        Exception: _broken,
    }
    app = FastAPI(
        title="Trust room",
        dependencies=[Depends(security.visitor)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=handlers,
    )
    app.add_middleware(requests.Headers, headers=security.HEADERS)
    for module in (sign_in, account, returns, answers, files, figures, previews, reports, mails):
        app.include_router(module.router)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        """Style sheets, and the licence of the NHS design system's."""
        if name not in STATIC:
            raise HTTPException(404, "There is no page at this address.")
        # Pages link to it with its version, so browsers may keep it.
        return Response(_static(name)[0], media_type=STATIC[name], headers={"Cache-Control": "public, max-age=86400"})

    @app.get("/healthz")
    def healthy() -> Response:
        """Whether the room works and reaches the warehouse."""
        database.first("me", "")
        return PlainTextResponse("ok\n")

    @app.get("/help")
    def help_page(request: Request) -> Response:
        """How to send, what the words mean, what is kept, and the accessibility statement."""
        return pages.page(request, "help.html")

    @app.get("/{path:path}")
    def nothing(path: str, contact: security.Known) -> None:
        """Any other address; only who is signed in learns that there is no page."""
        raise HTTPException(404, "There is no page at this address. Use the menu above.")

    pages.environment.globals["version_of"] = lambda name: _static(name)[1]
    for name in pages.environment.list_templates():  # now, not while somebody waits for their first page
        pages.environment.get_template(name)
    return app


def _sign_in_first(request: Request, problem: Exception) -> Response:
    if request.method in ("GET", "HEAD"):
        return pages.go("/sign-in")
    return pages.page(
        request,
        "problem.html",
        403,
        heading="You are not signed in",
        words="Your session has ended, so nothing was done. Sign in and try again.",
    )


def _refused(request: Request, problem: HTTPException) -> Response:
    heading = TITLES.get(problem.status_code, "Nothing was done")
    return pages.page(request, "problem.html", problem.status_code, heading=heading, words=problem.detail)


def _not_allowed(request: Request, problem: Exception) -> Response:
    return pages.page(request, "problem.html", 409, heading="Nothing was done", words=str(problem))


def _unknown(request: Request, problem: LookupError) -> Response:
    if isinstance(problem, KeyError | IndexError):  # the room raises LookupErrors with a sentence; these are faults
        raise problem
    return _refused(request, HTTPException(404, str(problem)))


def _not_understood(request: Request, problem: RequestValidationError) -> Response:
    return _refused(request, HTTPException(400, "The address or the form is incomplete. Go back and try again."))


def _no_warehouse(request: Request, problem: Exception) -> Response:
    LOG.error("room_no_warehouse", path=request.url.path, message=str(problem)[:300])
    return _refused(request, HTTPException(503, "Nothing was lost. Try again in a minute."))


def _broken(request: Request, problem: Exception) -> Response:
    """A fault of the room; the details are in its log only. Such an answer bypasses the middleware."""
    LOG.error("room_fault", path=request.url.path, fault=type(problem).__name__, message=str(problem)[:300])
    said = f"There is a fault, which was logged ({time.strftime('%H:%M:%S', time.gmtime())} UTC). Try again; if it stays, tell us that time."
    answer = _refused(request, HTTPException(500, said))
    answer.headers.update(security.HEADERS)
    return answer

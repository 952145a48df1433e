"""The desk as an application: its pages, the check before each of them, and its error pages."""

import hashlib
from functools import cache
from typing import Any

import psycopg
from airflow.api_fastapi.app import get_auth_manager
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response

from .. import catalogue
from ..pages import requests
from ..pages.templates import exact
from ..stores import objects, settings
from . import (
    board,
    bulk,
    decision_form,
    decisions,
    downloads,
    events,
    figures,
    formatting,
    pages,
    previews,
    queue,
    replies,
    security,
    submission,
    timeline,
    trusts,
)


@cache
def _static(name: str) -> tuple[bytes, str]:
    content = (pages.FOLDER / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def create() -> FastAPI:
    """The application, to be mounted by Airflow's web server (or a test) at any prefix."""
    handlers: dict[int | type[Exception], Any] = {
        HTTPException: _refused,
        404: _refused,
        405: _refused,
        LookupError: _unknown,
        RequestValidationError: _not_understood,
        psycopg.OperationalError: _no_warehouse,
        settings.Unconfigured: _no_warehouse,
        objects.Harmed: _harmed,
        Exception: _broken,
    }
    app = FastAPI(
        title="Steward desk",
        dependencies=[Depends(security.guard)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=handlers,
    )
    app.add_middleware(requests.Headers, headers=security.HEADERS)
    for module in (
        board,
        queue,
        replies,
        bulk,
        submission,
        downloads,
        decision_form,
        decisions,
        figures,
        timeline,
        events,
        trusts,
        previews,
    ):
        app.include_router(module.router)

    @app.get("/me")
    def me(person: security.Anybody) -> dict[str, str | bool]:
        """The name and permissions of the person who asks, for the command line."""
        return {
            "name": person.name,
            "may_act": person.may_act,
            "may_approve": person.may_approve,
            "token": person.token,
        }

    @app.get("/desk.css")
    def css() -> Response:
        """The style sheet."""
        return _file("desk.css", "text/css")

    @app.get("/desk.js")
    def script() -> Response:
        """The script."""
        return _file("desk.js", "text/javascript")

    @app.get("/{path:path}")
    def nothing(path: str) -> None:
        """Any other address; only a person who is signed in learns that there is no page."""
        raise HTTPException(404, "There is no page at this address. Use the menu above.")

    pages.environment.globals["version_of"] = lambda name: _static(name)[1]
    for name in pages.environment.list_templates():  # now, not while somebody waits for their first page
        pages.environment.get_template(name)
    for name in catalogue.all():
        formatting.rules_of(name)
    return app


def _file(name: str, media_type: str) -> Response:
    # Pages link to it with its version, so browsers may cache it.
    return Response(_static(name)[0], media_type=media_type, headers={"Cache-Control": "private, max-age=86400"})


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _refused(request: Request, problem: HTTPException) -> Response:
    """An error as a page for people and as JSON for programs; people who are not signed in get the sign-in page."""
    status = problem.status_code
    known = getattr(request.state, "person", None)
    if not _wants_page(request):
        return JSONResponse({"detail": problem.detail}, status)
    if known is None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else "")
        words = "Sign in to open the steward desk." if status == 401 else str(problem.detail)
        login = get_auth_manager().get_url_login(next_url=back)
        text = pages.environment.get_template("sign_in.html").render(login=exact(login), words=words)
        return HTMLResponse(text, status)
    titles = {
        404: "Page not found",
        403: "You do not have permission",
        409: "Nothing was saved",
        500: "Sorry, there is a problem with the desk",
        503: "The desk is unavailable",
    }
    heading = titles.get(status, "Nothing was saved")
    return pages.page(request, "problem.html", status, heading=heading, words=problem.detail)


def _unknown(request: Request, problem: LookupError) -> Response:
    if isinstance(problem, KeyError | IndexError):  # the desk raises LookupErrors with a sentence; these are faults
        raise problem
    return _refused(request, HTTPException(404, str(problem)))


def _not_understood(request: Request, problem: RequestValidationError) -> Response:
    names = ", ".join(sorted({str(error["loc"][-1]) for error in problem.errors()}))
    return _refused(
        request, HTTPException(400, f"The address or the form is incomplete: {names}. Go back and try again.")
    )


def _no_warehouse(request: Request, problem: Exception) -> Response:
    said = f" ({problem})" if isinstance(problem, settings.Unconfigured) else ""
    words = f"The warehouse does not respond. No data was lost. Try again in a minute.{said}"
    return _refused(request, HTTPException(503, words))


def _harmed(request: Request, problem: objects.Harmed) -> Response:
    return _refused(request, HTTPException(503, f"{problem} Whoever runs the service puts it back: {objects.HEAL}."))


def _broken(request: Request, problem: Exception) -> Response:
    """A fault of the desk; the details are in the web server's log only. Such an answer bypasses the middleware."""
    words = "There is a fault in the desk, and nothing was changed. The log of Airflow's web server has the details."
    known = getattr(request.state, "person", None)
    answer = _refused(request, HTTPException(500, words)) if known else Response(words, 500)
    answer.headers.update(security.HEADERS)
    return answer

"""The desk as an application: its pages, the guard that stands before all of them, and what it says when something is refused."""

import hashlib
from functools import cache

import psycopg
from airflow.api_fastapi.app import get_auth_manager
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response

from .. import catalogue
from ..stores import settings
from . import (
    board,
    decision_form,
    decisions,
    downloads,
    events,
    figures,
    formatting,
    pages,
    queue,
    security,
    submission,
    timeline,
)


@cache
def _static(name: str) -> tuple[bytes, str]:
    content = (pages.FOLDER / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def create() -> FastAPI:
    """The application, to be mounted by Airflow's web server (or a test) at any prefix."""
    app = FastAPI(
        title="Steward desk",
        dependencies=[Depends(security.guard)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers={
            HTTPException: _refused,
            404: _refused,
            405: _refused,
            LookupError: _unknown,
            RequestValidationError: _not_understood,
            psycopg.OperationalError: _no_warehouse,
            settings.Unconfigured: _no_warehouse,
            Exception: _broken,
        },
    )
    app.add_middleware(security.Headers)
    for module in (board, queue, submission, downloads, decision_form, decisions, figures, timeline, events):
        app.include_router(module.router)

    @app.get("/me")
    def me(person: security.Anybody) -> dict:
        """Who asks and what they may do, for the command line."""
        return {
            "name": person.name,
            "may_act": person.may_act,
            "may_approve": person.may_approve,
            "token": person.token,
        }

    @app.get("/desk.css")
    def css() -> Response:
        return _file("desk.css", "text/css")

    @app.get("/desk.js")
    def script() -> Response:
        return _file("desk.js", "text/javascript")

    @app.get("/{path:path}")
    def nothing(path: str) -> None:
        """Any other address: the guard stands before it too, so that only who is signed in learns that there is nothing."""
        raise HTTPException(404, "There is no page at this address. The menu above leads to what there is.")

    pages.environment.globals["version_of"] = lambda name: _static(name)[1]
    for name in pages.environment.list_templates():  # now, not while somebody waits for their first page
        pages.environment.get_template(name)
    for name in catalogue.all():
        formatting.rules_of(name)
    return app


def _file(name: str, media_type: str) -> Response:
    # Pages name its version, so it may be kept until it changes.
    return Response(_static(name)[0], media_type=media_type, headers={"Cache-Control": "private, max-age=86400"})


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _refused(request: Request, problem) -> Response:
    """An error as a page for people, as JSON for programs; who is not signed in is shown where to."""
    status = problem.status_code
    known = getattr(request.state, "person", None)
    if not _wants_page(request):
        return JSONResponse({"detail": problem.detail}, status)
    if known is None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else "")
        words = "Sign in to open the steward desk." if status == 401 else str(problem.detail)
        login = get_auth_manager().get_url_login(next_url=back)
        text = pages.environment.get_template("sign_in.html").render(login=pages.exact(login), words=words)
        return HTMLResponse(text, status)
    titles = {
        404: "This page is not here",
        403: "You may not do this",
        409: "This was not done",
        500: "Something is broken",
        503: "The desk cannot work now",
    }
    heading = titles.get(status, "This was not done")
    return pages.page(request, "problem.html", status, heading=heading, words=problem.detail)


def _unknown(request: Request, problem: LookupError) -> Response:
    if isinstance(problem, KeyError | IndexError):  # ours are LookupErrors with a sentence; these are faults
        raise problem
    return _refused(request, HTTPException(404, str(problem)))


def _not_understood(request: Request, problem: RequestValidationError) -> Response:
    names = ", ".join(sorted({str(error["loc"][-1]) for error in problem.errors()}))
    return _refused(
        request, HTTPException(400, f"The address or the form is not complete: {names}. Go back and try again.")
    )


def _no_warehouse(request: Request, problem: Exception) -> Response:
    said = f" ({problem})" if isinstance(problem, settings.Unconfigured) else ""
    words = f"The warehouse does not answer. Nothing was lost; try again in a minute.{said}"
    return _refused(request, HTTPException(503, words))


def _broken(request: Request, problem: Exception) -> Response:
    """A fault of ours, told without details: they are in the web server's log. It passes by the headers, so it gets them here."""
    words = "Something is broken on our side, and nothing was changed. The log of Airflow's web server says what."
    known = getattr(request.state, "person", None)
    answer = _refused(request, HTTPException(500, words)) if known else Response(words, 500)
    answer.headers.update(security.HEADERS)
    return answer

"""The application: one route for each table, the front page, and every refusal as problem+json."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from ..sql import published
from ..stores import warehouse
from . import answer, formats, front, question, tables, tagged
from .problems import MEDIA_TYPE, SCHEMA, Problem, shown
from .readers import Gate
from .tables import Table

ROOT = "/api/v1"
LOG = structlog.get_logger()
WORDS = """
What is published, as tables: each address under /api/v1 is a view of the warehouse's schema `published`, with its columns and words.
Rows are chosen by what a column holds (`metric_id=WF04`, several times for any of them, empty for rows where the column is empty),
and come ordered by the table's key, a page at a time. An answer is of one edition, which its ETag begins with.
"""


def create() -> FastAPI:
    """The application, made from what the warehouse says of its views now.

    Raises:
        Unconfigured: a setting is missing or cannot be read.
        Undescribed: a view or column has no comment.
        psycopg.OperationalError: the warehouse cannot be reached.
    """
    with warehouse.connect(role="dashboard_reader") as connection:
        found = tables.read(connection)
    app = FastAPI(
        title="Trust Benchmarks", version=published.version(), openapi_url=None, docs_url=None, redoc_url=None
    )
    gate = Gate()
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET"],
        allow_headers=["Authorization", "If-None-Match"],
        expose_headers=["ETag", "Link", "X-Edition", "Retry-After"],
    )
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _not_there(found))
    app.add_exception_handler(Exception, _fault)
    for table in found.values():
        _add(
            app, f"{ROOT}/{table.name}", _rows_of(table, gate), table.view.words, _parameters(table), _responses(table)
        )
    _add(
        app, ROOT, _list_of(found, gate), "Which tables there are, and the edition that holds.", [], _plain_responses()
    )
    description = _openapi(app, found)

    def described(request: Request) -> Response:
        gate.reader(request)
        return tagged.made(request, description)

    _add(app, f"{ROOT}/openapi.json", described, "This description.", [], {}, False)
    front.add(app, found, gate)
    return app


Endpoint = Callable[[Request], Response]


def _rows_of(table: Table, gate: Gate) -> Endpoint:
    public = table.without_words()

    def rows(request: Request) -> Response:
        reader = gate.reader(request)
        if table.view.commercial and not reader.commercial:
            raise Problem(
                403,
                "commercial",
                f"{table.name} shows what individual trusts pay, which is commercial.",
                "Expected: a key with the right to commercial tables.",
                "Ask the operators for one, or read price_spread, which names no trust.",
            )
        asked = question.read(table if reader.words else public, request.query_params.multi_items())
        form = formats.negotiate(request.query_params.get("format"), request.headers.get("accept", ""))
        with answer.slot():
            found = answer.find(asked, reader.samples)
            following = _next(request, found.next_cursor)
            body = form.write(found, following)
        headers = {"X-Edition": found.edition.name}
        if following:
            headers["Link"] = f'<{following}>; rel="next"'
        return tagged.tagged(request, found.edition.name, body, form.media_type, headers)

    return rows


def _list_of(found: dict[str, Table], gate: Gate) -> Endpoint:
    def listed(request: Request) -> Response:
        gate.reader(request)
        with answer.slot(), answer.reading() as connection:
            holds = answer.edition(connection)
        body = {
            "edition": holds.name,
            "switched_at": holds.switched_at,
            "contract_version": published.version(),
            "description": f"{ROOT}/openapi.json",
            "tables": [
                {
                    "name": table.name,
                    "address": f"{ROOT}/{table.name}",
                    "view": f"published.{table.view.name}",
                    "words": table.view.words,
                    "key": table.view.key,
                    "has_as_at": bool(table.as_at),
                    "needs_commercial_key": table.view.commercial,
                }
                for table in found.values()
            ],
        }
        return tagged.made(request, body, holds.name)

    return listed


def _next(request: Request, cursor: str) -> str:
    """The address of the next page without its host, which a proxy may have changed."""
    if not cursor:
        return ""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _add(
    app: FastAPI, path: str, endpoint: Endpoint, words: str, parameters: list[Any], responses: Any, shown: bool = True
) -> None:
    def asked(request: Request) -> Response:  # FastAPI reads a route's parameters from its function
        return endpoint(request)

    name = path.removeprefix(ROOT).strip("/") or "list"
    extra = {"parameters": parameters, "security": [{}, {"key": []}]}
    options = {
        "response_class": Response,
        "responses": responses,
        "summary": words.split(":")[0].rstrip("."),
        "description": words,
    }
    app.add_api_route(
        path,
        asked,
        methods=["GET"],
        name=name,
        operation_id=name,
        openapi_extra=extra,
        include_in_schema=shown,
        **options,
    )
    app.add_api_route(path, asked, methods=["HEAD"], name=name, include_in_schema=False, response_class=Response)


# The description ------------------------------------------------------------------------------------------------------


def _openapi(app: FastAPI, found: dict[str, Table]) -> dict[str, Any]:
    """OpenAPI 3.1 of all routes so far."""
    description = get_openapi(
        title=app.title, version=app.version, openapi_version="3.1.0", description=WORDS.strip(), routes=app.routes
    )
    schemas = {f"{table.name}_row": tables.row_schema(table) for table in found.values()}
    description["components"] = {
        "schemas": schemas | {"problem": SCHEMA},
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key from the operators."}},
    }
    return description


def _parameters(table: Table) -> list[dict[str, Any]]:
    found = []
    for name, column in table.filters.items():
        schema = {
            key: value for key, value in tables.column_schema(table.columns[column]).items() if key != "description"
        }
        schema = schema.get("items", schema)
        if isinstance(schema.get("type"), list):
            schema["type"] = schema["type"][0]
        schema.pop("enum", None)  # what is not there finds no rows; it is no error
        schema |= question.BOUNDS.get(table.columns[column].type.removesuffix("[]"), {})
        words = table.columns[column].words if name == column else f"Short for {column}."
        found.append(_parameter(name, words, {"type": "array", "items": schema}) | {"style": "form", "explode": True})
    if table.dated:
        day = {"anyOf": question.DAYS, "examples": ["2025-04", "2016-17", "2025-06-30"]}
        found.append(_parameter("since", f"Only what begins then or later, by {table.dated}.", day))
        found.append(_parameter("until", f"Only what begins by its end, by {table.dated}.", day))
    columns = {"type": "array", "items": {"type": "string", "enum": [*table.columns]}, "minItems": 1}
    fields = _parameter("fields", "Columns of the answer, with commas between.", columns)
    found.append(fields | {"style": "form", "explode": False})
    rows = {"type": "integer", "minimum": 1, "maximum": question.MOST, "default": question.LIMIT}
    found.append(_parameter("limit", "Rows of a page.", rows))
    found.append(_parameter("cursor", "Of the next page; follow `next` or the header Link.", question.CURSOR))
    found.append(_parameter("format", "Instead of the header Accept.", {"type": "string", "enum": [*formats.FORMATS]}))
    if table.as_at:
        kinds = [{"type": "string", "format": kind} for kind in ("date-time", "date")]
        moment = {"anyOf": kinds, "examples": ["2026-01-31T12:00:00Z", "2026-01-31"]}
        found.append(_parameter("as_at", "What the table said at this moment, which has passed.", moment))
    return found


def _parameter(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": words, "schema": schema}


def _responses(table: Table) -> dict[int | str, dict[str, Any]]:
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{table.name}_row"}}
    page = {
        "type": "object",
        "required": ["edition", "switched_at", "as_at", "data", "next"],
        "properties": {
            "edition": {"type": "string", "description": "The edition that the rows are of."},
            "switched_at": {"type": ["string", "null"], "format": "date-time"},
            "as_at": {"type": ["string", "null"], "format": "date-time"},
            "data": rows,
            "next": {"type": ["string", "null"], "description": "The address of the next page."},
        },
    }
    content: dict[str, Any] = {one.media_type: {"schema": {"type": "string"}} for one in formats.FORMATS.values()}
    content["application/json"] = {"schema": page}
    return _plain_responses() | {
        200: {"description": "A page of rows.", "content": content},
        **{status: _refusal(words) for status, words in (
            (400, "A parameter cannot be understood."),
            (403, "The table needs a commercial key."),
            (406, "No such format."),
            (409, "A new edition was published between two pages, or the cursor is of another question."),
        )},
    }  # fmt: skip


def _plain_responses() -> dict[int | str, dict[str, Any]]:
    return {
        304: {"description": "Not modified (If-None-Match)."},
        401: _refusal("The key is not known."),
        429: _refusal("Too many requests."),
        503: _refusal("The warehouse is busy or away, or the answer took too long."),
    }


def _refusal(words: str) -> dict[str, Any]:
    return {"description": words, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}}}


# What goes wrong ------------------------------------------------------------------------------------------------------


def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


def _not_there(found: dict[str, Table]) -> Callable[[Request, Exception], Response]:
    def handler(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        path = shown(request.url.path)
        if problem.status_code == 405:
            words = (
                f"{path} was asked with {shown(request.method)}.",
                "Expected: GET.",
                "Nothing can be written here.",
            )
            return Problem(405, "only_get", *words, {"Allow": "GET, HEAD"}).response()
        if problem.status_code != 404:
            words = ("The request cannot be read.", "Expected: a GET request.", "Correct it.")
            return Problem(problem.status_code, "bad_request", *words).response()
        if not request.url.path.startswith("/api"):
            words = (f"There is no page at {path}.", "Expected an address of the front page.", "Begin there.")
            return front.refused(Problem(404, "no_such_page", *words))
        words = (f"There is nothing at {path}.", f"Expected one of: {', '.join(found)}, after {ROOT}/.", f"See {ROOT}.")
        return Problem(404, "no_such_table", *words).response()

    return handler


def _fault(request: Request, problem: Exception) -> Response:
    LOG.error("api_fault", path=request.url.path, fault=type(problem).__name__, message=str(problem)[:300])
    words = ("This is an error of the service, which was logged.", "Expected: an answer.")
    return Problem(
        500, "fault", *words, "Ask again; if it stays, tell the operators the address and the time."
    ).response()

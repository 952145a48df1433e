"""Pages from templates: everything that is shown goes through `harmless` and is escaped; addresses are made in one place."""

from pathlib import Path
from urllib.parse import urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup, escape

from ..reading.harmless import harmless
from . import formatting

FOLDER = Path(__file__).parent
PAGE = 50  # rows a page

DONE = {  # what a page says first after something was done
    "decided": "Your decision was recorded.",
    "approved": "You approved this decision.",
    "refused": "You refused this decision.",
    "assigned": "The task was assigned.",
    "noted": "Your comment was recorded.",
    "added": "The event is on the timeline.",
    "withdrawn": "The event was withdrawn.",
}


def _shown(value):
    """The last step before escaping: no text reaches a page as it came."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return harmless(value, None)
    return value


def exact(value) -> Markup:
    """A text for the value of a form's field, which must come back as it was. Escaped, nothing else."""
    return Markup(escape("" if value is None else value))


environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
environment.filters |= {
    "when": formatting.when,
    "day": formatting.day,
    "number": formatting.number,
    "words": formatting.plain,
    "title_of": formatting.title,
    "exact": exact,
}
environment.globals |= {
    "STATES": formatting.STATES,
    "SEVERITIES": formatting.SEVERITIES,
    "RESPONSIBLE": formatting.RESPONSIBLE,
    "KINDS": formatting.KINDS,
    "DECISION_STATES": formatting.DECISION_STATES,
    "counted": formatting.counted,
}


def address(request: Request, path: str, **query) -> str:
    """An address of the desk; parts of the query that are None or empty are left out."""
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    return request.scope.get("root_path", "") + path + (f"?{urlencode(asked)}" if asked else "")


def page(request: Request, template: str, /, status: int = 200, **about) -> HTMLResponse:
    """A page of the desk. `about` may hold errors (a list of sentences) and is_sample besides what the template needs."""

    def link(path: str, **query) -> Markup:
        return exact(address(request, path, **query))

    def here(**changes) -> Markup:
        """This address with another query."""
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        return link(path, **{**dict(request.query_params), "done": None, **changes})

    known = {"errors": [], "is_sample": False, "person": request.state.person, "section": "", "field": "main"}
    known["done"] = DONE.get(request.query_params.get("done", ""), "")
    text = environment.get_template(template).render({**known, **about}, request=request, link=link, here=here)
    return HTMLResponse(text, status)


def go(request: Request, path: str, **query) -> RedirectResponse:
    """To another page of the desk, after a post."""
    return RedirectResponse(address(request, path, **query), 303)


class Paging:
    """Where in a list a page stands."""

    def __init__(self, number: int, total: int, size: int = PAGE):
        self.size, self.total = size, total
        self.pages = max(1, -(-total // size))
        self.number = min(max(1, number), self.pages)
        self.first = (self.number - 1) * size + 1 if total else 0
        self.last = min(self.number * size, total)

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

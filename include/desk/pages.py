"""Renders the desk's pages."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from ..pages import templates
from ..pages.templates import exact
from ..reference import reply_reasons
from . import formatting

FOLDER = Path(__file__).parent
PAGE = 50  # rows a page

DONE = {  # what a page says first after a form was sent
    "decided": "Your decision has been saved.",
    "approved": "You have approved this decision.",
    "refused": "You have refused this decision.",
    "decided_together": "Your decisions have been saved.",
    "approved_together": "You have approved these decisions.",
    "refused_together": "You have refused these decisions.",
    "answers_refused": "These answers were not accepted. The trusts are told why.",
    "preview_release": "The release has been published.",
    "preview_hold": "The release is held back. It is not published until somebody offers or publishes it.",
    "preview_offer": "The release is on offer again, and is published when its time has ended.",
    "preview_extend": "The trusts have been given more time.",
    "assigned": "The task has been assigned.",
    "filter_saved": "These filters have been saved. They are above your queue.",
    "filter_removed": "The saved filters have been removed.",
    "noted": "Your comment has been saved.",
    "added": "The event has been added to the timeline.",
    "withdrawn": "The event has been withdrawn.",
}


environment = templates.environment(FOLDER / "templates")
environment.filters |= {"number": formatting.number, "words": formatting.plain}
environment.globals |= {
    "STATES": formatting.STATES,
    "SEVERITIES": formatting.SEVERITIES,
    "RESPONSIBLE": formatting.RESPONSIBLE,
    "KINDS": formatting.KINDS,
    "TURNS": formatting.TURNS,
    "DECISION_STATES": formatting.DECISION_STATES,
    "REPLY_STATES": formatting.REPLY_STATES | {"all": "All"},
    "in_words": reply_reasons.in_words,
    "PREVIEW_STATES": formatting.PREVIEW_STATES,
}


def address(request: Request, path: str, **query: object) -> str:
    """An address of the desk; query parameters that are None or '' are left out."""
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    root: str = request.scope.get("root_path", "")
    return root + path + (f"?{urlencode(asked)}" if asked else "")


def page(request: Request, template: str, /, status: int = 200, **about: Any) -> HTMLResponse:
    """A page of the desk.

    Args:
        request: the request that it answers.
        template: a file name in templates/.
        status: of the answer.
        **about: what the template needs, and optionally is_sample and errors: sentences, in a list or by the name of their field.
    """

    def link(path: str, **query: object) -> Markup:
        return exact(address(request, path, **query))

    def here(**changes: object) -> Markup:
        """This address with other query parameters."""
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        return link(path, **{**dict(request.query_params), "done": None, **changes})

    known: dict[str, Any] = {
        "is_sample": False,
        "person": request.state.person,
        "section": "",
        "field": "main",
    }
    errors = about.pop("errors", [])
    known["wrong"] = errors if isinstance(errors, dict) else {}
    anchor = about.get("field", "main")
    known["errors"] = (
        [(f"f-{name}" if name else anchor, words) for name, words in errors.items()]
        if isinstance(errors, dict)
        else [(anchor, words) for words in errors]
    )
    known["done"] = DONE.get(request.query_params.get("done", ""), "")
    text = environment.get_template(template).render({**known, **about}, request=request, link=link, here=here)
    return HTMLResponse(text, status)


def go(request: Request, path: str, **query: object) -> RedirectResponse:
    """Redirects to another page of the desk after a form was sent."""
    return RedirectResponse(address(request, path, **query), 303)


class Paging:
    """The place of a page in a list: number and pages from 1, first and last entry, offset."""

    def __init__(self, number: int, total: int, size: int = PAGE) -> None:
        self.size, self.total = size, total
        self.pages = max(1, -(-total // size))
        self.number = min(max(1, number), self.pages)
        self.first = (self.number - 1) * size + 1 if total else 0
        self.last = min(self.number * size, total)

    @property
    def offset(self) -> int:
        """Entries before this page."""
        return (self.number - 1) * self.size

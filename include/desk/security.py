"""Who may do what on the desk: Airflow's users and permissions on every request, and checks on every post."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request

from ..pages import requests

HEADERS = requests.HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
}
LONGEST_POST = 1_000_000  # bytes: the longest are rows of events that somebody pasted


@dataclass(frozen=True)
class Person:
    """A signed-in user: may look, perhaps act (decide, assign, comment), perhaps approve."""

    name: str
    may_act: bool
    may_approve: bool
    token: str  # what the hidden field of this person's forms must hold


async def guard(request: Request, user: GetUserDep) -> None:
    """On every route of the desk: a signed-in user who may read DAGs, and for a post a form of the desk's own.

    The rights are asked of the auth manager in words that each of them knows. Who may answer Airflow's own required
    actions is a steward. An approval ends in an asset event, so who may make asset events may approve.
    """
    rights = get_auth_manager()
    if not rights.is_authorized_dag(method="GET", user=user):
        raise HTTPException(
            403, "Your account cannot read the steward desk. Ask your Airflow administrator for the viewer role."
        )
    person = Person(
        name=user.get_name(),
        may_act=rights.is_authorized_dag(method="PUT", access_entity=DagAccessEntity.HITL_DETAIL, user=user),
        may_approve=rights.is_authorized_asset(method="POST", user=user),
        token=_token(request, user.get_name()),
    )
    request.state.person = person
    if request.method not in ("GET", "HEAD"):
        await _check_post(request, person)


def anybody(request: Request) -> Person:
    """The person who asks: anybody who is signed in."""
    person: Person = request.state.person
    return person


def steward(request: Request) -> Person:
    """The person who asks, who may act."""
    person: Person = request.state.person
    if not person.may_act:
        raise HTTPException(
            403,
            f"{person.name} can read the desk but cannot make decisions. Ask a steward, or ask for the steward role.",
        )
    return person


def approver(request: Request) -> Person:
    """The person who asks, who may approve."""
    person: Person = request.state.person
    if not person.may_approve:
        raise HTTPException(403, f"{person.name} cannot approve or refuse decisions. Ask an approver.")
    return person


def form(request: Request) -> dict[str, str]:
    """The fields of the posted form, each as one text."""
    fields: dict[str, str] = request.state.form
    return fields


Anybody = Annotated[Person, Depends(anybody)]
Steward = Annotated[Person, Depends(steward)]
Approver = Annotated[Person, Depends(approver)]
Form = Annotated[dict[str, str], Depends(form)]


async def _check_post(request: Request, person: Person) -> None:
    """Refuses a post that another site made a browser send, one without this person's token, and one too long to be a form."""
    requests.refuse_other_sites(request, "the desk")
    headers = request.headers
    if not headers.get("content-length", "").isdigit() or int(headers["content-length"]) > LONGEST_POST:
        raise HTTPException(413, "The form is too long, so nothing was saved. Send less at once.")
    fields = await request.form(max_files=0)
    request.state.form = {name: value for name, value in fields.items() if isinstance(value, str)}
    if not hmac.compare_digest(request.state.form.get("token", "").encode(), person.token.encode()):
        raise HTTPException(
            403,
            "The form was loaded before you signed in, so nothing was saved. Go back, reload the page and send it again.",
        )


def _token(request: Request, name: str) -> str:
    """Known only to who can read this person's pages: of the name and the sign-in, keyed with Airflow's secret."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    session = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    key = conf.get("api", "secret_key").encode()
    return hmac.new(key, f"steward desk\0{name}\0{session}".encode(), hashlib.sha256).hexdigest()

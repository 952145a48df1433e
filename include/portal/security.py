"""Who asks: the session's cookie, the token of each form, the headers of each answer, and how long a request may be.

What a session may see and do is decided by the database: the functions room.* (sql/migrations/17_room.sql).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile as Uploaded
from starlette.responses import Response

from ..pages import requests
from ..reading.raw_table import MAX_BYTES
from . import database

HEADERS = requests.HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
}
SESSION, VISITOR, AT_PROVIDER = "tb_room", "tb_room_form", "tb_room_provider"  # cookies
LONGEST_FORM = 20_000  # bytes of a form without a file
LONGEST_ANSWERS, MOST_FIELDS = 1_000_000, 2_000  # of the form that answers findings
LONGEST_UPLOAD = MAX_BYTES + LONGEST_FORM
UPLOADS = "/send"  # the address that takes a file
ANSWERS = re.compile(r"/answers$|^/send/")  # in the addresses that take answers to findings


@dataclass(frozen=True)
class Contact:
    """Who is signed in.

    Attributes:
        codes: the trusts that they act for, by ODS code, with those that took them over.
        session: the token of their session.
    """

    contact_key: int
    mail: str
    name: str
    codes: tuple[str, ...]
    session: str


class SignInFirst(Exception):
    """Nobody is signed in who may see this."""


async def visitor(request: Request) -> None:
    """Before each route: who asks, if anybody is signed in, and for a post a form of the room's own."""
    session = "" if request.url.path.startswith("/static/") else request.cookies.get(SESSION, "")
    row = await run_in_threadpool(database.first, "me", session) if session else None
    request.state.contact = (
        Contact(row["contact_key"], row["mail"], row["name"], tuple(row["codes"]), session) if row else None
    )
    request.state.visit = request.cookies.get(VISITOR) or secrets.token_urlsafe(24)
    request.state.token = _token(session if row else request.state.visit)
    if request.method not in ("GET", "HEAD"):
        await _check_post(request)


async def contact(request: Request) -> Contact:
    """The contact who is signed in.

    Raises:
        SignInFirst: nobody is.
    """
    found: Contact | None = request.state.contact
    if found is None:
        raise SignInFirst
    return found


def form(request: Request) -> dict[str, str]:
    """The texts of the posted form."""
    fields: dict[str, str] = request.state.form
    return fields


def upload(request: Request) -> UploadFile | None:
    """The file of the posted form; None where none was chosen."""
    found: UploadFile | None = request.state.upload
    return found


Known = Annotated[Contact, Depends(contact)]
Form = Annotated[dict[str, str], Depends(form)]
Upload = Annotated[UploadFile | None, Depends(upload)]


def came_from(request: Request) -> str:
    """The address that the request came from; behind a proxy that uvicorn trusts (FORWARDED_ALLOW_IPS), the one before it."""
    return request.client.host if request.client else "unknown"


def remember(response: Response, name: str, value: str, is_https: bool) -> None:
    """Sets a cookie for this browser session."""
    response.set_cookie(name, value, httponly=True, samesite="lax", secure=is_https, path="/")


async def _check_post(request: Request) -> None:
    """Refuses a post that another site made a browser send, one without the form's token, and one that is too long."""
    requests.refuse_other_sites(request, "this service")
    headers = request.headers
    is_upload, is_long = request.url.path == UPLOADS, bool(ANSWERS.search(request.url.path))
    most = LONGEST_UPLOAD if is_upload else LONGEST_ANSWERS if is_long else LONGEST_FORM
    if not headers.get("content-length", "").isdigit():
        raise HTTPException(411, "Your browser did not say how long the request is, so nothing was done.")
    if int(headers["content-length"]) > most and not is_upload:
        raise HTTPException(413, "The form is too long, so nothing was done. Shorten what you wrote and try again.")
    if int(headers["content-length"]) > most:
        raise HTTPException(
            413,
            f"The file is larger than {MAX_BYTES >> 20} MB, the most that is read. Nothing was kept. "
            "Send only the rows of the return, or save it as CSV.",
        )
    if (is_upload or is_long) and request.state.contact is None:
        raise SignInFirst  # before anything long of a stranger is read
    posted = await request.form(max_files=1, max_fields=MOST_FIELDS if is_long else 50)
    request.state.form = {name: value for name, value in posted.items() if isinstance(value, str)}
    files = [value for value in posted.values() if isinstance(value, Uploaded) and value.filename]
    request.state.upload = files[0] if files else None
    if not hmac.compare_digest(request.state.form.get("token", "").encode(), request.state.token.encode()):
        raise HTTPException(403, "The page is too old, so nothing was done. Go back, load it again and try once more.")


def _token(of: str) -> str:
    """What the hidden field of a form holds: known only to who can read this browser's pages."""
    return hashlib.sha256(f"form of the room\0{of}".encode()).hexdigest()

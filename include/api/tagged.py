"""An answer with its ETag: the edition, and a hash of what is sent."""

import hashlib

from fastapi import Request, Response

from . import formats


def made(request: Request, body: object, edition: str = "description") -> Response:
    """A JSON answer of an edition."""
    return tagged(request, edition, formats.compact(body), "application/json", {})


def tagged(request: Request, edition: str, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """An answer with its ETag, or 304 where the asker has it.

    The hash is there because reference data, the timeline and the data status change within an edition too.
    """
    tag = f'"{edition}.{hashlib.sha256(body).hexdigest()[:16]}"'
    kept = "private, no-cache" if "authorization" in request.headers else "no-cache"
    headers = headers | {"ETag": tag, "Cache-Control": kept, "Vary": "Accept, Authorization"}
    given = request.headers.get("if-none-match", "")
    if given.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in given.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)

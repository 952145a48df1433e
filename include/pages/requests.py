"""The headers of each answer, and posts that another site made a browser send."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Of every page. With "no-referrer" a browser would not say which site a form came from.
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}


def refuse_other_sites(request: Request, where: str) -> None:
    """Refuses a post that a browser sends for another site.

    Args:
        where: whose forms are to be used, such as 'the desk'.

    Raises:
        HTTPException: 403.
    """
    headers = request.headers
    if headers.get("sec-fetch-site", "same-origin") != "same-origin" or (
        "origin" in headers and urlsplit(headers["origin"]).netloc != headers.get("host", "")
    ):
        raise HTTPException(
            403, f"This request came from another site, so nothing was saved. Use the forms of {where}."
        )


class Headers:
    """Puts security headers on every answer; a page may say otherwise how long it may be kept."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = [(name.lower().encode(), value.encode()) for name, value in {**HEADERS, **headers}.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request with the headers added."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = {name.lower() for name, _ in message.get("headers", [])}
                ours = [pair for pair in self.headers if pair[0] not in have]
                message["headers"] = [*message.get("headers", []), *ours]
            await send(message)

        await self.app(scope, receive, with_headers)

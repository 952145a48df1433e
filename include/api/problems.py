"""What an answer says that is not what was asked for: problem+json (RFC 9457) with what was found, what was expected and what to do."""

import json
from collections.abc import Mapping

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that cannot be answered as it is.

    Attributes:
        status: of HTTP.
        code: a short name that stays the same, for programs.
        found: what was asked, or what happened.
        expected: what would do.
        to_do: the next step of whoever asked.
        headers: that go with it.
    """

    def __init__(
        self, status: int, code: str, found: str, expected: str, to_do: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{found} {expected} {to_do}")
        self.status, self.code, self.found, self.expected, self.to_do = status, code, found, expected, to_do
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer that says so."""
        body = {
            "type": f"urn:trust-benchmarks:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": str(self),
            "found": self.found,
            "expected": self.expected,
            "to_do": self.to_do,
        }
        headers = self.headers | {"Cache-Control": "no-store"}
        return Response(json.dumps(body, ensure_ascii=False), self.status, headers, MEDIA_TYPE)


SCHEMA = {
    "type": "object",
    "description": "A problem as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "found", "expected", "to_do"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A name that stays the same, for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The next three in one text."},
        "found": {"type": "string", "description": "What was asked, or what happened."},
        "expected": {"type": "string", "description": "What would do."},
        "to_do": {"type": "string", "description": "The next step."},
    },
}


def shown(value: str) -> str:
    """A value of a request as a message quotes it: bounded, on one line, without control characters."""
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in value[:60])
    return f"'{plain}{'...' if len(value) > 60 else ''}'"

"""Published benchmarks of NHS trusts as pandas DataFrames, over the HTTP API of trust-benchmarks."""

import os
import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias
from urllib.parse import urljoin

import httpx
import pandas as pd

__all__ = ["Client", "Refused"]

PAGE = 20_000  # rows of a page, the most that the API gives
TRIES = 4
LONGEST_WAIT = 60.0  # seconds, for a reader who asked too often

One: TypeAlias = str | int | float | bool | date | None
Value: TypeAlias = One | Iterable[One]


class Refused(Exception):
    """The API refused; the message says what was found, what was expected and what to do.

    Attributes:
        status: of HTTP.
        problem: the whole answer, {} where it was no problem of the API.
    """

    def __init__(self, status: int, message: str, problem: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status, self.problem = status, problem


class Client:
    """The tables of the API as DataFrames.

    Texts are strings, whole numbers Int64, booleans boolean, dates and moments datetime64; missing values are NA. A frame's
    `attrs` name its `table` and `edition`. Rows are of one edition: when one is published meanwhile, the client begins again.

    Args:
        url: of the API, such as http://127.0.0.1:8000/api/v1; TB_API_URL unless given.
        key: for more than what is public; TB_API_KEY unless given.
        timeout: seconds for one page.
    """

    def __init__(self, url: str | None = None, key: str | None = None, timeout: float = 60) -> None:
        address = url or os.environ.get("TB_API_URL")
        if not address:
            raise ValueError("No API address was given. Give one, Client('http://.../api/v1'), or set TB_API_URL.")
        key = key or os.environ.get("TB_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = address.rstrip("/")
        self._http = httpx.Client(headers=headers, timeout=timeout)
        self._types: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._moment: str | None = None

    def as_at(self, moment: date | datetime | str) -> "Client":
        """The same client, which says what tables said at a moment (a day is its beginning in London).

        Not every table is kept that way: measures, benchmarks, comparisons, metrics, providers, timeline and data_status are.
        """
        other = object.__new__(Client)
        other.__dict__ |= self.__dict__ | {"_moment": _text(moment)}
        return other

    def figures(self, metric: Value = (), trust: Value = (), **asked: Value) -> pd.DataFrame:
        """Each figure with its names, dates, peers' spread, quartile, worth and completeness.

        Args:
            metric: one or several, such as 'WF04'.
            trust: one or several ODS codes.
            **asked: as `table` has them, such as since='2025-04'.
        """
        return self.table("figures", metric=metric, trust=trust, **asked)

    def latest(self, metric: Value = (), trust: Value = (), **asked: Value) -> pd.DataFrame:
        """Of the figures the newest period of each metric and trust."""
        return self.table("latest", metric=metric, trust=trust, **asked)

    def measures(self, metric: Value = (), trust: Value = (), **asked: Value) -> pd.DataFrame:
        """Values with numerator, denominator, quality and completeness; also as at a moment."""
        return self.table("measures", metric=metric, trust=trust, **asked)

    def benchmarks(self, metric: Value = (), **asked: Value) -> pd.DataFrame:
        """The spread of a metric over a peer group and period."""
        return self.table("benchmarks", metric=metric, **asked)

    def comparisons(self, metric: Value = (), trust: Value = (), **asked: Value) -> pd.DataFrame:
        """Each value against each benchmark of its metric, and what reaching it would be worth."""
        return self.table("comparisons", metric=metric, trust=trust, **asked)

    def movements(self, metric: Value = (), trust: Value = (), **asked: Value) -> pd.DataFrame:
        """Why figures moved from one release to the next: a row a step, each with one cause."""
        return self.table("movements", metric=metric, trust=trust, **asked)

    def metrics(self, metric: Value = (), **asked: Value) -> pd.DataFrame:
        """What each metric means."""
        return self.table("metrics", metric=metric, **asked)

    def providers(self, trust: Value = (), **asked: Value) -> pd.DataFrame:
        """Every provider that is known, with its latest name."""
        return self.table("providers", trust=trust, **asked)

    def timeline(self, trust: Value = (), **asked: Value) -> pd.DataFrame:
        """What happened, was planned or was due."""
        return self.table("timeline", trust=trust, **asked)

    def editions(self, **asked: Value) -> pd.DataFrame:
        """Every switch from one edition to the next."""
        return self.table("editions", **asked)

    def data_status(self, **asked: Value) -> pd.DataFrame:
        """How complete each collection and period is."""
        return self.table("data_status", **asked)

    def tables(self) -> pd.DataFrame:
        """Which tables there are."""
        return pd.DataFrame(self._get(self.url, {}).json()["tables"])

    def table(self, name: str, **asked: Value) -> pd.DataFrame:
        """Rows of any table, ordered by its key.

        Args:
            name: as `tables` has it.
            **asked: columns and the value, or values, that they are to hold, None for rows where the column is empty; `since` and
                `until`; `fields`, the columns of the frame. An empty tuple asks nothing.

        Raises:
            Refused: the API cannot answer; the message says what to do.
            httpx.TransportError: it cannot be reached.
        """
        parameters = {key: _texts(value) for key, value in asked.items()}
        parameters = {key: texts for key, texts in parameters.items() if texts}
        if "fields" in parameters:
            parameters["fields"] = [",".join(parameters["fields"])]
        if self._moment is not None:
            parameters["as_at"] = [self._moment]
        for attempt in range(TRIES):
            try:
                return self._all_pages(name, parameters | {"format": ["json"], "limit": [str(PAGE)]})
            except Refused as refused:  # an edition was published between two pages: all of it again
                if refused.status != 409 or attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _all_pages(self, name: str, parameters: Mapping[str, list[str]]) -> pd.DataFrame:
        page = self._get(f"{self.url}/{name}", parameters)
        fields = [one for given in parameters.get("fields", []) for one in given.split(",")]
        edition, parts = page.headers.get("X-Edition", ""), [self._frame(name, page, fields)]
        while following := page.links.get("next", {}).get("url"):
            page = self._get(urljoin(self.url, following), {})
            parts.append(self._frame(name, page, fields))
        frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        frame.attrs |= {"table": name, "edition": edition}
        return frame

    def _get(self, url: str, parameters: Mapping[str, list[str]]) -> httpx.Response:
        """One answer; asks again where the API says when."""
        response = self._http.get(url, params=dict(parameters) or None)
        for _ in range(TRIES - 1):
            wait = response.headers.get("Retry-After", "")
            if response.status_code not in (429, 503) or not wait.isdigit() or int(wait) > LONGEST_WAIT:
                break
            time.sleep(int(wait))
            response = self._http.get(url, params=dict(parameters) or None)
        if response.is_success:
            return response
        kind = response.headers.get("content-type", "")
        problem = response.json() if kind.startswith("application/problem+json") else {}
        message = (
            problem.get("detail")
            or f"{url} answered {response.status_code}. Is it the address of the API (.../api/v1)?"
        )
        raise Refused(response.status_code, message, problem)

    def _frame(self, name: str, page: httpx.Response, fields: list[str]) -> pd.DataFrame:
        rows, types = page.json()["data"], self._types_of(name)
        columns = list(rows[0]) if rows else fields or list(types)
        return pd.DataFrame(
            {column: _typed([row[column] for row in rows], types.get(column, {})) for column in columns}
        )

    def _types_of(self, name: str) -> dict[str, Mapping[str, Any]]:
        if name not in self._types:
            schemas = self._get(f"{self.url}/openapi.json", {}).json()["components"]["schemas"]
            self._types |= {one.removesuffix("_row"): schema.get("properties", {}) for one, schema in schemas.items()}
        return self._types.get(name, {})


def _typed(values: list[Any], schema: Mapping[str, Any]) -> "pd.Series[Any]":
    """A column as its type; None is what is missing."""
    named = schema.get("type", "object")
    kinds = {named} if isinstance(named, str) else set(named)
    if schema.get("format") == "date-time":
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601"))
    if schema.get("format") == "date":
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), format="%Y-%m-%d"))
    for kind, dtype in (("integer", "Int64"), ("number", "float64"), ("boolean", "boolean"), ("string", "string")):
        if kind in kinds:
            return pd.Series(values, dtype=dtype)
    return pd.Series(values, dtype=object)


def _texts(value: Value) -> list[str]:
    many = [value] if isinstance(value, str | int | float | date) or value is None else list(value)
    return [_text(one) for one in many]


def _text(one: One) -> str:
    if one is None:
        return ""
    if isinstance(one, bool):
        return "true" if one else "false"
    return one.isoformat() if isinstance(one, date) else str(one)

"""What is asked: a request's parameters, read against the description of a table; whatever does not fit is refused in words."""

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from ..reference import calendar
from ..sql.published import Column
from . import tables
from .problems import Problem, shown
from .tables import Table

LONDON = ZoneInfo("Europe/London")
LIMIT, MOST = 1_000, 20_000  # rows
LONG, LONGEST = 500, 20_000  # characters of a value, and of a cursor, which may hold a long key
MANY = 200  # values of all filters together
BIGGEST = {"integer": 2**31 - 1, "bigint": 2**63 - 1}

# What is said of values in the description, as JSON Schema has it.
BOUNDS: Mapping[str, dict[str, object]] = {
    "text": {"maxLength": LONG, "pattern": r"^[^\u0000]*$"},
    "integer": {"minimum": -BIGGEST["integer"], "maximum": BIGGEST["integer"]},
    "bigint": {"minimum": -BIGGEST["bigint"], "maximum": BIGGEST["bigint"]},
}
YEARS = "|".join(f"{year:02}-{year + 1:02}" for year in range(12, 99))  # earlier ones read as months
DAYS: list[dict[str, object]] = [
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"},
    {"type": "string", "pattern": f"^20({YEARS})$"},
]
CURSOR: dict[str, object] = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": LONGEST}


@dataclass(frozen=True)
class Cursor:
    """Where an earlier page ended.

    Attributes:
        edition: that the earlier page was of.
        after: the key of its last row, as text.
    """

    edition: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    Attributes:
        values: by column, any of which it is to hold; None stands for nothing (NULL).
        since: the first day of what is asked for.
        until: the last.
        fields: columns of the answer, in order.
        limit: rows.
        digest: of all that decides which rows there are, so that a cursor is of this question.
    """

    table: Table
    values: Mapping[str, tuple[object, ...]]
    since: date | None
    until: date | None
    fields: tuple[str, ...]
    limit: int
    as_at: datetime | None
    cursor: Cursor | None
    digest: str


def read(table: Table, parameters: Iterable[tuple[str, str]]) -> Question:
    """What the parameters of a request ask.

    Args:
        table: with the columns that may be asked for.
        parameters: names and values as they came; a name may come more than once.

    Raises:
        Problem: one of them cannot be understood; it says which and what would do.
    """
    given: dict[str, list[str]] = {}
    for name, value in parameters:
        if "\0" in name + value:
            raise _bad("parameter", shown(name), "holds the character NUL", "text", "Leave it out.")
        given.setdefault(name, []).append(value)
    filters = table.filters
    values: dict[str, tuple[object, ...]] = {}
    for name, texts in given.items():
        if name not in tables.RESERVED:
            column = table.columns[_known(name, filters, table)]
            values[column.name] = values.get(column.name, ()) + tuple(_value(column, name, text) for text in texts)
    if sum(map(len, values.values())) > MANY:
        raise _bad("request", "", f"has more than {MANY} values", f"at most {MANY}", "Ask in several requests.")
    once = {name: _once(name, given[name]) for name in tables.RESERVED if name in given}
    since, until, as_at = once.get("since"), once.get("until"), once.get("as_at")
    for name in ("since", "until"):
        if name in once and not table.dated:
            raise _bad("parameter", name, f"does not fit {table.name}", "a table with dates", "Leave it out.")
    rows = [
        sorted(
            (name, sorted(texts))
            for name, texts in given.items()
            if name not in ("cursor", "fields", "limit", "format")
        )
    ]
    digest = hashlib.sha256(json.dumps([table.name, rows]).encode()).hexdigest()[:16]
    return Question(
        table=table,
        values=values,
        since=_day("since", since, calendar.period_start) if since is not None else None,
        until=_day("until", until, calendar.period_end) if until is not None else None,
        fields=_fields(once.get("fields"), table),
        limit=_limit(once.get("limit")),
        as_at=_moment(as_at, table) if as_at is not None else None,
        cursor=_cursor(once["cursor"], table, digest) if "cursor" in once else None,
        digest=digest,
    )


def next_cursor(question: Question, edition: str, key: Iterable[str]) -> str:
    """The cursor of the page that comes after the row with this key."""
    text = json.dumps([question.digest, edition, *key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _cursor(text: str, table: Table, digest: str) -> Cursor:
    expected = "the cursor that the page before gave, with the same parameters"
    if len(text) > LONGEST or not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise _bad("parameter", "cursor", f"is {shown(text)}", expected, "Begin again without it.")
    what = "The parameter cursor is not one of this question."
    wrong = Problem(409, "another_question", what, f"Expected: {expected}.", "Begin again without it.")
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise wrong from None
    columns = [table.columns[name] for name in table.view.key]
    if not (isinstance(found, list) and len(found) == 2 + len(columns) and all(isinstance(one, str) for one in found)):
        raise wrong
    if found[0] != digest or any("\0" in one for one in found):
        raise wrong
    for column, one in zip(columns, found[2:], strict=True):
        try:
            _value(column, "cursor", one, LONGEST)
        except Problem:
            raise wrong from None
    return Cursor(found[1], tuple(found[2:]))


def _known(name: str, filters: Mapping[str, str], table: Table) -> str:
    if name not in filters:
        raise _bad(
            "parameter", shown(name), f"is not known for {table.name}", ", ".join([*filters, *tables.RESERVED]), "Correct its name, or leave it out."
        )  # fmt: skip
    return filters[name]


def _once(name: str, texts: list[str]) -> str:
    if len(texts) > 1:
        raise _bad("parameter", name, f"comes {len(texts)} times", "one value", "Leave all but one out.")
    return texts[0]


def _value(column: Column, name: str, text: str, longest: int = LONG) -> object:
    """A value as the column has it; None for an empty text, which asks for rows where the column is empty."""
    if not text:
        return None
    kind = column.type.removesuffix("[]")
    try:
        if len(text) > longest:
            raise ValueError
        return READ[kind](text)
    except (ValueError, OverflowError):
        raise _bad("parameter", name, f"is {shown(text)}", EXPECTED[kind], "Correct it.") from None


def _whole(biggest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or abs(int(text)) > biggest:
            raise ValueError
        return int(text)

    return read


def _number(text: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", text) or not math.isfinite(float(text)):
        raise ValueError
    return float(text)


def _truth(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError
    return known[text.lower()]


def _date(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    return date.fromisoformat(text)


def _time(text: str) -> datetime:
    """A moment; one without an offset is London's. A plus sign that came as a blank is put back."""
    text = re.sub(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}$)", "+", text) if "T" in text else text
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=LONDON)).astimezone(UTC)


READ: Mapping[str, Callable[[str], object]] = {
    "text": str,
    "integer": _whole(BIGGEST["integer"]),
    "bigint": _whole(BIGGEST["bigint"]),
    "double precision": _number,
    "boolean": _truth,
    "date": _date,
    "timestamp with time zone": _time,
}
EXPECTED = {
    "text": f"a text of at most {LONG} characters",
    "integer": "a whole number",
    "bigint": "a whole number",
    "double precision": "a number such as 4.5",
    "boolean": "true or false",
    "date": "a date such as 2025-06-30",
    "timestamp with time zone": "a moment such as 2026-01-31T12:00:00Z",
}


def _day(name: str, text: str, of_period: Callable[[str], date]) -> date:
    try:
        return _date(text) if len(text) == 10 else of_period(text)
    except ValueError:
        expected = "a month such as 2025-06, a financial year such as 2016-17, or a date such as 2025-06-30"
        raise _bad("parameter", name, f"is {shown(text)}", expected, "Correct it.") from None


def _moment(text: str, table: Table) -> datetime:
    if not table.as_at:
        raise Problem(
            400,
            "no_as_at",
            f"The parameter as_at does not fit {table.name}: it is not kept as it was at a moment.",
            "Expected: a table with as_at.",
            "Leave as_at out, or ask another table: the list at /api/v1 says which have it (figures and latest have).",
        )
    try:
        found = _time(text)
    except (ValueError, OverflowError):
        raise _bad(
            "parameter",
            "as_at",
            f"is {shown(text)}",
            EXPECTED["timestamp with time zone"] + ", or a date",
            "Correct it.",
        ) from None
    if found > datetime.now(UTC):
        raise _bad(
            "parameter",
            "as_at",
            f"is {shown(text)}, which is yet to come",
            "a moment that has passed",
            "Leave it out for what holds now.",
        )
    return found


def _fields(text: str | None, table: Table) -> tuple[str, ...]:
    if text is None:
        return tuple(table.columns)
    fields = tuple(dict.fromkeys(one.strip() for one in text.split(",")))
    if strange := [one for one in fields if one not in table.columns]:
        raise _bad(
            "parameter",
            "fields",
            f"names {shown(strange[0])}",
            ", ".join(table.columns) + " with commas between",
            "Correct its name, or leave it out.",
        )
    return fields


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST:
        raise _bad(
            "parameter",
            "limit",
            f"is {shown(text)}",
            f"1 to {MOST} rows",
            "Ask for fewer, and follow the link to the next page.",
        )
    return int(text)


def _bad(what: str, name: str, found: str, expected: str, to_do: str) -> Problem:
    return Problem(
        400, "bad_parameter", f"The {what} {name} {found}.".replace("  ", " "), f"Expected: {expected}.", to_do
    )

"""What an event that somebody adds to the timeline must be: its fields in words, and every cell that does not fit as a finding."""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from .. import catalogue, reference
from ..reading import findings
from ..reference.checks import CONFIDENCES, PLANS, PRECISIONS, RECOMMENDATIONS, STATUSES
from ..schemas.fields import FINANCIAL_YEAR, MONTH, FieldSpec

# The kinds of event that people add. The same as core.event_kind in sql/migrations/07_timeline.sql, which refuses any other.
KINDS = {
    "letter": "a letter of the programme",
    "announcement": "something was announced",
    "bulletin": "a bulletin or newsletter",
    "statement": "somebody said something in public",
    "press": "a report in the press",
    "report": "a report was published",
    "release": "a tool or a compartment of it was opened to trusts",
    "guidance": "guidance was given",
    "milestone": "a step of the programme",
    "meeting": "a meeting or conference",
    "visit": "a trust was visited",
    "data_request": "data were asked for",
    "findings_shared": "findings were shown to a trust",
    "feedback_received": "a trust answered",
    "board_report": "a trust reported to its board on a recommendation",
    "board_paper": "a paper went to a board",
    "pilot": "something was tried out",
    "delivery": "a change began to be delivered",
    "trust_renamed": "a trust has another name",
    "trust_succession": "a trust was merged or taken over",
    "service_transfer_in": "services came from another trust",
    "service_transfer_out": "services went to another trust",
    "recommendation_deadline": "what a recommendation asks for is due",
    "other": "something else: the summary says what",
}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9}  # winter runs over two years: give its first day
LONGEST = {"summary": 500, "source": 300, "actor": 200, "audience": 300}
Event = dict[str, Any]  # columns of core.event
FIRST_YEAR, YEARS_AHEAD = 1990, 20
FULFILLED = re.compile(r"^(EV\d{3}(\+\d+)?(-[A-Z0-9]{3,5})?|EN-[0-9a-f]{16}(\.\d+)?)$")

# An e-mail address or a telephone number: the timeline keeps roles, not people. The database checks with the same two patterns.
CONTACT = (
    re.compile(r"[^\s@]@[^\s@]"),
    re.compile(r"(^|[^0-9A-Za-z])(\+[0-9]{1,3}|00[0-9]{2}|0)[ ().-]{0,2}[1-9]([ ().-]{0,2}[0-9]){8,}"),
)


def _choice(name: str, title: str, options: Iterable[str], required: bool = True) -> FieldSpec:
    return FieldSpec(name, "choice", title, required, options=tuple(options))


def _text(name: str, title: str, example: str, required: bool = False) -> FieldSpec:
    return FieldSpec(name, "text", title, required, example=example)


FIELDS = {
    spec.name: spec
    for spec in (
        _text("date", "When it happened or begins", "2018-09-12, 2018-09, autumn 2018 or 2018", True),
        _choice("date_precision", "How exact the date is", PRECISIONS),
        _text("date_end", "Last day, if it lasted longer than one", "2018-12-31"),
        _choice("kind", "What kind of event it is", KINDS),
        _choice("status", "Whether it happened or is planned", STATUSES),
        _text("provider", "The trust it is about, by ODS code; empty for the programme", "RY8"),
        _text("collection", "The collection it is about", "workforce"),
        _text("period", "The period of that collection", "2025-06 or 2016-17"),
        FieldSpec("recommendation", "whole", "The recommendation it is about, by number", False, ge=1, le=RECOMMENDATIONS),
        _text("actor", "Who did it, as a role", "Director of Finance"),
        _text("audience", "Who it was for, as a role", "trust board"),
        _text("summary", "What happened or is planned, in a sentence", "Progress on e-rostering was reported", True),
        _text("source", "Source of the information", "board paper of 12 Sept 2018, item 7", True),
        _choice("confidence", "How reliable the source is", CONFIDENCES),
        _text("fulfils", "The plan that it fulfils, by event ID", "EV030"),
    )
}  # fmt: skip


def _day(word: str) -> date | None:
    """A day as 2018-09-12 or, as people of this country write it, 12/9/2018; None for anything else, ValueError for a day that never was."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word, re.ASCII):
        return date.fromisoformat(word)
    found = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", word, re.ASCII)
    return date(int(found[3]), int(found[2]), int(found[1])) if found else None


def span(text: str, precision: str) -> tuple[date, date | None]:
    """The first day that a date means, and the last where the text gives a stretch ('2018-Q3' is no such: quarters have two calendars).

    Raises:
        ValueError: with what was expected, in words.
    """
    word = text.strip().lower()
    try:
        if day := _day(word):
            return day, None
        if precision == "month" and re.fullmatch(r"\d{4}-\d\d", word):
            return date.fromisoformat(f"{word}-01"), None
        if precision == "year" and re.fullmatch(r"\d{4}", word):
            return date(int(word), 1, 1), date(int(word), 12, 31)
        found = re.fullmatch(r"(\d{4})-(\d\d)", word)
        if precision == "year" and found and int(found[2]) == (int(found[1]) + 1) % 100:
            return date(int(found[1]), 4, 1), date(int(found[1]) + 1, 3, 31)
        found = re.fullmatch(r"(spring|summer|autumn) (\d{4})", word)
        if precision == "season" and found:
            month, year = SEASONS[found[1]], int(found[2])
            return date(year, month, 1), date(year, month + 2, monthrange(year, month + 2)[1])
    except ValueError:
        pass
    wanted = {
        "month": "a month such as 2018-09",
        "year": "a year such as 2018, or a financial year such as 2018-19",
        "season": "a season such as autumn 2018, or its first day such as 2018-12-01",
        "quarter": "the first day of the quarter, such as 2018-10-01",
        "week": "the first day of the week, such as 2018-09-10",
    }
    raise ValueError(wanted.get(precision, "a day such as 2018-09-12"))


class Checked:
    """Rows of events after every check.

    Attributes:
        events: what `events.add` takes, one dict a row; only whole where there are no findings.
        findings: a frame as in `reading.findings`; any of them holds the whole file.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._frames: list[pl.DataFrame] = []
        self._seen: dict[tuple[object, ...], int | None] = {}

    @property
    def findings(self) -> pl.DataFrame:
        """All that was found, one row each."""
        return findings.join(self._frames)

    def found(self, rule: str, message: str, **place: Any) -> None:
        """Adds one finding; `place` as in `reading.findings.one`."""
        scope = "cell" if place.get("column_name") else "row"
        self._frames.append(findings.one(rule, message, scope=scope, **place))

    def add(
        self, cells: dict[str, str], line: int | None = None, sheet: str | None = None, today: date | None = None
    ) -> None:
        """Checks one row: texts by the names of `FIELDS`."""
        row = _Row(self, cells, line, sheet, today or date.today())
        event = row.event()
        key = tuple(event.items())
        if not row.faulty and key in self._seen:
            row.wrong("repeat", "summary", line=self._seen[key])
        self._seen.setdefault(key, line)
        self.events.append(event)


# What can be wrong with a cell: its rule, and the message with {text}, what the cell says.
FAULTS = {
    "missing": ("VAL-MISSING", "{title} is missing. Expected {expected}: fill the cell."),
    "choice": ("VAL-TYPE", "'{text}' is not a valid {title}. Expected {expected}."),
    "date": ("VAL-TYPE", "'{text}' is not a date given to the {precision}. Expected {expected}."),
    "day": ("VAL-TYPE", "'{text}' is not a date. Expected a date such as 2018-12-31, or an empty cell."),
    "far": ("EVT-DATE", "{first} is too far from the programme's dates. Expected a year from {earliest} to {latest}: correct the date."),
    "future": ("EVT-FUTURE", "The status says that it happened, but {first} is in the future. Change the status to planned, or correct the date."),
    "ends": ("EVT-DATE", "The last day, {last}, is before the first, {first}. Correct one of the two."),
    "provider": ("EVT-TRUST", "'{text}' is not the ODS code of a known provider. Expected a code such as RY8, or an empty cell for an event of the programme."),
    "no provider": ("EVT-BOARD", "A board report needs the trust that reported. Enter its ODS code, such as RY8."),
    "collection": ("EVT-RETURN", "'{text}' is not a collection. Expected one of {expected}, or an empty cell."),
    "no collection": ("EVT-RETURN", "A period needs a collection. Enter the collection too, or clear this cell."),
    "period": ("VAL-TYPE", "'{text}' is not a period. Expected a month such as 2025-06, or a financial year such as 2016-17."),
    "recommendation": ("VAL-TYPE", "'{text}' is not the number of a recommendation. Expected one whole number from 1 to {most}; give an event about several recommendations one row for each."),
    "no recommendation": ("EVT-BOARD", "A board report needs the recommendation that it is about. Enter a number from 1 to {most}."),
    "event id": ("EVT-FULFILS", "'{text}' is not an event ID. Expected the ID of a plan as the timeline shows it, such as EV030, or an empty cell."),
    "no plan": ("EVT-FULFILS", "{text} is not a plan or deadline of the programme. Expected the ID of one, such as EV030."),
    "not happened": ("EVT-FULFILS", "Only something that happened can fulfil a plan, and the status is {status}. Change it to actual, or clear this cell."),
    "long": ("EVT-LONG", "{title} has {characters:,} characters. The limit is {most}: shorten it."),
    "character": ("VAL-TYPE", "The cell contains a character that is not text. Type the words again."),
    "contact": ("EVT-CONTACT", "The cell contains what looks like an email address or a telephone number. Enter a role, such as Director of Finance: people's contact details are not kept here."),
    "repeat": ("EVT-REPEAT", "This row repeats line {line}. Remove one of the two."),
}  # fmt: skip


class _Row:
    """The checks of one row."""

    def __init__(
        self, checked: Checked, cells: dict[str, str], line: int | None, sheet: str | None, today: date
    ) -> None:
        self.checked, self.place, self.today, self.faulty = checked, {"line": line, "sheet": sheet}, today, False
        self.cells = {name: (cells.get(name) or "").strip() for name in FIELDS}

    def wrong(self, fault: str, name: str, **facts: object) -> None:
        """Reports one of `FAULTS` at a cell; `facts` are what its message says besides the cell's text."""
        self.faulty = True
        (rule, message), text = FAULTS[fault], self.cells[name]
        self.checked.found(rule, message.format(text=text, **facts), column_name=name, raw_value=text, **self.place)

    def event(self) -> Event:
        """The row as columns of core.event, with every fault reported."""
        self._required_and_choices()
        first, last = self._dates()
        for check in (self._provider, self._collection, self._recommendation, self._fulfils, self._texts):
            check()
        cell = self.cells
        return {
            "occurred_from": first and first.isoformat(), "occurred_to": last and last.isoformat(), "date_precision": cell["date_precision"],
            "kind": cell["kind"], "status": cell["status"], "provider_code": cell["provider"].upper() or None,
            "collection": cell["collection"] or None, "period": cell["period"] or None,
            "recommendation_number": int(cell["recommendation"]) if re.fullmatch(r"\d{1,2}", cell["recommendation"], re.ASCII) else None,
            "actor": cell["actor"], "audience": cell["audience"], "summary": cell["summary"], "source": cell["source"],
            "confidence": cell["confidence"], "fulfils": cell["fulfils"] or None,
        }  # fmt: skip

    def _required_and_choices(self) -> None:
        for name, spec in FIELDS.items():
            text = self.cells[name]
            if spec.kind == "choice":
                self.cells[name] = text = text.lower().replace(" ", "_")
            if spec.required and not text:
                self.wrong("missing", name, title=spec.title, expected=spec.expected())
            elif spec.kind == "choice" and text not in spec.options:
                self.wrong("choice", name, title=name.replace("_", " "), expected=spec.expected())

    def _dates(self) -> tuple[date | None, date | None]:
        precision, first, last = self.cells["date_precision"], None, None
        if self.cells["date"] and precision in PRECISIONS:
            try:
                first, last = span(self.cells["date"], precision)
            except ValueError as expected:
                self.wrong("date", "date", precision=precision, expected=expected)
        if self.cells["date_end"]:
            try:
                last = _day(self.cells["date_end"])
            except ValueError:
                last = None
            if last is None:
                self.wrong("day", "date_end")
        if not first:
            return None, None
        latest = self.today.year + YEARS_AHEAD
        if not FIRST_YEAR <= first.year <= latest:
            self.wrong("far", "date", first=first, earliest=FIRST_YEAR, latest=latest)
        elif self.cells["status"] in ("actual", "inferred") and first > self.today:
            self.wrong("future", "date", first=first)
        if last and last < first:
            self.wrong("ends", "date_end" if self.cells["date_end"] else "date", first=first, last=last)
        return first, last

    def _provider(self) -> None:
        code = self.cells["provider"].upper()
        if code and not reference.load().knows(code):
            self.wrong("provider", "provider")
        if self.cells["kind"] == "board_report" and not code:
            self.wrong("no provider", "provider")

    def _collection(self) -> None:
        name, period = self.cells["collection"], self.cells["period"]
        if name and name not in catalogue.all():
            self.wrong("collection", "collection", expected=", ".join(catalogue.all()))
        if period and not name:
            self.wrong("no collection", "period")
        if period and not (re.fullmatch(MONTH, period) or re.fullmatch(FINANCIAL_YEAR, period)):
            self.wrong("period", "period")

    def _recommendation(self) -> None:
        text = self.cells["recommendation"]
        if text and not (re.fullmatch(r"\d{1,2}", text, re.ASCII) and 1 <= int(text) <= RECOMMENDATIONS):
            self.wrong("recommendation", "recommendation", most=RECOMMENDATIONS)
        if self.cells["kind"] == "board_report" and not text:
            self.wrong("no recommendation", "recommendation", most=RECOMMENDATIONS)

    def _fulfils(self) -> None:
        text, status = self.cells["fulfils"], self.cells["status"]
        plans = {event.event_id for event in reference.load().programme_events if event.status in PLANS}
        if text and not FULFILLED.fullmatch(text):
            self.wrong("event id", "fulfils")
        elif text.startswith("EV") and text[:5] not in plans:
            self.wrong("no plan", "fulfils")
        if text and status in PLANS:
            self.wrong("not happened", "fulfils", status=status)

    def _texts(self) -> None:
        for name, most in LONGEST.items():
            text = self.cells[name]
            if len(text) > most:
                self.wrong("long", name, title=FIELDS[name].title, characters=len(text), most=most)
            if "\x00" in text:
                self.wrong("character", name)
            if any(pattern.search(text) for pattern in CONTACT):
                self.wrong("contact", name)

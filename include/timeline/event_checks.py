"""What an event that somebody adds to the timeline must be: its fields in words, and every cell that does not fit as a finding."""

import re
from calendar import monthrange
from datetime import date

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
FIRST_YEAR, YEARS_AHEAD = 1990, 20
FULFILLED = re.compile(r"^(EV\d{3}(\+\d+)?(-[A-Z0-9]{3,5})?|EN-[0-9a-f]{16}(\.\d+)?)$")

# An e-mail address or a telephone number: the timeline keeps roles, not people. The database checks with the same two patterns.
CONTACT = (
    re.compile(r"[^\s@]@[^\s@]"),
    re.compile(r"(^|[^0-9A-Za-z])(\+[0-9]{1,3}|00[0-9]{2}|0)[ ().-]{0,2}[1-9]([ ().-]{0,2}[0-9]){8,}"),
)


def _choice(name: str, title: str, options, required: bool = True) -> FieldSpec:
    return FieldSpec(name, "choice", title, required, options=tuple(options))


def _text(name: str, title: str, example: str, required: bool = False) -> FieldSpec:
    return FieldSpec(name, "text", title, required, example=example)


FIELDS = {
    spec.name: spec
    for spec in (
        _text("date", "When it happened or begins, as exactly as it is known", "2018-09-12, 2018-09, autumn 2018 or 2018", True),
        _choice("date_precision", "How exactly that is known", PRECISIONS),
        _text("date_end", "The last day, where it lasted or its span is known", "2018-12-31"),
        _choice("kind", "What kind of event it is", KINDS),
        _choice("status", "Whether it happened or is planned", STATUSES),
        _text("provider", "The trust it is about, by ODS code; empty for the programme", "RY8"),
        _text("collection", "The collection it is about", "workforce"),
        _text("period", "The period of that collection", "2025-06 or 2016-17"),
        FieldSpec("recommendation", "whole", "The recommendation it is about, by number", False, ge=1, le=RECOMMENDATIONS),
        _text("actor", "Who did it, as a role", "Director of Finance"),
        _text("audience", "For whom it was, as a role", "trust board"),
        _text("summary", "What happened or is planned, in a sentence", "Progress on e-rostering was reported", True),
        _text("source", "Where it is known from", "board paper of 12 Sept 2018, item 7", True),
        _choice("confidence", "How sure the source is", CONFIDENCES),
        _text("fulfils", "The plan that it is the outcome of, by its event id", "EV030"),
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
        self.events: list[dict] = []
        self._frames: list[pl.DataFrame] = []
        self._seen: dict[tuple, int | None] = {}

    @property
    def findings(self) -> pl.DataFrame:
        return findings.join(self._frames)

    def found(self, rule: str, message: str, **place) -> None:
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
            row.wrong(
                "EVT-REPEAT",
                "summary",
                f"This row says the same as line {self._seen[key]}. Expected each event once: remove one.",
            )
        self._seen.setdefault(key, line)
        self.events.append(event)


class _Row:
    """The checks of one row."""

    def __init__(self, checked: Checked, cells: dict[str, str], line, sheet, today: date) -> None:
        self.checked, self.place, self.today, self.faulty = checked, {"line": line, "sheet": sheet}, today, False
        self.cells = {name: (cells.get(name) or "").strip() for name in FIELDS}

    def wrong(self, rule: str, name: str, message: str) -> None:
        self.faulty = True
        self.checked.found(rule, message, column_name=name, raw_value=self.cells[name], **self.place)

    def event(self) -> dict:
        """The row as columns of core.event, with every fault reported."""
        self._required_and_choices()
        first, last = self._dates()
        for check in (self._provider, self._collection, self._recommendation, self._fulfils, self._texts):
            check()
        get = self.cells.get
        return {
            "occurred_from": first and first.isoformat(), "occurred_to": last and last.isoformat(), "date_precision": get("date_precision"),
            "kind": get("kind"), "status": get("status"), "provider_code": get("provider").upper() or None,
            "collection": get("collection") or None, "period": get("period") or None,
            "recommendation_number": int(get("recommendation")) if re.fullmatch(r"\d{1,2}", get("recommendation"), re.ASCII) else None,
            "actor": get("actor"), "audience": get("audience"), "summary": get("summary"), "source": get("source"),
            "confidence": get("confidence"), "fulfils": get("fulfils") or None,
        }  # fmt: skip

    def _required_and_choices(self) -> None:
        for name, spec in FIELDS.items():
            text = self.cells[name]
            if spec.kind == "choice":
                self.cells[name] = text = text.lower().replace(" ", "_")
            if spec.required and not text:
                self.wrong("VAL-MISSING", name, f"{spec.title} is missing. Expected {spec.expected()}: fill the cell.")
            elif spec.kind == "choice" and text not in spec.options:
                self.wrong(
                    "VAL-TYPE",
                    name,
                    f"'{text}' is no {name.replace('_', ' ')} that is known. Expected {spec.expected()}.",
                )

    def _dates(self) -> tuple[date | None, date | None]:
        precision, first, last = self.cells["date_precision"], None, None
        if self.cells["date"] and precision in PRECISIONS:
            try:
                first, last = span(self.cells["date"], precision)
            except ValueError as wanted:
                self.wrong(
                    "VAL-TYPE", "date", f"'{self.cells['date']}' is no date to the {precision}. Expected {wanted}."
                )
        if text := self.cells["date_end"]:
            try:
                last = _day(text)
                if last is None:
                    raise ValueError
            except ValueError:
                self.wrong(
                    "VAL-TYPE", "date_end", f"'{text}' is no day. Expected a day such as 2018-12-31, or an empty cell."
                )
        if not first:
            return None, None
        latest = self.today.year + YEARS_AHEAD
        if not FIRST_YEAR <= first.year <= latest:
            said = (
                f"{first} is far from the programme. Expected a year from {FIRST_YEAR} to {latest}: correct the date."
            )
            self.wrong("EVT-DATE", "date", said)
        elif self.cells["status"] in ("actual", "inferred") and first > self.today:
            said = f"It is said to have happened, but {first} is still to come. Make its status planned, or correct the date."
            self.wrong("EVT-FUTURE", "date", said)
        if last and last < first:
            said = f"It ends on {last}, before it begins on {first}. Correct one of the two."
            self.wrong("EVT-DATE", "date_end" if self.cells["date_end"] else "date", said)
        return first, last

    def _provider(self) -> None:
        code = self.cells["provider"].upper()
        if code and not reference.load().knows(code):
            self.wrong(
                "EVT-TRUST",
                "provider",
                f"'{code}' is not the ODS code of a known provider. Expected a code such as RY8, or an empty cell for an event of the programme.",
            )
        if self.cells["kind"] == "board_report" and not code:
            self.wrong(
                "EVT-BOARD",
                "provider",
                "A board report needs the trust that reported. Expected its ODS code such as RY8.",
            )

    def _collection(self) -> None:
        name, period = self.cells["collection"], self.cells["period"]
        if name and name not in catalogue.all():
            self.wrong(
                "EVT-RETURN",
                "collection",
                f"'{name}' is no collection. Expected one of {', '.join(catalogue.all())}, or an empty cell.",
            )
        if period and not name:
            self.wrong(
                "EVT-RETURN", "period", "A period belongs to a collection. Name the collection too, or empty the cell."
            )
        if period and not (re.fullmatch(MONTH, period) or re.fullmatch(FINANCIAL_YEAR, period)):
            self.wrong(
                "VAL-TYPE",
                "period",
                f"'{period}' is no period. Expected a month such as 2025-06, or a financial year such as 2016-17.",
            )

    def _recommendation(self) -> None:
        text = self.cells["recommendation"]
        if text and not (re.fullmatch(r"\d{1,2}", text, re.ASCII) and 1 <= int(text) <= RECOMMENDATIONS):
            self.wrong(
                "VAL-TYPE",
                "recommendation",
                f"'{text}' is the number of no recommendation. Expected one whole number from 1 to {RECOMMENDATIONS}; an event about several takes a row for each.",
            )
        if self.cells["kind"] == "board_report" and not text:
            self.wrong(
                "EVT-BOARD",
                "recommendation",
                f"A board report needs the recommendation that it is about. Expected a number from 1 to {RECOMMENDATIONS}.",
            )

    def _fulfils(self) -> None:
        text = self.cells["fulfils"]
        if not text:
            return
        if not FULFILLED.fullmatch(text):
            self.wrong(
                "EVT-FULFILS",
                "fulfils",
                f"'{text}' is no event id. Expected the id of a plan as the timeline gives it, such as EV030, or an empty cell.",
            )
        elif text.startswith("EV"):
            plans = {event.event_id for event in reference.load().programme_events if event.status in PLANS}
            if text[:5] not in plans:
                self.wrong(
                    "EVT-FULFILS",
                    "fulfils",
                    f"{text} is no plan or deadline of the programme. Expected the id of one, such as EV030.",
                )
        if self.cells["status"] in PLANS:
            self.wrong(
                "EVT-FULFILS",
                "fulfils",
                f"Only what happened fulfils a plan, and the status is {self.cells['status']}. Make it actual, or empty this cell.",
            )

    def _texts(self) -> None:
        for name, most in LONGEST.items():
            text = self.cells[name]
            if len(text) > most:
                self.wrong(
                    "EVT-LONG",
                    name,
                    f"{FIELDS[name].title} has {len(text):,} characters. Expected {most} at most: shorten it.",
                )
            if "\x00" in text:
                self.wrong(
                    "VAL-TYPE", name, "The cell holds a character that is no text. Expected plain words: type it anew."
                )
            if any(pattern.search(text) for pattern in CONTACT):
                self.wrong(
                    "EVT-CONTACT",
                    name,
                    "The cell holds what looks like an e-mail address or a telephone number. Expected a role such as Director of Finance: people's details are not kept here.",
                )

"""What a file is about: its period, its sender and its part. Content outranks the name; what cannot be a period or a code says nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from .. import catalogue, reference
from ..catalogue import Collection, layouts
from ..catalogue.layouts import Layout
from ..reference import calendar
from . import periods
from .harmless import harmless
from .reading import Reading

LONGEST_NAME = 1024  # characters of a name that are looked at; object stores take no longer keys
NAME_SHOWN = 100  # characters of a name in a message


@dataclass(frozen=True)
class Named:
    """What a file's name could say.

    Attributes:
        periods: possible periods where the template has them in the name, such as 2025-06.
        others: possible periods that are written in another way or at another place (Jun-25, 202506); they say nothing
            against the content.
        impossible: what would be a period, but one that has not ended or is before the collection's first.
        codes: ODS codes, of trusts that are known or at the place where the template has the code.
        other_codes: further known codes, such as letters that may be a word; they say nothing against the content.
    """

    periods: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    impossible: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    other_codes: tuple[str, ...] = ()

    @property
    def period(self) -> str | None:
        """The one period that the name says; None where it says none or several."""
        said = self.periods or self.others
        return said[0] if len(said) == 1 else None

    @property
    def code(self) -> str | None:
        """The one trust that the name says; None where it says none or several."""
        said = self.codes or self.other_codes
        return said[0] if len(said) == 1 else None


def identify(reading: Reading, received_at: datetime | None = None) -> None:
    """Finds period, sender and part of a file, and holds what cannot be or contradicts itself.

    Args:
        reading: the file as read; gets period, sender, part and findings.
        received_at: when the file was received, which a period must have ended by; None: now.
    """
    declared = catalogue.load(reading.collection)
    layout = reading.layout
    received_at = received_at or datetime.now(UTC)
    reading.part = layout.part if layout else ""
    said = in_name(reading.collection, reading.file_name, received_at, layout)
    _identify_period(reading, declared, said, received_at)
    if declared.is_national:
        reading.sender = declared.publisher
    else:
        _identify_trust(reading, said)


def impossible(collection: str, period: str, received_at: datetime) -> str | None:
    """Why a file that was received then cannot be about a period, in words that follow its name; None where it can.

    A period must have ended, in Europe/London, unless the catalogue says `periods_ahead`, and not be before the collection's first.
    """
    declared = catalogue.load(collection)
    if calendar.period_start(period) < calendar.period_start(declared.first_period):
        return f"is before {declared.first_period}, the first that is collected"
    today = received_at.astimezone(calendar.LONDON).date()
    if declared.periods_ahead is None:
        return None if calendar.period_end(period) < today else "had not ended when the file was received"
    latest = calendar.period_of(today, declared.frequency)
    for _ in range(declared.periods_ahead):
        latest = calendar.next_period(latest)
    if calendar.period_start(period) <= calendar.period_start(latest):
        return None
    return "was too far ahead when the file was received"


def in_name(collection: str, file_name: str, received_at: datetime, layout: Layout | None = None) -> Named:
    """What a file's name could say about it; of the layout that it has, or of all of the collection's."""
    declared, name = catalogue.load(collection), file_name[:LONGEST_NAME]
    ways = [layout] if layout else layouts.load(collection)
    at_place: list[str] = []
    elsewhere: list[str] = []
    impossibles: list[str] = []
    for found, by_template in _periods_in(name, ways, declared.frequency):
        if impossible(collection, found, received_at):
            impossibles.append(found)
        else:
            (at_place if by_template else elsewhere).append(found)
    codes, others = ([], []) if declared.is_national else _codes_in(name, ways)
    first = dict.fromkeys  # each once, in their order
    return Named(*(tuple(first(found)) for found in (at_place, elsewhere, impossibles, codes, others)))


# Periods --------------------------------------------------------------------------------------------------------------


def _identify_period(reading: Reading, declared: Collection, said: Named, received_at: datetime) -> None:
    always = reading.layout.period.get("always") if reading.layout else None
    inside = always or _period_in_column(reading, declared.frequency)
    reading.period = inside or said.period
    why_not = impossible(declared.name, inside, received_at) if inside else None
    if why_not:
        reading.period = None
    name = harmless(reading.file_name, NAME_SHOWN)
    if not reading.layout:
        return  # what was found about a file that could not be read is enough
    if why_not:
        _hold_period(
            reading,
            f"{name} is about {inside}, which {why_not}. Correct the period in the file, or send the return of one that is over.",
        )
    elif inside and said.periods and inside not in said.periods + said.others:
        _hold_period(
            reading,
            f"The file's name says {_list(said.periods)}, but its content is about {inside}. Rename the file, or send the one that was meant.",
        )
    elif not reading.period:
        example = "2025-06" if declared.frequency == "month" else "2016-17"
        where = (
            "in the column 'period' or in the file's name" if declared.kind == "each_trust" else "in the file's name"
        )
        if several := said.periods or said.others:
            what = f"The name of {name} could mean {_list(several)}, and its content names no period."
        elif said.impossible:
            one = said.impossible[0]
            what = f"The name of {name} says {one}, which {impossible(declared.name, one, received_at)}."
        else:
            what = f"Could not determine the period of {name}."
        _hold_period(reading, f"{what} Expected one period {where}, for example {example}.")
    elif inside and said.impossible and not said.periods:
        one = said.impossible[0]
        reading.found(
            "FIL-PERIOD",
            f"The file's name says {one}, which {impossible(declared.name, one, received_at)}; its content is about {inside} and was read as that. "
            "Rename the file, or send the one that was meant.",
            severity="warn",
        )
    elif not inside and not said.periods:
        reading.found(
            "FIL-READ-AS",
            f"The period was understood from the name {name} as {reading.period}. Nothing to do if that is right.",
            severity="info",
        )


def _hold_period(reading: Reading, message: str) -> None:
    reading.found("FIL-PERIOD", message)


def _period_in_column(reading: Reading, frequency: str) -> str | None:
    """The period that most rows name; None where none names one."""
    rule = reading.layout.period if reading.layout else {}
    column = rule.get("column")
    for table in reading.tables:
        if column in table.frame.columns and table.frame.height:
            values = table.frame[column]
            if "pattern" in rule:
                found = values.str.strip_chars().str.extract_groups(rule["pattern"]).struct
                second = "next" if "(?P<next>" in rule["pattern"] else "month"
                values = periods.read(found.field("year") + "-" + found.field(second), frequency)
            elif "format" in rule:
                values = periods.months_of_dates(values, rule["format"])
            else:
                values = periods.read(values, frequency)
            if most := _most_common(values):
                return most
    return None


_MONTHS = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
# Not part of a longer number, such as that of a telephone, and of a century that somebody may have meant.
_YEAR = "(?<![0-9])(?P<year>(?:19|2[0-2])[0-9]{2})"
_IN_NAMES = {
    "month": [
        re.compile(rf"{_YEAR}(?:(?P<between>[-_. ])(?P<month>[0-9]{{1,2}})|(?P<next>[0-9]{{2}}))(?![0-9])"),
        re.compile(rf"(?<![a-z])(?P<word>{_MONTHS})[-_. ']{{0,2}}(?P<year>20[0-9]{{2}}|[0-9]{{2}})(?![0-9])", re.I),
    ],
    "financial_year": [
        re.compile(rf"{_YEAR}[-_. ]?(?P<next>[0-9]{{4}}|[0-9]{{2}})(?![0-9])"),
        re.compile(r"(?<![0-9])(?P<year>[0-9]{2})[-_](?P<next>[0-9]{2})(?![0-9])"),
    ],
}
_DAY_BEFORE = re.compile(r"(?<![A-Za-z0-9])[0-9]{1,2}(?:st|nd|rd|th)?[-_. ]?$", re.I)


def _periods_in(name: str, ways: Sequence[Layout], frequency: str) -> Iterator[tuple[str, bool]]:
    """Every (period, whether it stands as the template has it) that a name could say."""
    for way in ways:
        if "name" in way.period:
            second = "month" if frequency == "month" else "next"
            for match in re.compile(way.period["name"], re.ASCII).finditer(name):
                longer = name[: match.start("year")][-1:].isdigit() or name[match.end(second) :][:1].isdigit()
                period = None if longer else _meaning(f"{match['year']}-{match[second]}", frequency)
                if period and not (frequency == "month" and _day_after(name, match.end(second), "-")):
                    yield period, True
    for pattern in _IN_NAMES[frequency]:
        for match in pattern.finditer(name):
            if period := _elsewhere(name, match.groupdict(), match.start(), match.end(), frequency):
                yield period, False


def _elsewhere(name: str, parts: dict[str, str | None], start: int, end: int, frequency: str) -> str | None:
    """The period of a token that is written as people do. A date says when a file was made, but for the first or last day of a month."""
    if word := parts.get("word"):
        return (
            None
            if _DAY_BEFORE.search(name[max(0, start - 6) : start])
            else _meaning(f"{word}-{parts['year']}", frequency)
        )
    period = _meaning(f"{parts['year']}-{parts.get('month') or parts['next']}", frequency)
    if period and frequency == "month" and (day := _day_after(name, end, parts["between"] or "")):
        return _meaning(f"{period}-{day}", frequency)
    return period


def _meaning(text: str, frequency: str) -> str | None:
    return periods.month(text) if frequency == "month" else periods.financial_year(text)


def _day_after(name: str, end: int, between: str) -> str | None:
    """The two digits that make a date of a year and month that end there."""
    found = re.match(rf"{re.escape(between)}([0-9]{{2}})(?![0-9])", name[end : end + 4])
    return found[1] if found else None


# Senders --------------------------------------------------------------------------------------------------------------


def _identify_trust(reading: Reading, said: Named) -> None:
    inside, known = _code_in_column(reading), reference.load().knows
    # A code that is known outranks one that is not: it may be misspelt in every row, which is for those rows to say.
    reading.sender = (
        said.code if inside and said.code and known(said.code) and not known(inside) else inside or said.code
    )
    if not reading.layout:
        return
    name = harmless(reading.file_name, NAME_SHOWN)
    if reading.sender is None:
        several = said.codes or said.other_codes
        what = (
            f"The name of {name} could mean {_list(several)}, and its content names no trust."
            if several
            else f"Could not determine which trust sent {name}."
        )
        reading.found("FIL-SENDER", f"{what} Expected its ODS code in the column 'ods_code'.")
    elif inside == reading.sender and said.codes and inside not in said.codes + said.other_codes:
        reading.found(
            "FIL-SENDER",
            f"The file's name says {_list(said.codes)}, but its content is about {inside}. Rename the file, or send the one that was meant.",
        )


def _code_in_column(reading: Reading) -> str | None:
    """The code that most rows name; None where none names one."""
    column = reading.layout.sender.get("column") if reading.layout else None
    for table in reading.tables:
        if column in table.frame.columns and table.frame.height:
            values = table.frame[column].str.strip_chars(periods.INVISIBLE + " \t\r\n'\"\u00a0").str.to_uppercase()
            if most := _most_common(values.filter(values.str.contains(r"^[A-Z0-9]{3,5}$").fill_null(False))):
                return most
    return None


def _codes_in(name: str, ways: Sequence[Layout]) -> tuple[list[str], list[str]]:
    """Codes that a name says, and further known ones that may be words."""
    known = reference.load().knows
    at_place = [
        match["code"]
        for way in ways
        for match in re.finditer(way.sender.get("name", "(?!)"), name, re.ASCII)
        if known(match["code"]) or _plausible(match["code"])
    ]
    tokens = [token for token in re.split(r"[^A-Za-z0-9]+", name) if len(token) in (3, 5) and known(token.upper())]
    plain = [token for token in tokens if token.isupper() and re.search("[0-9]", token)]
    return at_place + plain, [token.upper() for token in tokens]


_MARKS = re.compile("[MPQVWY][0-9]{2}")  # months, quarters, versions and weeks


def _plausible(code: str) -> bool:
    """Whether a text that is no known code could be one, such as RZ9 or G6V2S; FINAL, V10, COPY2 and JUN25 could not."""
    three = re.fullmatch("[A-Z](?=.?[0-9])[A-Z0-9]{2}", code) and not _MARKS.fullmatch(code)
    return bool(three or re.fullmatch("[A-Z][0-9][A-Z0-9][0-9][A-Z]", code))


def _most_common(values: pl.Series) -> str | None:
    counted = values.drop_nulls().value_counts(name="rows").rows()
    return min(counted, key=lambda one: (-one[1], one[0]))[0] if counted else None


def _list(texts: Iterable[str]) -> str:
    texts = list(texts)
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"

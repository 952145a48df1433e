"""Reads the publishers' own files of reference data (ODS trusts and successions, GOV.UK bank holidays) and proposes changes.

Nothing here writes a table: a person reviews what `propose` says and edits the CSV files. Contact details (address, postcode,
telephone) are never kept. Every fault in a file is a `ReferenceDataError` that names the line.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..reference import Holiday, ReferenceDataError, Tables

# The trusts file (etr) and the care trusts file (ect) have no header. The older layout lacks the last three columns, all empty.
ETR_WIDTHS = (24, 27)
CODE, NAME, REGION, ICB, OPEN, CLOSE, AMENDED = 0, 1, 2, 3, 10, 11, 21
# The succession file as ODS publishes it has no header (code, successor, reason, date, indicator; from general knowledge);
# copies in circulation have three columns and a header.
SUCCESSION_WIDTHS = (3, 5)
LARGEST = 50_000_000

TRUST_CODE = re.compile(r"[A-Z0-9]{3}(?:[A-Z0-9]{2})?")
ANY_CODE = re.compile(r"[A-Z0-9]{2,12}")
NAME_TEXT = re.compile(r"\w[\w &'’.,()/-]{0,199}")


@dataclass(frozen=True)
class Change:
    """One difference between a published file and our tables, for a person to review.

    `kind` is 'new', 'closed', 'reopened', 'opened' (another opening date) or 'renamed'; `known` is what our tables say (empty
    for a new provider), `found` what the file says; `sentence` says both and what to edit.
    """

    kind: str
    code: str
    known: str
    found: str
    sentence: str


def read_etr(content: bytes) -> list[dict[str, Any]]:
    """The rows of ODS's trusts file or care trusts file, in its order, without contact details.

    Each is a dict of code, name, region_code and icb_code (text, '' where blank), open and close (date or None) and amended (bool).

    Raises:
        ReferenceDataError: for another layout, encoding, code or date than ODS's, an empty file, or a code that is there twice.
    """
    rows: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    for line, cells in _lines(content, "trusts file", ETR_WIDTHS):
        code = _code(cells[CODE], TRUST_CODE, line, "three or five capital letters and digits, such as RYV or G6V2S")
        if code in lines:
            raise ReferenceDataError(
                f"Line {line}: {code} is there already, on line {lines[code]}. Expected each code once."
            )
        lines[code] = line
        row: dict[str, Any] = {
            "code": code,
            "name": _name(cells[NAME], line),
            "region_code": _optional_code(cells[REGION], line, "region"),
            "icb_code": _optional_code(cells[ICB], line, "ICB"),
            "open": _date(cells[OPEN], line, "opening date"),
            "close": _date(cells[CLOSE], line, "closing date"),
            "amended": _flag(cells[AMENDED], line),
        }
        if row["open"] and row["close"] and row["close"] < row["open"]:
            raise ReferenceDataError(
                f"Line {line}: {code} closed on {row['close']}, before it opened on {row['open']}. Ask ODS for a corrected file."
            )
        rows.append(row)
    return rows


def read_successions(content: bytes) -> list[dict[str, Any]]:
    """ODS's successions, in the file's order: dicts of from_code, to_code (any organisation or site) and legal_date.

    Accepts the published layout (five columns, no header) and the three-column copy headed old_code, new_code, date.

    Raises:
        ReferenceDataError: for another layout or encoding, a code or date that does not parse, or an empty file.
    """
    rows = []
    for line, cells in _lines(content, "successions file", SUCCESSION_WIDTHS):
        if len(cells) == 3 and line == 1:
            if cells != ["old_code", "new_code", "date"]:
                raise ReferenceDataError(
                    f"Line 1: the headings are {_short(','.join(cells))}; expected old_code,new_code,date."
                )
            continue
        legal_date = _date(cells[2] if len(cells) == 3 else cells[3], line, "date")
        if legal_date is None:
            raise ReferenceDataError(f"Line {line}: the date is empty; expected eight digits such as 20241101.")
        wanted = "two to twelve capital letters and digits"
        rows.append(
            {
                "from_code": _code(cells[0], ANY_CODE, line, wanted),
                "to_code": _code(cells[1], ANY_CODE, line, wanted),
                "legal_date": legal_date,
            }
        )
    if not rows:
        raise ReferenceDataError("The successions file has headings but no rows. Fetch it again.")
    return rows


def read_bank_holidays(content: bytes, division: str = "england-and-wales") -> list[Holiday]:
    """The bank holidays of GOV.UK's JSON feed for one division, in order of date.

    Raises:
        ReferenceDataError: when it is not that feed, lacks the division, or has a date that is not one or is there twice.
    """
    try:
        feed = json.loads(_text(content, "bank holidays file"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ReferenceDataError):
            raise
        reason = (
            f"line {error.lineno}: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else "it is nested too deeply"
        )
        raise ReferenceDataError(
            f"The bank holidays file is not JSON ({reason}). Fetch it again from GOV.UK."
        ) from None
    events = feed.get(division) if isinstance(feed, dict) else None
    events = events.get("events") if isinstance(events, dict) else None
    if not isinstance(events, list) or not events:
        raise ReferenceDataError(
            f"The bank holidays file has no events for {_short(division)}. Expected GOV.UK's own form."
        )
    found: dict[date, Holiday] = {}
    for number, event in enumerate(events, start=1):
        title, day = (event.get("title"), event.get("date")) if isinstance(event, dict) else (None, None)
        if not isinstance(title, str) or not NAME_TEXT.fullmatch(title.strip()):
            raise ReferenceDataError(
                f"Event {number} of {_short(division)} has title {_short(title)}; expected plain text."
            )
        if not isinstance(day, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            raise ReferenceDataError(
                f"Event {number} ({title}) has date {_short(day)}; expected a date such as 2026-12-25."
            )
        try:
            on = date.fromisoformat(day)
        except ValueError:
            raise ReferenceDataError(
                f"Event {number} ({title}) has date {day}, which is not in the calendar."
            ) from None
        if on in found:
            raise ReferenceDataError(
                f"Event {number} ({title}): {day} is there already, as {found[on].title}. Expected one a day."
            )
        found[on] = Holiday(on, title.strip().replace("’", "'"), "GOV.UK bank holidays")
    return [found[day] for day in sorted(found)]


def propose(tables: Tables, etr_rows: list[dict[str, Any]], as_at: date | None = None) -> list[Change]:
    """What a trusts file says that our tables do not, in order of code, for a person to review; changes nothing.

    `as_at` is the day the file describes (today when not said): what our tables know to happen later is no difference. Providers
    that the file leaves out are no difference either, since ODS lists care trusts elsewhere. Names are compared without case,
    punctuation and a leading 'The'.
    """
    as_at = as_at or date.today()
    changes = []
    for row in sorted(etr_rows, key=lambda row: row["code"]):
        code, name, opened, closed = row["code"], row["name"], row["open"], row["close"]
        if not tables.knows(code):
            state = f"open from {opened or 'an unknown day'}" + (f" to {closed}" if closed else "")
            changes.append(
                Change("new", code, "", name, f"{code} {name} ({state}) is new. Add it with a sector and a name.")
            )
            continue
        ours = tables.provider(code)
        if opened and opened != ours.open_from:
            changes.append(_change("opened", code, "opening date", ours.open_from, opened, "providers.csv"))
        if closed and closed != ours.open_to:
            changes.append(
                _change(
                    "closed",
                    code,
                    "closing date",
                    ours.open_to,
                    closed,
                    "providers.csv, and its successor in successions.csv",
                )
            )
        if not closed and ours.open_to and ours.open_to <= as_at:
            changes.append(_change("reopened", code, "closing date", ours.open_to, None, "providers.csv"))
        known = tables.name_on(code, as_at)
        if _plain(name) != _plain(known):
            changes.append(_change("renamed", code, "name", known, name, "provider_names.csv, with the day it changed"))
    return changes


def propose_successions(tables: Tables, rows: list[dict[str, Any]]) -> list[Change]:
    """Successions of providers that we know which our tables do not have, in the file's order; changes nothing.

    ODS's file is not complete, so what our tables have beyond it is no difference. Successors that are no trust are left out.
    """
    known = {(one.from_code, one.to_code) for one in tables.successions}
    return [
        Change(
            "succeeded", row["from_code"], "", row["to_code"],
            f"{row['from_code']} was succeeded by {row['to_code']} on {row['legal_date']}, which our tables do not say. Review successions.csv.",
        )
        for row in rows
        if (row["from_code"], row["to_code"]) not in known and tables.knows(row["from_code"]) and tables.knows(row["to_code"])
    ]  # fmt: skip


def propose_holidays(ours: dict[date, str], feed: list[Holiday]) -> list[Change]:
    """What GOV.UK's feed says of bank holidays that we do not, in order of date; changes nothing.

    The feed is a window of some years: what lies outside it is no difference. A day that is gone inside it is one.
    """
    theirs = {one.date: one.title for one in feed}
    changes = []
    for day in sorted(theirs.keys() | {one for one in ours if min(theirs) <= one <= max(theirs)}):
        known, found = ours.get(day, ""), theirs.get(day, "")
        if not known:
            changes.append(
                Change(
                    "holiday",
                    day.isoformat(),
                    "",
                    found,
                    f"{day} is a bank holiday ({found}) that our table does not have.",
                )
            )
        elif not found:
            sentence = f"{day} ({known}) is gone from GOV.UK's list. Find out why before anybody removes it from holidays.csv: deadlines move."
            changes.append(Change("holiday_gone", day.isoformat(), known, "", sentence))
    return changes


def _change(kind: str, code: str, what: str, known: object, found: object, where: str) -> Change:
    known, found = str(known or "none"), str(found or "none")
    return Change(
        kind,
        code,
        known,
        found,
        f"{code}: the {what} is {found} in the file and {known} in our tables. Review {where}.",
    )


def _plain(name: str) -> str:
    letters = re.sub(r"[^A-Z0-9 ]", "", name.upper().replace("&", " AND ").replace("NATIONAL HEALTH SERVICE", "NHS"))
    return " ".join(letters.split()).removeprefix("THE ")


def _lines(content: bytes, what: str, widths: tuple[int, ...]) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of each line that is not blank; all of one of the known widths."""
    lines = csv.reader(io.StringIO(_text(content, what), newline=""), strict=True)
    width, expected = None, " or ".join(map(str, widths))
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            break
        except csv.Error as error:
            raise ReferenceDataError(
                f"Line {lines.line_num} of the {what} is not CSV ({error}). Fetch it again."
            ) from None
        if not cells:
            continue
        if len(cells) not in widths or (width and len(cells) != width):
            raise ReferenceDataError(
                f"Line {lines.line_num} of the {what} has {len(cells)} columns; expected {width or expected}. "
                "Check that the whole file came, and that ODS has not changed its layout."
            )
        width = len(cells)
        yield lines.line_num, [cell.strip() for cell in cells]
    if width is None:
        raise ReferenceDataError(f"The {what} is empty. Fetch it again.")


def _text(content: bytes, what: str) -> str:
    if len(content) > LARGEST:
        raise ReferenceDataError(
            f"The {what} has {len(content):,} bytes; expected at most {LARGEST:,}. Check what was fetched."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ReferenceDataError(
            f"Line {line} of the {what} is not UTF-8. Fetch the file again, or save it as UTF-8."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ReferenceDataError(
            f"Line {line} of the {what} has a null character, so it is not plain text. Fetch it again."
        )
    return text


def _code(text: str, pattern: re.Pattern[str], line: int, wanted: str) -> str:
    if not pattern.fullmatch(text):
        raise ReferenceDataError(f"Line {line}: the code is {_short(text)}; expected {wanted}.")
    return text


def _optional_code(text: str, line: int, what: str) -> str:
    if text and not ANY_CODE.fullmatch(text):
        raise ReferenceDataError(
            f"Line {line}: the {what} code is {_short(text)}; expected capital letters and digits, or nothing."
        )
    return text


def _name(text: str, line: int) -> str:
    if not NAME_TEXT.fullmatch(text):
        raise ReferenceDataError(
            f"Line {line}: the name is {_short(text)}; expected a name of up to 200 plain characters."
        )
    return text


def _date(text: str, line: int, what: str) -> date | None:
    if not text:
        return None
    try:
        if not re.fullmatch(r"[0-9]{8}", text):
            raise ValueError
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ReferenceDataError(
            f"Line {line}: the {what} is {_short(text)}; expected eight digits such as 20241101."
        ) from None


def _flag(text: str, line: int) -> bool:
    if text not in ("", "0", "1"):
        raise ReferenceDataError(f"Line {line}: the amended flag is {_short(text)}; expected 0 or 1.")
    return text == "1"


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:40] + "…")

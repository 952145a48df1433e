"""What a trust replied in the workbook that it was sent: written beside the findings, read when the workbook comes back.

What the workbook's findings were stands in its manifest, so that rows and texts on the list may be moved or changed and a reply still
belongs to its finding. The file that came back is a version of its own: a reply is about the same row in that version.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from .. import schemas
from ..reading import read, safely
from ..reading.reading import Reading
from ..reading.workbook import Book
from ..reference import reply_reasons
from ..stores import child_process
from ..stores.child_process import Ended
from ..validation import one_cell
from ..validation.row_keys import row_keys
from . import manifest

MOST = 1_000  # findings that can be answered in a workbook
LONGEST = 500  # characters of a note or a value
NUMBER = "No."  # the heading of the finding's number
HEADINGS = ("Your reply", "Reason", "Correct value", "Note")
KINDS = {"confirm": "It is right", "correct": "Correct it"}
# Rules whose findings cannot be confirmed, as core.rule_limit has them: there is no value that could be right.
NOT_CONFIRMED = frozenset(
    {
        "FIL-EMPTY", "FIL-KIND", "FIL-DAMAGED", "FIL-SIZE", "FIL-PERIOD", "FIL-SENDER", "FIL-ARRIVED", "STR01", "STR02", "STR03", "STR04",
        "VAL-TYPE", "VAL-MISSING", "DEC-HOLD", "DEC-RETURN", "DEC-GONE", "SYS-ERROR",
    }
)  # fmt: skip


class Asked(NamedTuple):
    """A finding that can be answered, as the manifest names it: where it stands in the workbook, and what it says."""

    number: int
    rule_id: str
    sheet: str | None
    line: int | None
    row_key: str
    column_name: str | None
    raw_value: str | None
    message: str
    may_confirm: bool
    may_correct: bool


@dataclass(frozen=True)
class Replies:
    """What was replied.

    Attributes:
        given: the number of each finding with the columns of core.reply, but for the submission.
        not_read: what could not be read as a reply, by the number of its finding.
    """

    given: list[tuple[int, dict[str, Any]]]
    not_read: list[tuple[int, str]]


def may_be_answered(finding: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether a finding can be confirmed, and whether its cell can be corrected, by the trust."""
    is_open = finding["decision_id"] is None and finding["severity"] != "info" and finding["responsible"] == "trust"
    is_cell = finding["scope"] in ("cell", "row") and finding["line"] is not None and finding["column_name"] is not None
    return is_open and finding["rule_id"] not in NOT_CONFIRMED, is_open and is_cell


def read_back(content: bytes | Path, file_name: str, collection: str) -> Replies:
    """What was replied in a workbook of ours that came back; nothing where it is none, or cannot be read."""
    try:
        return child_process.run(_read_back, content, file_name, collection)
    except Ended:
        return Replies([], [])


def _read_back(content: bytes | Path, file_name: str, collection: str) -> Replies:
    """Runs in the child process."""
    content = safely.bytes_of(content)
    answer = manifest.of(content)
    if answer is None or not answer.intact:
        return Replies([], [])
    asked = {one.number: one for one in (Asked(*row) for row in answer.findings)}
    book = Book(content, file_name)
    written = [row for sheet in answer.sheets if sheet in book.names for row in _rows(book.rows(sheet))]
    found = Replies([], [])
    reading: Reading | None = None
    for number, texts in dict(written).items():
        if not any(texts.values()):
            continue
        if number not in asked:
            found.not_read.append((number, "This finding cannot be answered in the workbook. Send a corrected file."))
            continue
        reading = reading or read.read(content, file_name, collection)
        reply, why = _reply(asked[number], texts, reading)
        if why:
            found.not_read.append((number, why))
        else:
            found.given.append((number, reply))
    return found


def _rows(rows: list[list[str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """The numbers of the findings on a sheet of the list, with the texts of the columns for replies."""
    at: dict[str, int] = {}
    for row in rows[: MOST * 50]:
        cells = [cell.strip() for cell in row]
        if NUMBER in cells and HEADINGS[0] in cells:
            at = {name: cells.index(name) for name in (NUMBER, *HEADINGS) if name in cells}
        elif at and len(cells) > at[NUMBER] and cells[at[NUMBER]].isascii() and cells[at[NUMBER]].isdigit():
            texts = {name: cells[at[name]] if name in at and len(cells) > at[name] else "" for name in HEADINGS}
            yield int(cells[at[NUMBER]][:9]), texts


def _reply(one: Asked, texts: Mapping[str, str], reading: Reading) -> tuple[dict[str, Any], str]:
    """A reply as core.reply has it, or why it cannot be read as one."""
    said, reason, value, note = (texts[name] for name in HEADINGS)
    kind = next((kind for kind, words in KINDS.items() if said.casefold() in (kind, words.casefold())), "")
    if not said and bool(reason) != bool(value):  # plainly meant
        kind = "confirm" if reason else "correct"
    place, why = _place(one, reading)
    why = why or _why_not(one, kind, reason, value, note)
    code = known.code if kind == "confirm" and (known := reply_reasons.by_words(reason)) else None
    if not why and kind == "correct":
        why = one_cell.wrong(reading, place["sheet"], one.column_name, value) or ""
    reply = place | {
        "kind": kind, "rule_id": one.rule_id, "column_name": one.column_name, "raw_value": one.raw_value, "message": one.message,
        "reason_code": code, "new_value": value if kind == "correct" else None, "note": note,
    }  # fmt: skip
    return reply, why


def _why_not(one: Asked, kind: str, reason: str, value: str, note: str) -> str:
    known = reply_reasons.by_words(reason)
    if not kind:
        return f"Choose '{KINDS['confirm']}' with a reason, or '{KINDS['correct']}' with a correct value."
    if len(note) > LONGEST or len(value) > LONGEST:
        return f"Shorten the note or the value to {LONGEST} characters."
    if kind == "confirm":
        if not one.may_confirm:
            return "This finding cannot be confirmed. Give a correct value, or send a corrected file."
        if known is None:
            return "The reason is none of the list. Choose one of the list."
        return f"{known.asks}." if known.asks and not note else ""
    if not one.may_correct:
        return "This finding is not about one cell. Confirm it, or send a corrected file."
    return "The correct value is the one that was sent." if value == (one.raw_value or "").strip() else ""


def _place(one: Asked, reading: Reading) -> tuple[dict[str, Any], str]:
    """Where the finding stands in the file that came back: on the same line, or on the only line with its row's key."""
    if one.line is None:
        return {"sheet": None, "line": None}, ""
    schema = schemas.load(reading.collection)
    for table in reading.tables:
        if table.sheet != one.sheet:
            continue
        rows = pl.DataFrame(
            {"line": table.frame["line"], "key": row_keys(table, schema).str.slice(0, manifest.MOST_KEY)}
        )
        same = rows.filter(pl.col("key") == one.row_key)
        if one.line in same["line"]:
            return {"sheet": table.sheet, "line": one.line}, ""
        if same.height == 1:
            return {"sheet": table.sheet, "line": same["line"][0]}, ""
    return {"sheet": one.sheet, "line": one.line}, "Its row is not in this file any more, or is there more than once."

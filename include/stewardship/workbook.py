"""The trust's own workbook back: its sheets as sent, with failing cells marked, every finding listed, and a hidden manifest.

It is written anew and never made by editing the file that was sent: no macro, link or formula of that file is in it.
"""

import contextlib
import os
import re
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import polars as pl
import psycopg
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from .. import catalogue
from ..pipeline import findings as frames
from ..pipeline.grid import Unreadable
from ..pipeline.reading import Reading
from . import advice, manifest, rows, sheets
from .manifest import Answer, answered
from .plain import MOST_IN_CELL, cut, harmless, in_cell, runs

__all__ = ["Answer", "TooLarge", "answered", "build", "build_from", "findings_of", "name_of"]

MOST_ROWS = 1_048_576  # of a sheet, in Excel
NOTES = 5_000  # cells that get a note; with many more, whoever opens the workbook waits for them to be drawn
MOST_NOTE = 1_000  # characters of a note
IN_ONE_NOTE = 8  # findings of one cell that its note tells
LINKS = 65_000  # of a sheet; Excel takes 65,530
WRAPPED = 2_000  # findings up to which the list wraps its cells; beyond, working out the heights takes too long
LOOKED_AT = 500  # rows by which the widths of columns are chosen
LIST = "Findings"
HEADINGS = (
    "No.", "Cell", "Line in your file", "Heading", "Rule", "Severity", "What was sent", "What was found, and what would pass",
    "What to do",
)  # fmt: skip
WIDTHS = (7, 22, 10, 24, 13, 30, 28, 90, 50)

# How failing cells look: by fill, and for whoever does not see it by border and lettering. The worst finding of a cell tells.
LOOKS = {
    "must": {"bg_color": "#F6CCC8", "border": 5, "bold": True},
    "look": {"bg_color": "#FFF0C2", "border": 3, "italic": True},
    "none": {"bg_color": "#E4E7EB", "border": 4},
}
LEGEND = {
    "must": "thick border, bold: must be corrected (it holds the return, or its row is left out)",
    "look": "dashed border, italic: to be looked at (it counts)",
    "none": "dotted border: for information, or passed over by a decision",
}
EXACT = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{0,14}[1-9])?", re.ASCII)


class TooLarge(ValueError):
    """A return that no workbook can hold; the message says how large it is and what to do."""


def build(connection: psycopg.Connection, submission_id: str, out: Path) -> None:
    """Writes the workbook of a submission with its findings as they stand.

    Raises:
        LookupError: there is no such submission.
        TooLarge: it has more rows than a sheet of a workbook.
    """
    content, file_name, collection = rows.content_of(connection, submission_id)
    build_from(
        content, file_name, collection, findings_of(connection, submission_id), _about(connection, submission_id), out
    )


def findings_of(connection: psycopg.Connection, submission_id: str) -> pl.DataFrame:
    """Every finding of a submission as it stands, in the order of the file, with the decision that passes over it."""
    columns = frames.COLUMNS | {"decision_id": pl.Int64}
    found = connection.execute(
        f"SELECT {', '.join(columns)} FROM intake.findings WHERE submission_id = %s ORDER BY sheet NULLS FIRST, line NULLS FIRST, rule_id, column_name, finding_id",
        [submission_id],
    ).fetchall()
    return pl.DataFrame(found, schema=columns, orient="row")


def build_from(content: bytes, file_name: str, collection: str, findings: pl.DataFrame, about: dict, out: Path) -> None:
    """Writes the workbook of a file.

    Args:
        findings: columns as in `pipeline.findings.COLUMNS`, and perhaps decision_id.
        about: submission_id and sha256, and as far as known period, sender, name (of the sender), version, received_at, is_sample.
        out: the workbook; nothing stands there until it is whole.

    Raises:
        TooLarge: it has more rows than a sheet of a workbook.
    """
    reading = rows.as_sent(content, file_name, collection)
    try:
        sent, said = sheets.of(content, file_name, reading)
    except Unreadable as error:
        sent, said = [], [f"Your file could not be read, so it is not shown here. {error.message}"]
    answer = manifest.of(content)
    ours = {name.casefold() for name in answer.sheets} if answer else set()
    sent = [sheet for sheet in sent if sheet.name.casefold() not in ours]
    for sheet in sent:
        if sheet.height > MOST_ROWS:
            raise TooLarge(
                f"{harmless(file_name)} has {sheet.height:,} rows, and a sheet of a workbook holds {MOST_ROWS:,}. "
                "Send the trust the list of findings as CSV instead."
            )
    about = about | {"collection": collection, "file_name": file_name}
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        _write(draft, sent, said, reading, findings, about)
        os.replace(draft, out)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def name_of(about: dict) -> str:
    """A file name for the workbook, by which it is recognised when it comes back."""
    parts = [re.sub(r"[^A-Za-z0-9_-]+", "-", about.get(name) or "") for name in ("collection", "sender", "period")]
    return "_".join(filter(None, [*parts, "to_correct"])) + ".xlsx"


def _about(connection: psycopg.Connection, submission_id: str) -> dict:
    row = connection.execute(
        """SELECT s.submission_id, s.sha256, s.period, s.sender, p.provider_name, s.version, s.received_at, s.is_sample
           FROM intake.submissions s LEFT JOIN published.providers p ON p.provider_code = s.sender
           WHERE s.submission_id = %s""",
        [submission_id],
    ).fetchone()
    names = ("submission_id", "sha256", "period", "sender", "name", "version", "received_at", "is_sample")
    return dict(zip(names, row, strict=True))


# Writing -----------------------------------------------------------------------------------------------------------


@dataclass
class _Draft:
    """A workbook while it is written."""

    book: xlsxwriter.Workbook
    findings: pl.DataFrame
    looks: list[str]  # of each finding
    said: list[str]  # what must be told on the list of findings
    names: set[str] = field(default_factory=set)
    formats: dict = field(default_factory=dict)
    places: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # finding -> sheet, row, column
    notes: int = 0
    unnoted: int = 0
    replaced: int = 0
    too_long: list[str] = field(default_factory=list)

    def form(self, look: str | None, style: str):
        """The format of a cell that looks so and holds a value of that style; made once."""
        key = look, style
        if key not in self.formats and (look or style):
            properties = dict(LOOKS[look]) if look else {}
            if style in ("text", "risky"):
                properties["num_format"] = "@"  # so that what is typed there stays as it is typed
            elif style:
                properties["num_format"] = style
            if style == "risky":
                properties["quote_prefix"] = True  # or it would turn into a formula when somebody edits the cell
            self.formats[key] = self.book.add_format(properties)
        return self.formats.get(key)

    def called(self, name: str) -> str:
        """A name that a sheet can have: the one that is asked for, if nothing is in the way."""
        plain = re.sub(r"[\[\]:*?/\\]", "-", in_cell(name)).strip("'")[:31].strip() or "sheet"
        made, number = plain, 1
        while made.casefold() in self.names or made.casefold() == "history":
            number += 1
            made = f"{plain[: 28 - len(str(number))]} ({number})"
        self.names.add(made.casefold())
        return made


def _write(path: Path, sent, said: list[str], reading: Reading, findings: pl.DataFrame, about: dict) -> None:
    if "decision_id" not in findings.columns:
        findings = findings.with_columns(decision_id=pl.lit(None, pl.Int64))
    look = (
        pl.when(pl.col("decision_id").is_not_null())
        .then(pl.lit("none"))
        .otherwise(
            pl.col("severity").replace_strict({"hold": "must", "reject": "must", "warn": "look"}, default="none")
        )
    )
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(str(path), options)
    draft = _Draft(book, findings, findings.select(look).to_series().to_list(), list(said))
    properties = {"title": f"{catalogue.load(reading.collection).title}: findings", "author": "trust-benchmarks"}
    # The time that the return was received, so that the same workbook has the same bytes however often it is made.
    received = about.get("received_at") or datetime(2000, 1, 1, tzinfo=UTC)
    properties["created"] = (received.astimezone(UTC) if received.tzinfo else received).replace(tzinfo=None)
    book.set_properties(properties)
    draft.names.add(manifest.SHEET)
    marks = _by_place(findings)
    for sheet in sent:
        _write_sheet(draft, sheet, marks.get(sheet.sent_as, {}))
    added = _write_list(draft, about)
    _write_manifest(draft, about | {"sheets": [*added, manifest.SHEET]}, reading)
    book.close()


def _by_place(findings: pl.DataFrame) -> dict[str | None, dict[int | None, list[int]]]:
    """sheet -> line -> findings, by their number."""
    found: dict = defaultdict(lambda: defaultdict(list))
    places = zip(findings["sheet"], findings["line"], findings["column_name"], strict=True)
    for number, (sheet, line, column) in enumerate(places):
        if line is not None or column is not None:
            found[sheet][line].append(number)
    return found


def _write_sheet(draft: _Draft, sheet, marks: dict[int | None, list[int]]) -> None:
    name = draft.called(sheet.name)
    if name != sheet.name:
        draft.said.append(f"Sheet '{harmless(sheet.name)}' of your file is called '{name}' here.")
    out = draft.book.add_worksheet(name)
    out.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS}"})
    texts, most = sheet.texts, sheet.most_columns
    columns, widths = draft.findings["column_name"], defaultdict(lambda: 10)
    for row, (line, cells) in enumerate(sheet.rows):
        if row < LOOKED_AT:
            for column, text in enumerate(cells[:most]):
                widths[column] = max(widths[column], min(len(text), 40))
        here = marks.get(line, ())
        if line == sheet.header_line:
            out.freeze_panes(row + 1, 0)
            here = [*here, *marks.get(None, ())]  # a column that is meant as a whole is marked at its heading
        at = _columns_of(draft, sheet, here, columns, cells) if here else {}
        for column, text in enumerate(cells[:most]):
            if text and column not in at:
                _write_cell(draft, out, row, column, text, column in texts, None, name)
        for column, numbers in at.items():
            look = min((draft.looks[number] for number in numbers), key=list(LOOKS).index)
            text = cells[column] if column < len(cells) else ""
            if text:
                _write_cell(draft, out, row, column, text, column in texts, look, name)
            else:
                out.write_blank(row, column, None, draft.form(look, "text" if column in texts else ""))
            _write_note(draft, out, row, column, numbers)
            for number in numbers:
                draft.places[number] = name, row, column
    for column, width in widths.items():
        out.set_column(column, column, width + 2, draft.form(None, "text") if column in texts else None)


def _columns_of(
    draft: _Draft, sheet, numbers: list[int], headings: pl.Series, cells: list[str]
) -> dict[int, list[int]]:
    """column -> the findings that stand there; what is about a whole row stands in its first cell."""
    found: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        at = sheet.columns.get(headings[number], [0])
        if len(at) > 1:  # the heading comes more than once: the one below which the text stands that was found
            raw = draft.findings["raw_value"][number]
            at = [c for c in at if c < len(cells) and cells[c][: frames.RAW_SHOWN] == raw] or at
        found[at[0]].append(number)
    return dict(sorted(found.items()))


def _write_cell(
    draft: _Draft, out, row: int, column: int, text: str, as_text: bool, look: str | None, sheet: str
) -> None:
    if not as_text and len(text) <= 32:
        value, style = _number(text)
        if value is not None:
            out.write_number(row, column, value, draft.form(look, style))
            return
    shown = in_cell(text)
    if shown != text:
        _tell_altered(draft, f"{sheet}!{xl_rowcol_to_cell(row, column)}", text, shown)
    _write_text(draft, out, row, column, shown, look)


def _write_text(draft: _Draft, out, row: int, column: int, text: str, look: str | None) -> None:
    form = draft.form(look, "risky" if runs(text) else "text")
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such a text for markup that it made itself and writes it unescaped; in two pieces it does not.
        out.write_rich_string(row, column, text[:1], draft.form(None, "General"), text[1:], form)
        return
    out.write_string(row, column, text, form)


@lru_cache(maxsize=65_536)
def _number(text: str) -> tuple[float | int | None, str]:
    """A text as a number and its format, if the number is written as exactly that text again."""
    if not EXACT.fullmatch(text) or len(text.strip("-").replace(".", "")) > 15 or text == "-0":
        return None, ""
    value = float(text) if "." in text else int(text)
    if repr(value) != text:
        return None, ""
    # 'General' shows ten digits or so, and what is shown is what a spreadsheet saves as CSV.
    if len(text) <= 10:
        return value, ""
    decimals = len(text.partition(".")[2])
    return value, "0." + "0" * decimals if decimals else "0"


def _tell_altered(draft: _Draft, place: str, text: str, shown: str) -> None:
    if len(text) > MOST_IN_CELL // 2 and "… (cut; " in shown[-60:]:
        draft.too_long.append(place)
    elif shown != text.replace("\r\n", "\n"):
        draft.replaced += 1


def _write_note(draft: _Draft, out, row: int, column: int, numbers: list[int]) -> None:
    if draft.notes >= NOTES:
        draft.unnoted += 1
        return
    draft.notes += 1
    parts = []
    for number in numbers[:IN_ONE_NOTE]:
        one = draft.findings.row(number, named=True)
        room = MOST_NOTE // min(len(numbers), IN_ONE_NOTE) - 120
        todo = advice.what_to_do(one["severity"], one["responsible"], one["decision_id"])
        parts.append(
            f"{one['rule_id']} ({advice.MEANS[one['severity']]}): {harmless(one['message'], max(room, 200))} {todo}"
        )
    if len(numbers) > IN_ONE_NOTE:
        parts.append(f"And {len(numbers) - IN_ONE_NOTE} more: see the sheet {LIST}.")
    text = cut("\n\n".join(parts), 8_000)
    text = re.sub(
        "_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text
    )  # XlsxWriter does so in cells: Excel would read it as a character
    height = min(400, 40 + 18 * (len(text) // 45 + text.count("\n") + 1))
    out.write_comment(row, column, text, {"x_scale": 3, "height": height, "author": "trust-benchmarks", "font_size": 9})


def _write_list(draft: _Draft, about: dict) -> list[str]:
    """The sheets that list every finding; their names."""
    total, added, start = draft.findings.height, [], 0
    while start < total or not added:
        name = draft.called(LIST if not added else f"{LIST} {len(added) + 1}")
        out = draft.book.add_worksheet(name)
        out.set_landscape()
        out.fit_to_pages(1, 0)
        for column, width in enumerate(WIDTHS):
            out.set_column(column, column, width)
        row = _write_head(draft, out, about) if not added else 0
        added.append(name)
        out.set_row(row, 32)
        for column, heading in enumerate(HEADINGS):
            out.write_string(row, column, heading, _head_form(draft))
        if row < 14:  # or little would be left to scroll on a small screen
            out.freeze_panes(row + 1, 2)
        room = min(total - start, MOST_ROWS - row - 1)
        if room:
            out.autofilter(row, 0, row + room, len(HEADINGS) - 1)
        _write_findings(draft, out, row + 1, start, room)
        start += room
    return added


def _write_head(draft: _Draft, out, about: dict) -> int:
    """What stands above the list; returns the row below it."""
    title, plain = draft.book.add_format({"bold": True, "font_size": 14}), draft.form(None, "text")
    whose = " ".join(filter(None, [about.get("sender"), harmless(about.get("name"))]))
    declared, counts = catalogue.load(about["collection"]), draft.findings["severity"].value_counts()
    counts = dict(counts.rows())
    received = about.get("received_at")
    lines = [
        f"{declared.title}, {about.get('period') or 'period not known'}, {whose or 'sender not known'}",
        f"Your file: {harmless(about['file_name'])}" + (f", version {about['version']}" if about.get("version") else "")
        + (f", received {advice.day(received)}" if received else "") + f". Submission {about['submission_id']}.",
        f"{draft.findings.height:,} findings: " + (", ".join(f"{counts[s]:,} {s} ({advice.MEANS[s]})" for s in advice.SEVERITIES if s in counts) or "none") + ".",
        "Correct the marked cells on your own sheets in this workbook and send the workbook, or send your own file again. Keep the headings and the order of the sheets. Rows may be moved.",
    ]  # fmt: skip
    if about.get("is_sample"):
        lines.insert(0, "SAMPLE DATA: this return was made up.")
    if draft.places:
        lines += [f"Marked cells have a {look}." for look in LEGEND.values()]
    if draft.unnoted:
        lines.append(
            f"The first {draft.notes:,} marked cells have a note; {draft.unnoted:,} more are marked without one. All are listed below."
        )
    if draft.findings.height > LINKS:
        lines.append(f"The first {LINKS:,} findings have a link to their cell: a sheet holds no more.")
    if draft.replaced:
        lines.append(
            f"{draft.replaced:,} cells hold characters that cannot be shown; they are written out, such as ␀ or [U+202E]. Take them out."
        )
    if draft.too_long:
        shown = ", ".join(draft.too_long[:10]) + (" and more" if len(draft.too_long) > 10 else "")
        lines.append(
            f"{len(draft.too_long):,} cells hold more than a cell of a workbook can and were cut ({shown}). Send your own file again instead of this workbook."
        )
    lines += draft.said
    out.set_row(0, 20)
    for row, line in enumerate(lines):
        out.write_string(row, 0, cut(harmless(line, 2_000)), title if row == 0 else plain)
    return len(lines) + 1


def _head_form(draft: _Draft):
    if "head" not in draft.formats:
        draft.formats["head"] = draft.book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    return draft.formats["head"]


def _write_findings(draft: _Draft, out, row: int, start: int, count: int) -> None:
    wrap = draft.findings.height <= WRAPPED
    key = "list", wrap
    if key not in draft.formats:
        common = {"valign": "top", "text_wrap": wrap}
        draft.formats[key] = [
            draft.book.add_format(common | more)
            for more in (
                {"num_format": "@"},
                {"num_format": "@", "quote_prefix": True},
                {"align": "left"},
                {"font_color": "#0B3D91", "underline": 1},
            )
        ]
    plain, risky, number_form, link = draft.formats[key]
    part = draft.findings.slice(start, count).select(
        "line", "column_name", "rule_id", "severity", "raw_value", "message", "responsible", "decision_id"
    )
    for number, (line, column, rule, severity, sent, message, responsible, decision) in enumerate(
        part.iter_rows(), start
    ):
        texts = (
            harmless(column, 500), harmless(rule), f"{severity}: {advice.MEANS[severity]}", harmless(sent, None), harmless(message, 4_000),
            advice.what_to_do(severity, responsible, decision),
        )  # fmt: skip
        if wrap:
            tall = max(-(-len(text) // (0.9 * WIDTHS[at])) for at, text in enumerate(texts, 3))
            out.set_row(row, 15 * min(max(tall, 1), 20))  # not every program works it out when it opens the workbook
        out.write_number(row, 0, number + 1, number_form)
        if place := draft.places.get(number):
            sheet, *cell = place
            target = f"'{sheet.replace(chr(39), chr(39) * 2)}'!{xl_rowcol_to_cell(*cell)}"
            text = f"{sheet}!{xl_rowcol_to_cell(*cell)}"
            if number - start < LINKS:
                out.write_url(row, 1, f"internal:{target}", link, text)
            else:
                out.write_string(row, 1, text, plain)
        else:
            out.write_string(row, 1, f"line {line}" if line is not None else "the whole file", plain)
        if line is not None:
            out.write_number(row, 2, line, number_form)
        for at, text in enumerate(texts, 3):
            if text:
                # XlsxWriter takes <r>...</r> for its own markup; a blank in front keeps it a text, and nobody sends this sheet.
                text = f" {text}" if text.startswith("<r>") else text
                out.write_string(row, at, text, risky if runs(text) else plain)
        row += 1


def _write_manifest(draft: _Draft, about: dict, reading: Reading) -> None:
    out = draft.book.add_worksheet(manifest.SHEET)
    out.very_hidden()
    keep = ("submission_id", "collection", "period", "sender", "version", "sha256", "file_name", "sheets")
    for row, text in enumerate(manifest.cells({name: about.get(name) for name in keep}, reading)):
        out.write_string(row, 0, text)

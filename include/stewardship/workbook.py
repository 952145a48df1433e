"""The workbook that goes back to a trust: its sheets as sent with failing cells marked, a list of findings, and a hidden manifest.

It is written from scratch: no macro, link or formula of the file that was sent gets into it.
"""

import contextlib
import os
import re
import secrets
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from .. import catalogue, schemas, sql
from ..ingest import manifest, workbook_replies
from ..ingest.workbook_replies import Asked, may_be_answered
from ..reading import findings as frames
from ..reading.harmless import cut, harmless
from ..reading.raw_table import Unreadable
from ..reading.reading import Reading
from ..records import all_findings
from ..validation.row_keys import row_keys
from . import source_sheets, submitted_file, trust_wording, workbook_findings
from .source_sheets import Sheet
from .submitted_file import Submission
from .workbook_draft import LOOKS, MOST_ROWS, WorkbookDraft, write_cell

NOTES = 5_000  # cells that get a note; with many more, the workbook takes long to open
MOST_NOTE = 1_000  # characters of a note
IN_ONE_NOTE = 8  # findings of one cell in its note
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
MOST_KEPT = 500  # characters of a text that the manifest keeps of a finding
LOOKED_AT = 500  # rows by which column widths are chosen
FINDINGS = frames.COLUMNS | {"decision_id": pl.Int64}

Marks = dict[int | None, list[int]]  # line -> numbers of its findings


class TooLarge(ValueError):
    """A return that no workbook can hold; the message says how large it is and what to do."""


def build(connection: psycopg.Connection[Any], submission_id: str, out: Path) -> None:
    """Writes the workbook of a submission with its current findings.

    Raises:
        LookupError: there is no such submission.
        TooLarge: it has more rows than a sheet of a workbook.
    """
    about = submitted_file.submission(connection, submission_id)
    content = submitted_file.content_of(connection, submission_id).content
    build_from(content, about, findings_of(connection, submission_id), out)


def findings_of(connection: psycopg.Connection[Any], submission_id: str) -> pl.DataFrame:
    """Every finding of a submission in file order, with columns as in `FINDINGS`."""
    path = all_findings.file(connection, submission_id)
    given = {"submission_id": submission_id, "only_other": path is not None}
    found = pl.DataFrame(
        connection.execute(sql.text("stewardship/findings"), given).fetchall(), schema=FINDINGS, orient="row"
    )
    if path is None:
        return found
    everything = pl.concat([pl.read_parquet(path, columns=list(FINDINGS)).select(found.columns), found])
    return everything.sort("sheet", "line", maintain_order=True)


def build_from(content: bytes | None, about: Submission, findings: pl.DataFrame, out: Path) -> None:
    """Writes the workbook of a file.

    Args:
        content: the file as sent; None: it is too large to be read.
        about: what is known of it.
        findings: columns as in `reading.findings.COLUMNS`, with or without decision_id.
        out: the workbook; it appears there only when it is complete.

    Raises:
        TooLarge: it has more rows than a sheet of a workbook.
    """
    reading = submitted_file.as_sent(content, about.file_name, about.collection)
    try:
        if content is None:
            raise submitted_file.too_large(about.file_name)
        sheets, notices = source_sheets.of(content, about.file_name, reading)
    except Unreadable as error:
        sheets, notices = [], [f"Your file could not be read, so it is not shown here. {error.message}"]
    answer = manifest.answered(content) if content else None
    ours = {name.casefold() for name in answer.sheets} if answer else {manifest.SHEET}
    sheets = [sheet for sheet in sheets if sheet.name.casefold() not in ours]
    for sheet in sheets:
        if sheet.height > MOST_ROWS:
            raise TooLarge(
                f"{harmless(about.file_name)} has {sheet.height:,} rows, and a sheet of a workbook holds {MOST_ROWS:,}. "
                "Send the trust the list of findings as CSV instead."
            )
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="trust-benchmarks-workbook-") as scratch:
            _write(partial, scratch, sheets, notices, reading, findings, about)
        os.replace(partial, out)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def name_of(collection: str | None, sender: str | None, period: str | None) -> str:
    """The file name of the workbook, by which it is recognised when it comes back."""
    parts = [re.sub(r"[^A-Za-z0-9_-]+", "-", part or "") for part in (collection, sender, period)]
    return "_".join(filter(None, [*parts, "to_correct"])) + ".xlsx"


def _write(
    path: Path,
    scratch: str,
    sheets: list[Sheet],
    notices: list[str],
    reading: Reading,
    findings: pl.DataFrame,
    about: Submission,
) -> None:
    if "decision_id" not in findings.columns:
        findings = findings.with_columns(decision_id=pl.lit(None, pl.Int64))
    by_severity = pl.col("severity").replace_strict({"hold": "must", "reject": "must", "warn": "look"}, default="none")
    look = pl.when(pl.col("decision_id").is_not_null()).then(pl.lit("none")).otherwise(by_severity)
    # The time of receipt, so that the same workbook has the same bytes whenever it is made.
    received = about.received_at or datetime(2000, 1, 1, tzinfo=UTC)
    book = xlsxwriter.Workbook(str(path), OPTIONS | {"tmpdir": scratch})
    book.set_properties(
        {
            "title": f"{catalogue.load(reading.collection).title}: findings",
            "author": "trust-benchmarks",
            "created": (received.astimezone(UTC) if received.tzinfo else received).replace(tzinfo=None),
        }
    )
    draft = WorkbookDraft(book, findings, findings.select(look).to_series().to_list(), list(notices))
    draft.names.add(manifest.SHEET)
    if about.submission_id:  # what is not received yet is sent as a corrected file
        may = (number for number, one in enumerate(findings.iter_rows(named=True)) if any(may_be_answered(one)))
        draft.answerable = list(islice(may, workbook_replies.MOST))
    marks = _by_place(findings)
    for sheet in sheets:
        _write_sheet(draft, sheet, marks.get(sheet.sent_as, {}))
    added = workbook_findings.write(draft, about)
    keep = ("submission_id", "collection", "period", "sender", "version", "sha256", "file_name")
    facts = {name: getattr(about, name) for name in keep} | {"sheets": [*added, manifest.SHEET]}
    hidden = book.add_worksheet(manifest.SHEET)
    hidden.very_hidden()
    choices = workbook_findings.choices()
    for row, (text, choice) in enumerate(zip_longest(manifest.cells(facts, reading, _asked(draft, reading)), choices)):
        if text is not None:
            hidden.write_string(row, 0, text)
        if choice is not None:
            hidden.write_string(row, workbook_findings.CHOICES_AT, choice)
    book.close()


def _asked(draft: WorkbookDraft, reading: Reading) -> list[Asked]:
    """The findings that can be answered, as the manifest keeps them."""
    asked = [(number, draft.findings.row(number, named=True)) for number in draft.answerable]
    schema, keys = schemas.load(reading.collection), dict[tuple[str | None, int], str]()
    wanted = [one["line"] for _, one in asked if one["line"] is not None]
    for table in reading.tables:
        named = pl.DataFrame({"line": table.frame["line"], "key": row_keys(table, schema)})
        for line, key in named.filter(pl.col("line").is_in(wanted)).iter_rows():
            keys[table.sheet, line] = key[: manifest.MOST_KEY]
    found = []
    for number, one in asked:
        sheet, row, _ = draft.places.get(number, (None, None, None))
        line = row + 1 if row is not None and one["line"] is not None else None
        key = keys.get((one["sheet"], one["line"]), "")
        may = workbook_replies.may_be_answered(one)
        raw = (one["raw_value"] or "")[:MOST_KEPT] if one["raw_value"] is not None else None
        found.append(
            Asked(
                number + 1, one["rule_id"], sheet, line, key, one["column_name"], raw, one["message"][:MOST_KEPT], *may
            )
        )
    return found


def _by_place(findings: pl.DataFrame) -> dict[str | None, Marks]:
    """Sheet -> line -> numbers of findings."""
    found: dict[str | None, Marks] = defaultdict(lambda: defaultdict(list))
    places = zip(findings["sheet"], findings["line"], findings["column_name"], strict=True)
    for number, (sheet, line, column) in enumerate(places):
        if line is not None or column is not None:
            found[sheet][line].append(number)
    return found


def _write_sheet(draft: WorkbookDraft, sheet: Sheet, marks: Marks) -> None:
    name = draft.sheet_name(sheet.name)
    if name != sheet.name:
        draft.notices.append(f"Sheet '{harmless(sheet.name)}' of your file is called '{name}' here.")
    out = draft.book.add_worksheet(name)
    out.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS}"})
    widths: dict[int, int] = defaultdict(lambda: 10)
    for row, (line, cells) in enumerate(sheet.rows):
        if row < LOOKED_AT:
            for column, text in enumerate(cells[: sheet.most_columns]):
                widths[column] = max(widths[column], min(len(text), 40))
        here = marks.get(line, [])
        if line == sheet.header_line:
            out.freeze_panes(row + 1, 0)
            here = [*here, *marks.get(None, [])]  # a finding about a whole column is marked at its heading
        _write_row(draft, out, sheet, row, cells, _by_column(draft, sheet, here, cells) if here else {})
    for column, width in widths.items():
        out.set_column(column, column, width + 2, draft.cell_format(None, "text") if column in sheet.texts else None)


def _write_row(
    draft: WorkbookDraft, out: Worksheet, sheet: Sheet, row: int, cells: list[str], found: dict[int, list[int]]
) -> None:
    """Writes the cells of a row; `found` holds the numbers of the findings by column."""
    for column, text in enumerate(cells[: sheet.most_columns]):
        if text and column not in found:
            write_cell(draft, out, row, column, text, column in sheet.texts, None)
    for column, numbers in found.items():
        look = min((draft.looks[number] for number in numbers), key=list(LOOKS).index)
        is_text = column in sheet.texts
        if column < len(cells) and cells[column]:
            write_cell(draft, out, row, column, cells[column], is_text, look)
        else:
            out.write_blank(row, column, None, draft.cell_format(look, "text" if is_text else ""))
        _write_note(draft, out, row, column, numbers)
        for number in numbers:
            draft.places[number] = out.get_name(), row, column


def _by_column(draft: WorkbookDraft, sheet: Sheet, numbers: list[int], cells: list[str]) -> dict[int, list[int]]:
    """Column -> numbers of its findings; a finding about a whole row is put in the first cell."""
    found: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        at = sheet.columns.get(draft.findings["column_name"][number], [0])
        if len(at) > 1:  # the heading occurs more than once: take the column with the text that was found
            raw = draft.findings["raw_value"][number]
            at = [c for c in at if c < len(cells) and cells[c][: frames.RAW_SHOWN] == raw] or at
        found[at[0]].append(number)
    return dict(sorted(found.items()))


def _write_note(draft: WorkbookDraft, out: Worksheet, row: int, column: int, numbers: list[int]) -> None:
    if draft.notes >= NOTES:
        draft.unnoted += 1
        return
    draft.notes += 1
    parts = []
    room = max(MOST_NOTE // min(len(numbers), IN_ONE_NOTE) - 120, 200)
    for number in numbers[:IN_ONE_NOTE]:
        one = draft.findings.row(number, named=True)
        todo = trust_wording.what_to_do(one["severity"], one["responsible"], one["decision_id"])
        means = trust_wording.MEANS[one["severity"]]
        parts.append(f"{one['rule_id']} ({means}): {harmless(one['message'], room)} {todo}")
    if len(numbers) > IN_ONE_NOTE:
        parts.append(f"And {len(numbers) - IN_ONE_NOTE} more: see the sheet {workbook_findings.LIST}.")
    # XlsxWriter escapes this in cells but not in notes: Excel would read it as a character.
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", cut("\n\n".join(parts), 8_000))
    height = min(400, 40 + 18 * (len(text) // 45 + text.count("\n") + 1))
    out.write_comment(row, column, text, {"x_scale": 3, "height": height, "author": "trust-benchmarks", "font_size": 9})

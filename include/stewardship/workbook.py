"""The trust's own workbook back: its sheets as sent, with failing cells marked, every finding listed, and a hidden manifest.

It is written anew and never made by editing the file that was sent: no macro, link or formula of that file is in it.
"""

import contextlib
import os
import re
import secrets
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import psycopg
import xlsxwriter

from .. import catalogue
from ..ingest import manifest
from ..reading import findings as frames
from ..reading.harmless import cut, harmless
from ..reading.raw_table import Unreadable
from ..reading.reading import Reading
from . import source_sheets, submitted_file, trust_wording, workbook_findings
from .workbook_draft import LOOKS, MOST_ROWS, Draft, write_cell

NOTES = 5_000  # cells that get a note; with many more, whoever opens the workbook waits for them to be drawn
MOST_NOTE = 1_000  # characters of a note
IN_ONE_NOTE = 8  # findings of one cell that its note tells
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
LOOKED_AT = 500  # rows by which the widths of columns are chosen


class TooLarge(ValueError):
    """A return that no workbook can hold; the message says how large it is and what to do."""


def build(connection: psycopg.Connection, submission_id: str, out: Path) -> None:
    """Writes the workbook of a submission with its findings as they stand.

    Raises:
        LookupError: there is no such submission.
        TooLarge: it has more rows than a sheet of a workbook.
    """
    content, file_name, collection = submitted_file.content_of(connection, submission_id)
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
        findings: columns as in `reading.findings.COLUMNS`, and perhaps decision_id.
        about: submission_id and sha256, and as far as known period, sender, name (of the sender), version, received_at, is_sample.
        out: the workbook; nothing stands there until it is whole.

    Raises:
        TooLarge: it has more rows than a sheet of a workbook.
    """
    reading = submitted_file.as_sent(content, file_name, collection)
    try:
        sent, said = source_sheets.of(content, file_name, reading)
    except Unreadable as error:
        sent, said = [], [f"Your file could not be read, so it is not shown here. {error.message}"]
    answer = manifest.answered(content)
    ours = {name.casefold() for name in answer.sheets} if answer else {manifest.SHEET}
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
        with tempfile.TemporaryDirectory(prefix="trust-benchmarks-workbook-") as scratch:
            _write(draft, scratch, sent, said, reading, findings, about)
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


def _write(
    path: Path, scratch: str, sent, said: list[str], reading: Reading, findings: pl.DataFrame, about: dict
) -> None:
    if "decision_id" not in findings.columns:
        findings = findings.with_columns(decision_id=pl.lit(None, pl.Int64))
    look = (
        pl.when(pl.col("decision_id").is_not_null())
        .then(pl.lit("none"))
        .otherwise(
            pl.col("severity").replace_strict({"hold": "must", "reject": "must", "warn": "look"}, default="none")
        )
    )
    book = xlsxwriter.Workbook(str(path), OPTIONS | {"tmpdir": scratch})
    draft = Draft(book, findings, findings.select(look).to_series().to_list(), list(said))
    properties = {"title": f"{catalogue.load(reading.collection).title}: findings", "author": "trust-benchmarks"}
    # The time that the return was received, so that the same workbook has the same bytes however often it is made.
    received = about.get("received_at") or datetime(2000, 1, 1, tzinfo=UTC)
    properties["created"] = (received.astimezone(UTC) if received.tzinfo else received).replace(tzinfo=None)
    book.set_properties(properties)
    draft.names.add(manifest.SHEET)
    marks = _by_place(findings)
    for sheet in sent:
        _write_sheet(draft, sheet, marks.get(sheet.sent_as, {}))
    added = workbook_findings.write(draft, about)
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


def _write_sheet(draft: Draft, sheet, marks: dict[int | None, list[int]]) -> None:
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
                write_cell(draft, out, row, column, text, column in texts, None, name)
        for column, numbers in at.items():
            look = min((draft.looks[number] for number in numbers), key=list(LOOKS).index)
            text = cells[column] if column < len(cells) else ""
            if text:
                write_cell(draft, out, row, column, text, column in texts, look, name)
            else:
                out.write_blank(row, column, None, draft.form(look, "text" if column in texts else ""))
            _write_note(draft, out, row, column, numbers)
            for number in numbers:
                draft.places[number] = name, row, column
    for column, width in widths.items():
        out.set_column(column, column, width + 2, draft.form(None, "text") if column in texts else None)


def _columns_of(draft: Draft, sheet, numbers: list[int], headings: pl.Series, cells: list[str]) -> dict[int, list[int]]:
    """column -> the findings that stand there; what is about a whole row stands in its first cell."""
    found: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        at = sheet.columns.get(headings[number], [0])
        if len(at) > 1:  # the heading comes more than once: the one below which the text stands that was found
            raw = draft.findings["raw_value"][number]
            at = [c for c in at if c < len(cells) and cells[c][: frames.RAW_SHOWN] == raw] or at
        found[at[0]].append(number)
    return dict(sorted(found.items()))


def _write_note(draft: Draft, out, row: int, column: int, numbers: list[int]) -> None:
    if draft.notes >= NOTES:
        draft.unnoted += 1
        return
    draft.notes += 1
    parts = []
    for number in numbers[:IN_ONE_NOTE]:
        one = draft.findings.row(number, named=True)
        room = MOST_NOTE // min(len(numbers), IN_ONE_NOTE) - 120
        todo = trust_wording.what_to_do(one["severity"], one["responsible"], one["decision_id"])
        parts.append(
            f"{one['rule_id']} ({trust_wording.MEANS[one['severity']]}): {harmless(one['message'], max(room, 200))} {todo}"
        )
    if len(numbers) > IN_ONE_NOTE:
        parts.append(f"And {len(numbers) - IN_ONE_NOTE} more: see the sheet {workbook_findings.LIST}.")
    text = cut("\n\n".join(parts), 8_000)
    # XlsxWriter does so in cells and not in notes: Excel would read it as a character.
    text = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    height = min(400, 40 + 18 * (len(text) // 45 + text.count("\n") + 1))
    out.write_comment(row, column, text, {"x_scale": 3, "height": height, "author": "trust-benchmarks", "font_size": 9})


def _write_manifest(draft: Draft, about: dict, reading: Reading) -> None:
    out = draft.book.add_worksheet(manifest.SHEET)
    out.very_hidden()
    keep = ("submission_id", "collection", "period", "sender", "version", "sha256", "file_name", "sheets")
    for row, text in enumerate(manifest.cells({name: about.get(name) for name in keep}, reading)):
        out.write_string(row, 0, text)

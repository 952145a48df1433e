"""The sheets of a workbook that list every finding, each with a link to its cell and what to do."""

from typing import NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from .. import catalogue
from ..ingest import manifest, workbook_replies
from ..reading.harmless import cut, harmless, runs
from ..reference import reply_reasons
from . import trust_wording
from .submitted_file import Submission
from .workbook_draft import MOST_ROWS, WorkbookDraft

LINKS = 65_000  # of a sheet; Excel takes 65,530
WRAPPED = 2_000  # findings up to which cells wrap; with more, working out row heights takes too long
LIST = "Findings"
COLUMNS = {  # heading: width
    "No.": 7, "Cell": 22, "Line in your file": 10, "Heading": 24, "Rule": 13, "Severity": 30, "What was sent": 28,
    "What was found, and what is expected": 90, "What to do": 50,
}  # fmt: skip
WIDTHS = tuple(COLUMNS.values())
REPLIES = dict(zip(workbook_replies.HEADINGS, (20, 40, 20, 50), strict=True))  # heading: width; for the trust to fill
CHOICES_AT = 1  # the column of the hidden sheet where the choices stand
CANNOT = "Send a corrected file"
LEGEND = (
    "Thick border and bold text: must be corrected (the return is held, or the row is left out).",
    "Dashed border and italic text: please check.",
    "Dotted border: for information, or covered by a decision.",
)


class _Formats(NamedTuple):
    plain: Format
    risky: Format
    number: Format
    link: Format
    fill: Format


def write(draft: WorkbookDraft, about: Submission) -> list[str]:
    """Writes the sheets that list every finding; returns their names."""
    total, names, start = draft.findings.height, list[str](), 0
    heading = draft.book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    formats = _formats(draft)
    while start < total or not names:
        name = draft.sheet_name(LIST if not names else f"{LIST} {len(names) + 1}")
        out = draft.book.add_worksheet(name)
        out.set_landscape()
        out.fit_to_pages(1, 0)
        for column, width in enumerate((*WIDTHS, *REPLIES.values())):
            out.set_column(column, column, width)
        row = _write_head(draft, out, about) if not names else 0
        names.append(name)
        out.set_row(row, 32)
        headings = (*COLUMNS, *REPLIES) if draft.answerable else (*COLUMNS,)
        out.write_row(row, 0, headings, heading)
        if row < 14:  # more frozen rows would leave too few to scroll on a small screen
            out.freeze_panes(row + 1, 2)
        room = min(total - start, MOST_ROWS - row - 1)
        if room:
            out.autofilter(row, 0, row + room, len(headings) - 1)
            _offer_choices(draft, out, row + 1, row + room)
        _write_findings(draft, out, formats, row + 1, start, room)
        start += room
    return names


def choices() -> list[str]:
    """What the lists of the workbook offer: kinds of reply, then reasons."""
    return [*workbook_replies.KINDS.values(), *(one.says for one in reply_reasons.reasons().values())]


def _offer_choices(draft: WorkbookDraft, out: Worksheet, first: int, last: int) -> None:
    if not draft.answerable:
        return
    kinds, every = len(workbook_replies.KINDS), len(choices())
    letter = xl_col_to_name(CHOICES_AT, True)
    for at, (start, end), title in ((0, (1, kinds), "reply"), (1, (kinds + 1, every), "reason")):
        source = f"='{manifest.SHEET}'!{letter}${start}:{letter}${end}"
        about = {
            "validate": "list",
            "source": source,
            "error_title": f"No such {title}",
            "error_message": f"Choose a {title} of the list.",
        }
        out.data_validation(first, len(COLUMNS) + at, last, len(COLUMNS) + at, about)


def _write_head(draft: WorkbookDraft, out: Worksheet, about: Submission) -> int:
    """Writes what stands above the list; returns the row below it."""
    title, plain = draft.book.add_format({"bold": True, "font_size": 14}), draft.cell_format(None, "text")
    out.set_row(0, 20)
    lines = _head(draft, about)
    for row, line in enumerate(lines):
        out.write_string(row, 0, cut(harmless(line, 2_000)), title if row == 0 else plain)
    return len(lines) + 1


def _head(draft: WorkbookDraft, about: Submission) -> list[str]:
    sender = " ".join(filter(None, [about.sender, harmless(about.name)])) or "sender not known"
    count = dict(draft.findings["severity"].value_counts().rows())
    counts = [f"{count[name]:,} {name} ({means})" for name, means in trust_wording.MEANS.items() if name in count]
    file = f"Your file: {harmless(about.file_name)}"
    file += f", version {about.version}" if about.version else ""
    file += f", received {trust_wording.day(about.received_at)}" if about.received_at else ""
    lines = [
        f"{catalogue.load(about.collection).title}, {about.period or 'period not known'}, {sender}",
        f"{file}. Submission {about.submission_id}.",
        f"{draft.findings.height:,} findings: {', '.join(counts) or 'none'}.",
        "Correct the marked cells on your own sheets in this workbook and send the workbook back, or send your own file again. "
        "Keep the headings and the order of the sheets. You may move rows.",
    ]
    if draft.answerable:
        lines.append(
            "Where a figure is right, choose 'It is right' and a reason beside its finding below. Where only a cell is wrong, you may choose "
            "'Correct it' and give the correct value. Write no names, email addresses, telephone numbers or patients' details."
        )
    if about.is_sample:
        lines.insert(0, "SAMPLE DATA: this return was made up.")
    if draft.places:
        lines += LEGEND
    if draft.unnoted:
        lines.append(
            f"The first {draft.notes:,} marked cells have a note; {draft.unnoted:,} more have none. All findings are listed below."
        )
    if draft.findings.height > LINKS:
        lines.append(f"Only the first {LINKS:,} findings have a link to their cell, because a sheet holds no more.")
    if draft.replaced:
        lines.append(
            f"{draft.replaced:,} cells contain characters that cannot be shown. They are written out, such as ␀ or [U+202E]: remove them."
        )
    if draft.too_long:
        shown = ", ".join(draft.too_long[:10]) + (" and more" if len(draft.too_long) > 10 else "")
        lines.append(
            f"{len(draft.too_long):,} cells contain more text than a workbook cell can hold and were cut ({shown}). "
            "Send your own file again instead of this workbook."
        )
    return lines + draft.notices


def _formats(draft: WorkbookDraft) -> _Formats:
    common = {"valign": "top", "text_wrap": draft.findings.height <= WRAPPED}
    properties = (
        {"num_format": "@"},
        {"num_format": "@", "quote_prefix": True},
        {"align": "left"},
        {"font_color": "#0B3D91", "underline": 1},
        {"num_format": "@", "bg_color": "#EAF3FB", "border": 1, "locked": False},
    )
    return _Formats(*(draft.book.add_format(common | more) for more in properties))


def _write_findings(draft: WorkbookDraft, out: Worksheet, formats: _Formats, row: int, start: int, count: int) -> None:
    wrap = draft.findings.height <= WRAPPED
    part, can = draft.findings.slice(start, count), frozenset(draft.answerable)
    for number, one in enumerate(part.iter_rows(named=True), start):
        texts = (
            harmless(one["column_name"], 500),
            harmless(one["rule_id"]),
            f"{one['severity']}: {trust_wording.MEANS[one['severity']]}",
            harmless(one["raw_value"], None),
            harmless(one["message"], 4_000),
            trust_wording.what_to_do(one["severity"], one["responsible"], one["decision_id"]),
        )
        if wrap:  # not every program works out the height when it opens the workbook
            lines = max(-(-len(text) // (0.9 * WIDTHS[at])) for at, text in enumerate(texts, 3))
            out.set_row(row, 15 * min(max(lines, 1), 20))
        out.write_number(row, 0, number + 1, formats.number)
        _write_place(draft, out, formats, row, number, has_link=number - start < LINKS, line=one["line"])
        for at, text in enumerate(texts, 3):
            if text:
                # XlsxWriter takes <r>...</r> for its own markup; a leading blank prevents that, and nobody sends this sheet.
                text = f" {text}" if text.startswith("<r>") else text
                out.write_string(row, at, text, formats.risky if runs(text) else formats.plain)
        if draft.answerable:
            for at in range(len(REPLIES)):
                if number in can:
                    out.write_blank(row, len(COLUMNS) + at, None, formats.fill)
            if number not in can and one["severity"] in ("hold", "reject") and one["decision_id"] is None:
                out.write_string(row, len(COLUMNS), CANNOT, formats.plain)
        row += 1


def _write_place(
    draft: WorkbookDraft, out: Worksheet, formats: _Formats, row: int, number: int, *, has_link: bool, line: int | None
) -> None:
    """The cell of a finding, linked, and its line."""
    if place := draft.places.get(number):
        sheet, *cell = place
        at = xl_rowcol_to_cell(*cell)
        if has_link:
            target = f"internal:'{sheet.replace(chr(39), chr(39) * 2)}'!{at}"
            out.write_url(row, 1, target, formats.link, f"{sheet}!{at}")
        else:
            out.write_string(row, 1, f"{sheet}!{at}", formats.plain)
    else:
        out.write_string(row, 1, f"line {line}" if line is not None else "the whole file", formats.plain)
    if line is not None:
        out.write_number(row, 2, line, formats.number)

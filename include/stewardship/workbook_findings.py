"""The sheet of a workbook that lists every finding, each with a link to its cell and with what to do."""

from xlsxwriter.utility import xl_rowcol_to_cell

from .. import catalogue
from ..reading.harmless import cut, harmless, runs
from . import trust_wording
from .workbook_draft import MOST_ROWS, Draft

LINKS = 65_000  # of a sheet; Excel takes 65,530
WRAPPED = 2_000  # findings up to which the list wraps its cells; beyond, working out the heights takes too long
LIST = "Findings"
HEADINGS = (
    "No.", "Cell", "Line in your file", "Heading", "Rule", "Severity", "What was sent", "What was found, and what would pass",
    "What to do",
)  # fmt: skip
WIDTHS = (7, 22, 10, 24, 13, 30, 28, 90, 50)
LEGEND = {
    "must": "thick border, bold: must be corrected (it holds the return, or its row is left out)",
    "look": "dashed border, italic: to be looked at (it counts)",
    "none": "dotted border: for information, or passed over by a decision",
}


def write(draft: Draft, about: dict) -> list[str]:
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


def _write_head(draft: Draft, out, about: dict) -> int:
    """What stands above the list; returns the row below it."""
    title, plain = draft.book.add_format({"bold": True, "font_size": 14}), draft.form(None, "text")
    whose = " ".join(filter(None, [about.get("sender"), harmless(about.get("name"))]))
    declared, counts = catalogue.load(about["collection"]), draft.findings["severity"].value_counts()
    counts = dict(counts.rows())
    received = about.get("received_at")
    lines = [
        f"{declared.title}, {about.get('period') or 'period not known'}, {whose or 'sender not known'}",
        f"Your file: {harmless(about['file_name'])}" + (f", version {about['version']}" if about.get("version") else "")
        + (f", received {trust_wording.day(received)}" if received else "") + f". Submission {about['submission_id']}.",
        f"{draft.findings.height:,} findings: " + (", ".join(f"{counts[s]:,} {s} ({trust_wording.MEANS[s]})" for s in trust_wording.SEVERITIES if s in counts) or "none") + ".",
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


def _head_form(draft: Draft):
    if "head" not in draft.formats:
        draft.formats["head"] = draft.book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    return draft.formats["head"]


def _write_findings(draft: Draft, out, row: int, start: int, count: int) -> None:
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
            harmless(column, 500), harmless(rule), f"{severity}: {trust_wording.MEANS[severity]}", harmless(sent, None), harmless(message, 4_000),
            trust_wording.what_to_do(severity, responsible, decision),
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

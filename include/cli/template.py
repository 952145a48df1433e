"""A blank return, made from the schema: headings alone (csv), or with a sheet that explains every field (xlsx)."""

import io
import sys
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format

from .. import catalogue, schemas
from ..schemas.models import Schema
from ..validation import rule_wording
from . import Refused
from .output import note

FORMATS = ("csv", "xlsx")
ROWS = 20_000  # how far down cells are formatted and lists offered


def write(collection: str, form: str | None, output: Path | None) -> None:
    """Writes a blank return of a collection that each trust sends.

    Args:
        form: 'csv' or 'xlsx'; None goes by the ending of `output`, and is csv without one.
        output: the file; None is standard output for csv, and COLLECTION.xlsx here for xlsx.

    Raises:
        Refused: a national collection, an unknown form, or a file that exists or cannot be written.
    """
    declared = catalogue.load(collection)
    if declared.is_national:
        raise Refused(
            f"{declared.title} is published by {declared.publisher} for all organisations and has no template. "
            f"Nobody fills it in: collect the file as {declared.publisher} publishes it."
        )
    form = form or (output.suffix.lower().lstrip(".") if output and output.suffix else "csv")
    if form not in FORMATS:
        raise Refused(f"'{form}' is not a format of a template. Expected {' or '.join(FORMATS)}.")
    if output and output.suffix.lower() in (".csv", ".xlsx") and output.suffix.lower() != f".{form}":
        raise Refused(f"{output} does not end in .{form}. Name the file for its format, or it would be held.")
    content = blank_csv(collection) if form == "csv" else blank_xlsx(collection)
    if output is None and form == "csv":
        sys.stdout.write(content.decode())
        return
    output = output or Path(f"{collection}.xlsx")
    try:
        with output.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise Refused(f"{output} exists and is left as it is. Name another file with --output.") from None
    except OSError as problem:
        raise Refused(f"{output} cannot be written ({problem.strerror}). Name another place with --output.") from None
    note(f"Wrote {output}. Fill it in, then: trust-benchmarks check {output} --collection {collection}")


def blank_csv(collection: str) -> bytes:
    """One line: the headings."""
    return (",".join(schemas.load(collection).fields) + "\n").encode()


def blank_xlsx(collection: str) -> bytes:
    """A workbook of two sheets: `return`, to be filled in, and `notes`, which explains each field and the rules."""
    schema, buffer = schemas.load(collection), io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"{catalogue.load(collection).title}: blank return"})
    head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
    # Everything but numbers is text, so that 2025-06 does not turn into a day and 007 keeps its zeros.
    forms = {"whole": book.add_format({"num_format": "0"}), "number": book.add_format({"num_format": "General"})}
    as_text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet("return")
    sheet.freeze_panes(1, 0)
    for at, spec in enumerate(schema.fields.values()):
        sheet.set_column(at, at, max(12, len(spec.name) + 2), forms.get(spec.kind, as_text))
        sheet.write_string(0, at, spec.name, head)
        sheet.write_comment(0, at, f"{spec.title}. Expected {spec.expected()}.")
        options = list(spec.options) if spec.kind == "choice" else ["yes", "no"] if spec.kind == "yes_no" else []
        if options and len(",".join(options)) <= 255:  # the most that Excel takes
            sheet.data_validation(1, at, ROWS, at, {"validate": "list", "source": options, "error_type": "warning"})
    _notes(book, collection, schema, head)
    book.close()
    return buffer.getvalue()


def _notes(book: xlsxwriter.Workbook, collection: str, schema: Schema, head: Format) -> None:
    declared = catalogue.load(collection)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    notes = book.add_worksheet("notes")
    for at, width in enumerate((26, 48, 14, 10, 60)):
        notes.set_column(at, at, width)
    lines = [
        (f"{declared.title}: {declared.description}",),
        (
            f"Fill in the sheet 'return': {schema.description} Keep its headings. Leave a cell empty where there is no value.",
        ),
        (f"A row is named by {', '.join(schema.key)}: no two rows may have the same.",),
        (
            f"Name the file {collection}_CODE_PERIOD.xlsx, with your ODS code and the period. Check it with: trust-benchmarks check FILE",
        ),
        (),
        ("field", "what it is", "unit", "required", "expected"),
        *(
            (spec.name, spec.title, spec.unit or "", "yes" if spec.required else "no", spec.expected())
            for spec in schema.fields.values()
        ),
        (),
        ("rule", "what is said when it is broken", "severity", "", "what the severity means"),
        *(
            (rule.id, rule.says, rule.severity, "", rule_wording.MEANS[rule.severity])
            for rule in rule_wording.of(collection)
        ),
    ]
    for row, cells in enumerate(lines):
        for at, cell in enumerate(cells):
            title = cells[0] in ("field", "rule") and len(cells) > 1
            notes.write_string(row, at, cell, head if title else wrap if len(cells) > 1 else None)

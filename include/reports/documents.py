"""Writes a board report as a page, a PDF and a table of exact figures."""

import csv
import io
import json
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import typst
from markupsafe import Markup

from ..pages import readable, templates
from ..reading.harmless import csv_safe
from .board import Report

FOLDER = Path(__file__).with_name("templates")
EXACT = (
    "collection", "metric_id", "metric_name", "period", "value", "unit", "polarity", "peers", "lower_quartile", "median", "upper_quartile",
    "percentile_rank", "quartile", "opportunity_gbp", "adds_over", "quality_flag", "completeness", "rows_sent", "rows_used",
    "months_covered", "months_expected", "suppressed", "withheld", "reason", "release_id", "published_at", "is_sample",
)  # fmt: skip
_one_at_a_time = BoundedSemaphore(1)


@cache
def _environment() -> Any:
    return templates.environment(FOLDER)


def body(report: Report) -> Markup:
    """The report as a piece of a page, in headings from the second rank on."""
    return Markup(_environment().get_template("board_body.html").render(report=report))


def html(report: Report) -> str:
    """The report as a page of its own, which fetches nothing."""
    return str(_environment().get_template("board.html").render(report=report, body=body(report)))


def pdf(report: Report) -> bytes:
    """The report as a PDF with tags for screen readers. What is in it goes to the typesetter as data, never as its markup."""
    given = asdict(report)
    given["exact"] = [_row(row) for row in report.exact]
    for note in given["notes"]:
        note["reviewed_on"] = readable.day(note["reviewed_on"])
    given["half"] = {"words": report.half.words, "name": report.half.name}
    with _one_at_a_time:
        made = typst.compile(
            str(FOLDER / "board.typ"),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"report": json.dumps(given, ensure_ascii=False, default=str)},
            pdf_standards=["ua-1"],
            timestamp=0,
        )
    if not isinstance(made, bytes):
        raise TypeError("The typesetter gave no PDF.")
    return made


def table(report: Report) -> str:
    """Every figure of the half-year as the warehouse has it, as CSV. A text that a spreadsheet would take for a formula gets a quote."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EXACT)
    for row in report.exact:
        writer.writerow([_cell(row[name]) for name in EXACT])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        return csv_safe(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _row(row: Any) -> dict[str, str]:
    """A figure as the appendix has it: numbers as they are."""
    return {
        name: "" if row[name] is None else repr(row[name]) if isinstance(row[name], float) else str(row[name])
        for name in ("metric_id", "period", "value", "median", "unit", "quality_flag", "release_id")
    }


def name_of(report: Report, ending: str) -> str:
    """A name for a file of the report."""
    return f"board_report_{report.provider}_{report.half.name}.{ending}"

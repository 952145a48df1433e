"""The summary for a trust of its return, as plain text: what was received, what is wrong, what to do and by when."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import psycopg

from .. import catalogue
from ..reading.harmless import harmless
from . import submitted_file, trust_wording, workbook
from .submitted_file import Submission

SHOWN_LINES = 5  # of a kind of finding
SHOWN_MESSAGE = 400  # characters
SHOWN_KINDS = 40  # of findings in one part of the summary; the workbook lists all

Kind = dict[str, Any]  # a row of the frame of `by_kind`


def text(connection: psycopg.Connection[Any], submission_id: str, now: datetime | None = None) -> str:
    """The summary of a submission, to paste or to send. Text from the file is made harmless.

    Raises:
        LookupError: there is no such submission.
    """
    about = submitted_file.submission(connection, submission_id)
    return summary(about, workbook.findings_of(connection, submission_id), now or datetime.now(UTC))


def summary(about: Submission, findings: pl.DataFrame, now: datetime) -> str:
    """The summary of a submission with these findings (columns as in `workbook.FINDINGS`) at a moment."""
    kinds = by_kind(findings)
    found = [kind for kind in kinds if kind["is_open"]]
    theirs = [kind for kind in found if kind["responsible"] != "us"]
    must = [kind for kind in theirs if kind["severity"] in ("hold", "reject")]
    is_late = about.due is not None and about.received_at is not None and about.received_at > about.due
    rendered = _template().render(
        title=catalogue.load(about.collection).title,
        about=replace(about, file_name=harmless(about.file_name), name=harmless(about.name)),
        received=trust_wording.day(about.received_at),
        due=trust_wording.day(about.due),
        state=_state(about),
        must=must,
        look=[kind for kind in theirs if kind["severity"] == "warn"],
        ours=[kind for kind in found if kind["severity"] != "info" and kind["responsible"] == "us"],
        information=[kind for kind in found if kind["severity"] == "info"],
        covered=sum(kind["findings"] for kind in kinds if not kind["is_open"]),
        by_when=by_when(about, bool(must), now),
        late=is_late,
        most=SHOWN_KINDS,
    )
    return rendered.strip() + "\n"


def by_kind(findings: pl.DataFrame) -> list[Kind]:
    """Findings by rule and column, worst first: how many, their first lines, and one message as an example."""
    order = {severity: at for at, severity in enumerate(trust_wording.MEANS)}
    line = pl.col("line").drop_nulls()
    kinds = (
        findings.with_columns(is_open=pl.col("decision_id").is_null())
        .group_by("severity", "rule_id", "column_name", "responsible", "is_open", maintain_order=True)
        .agg(
            findings=pl.len(),
            lines=line.unique().sort().head(SHOWN_LINES),
            with_line=line.n_unique(),
            message=pl.col("message").first(),
        )
        .sort(
            pl.col("severity").replace_strict(order, default=9),
            -pl.col("findings").cast(pl.Int64),
            "rule_id",
            maintain_order=True,
        )
    )
    return [
        row
        | {
            "column_name": harmless(row["column_name"], 80),
            "message": harmless(row["message"], SHOWN_MESSAGE),
            "more_lines": row["with_line"] - len(row["lines"]),
        }
        for row in kinds.to_dicts()
    ]


def _state(about: Submission) -> str:
    if about.is_returned:
        return "returned to you: not included in published figures until you send a corrected version"
    state = trust_wording.STATES.get(about.state, about.state)
    if about.state == "held" and about.counting not in (None, about.submission_id):
        state += ". The version that was accepted before is still included"
    return state


def by_when(about: Submission, has_errors: bool, now: datetime) -> str:
    """By when a corrected version is needed; '' if none is."""
    due, closes = trust_wording.day(about.due), trust_wording.day(about.closes)
    if not about.is_newest:
        return "A newer version of this return has been received. No action needed for this one."
    if not (about.is_returned or has_errors):
        return ""
    if about.due and now <= about.due:
        return f"Send the corrected return by {due}."
    if about.closes and now > about.closes:
        return (
            f"The period closed on {closes}. A return that you send now is included in the next refresh "
            "and in publications made after that."
        )
    late = f"The deadline of {due} has passed. " if due else ""
    latest = f". The last day is {closes}, when this period closes" if closes else ""
    return f"{late}Send the corrected return as soon as you can{latest}."


@cache
def _template() -> jinja2.Template:
    # Plain text: nothing is escaped, and text from the file has been made harmless.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["count"] = lambda number, noun: f"{number:,} {noun}" + ("" if number == 1 else "s")
    return environment.get_template("summary.txt.j2")

"""What is written to a trust about its return: what came, what was wrong, what to do and by when, as plain text."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import polars as pl
import psycopg

from .. import catalogue
from ..reading.harmless import harmless
from . import trust_wording, workbook

SHOWN_LINES = 5  # of a kind of finding
SHOWN_MESSAGE = 400
SHOWN_KINDS = 40  # of findings, in one part of the summary; the workbook lists all


def text(connection: psycopg.Connection, submission_id: str, now: datetime | None = None) -> str:
    """The summary of a submission, to paste or to send. Everything that came from the file is shown harmless.

    Raises:
        LookupError: there is no such submission.
    """
    about = _about(connection, submission_id)
    return made(about, workbook.findings_of(connection, submission_id), now or datetime.now(UTC))


def made(about: dict, findings: pl.DataFrame, now: datetime) -> str:
    """The same from what is known of a submission (see `_about`) and its findings."""
    declared = catalogue.load(about["collection"])
    kinds = folded(findings)
    open_kinds = [kind for kind in kinds if kind["open"]]
    return (
        _template()
        .render(
            title=declared.title,
            about=about | {"file_name": harmless(about["file_name"]), "name": harmless(about.get("name"))},
            received=trust_wording.day(about["received_at"]),
            due=trust_wording.day(about.get("due")),
            closes=trust_wording.day(about.get("closes")),
            state=_state(about),
            must=[
                kind for kind in open_kinds if kind["severity"] in ("hold", "reject") and kind["responsible"] != "us"
            ],
            look=[kind for kind in open_kinds if kind["severity"] == "warn" and kind["responsible"] != "us"],
            ours=[kind for kind in open_kinds if kind["severity"] != "info" and kind["responsible"] == "us"],
            told=[kind for kind in open_kinds if kind["severity"] == "info"],
            passed=sum(kind["findings"] for kind in kinds if not kind["open"]),
            by_when=_by_when(about, open_kinds, now),
            late=bool(about.get("due")) and about["received_at"] > about["due"],
            most=SHOWN_KINDS,
        )
        .strip()
        + "\n"
    )


def folded(findings: pl.DataFrame) -> list[dict]:
    """Findings folded by rule and column, worst first: how many, on which lines first, and one sentence as an example."""
    if "decision_id" not in findings.columns:
        findings = findings.with_columns(decision_id=pl.lit(None, pl.Int64))
    order = {severity: at for at, severity in enumerate(trust_wording.SEVERITIES)}
    kinds = (
        findings.with_columns(open=pl.col("decision_id").is_null())
        .group_by("severity", "rule_id", "column_name", "responsible", "open", maintain_order=True)
        .agg(
            findings=pl.len(),
            lines=pl.col("line").drop_nulls().unique().sort().head(SHOWN_LINES),
            with_line=pl.col("line").drop_nulls().n_unique(),
            message=pl.col("message").first(),
        )
        .sort(pl.col("severity").replace_strict(order, default=9), -pl.col("findings").cast(pl.Int64), "rule_id", maintain_order=True)
    )  # fmt: skip
    return [
        row
        | {
            "column_name": harmless(row["column_name"], 80),
            "message": harmless(row["message"], SHOWN_MESSAGE),
            "more_lines": row["with_line"] - len(row["lines"]),
        }
        for row in kinds.to_dicts()
    ]


def _about(connection: psycopg.Connection, submission_id: str) -> dict:
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    row = cursor.execute(
        """SELECT s.submission_id, s.collection, s.period, s.sender, p.provider_name AS name, s.version, s.file_name, s.received_at,
                  s.state, s.rows_read, s.rows_recorded, s.rows_rejected, s.rows_held, s.is_sample, s.is_current, s.is_newest, s.is_returned,
                  b.due, b.closes, b.counting
           FROM intake.submissions s
           LEFT JOIN published.providers p ON p.provider_code = s.sender
           LEFT JOIN intake.board b ON (b.collection, b.period, b.sender, b.part) = (s.collection, s.period, s.sender, s.part)
           WHERE s.submission_id = %s""",
        [submission_id],
    ).fetchone()
    if row is None:
        raise LookupError(f"There is no submission '{harmless(submission_id, 40)}'. List them in intake.submissions.")
    return row


def _state(about: dict) -> str:
    if about.get("is_returned"):
        return "returned to you: it does not count until a corrected version has come"
    said = trust_wording.STATES.get(about["state"], about["state"])
    if about["state"] == "held" and about.get("counting") not in (None, about["submission_id"]):
        said += "; the version that was accepted before still counts"
    return said


def _by_when(about: dict, open_kinds: list[dict], now: datetime) -> str:
    """By when a corrected version is needed, or nothing where none is."""
    due, closes = about.get("due"), about.get("closes")
    wanted = about.get("is_returned") or any(
        kind["severity"] in ("hold", "reject") and kind["responsible"] != "us" for kind in open_kinds
    )
    if not about.get("is_newest", True):
        return "A newer version of this return has come since. Nothing to send for this one."
    if not wanted:
        return ""
    if due and now <= due:
        return f"Send the corrected return by {trust_wording.day(due)}."
    if closes and now <= closes:
        late = f"The deadline of {trust_wording.day(due)} has passed. " if due else ""
        return f"{late}Send the corrected return as soon as you can, at the latest by {trust_wording.day(closes)}, when this period closes."
    if closes:
        return f"The period closed on {trust_wording.day(closes)}. What you send now is in the next refresh, and in publications made after that."
    if due:
        return f"The deadline of {trust_wording.day(due)} has passed. Send the corrected return as soon as you can."
    return "Send the corrected return as soon as you can."


@cache
def _template():
    import jinja2

    # Plain text: nothing is escaped, and what came from the file was made harmless before.
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=False, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["count"] = lambda number, noun: f"{number:,} {noun}" + ("" if number == 1 else "s")
    return environment.get_template("summary.txt.j2")

"""Describes what an accepted return would still lack: rows left out, trusts without rows, and figures withheld because of it."""

from typing import Any, NamedTuple

import polars as pl
import psycopg

from .. import catalogue, reference, schemas
from ..reading.reading import Reading
from ..records import all_findings, read_and_validate
from ..schemas.rules import REJECT
from . import queries

LISTED = 10  # of each kind, by name; the rest is counted
EFFECTS = {"ROWS_REJECTED": "would not be shown", "PARTIAL_ROWS": "would be shown, marked as partial"}
SAME_IN_EVERY_ROW = ("ods_code", "period", "financial_year")  # key fields of a trust's return


class WholeFinding(NamedTuple):
    """A finding about the whole return that a decision covers."""

    rule_id: str
    message: str


class RowLeftOut(NamedTuple):
    """The place of a row that is left out."""

    sheet: str | None
    line: int


def sentences(
    connection: psycopg.Connection[Any], submission_id: str, provider_rows: pl.DataFrame, measures: pl.DataFrame
) -> list[str]:
    """What would be missing if the submission counts as it is validated in this transaction, as sentences; [] for nothing.

    Args:
        connection: with the validation in its transaction.
        submission_id: the submission.
        provider_rows: rows sent and used by provider, columns as in `measure.PROVIDER_ROWS`.
        measures: the resulting figures, with `metric_id`, `provider_code` and `withheld`.
    """
    covered = queries.rows(connection, "stewardship/whole_findings_covered", WholeFinding, submission_id=submission_id)
    found = [f"{rule} would be accepted: {message.split('. ')[0].rstrip('.')}." for rule, message in covered]
    rows = provider_rows.filter(pl.col("submission_id") == submission_id)
    lacking = rows.filter(pl.col("rows_used") < pl.col("rows_sent"))
    if not lacking.height:
        return found
    reading = read_and_validate.reading_of(connection, submission_id)
    sent, unused = int(rows["rows_sent"].sum()), int((lacking["rows_sent"] - lacking["rows_used"]).sum())
    places = _rows_left_out(connection, submission_id, reading)
    found.append(f"{unused:,} of {_counted(sent, 'row')} would be left out: {_listed(places)}.")
    if catalogue.load(reading.collection).is_national:
        found += _trusts(lacking)
    return found + _figures(lacking, measures)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _listed(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - LISTED
    return "; ".join(names[:LISTED]) + (f"; and {more:,} more" if more > 0 else "")


def _rows_left_out(connection: psycopg.Connection[Any], submission_id: str, reading: Reading) -> list[str]:
    """Each row that would be left out, by its line and key, in file order."""
    path = all_findings.file(connection, submission_id)
    if path is None:
        places = queries.rows(connection, "stewardship/rows_left_out", RowLeftOut, submission_id=submission_id)
    else:
        is_out = (pl.col("severity") == REJECT) & pl.col("decision_id").is_null() & pl.col("line").is_not_null()
        of_file = (
            pl.scan_parquet(path).filter(is_out).select("sheet", "line").unique().sort("sheet", "line", nulls_last=True)
        )
        places = [RowLeftOut(*row) for row in of_file.collect().iter_rows()]
    schema, about = schemas.load(reading.collection), {}
    is_national = catalogue.load(reading.collection).is_national
    shown = [place.line for place in places[:LISTED]]
    for table in reading.tables:
        fields = [n for n in schema.key if n in table.headings and (is_national or n not in SAME_IN_EVERY_ROW)]
        for row in table.frame.filter(pl.col("line").is_in(shown)).iter_rows(named=True):
            key = [f"{schema.fields[n].title.split(',')[0].lower()} {(row[n] or '(blank)')[:60]}" for n in fields]
            about[table.sheet, row["line"]] = f" ({', '.join(key)})" if key else ""
    several = len(reading.tables) > 1
    return [
        f"line {line:,}{f' of {sheet}' if several and sheet else ''}{about.get((sheet, line), '')}"
        for sheet, line in places
    ]


def _trusts(lacking: pl.DataFrame) -> list[str]:
    """The trusts of a national file of which all rows, or some rows, would be left out."""
    none, some = [], []
    for one in lacking.drop_nulls("provider_code").sort("provider_code").iter_rows(named=True):
        if one["rows_used"]:
            some.append(f"{one['provider_code']} ({one['rows_used']:,} of {one['rows_sent']:,} rows)")
        else:
            none.append(one["provider_code"])
    kinds = (("would have no rows at all", none), ("would have only some of their rows", some))
    return [f"{_counted(len(codes), 'trust')} {what}: {_listed(codes)}." for what, codes in kinds if codes]


def _figures(lacking: pl.DataFrame, measures: pl.DataFrame) -> list[str]:
    """The figures of these trusts that would be withheld or marked because of their rows."""
    known, found = reference.load(), []
    reasons = {one.code: one.sentence for one in known.reasons}
    names = {metric.metric_id: metric.name for metric in known.metrics}
    theirs = measures.filter(pl.col("provider_code").is_in(lacking["provider_code"].drop_nulls().implode()))
    for code, effect in EFFECTS.items():
        hit = theirs.filter(pl.col("withheld") == code)
        if hit.height:
            of = [f"{one} {names.get(one, '')}".strip() for one in sorted(set(hit["metric_id"]))]
            found.append(f"{_counted(hit.height, 'figure')} {effect}: {'; '.join(of)}. {reasons.get(code, '')}".strip())
    return found or ["No figure would be withheld because of this."]

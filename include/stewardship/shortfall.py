"""Says what a return that is taken in spite of its faults would lack: rows, trusts, and figures that would not be shown because of it."""

import polars as pl
import psycopg

from .. import catalogue, reference, schemas
from ..reading.reading import Reading
from ..records import read_and_validate

LISTED = 10  # of each kind, by name; the rest is counted
ROWS_LEFT_OUT = {"ROWS_REJECTED": "would not be shown", "PARTIAL_ROWS": "would be shown, marked as a part"}
SAID_BY_SENDER = (
    "ods_code",
    "period",
    "financial_year",
)  # key fields that are the same in every row of a trust's return


def sentences(
    connection: psycopg.Connection, submission_id: str, provider_rows: pl.DataFrame, measures: pl.DataFrame
) -> list[str]:
    """What would be missing if the submission counts as it stands validated in this transaction; empty where nothing would.

    Args:
        provider_rows: rows sent and used by provider, columns as in `measure.PROVIDER_ROWS`.
        measures: the figures that would follow, with `metric_id`, `provider_code` and `withheld`.
    """
    rows = provider_rows.filter(pl.col("submission_id") == submission_id)
    lacking = rows.filter(pl.col("rows_used") < pl.col("rows_sent"))
    said = _passed_over(connection, submission_id)
    if not lacking.height:
        return said
    reading = read_and_validate.reading_of(connection, submission_id)
    unused, sent = lacking.select(pl.col("rows_sent") - pl.col("rows_used")).sum().item(), rows["rows_sent"].sum()
    places = _rows_left_out(connection, submission_id, reading)
    said.append(f"{unused:,} of {sent:,} {_rows(sent)} would not be used: {_listed(places)}.")
    if catalogue.load(reading.collection).is_national:
        said += _trusts(lacking)
    return said + _figures(lacking, measures)


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _listed(names: list[str], separator: str = "; ") -> str:
    """The first names, and how many more there are."""
    more = len(names) - LISTED
    return separator.join(names[:LISTED]) + (f"; and {more:,} more" if more > 0 else "")


def _passed_over(connection, submission_id: str) -> list[str]:
    """What is wrong with the whole return and would be let pass."""
    found = connection.execute(
        """SELECT DISTINCT f.rule_id, f.message FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
           WHERE f.submission_id = %s AND f.decision_id IS NOT NULL AND f.line IS NULL AND f.severity = 'hold'
           AND f.rule_id <> 'CEILING' ORDER BY 1, 2""",
        [submission_id],
    )
    return [f"{rule} would be passed over: {message.split('. ')[0].rstrip('.')}." for rule, message in found]


def _rows_left_out(connection, submission_id: str, reading: Reading) -> list[str]:
    """Each row that would not be used, by its line and what it is about, in the order of the file."""
    lines = connection.execute(
        """SELECT DISTINCT f.sheet, f.line FROM core.finding f JOIN intake.validations v USING (submission_id, rules_version)
           WHERE f.submission_id = %s AND f.severity = 'reject' AND f.decision_id IS NULL AND f.line IS NOT NULL ORDER BY 1, 2""",
        [submission_id],
    ).fetchall()
    schema, about = schemas.load(reading.collection), {}
    national = catalogue.load(reading.collection).is_national
    shown = {line for _, line in lines[:LISTED]}
    for table in reading.tables:
        fields = [n for n in schema.key if n in table.headings and (national or n not in SAID_BY_SENDER)]
        for row in table.frame.filter(pl.col("line").is_in(list(shown))).iter_rows(named=True):
            words = [f"{schema.fields[n].title.split(',')[0].lower()} {(row[n] or '(blank)')[:60]}" for n in fields]
            about[table.sheet, row["line"]] = f" ({', '.join(words)})" if words else ""
    several = len(reading.tables) > 1
    return [
        f"line {line:,}{f' of {sheet}' if several and sheet else ''}{about.get((sheet, line), '')}"
        for sheet, line in lines
    ]


def _trusts(lacking: pl.DataFrame) -> list[str]:
    """Of a national file, the trusts of which no row would be used, and those of which some would not."""
    known, said = lacking.drop_nulls("provider_code").sort("provider_code"), []
    none = known.filter(pl.col("rows_used") == 0)["provider_code"].to_list()
    part = [
        f"{one['provider_code']} ({one['rows_used']:,} of {one['rows_sent']:,} rows)"
        for one in known.filter(pl.col("rows_used") > 0).iter_rows(named=True)
    ]
    if none:
        said.append(
            f"{len(none):,} {'trust' if len(none) == 1 else 'trusts'} would have no row at all: {_listed(none)}."
        )
    if part:
        said.append(
            f"{len(part):,} {'trust' if len(part) == 1 else 'trusts'} would have a part of their rows: {_listed(part)}."
        )
    return said


def _figures(lacking: pl.DataFrame, measures: pl.DataFrame) -> list[str]:
    """The figures of these trusts that would be withheld or marked because of their rows."""
    known, said = reference.load(), []
    reasons = {one.code: one.sentence for one in known.reasons}
    names = {metric.metric_id: metric.name for metric in known.metrics}
    theirs = measures.filter(pl.col("provider_code").is_in(lacking["provider_code"].drop_nulls().implode()))
    for code, happens in ROWS_LEFT_OUT.items():
        hit = theirs.filter(pl.col("withheld") == code)
        if hit.height:
            of = [f"{one} {names.get(one, '')}".strip() for one in sorted(set(hit["metric_id"]))]
            count = "1 figure" if hit.height == 1 else f"{hit.height:,} figures"
            said.append(f"{count} {happens}: {'; '.join(of)}. {reasons.get(code, '')}".strip())
    return said or ["No figure would be withheld because of that."]

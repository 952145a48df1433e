"""Tables of text to records and findings: parse every cell, then check typed values with pandera; no fault hides another."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from .. import catalogue, reference, schemas
from ..reading import findings
from ..reading.reading import Reading
from ..reference import calendar
from ..schemas.rules import HOLD, REJECT, WARN, About
from . import checks, decisions_applied, limits, misplaced_columns, provider_rows
from .parse import Parsed

# A file with one of these is not the return that it was sent as, or cannot be seen to be it.
NOT_THIS_RETURN = ["FIL-EMPTY", "FIL-KIND", "FIL-DAMAGED", "FIL-SIZE", "FIL-PERIOD", "FIL-SENDER", "STR01"]

ACCEPTED, WITH_WARNINGS, HELD = "accepted", "accepted_with_warnings", "held"


@dataclass
class Outcome:
    """What validation made of a submission.

    Attributes:
        state: 'accepted', 'accepted_with_warnings' or 'held'.
        records: the accepted rows, typed, with provider_code, body, sheet and line (none when held).
        findings: every fault, in the order of the file (see `decisions_applied.COLUMNS`).
        rows_read = rows_recorded + rows_rejected + rows_held, always.
        cells_expected, cells_valid: cells of required fields that were asked for, and those that hold a valid value.
        provider_rows: rows sent, used and warned about, by provider (see `provider_rows.COLUMNS`; none when held).
        identified: whether it can be seen to be the return it was sent as, right or wrong: it has a known layout and the period
            and sender that it was registered under, and at least one row is about them.
    """

    reading: Reading
    state: str
    records: pl.DataFrame
    findings: pl.DataFrame
    rows_read: int
    rows_recorded: int
    rows_rejected: int
    rows_held: int
    cells_expected: int
    cells_valid: int
    provider_rows: pl.DataFrame = field(default_factory=provider_rows.empty)
    identified: bool = False


def validate(reading: Reading, decisions: Sequence[decisions_applied.Decision] = ()) -> Outcome:
    """Validates what was read; a submission with a finding of severity 'hold' is held whole.

    Args:
        reading: the file as read; cells that a decision corrects are changed in it.
        decisions: what stewards decided about it, in force.
    """

    def settled(frames: list[pl.DataFrame]) -> pl.DataFrame:
        return decisions_applied.passed_over(findings.join(frames), reading.tables, decisions, reading.collection)

    about_all = reading.findings + decisions_applied.correct(reading, decisions) + decisions_applied.on_hold(decisions)
    kept: list[tuple[Parsed, pl.DataFrame]] = []
    cells_expected = cells_valid = 0
    about = _about(reading)
    if reading.tables and reading.layout and about:
        schema = schemas.load(reading.collection)
        about_all += _about_sender(reading, about)
        for table in reading.tables:
            parsed = Parsed(table, schema, reading.layout, reading.responsible)
            checked = parsed.findings + checks.check(parsed, schema, about)
            faults = settled(checked + misplaced_columns.find(parsed, checked))
            required = [name for name in parsed.asked if schema.fields[name].required]
            cells_expected += len(required) * parsed.frame.height
            cells_valid += len(required) * parsed.frame.height - _faulty_cells(parsed, faults, required)
            kept.append((parsed, faults))
    unused = [limits.rejected_lines(faults) for _, faults in kept]
    rejected = sum(lines.len() for lines in unused)
    warned = sum(limits.warned_lines(faults).len() for _, faults in kept)
    bounds = settled(limits.broken(reading, rejected, warned))
    found = decisions_applied.join([settled(about_all), *(faults for _, faults in kept), bounds])
    stands = set(found.filter(pl.col("decision_id").is_null())["severity"].unique()) if found.height else set()
    read = reading.rows_read
    identified = _is_identified(kept, found)
    if not kept or HOLD in stands:
        held = Outcome(reading, HELD, _no_records(reading), found, read, 0, 0, read, cells_expected, cells_valid)
        return replace(held, identified=identified)
    records = pl.concat([_records(parsed, lines) for (parsed, _), lines in zip(kept, unused, strict=True)])
    state = WITH_WARNINGS if stands & {WARN, REJECT} else ACCEPTED
    rows = provider_rows.count(
        reading, [(parsed, lines) for (parsed, _), lines in zip(kept, unused, strict=True)], found
    )
    counts = (read, records.height, rejected, 0, cells_expected, cells_valid)
    return Outcome(reading, state, records, found, *counts, rows, identified)


def _about(reading: Reading) -> About | None:
    """What rules may know about a submission; None where its period or sender is not known."""
    if not (reading.period and reading.sender):
        return None
    start, end = calendar.period_start(reading.period), calendar.period_end(reading.period)
    return About(reading.collection, reading.period, reading.sender, reading.part, start, end)


def _about_sender(reading: Reading, about: About) -> list[pl.DataFrame]:
    """STR04: the sending trust is known and was open at the period's end."""
    if catalogue.load(reading.collection).is_national:
        return []
    known, code = reference.load(), about.sender
    if not known.knows(code):
        says = f"'{code}' is not the code of a known trust. Expected an ODS code such as RY8: correct it, or tell us about a new trust."
    elif not known.is_open(code, about.period_end):
        successors = ", ".join(f"{s} ({known.name_on(s, about.period_end)})" for s in known.final_successors(code))
        says = f"{code} ({known.name_on(code, about.period_start)}) was not open on {about.period_end}. " + (
            f"Its successor is {successors}: send the return under that code."
            if successors
            else "No successor is known."
        )
    else:
        return []
    return [findings.one("STR04", says, responsible=reading.responsible, raw_value=code)]


def _is_identified(kept: list[tuple[Parsed, pl.DataFrame]], found: pl.DataFrame) -> bool:
    """See `Outcome.identified`; decisions make no difference to it."""
    if not any(parsed.frame.height for parsed, _ in kept):
        return False
    if not found.height:
        return True
    if found["rule_id"].is_in(NOT_THIS_RETURN).any():
        return False
    foreign = pl.col("rule_id").is_in(["STR04", "VAL-PERIOD"]) & pl.col("severity").is_in([REJECT, HOLD])
    return any(
        faults.filter(foreign & pl.col("line").is_not_null())["line"].n_unique() < parsed.frame.height
        for parsed, faults in kept
    )


def _faulty_cells(parsed: Parsed, faults: pl.DataFrame, required: list[str]) -> int:
    if not faults.height:
        return 0
    headings = [parsed.table.headings[name] for name in required]
    faulty = (
        (pl.col("scope") == "cell")
        & pl.col("severity").is_in([REJECT, HOLD])
        & pl.col("column_name").is_in(headings)
        & pl.col("decision_id").is_null()
    )
    return faults.filter(faulty).select("line", "column_name").unique().height


def _records(parsed: Parsed, unused: pl.Series) -> pl.DataFrame:
    schema, frame = parsed.schema, parsed.frame
    if unused.len():
        frame = frame.filter(~pl.col("line").is_in(unused.implode()))
    body = schema.body.cast(pl.String)
    code = pl.when(body == "provider").then("ods_code") if "ods_code" in schema.fields else pl.lit(None, pl.String)
    return frame.select(
        code.alias("provider_code"),
        body.alias("body"),
        pl.lit(parsed.table.sheet, pl.String).alias("sheet"),
        "line",
        *schema.fields,
    )


def _no_records(reading: Reading) -> pl.DataFrame:
    fields = schemas.load(reading.collection).fields
    columns = {"provider_code": pl.String, "body": pl.String, "sheet": pl.String, "line": pl.Int64}
    return pl.DataFrame(schema=columns | {name: spec.dtype for name, spec in fields.items()})

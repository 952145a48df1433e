"""Tables of text to records and findings: parse every cell, then check typed values with pandera; no fault hides another."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.backends.polars import builtin_checks

from .. import catalogue, reference, schemas
from ..reading import findings
from ..reading.reading import Reading
from ..reference import calendar
from ..schemas.models import Schema
from ..schemas.rules import HOLD, REJECT, US, WARN, About, Rule
from . import columns, decided, provider_rows, units
from .common_rules import structure
from .parse import Parsed
from .wording import SAYS, finding

FEW = 500  # rows that are worth no plan: each call takes longer than the work on them
FEWEST_WARNED = 10  # rows with a warning; of fewer, half is no sign of anything
# A file with one of these is not the return that it was sent as, or cannot be seen to be it.
NOT_THIS_RETURN = ["FIL-EMPTY", "FIL-KIND", "FIL-DAMAGED", "FIL-SIZE", "FIL-PERIOD", "FIL-SENDER", "STR01"]

ACCEPTED, WITH_WARNINGS, HELD = "accepted", "accepted_with_warnings", "held"


@dataclass
class Outcome:
    """What validation made of a submission.

    Attributes:
        state: 'accepted', 'accepted_with_warnings' or 'held'.
        records: the accepted rows, typed, with provider_code, body, sheet and line (none when held).
        findings: every fault, in the order of the file (see `decided.COLUMNS`).
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


def validate(reading: Reading, decisions: Sequence[decided.Decision] = ()) -> Outcome:
    """Validates what was read; a submission with a finding of severity 'hold' is held whole.

    Args:
        reading: the file as read; cells that a decision corrects are changed in it.
        decisions: what stewards decided about it, in force.
    """

    def settled(frames: list[pl.DataFrame]) -> pl.DataFrame:
        return decided.passed_over(findings.join(frames), reading.tables, decisions, reading.collection)

    about_all = reading.findings + decided.correct(reading, decisions) + decided.on_hold(decisions)
    kept, cells_expected, cells_valid = [], 0, 0
    if reading.tables and reading.period and reading.sender:
        schema, about = schemas.load(reading.collection), _about(reading)
        about_all += _about_sender(reading, about)
        for table in reading.tables:
            parsed = Parsed(table, schema, reading.layout, reading.responsible)
            checked = parsed.findings + _check(parsed, schema, about)
            faults = settled(checked + columns.other(parsed, checked))
            required = [name for name in parsed.asked if schema.fields[name].required]
            cells_expected += len(required) * parsed.frame.height
            cells_valid += len(required) * parsed.frame.height - _faulty_cells(parsed, faults, required)
            kept.append((parsed, faults))
    unused = [_rejected(faults) for _, faults in kept]
    rejected = sum(lines.len() for lines in unused)
    warned = sum(_warned(faults).len() for _, faults in kept)
    bounds = settled(_bounds(reading, rejected, warned))
    found = decided.join([settled(about_all), *(faults for _, faults in kept), bounds])
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


def _about(reading: Reading) -> About:
    start, end = calendar.period_start(reading.period), calendar.period_end(reading.period)
    return About(reading.collection, reading.period, reading.sender, reading.part, start, end)


def _about_sender(reading: Reading, about: About) -> list[pl.DataFrame]:
    """STR04: the sending trust is known and was open at the period's end."""
    if catalogue.load(reading.collection).is_national:
        return []
    known, code = reference.load(), reading.sender
    if not known.knows(code):
        says = f"'{code}' is not the code of a trust that is known here. Expected an ODS code such as RY8: correct it, or tell us of a new trust."
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


def _check(parsed: Parsed, schema: Schema, about: About) -> list[pl.DataFrame]:
    rules = structure(parsed, schema, about) + _usual(schema.collection) + schema.rules(about)
    by_name = {f"{rule.id}|{i}": rule for i, rule in enumerate(rules)}
    columns, names = _broken(parsed.frame, schema.collection, by_name)
    found = []
    if columns or names:
        checks = [_as_check(name, by_name[name]) for name in names]
        try:
            pa.DataFrameSchema(columns, checks=checks, strict=False, coerce=False).validate(parsed.frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            found = [finding(parsed, by_name, error) for error in errors.schema_errors]
    return found + _absent_keys(parsed, schema) + units.suspects(parsed, schema.collection, about.part)


def _broken(frame: pl.DataFrame, collection: str, by_name: dict[str, Rule]) -> tuple[dict, list[str]]:
    """The pandera columns and the rules that do not hold for the whole frame; the rest has no fault to list.

    pandera takes a millisecond a check however few the rows. So it is given all of them as one check first, which most
    returns pass, and then only those that did not hold, to list the rows.
    """
    columns, fields, holds = _columns(collection), schemas.load(collection).fields, {}

    def all_hold(data) -> bool:
        types = data.lazyframe.collect_schema()
        checks = _column_checks(collection) | {name: rule.check for name, rule in by_name.items()}
        # Nulls pass, as in pandera. In two steps, or polars would compute parts that checks share once for each.
        named = [check.alias(name) for name, check in checks.items()]
        # A small frame is done before a plan for it is made.
        source = data.lazyframe if frame.height > FEW else frame
        found = source.select(named).select(pl.all().all()).lazy().collect()
        holds.update(found.row(0, named=True))
        holds.update((name, False) for name, spec in fields.items() if types.get(name) != spec.dtype)
        return all(holds.values())

    if not frame.height:
        return columns, list(by_name)  # a rule about the whole submission has no row here to be found wanting in
    try:
        pa.DataFrameSchema(checks=[pa.Check(all_hold)]).validate(frame, lazy=True)
        return {}, []
    except pa.errors.SchemaErrors:
        # Where a check could not be run, nothing is known to hold: pandera looks at every one and says which it is.
        broken = {name for name in (*columns, *by_name) if not holds.get(name, bool(holds))}
        return {n: c for n, c in columns.items() if n in broken}, [name for name in by_name if name in broken]


@cache
def _usual(collection: str) -> list[Rule]:
    return schemas.load(collection).usual()


@cache
def _columns(collection: str) -> dict[str, pa.Column]:
    """The model's columns with its built-in checks alone: rules have their sentences, blanks are found while parsing."""
    columns = copy.deepcopy(schemas.load(collection).model.to_schema().columns)
    for column in columns.values():
        column.nullable, column.checks = True, [check for check in column.checks if check.name in SAYS]
        for check in column.checks:  # findings are made from the whole output: pandera need not list what failed
            check.n_failure_cases = 1
    return columns


@cache
def _column_checks(collection: str) -> dict[str, pl.Expr]:
    """What pandera checks in each column, as one expression a column."""
    return {
        name: pl.all_horizontal(_expression(name, check) for check in column.checks)
        for name, column in _columns(collection).items()
        if column.checks
    }


class _Asked:
    """Stands in for a frame and gives back what a check of pandera's selects from it."""

    def select(self, expression: pl.Expr) -> pl.Expr:
        return expression


def _expression(name: str, check: pa.Check) -> pl.Expr:
    """A built-in check of pandera's as a polars expression."""
    return getattr(builtin_checks, check.name)(PolarsData(_Asked(), name), **check.statistics)


def _as_check(name: str, rule: Rule) -> pa.Check:
    # The expression is bound as a default, or every check would use the last rule's.
    # One failure case is enough: findings are made from the whole output, and pandera's own list takes three times as
    # long as everything else when a file is wrong throughout.
    return pa.Check(
        lambda data, check=rule.check: data.lazyframe.select(check.alias("passes")),
        name=name,
        error=rule.id,
        n_failure_cases=1,
    )


def _absent_keys(parsed: Parsed, schema: Schema) -> list[pl.DataFrame]:
    """STR05: every choice of the completing field is present."""
    if not schema.complete:
        return []
    spec = schema.fields[schema.complete]
    present = set(parsed.frame[spec.name].drop_nulls())
    missing = [option for option in spec.options if option not in present]
    if not missing:
        return []
    says = (
        f"{len(missing)} of {len(spec.options)} rows are missing: {', '.join(missing)}. "
        f"Expected one row for every {spec.title.lower()}, with zeros where there is nobody. Partial returns are held, not merged."
    )
    return [
        findings.one(
            "STR05",
            says,
            responsible=parsed.responsible,
            sheet=parsed.table.sheet,
            column_name=parsed.table.headings.get(spec.name),
        )
    ]


def _bounds(reading: Reading, rejected: int, warned: int) -> list[pl.DataFrame]:
    """The collection's floor on rows, and its ceilings on rejected rows and on rows with a warning."""
    declared, found = catalogue.load(reading.collection), []
    if not reading.tables:
        return found
    floor = declared.floor(reading.part)
    if reading.rows_read < floor:
        says = f"The file has {reading.rows_read} rows of data; at least {floor} are expected. Send the whole return."
        found.append(findings.one("FLOOR", says, responsible=reading.responsible))
    if reading.rows_read and rejected / reading.rows_read > declared.max_rejected_share:
        share = 100 * rejected / reading.rows_read
        says = (
            f"{rejected} of {reading.rows_read} rows ({share:.1f} percent) are wrong; at most {100 * declared.max_rejected_share:g} percent may be. "
            "The whole return is held: correct the rows listed and send it again."
        )
        found.append(findings.one("CEILING", says, responsible=reading.responsible))
    if warned >= FEWEST_WARNED and warned / reading.rows_read > declared.max_warned_share:
        says = (
            f"{warned} of {reading.rows_read} rows ({100 * warned / reading.rows_read:.1f} percent) carry a warning. Expected at most "
            f"{100 * declared.max_warned_share:g} percent: what is unusual in most rows is one mistake made throughout. Correct it and "
            "send the return again, or tell us why the rows are right."
        )
        found.append(findings.one("WARN-CEILING", says, responsible=reading.responsible))
    return found


def _warned(faults: pl.DataFrame) -> pl.Series:
    """The lines that carry a warning which the sender can act on and nobody passed over."""
    if not faults.height:
        return faults["line"]
    here = (pl.col("severity") == WARN) & pl.col("line").is_not_null() & pl.col("decision_id").is_null()
    # A word that stands in many cells is told once, on its first line; it is no doubt about the rows.
    return faults.filter(here & (pl.col("responsible") != US))["line"].unique()


def _rejected(faults: pl.DataFrame) -> pl.Series:
    if not faults.height:
        return faults["line"]
    out = (pl.col("severity") == REJECT) & pl.col("line").is_not_null() & pl.col("decision_id").is_null()
    return faults.filter(out)["line"].unique()


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

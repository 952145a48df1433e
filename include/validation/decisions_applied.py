"""What stewards' decisions in force do to a submission: cells read as corrected, findings passed over, or the whole on hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import class_row

from .. import catalogue, schemas
from ..catalogue.layouts import plain
from ..reading import findings
from ..reading.reading import Reading, Table
from ..schemas.rules import HOLD, REJECT, US, WARN
from .row_keys import row_keys

# An acceptance cannot pass over these: there is nothing to record, nobody to record it for, or another decision says so.
# The same list as core.rule_limit, which refuses such a decision; here it keeps one from reaching further than it was asked.
NOT_ACCEPTED = (
    "FIL-EMPTY", "FIL-KIND", "FIL-DAMAGED", "FIL-SIZE", "FIL-PERIOD", "FIL-SENDER", "STR01", "STR02", "STR04",
    "DEC-HOLD", "DEC-RETURN", "FIL-ARRIVED", "SYS-ERROR",
)  # fmt: skip

COLUMNS = findings.COLUMNS | {"decision_id": pl.Int64}  # of findings once decisions have been looked at
_EMPTY = pl.DataFrame(schema=COLUMNS)


@dataclass(frozen=True)
class Decision:
    """One decision in force that bears on a submission; made_here: on this very version of the return."""

    decision_id: int
    decision_key: str
    kind: str
    rule_id: str | None = None
    provider_code: str | None = None
    cells: Sequence[dict[str, Any]] = ()
    new_value: str | None = None
    value_source: str | None = None
    until: date | None = None
    made_here: bool = True


def in_force(connection: psycopg.Connection, submission_id: str) -> list[Decision]:
    """The decisions that bear on a submission now, in the order in which they were made."""
    cursor = connection.cursor(row_factory=class_row(Decision))
    return cursor.execute(
        """SELECT decision_id, decision_key, kind, rule_id, provider_code, cells, new_value, value_source, until, made_here
           FROM core.applying WHERE submission_id = %s ORDER BY decision_id""",
        [submission_id],
    ).fetchall()


def empty() -> pl.DataFrame:
    """No findings."""
    return _EMPTY.clone()


def join(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """All findings of several frames, in the order of the file."""
    frames = [frame for frame in frames if frame.height]
    return pl.concat(frames).sort("sheet", "line", maintain_order=True) if frames else empty()


def correct(reading: Reading, decisions: Sequence[Decision]) -> list[pl.DataFrame]:
    """Puts corrected texts into the tables as read; one that no longer fits is not applied. Returns findings that say which."""
    return [_corrected(reading, one) for one in decisions if one.kind == "correct"]


def on_hold(decisions: Sequence[Decision]) -> list[pl.DataFrame]:
    """The findings that hold a submission because a steward said so."""
    words = {
        "hold": ("DEC-HOLD", US, "A steward put this return on hold by decision {}. Nothing to send: we will say what follows."),
        "return": ("DEC-RETURN", "trust", "This return was sent back by decision {}. Correct what is listed and send it again."),
    }  # fmt: skip
    return [
        findings.one(words[one.kind][0], words[one.kind][2].format(one.decision_id), responsible=words[one.kind][1])
        for one in decisions
        if one.kind in words
    ]


def passed_over(
    found: pl.DataFrame, tables: list[Table], decisions: Sequence[Decision], collection: str
) -> pl.DataFrame:
    """Findings with the decision that passes over each, null where none does (columns as in `COLUMNS`).

    A waived finding keeps its severity and no longer counts. Under an acceptance nothing holds the submission: rows
    with a fault that held it are rejected, and what is wrong with the whole is passed over.
    """
    if not found.height:
        return empty()
    found = found.with_columns(decision_id=pl.lit(None, pl.Int64))
    if not decisions:
        return found
    waivers = [one for one in decisions if one.kind == "waive"]
    national = catalogue.load(collection).is_national
    if waivers and found.height:
        found = _with_rows(found, tables, collection)
        for one in waivers:
            hit = pl.col("decision_id").is_null() & (pl.col("rule_id") == one.rule_id) & _covers(one, found, national)
            found = found.with_columns(decision_id=pl.when(hit).then(one.decision_id).otherwise("decision_id"))
        found = found.select(list(COLUMNS))
    for one in decisions:
        if one.kind == "accept":
            lifted = (
                (pl.col("severity") == HOLD)
                & ~pl.col("rule_id").is_in(list(NOT_ACCEPTED))
                & pl.col("decision_id").is_null()
            )
            of_a_row = pl.col("line").is_not_null() & pl.col("scope").is_in(["cell", "row"])
            found = found.with_columns(
                severity=pl.when(lifted & of_a_row).then(pl.lit(REJECT)).otherwise("severity"),
                decision_id=pl.when(lifted & ~of_a_row).then(one.decision_id).otherwise("decision_id"),
            )
    return found


def key(decisions: Sequence[Decision]) -> str:
    """Names a set of decisions by what they say."""
    return ",".join(sorted(one.decision_key for one in decisions))


def _corrected(reading: Reading, one: Decision) -> pl.DataFrame:
    cell = one.cells[0]
    place = {"sheet": cell["sheet"], "line": cell["line"], "column_name": cell["column_name"]}
    at = _find(reading, one, cell)
    if at is None:
        says = (
            f"Decision {one.decision_id} corrects '{_short(cell['saw'])}', but that row is not in this version. "
            "It was not applied: undo the decision, or leave it if the row was rightly taken out."
        )
        return findings.one("DEC-GONE", says, severity=WARN, responsible=US, scope="cell", **place)
    table, name, row = at
    text = table.frame[name][row]
    place |= {"sheet": table.sheet, "line": table.frame["line"][row], "raw_value": text}
    if (text or "") == (one.new_value or ""):
        says = f"The cell now says '{_short(text)}', as decision {one.decision_id} has it. Nothing to do."
        return findings.one("DEC-CORRECT", says, severity="info", responsible=US, scope="cell", **place)
    if (text or "") != (cell["saw"] or ""):
        says = (
            f"Decision {one.decision_id} corrects '{_short(cell['saw'])}' to '{_short(one.new_value)}', but the cell now says "
            f"'{_short(text)}'. It was not applied: undo the decision, or decide again."
        )
        return findings.one("DEC-GONE", says, severity=WARN, responsible=US, scope="cell", **place)
    index = pl.Series([row])
    table.frame = table.frame.with_columns(table.frame[name].scatter(index, one.new_value))
    says = (
        f"'{_short(text)}' was read as '{_short(one.new_value)}' by decision {one.decision_id} (source: {one.value_source}). "
        "Nothing to send, unless that is wrong."
    )
    return findings.one("DEC-CORRECT", says, severity="info", responsible=US, scope="cell", **place)


def _find(reading: Reading, one: Decision, cell: dict[str, Any]) -> tuple[Table, str, int] | None:
    """The table, field and row number of a decision's cell: by its line in this version, by the row's key in a later one."""
    schema = schemas.load(reading.collection)
    for table in reading.tables:
        if len(reading.tables) > 1 and table.sheet != cell["sheet"]:
            continue
        wanted = plain(cell["column_name"] or "")
        name = next((n for n, heading in table.headings.items() if plain(heading) == wanted), None)
        if name is None:
            continue
        if one.made_here:
            rows = table.frame["line"] == cell["line"]
        else:
            rows = row_keys(table, schema) == (cell["row_key"] or "")
        at = rows.arg_true()
        if len(at) > 1:  # rows of one key: the one that still says what was seen, if only one does
            at = (rows & (table.frame[name].fill_null("") == (cell["saw"] or ""))).arg_true()
        if len(at) == 1:
            return table, name, at[0]
    return None


def _with_rows(found: pl.DataFrame, tables: list[Table], collection: str) -> pl.DataFrame:
    """Findings with row_key and provider_code of the row that each is about."""
    schema = schemas.load(collection)
    keyed = [
        pl.DataFrame(
            {
                "sheet": pl.Series([table.sheet] * table.frame.height, dtype=pl.String),
                "line": table.frame["line"],
                "row_key": row_keys(table, schema),
                "provider": table.frame["ods_code"] if "ods_code" in table.headings else pl.Series([None] * table.frame.height, dtype=pl.String),
            }
        )
        for table in tables
    ]  # fmt: skip
    empty = pl.DataFrame(schema={"sheet": pl.String, "line": pl.Int64, "row_key": pl.String, "provider": pl.String})
    rows = pl.concat([empty, *keyed])
    return found.join(rows, on=["sheet", "line"], how="left", nulls_equal=True, maintain_order="left")


def _covers(one: Decision, found: pl.DataFrame, national: bool) -> pl.Expr:
    """Which findings of its rule a waiver is about: all of the provider's, or those that stand as they stood."""
    if not one.cells:
        return (
            (pl.col("provider").str.strip_chars() == one.provider_code).fill_null(False) if national else pl.lit(True)
        )
    by = ["sheet", "line"] if one.made_here else ["row_key"]
    seen = pl.DataFrame(
        [{k: cell.get(k) for k in ("sheet", "line", "row_key", "column_name", "message")} for cell in one.cells],
        schema={"sheet": pl.String, "line": pl.Int64, "row_key": pl.String, "column_name": pl.String, "message": pl.String},
        orient="row",
    ).select(*by, "column_name", "message")  # fmt: skip
    keys = [*by, "column_name", "message"]
    # The sentence carries the values that were seen: another value is another sentence, and the finding is open again.
    hit = found.select(keys).join(
        seen.unique().with_columns(hit=pl.lit(True)), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return pl.lit(hit["hit"].fill_null(False))


def _short(text: str | None) -> str:
    return (text or "(blank)")[:80]

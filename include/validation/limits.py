"""The limits that a collection sets for a whole file: how few rows it may have, and how many of them may be wrong or unusual."""

import polars as pl

from .. import catalogue
from ..reading import findings
from ..reading.reading import Reading
from ..schemas.rules import REJECT, US, WARN

FEWEST_WARNED = 10  # rows with a warning; of fewer, half is no sign of anything


def broken(reading: Reading, rejected: int, warned: int) -> list[pl.DataFrame]:
    """The collection's floor on rows, and its ceilings on rejected rows and on rows with a warning."""
    declared, found = catalogue.load(reading.collection), list[pl.DataFrame]()
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
            f"{warned} of {reading.rows_read} rows ({100 * warned / reading.rows_read:.1f} percent) have a warning. Expected at most "
            f"{100 * declared.max_warned_share:g} percent: if most rows are unusual, the same mistake was probably made in all of them. Correct it and "
            "send the return again, or tell us why the rows are right."
        )
        found.append(findings.one("WARN-CEILING", says, responsible=reading.responsible))
    return found


def warned_lines(faults: pl.DataFrame) -> pl.Series:
    """The lines that carry a warning which the sender can act on and nobody passed over."""
    if not faults.height:
        return faults["line"]
    here = (pl.col("severity") == WARN) & pl.col("line").is_not_null() & pl.col("decision_id").is_null()
    # A word that stands in many cells is told once, on its first line; it is no doubt about the rows.
    return faults.filter(here & (pl.col("responsible") != US))["line"].unique()


def rejected_lines(faults: pl.DataFrame) -> pl.Series:
    """The lines that are left out for a fault that nobody passed over."""
    if not faults.height:
        return faults["line"]
    out = (pl.col("severity") == REJECT) & pl.col("line").is_not_null() & pl.col("decision_id").is_null()
    return faults.filter(out)["line"].unique()

"""Findings at the cells of one table."""

import polars as pl

from ..reading import findings
from ..reading.reading import Table
from ..schemas.fields import FieldSpec
from ..schemas.rules import INFO, REJECT
from . import spelling
from .spelling import BLANKS


class TableFindings:
    """What is found in the cells of a table, one frame a kind of fault.

    Attributes:
        frame: the table's values, typed; empty until they are known.
    """

    def __init__(self, table: Table, responsible: str) -> None:
        self.table, self.responsible = table, responsible
        self.findings: list[pl.DataFrame] = []
        self.frame = pl.DataFrame()

    def missing(self, spec: FieldSpec, mask: pl.Series) -> None:
        """VAL-MISSING at the cells of a required field that are empty."""
        if mask.any():
            says = f"{spec.title} is missing. Expected {spec.expected()}: fill the cell."
            self.found("VAL-MISSING", REJECT, spec, mask, says)

    def note_read(self, spec: FieldSpec, sent: pl.Series, changed: pl.DataFrame) -> None:
        """Notes, one a kind of writing, how cells of a column were read; `changed` as `spelling` gives it."""
        for kind in (name for name in spelling.KINDS if name in changed.columns):
            shown = changed.filter(kind)
            if shown.height:
                mask = sent.is_in(shown["sent"].implode()).fill_null(False)
                if not mask.any():
                    continue
                said = shown.filter(pl.col("sent") == sent[mask.arg_true()[0]])["said"]
                if said.len():
                    self.note(spec, mask, spelling.KINDS[kind], f"read as {_shown(said[0])}")

    def note(self, spec: FieldSpec, mask: pl.Series, how: str, done: str) -> None:
        """VAL-READ-AS, once for all cells of a field that are written in one way."""
        at, count = mask.arg_true()[0], int(mask.sum())
        heading, line, raw = (
            self.table.headings[spec.name],
            self.table.frame["line"][at],
            self.table.frame[spec.name][at],
        )
        many = "A cell" if count == 1 else f"{count:,} cells"
        says = (
            f"{many} of '{heading}' {'is' if count == 1 else 'are'} written {how}: "
            f"'{(raw or '')[:80]}' on line {line} was {done}. Nothing to do if that is right."
        )
        place = {"sheet": self.table.sheet, "line": line, "column_name": heading, "raw_value": raw}
        self.findings.append(
            findings.one("VAL-READ-AS", says, severity=INFO, scope="cell", responsible=self.responsible, **place)
        )

    def found(self, rule_id: str, severity: str, spec: FieldSpec, mask: pl.Series, says: str) -> None:
        """Adds a finding at each cell of a field in the rows of `mask`."""
        self.findings.append(self.at(rule_id, severity, "cell", spec.name, mask, says=says))

    def at(
        self,
        rule_id: str,
        severity: str,
        scope: str,
        name: str,
        mask: pl.Series,
        *,
        says: str = "",
        messages: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Findings at the cells of field `name` in the rows of `mask`; '{}' in `says` stands for the text as sent."""
        rows = self.table.frame.filter(mask)
        heading = self.table.headings.get(name, name)
        sent = rows[name] if name in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
        if messages is None:
            # A figure that was made from others is shown as it came out.
            made = self.frame.filter(mask)[name].cast(pl.String) if name not in rows.columns else sent
            shown = made.fill_null("").str.strip_chars(BLANKS).str.slice(0, 80)
            parts = says.split("{}", 1)
            around = pl.lit(parts[0]) + shown + pl.lit(parts[1]) if len(parts) == 2 else pl.lit(says)
            messages = pl.select(around).to_series()
        return pl.DataFrame({"line": rows["line"]}).with_columns(
            rule_id=pl.lit(rule_id),
            severity=pl.lit(severity),
            responsible=pl.lit(self.responsible),
            scope=pl.lit(scope),
            sheet=pl.lit(self.table.sheet, pl.String),
            column_name=pl.lit(heading),
            raw_value=sent.str.slice(0, findings.RAW_SHOWN),
            message=messages if messages.len() == rows.height else pl.lit(messages.item()),
        )


def short_number(value: float | int) -> str:
    """A number as it is shown to people."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"'{value[:80]}'" if value else "an empty cell"
    return short_number(value) if isinstance(value, (float, int)) else str(value)

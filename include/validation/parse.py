"""Text cells to typed values, one column at a time; what does not parse is a finding with its text as sent."""

import polars as pl

from ..layouts import COMMON_WORDS, Layout, TableLayout, plain
from ..reading import findings
from ..reading.reading import Table
from ..schemas.fields import DTYPES, HOLD, REJECT, WARN, FieldSpec, Schema

BLANKS = " \t\r\n\u00a0\ufeff"
YES_NO = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
THOUSANDS = r"^[-+]?£?\d{1,3}(,\d{3})+(\.\d+)?$"


class Parsed:
    """A table with typed values.

    Attributes:
        frame: ``line`` and every field of the schema, typed, one row a row as sent; null where nothing or nothing valid stood.
        raw: the same rows as sent, for the fields that the table has.
        findings: one frame a kind of fault.
        asked: the fields that this table asks for.
    """

    def __init__(self, table: Table, schema: Schema, layout: Layout, responsible: str):
        self.table, self.schema, self.layout, self.responsible = table, schema, layout, responsible
        self.raw = table.frame
        self.findings: list[pl.DataFrame] = []
        self.asked = [name for name in schema.fields if name in table.headings]
        self._words = {plain(k): v for k, v in (COMMON_WORDS | layout.words).items()}
        self._status = pl.Series([None] * table.frame.height, dtype=pl.String)
        self.frame = self._complete(self._typed())

    def _typed(self) -> pl.DataFrame:
        """Every column of the table as values: all of them at once, then those with empty cells one by one."""
        layout, specs = self.table.layout, {}
        for name in self.table.headings:
            kind = layout.kinds.get(name, "text")
            specs[name] = self.schema.fields.get(name) or FieldSpec(name, kind, name, False)
        sent = self.table.frame.with_columns(self._recoded(name) for name in layout.values if name in specs)
        typed = sent.select("line", *(_cast(spec, layout.dates.get(name, "%Y-%m-%d")) for name, spec in specs.items()))
        # Only now, or polars would clean and convert every cell twice.
        typed = typed.with_columns(
            pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)),
            pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)),
        )
        for name, empty in typed.null_count().row(0, named=True).items():
            if empty:
                typed = typed.with_columns(self._explained(specs[name], typed[name], sent[name]).alias(name))
        return typed

    def _recoded(self, name: str) -> pl.Series:
        """A column with the layout's words for values in place of the file's."""
        known = {plain(k): v for k, v in self.table.layout.values[name].items()}
        text = self.table.frame[name].str.strip_chars(BLANKS)
        return text.replace({word: known[plain(word)] for word in text.drop_nulls().unique() if plain(word) in known})

    def _complete(self, frame: pl.DataFrame) -> pl.DataFrame:
        layout: TableLayout = self.table.layout
        fields = self.schema.fields
        for name, value in layout.constants.items():
            frame = frame.with_columns(pl.lit(value).alias(name))
        for name, expression in layout.derive.items():
            derived = pl.sql_expr(expression).cast(fields[name].dtype if name in fields else pl.Float64)
            frame = frame.with_columns(pl.coalesce(name, derived) if name in frame.columns else derived.alias(name))
        if layout.status and layout.status not in self.table.headings:
            # A word in a helper column does no harm where every figure could still be made.
            figures = [n for n, spec in fields.items() if n in frame.columns and spec.kind in ("whole", "number")]
            whole = frame.select(pl.all_horizontal(pl.col(figures).is_not_null())).to_series()
            status = self._status.set(whole, None).fill_null("measured")
            frame = frame.with_columns(status.alias(layout.status))
        absent = [pl.lit(None, spec.dtype).alias(name) for name, spec in fields.items() if name not in frame.columns]
        return frame.with_columns(absent).select("line", *fields)

    def _explained(self, spec: FieldSpec, typed: pl.Series, sent: pl.Series) -> pl.Series:
        """A column with empty cells: what else can be read there is, and what is missing or wrong is reported."""
        if spec.kind in ("text", "choice") and not spec.required:
            return typed
        text = sent.str.strip_chars(BLANKS).fill_null("")
        if spec.kind in ("whole", "number"):
            typed = typed.fill_null(_cleaned(spec, text))
        empty = typed.is_null()
        blank = empty & (text == "")
        if spec.required and blank.any():
            self._found(
                "VAL-MISSING",
                REJECT,
                spec,
                blank,
                f"{spec.title} is missing. Expected {spec.expected()}: fill the cell.",
            )
        wrong = empty & ~blank
        if wrong.any():
            typed = self._wrong(spec, typed, text, wrong)
        return typed

    def _wrong(self, spec: FieldSpec, typed: pl.Series, text: pl.Series, wrong: pl.Series) -> pl.Series:
        """Cells with text that is no value: thousands commas, words for 'no number', or plain faults."""
        if spec.kind in ("whole", "number"):
            commas = wrong & text.str.contains(THOUSANDS)
            if commas.any():
                if self.layout.thousands:
                    cleaned = text.str.replace_all(r"[,£]", "")
                    typed = typed.zip_with(~commas, _cleaned(spec, cleaned))
                else:
                    self._found(
                        "STR02",
                        HOLD,
                        spec,
                        commas,
                        "'{}' carries a thousands separator. Expected "
                        + spec.expected()
                        + " with digits and a point only.",
                    )
                wrong = wrong & ~commas
            words = {word for word in text.filter(wrong).unique() if plain(word) in self._words}
            if words:
                worded = wrong & text.is_in(list(words))
                self._note_words(spec, text, worded)
                wrong = wrong & ~worded
        if wrong.any():
            self._found(
                "VAL-TYPE",
                REJECT,
                spec,
                wrong,
                "'{}' is not a value of " + spec.title + ". Expected " + spec.expected() + ".",
            )
        return typed

    def _note_words(self, spec: FieldSpec, text: pl.Series, worded: pl.Series) -> None:
        status = text.filter(worded).map_elements(lambda word: self._words[plain(word)], return_dtype=pl.String)
        at = worded.arg_true()
        self._status = self._status.scatter(at, status)
        if spec.required:
            self._found(
                "VAL-MISSING",
                REJECT,
                spec,
                worded,
                f"{spec.title} must be a number, but '{{}}' stands there. Expected {spec.expected()}.",
            )
            return
        lines = self.table.frame["line"].filter(worded)
        for (word,), group in pl.DataFrame({"word": text.filter(worded), "line": lines}).group_by(
            "word", maintain_order=True
        ):
            count = group.height
            where = (
                f"on line {group['line'][0]}" if count == 1 else f"in {count} cells, first on line {group['line'][0]}"
            )
            self.findings.append(
                findings.one(
                    "STR06",
                    f"'{word}' stands {where} of '{self.table.headings[spec.name]}', where a number is asked for. "
                    f"It was taken as {self._words[plain(word)].replace('_', ' ')}, not as 0. Expected {spec.expected()}, or an empty cell.",
                    severity=WARN,
                    scope="cell",
                    responsible=self.responsible,
                    sheet=self.table.sheet,
                    line=group["line"][0],
                    column_name=self.table.headings[spec.name],
                    raw_value=word,
                )
            )

    def _found(self, rule_id: str, severity: str, spec: FieldSpec, mask: pl.Series, says: str) -> None:
        self.findings.append(self.at(rule_id, severity, "cell", spec.name, mask, says=says))

    def at(
        self,
        rule_id,
        severity,
        scope,
        name,
        mask: pl.Series,
        *,
        says: str | None = None,
        messages: pl.Series | None = None,
    ):
        """Findings at the cells of field `name` in the rows of `mask`; '{}' in `says` stands for the text as sent."""
        rows = self.table.frame.filter(mask)
        heading = self.table.headings.get(name, name)
        sent = rows[name] if name in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
        if messages is None:
            # A figure that was made from others is shown as it came out.
            made = self.frame.filter(mask)[name].cast(pl.String) if name not in rows.columns else sent
            shown = made.fill_null("").str.strip_chars(BLANKS).str.slice(0, 80)
            parts = says.split("{}", 1)
            messages = pl.select(pl.lit(parts[0]) + shown + pl.lit(parts[1])).to_series() if len(parts) == 2 else says
        return pl.DataFrame({"line": rows["line"]}).with_columns(
            rule_id=pl.lit(rule_id),
            severity=pl.lit(severity),
            responsible=pl.lit(self.responsible),
            scope=pl.lit(scope),
            sheet=pl.lit(self.table.sheet, pl.String),
            column_name=pl.lit(heading),
            raw_value=sent.str.slice(0, findings.RAW_SHOWN),
            message=messages if isinstance(messages, pl.Series) else pl.lit(messages),
        )


def _cast(spec: FieldSpec, date_format: str) -> pl.Expr:
    """Values of one field as far as they can be told at once; null where the text is none or a number has blanks around it."""
    sent, dtype = pl.col(spec.name), DTYPES[spec.kind]
    text = sent.str.strip_chars(BLANKS)
    if spec.kind in ("text", "choice"):
        return text
    if spec.kind == "date":
        return text.str.to_date(date_format, strict=False)
    if spec.kind == "yes_no":
        return text.str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=dtype)
    return sent.cast(dtype, strict=False)


def _cleaned(spec: FieldSpec, text: pl.Series) -> pl.Series:
    """Numbers of a field from texts without blanks around them; 12.0 is a whole number, infinity is none."""
    dtype = DTYPES[spec.kind]
    typed, decimal = text.cast(dtype, strict=False), text.cast(pl.Float64, strict=False)
    if spec.kind == "whole":
        whole = (decimal == decimal.floor()) & (decimal.abs() < 2**53)
        return typed.zip_with(typed.is_not_null() | ~whole.fill_null(False), decimal.cast(dtype, strict=False))
    return typed.set(~typed.is_finite().fill_null(True), None)

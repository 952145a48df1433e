"""Text cells to typed values, one column at a time; what does not parse is a finding with its text as sent."""

import polars as pl

from ..catalogue.layouts import COMMON_WORDS, Layout, TableLayout, plain
from ..reading import findings, periods
from ..reading.reading import Table
from ..schemas.fields import FieldSpec
from ..schemas.models import Schema
from ..schemas.rules import REJECT, WARN
from . import cells, spelling, spreadsheet_damage
from .spelling import BLANKS
from .table_findings import TableFindings, short_number

FEW = 500  # rows of which each text is looked at; of more, each different text
LONGEST_WORD = 60  # of a word for "no number"


class Parsed(TableFindings):
    """A table with typed values.

    Attributes:
        frame: ``line`` and every field of the schema, typed, one row a row as sent; null where nothing or nothing valid stood.
        raw: the same rows as sent, for the fields that the table has.
        asked: the fields that this table asks for.
    """

    def __init__(self, table: Table, schema: Schema, layout: Layout, responsible: str) -> None:
        super().__init__(table, responsible)
        self.schema, self.layout, self.raw = schema, layout, table.frame
        self.asked = [name for name in schema.fields if name in table.headings]
        self._words = {plain(k): v for k, v in (COMMON_WORDS | layout.words).items()}
        self._kinds: dict[str, pl.Series] = {}  # see `kinds`
        self._status = pl.Series([None] * table.frame.height, dtype=pl.String)
        self.frame = self._complete(self._typed())

    def _typed(self) -> pl.DataFrame:
        """Every column of the table as values: all of them at once, then those with something unlike the rest one by one."""
        layout, specs = self.table.layout, {}
        for name in self.table.headings:
            kind = layout.kinds.get(name, "text")
            specs[name] = self.schema.fields.get(name) or FieldSpec(name, kind, name, False)
        sent = self.table.frame.with_columns(self._recoded(name) for name in layout.values if name in specs)
        typed = sent.select("line", *cells.casts(specs, layout.dates))
        # Only now, or polars would clean and convert every cell twice.
        typed = typed.with_columns(
            pl.when(
                pl.col(dtype).is_finite() if dtype == pl.Float64 else pl.col(dtype).dt.year().is_between(1900, 2999)
            ).then(pl.col(dtype))  # %Y takes 25 for the year 25
            for dtype in (pl.Float64, pl.Date)
            if dtype in typed.schema.values()
        )
        empty = dict(zip(typed.columns, typed.null_count().row(0), strict=True))
        numeric = [name for name, spec in specs.items() if spec.kind in ("whole", "number")]
        texts = [name for name, spec in specs.items() if spec.kind in ("text", "choice")]
        may_be_blank = [n for n, spec in specs.items() if n not in texts and empty[n] and not spec.required]
        blank = cells.one_row(sent, (pl.col(may_be_blank).is_null() | (pl.col(may_be_blank) == "")).sum())
        power = cells.one_row(sent, pl.col(numeric).str.join("").str.contains("[eE]"))
        self._sent, odd, said = sent, self._odd(sent, [specs[name] for name in texts]), {}
        for name, spec in specs.items():
            if name in odd:
                said[name] = self._texts(spec, sent[name])
            elif name in texts:
                if spec.required and empty[name]:
                    self.missing(spec, sent[name].is_null())
            elif empty[name] > blank.get(name, 0) or power.get(name):
                said[name] = self._explained(spec, typed[name], sent[name])
        typed = typed.with_columns(column.alias(name) for name, column in said.items())
        return self._barcodes(typed, specs)

    def _odd(self, sent: pl.DataFrame, specs: list[FieldSpec]) -> set[str]:
        """The columns of texts that are gone through one by one: of a small table, only those with something unlike the rest."""
        if sent.height > FEW:
            return {spec.name for spec in specs}
        found = cells.one_row(sent, *(cells.is_odd(spec, pl.col(spec.name)).any().alias(spec.name) for spec in specs))
        return {name for name, is_odd in found.items() if is_odd}

    def kinds(self, name: str) -> pl.Series | None:
        """The different texts of a column of texts as they are read, None where the table has no such column."""
        if name not in self._kinds and name in self._sent.columns:
            spec = self.schema.fields.get(name)
            if spec is None or spec.kind in ("text", "choice"):
                self._kinds[name] = self._sent[name].unique()
        return self._kinds.get(name)

    def _recoded(self, name: str) -> pl.Series:
        """A column with the layout's words for values in place of the file's."""
        known = {plain(k): v for k, v in self.table.layout.values[name].items()}
        text = self.table.frame[name].str.strip_chars(BLANKS)
        return text.replace({word: known[plain(word)] for word in text.drop_nulls().unique() if plain(word) in known})

    def _texts(self, spec: FieldSpec, sent: pl.Series) -> pl.Series:
        """A column of texts or choices as values: what is written otherwise is put right and noted, damage is reported."""
        kinds = sent.unique()
        self._kinds[spec.name] = kinds
        odd = kinds.to_frame("text").filter(cells.is_odd(spec, pl.col("text")))["text"]
        blank, damaged = "" in odd, None
        odd = odd.filter(odd != "") if blank else odd
        values = sent
        if odd.len():
            values, read = self._tidied(spec, sent, odd)
            blank = blank or "" in read
            damaged = self._damaged(spec, values, read)
        if blank:
            values = values.set((values == "").fill_null(False), None)
        if damaged is not None:
            values = values.set(damaged, None)
        if spec.required and values.null_count():
            self.missing(spec, values.is_null() if damaged is None else values.is_null() & ~damaged)
        return values

    def _tidied(self, spec: FieldSpec, sent: pl.Series, odd: pl.Series) -> tuple[pl.Series, pl.Series]:
        """A column with its odd texts as they were meant, noted; and those texts, as they are now."""
        if spec.kind == "choice":
            tidy = spelling.choices(spec, self.table.layout.values.get(spec.name, {}), odd)
        else:
            tidy = spelling.tidy_texts(spec, cells.frequency_of(spec), odd)
            marked = tidy.filter(spelling.has_control(tidy["said"]))
            if marked.height:
                mask = sent.is_in(marked["sent"].implode()).fill_null(False)
                self.note(spec, mask, "with control characters or the mark of a lost character", "kept as it stands")
        changed = tidy.filter(pl.col("sent") != pl.col("said"))
        if not changed.height:
            return sent, tidy["said"]
        self.note_read(spec, sent, changed)
        values = sent.replace(changed["sent"], changed["said"])
        self._kinds[spec.name] = values.unique()
        return values, tidy["said"]

    def _damaged(self, spec: FieldSpec, values: pl.Series, suspects: pl.Series) -> pl.Series | None:
        """Reports the cells that hold the trace of an accident, or a word for nothing; says which they are."""
        if spec.kind != "text":
            return None
        kinds = spreadsheet_damage.in_text(spec, suspects, values.unique())
        found = pl.DataFrame({"text": suspects, "kind": kinds}).drop_nulls().unique("text")
        for (kind,), group in found.sort("kind").group_by("kind", maintain_order=True):
            mask = values.is_in(group["text"].implode()).fill_null(False)
            if kind == "human" and not spec.required:
                self._note_words(spec, values, mask, "an empty cell")
            else:
                rule_id = "VAL-MISSING" if kind == "human" else "VAL-DAMAGED"
                self.found(rule_id, REJECT, spec, mask, spreadsheet_damage.sentence(kind, spec))
        return values.is_in(found["text"].implode()).fill_null(False) if found.height else None

    def _barcodes(self, typed: pl.DataFrame, specs: dict[str, FieldSpec]) -> pl.DataFrame:
        """Barcode numbers of fields that hold them in some rows only, each in one form (see `spelling`)."""
        for name, spec in specs.items():
            if not spec.gtin_if or spec.gtin_if[0] not in specs or (kinds := self.kinds(name)) is None:
                continue
            kinds = kinds.filter(
                kinds.str.contains(r"^(0\d{13}|\d[\d\p{Z}\p{Pd}]*\d)$") & ~kinds.str.contains(r"^[1-9]\d*$")
            )
            if not kinds.len():
                continue
            joined = spelling.gtin_digits(kinds)
            said = spelling.gtin_13(joined)
            tidy = pl.DataFrame({"sent": kinds, "said": said, "digits": joined != kinds, "gtin-14": said != joined})
            here = (typed[spec.gtin_if[0]] == spec.gtin_if[1]).fill_null(False)
            column, changed = typed[name], tidy.filter(pl.col("sent") != pl.col("said"))
            if changed.height:
                self.note_read(spec, column.set(~here, None), changed)
                read = column.replace(changed["sent"], changed["said"])
                typed = typed.with_columns(read.zip_with(here, column).alias(name))
        return typed

    def _complete(self, frame: pl.DataFrame) -> pl.DataFrame:
        layout: TableLayout = self.table.layout
        fields = self.schema.fields
        for name, value in layout.constants.items():
            frame = frame.with_columns(pl.lit(value).alias(name))
        for name in set(layout.optional.values()) - set(frame.columns):  # what is derived from it is empty, too
            frame = frame.with_columns(pl.lit(None, fields[name].dtype if name in fields else pl.Float64).alias(name))
        for name, expression in layout.derive.items():
            derived = pl.sql_expr(expression).cast(fields[name].dtype if name in fields else pl.Float64)
            frame = frame.with_columns(pl.coalesce(name, derived) if name in frame.columns else derived.alias(name))
        if layout.status and layout.status not in self.table.headings:
            # A word in a helper column does no harm where every figure could still be made.
            figures = [n for n, spec in fields.items() if n in frame.columns and spec.kind in ("whole", "number")]
            whole = frame.select(pl.all_horizontal(pl.col(figures).is_not_null())).to_series()
            status = self._status.set(whole, None).fill_null("measured")
            frame = frame.with_columns(status.alias(layout.status))
        there = set(frame.columns)
        return frame.select(
            "line", *(n if n in there else pl.lit(None, spec.dtype).alias(n) for n, spec in fields.items())
        )

    def _explained(self, spec: FieldSpec, typed: pl.Series, sent: pl.Series) -> pl.Series:
        """A column with empty or odd cells: what can be read there is, and what is missing or wrong is reported."""
        text = sent.str.strip_chars(BLANKS).fill_null("")
        known = typed.is_null() & False
        if spec.kind in ("whole", "number"):
            typed = typed.fill_null(cells.as_numbers(spec, text))
            known = spelling.rounded(text, spec.kind == "whole")
            if known.any():
                self.found("VAL-DAMAGED", REJECT, spec, known, spreadsheet_damage.sentence("digits", spec))
                typed = typed.set(known, None)
            padded = typed.is_not_null() & (text != sent)
            if padded.any():
                at = padded.arg_true()[0]
                self.note(spec, padded, spelling.KINDS["blanks"], f"read as {short_number(typed[at])}")
            typed = typed.set(spelling.doubtful_points(text.filter(typed.is_null()), text), None)
        empty = typed.is_null() & ~known
        blank = empty & (text == "")
        if spec.required:
            self.missing(spec, blank)
        wrong = empty & ~blank
        if wrong.any():
            typed = self._wrong(spec, typed, text, wrong)
        return typed

    def _wrong(self, spec: FieldSpec, typed: pl.Series, text: pl.Series, wrong: pl.Series) -> pl.Series:
        """Cells with text that is no value as it stands: other ways to write one, words for 'no number', damage, or plain faults."""
        errors = wrong & spreadsheet_damage.is_error(text)
        if errors.any():
            self.found("VAL-DAMAGED", REJECT, spec, errors, spreadsheet_damage.sentence("error", spec))
            wrong = wrong & ~errors
        if spec.kind in ("whole", "number"):
            words = {
                word for word in text.filter(wrong).unique() if len(word) <= LONGEST_WORD and plain(word) in self._words
            }
            if words:
                worded = wrong & text.is_in(list(words))
                self._note_words(spec, text, worded)
                wrong = wrong & ~worded
            tidy = spelling.numbers(spec, text.filter(wrong).unique(maintain_order=True)).drop_nulls("said")
            typed, wrong = self._read_as(spec, typed, text, wrong, tidy)
        elif spec.kind == "date":
            form = self.table.layout.dates.get(spec.name, periods.ISO)
            kinds = text.filter(wrong).unique(maintain_order=True)
            days = periods.dates(text, form).filter(wrong) if kinds.len() else None
            tidy = (
                pl.DataFrame({"sent": text.filter(wrong), "said": days})
                .unique("sent", maintain_order=True)
                .drop_nulls()
            )
            typed, wrong = self._read_as(spec, typed, text, wrong, tidy.with_columns(date=pl.lit(True)))
        if wrong.any():
            says = f"'{{}}' is not a valid value for {spec.name_in_words}. Expected {spec.expected()}."
            self.found("VAL-TYPE", REJECT, spec, wrong, says)
        return typed

    def _read_as(
        self, spec: FieldSpec, typed: pl.Series, text: pl.Series, wrong: pl.Series, tidy: pl.DataFrame
    ) -> tuple[pl.Series, pl.Series]:
        """The column with what `tidy` says of texts, noted, and which cells are still wrong."""
        if not tidy.height:
            return typed, wrong
        read = text.replace_strict(tidy["sent"], tidy["said"], default=None, return_dtype=spec.dtype)
        self.note_read(spec, text.set(~wrong, None), tidy)
        return typed.zip_with(~wrong, read), wrong & read.is_null()

    def _note_words(self, spec: FieldSpec, text: pl.Series, worded: pl.Series, taken: str = "") -> None:
        """STR06: words for nothing, one finding a word."""
        if not taken:
            status = text.filter(worded).map_elements(lambda word: self._words[plain(word)], return_dtype=pl.String)
            self._status = self._status.scatter(worded.arg_true(), status)
            if spec.required:
                says = f"{spec.title} must be a number, but the cell says '{{}}'. Expected {spec.expected()}."
                self.found("VAL-MISSING", REJECT, spec, worded, says)
                return
        lines = self.table.frame["line"].filter(worded)
        words = pl.DataFrame({"word": text.filter(worded), "line": lines})
        for (word,), group in words.group_by("word", maintain_order=True):
            count, first = group.height, group["line"][0]
            where = f"on line {first}" if count == 1 else f"in {count} cells, first on line {first}"
            heading = self.table.headings[spec.name]
            if taken:
                says = f"'{word}' appears {where} of '{heading}'. It was read as {taken}. Expected {spec.expected()}, or an empty cell."
            else:
                says = (
                    f"'{word}' appears {where} of '{heading}', where a number is expected. It was read as "
                    f"{self._words[plain(word)].replace('_', ' ')}, not as 0. Expected {spec.expected()}, or an empty cell."
                )
            place = {"sheet": self.table.sheet, "line": first, "column_name": heading, "raw_value": word}
            self.findings.append(
                findings.one("STR06", says, severity=WARN, scope="cell", responsible=self.responsible, **place)
            )

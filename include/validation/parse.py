"""Text cells to typed values, one column at a time; what does not parse is a finding with its text as sent."""

import polars as pl

from ..catalogue.layouts import COMMON_WORDS, Layout, TableLayout, plain
from ..reading import findings, periods
from ..reading.reading import Table
from ..schemas.fields import DTYPES, FINANCIAL_YEAR, MONTH, FieldSpec
from ..schemas.models import Schema
from ..schemas.rules import INFO, REJECT, WARN
from . import spelling, spoilt
from .spelling import BLANKS

FEW = 500  # rows of which each text is looked at; of more, each different text
LONGEST_WORD = 60  # of a word for "no number"
YES_NO = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


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
        typed = sent.select("line", *_casts(specs, layout.dates))
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
        blank = _row(sent, (pl.col(may_be_blank).is_null() | (pl.col(may_be_blank) == "")).sum())
        power = _row(sent, pl.col(numeric).str.join("").str.contains("[eE]"))
        self._sent, odd, said = sent, self._odd(sent, [specs[name] for name in texts]), {}
        for name, spec in specs.items():
            if name in odd:
                said[name] = self._texts(spec, sent[name])
            elif name in texts:
                if spec.required and empty[name]:
                    self._missing(spec, sent[name].is_null())
            elif empty[name] > blank.get(name, 0) or power.get(name):
                said[name] = self._explained(spec, typed[name], sent[name])
        typed = typed.with_columns(column.alias(name) for name, column in said.items())
        return self._barcodes(typed, specs)

    def _odd(self, sent: pl.DataFrame, specs: list[FieldSpec]) -> set[str]:
        """The columns of texts that are gone through one by one: of a small table, only those with something unlike the rest."""
        if sent.height > FEW:
            return {spec.name for spec in specs}
        found = _row(sent, *(_unlike(spec, pl.col(spec.name)).any().alias(spec.name) for spec in specs))
        return {name for name, is_odd in found.items() if is_odd}

    def kinds(self, name: str) -> pl.Series | None:
        """The different values of a column of texts, None where the table has no such column."""
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
        odd = kinds.to_frame("text").filter(_unlike(spec, pl.col("text")))["text"]
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
            self._missing(spec, values.is_null() if damaged is None else values.is_null() & ~damaged)
        return values

    def _tidied(self, spec: FieldSpec, sent: pl.Series, odd: pl.Series) -> tuple[pl.Series, pl.Series]:
        """A column with its odd texts as they were meant, noted; and those texts, as they are now."""
        if spec.kind == "choice":
            tidy = spelling.choices(spec, self.table.layout.values.get(spec.name, {}), odd)
        else:
            tidy = spelling.tidy_texts(spec, _frequency(spec), odd)
            marked = tidy.filter(spelling.has_control(tidy["said"]))
            if marked.height:
                mask = sent.is_in(marked["sent"].implode()).fill_null(False)
                self._note(spec, mask, "with control characters or the mark of a lost character", "kept as it stands")
        changed = tidy.filter(pl.col("sent") != pl.col("said"))
        if not changed.height:
            return sent, tidy["said"]
        self._note_read(spec, sent, changed)
        values = sent.replace(changed["sent"], changed["said"])
        self._kinds[spec.name] = values.unique()
        return values, tidy["said"]

    def _missing(self, spec: FieldSpec, mask: pl.Series) -> None:
        if mask.any():
            says = f"{spec.title} is missing. Expected {spec.expected()}: fill the cell."
            self._found("VAL-MISSING", REJECT, spec, mask, says)

    def _damaged(self, spec: FieldSpec, values: pl.Series, suspects: pl.Series) -> pl.Series | None:
        """Reports the cells that hold the trace of an accident, or a word for nothing; says which they are."""
        if spec.kind != "text":
            return None
        kinds = spoilt.in_text(spec, suspects, self.kinds(spec.name))
        found = pl.DataFrame({"text": suspects, "kind": kinds}).drop_nulls().unique("text")
        for (kind,), group in found.sort("kind").group_by("kind", maintain_order=True):
            mask = values.is_in(group["text"].implode()).fill_null(False)
            if kind == "human" and not spec.required:
                self._note_words(spec, values, mask, "no text of its own, and read as an empty cell")
            else:
                rule_id = "VAL-MISSING" if kind == "human" else "VAL-DAMAGED"
                self._found(rule_id, REJECT, spec, mask, spoilt.sentence(kind, spec))
        return values.is_in(found["text"].implode()).fill_null(False) if found.height else None

    def _barcodes(self, typed: pl.DataFrame, specs: dict[str, FieldSpec]) -> pl.DataFrame:
        """Barcode numbers of fields that hold them in some rows only, each in one form (see `spelling`)."""
        for name, spec in specs.items():
            if not spec.gtin_if or spec.gtin_if[0] not in specs:
                continue
            kinds = self.kinds(name)
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
                self._note_read(spec, column.set(~here, None), changed)
                read = column.replace(changed["sent"], changed["said"])
                typed = typed.with_columns(read.zip_with(here, column).alias(name))
        return typed

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
        there = set(frame.columns)
        return frame.select(
            "line", *(n if n in there else pl.lit(None, spec.dtype).alias(n) for n, spec in fields.items())
        )

    def _explained(self, spec: FieldSpec, typed: pl.Series, sent: pl.Series) -> pl.Series:
        """A column with empty or odd cells: what can be read there is, and what is missing or wrong is reported."""
        text = sent.str.strip_chars(BLANKS).fill_null("")
        known = typed.is_null() & False
        if spec.kind in ("whole", "number"):
            typed = typed.fill_null(_cleaned(spec, text))
            known = spelling.rounded(text, spec.kind == "whole")
            if known.any():
                self._found("VAL-DAMAGED", REJECT, spec, known, spoilt.sentence("digits", spec))
                typed = typed.set(known, None)
            padded = typed.is_not_null() & (text != sent)
            if padded.any():
                at = padded.arg_true()[0]
                self._note(spec, padded, spelling.KINDS["blanks"], f"read as {_short_number(typed[at])}")
            typed = typed.set(spelling.doubtful_points(text.filter(typed.is_null()), text), None)
        empty = typed.is_null() & ~known
        blank = empty & (text == "")
        if spec.required:
            self._missing(spec, blank)
        wrong = empty & ~blank
        if wrong.any():
            typed = self._wrong(spec, typed, text, wrong)
        return typed

    def _wrong(self, spec: FieldSpec, typed: pl.Series, text: pl.Series, wrong: pl.Series) -> pl.Series:
        """Cells with text that is no value as it stands: other ways to write one, words for 'no number', damage, or plain faults."""
        errors = wrong & spoilt.is_error(text)
        if errors.any():
            self._found("VAL-DAMAGED", REJECT, spec, errors, spoilt.sentence("error", spec))
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
            title = spec.title[:1].lower() + spec.title[1:]
            says = f"'{{}}' is not a valid value for {title}. Expected {spec.expected()}."
            self._found("VAL-TYPE", REJECT, spec, wrong, says)
        return typed

    def _read_as(self, spec: FieldSpec, typed: pl.Series, text: pl.Series, wrong: pl.Series, tidy: pl.DataFrame):
        """The column with what `tidy` says of texts, noted, and which cells are still wrong."""
        if not tidy.height:
            return typed, wrong
        read = text.replace_strict(tidy["sent"], tidy["said"], default=None, return_dtype=spec.dtype)
        self._note_read(spec, text.set(~wrong, None), tidy)
        return typed.zip_with(~wrong, read), wrong & read.is_null()

    def _note_read(self, spec: FieldSpec, sent: pl.Series, changed: pl.DataFrame) -> None:
        """Notes, one a kind of writing, how cells of a column were read; `changed` as `spelling` gives it."""
        for kind in (name for name in spelling.KINDS if name in changed.columns):
            shown = changed.filter(kind)
            if shown.height:
                mask = sent.is_in(shown["sent"].implode()).fill_null(False)
                first = sent[mask.arg_true()[0]] if mask.any() else None
                said = shown.filter(pl.col("sent") == first)["said"]
                if said.len():
                    self._note(spec, mask, spelling.KINDS[kind], f"read as {_shown(said[0])}")

    def _note(self, spec: FieldSpec, mask: pl.Series, how: str, done: str) -> None:
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

    def _note_words(self, spec: FieldSpec, text: pl.Series, worded: pl.Series, taken: str = "") -> None:
        """STR06: words for nothing, one finding a word."""
        if not taken:
            status = text.filter(worded).map_elements(lambda word: self._words[plain(word)], return_dtype=pl.String)
            self._status = self._status.scatter(worded.arg_true(), status)
            if spec.required:
                says = f"{spec.title} must be a number, but '{{}}' stands there. Expected {spec.expected()}."
                self._found("VAL-MISSING", REJECT, spec, worded, says)
                return
        lines = self.table.frame["line"].filter(worded)
        words = pl.DataFrame({"word": text.filter(worded), "line": lines})
        for (word,), group in words.group_by("word", maintain_order=True):
            count, first = group.height, group["line"][0]
            where = f"on line {first}" if count == 1 else f"in {count} cells, first on line {first}"
            heading = self.table.headings[spec.name]
            if taken:
                says = f"'{word}' stands {where} of '{heading}'. It is {taken}. Expected {spec.expected()}, or an empty cell."
            else:
                says = (
                    f"'{word}' stands {where} of '{heading}', where a number is asked for. It was taken as "
                    f"{self._words[plain(word)].replace('_', ' ')}, not as 0. Expected {spec.expected()}, or an empty cell."
                )
            place = {"sheet": self.table.sheet, "line": first, "column_name": heading, "raw_value": word}
            self.findings.append(
                findings.one("STR06", says, severity=WARN, scope="cell", responsible=self.responsible, **place)
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


def _casts(specs: dict[str, FieldSpec], date_formats: dict[str, str]) -> list[pl.Expr]:
    """Values of fields as far as they can be told at once; null where the text is none or a number has blanks around it."""

    def of(*kinds: str) -> list[str]:
        return [name for name, spec in specs.items() if spec.kind in kinds]

    def stripped(name: str) -> pl.Expr:
        return pl.col(name).str.strip_chars(BLANKS)

    # One expression for all columns of a kind: to make one a column takes longer than the work on a small table.
    return [
        pl.col(of("text", "choice")),
        pl.col(of("whole")).cast(DTYPES["whole"], strict=False),
        pl.col(of("number")).cast(DTYPES["number"], strict=False),
        *(stripped(name).str.to_date(date_formats.get(name, periods.ISO), strict=False) for name in of("date")),
        *(
            stripped(name).str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=DTYPES["yes_no"])
            for name in of("yes_no")
        ),
    ]


def _row(frame: pl.DataFrame, *facts: pl.Expr) -> dict:
    """One fact a column, by its name."""
    found = frame.select(facts)
    return found.row(0, named=True) if found.height else {}


def _cleaned(spec: FieldSpec, text: pl.Series) -> pl.Series:
    """Numbers of a field from texts without blanks around them; 12.0 is a whole number, infinity is none."""
    dtype = DTYPES[spec.kind]
    typed, decimal = text.cast(dtype, strict=False), text.cast(pl.Float64, strict=False)
    if spec.kind == "whole":
        whole = (decimal == decimal.floor()) & (decimal.abs() < 2**53)
        return typed.zip_with(typed.is_not_null() | ~whole.fill_null(False), decimal.cast(dtype, strict=False))
    return typed.set(~typed.is_finite().fill_null(True), None)


def _unlike(spec: FieldSpec, text: pl.Expr) -> pl.Expr:
    """Which texts of a column are looked at closer: blank, odd, damaged or on no list."""
    if spec.kind == "choice":
        return ~text.is_in(list(spec.options))
    unlike = (text == "") | text.str.contains(f"{spelling.ODD}|{spoilt.SUSPECT[spec.role]}")
    if spec.pattern:
        unlike = unlike | ~text.str.contains(spec.pattern)
    if spec.gtin_if:
        unlike = unlike | text.str.contains(r"\s")
    if spec.role == "gtin":
        unlike = unlike | ~text.str.contains(r"^\d+$")
    return unlike


def _frequency(spec: FieldSpec) -> str | None:
    """What a period in this field is, None where it holds none."""
    return {MONTH: periods.MONTH, FINANCIAL_YEAR: periods.YEAR}.get(spec.pattern)


def _short_number(value: float | int) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _shown(value) -> str:
    if isinstance(value, str):
        return f"'{value[:80]}'" if value else "an empty cell"
    return _short_number(value) if isinstance(value, (float, int)) else str(value)

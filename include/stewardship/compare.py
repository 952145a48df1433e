"""Compares two versions of a return: what was fixed, what is still wrong, what is newly wrong, and what changed without being asked.

Rows are matched by their key, then by their whole content, then by their place. So rows may have moved, and a workbook may answer
a CSV file. Characters that a workbook cannot hold are compared as they are written there.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl
import psycopg

from .. import schemas
from ..catalogue import layouts
from ..reading.harmless import MOST_IN_CELL, UNFIT, visible
from ..reading.reading import Reading
from ..reference import calendar
from ..schemas.rules import About
from ..validation.cells import YES_NO
from ..validation.row_keys import row_keys
from ..validation.spelling import BLANKS
from . import queries, submitted_file
from .workbook import FINDINGS, findings_of

NOT_CONTENT = r"^(SUB|DEC-)"  # rules about the time of receipt and about decisions, not about the file
ALIKE = 0.5  # share of filled cells that are equal, at which two rows without a common key are taken for the same row

CELLS = pl.Schema({
    "row_key": pl.String, "column_name": pl.String, "sheet_before": pl.String, "line_before": pl.Int64,
    "sheet": pl.String, "line": pl.Int64, "before": pl.String, "after": pl.String, "asked": pl.Boolean,
})  # fmt: skip
ROWS = pl.Schema({"row_key": pl.String, "sheet": pl.String, "line": pl.Int64})

RuleFields = dict[tuple[str, str], tuple[str, ...]]
_UNFIT = {chr(code): visible(chr(code)) for code in [*range(0x80, 0xA0), *range(9), *range(11, 32), 127]}
_UNFIT |= {chr(code): visible(chr(code)) for code in [*range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFFFE, 0xFFFF]}
_HOLDS_UNFIT = "[" + UNFIT.replace("\\ud800-\\udfff", "").replace("\ud800-\udfff", "") + "]"


@dataclass(frozen=True)
class Comparison:
    """What differs between a version of a return and an earlier one.

    Attributes:
        fixed: findings of the old version only (`FINDINGS`); `row_gone` where their row was removed.
        still: findings of both versions (`FINDINGS`), with line_before, before and message_before.
        new: findings of the new version only (`FINDINGS`).
        changed: every cell with another value (`CELLS`); `asked` where a finding was about it.
        added, removed: rows of the new, or of the old version only (`ROWS`).
        moved: how many rows follow a row that came after them before; 0 where the order is the same.
        columns_added, columns_removed: headings of one version only.
        before, after, version_before, version_after: the submissions compared; None for files that are not submissions.
        answers: whether the new version was made from the workbook that was sent to the trust.
    """

    fixed: pl.DataFrame
    still: pl.DataFrame
    new: pl.DataFrame
    changed: pl.DataFrame
    added: pl.DataFrame
    removed: pl.DataFrame
    moved: int
    columns_added: list[str]
    columns_removed: list[str]
    before: str | None = None
    after: str | None = None
    version_before: int | None = None
    version_after: int | None = None
    answers: bool = False

    @property
    def unasked(self) -> pl.DataFrame:
        """Changed cells that no finding was about."""
        return self.changed.filter(~pl.col("asked"))


class _Earlier(NamedTuple):
    """The version to compare a submission with."""

    submission_id: str
    version: int
    own_version: int
    is_answered: bool


def of_submissions(connection: psycopg.Connection[Any], submission_id: str) -> Comparison | None:
    """A submission compared with the one it answers, or with the version before it; None for a first version.

    Raises:
        LookupError: there is no such submission.
    """
    content = submitted_file.content_of(connection, submission_id)
    earlier = queries.first(connection, "stewardship/version_before", _Earlier, submission_id=submission_id)
    if earlier is None:
        return None
    old, new = (
        submitted_file.as_sent(*file)
        for file in (submitted_file.content_of(connection, earlier.submission_id), content)
    )
    made = compare(old, findings_of(connection, earlier.submission_id), new, findings_of(connection, submission_id))
    return replace(
        made,
        before=earlier.submission_id,
        after=submission_id,
        version_before=earlier.version,
        version_after=earlier.own_version,
        answers=earlier.is_answered,
    )


def compare(old: Reading, old_findings: pl.DataFrame, new: Reading, new_findings: pl.DataFrame) -> Comparison:
    """Compares two readings of a collection with their findings (columns as in `reading.findings.COLUMNS`)."""
    before, after = _rows(old), _rows(new)
    kinds = _kinds(old) | _kinds(new)
    common = [name for name in kinds if name in before.columns and name in after.columns]
    pairs = _pairs(before, after, common)
    old_headings, new_headings = _headings(old), _headings(new)
    old_found = _placed(old_findings, old, before, pairs.select("old", row="old"))
    new_found = _placed(new_findings, new, after, pairs.select("new", row="old"))
    fixed, still, fresh = _findings(old_found, new_found, pairs)
    return Comparison(
        fixed=fixed,
        still=still,
        new=fresh,
        changed=_changed(before, after, pairs, kinds, common, new_headings, old_found, _rule_fields(old)),
        added=_only(after, "new", pairs),
        removed=_only(before, "old", pairs),
        moved=_moved(pairs),
        columns_added=[heading for name, heading in new_headings.items() if name not in old_headings],
        columns_removed=[heading for name, heading in old_headings.items() if name not in new_headings],
    )


# Rows ----------------------------------------------------------------------------------------------------------------


def _rows(reading: Reading) -> pl.DataFrame:
    """Every row of a file: _row (number), _table, _sheet, _line, _key, and its cells by field in comparable form."""
    schema, parts = schemas.load(reading.collection), []
    for number, table in enumerate(reading.tables):
        cells = table.frame.with_columns(_fit_for_cells(table.frame[name]) for name in table.headings)
        place = [
            pl.lit(number, pl.Int64).alias("_table"),
            pl.lit(table.sheet, pl.String).alias("_sheet"),
            pl.col("line").alias("_line"),
            _fit_for_cells(row_keys(table, schema)).alias("_key"),
        ]
        parts.append(cells.with_columns(place).drop("line"))
    if not parts:
        return pl.DataFrame(
            schema={"_row": pl.Int64, "_table": pl.Int64, "_sheet": pl.String, "_line": pl.Int64, "_key": pl.String}
        )
    return pl.concat(parts, how="diagonal").select(pl.int_range(pl.len()).alias("_row"), pl.all())


def _fit_for_cells(texts: pl.Series) -> pl.Series:
    """Texts as a workbook holds them, stripped, so that a round trip through a workbook is no change."""
    texts = texts.fill_null("")
    if texts.str.contains(_HOLDS_UNFIT).any():
        texts = texts.str.replace_all("\r\n", "\n", literal=True).str.replace_many(list(_UNFIT), list(_UNFIT.values()))
    return texts.str.strip_chars(BLANKS).alias(texts.name)


def _pairs(before: pl.DataFrame, after: pl.DataFrame, common: list[str]) -> pl.DataFrame:
    """Pairs of row numbers (`old`, `new`) of the same row in both versions, each at most once."""
    content = (
        pl.concat_str([pl.lit("")] + [pl.col(name).fill_null("") for name in common], separator="\x1f")
        if common
        else pl.lit("")
    )
    old, new = (
        frame.select(
            pl.col("_row").alias(side), "_table", "_line", "_key", content.alias("content"),
            unique=(pl.len().over("_table", "_key") == 1) & (pl.col("_key").str.strip_chars("|") != ""),
        )
        for frame, side in ((before, "old"), (after, "new"))
    )  # fmt: skip
    if before["_table"].n_unique() != after["_table"].n_unique():  # sheets were merged or split
        old, new = old.with_columns(_table=pl.lit(0, pl.Int64)), new.with_columns(_table=pl.lit(0, pl.Int64))
    by_key = old.filter("unique").join(new.filter("unique"), on=["_table", "_key"]).select("old", "new")
    found, (old, new) = by_key, _left(old, new, by_key)
    nth = pl.int_range(pl.len()).over("_table", "content").alias("nth")
    same = old.with_columns(nth).join(new.with_columns(nth), on=["_table", "content", "nth"]).select("old", "new")
    found, (old, new) = pl.concat([found, same]), _left(old, new, same)
    nth = pl.int_range(pl.len()).over("_table").alias("nth")
    for place in (["_table", "_line"], ["_table", "nth"]):
        at = old.with_columns(nth).join(new.with_columns(nth), on=place).select("old", "new")
        at = at.filter(_alike(before, after, at, common))
        found, (old, new) = pl.concat([found, at]), _left(old, new, at)
    return found.sort("new")


def _left(old: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that are not paired yet."""
    return (
        old.join(pairs, on="old", how="anti", maintain_order="left"),
        new.join(pairs, on="new", how="anti", maintain_order="left"),
    )


def _alike(before: pl.DataFrame, after: pl.DataFrame, pairs: pl.DataFrame, common: list[str]) -> pl.Series:
    """Whether enough of the filled cells of each pair are equal."""
    if not pairs.height or not common:
        return pl.Series([False] * pairs.height, dtype=pl.Boolean)
    one, other = before[pairs["old"]].select(common), after[pairs["new"]].select(common)
    same, filled = pl.Series([0] * pairs.height), pl.Series([0] * pairs.height)
    for name in common:
        a, b = one[name].fill_null(""), other[name].fill_null("")
        some = (a != "") | (b != "")
        same, filled = same + (some & (a == b)).cast(pl.Int64), filled + some.cast(pl.Int64)
    return same >= ALIKE * filled


def _only(frame: pl.DataFrame, side: str, pairs: pl.DataFrame) -> pl.DataFrame:
    left = frame.join(pairs, left_on="_row", right_on=side, how="anti", maintain_order="left")
    return left.select(row_key="_key", sheet="_sheet", line="_line").cast(ROWS)


def _moved(pairs: pl.DataFrame) -> int:
    order = pairs.sort("new")["old"]
    return int((order.diff().drop_nulls() < 0).sum()) if order.len() else 0


# Cells ---------------------------------------------------------------------------------------------------------------


def _kinds(reading: Reading) -> dict[str, tuple[str, str]]:
    """Field -> its kind and date format."""
    fields = schemas.load(reading.collection).fields
    return {
        name: (fields[name].kind if name in fields else table.layout.kinds.get(name, "text"), table.layout.dates.get(name, "%Y-%m-%d"))
        for table in reading.tables
        for name in table.headings
    }  # fmt: skip


def _headings(reading: Reading) -> dict[str, str]:
    return {name: heading for table in reading.tables for name, heading in table.headings.items()}


def _changed(
    before: pl.DataFrame,
    after: pl.DataFrame,
    pairs: pl.DataFrame,
    kinds: dict[str, tuple[str, str]],
    common: list[str],
    headings: dict[str, str],
    old_found: pl.DataFrame,
    rule_fields: RuleFields,
) -> pl.DataFrame:
    """Every cell with another value than before (`CELLS`), and whether a finding was about it."""
    one, other, parts = before[pairs["old"]], after[pairs["new"]], []
    both = pairs.select("old").with_columns(
        row_key=other["_key"], sheet_before=one["_sheet"], line_before=one["_line"], sheet=other["_sheet"], line=other["_line"]
    )  # fmt: skip
    for name in common if pairs.height else []:
        cells = both.with_columns(
            before=one[name].fill_null(""),
            after=other[name].fill_null(""),
            field=pl.lit(name),
            column_name=pl.lit(headings[name]),
        ).filter(pl.col("before") != pl.col("after"))
        if cells.height:
            parts.append(cells.filter(~_equal(cells["before"], cells["after"], *kinds[name])))
    if not parts:
        return pl.DataFrame(schema=CELLS)
    at_cells, at_rows = _asked(old_found, rule_fields)
    changed = pl.concat(parts).with_row_index("_n")
    asked = pl.concat(
        [changed.join(at_cells, on=["old", "field"], how="semi"), changed.join(at_rows, on="old", how="semi")]
    )["_n"]
    return (
        changed.with_columns(asked=pl.col("_n").is_in(asked.unique().implode()))
        .sort("line", "_n")
        .select(list(CELLS))
        .cast(CELLS)
    )


def _asked(found: pl.DataFrame, rule_fields: RuleFields) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cells (old, field) and whole rows (old) that findings are about; a rule between fields is about all of them."""
    named = found.filter(pl.col("row").is_not_null()).select("rule_id", "scope", field="field", old="row")
    fields = pl.DataFrame(
        [(rule, first, name) for (rule, first), names in rule_fields.items() for name in names],
        schema={"rule_id": pl.String, "field": pl.String, "also": pl.String},
        orient="row",
    )
    at_cell = pl.col("scope").is_in(["cell", "cross"]) & pl.col("field").is_not_null()
    by_rule = named.join(fields, on=["rule_id", "field"])
    whole = named.filter(~at_cell).join(fields, on=["rule_id", "field"], how="anti")
    cells = [named.filter(at_cell).select("old", "field"), by_rule.select("old", field="also")]
    return pl.concat(cells).unique(), whole.select("old").unique()


def _rule_fields(reading: Reading) -> RuleFields:
    """(rule, the field at which its findings are shown) -> every field that the rule is about."""
    schema = schemas.load(reading.collection)
    found = {("STR03", name): schema.key for name in schema.key}
    found |= {("STR04", "ods_code"): ("ods_code",), ("VAL-PERIOD", "period"): ("period",)}
    if reading.period:
        start, end = calendar.period_start(reading.period), calendar.period_end(reading.period)
        about = About(reading.collection, reading.period, reading.sender or "", reading.part, start, end)
        for rule in schema.rules(about):
            at = rule.id, rule.fields[0]
            found[at] = tuple(dict.fromkeys((*found.get(at, ()), *rule.fields)))
    return found


def _equal(a: pl.Series, b: pl.Series, kind: str, date_format: str) -> pl.Series:
    """Which texts are the same value written differently."""
    if kind in ("whole", "number"):
        # Whole numbers are compared as such: two large ones can be the same decimal number.
        whole = a.cast(pl.Int64, strict=False) == b.cast(pl.Int64, strict=False)
        same = whole.zip_with(whole.is_not_null(), a.cast(pl.Float64, strict=False) == b.cast(pl.Float64, strict=False))
    elif kind == "date":
        same = _days(a, date_format) == _days(b, date_format)
    elif kind == "yes_no":
        one, other = (
            t.str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=pl.Boolean) for t in (a, b)
        )
        same = one == other
    else:
        # A text that the workbook had to cut is no change made by the trust.
        same = (a.str.len_chars() > MOST_IN_CELL // 2) & b.str.contains("… (cut; ", literal=True)
    return same.fill_null(False)


def _days(texts: pl.Series, date_format: str) -> pl.Series:
    return texts.str.to_date(date_format, strict=False).fill_null(texts.str.to_date("%Y-%m-%d", strict=False))


# Findings ------------------------------------------------------------------------------------------------------------


def _placed(found: pl.DataFrame, reading: Reading, frame: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Findings about the content, with field, row number (`own`) and the number of that row in the old version (`row`)."""
    if "decision_id" not in found.columns:
        found = found.with_columns(decision_id=pl.lit(None, pl.Int64))
    found = found.select(list(FINDINGS)).filter(
        (pl.col("severity") != "info") & ~pl.col("rule_id").str.contains(NOT_CONTENT)
    )
    side = known.columns[0]
    fields = {layouts.plain(heading): name for name, heading in _headings(reading).items()}
    names = {text: fields.get(layouts.plain(text), text) for text in found["column_name"].drop_nulls().unique()}
    places = frame.select(sheet="_sheet", line="_line", own="_row").unique(["sheet", "line"], keep="first")
    found = found.join(places, on=["sheet", "line"], how="left", nulls_equal=True, maintain_order="left")
    if side == "new":
        found = found.join(known, left_on="own", right_on="new", how="left", maintain_order="left")
    else:
        found = found.with_columns(row="own")
    return found.with_columns(field=pl.col("column_name").replace(names))


def _findings(
    old: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Findings that are fixed, still there and new (see `Comparison`).

    Findings are matched by rule, field and row. On a line that is not a row (a heading, a broken line) they are matched by its text.
    """
    at = (
        pl.when(pl.col("row").is_not_null())
        .then(pl.format("row {}", "row"))
        .when(pl.col("own").is_not_null())
        .then(pl.format("own {}", "own"))
        .when(pl.col("line").is_not_null())
        .then(pl.concat_str(pl.lit("text "), pl.col("raw_value").fill_null("")))
        .otherwise(pl.lit("whole"))
    )
    keys = ["rule_id", "field", "_at", "_nth"]
    nth = pl.int_range(pl.len()).over("rule_id", "field", "_at")
    old, new = (frame.with_columns(_at=at).with_columns(_nth=nth) for frame in (old, new))
    # A new row was not in the old version, whatever its number.
    new = new.with_columns(_at=pl.when(pl.col("_at").str.starts_with("own ")).then(pl.lit(None)).otherwise("_at"))
    matchable = new.filter(pl.col("_at").is_not_null())
    matched = old.select(*keys, line_before="line", before="raw_value", message_before="message")
    still = matchable.join(matched, on=keys, nulls_equal=True, maintain_order="left")
    fresh = new.join(old, on=keys, how="anti", nulls_equal=True, maintain_order="left")
    fixed = old.join(matchable, on=keys, how="anti", nulls_equal=True, maintain_order="left")
    gone = pl.col("row").is_not_null() & ~pl.col("row").is_in(pairs["old"].implode())
    return (
        fixed.with_columns(row_gone=gone).select(*FINDINGS, "row_gone"),
        still.select(*FINDINGS, "line_before", "before", "message_before"),
        fresh.select(list(FINDINGS)),
    )

"""Two versions of a return compared: what was mended, what is still wrong, newly wrong, and changed without being asked.

Rows are known again by their key, then by their whole content, then by their place; so they may have been moved, and a CSV
file may have been answered by a workbook. What cannot be seen in a workbook is compared as it is written there.
"""

from dataclasses import dataclass

import polars as pl
import psycopg

from .. import schemas
from ..catalogue import layouts
from ..reading import findings as frames
from ..reading.harmless import MOST_IN_CELL, UNFIT, visible
from ..reading.reading import Reading
from ..reference import calendar
from ..schemas.rules import About
from ..validation.cells import YES_NO
from ..validation.row_keys import row_keys
from ..validation.spelling import BLANKS
from . import submitted_file, workbook

# Not about what the file says: when it came, and what people decided.
NOT_CONTENT = r"^(SUB|DEC-)"
ALIKE = 0.5  # share of filled cells that two rows without a common key have in common, if one is taken for the other

FINDINGS = frames.COLUMNS | {"decision_id": pl.Int64}
CELLS = {
    "row_key": pl.String, "column_name": pl.String, "sheet_before": pl.String, "line_before": pl.Int64,
    "sheet": pl.String, "line": pl.Int64, "before": pl.String, "after": pl.String, "asked": pl.Boolean,
}  # fmt: skip
ROWS = {"row_key": pl.String, "sheet": pl.String, "line": pl.Int64}

_UNFIT = {chr(code): visible(chr(code)) for code in [*range(0x80, 0xA0), *range(9), *range(11, 32), 127]}
_UNFIT |= {chr(code): visible(chr(code)) for code in [*range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFFFE, 0xFFFF]}
_HOLDS_UNFIT = "[" + UNFIT.replace("\\ud800-\\udfff", "").replace("\ud800-\udfff", "") + "]"


@dataclass(frozen=True)
class Comparison:
    """What differs between a version of a return and the one before it.

    Attributes:
        before, after: the submissions compared (None for files that are none), and their versions.
        fixed: findings of the old version that the new one has no more; `row_gone` where their row was taken out.
        still, new: findings of the new version, those that the old one had too (with line_before), and those it had not.
        changed: every cell that says something else; `asked` where a finding spoke of it.
        added, removed: rows that only the new, or only the old version has.
        moved: how many rows follow one that stood after them before; 0 where the order is the same.
        columns_added, columns_removed: headings that only one of them has.
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
    answers: bool = False  # the new version was made from the workbook that we sent back

    @property
    def unasked(self) -> pl.DataFrame:
        """Cells that were changed though nothing was said about them."""
        return self.changed.filter(~pl.col("asked"))


def of_submissions(connection: psycopg.Connection, submission_id: str) -> Comparison | None:
    """A submission compared with the one it answers, or else with the version before it; None for a first version.

    Raises:
        LookupError: there is no such submission.
    """
    content = submitted_file.content_of(connection, submission_id)
    answers = connection.execute(
        "SELECT answers FROM intake.answers WHERE submission_id = %s", [submission_id]
    ).fetchone()
    found = connection.execute(
        """SELECT o.submission_id, o.version, s.version
           FROM intake.submissions s JOIN intake.submissions o
             ON (o.collection, o.period, o.sender, o.part) IS NOT DISTINCT FROM (s.collection, s.period, s.sender, s.part)
           WHERE s.submission_id = %s AND o.version < s.version
           ORDER BY o.submission_id IS NOT DISTINCT FROM %s DESC, o.version DESC LIMIT 1""",
        [submission_id, answers and answers[0]],
    ).fetchone()
    if found is None:
        return None
    earlier, version_before, version_after = found
    old, new = (submitted_file.as_sent(*one) for one in (submitted_file.content_of(connection, earlier), content))
    made = compare(old, workbook.findings_of(connection, earlier), new, workbook.findings_of(connection, submission_id))
    names = {"before": earlier, "after": submission_id, "answers": answers == (earlier,)}
    return Comparison(**vars(made) | names | {"version_before": version_before, "version_after": version_after})


def compare(old: Reading, old_findings: pl.DataFrame, new: Reading, new_findings: pl.DataFrame) -> Comparison:
    """Two readings of one collection and their findings (columns as in `reading.findings.COLUMNS`) compared."""
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
        changed=_changed(before, after, pairs, kinds, common, new_headings, old_found, _spoken_of(old)),
        added=_only(after, "new", pairs),
        removed=_only(before, "old", pairs),
        moved=_moved(pairs),
        columns_added=[heading for name, heading in new_headings.items() if name not in old_headings],
        columns_removed=[heading for name, heading in old_headings.items() if name not in new_headings],
    )


# Rows ----------------------------------------------------------------------------------------------------------------


def _rows(reading: Reading) -> pl.DataFrame:
    """Every row of a file: its number, table, sheet, line and key, and its cells by field as they can be compared."""
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
        schema = {"_row": pl.Int64, "_table": pl.Int64, "_sheet": pl.String, "_line": pl.Int64, "_key": pl.String}
        return pl.DataFrame(schema=schema)
    return pl.concat(parts, how="diagonal").select(pl.int_range(pl.len()).alias("_row"), pl.all())


def _fit_for_cells(texts: pl.Series) -> pl.Series:
    """Texts as a workbook holds them, without blanks around them, so that sending one back changes nothing."""
    texts = texts.fill_null("")
    if texts.str.contains(_HOLDS_UNFIT).any():
        texts = texts.str.replace_all("\r\n", "\n", literal=True).str.replace_many(list(_UNFIT), list(_UNFIT.values()))
    return texts.str.strip_chars(BLANKS).alias(texts.name)


def _pairs(before: pl.DataFrame, after: pl.DataFrame, common: list[str]) -> pl.DataFrame:
    """Which row of the old version (`old`) is which of the new one (`new`), each at most once."""
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
    if before["_table"].n_unique() != after["_table"].n_unique():  # the sheets were put together or taken apart
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
    return old.join(pairs, on="old", how="anti", maintain_order="left"), new.join(
        pairs, on="new", how="anti", maintain_order="left"
    )


def _alike(before: pl.DataFrame, after: pl.DataFrame, pairs: pl.DataFrame, common: list[str]) -> pl.Series:
    """Which pairs say the same in enough of their filled cells to be one row."""
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
    """field -> its kind, and how dates are written."""
    fields = schemas.load(reading.collection).fields
    return {
        name: (fields[name].kind if name in fields else table.layout.kinds.get(name, "text"), table.layout.dates.get(name, "%Y-%m-%d"))
        for table in reading.tables
        for name in table.headings
    }  # fmt: skip


def _headings(reading: Reading) -> dict[str, str]:
    return {name: heading for table in reading.tables for name, heading in table.headings.items()}


def _changed(before, after, pairs, kinds, common, headings, old_found, spoken_of) -> pl.DataFrame:
    """Every cell that says something else than before, with whether a finding had asked for it."""
    if not pairs.height:
        return pl.DataFrame(schema=CELLS)
    one, other, parts = before[pairs["old"]], after[pairs["new"]], []
    for name in common:
        a, b = one[name].fill_null(""), other[name].fill_null("")
        differs = a != b
        if differs.any():
            at = differs.arg_true()
            at = at.filter(~_equal(a.gather(at), b.gather(at), *kinds[name]))
            parts.append(
                pl.DataFrame(
                    {
                        "old": pairs["old"].gather(at),
                        "field": pl.Series([name] * at.len(), dtype=pl.String),
                        "row_key": other["_key"].gather(at),
                        "column_name": pl.Series([headings[name]] * at.len(), dtype=pl.String),
                        "sheet_before": one["_sheet"].gather(at),
                        "line_before": one["_line"].gather(at),
                        "sheet": other["_sheet"].gather(at),
                        "line": other["_line"].gather(at),
                        "before": a.gather(at),
                        "after": b.gather(at),
                    }
                )
            )
    if not parts:
        return pl.DataFrame(schema=CELLS)
    cells, whole = _asked(old_found, spoken_of)
    changed = pl.concat(parts).with_row_index("_n")
    asked = pl.concat(
        [changed.join(cells, on=["old", "field"], how="semi"), changed.join(whole, on="old", how="semi")]
    )["_n"]
    return (
        changed.with_columns(asked=pl.col("_n").is_in(asked.unique().implode()))
        .sort("line", "_n")
        .select(list(CELLS))
        .cast(CELLS)
    )


def _asked(found: pl.DataFrame, spoken_of: dict[tuple[str, str], tuple[str, ...]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cells (old, field) and whole rows (old) that findings spoke of: a rule between fields speaks of all its fields."""
    named = found.filter(pl.col("row").is_not_null()).select("rule_id", "scope", field="field", old="row")
    fields = pl.DataFrame(
        [(rule, first, name) for (rule, first), names in spoken_of.items() for name in names],
        schema={"rule_id": pl.String, "field": pl.String, "spoken": pl.String},
        orient="row",
    )
    at_cell = pl.col("scope").is_in(["cell", "cross"]) & pl.col("field").is_not_null()
    by_rule = named.join(fields, on=["rule_id", "field"])
    whole = named.filter(~at_cell).join(fields, on=["rule_id", "field"], how="anti")
    cells = [named.filter(at_cell).select("old", "field"), by_rule.select("old", field="spoken")]
    return pl.concat(cells).unique(), whole.select("old").unique()


def _spoken_of(reading: Reading) -> dict[tuple[str, str], tuple[str, ...]]:
    """(rule, the field that its findings stand at) -> every field that the rule speaks of."""
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
    """Which texts differ only in how the same value is written."""
    if kind in ("whole", "number"):
        whole = [texts.cast(pl.Int64, strict=False) for texts in (a, b)]
        decimal = [texts.cast(pl.Float64, strict=False) for texts in (a, b)]
        both_whole = whole[0].is_not_null() & whole[1].is_not_null()
        # Whole numbers are compared as such: two large ones can be the same decimal number.
        same = both_whole & (whole[0] == whole[1]) | ~both_whole & (decimal[0] == decimal[1])
    elif kind == "date":
        days = [_days(texts, date_format) for texts in (a, b)]
        same = days[0] == days[1]
    elif kind == "yes_no":
        said = [
            texts.str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=pl.Boolean) for texts in (a, b)
        ]
        same = said[0] == said[1]
    else:
        # A text that a workbook had to cut is no change of the trust's.
        same = (a.str.len_chars() > MOST_IN_CELL // 2) & b.str.contains("… (cut; ", literal=True)
    return same.fill_null(False)


def _days(texts: pl.Series, date_format: str) -> pl.Series:
    frame = pl.DataFrame({"d": texts})
    return frame.select(
        pl.coalesce(pl.col("d").str.to_date(form, strict=False) for form in dict.fromkeys([date_format, "%Y-%m-%d"]))
    ).to_series()


# Findings ------------------------------------------------------------------------------------------------------------


def _placed(found: pl.DataFrame, reading: Reading, frame: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Findings about what the file says, with field, own row (`own`), and the old version's number of that row (`row`)."""
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
    # What is about a line that is no row (a heading, a torn line) is known again by its text; what is about the whole by its rule.
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
    # A row that is new cannot have been in the old version, whatever its number.
    new = new.with_columns(_at=pl.when(pl.col("_at").str.starts_with("own ")).then(pl.lit(None)).otherwise("_at"))
    matched = old.select(*keys, line_before="line", before="raw_value", message_before="message")
    still = new.filter(pl.col("_at").is_not_null()).join(matched, on=keys, nulls_equal=True, maintain_order="left")
    fresh = new.join(old, on=keys, how="anti", nulls_equal=True, maintain_order="left")
    fixed = old.join(
        new.filter(pl.col("_at").is_not_null()), on=keys, how="anti", nulls_equal=True, maintain_order="left"
    )
    gone = pl.col("row").is_not_null() & ~pl.col("row").is_in(pairs["old"].implode())
    return (
        fixed.with_columns(row_gone=gone).select(*FINDINGS, "row_gone"),
        still.select(*FINDINGS, "line_before", "before", "message_before"),
        fresh.select(list(FINDINGS)),
    )

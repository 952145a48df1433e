"""How people and spreadsheets write codes, choices and numbers: what is plainly meant, and in which way it was written.

Pure functions over the different texts of a column (each once). What could mean two things is left as it stands, so that it
is refused with its cell. `KINDS` holds the ways of writing that are noted; a text may show several.
"""

import re
from functools import cache

import polars as pl

from ..reading import periods
from ..schemas.fields import FINANCIAL_YEAR, MONTH, FieldSpec
from . import spreadsheet_damage

# Blanks that are seen or not: cut off around a cell, and no part of a number or a code.
BLANKS = (
    " \t\r\n\u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000"
    + periods.INVISIBLE
)
_BLANK = rf"[\s{periods.INVISIBLE}]"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]"

KINDS = {
    "blanks": "with spaces or invisible characters",
    "apostrophe": "with a leading apostrophe",
    "case": "in a different case",
    "inside": "with spaces inside",
    "digits": "with spaces or hyphens between the digits",
    "gtin-14": "as the GTIN-14 of the same product, with a leading zero",
    "words": "in other words",
    "period": "in another form",
    "date": "in another form",
    "thousands": "with thousands separators",
    "unit": "with the unit",
    "brackets": "in brackets, which mean a minus in accounts",
    "minus": "with a different minus sign, or a minus sign after the number",
    "noise": "with a rounding error",
}

# How the units of fields are written behind (and pounds in front of) a number.
UNITS = {
    "GBP": ("£", "gbp"),
    "pence": ("p", "pence"),
    "%": ("%", "percent", "per cent"),
    "m2": ("m2", "m²", "sqm"),
    "kWh": ("kwh",),
    "hours": ("h", "hrs", "hours"),
    "days": ("days",),
    "FTE": ("fte",),
    "WTE": ("wte",),
}
NUMBER = r"^[-+]?(?:\d+\.?\d*|\.\d+)$"
DECIMAL_COMMA = r"^[-+]?(?:\d+,\d{1,2}|\d*,\d{4,}|0,\d+|\d{1,3}(?:[. ]\d{3})+,\d+)$"
GROUPED_BY_POINTS = r"^[-+]?[1-9]\d{0,2}\.\d{3}$"
NOISE = 1e-9  # relative: a computer's sum of tenths is off by less, a count that is no whole number by more


# Texts that are not as plain as most: blanks or an apostrophe around, characters that cannot be seen.
ODD = rf"^[\s'’`]|\s$|[{periods.INVISIBLE}]|{_CONTROL}"


def has_control(texts: pl.Series) -> pl.Series:
    """Which texts hold control characters or the mark of a character that was lost."""
    return texts.str.contains(_CONTROL)


def tidy_texts(spec: FieldSpec, frequency_of_field: str | None, texts: pl.Series) -> pl.DataFrame:
    """What different texts of a text field say.

    Args:
        texts: different texts as sent, none of them null.

    Returns:
        ``sent``, ``said`` and one Boolean column a kind that occurs.
    """
    plain = texts.str.strip_chars(BLANKS)
    if spec.role in ("code", "gtin") or spec.pattern:
        plain = plain.str.replace_all(f"[{periods.INVISIBLE}]", "")
    # Blanks around free text say nothing, unless nothing else is there.
    blanks = plain != texts if spec.role != "free" else (plain == "") & (texts != "")
    frame = pl.DataFrame({"sent": texts, "said": plain, "blanks": blanks})
    if spec.role in ("code", "gtin"):
        # A spreadsheet's sign for text: it stands in the file only if somebody else wrote the file.
        bare = frame["said"].str.replace(r"^['’`](.+?)['’`]?$", "$1").str.strip_chars(BLANKS)
        frame = _changed(frame, "apostrophe", bare)
    if frequency_of_field:
        said = periods.read(frame["said"], frequency_of_field)
        canonical = MONTH if frequency_of_field == periods.MONTH else FINANCIAL_YEAR
        return _changed(frame, "period", said.fill_null(frame["said"]), ~frame["said"].str.contains(canonical))
    if spec.gtin_if:  # codes of products are compared between trusts: a blank inside makes no other product
        joined = frame["said"].str.replace_all(_BLANK, "")
        codes = frame["said"].str.contains(r"\d") & ~frame["said"].str.contains(spreadsheet_damage.DATE)
        frame = _changed(frame, "inside", joined, codes)
    if spec.role == "gtin":
        frame = _changed(frame, "digits", gtin_digits(frame["said"]))
    if spec.pattern:
        fits = frame["said"].str.contains(spec.pattern)
        upper = frame["said"].str.to_uppercase()
        frame = _changed(frame, "case", upper, ~fits & upper.str.contains(spec.pattern))
        if "A-Z" not in spec.pattern:  # digits only
            joined = frame["said"].str.replace_all(r"[\s-]", "")
            frame = _changed(frame, "digits", joined, ~fits & joined.str.contains(spec.pattern))
    return frame


def gtin_digits(texts: pl.Series) -> pl.Series:
    """Barcode numbers without blanks and hyphens between their digits; texts that are none stay as they are."""
    joined = texts.str.replace_all(rf"{_BLANK}|[-\u2010\u2011\u2013]", "")
    is_one = joined.str.contains(r"^(?:\d{8}|\d{12,14})$")
    return joined.zip_with(is_one, texts)


def gtin_13(texts: pl.Series) -> pl.Series:
    """A GTIN-14 with a nought in front is its GTIN-13 (GS1 General Specifications, 3.3.2); other texts stay."""
    return texts.str.replace(r"^0(\d{13})$", "$1")


@cache
def _options(options: tuple[str, ...], words: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Loose spelling -> option; spellings of more than one option are left out."""
    known: dict[str, set[str]] = {}
    for text, option in [*((option, option) for option in options), *words]:
        known.setdefault(loose(text), set()).add(option)
    return {text: found.pop() for text, found in known.items() if len(found) == 1 and text}


def loose(text: str) -> str:
    """A choice as it is compared: letters and digits only, without case, "and" and a number in front ("1. General")."""
    words = re.sub(r"^\s*\d{1,2}[.)]\s+", "", text).replace("&", " and ").casefold()
    return "".join(word for word in re.findall(r"[^\W_]+", words) if word != "and")


def choices(spec: FieldSpec, words: dict[str, str], texts: pl.Series) -> pl.DataFrame:
    """What different texts of a choice field say; columns as of `tidy_texts`. What is on no list stays as it is."""
    known = _options(spec.options, tuple(words.items()))
    said = [t.strip(BLANKS) for t in texts]
    said = [t if t in spec.options else known.get(loose(t), t) if len(t) <= 200 else t for t in said]
    frame = pl.DataFrame({"sent": texts, "said": pl.Series(said, dtype=pl.String)})
    return frame.with_columns(words=frame["sent"] != frame["said"])


def numbers(spec: FieldSpec, texts: pl.Series) -> pl.DataFrame:
    """What different texts of a number field say, where they are no number as they stand.

    Args:
        texts: different texts without blanks around them, none of them null.

    Returns:
        ``sent``, ``said`` (the field's type; null where it is no number, or could be two) and one Boolean column a kind.
    """
    plain = texts.str.replace_all(f"[{periods.INVISIBLE}]", "").str.replace_all(r"\s+", " ").str.strip_chars(" '’")
    frame = pl.DataFrame({"sent": texts, "said": plain})
    for unit in UNITS.get(spec.unit or "", ()):
        mark = re.escape(unit)
        pattern = rf"(?i)(\d|\))\s?{mark}(\)?)$" if unit != "£" else r"$^"
        bare = frame["said"].str.replace(pattern, "$1$2")
        if spec.unit == "GBP":
            bare = bare.str.replace(rf"(?i)^([-+\u2212(]?)\s?{mark}\s?", "$1")
        frame = _changed(frame, "unit", bare)
    signed = frame["said"].str.replace(r"^[\u2212\u2013\u2010\u2011]\s?(\d|\.)", "-$1")
    if spec.may_be_negative:
        signed = signed.str.replace(r"^(\d[\d., ]*)-$", "-$1")
    frame = _changed(frame, "minus", signed)
    if spec.may_be_negative:
        frame = _changed(frame, "brackets", frame["said"].str.replace(r"^\(\s?([\d.][\d., ]*?)\s?\)$", "-$1"))
    # Where one cell shows that commas are decimal points, no comma of the column is taken for a thousands separator.
    has_decimal_comma = frame["said"].str.contains(DECIMAL_COMMA).any()
    if not has_decimal_comma:
        grouped = frame["said"].str.contains(r"^[-+]?[1-9]\d{0,2}(?:(?:,\d{3})+|(?: \d{3})+|(?:['’]\d{3})+)(?:\.\d+)?$")
        frame = _changed(frame, "thousands", frame["said"].str.replace_all("[, '’]", ""), grouped)
    value = frame["said"].set(~frame["said"].str.contains(NUMBER), None).cast(pl.Float64, strict=False)
    value = value.set(~value.is_finite().fill_null(True), None)
    if has_decimal_comma:  # and then a point may stand between thousands (see `doubtful_points`)
        value = value.set(frame["said"].str.contains(GROUPED_BY_POINTS), None)
    if spec.kind == "whole":
        near = value.round()
        is_whole = ((value - near).abs() <= NOISE * pl.select(pl.max_horizontal(near.abs(), 1.0)).to_series()) & (
            near.abs() < 2**53
        )
        frame = frame.with_columns(noise=is_whole.fill_null(False) & (value != near).fill_null(False))
        value = near.set(~is_whole.fill_null(False), None).cast(pl.Int64)
    return frame.with_columns(said=value)


def rounded(texts: pl.Series, whole: bool) -> pl.Series:
    """Which texts are numbers in scientific notation that has lost digits.

    A spreadsheet writes 1.05E+07 for 10,512,345: a large E and few digits. All digits are there where there are twelve or more of
    them, where a whole number has no digit beyond them, and in 1e+05 or 1e-05 as R and Python write them.
    """
    parts = texts.str.strip_chars(BLANKS).str.extract_groups(r"^[-+]?(\d+)(?:\.(\d*))?([eE])([-+]?\d{1,3})$").struct
    before, behind, sign, power = (parts.field(str(i)) for i in range(1, 5))
    behind = behind.fill_null("")
    digits = before.str.len_chars().cast(pl.Int32) + behind.str.len_chars().cast(pl.Int32)
    power = power.str.replace(r"^\+", "").cast(pl.Int32, strict=False)
    unit = power - behind.str.len_chars().cast(pl.Int32)  # the last digit counts tens to this power
    lost = (digits < 12) & ((sign == "E") | ((power > 0) & (digits > 1)))
    if whole:
        lost = lost & (unit > 0)
    return lost.fill_null(False)


def doubtful_points(unread: pl.Series, texts: pl.Series) -> pl.Series:
    """Which texts of a column are numbers whose point may stand between thousands: 51.123 beside 50.123,45 or 12,5.

    Args:
        unread: those of the column that are no number as they stand; a decimal comma among them is what raises the doubt.
    """
    grouped, none = texts.str.contains(GROUPED_BY_POINTS), texts.is_null() & texts.is_not_null()
    if not (grouped.any() and unread.str.contains(DECIMAL_COMMA).any()):
        return none
    # Points that are plainly decimal elsewhere in the column show that the comma was a slip.
    decimal = texts.str.contains(r"^[-+]?\d*\.\d+$") & ~grouped
    shown = unread.str.contains(r"^[-+]?\d{1,3}(?:\.\d{3})+,\d+$").any()
    return grouped if shown or not decimal.any() else none


def _changed(frame: pl.DataFrame, kind: str, said: pl.Series, where: pl.Series | None = None) -> pl.DataFrame:
    """The frame with other texts said in the rows of `where`, which are marked as that kind."""
    said = said if where is None else said.zip_with(where, frame["said"])
    other = (said != frame["said"]).fill_null(False)
    if not other.any():
        return frame
    marked = other | frame[kind] if kind in frame.columns else other
    return frame.with_columns(said=said.alias("said"), **{kind: marked})

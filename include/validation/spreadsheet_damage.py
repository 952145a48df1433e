"""Cells that hold no value but the trace of an accident: a spreadsheet error, a program's word for an empty value, a code
that became a number or a date.

Pure functions over the different texts of a column (each once, without blanks around them); what they find is refused at its cell.
"""

import re

import polars as pl

from ..schemas.fields import FieldSpec

# Excel, LibreOffice ("Err:502") and Google Sheets ("#ERROR!"); number signs alone stand for a column that was too narrow.
ERROR = (
    r"(?i)^(?:#(?:N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!|BUSY!|PYTHON!|"
    r"GETTING_DATA|EXTERNAL!|ERROR!|#+)|Err:\d{3})$"
)
# Words that programs write for an empty value. People do not.
MACHINE = (
    "null",
    "(null)",
    "<null>",
    "nan",
    "<na>",
    "nat",
    "undefined",
    "#n/a n/a",
    "\\n",
    "[object object]",
    "dbnull",
)
# Words that people write for an empty value.
HUMAN = (
    "n/a",
    "na",
    "none",
    "nil",
    "not applicable",
    "not known",
    "unknown",
    "not provided",
    "no data provided",
    "-",
    "--",
    "\u2013",
    "\u2014",
    ".",
    "?",
)

_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
DATE = rf"^(?:\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK}|\d{{1,2}}/\d{{1,2}}/\d{{4}}{_CLOCK}|\d{{1,2}}-{_MONTHS}(?:-\d{{2}}|-\d{{4}})?|{_MONTHS}-\d{{2}})$"
FLOAT = r"^\d+\.0$"
SCIENTIFIC = r"^\d(?:\.\d{1,16})?[eE]\+\d{2,3}$"  # 16 decimals where another program than Excel wrote it
LONG = r"^\d{15}0+$"

# What `in_text` may find something in, as one expression.
_WORDS = "(?i:^(?:" + "|".join(map(re.escape, MACHINE)) + r"|Err:\d{3})$)"
SUSPECT = {"free": f"^#|{_WORDS}"}
SUSPECT["name"] = SUSPECT["free"] + "|(?i:^(?:" + "|".join(map(re.escape, HUMAN)) + ")$)"
SUSPECT["code"] = SUSPECT["gtin"] = f"{SUSPECT['name']}|{DATE}|{FLOAT}|{SCIENTIFIC}|{LONG}"

SAYS = {
    "error": "'{}' is a spreadsheet error, not a value. Expected {expected}: correct the formula or fill the cell, and send the file again.",
    "machine": "'{}' is a program's word for an empty value. Expected {expected}{or_empty}.",
    "date": "'{}' is a date in a column of codes: a spreadsheet turns some codes into dates. Expected {expected}: format the column as text and enter the code again.",
    "float": "'{}' is a code that became a number, so leading zeros and last digits may be lost. Expected {expected}: export the column as text.",
    "scientific": "'{}' is a code that a spreadsheet shortened, and its digits are lost. Expected {expected}: format the column as text and enter the code again.",
    "rounded": "'{}' ends in zeros after the fifteenth digit, like every long code in the column: a spreadsheet rounded them. Expected {expected}: format the column as text and enter the code again.",
    "digits": "'{}' has lost digits: a spreadsheet shortened it. Expected {expected} with all its digits: format the column as a number and send the file again.",
    "human": "{title} is missing: the cell says '{}'. Expected {expected}.",
}  # fmt: skip


def in_text(spec: FieldSpec, texts: pl.Series, column: pl.Series) -> pl.Series:
    """What kind of accident each text of a text field is (a key of `SAYS`), null where it is none.

    Args:
        texts: those that are looked at.
        column: all different texts of the column.

    'human' is a word for nothing that a person wrote; in free text it may mean something and is no accident.
    """
    lower = texts.str.to_lowercase()
    kind = pl.when(texts.str.contains(ERROR)).then(pl.lit("error")).when(lower.is_in(MACHINE)).then(pl.lit("machine"))
    if spec.role != "free":
        kind = kind.when(lower.is_in(HUMAN)).then(pl.lit("human"))
    if spec.role in ("code", "gtin"):
        kind = (
            kind.when(texts.str.contains(DATE)).then(pl.lit("date"))
            .when(texts.str.contains(FLOAT)).then(pl.lit("float"))
            .when(texts.str.contains(SCIENTIFIC)).then(pl.lit("scientific"))
            .when(texts.str.contains(LONG) & _all_rounded(column)).then(pl.lit("rounded"))
        )  # fmt: skip
    return pl.select(kind.otherwise(None).cast(pl.String)).to_series()


def is_error(texts: pl.Series) -> pl.Series:
    """Which texts are errors of a spreadsheet."""
    return texts.str.contains(ERROR)


def _all_rounded(texts: pl.Series) -> bool:
    """Whether all codes of 16 digits and more end in noughts after the fifteenth, and there are several."""
    long = texts.filter(texts.str.contains(r"^\d{16,}$"))
    return long.len() >= 3 and bool(long.str.contains(LONG).all())


def sentence(kind: str, spec: FieldSpec) -> str:
    """The sentence about an accident in a field; '{}' stands for the text as sent."""
    or_empty = "" if spec.required else ", or an empty cell"
    says = SAYS[kind].replace("{expected}", spec.expected()).replace("{or_empty}", or_empty)
    return says.replace("{title}", spec.title)

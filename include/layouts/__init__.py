"""How real files say it: one TOML file a collection, each holding the layouts that its files come in.

    [[layout]]
    name = "eric-2016-17-workbook"      # names the template version in findings and in the ledger
    part = "workbook"                   # which part of the collection this is; files of one part replace each other
    formats = ["xls"]                   # csv, xlsx, xls (gzip is looked through)
    encodings = ["utf-8"]               # tried in this order
    delimiter = "$"                     # default ","
    words = { "Not Applicable" = "not_applicable" }  # words that may stand in a number cell -> value_status
    period = { always = "2016-17" }     # or { name = 'regex with year/month groups' } or { column = "DATE", format = "%d/%m/%Y" }
                                        # or { column = "PERIOD", pattern = 'regex with year/month groups' }; column is a field
    sender = { always = "NHSE" }        # or { column = "ods_code" } or { name = 'regex with group code' }
    [[layout.table]]
    sheet = "Site Data"                 # name of the sheet, "" for the only or first one
    header_line = 1                     # line of the first header row
    header_rows = 2                     # with two, the first is the section, filled to the right: "Section :: Heading"
    others = "ignore"                   # headings that are not named below: "ignore", or "refuse" (default)
    constants = { level = "site" }      # fields with one value for the whole table
    set_aside = ['^(Total|England)$']   # rows whose first filled cell fits are totals or notes: counted, not loaded
    kinds = { occupied_pct = "number" } # helper columns that are not fields of the schema, for `derive`
    derive = { occupied_m2 = "gia_m2 * occupied_pct / 100" }  # SQL expressions over parsed columns
    status = "value_status"             # the field that tells whether words stood in the row's number cells
    dates = { period_end = "%d/%m/%Y" } # how dates are written, by field
    values = { site_type = { "1. General acute hospital" = "general_acute" } }
    splits = true                       # look for numbers cut at their thousands commas (a known damage)
    [layout.table.columns]              # heading -> field; headings are compared without regard to case and spaces
    "Organisation Code" = "ods_code"    # a heading that comes twice: "PFI costs (£)#2" is the second one
    [layout.table.optional]             # the same, where the column may be absent
    [layout.table.absent]               # fields of the schema that this template does not ask for -> reason; "*" for all others

A collection whose file holds ``canonical = true`` in a layout needs no columns: they are the schema's own field names.
"""

import re
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class TableLayout:
    """One table of a file: where it stands and which heading is which field."""

    columns: dict = field(default_factory=dict)
    optional: dict = field(default_factory=dict)
    absent: dict = field(default_factory=dict)
    sheet: str = ""
    header_line: int = 1
    header_rows: int = 1
    others: str = "refuse"
    constants: dict = field(default_factory=dict)
    set_aside: tuple = ()
    kinds: dict = field(default_factory=dict)
    derive: dict = field(default_factory=dict)
    status: str = ""
    dates: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    splits: bool = False


@dataclass(frozen=True)
class Layout:
    """One way in which files of a collection come (see the head of this module)."""

    name: str
    collection: str
    tables: tuple[TableLayout, ...]
    part: str = ""
    formats: tuple = ("csv",)
    encodings: tuple = ("utf-8",)
    delimiter: str = ","
    words: dict = field(default_factory=dict)
    period: dict = field(default_factory=dict)
    sender: dict = field(default_factory=dict)
    canonical: bool = False


# Words that people write into a number cell that has no number; a layout may add to them.
COMMON_WORDS = {
    "not applicable": "not_applicable",
    "n/a": "not_applicable",
    "na": "not_applicable",
    "no data provided": "not_provided",
    "not provided": "not_provided",
    "not known": "not_provided",
    "unknown": "not_provided",
    "nil": "not_provided",
    "none": "not_provided",
    "-": "not_provided",
    "--": "not_provided",
    "\u2013": "not_provided",
    "\u2014": "not_provided",
    ".": "not_applicable",
}


def plain(heading: str) -> str:
    """A heading as it is compared: one space between words, no case, no byte-order mark."""
    return re.sub(r"\s+", " ", heading.replace("\ufeff", "").replace("\u00a0", " ")).strip().casefold()


@cache
def load(collection: str) -> tuple[Layout, ...]:
    """The layouts declared for a collection, in the order of its file."""
    path = FOLDER / f"{collection}.toml"
    declared = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_layout(collection, path.name, entry) for entry in declared["layout"])


def _layout(collection: str, file: str, entry: dict) -> Layout:
    tables = tuple(_build(TableLayout, file, table) for table in entry.pop("table", [{}]))
    return _build(Layout, file, {**entry, "collection": collection, "tables": tables})


def _build(cls, file: str, values: dict):
    unknown = sorted(set(values) - {f.name for f in fields(cls)})
    if unknown:
        raise ValueError(f"layouts/{file}: unknown entries {', '.join(unknown)} in a {cls.__name__}.")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

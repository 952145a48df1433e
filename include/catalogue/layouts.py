"""How real files say it: one TOML file a collection, each holding the layouts that its files come in.

A layout is headings and vocabulary. In what container they come (text or workbook, delimiter, encoding, gzip), on which
sheet and from which line on is found out from the file; a file may come in any, and a finding says so where it is unusual.

    [[layout]]
    name = "eric-2016-17-workbook"      # names the template version in findings and in the ledger
    part = "workbook"                   # which part of the collection this is; files of one part replace each other
    encodings = ["utf-8", "cp1252"]     # those that need no note; default only UTF-8
    delimiter = "$"                     # the one that is tried first and needs no note; default ","
    words = { "Not Applicable" = "not_applicable" }  # words that may stand in a number cell -> value_status
    period = { always = "2016-17" }     # or { name = 'regex with year/month groups' } or { column = "DATE", format = "%d/%m/%Y" }
                                        # or { column = "PERIOD", pattern = 'regex with year/month groups' }; column is a field
    sender = { always = "NHSE" }        # or { column = "ods_code" } or { name = 'regex with group code' }
    [[layout.table]]
    sheet = "Site Data"                 # name of the sheet, "" for the one that fits; with several tables, any sheet that
                                        # fits if none has that name
    alone = "site"                      # in a layout of several tables: the part that this one is when it comes by itself
                                        # (as a CSV file); without it, it does not come by itself
    header_line = 1                     # line of the first header row as published; one further down is found and noted
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
    [layout.table.columns]              # heading -> field; compared without regard to case, blanks, hyphens and underscores
    "Organisation Code" = "ods_code"    # a heading that comes twice: "PFI costs (£)#2" is the second one
    [layout.table.optional]             # the same, where the column may be absent; of several headings of one field, one must be there
    [layout.table.absent]               # fields of the schema that this template does not ask for -> reason; "*" for all others

    [every_table]                       # entries that every table of the file has, unless it says something else itself

A collection whose file holds ``canonical = true`` in a layout needs no columns: they are the schema's own field names.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, TypeVar

from .. import catalogue

Entries = dict[str, Any]


@dataclass(frozen=True)
class TableLayout:
    """One table of a file: where it stands and which heading is which field."""

    columns: dict[str, str] = field(default_factory=dict)
    optional: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    sheet: str = ""
    alone: str = ""
    header_line: int = 1
    header_rows: int = 1
    others: str = "refuse"
    constants: dict[str, str] = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)
    status: str = ""
    dates: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    splits: bool = False


@dataclass(frozen=True)
class Layout:
    """One way in which files of a collection come (see the head of this module)."""

    name: str
    collection: str
    tables: tuple[TableLayout, ...]
    part: str = ""
    encodings: tuple[str, ...] = ("utf-8",)
    delimiter: str = ","
    words: dict[str, str] = field(default_factory=dict)
    period: dict[str, str] = field(default_factory=dict)
    sender: dict[str, str] = field(default_factory=dict)
    canonical: bool = False
    of: str = ""  # for a table that comes by itself: the layout of several tables that it is one of


Declared = TypeVar("Declared", TableLayout, Layout)

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


# What headings are compared without, and hyphens that programs put in place of the plain one.
_BETWEEN = {ord(c): None for c in " \t\r\n\x0b\x0c_-\u2010\u2011\u2012\u2013\u2014\u2212"}


def heading_key(heading: str) -> str:
    """A heading without case, blanks, hyphens, underscores and signs that cannot be seen; m² and m2 are the same."""
    if not heading.isascii():
        heading = unicodedata.normalize("NFKC", heading)
        heading = "".join(c for c in heading if unicodedata.category(c) != "Cf")
    return heading.casefold().translate(_BETWEEN)


@cache
def load(collection: str) -> tuple[Layout, ...]:
    """The layouts declared for a collection, in the order of its file; then those of tables that may come by themselves."""
    path = catalogue.FOLDER / collection / "layouts.toml"
    declared = tomllib.loads(path.read_text(encoding="utf-8"))
    shared = declared.get("every_table", {})
    whole = tuple(_layout(collection, f"{collection}/layouts.toml", entry, shared) for entry in declared["layout"])
    return whole + tuple(
        replace(
            one, name=f"{one.name}: {table.sheet}", part=table.alone, tables=(replace(table, sheet=""),), of=one.name
        )
        for one in whole
        for table in one.tables
        if table.alone
    )


def _layout(collection: str, file: str, entry: Entries, shared: Entries) -> Layout:
    tables = tuple(_build(TableLayout, file, _with(shared, table)) for table in entry.pop("table", [{}]))
    return _build(Layout, file, {**entry, "collection": collection, "tables": tables})


def _with(shared: Entries, own: Entries) -> Entries:
    """A table's entries with the shared ones put under them, in depth."""
    mixed = {**shared, **own}
    for name in set(shared) & set(own):
        if isinstance(shared[name], dict) and isinstance(own[name], dict):
            mixed[name] = _with(shared[name], own[name])
    return mixed


def _build(cls: type[Declared], file: str, values: Entries) -> Declared:
    unknown = sorted(set(values) - {f.name for f in fields(cls)})
    if unknown:
        raise ValueError(f"{file}: unknown entries {', '.join(unknown)} in a {cls.__name__}.")
    made: Entries = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return cls(**made)

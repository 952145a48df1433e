"""What a submission looks like as a whole: its profile, from the rows that were accepted.

A profile has one row a column (how much is filled, how many values, quantiles, patterns of codes, shares of codes that are known or
have a right check digit) and three rows that name no column but hold sketches: hashes by which the overlap of two submissions can be
estimated without reading either. Releases compare profiles (include/sql/cross/_profiles.sql); what they ask is data: profile.toml here and in the collection's folder.
"""

import hashlib
import json
import math
import string
import tomllib
from collections import Counter
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import catalogue, reference, schemas
from ..schemas.check_digits import gtin_is_valid, snomed_is_valid
from ..schemas.fields import FieldSpec
from ..schemas.models import Schema

SETTINGS = Path(__file__).with_name("profile.toml")
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "column_name": pl.String,  # a field of the schema, or one of the sketches below
    "rows": pl.Int64,
    "filled": pl.Int64,
    "distinct_values": pl.Int64,
    "minimum": pl.Float64,
    "lower_quartile": pl.Float64,
    "median": pl.Float64,
    "upper_quartile": pl.Float64,
    "maximum": pl.Float64,
    "total": pl.Float64,
    "patterns": pl.String,  # JSON: [[pattern, share], ...], the most frequent first
    "recognised": pl.Float64,  # share of the filled cells that are a known code, or have a right check digit
    "sketch": pl.List(pl.Int64),  # the smallest hashes, in ascending order
}
KEYS = "(keys)"  # sketch: of the rows' keys, without period and sender
ROWS = "(rows)"  # sketch: of what those same rows say, in the same order
ABOUT = "(about)"  # sketch: of what the submission is about: products, wards, sites
SKETCHED = 64  # hashes in a sketch
FEW = 500  # rows that are looked at without polars
FEW_TEXTS = 100  # texts that are hashed without numpy
WORD = 8  # letters, in bytes, that are hashed as one number
ODD, MIXED, ALL_BITS = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, (1 << 64) - 1  # of the hashes
LOOKED_AT = 2_000  # rows, evenly spaced, that patterns and shares are taken from
MEASURED = 20_000  # rows, evenly spaced, that quartiles and the distinct values of what is no code are taken from
CODED = 200_000  # rows, evenly spaced, that the distinct values of codes are taken from
SORTS = 20_000  # different codes, at most, of a column that gets a sketch: kinds of things, not numbers of orders
PATTERNS = 3
NUMBERS = ("whole", "number")  # kinds of fields
END = "\x1f"  # between the parts of a key, and behind each
PERIODS = {"period", "financial_year", "month_start", "period_end", "publication_period", "publication_date"}
FORM = str.maketrans(dict.fromkeys(string.ascii_letters, "A") | dict.fromkeys(string.digits, "9"))
ALIKE = (pl.String, pl.Int64, pl.Date)  # types whose values polars and Python write alike
CHECKS = {"gtin": gtin_is_valid, "snomed": snomed_is_valid}


@cache
def settings(collection: str | None = None) -> dict[str, Any]:
    """What is asked of the profiles of a collection: the defaults of profile.toml with the collection's own entries over them."""
    defaults = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    own = catalogue.entries(collection, "profile.toml") if collection else {}
    if strange := sorted(set(own) - set(defaults)):
        raise ValueError(
            f"{collection}/profile.toml: unknown entries {', '.join(strange)}. Known: {', '.join(defaults)}."
        )
    return defaults | own


def empty() -> pl.DataFrame:
    """The profile of nothing."""
    return pl.DataFrame(schema=COLUMNS)


def of(records: pl.DataFrame, collection: str) -> pl.DataFrame:
    """The profile of accepted records: a row a column of the schema and a row a sketch, columns as in `COLUMNS`."""
    if not records.height:
        return empty()
    schema = schemas.load(collection)
    # A return of ten rows is looked at as Python's lists: each call of polars takes longer than the work on it.
    lists = records.to_dict(as_series=False) if records.height <= FEW else None
    looks = _looks_of_lists(lists, schema) if lists else _looks(records, schema)
    rows = []
    for name, spec in schema.fields.items():
        look = looks[name]
        row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"column_name": name, "rows": records.height} | look.numbers
        if is_code(spec) and row["filled"]:
            row["patterns"] = json.dumps(_patterns(look.some))
            row["recognised"] = _recognised(spec, look.some, collection)
            if row["distinct_values"] <= SORTS:
                row["sketch"] = _smallest(hashes(look.different))[0].tolist()
        rows.append(row)
    blank = dict.fromkeys(COLUMNS) | {"rows": records.height}
    rows += [blank | {"column_name": name, "sketch": sketch} for name, sketch in _sketches(records, lists, schema)]
    return pl.DataFrame({name: [row[name] for row in rows] for name in COLUMNS}, schema=COLUMNS)


class _Look(NamedTuple):
    """What a column holds: how much is filled and the like, by the names of `COLUMNS`; of codes the different ones, and some of its cells."""

    numbers: dict[str, Any]
    different: pl.Series | set[str]
    some: list[str]


def _looks_of_lists(lists: dict[str, list[Any]], schema: Schema) -> dict[str, _Look]:
    found = {}
    for name, spec in schema.fields.items():
        values = [value for value in lists[name] if value is not None]
        different = set(values)
        numbers: dict[str, Any] = {"filled": len(values), "distinct_values": len(different)}
        if values and spec.kind in NUMBERS:
            numbers |= _quantiles_of(sorted(map(float, values))) | {"total": math.fsum(values)}
        found[name] = _Look(numbers, different, values)
    return found


def _looks(records: pl.DataFrame, schema: Schema) -> dict[str, _Look]:
    # One call of polars for all columns: a call has its price too.
    codes = [name for name, spec in schema.fields.items() if is_code(spec)]
    words = [name for name, spec in schema.fields.items() if name not in codes and spec.kind not in NUMBERS]
    measured = _spaced(records.select(name for name in schema.fields if name not in codes), MEASURED)
    coded, some = _spaced(records.select(codes), CODED), _spaced(records.select(codes), LOOKED_AT)
    filled = records.select(pl.col(*schema.fields).count()).row(0, named=True)
    distinct = measured.select(pl.col(*words).drop_nulls().n_unique()).row(0, named=True) if words else {}
    different = coded.select(pl.col(*codes).drop_nulls().unique().implode()) if codes else coded
    found = {}
    for name, spec in schema.fields.items():
        numbers: dict[str, Any] = {"filled": filled[name], "distinct_values": distinct.get(name, 0)}
        values = pl.Series(dtype=pl.String)
        if name in codes:
            values = different[name].item()
            numbers["distinct_values"] = values.len()
        elif filled[name] and spec.kind in NUMBERS:
            numbers |= _numbers(records[name], measured[name])
        found[name] = _Look(numbers, values, some[name].drop_nulls().to_list() if name in codes else [])
    return found


def _numbers(column: pl.Series, measured: pl.Series) -> dict[str, float]:
    """Of a column with numbers in it; its quartiles and distinct values from those measured, if any."""
    ordered = measured.drop_nulls().cast(pl.Float64).sort().to_numpy()
    found: dict[str, float] = {"distinct_values": 0}
    if ordered.size:
        found["distinct_values"] = 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))
        found |= _quantiles_of(ordered)
    whole = column.cast(pl.Float64)
    lowest, highest = whole.min(), whole.max()
    assert isinstance(lowest, float) and isinstance(highest, float)
    return found | {"minimum": lowest, "maximum": highest, "total": float(whole.sum())}


def _spaced(records: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many rows, evenly spaced."""
    return records if records.height <= most else records.gather_every(-(-records.height // most))


def is_code(spec: FieldSpec) -> bool:
    """Whether a field holds codes: texts of a form, not words."""
    return spec.kind == "text" and (
        spec.pattern is not None or spec.name == "gtin" or spec.name.endswith(("_code", "_id", "_number", "_ref"))
    )


def hashes(texts: pl.Series | Collection[str | None]) -> np.ndarray:
    """A 64-bit number for each text, the same on every machine and for ever (so not polars' own, which changes with its version)."""
    if len(texts) <= FEW_TEXTS:
        return np.array([_hash(text or "") for text in texts], np.int64)
    texts = texts if isinstance(texts, pl.Series) else pl.Series(list(texts), dtype=pl.String)
    found = [_hashes(texts.slice(at, 50_000)) for at in range(0, texts.len(), 50_000)]
    return np.concatenate(found)


def _hash(text: str) -> int:
    """The same number as of `_hashes`, for one text."""
    h, letters = 0, (text + END).encode()
    for at in reversed(range(0, len(letters), WORD)):
        word = int.from_bytes(letters[at : at + WORD], "little")
        word = (word ^ (word >> 32)) * MIXED & ALL_BITS
        h = (h + (word ^ (word >> 29))) * ODD & ALL_BITS
    h = (h ^ (h >> 30)) * MIXED & ALL_BITS
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & ALL_BITS
    h ^= h >> 31
    return h - (1 << 64) if h >> 63 else h


def _hashes(texts: pl.Series) -> np.ndarray:
    ended = texts.fill_null("") + END  # so that none is empty
    lengths = ended.str.len_bytes().to_numpy()
    order = np.argsort(lengths, kind="stable")
    letters = np.frombuffer(ended.gather(order).str.join("").item().encode(), np.uint8)
    # Eight letters are one number, whose bits are mixed; then a polynomial in an odd number, modulo 2^64, and splitmix64's last
    # steps, so that near texts lie far apart.
    powers = np.cumprod(np.full(-(-int(lengths.max()) // WORD), ODD, np.uint64), dtype=np.uint64)
    h = np.empty(lengths.size, np.uint64)
    at = done = 0
    for length, count in zip(*(one.tolist() for one in np.unique(lengths, return_counts=True)), strict=True):
        words = np.zeros((count, -(-length // WORD) * WORD), np.uint8)
        words[:, :length] = letters[at : at + length * count].reshape(count, length)
        numbers = words.view("<u8")
        numbers = (numbers ^ (numbers >> np.uint64(32))) * np.uint64(MIXED)
        numbers ^= numbers >> np.uint64(29)
        h[order[done : done + count]] = numbers @ powers[: numbers.shape[1]]
        at, done = at + length * count, done + count
    h = (h ^ (h >> np.uint64(30))) * np.uint64(MIXED)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    signed: npt.NDArray[np.int64] = (h ^ (h >> np.uint64(31))).view(np.int64)
    return signed


def _smallest(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest hashes in ascending order, each once, and where each stands first."""
    at = np.arange(found.size)
    if found.size > SKETCHED:
        at = np.flatnonzero(found <= np.partition(found, SKETCHED - 1)[SKETCHED - 1])
    values, first = np.unique(found[at], return_index=True)
    return values[:SKETCHED], at[first][:SKETCHED]


def _sketches(records: pl.DataFrame, lists: dict[str, list[Any]] | None, schema: Schema) -> list[tuple[str, list[int]]]:
    values, at = _smallest(hashes(_joined(records, lists, key_fields(schema))))
    named = [name for name in schema.fields if name not in PERIODS]
    said = [tuple(lists[name][i] for name in named) for i in at] if lists else records.select(named)[at].rows()
    rows = [
        int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest(), "big", signed=True) for row in said
    ]
    about = settings(schema.collection)["about"]
    subject = values
    if about:
        texts = _joined(records, lists, about)
        subject = _smallest(hashes(texts.unique() if isinstance(texts, pl.Series) else set(texts)))[0]
    return [(KEYS, values.tolist()), (ROWS, rows), (ABOUT, subject.tolist())]


def key_fields(schema: Schema) -> list[str]:
    """The fields that name a row among those of its submission, or of the next month's."""
    fixed = PERIODS | (set() if catalogue.load(schema.collection).is_national else {"ods_code"})
    return [name for name in schema.key if name not in fixed] or [schema.key[-1]]


def _joined(records: pl.DataFrame, lists: dict[str, list[Any]] | None, names: list[str]) -> pl.Series | list[str]:
    """What each row says in these fields, as one text."""
    if lists and all(records.schema[name] in ALIKE for name in names):
        parts = [["" if value is None else str(value) for value in lists[name]] for name in names]
        return [END.join(row) for row in zip(*parts, strict=True)]
    columns = [pl.col(name).cast(pl.String).fill_null("") for name in names]
    return records.select(pl.concat_str(columns, separator=END)).to_series()


def _quantiles_of(ordered: np.ndarray | list[float]) -> dict[str, float]:
    """Minimum, quartiles and maximum of sorted values, each a value that stands in the column (the nearest below)."""
    names = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")
    return {name: float(ordered[(len(ordered) - 1) * quarter // 4]) for quarter, name in enumerate(names)}


def _patterns(filled: list[str]) -> list[tuple[str, float]]:
    """The most frequent forms, letters as A and digits as 9, with their shares."""
    forms: Counter[str] = Counter()
    for text, count in Counter(filled).items():  # what stands often is looked at once
        forms[text[:40].translate(FORM)] += count
    total = sum(forms.values())
    most = sorted(forms.items(), key=lambda form: (-form[1], form[0]))[:PATTERNS]
    return [(form, round(count / total, 4)) for form, count in most]


def _recognised(spec: FieldSpec, filled: list[str], collection: str) -> float | None:
    """The share of the filled cells that are a provider that is known here, or have the check digit of their kind of code."""
    check = kind_of_code(spec.name, collection)
    if not filled:
        return None
    if spec.name == "ods_code":
        return sum(text in _known_providers() for text in filled) / len(filled)
    if check:
        texts = pl.DataFrame({spec.name: filled}, schema={spec.name: pl.String})
        return int(texts.select(CHECKS[check](pl.col(spec.name)).fill_null(False)).to_series().sum()) / len(filled)
    return None


def kind_of_code(name: str, collection: str) -> str | None:
    """'gtin' or 'snomed' where the collection's profile.toml says that a field holds such codes."""
    codes: dict[str, str] = settings(collection)["codes"]
    return codes.get(name)


@cache
def _known_providers() -> frozenset[str]:
    return frozenset(provider.code for provider in reference.load().providers)

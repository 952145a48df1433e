"""Which findings of a validation the ledger lists, how all of them are counted, and the object that holds all where not all are listed."""

import hashlib
import io
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ..stores import cache as copies
from ..stores import objects, settings

LIMITS = Path(__file__).with_name("findings_kept.toml")
GROUP = ["rule_id", "severity", "responsible", "column_name", "decision_id"]
FURTHER = "(further columns)"  # those of which nothing is listed, counted together
ROWS_OF_A_GROUP = 50_000  # of the object, so that a part of it can be read


class Kept(NamedTuple):
    """What is kept of the findings of a validation.

    Attributes:
        listed: rows of core.finding, without those that name the validation.
        counts: rows of core.finding_count, likewise.
        key, sha256, size: the object with all of them, a hash of what it says, and its size in bytes; None where all are listed.
    """

    listed: pl.DataFrame
    counts: pl.DataFrame
    key: str | None = None
    sha256: str | None = None
    size: int | None = None


@cache
def limits() -> tuple[int, int]:
    """How many findings are listed at most: of a rule, and of a submission."""
    declared = tomllib.loads(LIMITS.read_text(encoding="utf-8"))
    return declared["of_a_rule"]["most"], declared["of_a_submission"]["most"]


def keep(collection: str, period: str | None, findings: pl.DataFrame, store: bool = True) -> Kept:
    """Chooses what is listed, counts all, and writes all to an object where not all are listed.

    Args:
        findings: columns as in `decisions_applied.COLUMNS`, in the order of the file.
        store: whether the object goes to the object store; a preview keeps it in this machine's cache only.

    Raises:
        botocore.exceptions.ClientError: the object store refuses it or cannot be reached.
    """
    if not findings.height:
        return Kept(findings, findings)
    everything = numbered(findings)
    listed = _listed(everything)
    if listed.height == everything.height:
        return Kept(listed, _counts(everything, listed))
    content = as_parquet(everything)
    name = hashlib.sha256(content).hexdigest()
    key = f"{collection}/{period}/findings/{name}.parquet"
    if store:
        objects.put_once(settings.load().records, key, content)
    copies.keep(content, name)
    return Kept(listed, _counts(everything, listed), key, hash_of(everything), len(content))


def numbered(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings with their place in the file's list, as they are kept: PostgreSQL holds no NUL in a text; the archived file does."""
    texts = pl.col("raw_value", "message", "column_name")
    return findings.with_row_index("number", 1).with_columns(
        pl.col("number").cast(pl.Int64), texts.str.replace_all("\x00", "\N{REPLACEMENT CHARACTER}", literal=True)
    )


def as_parquet(everything: pl.DataFrame) -> bytes:
    """Numbered findings as a Parquet file: the same bytes for the same findings, as long as the library is the same."""
    buffer = io.BytesIO()
    everything.write_parquet(buffer, compression="zstd", row_group_size=ROWS_OF_A_GROUP)
    return buffer.getvalue()


def hash_of(everything: pl.DataFrame) -> str:
    """Names numbered findings by what they say, whatever library writes the object."""
    digest = hashlib.sha256()
    for part in everything.iter_slices(ROWS_OF_A_GROUP):
        digest.update(part.write_csv(include_header=False).encode())
    return digest.hexdigest()


def _listed(everything: pl.DataFrame) -> pl.DataFrame:
    """The first findings of each rule and column in turn, up to the limits, in the order of the file."""
    of_a_rule, of_a_submission = limits()
    if everything.height <= of_a_rule:
        return everything
    turns = everything.select("number", "rule_id", turn=pl.int_range(pl.len()).over(GROUP))
    turns = turns.filter(pl.col("turn") < of_a_rule).sort("turn", "number")
    nth = pl.int_range(pl.len()).over("rule_id")
    chosen = turns.filter((nth < of_a_rule) | (pl.col("turn") == 0)).sort("turn", "number").head(of_a_submission)
    return everything[(chosen["number"].sort() - 1).to_list()]


def _counts(everything: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """How many findings there are by `GROUP`, how many of them are listed, the first line, and what the first one says."""
    found = _counted(everything, findings=pl.len())
    if listed.height < everything.height:
        found = found.join(
            _counted(listed, listed=pl.len()).select(*GROUP, "listed"), on=GROUP, how="left", nulls_equal=True
        )
        found = found.with_columns(pl.col("listed").fill_null(0))
        further = pl.col("listed") == 0
        if found.select(further.any()).item():
            found = found.with_columns(column_name=pl.when(further).then(pl.lit(FURTHER)).otherwise("column_name"))
            found = found.group_by(GROUP, maintain_order=True).agg(
                pl.col("findings").sum(), pl.col("first_line").min(), pl.col("example").first(), pl.col("listed").sum()
            )
    else:
        found = found.with_columns(listed="findings")
    return found.select(
        pl.int_range(1, pl.len() + 1).alias("number"), *GROUP, "findings", "listed", "first_line", "example"
    )


def _counted(frame: pl.DataFrame, **more: pl.Expr) -> pl.DataFrame:
    first = {"first_line": pl.col("line").min(), "example": pl.col("message").first()}
    return frame.group_by(GROUP, maintain_order=True).agg(**more, **first)

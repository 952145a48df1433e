"""Keeps accepted rows as Parquet objects, those of many small submissions in one, and gives local files of the rows that count."""

import contextlib
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ..stores import cache, objects, settings
from ..validation import profile
from ..validation.validate import HELD, Outcome

HEALED = "healed/"  # before the names of objects that were made anew with other bytes
SMALL = 1024 * 1024  # bytes of an object that is read together with others of its month
MANY = 20_000  # rows that have an object of their own

# The accepted rows of a submission: a frame, or, of `MANY`, the Parquet file that holds them with its id.
Rows = pl.DataFrame | bytes


@dataclass(kw_only=True)
class Packed(Outcome):
    """An outcome of which the rows are stored already: so they leave the child process, which saves passing them on and unpacking them.

    Attributes:
        submission_id: that the rows are stored under; `records` has none of them.
        content: the Parquet file.
        profile: what the rows look like.
    """

    submission_id: str
    content: bytes
    profile: pl.DataFrame


class Records(NamedTuple):
    """Where the accepted rows of a submission are, and what they say.

    Attributes:
        key: of the Parquet object; it ends with the object's own SHA-256.
        sha256: of the rows (see `hash_of`).
        size: of the object, in bytes.
        together: how many submissions' rows the object holds.
    """

    key: str
    sha256: str
    size: int
    together: int


class Wanted(NamedTuple):
    """The rows of one submission, to be read."""

    submission_id: str
    key: str
    size: int
    together: int


def packed(submission_id: str, outcome: Outcome) -> Outcome:
    """The outcome with its rows as they are stored, if they are `MANY`."""
    if outcome.state == HELD or outcome.records.height < MANY:
        return outcome
    known = vars(replace(outcome, records=outcome.records.clear()))
    content = as_parquet({submission_id: outcome.records})
    looks = profile.of(outcome.records, outcome.reading.collection)
    return Packed(**known, submission_id=submission_id, content=content, profile=looks)


def rows_of(submission_id: str, outcome: Outcome) -> Rows:
    """The accepted rows of a submission, as a frame or as they are stored."""
    if not isinstance(outcome, Packed):
        return outcome.records
    assert outcome.submission_id == submission_id
    return outcome.content


def hash_of(submission_id: str, rows: Rows) -> str:
    """Names accepted rows, whoever is recorded beside them: by their text, or, of `MANY`, by the bytes of the object that they have alone.

    Those bytes may be others with another version of the libraries; text is not.
    """
    if isinstance(rows, bytes) or rows.height >= MANY:
        return hashlib.sha256(as_parquet({submission_id: rows})).hexdigest()
    buffer = io.BytesIO()
    rows.write_csv(buffer)  # an empty text is quoted, nothing is not
    return hashlib.sha256(buffer.getbuffer()).hexdigest()


def write(collection: str, period: str | None, rows: Mapping[str, Rows], store: bool = True) -> dict[str, Records]:
    """Writes the accepted rows of these submissions as one Parquet object named by its content; those of `MANY` rows have one each.

    Args:
        rows: by submission id, columns as in `validate.Outcome.records`; the id is put before them.
        store: whether it goes to the object store; a preview keeps it in this machine's cache only.

    Raises:
        botocore.exceptions.ClientError: the object store refuses it or cannot be reached.
    """
    together = {one: few for one, few in rows.items() if not isinstance(few, bytes) and few.height < MANY}
    groups: list[Mapping[str, Rows]] = [together] if together else []
    groups += [{one: many} for one, many in rows.items() if one not in together]
    found: dict[str, Records] = {}
    for group in groups:
        content = as_parquet(group)
        sha256 = hashlib.sha256(content).hexdigest()
        key = f"{collection}/{period}/{sha256}.parquet"
        if store:
            objects.put_once(settings.load().records, key, content)
        cache.keep(content, sha256)
        for one, own in group.items():
            of_rows = hash_of(one, own) if one in together else sha256
            found[one] = Records(key, of_rows, len(content), len(group))
    return found


def as_parquet(rows: Mapping[str, Rows]) -> bytes:
    """The rows of these submissions, each with its id before it, as a Parquet file: the same bytes in whatever order they are given.

    Args:
        rows: by submission id; rows that are stored already come alone.
    """
    named = []
    for one, own in sorted(rows.items()):
        if isinstance(own, bytes):
            assert len(rows) == 1
            return own
        named.append(own.select(pl.lit(one).alias("submission_id"), pl.all()))
    buffer = io.BytesIO()
    pl.concat(named, how="diagonal").write_parquet(buffer, compression="lz4")
    return buffer.getvalue()


def files(wanted: Sequence[Wanted]) -> list[Path]:
    """Local Parquet files that hold the rows of these submissions and no others.

    An object that is wanted whole is read as it is. Of small ones and of those that hold rows of other submissions too, what is wanted
    is put together in one local file, which is there the next time.

    Raises:
        Harmed: an object is gone, cannot be read or is not what was recorded.
    """
    by_object = _by_object(wanted)
    found, gathered = [], []
    for key, of in by_object.items():
        if len(of) == of[0].together and (of[0].size >= SMALL or len(by_object) == 1):
            found.append(_local(key))
        else:
            gathered += of
    return [*found, _gathered(gathered)] if gathered else found


def own_file(wanted: Wanted) -> Path:
    """A local Parquet file with the rows of this submission alone."""
    (path,) = files([wanted])
    return path


def put_back(key: str, content: bytes) -> str:
    """Writes an object that was made anew, under its old name where it has the same bytes, else beside it; its name."""
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != Path(key).stem:
        key = f"{HEALED}{Path(key).stem}/{sha256}.parquet"
    objects.put_back(settings.load().records, key, content)
    return key


def made_anew(key: str) -> Iterator[str]:
    """The names of objects that were made anew for one, with other bytes than it had."""
    for found in objects.listing(settings.load().records, f"{HEALED}{Path(key).stem}/"):
        yield found.key


def stands_for(key: str) -> str:
    """The SHA-256 of the object that an object of records is, or was made anew for."""
    return key.split("/")[1] if key.startswith(HEALED) else Path(key).stem


def _by_object(wanted: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {}
    for one in wanted:
        found.setdefault(one.key, []).append(one)
    return found


def _local(key: str) -> Path:
    bucket, sha256 = settings.load().records, Path(key).stem
    try:
        return cache.cached(bucket, key, sha256)
    except objects.Harmed:
        for other in made_anew(key):
            with contextlib.suppress(objects.Harmed):
                return cache.cached(bucket, other, Path(other).stem)
        raise


def _gathered(wanted: Iterable[Wanted]) -> Path:
    wanted = sorted(wanted)
    name = hashlib.sha256(repr([(one.submission_id, one.key) for one in wanted]).encode()).hexdigest()
    if path := cache.kept_under(name):
        return path
    parts = [
        pl.read_parquet(_local(key)).filter(pl.col("submission_id").is_in([one.submission_id for one in of]))
        for key, of in _by_object(wanted).items()
    ]
    buffer = io.BytesIO()
    # An object may have been written by older rules, when a field was still a whole number.
    pl.concat(parts, how="diagonal_relaxed").write_parquet(buffer, compression="lz4")
    return cache.keep_under(name, buffer.getvalue())

"""Names a release by a hash over all that it rests on: submissions, reference data and methods."""

import hashlib
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from .. import reference
from ..measures import versions
from .dependencies import Pair, rests_on


class Fingerprint(NamedTuple):
    """What of a collection and period figures rest on: whether any of its submissions counts, and a hash over all facts."""

    collection: str
    period: str
    counts: bool
    hash: str


class ReleaseName(NamedTuple):
    """The name of a release, and the hash of what it rests on that the name is made of."""

    release_id: str
    inputs_hash: str


def next_release(connection: psycopg.Connection, collection: str, period: str) -> ReleaseName:
    """The name that a release of what counts now has."""
    made_of = inputs_hash(fingerprints(connection), collection, period)
    return ReleaseName(f"{collection}-{period}-{made_of[:10]}", made_of)


def fingerprints(connection: psycopg.Connection) -> dict[Pair, Fingerprint]:
    """The fingerprint of every collection and period that something is expected or known of."""
    with connection.cursor(row_factory=class_row(Fingerprint)) as cursor:
        rows = cursor.execute("SELECT collection, period, counts, hash FROM core.inputs").fetchall()
    return {(one.collection, one.period): one for one in rows}


def store_fingerprints(connection: psycopg.Connection) -> None:
    """Computes the fingerprints of what was written since the last time, so that reading them all is cheap."""
    connection.execute("SELECT core.store_fingerprints()")


def inputs_hash(prints: dict[Pair, Fingerprint], collection: str, period: str) -> str:
    """The hash of all that a release of this collection and period rests on."""
    facts = [f"{c}|{p}|{prints[c, p].hash}" for c, p in rests_on(collection, period) if (c, p) in prints]
    return hashlib.sha256(
        "\n".join([reference.version(), versions.method_version(collection), *facts]).encode()
    ).hexdigest()

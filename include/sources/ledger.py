"""What was seen at publishers, as facts in the warehouse: only ever added."""

import secrets
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from .. import sql
from ..stores import warehouse
from .declared import Source
from .offers import Discovered, Offer


@dataclass(frozen=True)
class Seen:
    """One fact about a file; the attributes are the columns of core.source_file."""

    source: str
    period: str | None
    edition: str
    page_url: str
    link_url: str
    resource: str
    published: str
    outcome: str
    etag: str | None
    last_modified: str | None
    sha256: str | None
    inbox_key: str | None
    seen_at: datetime

    @property
    def was_had(self) -> bool:
        """Whether it went to the inbox."""
        return self.inbox_key is not None


class LastLook(NamedTuple):
    """The last look at a source: when it began, what it came to, and whether the publisher answered every request."""

    began_at: datetime
    outcome: str
    reached: bool


@dataclass
class Recorder:
    """Writes the facts of one look."""

    source: Source
    began_at: datetime
    since: str | None
    look_id: str = field(default_factory=lambda: secrets.token_hex(10))

    def file(self, offer: Offer, outcome: str, **facts: Any) -> Seen:
        """Writes down one file, in a transaction of its own, and returns the fact."""
        empty = dict.fromkeys(("final_url", "status", "etag", "last_modified", "bytes", "sha256", "inbox_key"))
        row = {"period": offer.period, "period_from": offer.how, "said": ""} | empty | facts
        row |= {
            "look_id": self.look_id, "collection": self.source.collection, "source": self.source.name, "part": self.source.part,
            "edition": offer.edition, "page_url": offer.page, "link_url": offer.link, "link_text": offer.text,
            "resource": offer.resource, "published": offer.published or offer.stated, "outcome": outcome, "seen_at": self.began_at,
        }  # fmt: skip
        with warehouse.connect() as connection:
            connection.execute(sql.text("sources/add_file"), _storable(row))
        return Seen(**{one.name: row[one.name] for one in fields(Seen)})

    def look(self, found: Discovered, outcome: str, said: str, fetched: int, reached: bool) -> None:
        """Writes down the look itself."""
        row = {
            "look_id": self.look_id, "collection": self.source.collection, "source": self.source.name, "page_url": found.page,
            "status": found.status, "etag": found.etag, "last_modified": found.last_modified, "page_sha256": found.sha256,
            "outcome": outcome, "said": said, "reached": reached, "offered": len(found.offers), "fetched": fetched, "asked_since": self.since,
            "began_at": self.began_at,
        }  # fmt: skip
        with warehouse.connect() as connection:
            connection.execute(sql.text("sources/add_look"), _storable(row))


def seen(connection: psycopg.Connection[Any], source: Source) -> list[Seen]:
    """What was seen of the source's part of its collection, also by the collection's other sources."""
    asked = {"collection": source.collection, "part": source.part}
    return [Seen(*row) for row in connection.execute(sql.text("sources/seen_files"), asked)]


def last_looks() -> dict[str, LastLook]:
    """Key of a source -> its last look; none where it was never looked at."""
    with warehouse.connect() as connection:
        return {key: LastLook(*row) for key, *row in connection.execute(sql.text("sources/last_looks"))}


def last_answer(source: Source) -> datetime | None:
    """When a source last answered, or was first looked at; None where it never was."""
    asked = {"collection": source.collection, "source": source.name}
    with warehouse.connect() as connection:
        row = connection.execute(sql.text("sources/last_answer"), asked).fetchone()
    return row[0] if row else None


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL keeps no NUL, and a page may hold one anywhere."""
    return {
        name: value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for name, value in row.items()
    }

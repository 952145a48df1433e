"""Writes the messages that follow from the ledger: what is due or late, and what became of what was sent."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import psycopg

from .. import catalogue
from ..ingest.expected_returns import who_is_expected
from ..reading.harmless import harmless
from ..reference.calendar import is_working_day_as_known, working_days_after
from ..stewardship import queries, submitted_file, summary, workbook
from ..stores import log, warehouse
from . import days, outbox, words

logger = logging.getLogger(__name__)

SOON = 5  # working days before the deadline
FROM = time(7)  # in the morning; reminders are written from then on
OF_USE = timedelta(days=14)  # longer than that a message does not wait
ANSWER = 5  # working days that a trust has for a return that a steward returned
BY = time(17)


@dataclass
class Queued:
    """What one call of `queue` did: how many messages were added, and what could not be written, in words."""

    added: int = 0
    failed: list[str] = field(default_factory=list)


class Occasion(NamedTuple):
    """Something to be said to somebody: a row of include/sql/messages/occasions.sql."""

    kind: str
    about: str
    mail: str
    name: str
    collection: str
    period: str
    sender: str
    part: str
    submission_id: str | None
    reason: str | None
    moment: datetime | None
    not_after: datetime | None
    due: datetime | None
    closes: datetime | None
    sender_name: str | None


class _Period(NamedTuple):
    collection: str
    period: str


def queue(now: datetime | None = None) -> Queued:
    """Adds every message that is due to be said and has not been said; a message that cannot be written keeps no other back.

    It follows from what the ledger holds, so it may be run at any time, again, and twice at once. A file is in the ledger only when it
    is safe in the archive.
    """
    moment, done = now or datetime.now(UTC), Queued()
    with warehouse.connect() as connection:
        found = _occasions(connection, moment)
    for (kind, about), same in groupby(found, key=lambda one: (one.kind, one.about)):
        recipients = list(same)
        try:
            with warehouse.connect() as connection:
                done.added += _add(connection, recipients, moment, done.failed)
        except psycopg.OperationalError:
            raise
        except Exception as problem:  # whatever is wrong with one file or template
            done.failed.append(f"{kind} about {about}: {log.short(problem)}")
            log.line(
                logger, "message_not_written", level=logging.ERROR, kind=kind, about=about, problem=log.short(problem)
            )
    if done.added:
        log.line(logger, "messages_queued", messages=done.added)
    return done


def _occasions(connection: psycopg.Connection[Any], now: datetime) -> list[Occasion]:
    today = days.day_of(now)
    soon = working_days_after(today, SOON)
    is_morning = now >= days.at(today, FROM)
    asked = [
        (one.collection, one.period, sender)
        for one in queries.rows(connection, "messages/upcoming", _Period, now=now, soon=soon)
        if one.collection in catalogue.all()
        for sender, _ in who_is_expected(one.collection, one.period)[0]
    ]
    collections, periods, senders = ([one[at] for one in asked] for at in range(3))
    found = queries.rows(
        connection, "messages/occasions", Occasion, now=now, today=today, soon=soon,
        morning=is_morning, remind=is_morning and is_working_day_as_known(today),
        collections=collections, periods=periods, senders=senders,
        order=list(words.kinds()), may_be_off=[name for name, kind in words.kinds().items() if kind.may_be_off],
    )  # fmt: skip
    return [one for one in found if one.collection in catalogue.all()]


def _add(connection: psycopg.Connection[Any], recipients: list[Occasion], now: datetime, failed: list[str]) -> int:
    said = text(connection, recipients[0], now)
    added = 0
    for one in recipients:
        until = one.not_after or now + OF_USE
        try:
            added += outbox.queue(connection, one.kind, one.about, one.mail, said, name=one.name, not_after=until)
        except ValueError as problem:  # an address that is none keeps nothing from the other contacts
            failed.append(f"{one.kind} about {one.about}: {problem}")
    return added


def text(connection: psycopg.Connection[Any], one: Occasion, now: datetime) -> words.Text:
    """What is said on an occasion."""
    values: dict[str, object] = {
        "title": catalogue.load(one.collection).title,
        "period": one.period,
        "sender": one.sender,
        "sender_name": harmless(one.sender_name or ""),
        "part": one.part,
        "sample": "",
        "due": one.due,
        "closes": one.closes,
        "ends": one.not_after,
        "reason": one.reason,
    }
    if one.submission_id is not None:
        values |= _of_submission(connection, one, now)
    return words.text(one.kind, values)


def _of_submission(connection: psycopg.Connection[Any], one: Occasion, now: datetime) -> dict[str, object]:
    about = submitted_file.submission(connection, one.submission_id or "")
    values: dict[str, object] = {
        "sample": "SAMPLE data. " if about.is_sample else "",
        "file_name": harmless(about.file_name),
        "sha256": about.sha256,
        "version": about.version,
        "received_at": about.received_at,
        "rows_read": about.rows_read or 0,
        "rows_recorded": about.rows_recorded or 0,
        "still_counts": about.counting not in (None, about.submission_id),
        "published_at": one.moment,
        "reason": harmless(" ".join((one.reason or "").split()), 1000),
    }
    if one.kind == "returned":
        values["new_date"] = _new_date(one, one.moment or now)
    if one.kind in ("held", "returned", "mended", "accepted"):
        kinds = summary.by_kind(workbook.findings_of(connection, about.submission_id))
        is_open = [kind for kind in kinds if kind["is_open"] and not kind["rule_id"].startswith("DEC-RETURN")]
        values["must"] = [k for k in is_open if k["severity"] in ("hold", "reject") and k["responsible"] != "us"]
        values["look"] = [k for k in is_open if k["severity"] == "warn" and k["responsible"] != "us"]
        values["ours"] = [k for k in is_open if k["severity"] != "info" and k["responsible"] == "us"]
        values["by_when"] = summary.by_when(about, bool(values["must"]), now)
    return values


def _new_date(one: Occasion, returned: datetime) -> datetime:
    """By when a returned return is to be sent again: its deadline, or some working days if that is nearer or over, before the close."""
    date = days.at(working_days_after(days.day_of(returned), ANSWER), BY)
    if one.due is not None and one.due > date:
        return one.due
    return one.closes if one.closes is not None and returned < one.closes < date else date

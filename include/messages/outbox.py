"""The outbox: messages are added to it in the transaction of what they are about, and sent from it once that is safe."""

import logging
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from typing import Any, NamedTuple

import psycopg

from .. import sql
from ..reading.harmless import harmless
from ..stewardship import queries
from ..stores import log, warehouse
from ..stores.mail import ADDRESS, Unsendable, deliver
from . import days, words

logger = logging.getLogger(__name__)

AT_MOST = 500  # addresses of one call
ALONE = 3  # emails to one person and day; what is more goes into a digest
# Minutes until the next attempt, by how many were made; after the last the message is given up.
PAUSES = (5, 15, 45, 135, 405, 720, 720)

Deliver = Callable[[EmailMessage], None]


@dataclass
class Sent:
    """What one call of `send` did.

    Attributes:
        emails: how many emails were handed over; a digest is one.
        sent, failed, dropped, postponed: numbers of messages.
        given_up: keys of messages that will not be tried again.
    """

    emails: int = 0
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    postponed: int = 0
    given_up: list[int] = field(default_factory=list)


class _Waiting(NamedTuple):
    message_key: int
    kind: str
    mail: str
    name: str
    subject: str
    body_text: str
    body_html: str
    made_at: datetime
    not_after: datetime | None
    attempts: int
    choice: str
    has_left: bool


class _SentSince(NamedTuple):
    singles: int
    digests: int


class _Address(NamedTuple):
    mail: str


def queue(
    connection: psycopg.Connection[Any],
    kind: str,
    about: str,
    to: str,
    said: words.Text,
    *,
    name: str = "",
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> bool:
    """Adds a message within the caller's transaction: it is sent if that is committed, and never before.

    Args:
        connection: of a role that may add messages.
        kind: one of `words.kinds`.
        about: what it is about, such as a submission; the same kind is said once about it to an address.
        to: the address.
        said: subject and text, such as `words.text` makes them.
        name: whom it addresses; '' if not known.
        not_before: when it may be sent at the earliest; now if None.
        not_after: when it is of no use any more; never if None.

    Returns:
        False if it has been said already.

    Raises:
        ValueError: `to` is no address, or there is no such kind.
    """
    mail = to.strip().lower()
    if not ADDRESS.fullmatch(mail):
        raise ValueError(f"'{harmless(to)}' is not an email address. Give one such as name@example.org.")
    if kind not in words.kinds():
        raise ValueError(f"There is no kind of message named {kind}. See include/messages/kinds.toml.")
    row = {"kind": kind, "about": about, "mail": mail, "name": name.strip(), "not_before": not_before}
    row |= {"subject": said.subject, "body_text": said.text, "body_html": said.html, "not_after": not_after}
    row = {key: value.replace("\x00", "") if isinstance(value, str) else value for key, value in row.items()}
    return connection.execute(sql.text("messages/add"), row).rowcount == 1


def send(
    limit: int = AT_MOST, *, only: Sequence[str] | None = None, by: Deliver = deliver, now: datetime | None = None
) -> Sent:
    """Sends what waits, for at most so many addresses; whoever waits longest comes first.

    An attempt is recorded after the mail server has answered. If the process is killed in between, or the server takes a mail and
    does not say so, it is sent again with the same Message-ID: it may arrive twice, and is never lost. What one sender is sending,
    another passes over.

    Args:
        limit: addresses.
        only: kinds; all if None.
        by: hands a mail to a mail server, or raises.
        now: the moment; the present if None.

    Raises:
        Unsendable: the mail server cannot be used. No message is counted as tried.
    """
    done, kinds = Sent(), list(only) if only is not None else None
    with warehouse.connect() as connection:
        wanted = {"now": now or datetime.now(UTC), "kinds": kinds, "limit": limit}
        addresses = [one.mail for one in queries.rows(connection, "messages/addresses", _Address, **wanted)]
    for mail in addresses:
        while _send_one(mail, now or datetime.now(UTC), kinds, by, done):
            pass
    if addresses:
        facts = {"addresses": len(addresses), "emails": done.emails, "failed": done.failed, "dropped": done.dropped}
        log.line(logger, "messages_sent", messages=done.sent, given_up=len(done.given_up), **facts)
    return done


def _send_one(mail: str, now: datetime, kinds: list[str] | None, by: Deliver, done: Sent) -> bool:
    """Sends one email to an address, in a transaction of its own; False if nothing is left for it now."""
    with warehouse.connect() as connection:
        # A person's emails of a day are counted, so one sender at a time.
        lock = connection.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"messages|{mail}"]).fetchone()
        if lock is None or not lock[0]:
            return False
        found = queries.rows(connection, "messages/waiting_of", _Waiting, mail=mail, now=now, kinds=kinds)
        if not found:
            return False
        if any(reasons := [_not_wanted(one, now) for one in found]):
            for one, reason in zip(found, reasons, strict=True):
                if reason:
                    _record(connection, [one], now, "dropped", reason)
                    done.dropped += 1
            return True
        chosen = _next(connection, found, now)
        if not chosen:
            until = days.next_morning(now)
            connection.execute(
                sql.text("messages/postpone"), {"keys": [one.message_key for one in found], "until": until}
            )
            done.postponed += len(found)
            return False
        try:
            message = _email(chosen, now)
            by(message)
        except Unsendable:
            raise
        except Exception as problem:  # whatever is wrong with one address or mail keeps no other back
            _failed(connection, chosen, problem, now, done)
        else:
            _record(connection, chosen, now, "sent", "", mail_id=message["Message-ID"])
            done.emails, done.sent = done.emails + 1, done.sent + len(chosen)
        return True


def _next(connection: psycopg.Connection[Any], found: list[_Waiting], now: datetime) -> list[_Waiting]:
    """What goes into the next email: one message, or several as the day's digest; nothing if they wait for another day's."""
    at_once = [name for name, kind in words.kinds().items() if kind.at_once]
    if first := next((one for one in found if one.kind in at_once), None):
        return [first]
    if each := next((one for one in found if one.choice == "each"), None):
        return [each]
    day = days.day_of(now)
    since = days.at(day, time())
    (today,) = queries.rows(
        connection, "messages/sent_since", _SentSince, mail=found[0].mail, since=since, at_once=at_once
    )
    if today.digests:
        return []
    morning = days.at(day, days.MORNING)
    daily = [one for one in found if one.choice == "digest" and one.made_at < morning <= now]
    usual = [one for one in found if one.choice != "digest"]
    if daily or today.singles + len(usual) > ALONE:
        return daily + usual
    return usual[:1]


def _not_wanted(one: _Waiting, now: datetime) -> str:
    """Why a message is not sent; '' where it is."""
    kind = words.kinds().get(one.kind, words.Kind(""))
    if one.has_left:
        return "The person is a contact no longer."
    if one.choice == "off" and kind.may_be_off:
        return "The person does not want this kind of message."
    if one.not_after is not None and one.not_after < now:
        return "It was of no use any more when it could be sent."
    return ""


def _email(chosen: list[_Waiting], now: datetime) -> EmailMessage:
    first = chosen[0]
    if len(chosen) == 1:
        said = words.Text(first.subject, first.body_text, first.body_html)
        return words.single(first.kind, first.mail, first.name, said, first.message_key)
    parts = [(one.message_key, one.subject, one.body_text) for one in chosen]
    return words.digest(first.mail, first.name, days.day_of(now), parts)


def _failed(
    connection: psycopg.Connection[Any],
    chosen: list[_Waiting],
    problem: Exception,
    now: datetime,
    done: Sent,
) -> None:
    """Records a failed attempt: tried again after a pause, or given up."""
    said = harmless(_said(problem), 500)
    for one in chosen:
        last = _is_final(problem) or one.attempts >= len(PAUSES)
        again = None if last else now + timedelta(minutes=PAUSES[one.attempts])
        _record(connection, [one], now, "given_up" if last else "failed", said, again=again)
        if last:
            done.given_up.append(one.message_key)
            log.line(logger, "message_given_up", level=logging.ERROR, message_key=one.message_key, kind=one.kind)
        else:
            done.failed += 1


def _record(
    connection: psycopg.Connection[Any],
    chosen: list[_Waiting],
    at: datetime,
    outcome: str,
    said: str,
    *,
    mail_id: str | None = None,
    again: datetime | None = None,
) -> None:
    row = {"keys": [one.message_key for one in chosen], "outcome": outcome, "said": said, "mail_id": mail_id}
    connection.execute(sql.text("messages/add_attempts"), row | {"at": at, "try_again_at": again})


def _answers(problem: Exception) -> list[tuple[int, str]]:
    """What the mail server answered: code and words; empty where it did not answer."""
    found: list[tuple[int, bytes | str]] = []
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        found = list(problem.recipients.values())
    elif isinstance(problem, smtplib.SMTPResponseException):
        found = [(problem.smtp_code, problem.smtp_error)]
    return [(code, said.decode(errors="replace") if isinstance(said, bytes) else said) for code, said in found]


def _said(problem: Exception) -> str:
    return "; ".join(f"{code} {said}" for code, said in _answers(problem)) or log.short(problem)


def _is_final(problem: Exception) -> bool:
    """Whether the server refuses the address for good, so that trying again is of no use."""
    if not isinstance(problem, smtplib.SMTPException | OSError):
        return True  # it is no mail at all
    return isinstance(problem, smtplib.SMTPRecipientsRefused) and all(code >= 500 for code, _ in _answers(problem))

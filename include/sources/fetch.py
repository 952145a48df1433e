"""One look at one source: ask what is offered, fetch what is wanted of it into the inbox, and note what was seen.

A file goes to the inbox under a name of its own (collection, part, period, number and hash), so that nothing there is ever written over
and `receive` takes it as the next version. The fact is written after the file: a look that is killed in between puts the same bytes
under the same name once more, which receiving knows as received.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .. import catalogue
from ..reference import calendar, known_collections
from ..stores import log, objects, warehouse
from ..stores import settings as stores
from . import choose, ckan, content, declared, ledger, outcomes, page, s3, sftp, url
from .declared import Source
from .history import History
from .ledger import Recorder, Seen
from .offers import Discovered, Offer
from .outcomes import (
    BROKEN,
    CORRECTION,
    GONE,
    LATE,
    MEANINGS,
    MOVED,
    NEW,
    NOT_CHANGED,
    NOT_YET,
    REFUSED,
    SAME,
    SUPERSEDED,
    UNREACHABLE,
    WENT_BACK,
    Stopped,
)
from .web import Answer, Web

logger = logging.getLogger(__name__)

MOST_SAID = 10  # sentences of one look
SILENT = timedelta(days=7)  # without an answer, after which a person is told


@dataclass
class Look:
    """What a look came to.

    Attributes:
        outcome: of several the one that matters most.
        said: one sentence for each thing that is not as usual: what was found, what it means, what to do.
        fetched: keys in the inbox.
    """

    key: str
    outcome: str = NOT_CHANGED
    said: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @property
    def needs_person(self) -> bool:
        """Whether somebody must look."""
        return MEANINGS[self.outcome].person


@dataclass
class _Work:
    source: Source
    web: Web
    recorder: Recorder
    history: History
    now: datetime
    since: str | None
    look: Look
    came_to: list[str] = field(default_factory=list)

    def say(self, outcome: str, found: str) -> None:
        if outcome != NOT_YET:  # whether that matters is for the publisher's calendar to say
            self.came_to.append(outcome)
        self.look.said.append(outcomes.sentence(outcome, found))


def look(key: str, *, since: str | None = None, now: datetime | None = None, web: Web | None = None) -> Look:
    """Looks at one source and brings what is new into the inbox.

    Args:
        since: also everything from this period on that was not had; without it the newest periods, and later ones than the first had.
        now: the time that the publisher's calendar is asked for; None: the present.

    Raises:
        WrongSource, NotConfigured: it cannot be looked at.
        psycopg.OperationalError, botocore.exceptions.ClientError and the like: when a store of ours is down.
    """
    source, now = declared.named(key), now or datetime.now(UTC)
    if since:
        _check_period(source, since)
    if source.ended and not since:
        since = catalogue.load(source.collection).first_period
    with _alone(source.collection), web or Web() as client:
        with warehouse.connect() as connection:
            known_collections.note(connection)
            history = History(source, ledger.seen(connection, source))
        work = _Work(source, client, Recorder(source, now, since), history, now, since, Look(key))
        found = Discovered(page=source.address)
        try:
            found = _discover(work)
        except Stopped as stopped:
            found.status = stopped.status
            work.say(stopped.outcome, stopped.found)
        else:
            _take(work, found)
            _note_gone(work, found)
        _note_calendar(work)
        _note_silence(work)
        work.look.outcome = outcomes.worst(work.came_to)
        said = " ".join(work.look.said[:MOST_SAID])
        work.recorder.look(found, work.look.outcome, said, len(work.look.fetched), UNREACHABLE not in work.came_to)
    log.line(
        logger,
        "looked",
        source=key,
        outcome=work.look.outcome,
        offered=len(found.offers),
        fetched=len(work.look.fetched),
    )
    return work.look


# Asking and choosing --------------------------------------------------------------------------------------------------


def _discover(work: _Work) -> Discovered:
    ways: dict[str, Callable[[], Discovered]] = {
        "ckan": lambda: ckan.discover(work.source, work.web),
        "page": lambda: page.discover(work.source, work.web, work.history.pages, bool(work.since)),
        "url": lambda: url.discover(work.source, work.since, work.now),
        "s3": lambda: s3.discover(work.source),
        "sftp": lambda: sftp.discover(work.source),
    }
    return ways[work.source.kind]()


def _take(work: _Work, found: Discovered) -> None:
    for outcome, sentence in found.problems:
        work.say(outcome, sentence)
    for group in choose.groups(work.source, work.history, found.offers, work.since):
        if choose.is_wanted(group, work.history, work.since, work.now):
            outcome = _first_that_works(work, group.offers)
            if outcome == UNREACHABLE:  # the others are at the same host: the next look asks again
                return
        for offer in choose.passed_over(group, work.history):
            _note(work, offer, SUPERSEDED, said="Another link or edition of the same period counts more.")


# Downloading ---------------------------------------------------------------------------------------------------------


def _first_that_works(work: _Work, candidates: list[Offer]) -> str:
    """Fetches the best offer; another one only where that is broken and nothing of the period was had."""
    outcome = NOT_CHANGED
    for offer in candidates:
        outcome = _fetch(work, offer)
        if outcome not in (BROKEN, MOVED) or work.history.had_of(offer.period):
            break
    return outcome


def _fetch(work: _Work, offer: Offer) -> str:
    before = work.history.last_of(offer)
    try:
        answer = _download(work, offer, before)
        if answer.body is None:
            kept = {"period": before.period, "sha256": before.sha256, "etag": before.etag} if before else {}
            _note(work, offer, NOT_CHANGED, **(_facts(answer) | kept))
            work.came_to.append(NOT_CHANGED)
            return NOT_CHANGED
        found = content.check(work.source, answer, offer.file_name, offer.period, offer.how)
    except Stopped as stopped:
        if stopped.outcome != NOT_YET or before is None:
            _note(work, offer, stopped.outcome, said=stopped.found, status=stopped.status)
        # A link that was broken before, of a period that was had by another one, is no news.
        if not (before and before.outcome == stopped.outcome and work.history.had_of(offer.period)):
            work.say(stopped.outcome, stopped.found)
        return stopped.outcome
    return _store(work, offer, answer, found, before)


def _download(work: _Work, offer: Offer, before: Seen | None) -> Answer:
    """The file; not again where the server says that what counts is what it has."""
    had = work.history.had_of(before.period) if before else []
    newest = before is not None and bool(had) and before.sha256 == had[-1].sha256
    etag, modified = (before.etag, before.last_modified) if before and newest else (None, None)
    missing = BROKEN if work.source.kind != "url" else MOVED if had else NOT_YET
    if work.source.kind == "s3":
        return s3.get(work.source, offer)
    if work.source.kind == "sftp":
        return sftp.get(work.source, offer)
    try:
        return work.web.file(offer.link, etag, modified, missing)
    except Stopped as stopped:
        if stopped.outcome != REFUSED or not offer.resource:
            raise
        link = ckan.address_now(work.source, offer, work.web)  # a signed address may have died
        if link == offer.link:
            raise
        return work.web.file(link, None, None, missing)


def _store(work: _Work, offer: Offer, answer: Answer, found: content.Content, before: Seen | None) -> str:
    """Puts a file into the inbox unless these bytes or a higher edition were had, and notes it."""
    sha256 = hashlib.sha256(found.bytes).hexdigest()
    facts = _facts(answer) | {
        "period": found.period, "period_from": found.how, "bytes": len(found.bytes), "sha256": sha256, "status": answer.status,
    }  # fmt: skip
    outcome, key = _compare(work, offer, found.period, sha256, before), None
    if outcome in (NEW, CORRECTION):
        key = _put(work, offer, found, sha256)
        work.look.fetched.append(key)
    if outcome == WENT_BACK:
        work.say(WENT_BACK, f"{offer.link} ({found.period}) has the bytes that it had before its correction.")
    else:
        work.came_to.append(outcome)
    _note(work, offer, outcome, inbox_key=key, **facts)
    return outcome


def _compare(work: _Work, offer: Offer, period: str, sha256: str, before: Seen | None) -> str:
    """What these bytes are, beside what was had of their period."""
    first = work.since or catalogue.load(work.source.collection).first_period
    if choose.is_before(period, first) or work.history.is_outranked(period, offer.edition):
        return SUPERSEDED
    known = [one.sha256 for one in work.history.had_of(period)]
    if sha256 not in known:
        return CORRECTION if known else NEW
    # Not told again at the look after.
    if sha256 != known[-1] and not (before and before.sha256 == sha256 and before.outcome == WENT_BACK):
        return WENT_BACK
    return SAME


def _put(work: _Work, offer: Offer, found: content.Content, sha256: str) -> str:
    source, number = work.source, len(work.history.had_of(found.period)) + 1
    parts = [source.file or source.collection, source.part, found.period, f"v{number}", sha256[:8]]
    key = f"{source.collection}/{'_'.join(filter(None, parts))}.{found.ending}"
    said = {"sha256": sha256, "source": source.key, "edition": offer.edition}
    objects.put_once(stores.load().inbox, key, found.bytes, said)
    return key


# What is noted -------------------------------------------------------------------------------------------------------


def _note(work: _Work, offer: Offer, outcome: str, **facts: object) -> None:
    work.history.add(work.recorder.file(offer, outcome, **facts))


def _note_gone(work: _Work, found: Discovered) -> None:
    """Notes files that were had and are offered no more; a page that could not be understood says nothing of that."""
    if not found.whole or not found.offers or any(MEANINGS[outcome].person for outcome, _ in found.problems):
        return
    offered: dict[str, int] = {}
    for one in found.offers:
        if one.period:
            offered[one.period] = max(offered.get(one.period, -1), work.history.rank(one.edition))
    for period, facts in work.history.had.items():
        own = [one for one in facts if one.source == work.source.name]
        if not own or work.history.last_of_period[period].outcome == GONE:
            continue
        best = max(own, key=lambda one: work.history.rank(one.edition))
        if period not in offered or offered[period] < work.history.rank(best.edition):
            gone = Offer(
                best.link_url,
                "",
                best.page_url,
                period,
                edition=best.edition,
                published=best.published,
                resource=best.resource,
            )
            _note(work, gone, GONE)
            edition = f"{best.edition} " if best.edition else ""
            work.say(GONE, f"The {edition}file of {period} at {best.link_url} is offered no more.")


def _note_calendar(work: _Work) -> None:
    """Says so when the publisher's calendar has a period that was not had."""
    period = work.source.newest_due(work.now)
    if period is None or period in work.history.had:
        return
    if choose.is_before(period, catalogue.load(work.source.collection).first_period):
        return
    due_at = work.source.due_at(period)
    assert due_at is not None
    said = f"{work.source.key} has no {period}, which was due on {due_at:%d %B %Y}."
    if work.source.is_late(period, work.now):
        work.say(LATE, said)
    else:
        work.came_to.append(NOT_YET)


def _note_silence(work: _Work) -> None:
    """Says so when a publisher has not answered for days, also one whose calendar expects nothing."""
    if UNREACHABLE not in work.came_to or LATE in work.came_to:
        return
    since = ledger.last_answer(work.source)
    if since and work.now - since > SILENT:
        work.say(LATE, f"{work.source.key} has not answered since {since:%d %B %Y}.")


def _facts(answer: Answer) -> dict[str, object]:
    return {
        "final_url": answer.url, "status": answer.status, "etag": answer.etag, "last_modified": answer.last_modified
    }  # fmt: skip


# One at a time -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(collection: str) -> Iterator[None]:
    """Waits until no other look at the collection goes on: two would number the same versions."""
    with warehouse.connect() as connection:
        lock = f"look {collection}"
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [lock])
        connection.commit()
        try:
            yield
        finally:
            connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", [lock])


def _check_period(source: Source, period: str) -> None:
    try:
        right = calendar.kind(period) == source.frequency
    except calendar.PeriodError:
        right = False
    if not right:
        example = "2025-06" if source.frequency == "month" else "2016-17"
        raise declared.WrongSource(f"'{period}' is no period of {source.collection}. Expected one such as {example}.")

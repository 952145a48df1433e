"""One look at one source: what is offered, which of it is wanted, the downloads, and what was seen.

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
from urllib.parse import urlsplit

from .. import catalogue
from ..reference import calendar
from ..stores import log, objects, warehouse
from ..stores import settings as stores
from . import ckan, content, declared, ledger, outcomes, page, s3, url
from .declared import DAILY, HOURLY, Source
from .ledger import Noting, Seen
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
    PAGE_CHANGED,
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
FAILED = (BROKEN, MOVED, NOT_YET, PAGE_CHANGED, REFUSED, UNREACHABLE)  # what is asked for again at the next look


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


class History:
    """What was seen before of one part of a collection."""

    def __init__(self, source: Source, facts: list[Seen]) -> None:
        self.source = source
        self.had: dict[str, list[Seen]] = {}
        self.last: dict[str, Seen] = {}  # by link
        self.last_of_period: dict[str, Seen] = {}  # of this source
        self.pages: set[str] = set()  # from which a file was had
        for one in facts:
            self.add(one)

    def add(self, one: Seen) -> None:
        """Adds a fact."""
        if one.period and one.was_had:
            self.had.setdefault(one.period, []).append(one)
        if one.source == self.source.name:
            self.last[_identity(one.resource, one.link_url)] = one
            if one.sha256:
                self.pages.add(one.page_url)
            if one.period and one.outcome != SUPERSEDED:
                self.last_of_period[one.period] = one

    def rank(self, edition: str) -> int:
        """The place of an edition; one that is not declared is the lowest."""
        return self.source.editions.index(edition) if edition in self.source.editions else -1

    def highest(self, period: str) -> int:
        """The place of the highest edition that was had of a period."""
        return max((self.rank(one.edition) for one in self.had.get(period, [])), default=-1)


@dataclass
class _Work:
    source: Source
    web: Web
    note: Noting
    history: History
    now: datetime
    since: str | None
    look: Look
    came_to: list[str] = field(default_factory=list)

    def say(self, outcome: str, found: str) -> None:
        if outcome != NOT_YET:  # whether that matters is for the publisher's calendar to say
            self.came_to.append(outcome)
        self.look.said.append(outcomes.sentence(outcome, found))


def due(now: datetime | None = None) -> list[str]:
    """Keys of the sources to look at: each daily, hourly while a release is due or the publisher did not answer; a closed one once."""
    now, last = now or datetime.now(UTC), ledger.last_looks()
    return [one.key for one in declared.fetched() if _is_due(one, last.get(one.key), now)]


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
            history = History(source, ledger.seen(connection, source))
        work = _Work(source, client, Noting(source, now, since), history, now, since, Look(key))
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
        work.note.look(found, work.look.outcome, said, len(work.look.fetched), UNREACHABLE not in work.came_to)
    log.line(
        logger,
        "looked",
        source=key,
        outcome=work.look.outcome,
        offered=len(found.offers),
        fetched=len(work.look.fetched),
    )
    return work.look


# What is wanted ------------------------------------------------------------------------------------------------------


def _discover(work: _Work) -> Discovered:
    ways: dict[str, Callable[[], Discovered]] = {
        "ckan": lambda: ckan.discover(work.source, work.web),
        "page": lambda: page.discover(work.source, work.web, work.history.pages, bool(work.since)),
        "url": lambda: url.discover(work.source, work.since, work.now),
        "s3": lambda: s3.discover(work.source),
    }
    return ways[work.source.kind]()


def _take(work: _Work, found: Discovered) -> None:
    for outcome, sentence in found.problems:
        work.say(outcome, sentence)
    for candidates in _groups(work, found.offers):
        outcome = _first_that_works(work, candidates)
        if outcome == UNREACHABLE:  # the others are at the same host: the next look asks again
            return


def _groups(work: _Work, offers: list[Offer]) -> Iterator[list[Offer]]:
    """Offers of one period together, oldest period first; the best one first: highest edition, newest folder, first on the page."""
    first = work.since or catalogue.load(work.source.collection).first_period
    by_period: dict[str, list[Offer]] = {}
    for offer in offers:
        if offer.period and calendar.period_start(offer.period) >= calendar.period_start(first):
            by_period.setdefault(offer.period, []).append(offer)
    in_order = sorted(by_period, key=calendar.period_start)
    newest = in_order[-work.source.recheck :]
    earliest = min(work.history.had, key=calendar.period_start, default=None)
    for period in in_order:
        after_first = earliest is not None and calendar.period_start(period) >= calendar.period_start(earliest)
        if work.since or after_first or period in newest:
            group = sorted(by_period[period], key=lambda one: _folder(one.link), reverse=True)
            group.sort(key=lambda one: work.history.rank(one.edition), reverse=True)
            if _is_wanted(work, group[0], period in newest):
                yield group
            _note_passed_over(work, group)
    # Those that only the file itself can date, one by one.
    yield from ([one] for one in offers if one.period is None and _is_wanted(work, one, True))


def _is_wanted(work: _Work, best: Offer, newest: bool) -> bool:
    """Whether the best offer of a period is to be asked for: it is not known, has changed, or is new enough to be asked for again."""
    last = work.history.last.get(_identity(best.resource, best.link))
    had = work.history.had.get(best.period or "", [])
    if best.period and work.history.rank(best.edition) < work.history.highest(best.period):
        return False
    if (
        last is None
        or last.outcome in FAILED
        or (best.published and best.published != last.published)
        or (best.period and not had)
    ):
        return True
    # Where the publisher dates what it offers, an equal date says that nothing changed.
    return bool(work.since or newest) and not best.published and work.now - last.seen_at >= DAILY


def _note_passed_over(work: _Work, group: list[Offer]) -> None:
    """Leaves a trace of links and editions that were not taken, once."""
    best = group[0]
    lower = best.period is not None and work.history.rank(best.edition) < work.history.highest(best.period)
    for offer in group[0 if lower else 1 :]:
        if _identity(offer.resource, offer.link) not in work.history.last:
            _note(work, offer, SUPERSEDED, said="Another link or edition of the same period counts more.")


def _folder(link: str) -> str:
    """The folder that a file lies in, when it is one of a month; a newer one holds a file put right."""
    folders = [
        one
        for one in urlsplit(link).path.split("/")
        if len(one) == 7 and one[4] == "-" and one.replace("-", "").isdigit()
    ]
    return folders[-1] if folders else ""


# Downloading ---------------------------------------------------------------------------------------------------------


def _first_that_works(work: _Work, candidates: list[Offer]) -> str:
    """Fetches the best offer; another one only where that is broken and nothing of the period was had."""
    outcome = NOT_CHANGED
    for offer in candidates:
        outcome = _fetch(work, offer)
        if outcome not in (BROKEN, MOVED) or work.history.had.get(offer.period or ""):
            break
    return outcome


def _fetch(work: _Work, offer: Offer) -> str:
    before = work.history.last.get(_identity(offer.resource, offer.link))
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
        if not (before and before.outcome == stopped.outcome and work.history.had.get(offer.period or "")):
            work.say(stopped.outcome, stopped.found)
        return stopped.outcome
    return _store(work, offer, answer, found, before)


def _download(work: _Work, offer: Offer, before: Seen | None) -> Answer:
    """The file; not again where the server says that what counts is what it has."""
    had = work.history.had.get((before and before.period) or "", [])
    newest = before is not None and bool(had) and before.sha256 == had[-1].sha256
    etag, modified = (before.etag, before.last_modified) if before and newest else (None, None)
    missing = BROKEN if work.source.kind != "url" else MOVED if had else NOT_YET
    if work.source.kind == "s3":
        return s3.get(work.source, offer)
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
    had = work.history.had.get(found.period, [])
    known = [one.sha256 for one in had]
    outcome, key = SAME, None
    if _is_too_early(work, found.period) or work.history.rank(offer.edition) < work.history.highest(found.period):
        outcome = SUPERSEDED
    elif sha256 not in known:
        outcome, key = CORRECTION if had else NEW, _put(work, offer, found, sha256, len(had) + 1)
        work.look.fetched.append(key)
    elif sha256 != known[-1] and not (before and before.sha256 == sha256 and before.outcome == WENT_BACK):
        outcome = WENT_BACK
        work.look.said.append(
            outcomes.sentence(
                WENT_BACK, f"{offer.link} ({found.period}) has the bytes that it had before its correction."
            )
        )
    work.came_to.append(outcome)
    _note(work, offer, outcome, inbox_key=key, **facts)
    return outcome


def _put(work: _Work, offer: Offer, found: content.Content, sha256: str, number: int) -> str:
    source = work.source
    parts = [source.file or source.collection, source.part, found.period, f"v{number}", sha256[:8]]
    key = f"{source.collection}/{'_'.join(filter(None, parts))}.{found.ending}"
    said = {"sha256": sha256, "source": source.key, "edition": offer.edition}
    objects.put_once(stores.load().inbox, key, found.bytes, said)
    return key


def _is_too_early(work: _Work, period: str) -> bool:
    first = work.since or catalogue.load(work.source.collection).first_period
    return calendar.period_start(period) < calendar.period_start(first)


# What is noted -------------------------------------------------------------------------------------------------------


def _note(work: _Work, offer: Offer, outcome: str, **facts: object) -> None:
    work.note.file(offer, outcome, **facts)
    row = {"period": offer.period, "etag": None, "last_modified": None, "sha256": None, "inbox_key": None} | facts
    kept = {name: row[name] for name in ("period", "etag", "last_modified", "sha256", "inbox_key")}
    work.history.add(
        Seen(
            source=work.source.name, edition=offer.edition, page_url=offer.page, link_url=offer.link, resource=offer.resource,
            published=offer.published, outcome=outcome, seen_at=work.now, **kept,  # type: ignore[arg-type]  # as named above
        )
    )  # fmt: skip


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
    if calendar.period_start(period) < calendar.period_start(catalogue.load(work.source.collection).first_period):
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


def _identity(resource: str, link: str) -> str:
    """By what a file at the publisher's is known again: its resource, or its address without what is signed."""
    return resource or link.partition("?")[0]


# When, and one at a time ----------------------------------------------------------------------------------------------


def _is_due(source: Source, last: tuple[datetime, str] | None, now: datetime) -> bool:
    if last is None:
        return True
    at, outcome = last
    if source.ended and outcome != UNREACHABLE:  # whatever was wrong, a person was told
        return False
    hourly = outcome in (UNREACHABLE, NOT_YET)
    return now - at >= (HOURLY if hourly else DAILY)


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

"""One email for each person and day: what is new, still open and resolved since their last one, in the collections they look after."""

import hashlib
import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import psycopg

from .. import catalogue, sql
from ..reading.harmless import harmless
from ..reference.calendar import LONDON, is_working_day_as_known
from ..stores import warehouse
from ..stores.mail import ADDRESS
from . import queries

ROLES = ("steward", "approver")
SHOWN = 100  # lines of a section; all are counted, and the desk shows the rest
RETURNS = {  # three different things, which must never look alike
    "late": "Late: the deadline has passed and nothing was received; the period is still open",
    "held": "Held: received, but has errors that must be resolved",
    "missing": "Missing: the period closed without a return",
}


class People(ValueError):
    """The file of people cannot be used; the message says what to correct."""


class Person(NamedTuple):
    """Somebody who gets a digest: the name they sign in with, their address, the collections they look after, and their role."""

    name: str
    mail: str
    collections: tuple[str, ...]
    role: str


@dataclass
class Digest:
    """The content of an email.

    Attributes:
        items: everything open, by key, in words; the next digest is compared with this.
        new, still_open, resolved: lines about tasks; `resolved` also about returns that have been received.
        returns: 'late', 'held', 'missing' -> lines, one for each collection and period; `counts` -> number of returns.
        proposals: lines about decisions that await the person's approval.
        answers: lines about answers of trusts to findings that wait for a steward.
        previews: lines about what trusts said to figures that are not published yet.
        not_due: number of returns that are not due yet.
    """

    person: Person
    day: date
    items: dict[str, str] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    returns: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    proposals: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    previews: list[str] = field(default_factory=list)
    new_items: int = 0
    not_due: int = 0
    is_sample: bool = False

    @property
    def has_news(self) -> bool:
        """Whether there is anything that the last email did not say."""
        return bool(self.new_items or self.resolved)


class _Last(NamedTuple):
    day: date
    items: dict[str, str]


class _Task(NamedTuple):
    collection: str
    period: str | None
    sender: str | None
    part: str | None
    rule_id: str
    column_name: str | None
    severity: str
    findings: int
    first_line: int | None
    example: str
    assignee: str | None
    is_sample: bool


class _Return(NamedTuple):
    collection: str
    period: str | None
    sender: str | None
    part: str | None
    state: str
    due: datetime | None
    closes: datetime | None
    is_sample: bool


class _Proposal(NamedTuple):
    decision_id: int
    kind: str
    collection: str
    period: str | None
    sender: str | None
    part: str | None
    author: str
    decided_at: datetime
    reason: str


class _Answers(NamedTuple):
    collection: str
    period: str | None
    sender: str | None
    part: str | None
    answers: int
    last_reply: int
    since: datetime
    is_sample: bool


class _Response(NamedTuple):
    response_id: int
    collection: str
    period: str
    sender: str
    response: str
    words: str
    given_at: datetime
    is_sample: bool


def people(file: Path | str) -> list[Person]:
    """The people of a TOML file (see docs/people.example.toml), in file order.

    Raises:
        People: the file cannot be read, or an entry is wrong.
    """
    try:
        entries = tomllib.loads(Path(file).read_text(encoding="utf-8")).get("people", [])
    except OSError as problem:
        raise People(f"TB_PEOPLE names {file}, which cannot be read ({problem.strerror}). Correct it.") from problem
    except ValueError as problem:
        raise People(f"{file} is not a valid TOML file: {problem}. See docs/people.example.toml.") from problem
    found = [_person(entry, f"Entry {number} of {file}") for number, entry in enumerate(entries, 1)]
    names = [person.name.casefold() for person in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise People(
            f"{file} names '{harmless(twice)}' twice. Write one entry for each person, with all their collections."
        )
    if not found:
        raise People(f"{file} names nobody. See docs/people.example.toml.")
    return found


def _person(entry: dict[str, Any], where: str) -> Person:
    name, mail, role = (entry.get(key, "") for key in ("name", "mail", "role"))
    if not isinstance(name, str) or not name.strip() or len(name) > 100 or not name.isprintable():
        raise People(f"{where} needs a name: the one that the person signs in with, on one line.")
    if not isinstance(mail, str) or not ADDRESS.fullmatch(mail):
        raise People(f"{where} needs one address in 'mail', such as name@example.org.")
    if role not in ROLES:
        raise People(f"{where} needs a role: {' or '.join(ROLES)}.")
    collections = entry.get("collections", [])
    if not isinstance(collections, list) or not set(collections) <= set(catalogue.all()) | {"*"}:
        raise People(f"{where} needs a list of collections: {', '.join(sorted(catalogue.all()))}, or '*' for all.")
    return Person(name.strip(), mail, tuple(catalogue.all()) if "*" in collections else tuple(collections), role)


def names() -> list[str] | None:
    """The names of the people who may get a digest; None when TB_PEOPLE is not set."""
    return [person.name for person in people(os.environ["TB_PEOPLE"])] if os.environ.get("TB_PEOPLE") else None


def send(name: str, deliver: Callable[[EmailMessage], None], desk: str, today: date | None = None) -> str:
    """Sends a person's digest of the day if it has news; returns what was done, as a sentence.

    That it was sent is recorded after sending. If the task is killed in between, the next attempt sends it again with the same
    Message-ID: it may arrive twice, and is never lost. Simultaneous attempts wait for each other.

    Args:
        name: of the person, as in the file of people.
        deliver: hands a message to a mail server, or raises; then nothing is recorded.
        desk: the address of the steward desk, for links.
        today: the day; in London now if None.
    """
    person = next((person for person in people(os.environ["TB_PEOPLE"]) if person.name == name), None)
    if person is None:
        return f"{name} is no longer in the file of people."
    today = today or datetime.now(LONDON).date()
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"digest|{name}"])
        last = queries.first(connection, "stewardship/last_digest", _Last, person=name)
        if last and last.day >= today:
            return f"{name} has already had the digest of {today}."
        digest = compose(connection, person, today, last.items if last else {})
        if not digest.has_news:
            return f"Nothing new for {name}: no email."
        message = mail(digest, desk)
        deliver(message)
        values = {
            "person": name,
            "day": today,
            "content_hash": _hash(digest),
            "items": _json(digest.items),
            "new_items": digest.new_items,
            "open_items": len(digest.still_open),
            "resolved_items": len(digest.resolved),
        }
        connection.execute(sql.text("stewardship/add_digest"), values)
    return f"Sent to {name}: {message['Subject']}."


def compose(connection: psycopg.Connection[Any], person: Person, day: date, last: dict[str, str]) -> Digest:
    """A person's digest of a day, compared with the items of their last one."""
    digest = Digest(person, day)
    _add_tasks(connection, digest, last)
    _add_returns(connection, digest, last)
    if person.role == "approver":
        _add_proposals(connection, digest, last)
    _add_answers(connection, digest, last)
    _add_previews(connection, digest, last)
    digest.new_items = sum(key not in last for key in digest.items)
    # A return that went from late to missing, or was received and is held, is not resolved: it is listed under its new state.
    listed = {chain for state, _, chain in (key.partition("|") for key in digest.items) if state in RETURNS}
    for key, text in last.items():
        state, _, chain = key.partition("|")
        if (
            key not in digest.items
            and state not in ("proposal", "answers", "preview")
            and not (state in RETURNS and chain in listed)
        ):
            digest.resolved.append(text)
    return digest


def _add_tasks(connection: psycopg.Connection[Any], digest: Digest, last: dict[str, str]) -> None:
    collections, name = list(digest.person.collections), digest.person.name
    for one in queries.rows(connection, "stewardship/digest_tasks", _Task, collections=collections, name=name):
        # Not by submission: the same rule broken again in the next version is the same task, still open.
        key = _key("task", one.collection, one.period, one.sender, one.part, one.rule_id, one.column_name)
        what = f"{_return(one)}: {one.rule_id}" + (f" in {harmless(one.column_name, 60)}" if one.column_name else "")
        first = f", first at line {one.first_line}" if one.first_line is not None else ""
        many = f"{one.findings:,} times{first}" if one.findings > 1 else "once"
        whose = f" (assigned to {harmless(one.assignee, 60)})" if one.assignee else ""
        digest.items[key] = what
        line = f"{what}, {many} ({one.severity}){whose}. {harmless(one.example, 300)}"
        (digest.still_open if key in last else digest.new).append(line)
        digest.is_sample |= one.is_sample


def _add_returns(connection: psycopg.Connection[Any], digest: Digest, last: dict[str, str]) -> None:
    collections = list(digest.person.collections)
    found = queries.rows(connection, "stewardship/digest_returns", _Return, collections=collections)
    digest.not_due = sum(one.state in ("due", "not_due") for one in found)
    for state in RETURNS:
        groups: dict[str, tuple[list[str], list[str]]] = {}  # collection and period -> new senders, and others
        mine = [one for one in found if one.state == state]
        for one in mine:
            key = _key(state, one.collection, one.period, one.sender, one.part)
            digest.items[key] = f"{_return(one)}: was {state}"
            what, moment = ("closed", one.closes) if state == "missing" else ("due", one.due)
            when = f" ({what} {_day(moment)})" if moment else ""
            group = f"{harmless(one.collection)} {harmless(one.period or '(no period)')}{when}"
            groups.setdefault(group, ([], []))[key in last].append(_sender(one.sender, one.part))
            digest.is_sample |= one.is_sample
        digest.counts[state] = len(mine)
        digest.returns[state] = [
            f"{group}: " + "; ".join(f"{word}: {', '.join(who)}" for word, who in zip(("new", "as before"), both, strict=True) if who)
            for group, both in groups.items()
        ]  # fmt: skip


def _add_proposals(connection: psycopg.Connection[Any], digest: Digest, last: dict[str, str]) -> None:
    collections, name = list(digest.person.collections), digest.person.name
    for one in queries.rows(connection, "stewardship/digest_proposals", _Proposal, collections=collections, name=name):
        key = _key("proposal", one.decision_id)
        digest.items[key] = f"decision {one.decision_id}"
        digest.proposals.append(
            f"{'' if key in last else 'new: '}decision {one.decision_id}, {one.kind}, {_return(one)}, "
            f"proposed by {harmless(one.author, 60)} on {_day(one.decided_at)}: {harmless(one.reason, 300)}"
        )


def _add_answers(connection: psycopg.Connection[Any], digest: Digest, last: dict[str, str]) -> None:
    collections = list(digest.person.collections)
    for one in queries.rows(connection, "stewardship/digest_answers", _Answers, collections=collections):
        # By the last of them: a return whose trust answers again is news again.
        key = _key("answers", one.last_reply)
        many = f"{one.answers:,} {'answer' if one.answers == 1 else 'answers'}"
        digest.items[key] = f"{_return(one)}: {many}"
        new = "" if key in last else "new: "
        digest.answers.append(f"{new}{_return(one)}: {many}, the first of {_day(one.since)}")
        digest.is_sample |= one.is_sample


def _add_previews(connection: psycopg.Connection[Any], digest: Digest, last: dict[str, str]) -> None:
    collections = list(digest.person.collections)
    for one in queries.rows(connection, "stewardship/digest_previews", _Response, collections=collections):
        key = _key("preview", one.response_id)
        digest.items[key] = f"{one.response}, {one.collection} {one.period}, {one.sender}"
        said = f": {harmless(' '.join(one.words.split()), 300)}" if one.words else "."
        about = f"{harmless(one.collection)} {harmless(one.period)}, {_sender(one.sender, None)}"
        digest.previews.append(f"{'' if key in last else 'new: '}{about} {one.response} on {_day(one.given_at)}{said}")
        digest.is_sample |= one.is_sample


def _key(*parts: object) -> str:
    return "|".join("" if part is None else str(part) for part in parts).replace("\x00", "")


def _return(one: _Task | _Return | _Proposal | _Answers) -> str:
    """The return that something is about, such as 'workforce 2025-06, RA9'."""
    return f"{harmless(one.collection)} {harmless(one.period or '(no period)')}, {_sender(one.sender, one.part)}"


def _sender(sender: str | None, part: str | None) -> str:
    return harmless(sender or "(unknown sender)") + (f" ({harmless(part)})" if part else "")


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%-d %b %Y}"


def mail(digest: Digest, desk: str) -> EmailMessage:
    """The digest as plain text and simple HTML. Its headers hold counts and the address, nothing from a file."""
    sections = _sections(digest)
    link = f"{desk.rstrip('/')}/queue"
    message = EmailMessage(policy=SMTP)
    counts = f"{digest.new_items:,} new, {len(digest.still_open):,} still open, {len(digest.resolved):,} resolved"
    message["Subject"] = f"{'SAMPLE data. ' if digest.is_sample else ''}Steward desk, {digest.day:%-d %b %Y}: {counts}"
    message["To"] = digest.person.mail
    message["Message-ID"] = f"<digest-{digest.day}-{_hash(digest)[:24]}@trust-benchmarks.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    head = [f"For {harmless(digest.person.name)}, {digest.day:%-d %B %Y}: {counts}."]
    if digest.is_sample:
        head.append("SAMPLE data: real trust codes, invented figures.")
    parts = ["\n".join([title, *(f"  - {line}" for line in lines)]) for title, lines in sections]
    text = "\n\n".join(["\n".join(head), *parts, f"Your queue: {link}"])
    message.set_content(text + "\n", cte="quoted-printable")
    loader = jinja2.FileSystemLoader(Path(__file__).with_name("templates"))
    template = jinja2.Environment(autoescape=True, loader=loader).get_template("digest.html")
    html = template.render(head=head, sections=sections, link=link)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _sections(digest: Digest) -> list[tuple[str, list[str]]]:
    """(title with its count, lines); of the returns that are not due, only the number."""
    found = [
        (f"Awaiting your approval ({len(digest.proposals):,})", digest.proposals),
        (f"Returns with answers of trusts that wait for a steward ({len(digest.answers):,})", digest.answers),
        (f"From trusts about figures before publication ({len(digest.previews):,})", digest.previews),
        (f"New ({len(digest.new):,})", digest.new),
        (f"Still open ({len(digest.still_open):,})", digest.still_open),
        (
            f"Resolved since the last email ({len(digest.resolved):,})",
            [harmless(line, 300) for line in digest.resolved],
        ),
        *((f"{title} ({digest.counts[state]:,})", digest.returns[state]) for state, title in RETURNS.items()),
    ]
    shown = [(title, _shortened(lines)) for title, lines in found if lines]
    return [*shown, (f"Not due yet ({digest.not_due:,})", ["no action needed"])] if digest.not_due else shown


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"and {more:,} more: the desk shows all of them"] if more > 0 else lines


def _hash(digest: Digest) -> str:
    return hashlib.sha256(
        _json([digest.person.name, sorted(digest.items), sorted(digest.resolved)]).encode()
    ).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\\u0000", "")


def working_day(now: datetime | None = None) -> bool:
    """Whether today is a working day in London, as far as holidays are known."""
    return is_working_day_as_known((now or datetime.now(UTC)).astimezone(LONDON).date())

"""One mail a person and day: what is new, still open and mended since their last one, for the collections they look after."""

import hashlib
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from .. import catalogue
from ..reading.harmless import harmless
from ..reference.calendar import LONDON
from ..stores import warehouse

ROLES = ("steward", "approver")
SHOWN = 100  # lines of a section; all are counted, and the desk shows the rest
# Three things that are no more alike than a letter not posted, a letter lost and a letter that cannot be read.
RETURNS = {
    "late": "Late: the deadline has passed and nothing was received; it can still be sent",
    "held": "Failed: received, and held because of what is wrong with it",
    "missing": "Missing: it closed without a return",
}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class People(ValueError):
    """The file of people cannot be used; the message says what to mend."""


@dataclass(frozen=True)
class Person:
    """Somebody who gets a digest: the name they sign in with, their address, what they look after, what they do."""

    name: str
    mail: str
    collections: tuple[str, ...]
    role: str


@dataclass
class Digest:
    """What a mail would say.

    Attributes:
        items: what stands open, by key, in words: what the next digest compares with.
        new, still_open, mended: lines about tasks; `mended` also about returns that have come.
        returns: 'late', 'held', 'missing' -> lines, one a collection and period.
        not_due: returns that nobody has to send yet.
    """

    person: Person
    day: date
    items: dict[str, str] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    returns: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    proposals: list[str] = field(default_factory=list)
    new_items: int = 0
    not_due: int = 0
    is_sample: bool = False

    @property
    def news(self) -> bool:
        """Whether there is anything that the last mail did not say."""
        return bool(self.new_items or self.mended)


def people(file: Path | str) -> list[Person]:
    """The people of a TOML file (docs/people.example.toml shows one), in its order.

    Raises:
        People: when it cannot be read or an entry is wrong.
    """
    try:
        entries = tomllib.loads(Path(file).read_text(encoding="utf-8")).get("people", [])
    except OSError as problem:
        raise People(f"TB_PEOPLE names {file}, which cannot be read ({problem.strerror}). Correct it.") from problem
    except ValueError as problem:
        raise People(f"{file} is no TOML file: {problem}. docs/people.example.toml shows one.") from problem
    found = [_person(entry, f"Entry {number} of {file}") for number, entry in enumerate(entries, 1)]
    names = [person.name.casefold() for person in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise People(f"{file} names '{harmless(twice)}' twice. One entry a person, with all of their collections.")
    if not found:
        raise People(f"{file} names nobody. docs/people.example.toml shows how.")
    return found


def _person(entry: dict, where: str) -> Person:
    name, mail, role = (entry.get(key, "") for key in ("name", "mail", "role"))
    if not isinstance(name, str) or not name.strip() or len(name) > 100 or not name.isprintable():
        raise People(f"{where} needs a name: the one that the person signs in with, on one line.")
    if not isinstance(mail, str) or not _ADDRESS.fullmatch(mail):
        raise People(f"{where} needs one address in 'mail', such as name@example.org.")
    if role not in ROLES:
        raise People(f"{where} needs a role: {' or '.join(ROLES)}.")
    collections = entry.get("collections", [])
    if not isinstance(collections, list) or not set(collections) <= set(catalogue.all()) | {"*"}:
        raise People(f"{where} needs a list of collections: {', '.join(sorted(catalogue.all()))}, or '*' for all.")
    return Person(name.strip(), mail, tuple(catalogue.all()) if "*" in collections else tuple(collections), role)


def names() -> list[str] | None:
    """Who may get a digest, by name; None when TB_PEOPLE is not set."""
    return [person.name for person in people(os.environ["TB_PEOPLE"])] if os.environ.get("TB_PEOPLE") else None


def send(name: str, deliver: Callable[[EmailMessage], None], desk: str, today: date | None = None) -> str:
    """Sends a person's digest of the day if it says anything new; returns what was done, in words.

    The mark that it was sent is committed after it was sent: killed in between, the next try sends it again, with the same
    Message-ID. It may come twice, and is never lost. Two tries at the same time wait for one another.

    Args:
        deliver: hands a message to a mail server, or raises; then nothing is marked.
        desk: the address of the steward desk, for links.
        today: the day in London if None.
    """
    person = next((person for person in people(os.environ["TB_PEOPLE"]) if person.name == name), None)
    if person is None:
        return f"{name} is no longer in the file of people."
    today = today or datetime.now(LONDON).date()
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"digest|{name}"])
        last = connection.execute(
            "SELECT day, items FROM core.digest_sent WHERE person = %s ORDER BY day DESC LIMIT 1", [name]
        ).fetchone()
        if last and last[0] >= today:
            return f"{name} has had the digest of {today}."
        digest = compose(connection, person, today, last[1] if last else {})
        if not digest.news:
            return f"Nothing new for {name}: no mail."
        message = mail(digest, desk)
        deliver(message)
        connection.execute(
            """INSERT INTO core.digest_sent (person, day, content_hash, items, new_items, open_items, mended_items)
               VALUES (%s, %s, %s, %s, %s, %s, %s)""",
            [name, today, _hash(digest), _json(digest.items), digest.new_items, len(digest.still_open), len(digest.mended)],
        )  # fmt: skip
    return f"Sent to {name}: {message['Subject']}."


def compose(connection, person: Person, day: date, last: dict[str, str]) -> Digest:
    """What a person is to be told, compared with the items of the last digest they got."""
    digest = Digest(person, day)
    _tasks(connection, digest, last)
    _returns(connection, digest, last)
    if person.role == "approver":
        _proposals(connection, digest, last)
    digest.new_items = sum(key not in last for key in digest.items)
    # A return that went from late to missing, or came and is held, is not mended; it stands under its new word.
    standing = {key.partition("|")[2] for key in digest.items if key.partition("|")[0] in RETURNS}
    digest.mended = [
        words for key, words in last.items()
        if key not in digest.items and not (key.partition("|")[0] in RETURNS and key.partition("|")[2] in standing)
        and not key.startswith("proposal|")
    ]  # fmt: skip
    return digest


def _tasks(connection, digest: Digest, last: dict[str, str]) -> None:
    rows = connection.execute(
        """SELECT collection, period, sender, part, version, rule_id, column_name, severity, findings, first_line, example, assignee,
                  is_sample
           FROM intake.tasks WHERE collection = ANY(%s) OR lower(btrim(assignee)) = lower(%s)
           ORDER BY array_position(ARRAY['hold', 'reject', 'warn'], severity), closes NULLS LAST, due NULLS LAST,
                    collection, period, sender, part, rule_id, column_name""",
        [list(digest.person.collections), digest.person.name],
    ).fetchall()
    for collection, period, sender, part, _, rule, column, severity, count, line, example, assignee, sample in rows:
        # Not by submission: the same rule broken again in the next version is the same task, still open.
        key = _key("task", collection, period, sender, part, rule, column)
        where = _chain(collection, period, sender, part)
        at = f" in {harmless(column, 60)}" if column else ""
        first = f", first at line {line}" if line is not None and count > 1 else ""
        whose = f" (assigned to {harmless(assignee, 60)})" if assignee else ""
        many = f"{count:,} times{first}" if count > 1 else "once"
        digest.items[key] = f"{where}: {rule}{at}"
        words = f"{where}: {rule}{at}, {many} ({severity}){whose}. {harmless(example, 300)}"
        (digest.still_open if key in last else digest.new).append(words)
        digest.is_sample |= sample


def _returns(connection, digest: Digest, last: dict[str, str]) -> None:
    rows = connection.execute(
        """SELECT collection, period, sender, part, state, due, closes, coalesce(is_sample, false) FROM intake.board
           WHERE collection = ANY(%s) ORDER BY collection, period DESC, sender, part""",
        [list(digest.person.collections)],
    ).fetchall()
    digest.not_due = sum(row[4] in ("due", "not_due") for row in rows)
    for state in RETURNS:
        groups: dict[tuple, list] = {}
        mine = [row for row in rows if row[4] == state]
        for collection, period, sender, part, _, due, closes, sample in mine:
            key = _key(state, collection, period, sender, part)
            digest.items[key] = f"{_chain(collection, period, sender, part)}: was {_WORD[state]}"
            groups.setdefault((collection, period, due, closes), []).append((_who(sender, part), key not in last))
            digest.is_sample |= sample
        digest.counts[state] = len(mine)
        digest.returns[state] = [_group(*about, state, senders) for about, senders in groups.items()]


_WORD = {"late": "late", "held": "failed", "missing": "missing"}


def _group(collection, period, due, closes, state: str, senders: list[tuple[str, bool]]) -> str:
    moment = {"late": ("due", due), "missing": ("closed", closes), "held": ("due", due)}[state]
    when = f" ({moment[0]} {moment[1].astimezone(LONDON):%-d %b %Y})" if moment[1] else ""
    new, old = ([who for who, is_new in senders if is_new is wanted] for wanted in (True, False))
    parts = [f"new: {', '.join(new)}"] * bool(new) + [f"as before: {', '.join(old)}"] * bool(old)
    return f"{harmless(collection)} {harmless(period or '(no period)')}{when}: {'; '.join(parts)}"


def _proposals(connection, digest: Digest, last: dict[str, str]) -> None:
    rows = connection.execute(
        """SELECT decision_id, kind, collection, period, sender, part, author, decided_at, reason FROM intake.decisions
           WHERE state = 'proposed' AND lower(btrim(author)) <> lower(%s) AND collection = ANY(%s) ORDER BY decision_id""",
        [digest.person.name, list(digest.person.collections)],
    ).fetchall()
    for number, kind, collection, period, sender, part, author, at, reason in rows:
        key = _key("proposal", number)
        digest.items[key] = f"decision {number}"
        mark = "" if key in last else "new: "
        digest.proposals.append(
            f"{mark}decision {number}, {kind}, {_chain(collection, period, sender, part)}, proposed by {harmless(author, 60)} "
            f"on {at.astimezone(LONDON):%-d %b %Y}: {harmless(reason, 300)}"
        )


def _key(*parts) -> str:
    return "|".join("" if part is None else str(part) for part in parts).replace("\x00", "")


def _chain(collection, period, sender, part) -> str:
    return f"{harmless(collection)} {harmless(period or '(no period)')}, {_who(sender, part)}"


def _who(sender, part) -> str:
    return harmless(sender or "(unknown sender)") + (f" ({harmless(part)})" if part else "")


def mail(digest: Digest, desk: str) -> EmailMessage:
    """The digest as a message of plain text and simple HTML; its headers hold numbers and the address, nothing from a file."""
    sections = _sections(digest)
    message = EmailMessage(policy=SMTP)
    counts = f"{digest.new_items:,} new, {len(digest.still_open):,} still open, {len(digest.mended):,} mended"
    message["Subject"] = f"{'SAMPLE data. ' if digest.is_sample else ''}Steward desk, {digest.day:%-d %b %Y}: {counts}"
    message["To"] = digest.person.mail
    message["Message-ID"] = f"<digest-{digest.day}-{_hash(digest)[:24]}@trust-benchmarks.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    head = [f"For {harmless(digest.person.name)}, {digest.day:%-d %B %Y}: {counts}."]
    if digest.is_sample:
        head.append("SAMPLE data: real trust codes, invented figures.")
    foot = f"The whole queue: {desk.rstrip('/')}/queue"
    text = "\n\n".join(
        ["\n".join(head)]
        + ["\n".join([title, *(f"  - {line}" for line in lines)]) for title, lines in sections]
        + [foot]
    )
    message.set_content(text + "\n", cte="quoted-printable")
    html = _html().render(head=head, sections=sections, link=f"{desk.rstrip('/')}/queue")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _sections(digest: Digest) -> list[tuple[str, list[str]]]:
    """(title with its count, lines); the returns that are not due are a number alone."""
    found = [
        (f"Waiting for your approval ({len(digest.proposals):,})", digest.proposals),
        (f"New ({len(digest.new):,})", digest.new),
        (f"Still open ({len(digest.still_open):,})", digest.still_open),
        (f"Mended since the last mail ({len(digest.mended):,})", [harmless(words, 300) for words in digest.mended]),
        *((f"{title} ({digest.counts[state]:,})", digest.returns[state]) for state, title in RETURNS.items()),
    ]
    shown = [(title, _at_most(lines)) for title, lines in found if lines]
    return [*shown, (f"Not due yet ({digest.not_due:,})", ["nothing to do"])] if digest.not_due else shown


def _at_most(lines: list[str]) -> list[str]:
    left = len(lines) - SHOWN
    return [*lines[:SHOWN], f"and {left:,} more lines: the desk shows all of them"] if left > 0 else lines


def _html():
    from jinja2 import Environment, FileSystemLoader

    folder = Path(__file__).with_name("templates")
    return Environment(autoescape=True, loader=FileSystemLoader(folder)).get_template("digest.html")


def _hash(digest: Digest) -> str:
    return hashlib.sha256(_json([digest.person.name, sorted(digest.items), sorted(digest.mended)]).encode()).hexdigest()


def _json(value) -> str:
    import json

    return json.dumps(value, ensure_ascii=False).replace("\\u0000", "")


def working_day(now: datetime | None = None) -> bool:
    """Whether people work today in London; a year whose holidays are not known yet counts Monday to Friday."""
    from ..reference import ReferenceDataError
    from ..reference.calendar import is_working_day

    today = (now or datetime.now(UTC)).astimezone(LONDON).date()
    try:
        return is_working_day(today)
    except ReferenceDataError:
        return today.weekday() < 5

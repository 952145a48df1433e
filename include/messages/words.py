"""The words of messages: one template for each kind, from which the subject, the plain text and the HTML are made."""

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

import jinja2

from ..reading.harmless import harmless
from ..stewardship import trust_wording
from . import days

TEMPLATES = Path(__file__).with_name("templates")
IN_DIGEST = 1500  # characters of one message's text


@dataclass(frozen=True)
class Kind:
    """A kind of message (kinds.toml).

    Attributes:
        says: when it is sent, in a sentence.
        at_once: whether it is sent by itself and straight away, whatever the person prefers.
        may_be_off: whether a person may want none of this kind.
        is_whole: whether its text is sent as it was written, because the room writes it, with greeting and ending.
    """

    says: str
    at_once: bool = False
    may_be_off: bool = False
    is_whole: bool = False


class Text(NamedTuple):
    """What a message says, without greeting and ending; `html` is a fragment."""

    subject: str
    text: str
    html: str


@cache
def kinds() -> dict[str, Kind]:
    """The kinds of message by name, in the order of kinds.toml."""
    declared = tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))
    return {name: Kind(**one) for name, one in declared.items()}


def room_url() -> str:
    """The address of the trusts' room without a slash at its end; '' where TB_ROOM_URL is not set."""
    return os.environ.get("TB_ROOM_URL", "").strip().rstrip("/")


def text(kind: str, values: Mapping[str, object], room: str | None = None) -> Text:
    """What a message of this kind says.

    Args:
        kind: one of `kinds`.
        values: what its template names. Text from files must have been made harmless.
        room: the address of the trusts' room; `room_url` if None.

    Raises:
        jinja2.UndefinedError: a value is missing.
        jinja2.TemplateNotFound: there is no such kind, or its words are not here.
    """
    rendered = _environment().get_template(f"{kind}.txt.j2").render(values, room=room_url() if room is None else room)
    head, _, body = rendered.partition("\n")
    subject = " ".join(harmless(head.removeprefix("Subject:").strip(), 200).split())
    blocks = [block.strip() for block in body.split("\n\n") if block.strip()]
    return Text(subject, "\n\n".join(blocks) + "\n", "\n".join(map(html, blocks)))


def single(kind: str, to: str, name: str, said: Text, key: int) -> EmailMessage:
    """The email with one message; sent again, it has the same Message-ID."""
    is_whole = kind in kinds() and kinds()[kind].is_whole
    return _email(to, f"message-{key}", said if is_whole else _framed(name, said))


def digest(to: str, name: str, day: date, parts: Sequence[tuple[int, str, str]]) -> EmailMessage:
    """One email with several messages.

    Args:
        to: the address.
        name: whom it addresses; '' if not known.
        day: the day, for the subject.
        parts: (key, subject, text) of each message.
    """
    sample = "SAMPLE data. " if all("SAMPLE" in subject for _, subject, _ in parts) else ""
    subject = f"{sample}{len(parts)} messages about your returns, {day:%-d %B %Y}"
    listed = [(title, _shortened(body)) for _, title, body in parts]
    body_text = "\n\n".join(f"{title}\n{'-' * min(len(title), 72)}\n\n{body}" for title, body in listed)
    body_html = "\n".join(
        f'<h2 style="font-size: 1.1em">{escape(title)}</h2>\n' + "\n".join(map(html, body.split("\n\n")))
        for title, body in listed
    )
    keys = ",".join(str(key) for key, _, _ in parts)
    mail_id = f"messages-{hashlib.sha256(keys.encode()).hexdigest()[:24]}"
    return _email(to, mail_id, _framed(name, Text(subject, body_text, body_html)))


def _framed(name: str, said: Text) -> Text:
    """With the greeting and the ending."""
    frame = {"name": harmless(name, 100), "room": room_url()}
    plain = _environment().get_template("frame.txt").render(frame, body=said.text.strip())
    rich = _environment(is_html=True).get_template("frame.html").render(frame, body=said.html)
    return Text(said.subject, plain, rich)


def _email(to: str, mail_id: str, said: Text) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["To"], message["Subject"] = to, " ".join(said.subject.split())
    message["Message-ID"] = f"<{mail_id}@trust-benchmarks.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(said.text.strip() + "\n", cte="quoted-printable")
    message.add_alternative(said.html, subtype="html", cte="quoted-printable")
    return message


def _shortened(body: str) -> str:
    body = body.strip()
    if len(body) <= IN_DIGEST:
        return body
    where = room_url()
    return (
        body[:IN_DIGEST].rsplit("\n", 1)[0]
        + f"\n\nThis is shortened. {f'All of it: {where}' if where else 'Ask us for the rest.'}"
    )


def html(block: str) -> str:
    """A block of plain text as HTML: a list where each line is an item, else a paragraph."""
    lines = block.split("\n")
    if all(line.startswith(("- ", "  ")) for line in lines):
        items = "\n".join(lines).removeprefix("- ").split("\n- ")
        return "<ul>" + "".join(f"<li>{_linked(item)}</li>" for item in items) + "</ul>"
    return f"<p>{_linked(block)}</p>"


def _linked(words: str) -> str:
    """Words as HTML; an address of the web becomes a link."""
    return " ".join(
        f'<a href="{escape(word.rstrip(".,"))}" style="color: #005eb8">{escape(word.rstrip(".,"))}</a>{escape(word[len(word.rstrip(".,")) :])}'
        if word.startswith(("https://", "http://"))
        else escape(word)
        for word in words.split()
    )


@cache
def _environment(is_html: bool = False) -> jinja2.Environment:
    # Plain text: nothing is escaped, and text from files has been made harmless. The HTML body is made by `html`, which escapes.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["day"] = trust_wording.day
    environment.filters["date"] = lambda moment: f"{days.day_of(moment):%-d %B %Y}"
    environment.filters["count"] = lambda number, one, many="": (
        f"{number:,} {one if number == 1 else many or one + 's'}"
    )
    return environment

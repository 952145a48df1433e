"""What contacts want to be told by mail, and how."""

from typing import Any

import psycopg

from .. import sql
from . import words

CHOICES = ("usual", "each", "digest", "off")


class Unknown(ValueError):
    """There is no such contact, kind or choice; the message says which there are."""


def choose(connection: psycopg.Connection[Any], mail: str, kind: str, choice: str, person: str) -> None:
    """Adds a contact's choice for a kind of message.

    Args:
        connection: of the pipeline.
        mail: the contact's address.
        kind: one of `words.kinds`, or '*' for all that have no choice of their own.
        choice: one of `CHOICES`.
        person: who says so.

    Raises:
        Unknown: there is no such contact, kind or choice, or this kind cannot be switched off.
    """
    if choice not in CHOICES:
        raise Unknown(f"'{choice}' is not a choice. Choose {', '.join(CHOICES[:-1])} or {CHOICES[-1]}.")
    if kind != "*" and kind not in words.kinds():
        raise Unknown(f"'{kind}' is not a kind of message. Choose {', '.join(words.kinds())}, or '*' for all.")
    if choice == "off" and kind != "*" and not words.kinds()[kind].may_be_off:
        raise Unknown(f"Messages of the kind '{kind}' are always sent, because the trust has to act on them.")
    values = {"mail": mail.strip().lower(), "kind": kind, "choice": choice, "person": person}
    if not connection.execute(sql.text("messages/add_preference"), values).rowcount:
        raise Unknown(f"There is no contact with the address {mail}.")

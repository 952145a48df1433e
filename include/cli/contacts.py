"""Contacts of trusts, who may sign in to the trusts' room."""

import getpass
import os
import re

from .. import reference
from ..stores import warehouse
from . import Refused, embedded
from .output import Format, note, write

MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def add(mail: str, codes: list[str], name: str) -> None:
    """Adds a contact of one or more trusts, or more trusts to a contact.

    Raises:
        Refused: the address is none, or a code is no trust's.
    """
    if not MAIL.fullmatch(mail):
        raise Refused(f"'{mail}' is no mail address. Expected one like name@example.nhs.uk.")
    known = reference.load()
    codes = sorted({code.upper() for code in codes})
    if unknown := [code for code in codes if not known.knows(code)]:
        raise Refused(f"{', '.join(unknown)}: no provider that is known here. Give ODS codes of trusts.")
    with embedded.stores(), warehouse.connect() as connection:
        connection.execute("SELECT core.add_contact(%s, %s, %s, %s)", [mail, name, codes, _person()])
    note(f"{mail.lower()} may sign in for {', '.join(codes)}, and for trusts that take them over.")


def listed(code: str | None, form: Format) -> None:
    """Lists contacts who have not left, with their trusts and when they signed in last."""
    query = """SELECT c.mail, c.name, string_agg(p.ods_code, ', ' ORDER BY p.ods_code), string_agg(p.ods_code, ', ' ORDER BY p.ods_code) FILTER (WHERE p.may_sign), c.added_at, c.added_by,
                      (SELECT max(s.began_at) FROM core.room_session s WHERE s.contact_key = c.contact_key)
               FROM core.contact c JOIN core.contact_provider p USING (contact_key)
               WHERE p.until IS NULL AND c.left_at IS NULL GROUP BY c.contact_key
               HAVING %(code)s::text IS NULL OR %(code)s = ANY(array_agg(p.ods_code)) ORDER BY c.mail"""
    with embedded.stores(), warehouse.connect() as connection:
        rows = connection.execute(query, {"code": code.upper() if code else None}).fetchall()
    write(
        [list(row) for row in rows],
        ["mail", "name", "trusts", "signs_for", "added_at", "added_by", "last_signed_in"],
        form,
    )


def leave(mail: str, code: str | None) -> None:
    """Ends a contact's rights, all or those for one trust; sessions end with them.

    Raises:
        Refused: there is no such contact.
    """
    with embedded.stores(), warehouse.connect() as connection:
        found = connection.execute(
            "SELECT core.end_contact(%s, %s, %s)", [mail, code.upper() if code else None, _person()]
        ).fetchone()
    if found == (None,):
        raise Refused(f"There is no contact {mail}. `trust-benchmarks contacts list` shows them.")
    note(f"{mail} acts for {code.upper()} no more." if code else f"{mail} cannot sign in any more.")


def signs(mail: str, code: str, may: bool) -> None:
    """Says whether a contact signs off the figures of a trust.

    Raises:
        Refused: they are no contact of it.
    """
    with embedded.stores(), warehouse.connect() as connection:
        found = connection.execute(
            "SELECT core.set_signer(%s, %s, %s, %s)", [mail, code.upper(), may, _person()]
        ).fetchone()
    if found == (None,):
        raise Refused(f"{mail} is no contact of {code.upper()}. `trust-benchmarks contacts list` shows them.")
    note(f"{mail} signs off figures of {code.upper()}{'' if may else ' no more'}.")


def link(mail: str) -> None:
    """Prints a link by which a contact signs in once within 15 minutes, to be handed over where no mail goes out.

    Raises:
        Refused: there is no such contact.
    """
    with embedded.stores(), warehouse.connect() as connection:
        row = connection.execute("SELECT core.link_of_contact(%s, %s)", [mail, _person()]).fetchone()
    if row is None or row[0] is None:
        raise Refused(f"There is no contact {mail}. `trust-benchmarks contacts list` shows them.")
    print(f"{_address()}/link/{row[0]}")


def _address() -> str:
    """Where the room is: TB_ROOM_URL, or that of `make run`."""
    if found := os.environ.get("TB_ROOM_URL"):
        return found.rstrip("/")
    try:
        return f"http://127.0.0.1:{embedded.find().settings()['TB_PORT_ROOM']}"
    except (Refused, KeyError):
        return "http://127.0.0.1:8100"


def _person() -> str:
    """Who runs the command, for the log."""
    return getpass.getuser()

"""Messages to people of trusts: what was sent, what each of them wants, and the page with all words."""

import getpass
import os
import time
from datetime import UTC, datetime

from ..messages import outbox, preferences, words
from ..stores import mail, warehouse
from . import Refused, embedded
from .output import Format, note
from .warehouse import listed as list_rows

STATES = ("waiting", "sent", "given_up", "dropped")
LIST = """
SELECT message_key, made_at, kind, mail, subject, state, attempts, last_attempt_at, said, next_at
FROM intake.messages m {where}
ORDER BY message_key DESC"""

HEAD = """# Messages to trusts

Written by `trust-benchmarks dictionary` from include/messages. Do not edit: change what it is made from.

Contacts of a trust get these mails. Each is written once about the same thing to the same person, by the DAG `send_messages`, from what
the ledger says; none is sent before the file that it is about is safe in the archive.

- Reminders are written on working days from 7 o'clock, about returns of which nothing has been received.
- Up to three mails to a person and day come by themselves. What is more is one digest; what comes after it waits for 7:30 on the next
  working day. A person may choose `each` (always by itself), `digest` (once a working day) or `off`, for all kinds or for one:
  `trust-benchmarks messages prefer ann@example.org digest`. Held and returned cannot be switched off.
- A new contact is told of what happens from then on, not of what was before. Who leaves gets nothing more.
- What was to be said and could not be sent within 14 days is dropped; a reminder once it is past.
- `trust-benchmarks messages list`, `intake.messages` and the desk's page of a submission show what was sent to whom.
  [The runbook](runbooks/README.md#a-message-was-not-sent) says what to do when something was not.

Settings: `AIRFLOW_CONN_SMTP_DEFAULT` is the mail server, with a `from_email` in its extra; without one everything waits. `TB_ROOM_URL` is the
address of the trusts' room, to which the messages lead; without it they say to send a return in the usual way.
"""
_AT = datetime(2025, 7, 14, 16, 0, tzinfo=UTC)
_FINDING = {
    "rule_id": "VAL-TYPE",
    "column_name": "fte",
    "findings": 2,
    "lines": [4, 9],
    "with_line": 2,
    "more_lines": 0,
    "message": "'lots' is not a valid value for staff in post on the last day, full-time equivalent. Expected a number in FTE of 0 or more.",
}
EXAMPLE: dict[str, object] = {
    "title": "Workforce",
    "period": "2025-06",
    "sender": "RA9",
    "sender_name": "Torbay and South Devon NHS Foundation Trust",
    "part": "",
    "sample": "",
    "due": _AT,
    "closes": datetime(2025, 8, 1, 11, 0, tzinfo=UTC),
    "file_name": "workforce_RA9_2025-06_v1.csv",
    "sha256": "0" * 64,
    "version": 1,
    "received_at": datetime(2025, 7, 10, 9, 30, tzinfo=UTC),
    "rows_read": 10,
    "rows_recorded": 10,
    "still_counts": False,
    "published_at": datetime(2025, 7, 15, 6, 0, tzinfo=UTC),
    "reason": "The bank pay is of another month.",
    "ends": datetime(2025, 7, 14, 8, 30, tzinfo=UTC),
    "new_date": datetime(2025, 7, 21, 16, 0, tzinfo=UTC),
    "must": [_FINDING],
    "look": [],
    "ours": [],
    "by_when": "Send the corrected return by 14 July 2025, 17:00.",
}


def listed(address: str | None, kind: str | None, state: str | None, form: Format, limit: int | None) -> None:
    """Writes the messages, newest first; None leaves a condition out.

    Raises:
        Refused: there is no such kind or state.
    """
    for what, value, known in (("kind", kind, tuple(words.kinds())), ("state", state, STATES)):
        if value is not None and value not in known:
            raise Refused(f"'{value}' is not a {what} of message. Choose one of {', '.join(known)}.")
    list_rows(LIST, {"m.mail": address.lower() if address else None, "m.kind": kind, "m.state": state}, form, limit)


def send(every: float | None) -> None:
    """Sends what waits; again and again every so many seconds if that is given.

    Raises:
        Refused: the mail server cannot be used. With `every` that is noted, and tried again.
    """
    with embedded.stores():
        while True:
            try:
                done = outbox.send()
                if done != outbox.Sent() or every is None:
                    note(
                        f"{done.emails} emails with {done.sent} messages were sent; {done.failed + len(done.given_up)} were refused."
                    )
            except mail.Unsendable as problem:
                if every is None:
                    raise Refused(str(problem)) from None
                note(str(problem))
            if every is None:
                return
            time.sleep(every)


def prefer(address: str, kind: str, choice: str) -> None:
    """Adds a contact's choice.

    Raises:
        Refused: there is no such contact, kind or choice.
    """
    person = os.environ.get("TB_USER") or getpass.getuser()
    try:
        with embedded.stores(), warehouse.connect() as connection:
            preferences.choose(connection, address, kind, choice, person)
    except preferences.Unknown as problem:
        raise Refused(str(problem)) from None
    note(f"{address.lower()}: {'all messages' if kind == '*' else kind}: {choice}.")


def document() -> str:
    """The page with the words of every message, for the same made-up return."""
    parts = [HEAD]
    for name, kind in words.kinds().items():
        parts.append(f"## {name}\n\n{kind.says}.\n")
        if kind.is_whole:
            parts.append("Sent at once. The trust's room writes it: include/portal/templates.\n")
            continue
        clean: dict[str, object] = {"must": []} if name in ("mended", "accepted") else {}
        said = words.text(name, EXAMPLE | clean, "https://room.example.org")
        lines = [f"**{said.subject}**", "", *said.text.strip().split("\n")]
        parts.append("".join(f"> {line}".rstrip() + "\n" for line in lines))
    return "\n".join(parts)

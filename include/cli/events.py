"""Events that people add to the timeline, at the terminal: a template, a check, adding, listing and withdrawing."""

import csv
import io
import sys
from pathlib import Path

from ..reading import safely
from ..records.file_check import Verdict
from ..stores import child_process
from ..stores.child_process import Ended
from ..timeline import events
from ..timeline.event_checks import FIELDS, Checked
from . import Refused, check, desk, embedded, warehouse
from .output import Format, note

LISTED = """
SELECT e.event_id, e.occurred_from, e.occurred_to, e.date_precision, e.kind, e.status, e.provider_code, e.recommendation_number, e.summary,
       e.source, e.confidence, e.fulfils, e.entered_by, e.entered_at, e.file_name, e.withdrawn_by, e.withdrawn_at, e.withdrawn_because
FROM intake.events e {where}
ORDER BY e.entered_at DESC, e.event_id"""
# What fits a terminal; CSV and JSON have everything.
LISTED_SHORT = """
SELECT e.event_id, e.occurred_from AS "from", e.date_precision AS to_the, e.kind, e.status, e.provider_code AS trust, e.summary, e.entered_by,
       e.withdrawn_by
FROM intake.events e {where}
ORDER BY e.entered_at DESC, e.event_id"""


def template(output: Path | None) -> None:
    """Writes an empty file of events: the headings, and on standard error what each column needs."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(FIELDS)
    if output is None:
        sys.stdout.write(out.getvalue())
    else:
        try:
            with output.open("x", encoding="utf-8") as file:
                file.write(out.getvalue())
        except FileExistsError:
            raise Refused(f"{output} already exists and was not changed. Name another file with --output.") from None
        except OSError as problem:
            raise Refused(
                f"{output} cannot be written ({problem.strerror}). Name another file with --output."
            ) from None
    for spec in FIELDS.values():
        note(f"{spec.name}{'' if spec.required else ' (optional)'}: {spec.title}. Expected {spec.expected()}.")


def _checked(content: bytes, file_name: str) -> Checked:
    try:
        with check.silence():
            return child_process.run(events.read, content, file_name)
    except Ended as ended:
        checked, why = Checked(), safely.why(ended, file_name)
        checked.found(why.rule_id, why.message)
        return checked


def add(path: Path, only_check: bool, form: Format, user: str | None) -> int:
    """Checks a file of events and, if nothing is wrong and more than a check is wanted, adds them all. The exit status."""
    content = check.content_of(path)
    checked = _checked(content, path.name)
    found, rows = checked.findings, len(checked.events)
    wrong = found.height > 0
    verdict = Verdict(
        path.name, "held" if wrong else "accepted", found, collection="events of the timeline",
        rows={"read": rows, "recorded": 0 if wrong else rows, "rejected": 0, "held": rows if wrong else 0},
        note="No event is added until every error in the file is corrected." if wrong else "",
    )  # fmt: skip
    if wrong or only_check:
        check.show(verdict, form)
        return 1 if wrong else 0
    who = desk.sign_in(user)
    if not who.may_act:
        raise Refused(
            f"{who.name} can read the timeline but cannot add events. Ask a steward, or ask for the steward role."
        )
    with embedded.stores(), desk.told(), desk.as_desk() as connection:
        done = events.add(connection, checked, who.name, path.name)
    again = f" {done.already} {'was' if done.already == 1 else 'were'} already on the timeline." if done.already else ""
    print(f"{len(done.ids)} {'event was' if len(done.ids) == 1 else 'events were'} added.{again}")
    for event_id in done.ids:
        note(event_id)
    return 0


def withdraw(event_id: str, reason: str, user: str | None) -> None:
    """Withdraws an event that somebody entered, with a reason; the log keeps it."""
    who = desk.sign_in(user)
    if not who.may_act:
        raise Refused(f"{who.name} can read the timeline but cannot withdraw events. Ask a steward.")
    with embedded.stores(), desk.told(), desk.as_desk() as connection:
        events.withdraw(connection, event_id, who.name, reason)
    print(f"Event {event_id} has been withdrawn.")


def listed(provider: str | None, kind: str | None, form: Format, limit: int | None) -> None:
    """Writes the events that people entered, newest first, including withdrawn ones."""
    query = LISTED_SHORT if form is Format.table else LISTED
    warehouse.listed(query, {"e.provider_code": provider, "e.kind": kind}, form, limit)

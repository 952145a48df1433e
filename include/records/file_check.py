"""What would happen to a file that nobody has sent yet: read and validated as the pipeline does it, without any service."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from .. import catalogue
from ..reading import findings, formats, safely
from ..reading.raw_table import Unreadable
from ..reading.read import read_opened, unreadable
from ..reading.reading import Reading
from ..stores import child_process
from ..stores.child_process import Ended
from ..validation.validate import validate

VERDICTS = {
    "accepted": "would be accepted",
    "accepted_with_warnings": "would be accepted with warnings",
    "held": "would be held",
}


@dataclass
class Verdict:
    """What would happen to a file, and why.

    Attributes:
        findings: with at least the columns of `COLUMNS`.
        records: the accepted rows, typed, with sheet and line; None where nothing could be validated.
    """

    file: str
    state: str
    findings: pl.DataFrame
    collection: str | None = None
    layout: str | None = None
    period: str | None = None
    sender: str | None = None
    part: str | None = None
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("read", "recorded", "rejected", "held"), 0))
    note: str = ""
    records: pl.DataFrame | None = None

    def facts(self) -> dict[str, Any]:
        """Everything but the findings, in the order in which it is shown."""
        return {
            "file": self.file,
            "verdict": VERDICTS[self.state],
            "state": self.state,
            "collection": self.collection,
            "layout": self.layout,
            "period": self.period,
            "sender": self.sender,
            "part": self.part or None,
            **{f"rows_{name}": count for name, count in self.rows.items()},
            "note": self.note or None,
        }


def check(content: bytes, name: str, folder: str = "", collection: str | None = None) -> Verdict:
    """What would happen to a file if it were sent to a collection (found if it is not named).

    Args:
        content: its bytes, or, where it is too large, as many as tell that.
        name: of the file.
        folder: the name of the folder that it is in, which may say its collection.
        collection: as what it is checked.

    Raises:
        catalogue.UnknownCollection: for a name that is not in the catalogue.
    """
    if collection:
        catalogue.load(collection)
    try:
        return child_process.run(_check, content, name, folder, collection)
    except Ended as ended:
        return _unreadable(name, _called(name, folder), safely.why(ended, name), collection)


def _check(content: bytes, name: str, folder: str, collection: str | None) -> Verdict:
    """Runs in the child process."""
    called = _called(name, folder)
    try:
        source = formats.opened(content, name)
    except Unreadable as error:
        return _unreadable(name, called, error, collection)
    del content
    readings = []
    for candidate in [collection] if collection else called + [c for c in catalogue.all() if c not in called]:
        reading = read_opened(source, name, candidate)
        if reading.layout or reading.closeness == 1:
            return _validated(name, reading, _note(folder, candidate, collection, called))
        readings.append(reading)
    return _fits_none(name, readings, called, collection)


def _called(name: str, folder: str) -> list[str]:
    """The collections that the file's name and its folder name, the file name first."""
    known = {word: one for one, about in catalogue.all().items() for word in (one, *about.also_called)}
    file_name = name.lower().removeprefix("sample_")
    by_name = [known[word] for word in sorted(known, key=len, reverse=True) if file_name.startswith(word)]
    return list(dict.fromkeys(by_name + [one for one in [folder] if one in catalogue.all()]))


def _note(folder: str, found: str, named: str | None, called: list[str]) -> str:
    if named:
        return ""
    if found not in called:
        return f"The collection was identified by the headings. In the inbox, put the file in {found}/."
    if folder in catalogue.all() and folder != found:
        return f"The file is in {folder}/ but is {found}. In the inbox, put it in {found}/."
    return ""


def _validated(name: str, reading: Reading, note: str = "") -> Verdict:
    outcome = validate(reading)
    return Verdict(
        name,
        outcome.state,
        outcome.findings,
        reading.collection,
        reading.layout.name if reading.layout else None,
        reading.period,
        reading.sender,
        reading.part,
        {
            "read": outcome.rows_read,
            "recorded": outcome.rows_recorded,
            "rejected": outcome.rows_rejected,
            "held": outcome.rows_held,
        },
        note,
        outcome.records,
    )


def _unreadable(name: str, called: list[str], error: Unreadable, collection: str | None) -> Verdict:
    for told in [collection] if collection else called:
        return _validated(name, unreadable(error, name, told))
    return Verdict(name, "held", findings.one(error.rule_id, error.message, **error.place))


def _fits_none(name: str, readings: list[Reading], called: list[str], named: str | None) -> Verdict:
    """Held: told as the collection that was named or that the file is called after, else as the one that is closest."""
    closest = max(readings, key=lambda reading: reading.closeness)
    told = readings[0] if named or called else closest
    too_much = next(
        (r for r in readings if findings.join(r.findings)["rule_id"].is_in(["FIL-SIZE", "FIL-DAMAGED"]).any()), None
    )
    if too_much and not (named or called):
        return Verdict(name, "held", findings.join(too_much.findings))
    if named or called:
        better = closest is not told and closest.closeness > told.closeness + 0.3
        hint = f" Its headings are closer to {closest.collection}." if better else ""
        return _validated(name, told, f"It was checked as {told.collection}.{hint}")
    if closest.closeness >= 0.25:
        return _validated(name, closest, f"It matches no known template; {closest.collection} is the closest.")
    says = (
        f"{name} matches no known template ({', '.join(catalogue.all())}). "
        "Expected a return made from a template (trust-benchmarks template COLLECTION) or a file as its publisher issues it. "
        "If it is one, name its collection: trust-benchmarks check FILE --collection NAME."
    )
    return Verdict(name, "held", findings.one("STR01", says, line=1))

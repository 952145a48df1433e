"""What a collection's `source.toml` says about where its files come from, and when its publisher is due.

    tried_live = ""                     # when somebody first ran it against the publisher's site; empty: shape as documented
    editions = ["provisional", "final"] # in rising order: a lower one never takes a higher one's place

    [[source]]
    name = "final"                      # names it in facts and commands: medicines_stock/final
    kind = "ckan"                       # ckan, page, url, s3, sftp or upload (people put the files into the inbox)
    address = "https://..."             # ckan: the portal; page: the page; url: with {period}; s3: "s3://bucket/prefix/"; sftp: "sftp://host/folder/"
    package = "..."                     # ckan: which package
    issue = 'regex'                     # page: links that lead from a series page to the page of one issue
    link = 'regex'                      # which links, resources or objects are meant, by text or by name
    never = 'regex'                     # which are not, though they look like it
    member = 'regex'                    # the file inside a zip
    file = "oaps"                       # what names of its files in the inbox begin with; default the collection's name
    part = "viii_a"                     # part of the collection; it names the file, the layout decides
    edition = "provisional"             # of all that it offers, where the group `edition` of `link` does not say
    title = 'regex'                     # groups month (word or number) and perhaps year, in the file's first 64 KB: with a year
                                        # it decides the period, without one it must agree with the link
    recheck = 3                         # how many of the newest periods are asked for again, for files replaced in place
    release = { months_after = 2, day = 15, at = "09:30" }  # when a period is due, as in collection.toml; empty: none is expected
    only_months = [1, 4, 7, 10]         # the months that have a release; empty: all
    late_after_days = 10                # after which a person is told
    ended = "2024-03"                   # the last period of a closed series: all of it is fetched once, and nothing is expected
    connection = "partner"              # s3, sftp: the Airflow connection with the partner's key

A collection without the file is uploaded.
"""

import re
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from .. import catalogue
from ..reference import calendar

KINDS = ("ckan", "page", "url", "s3", "sftp", "upload")
NEEDED = {
    "ckan": ("address", "package", "link"),
    "page": ("address", "link"),
    "url": ("address",),
    "s3": ("address", "link"),
    "sftp": ("address", "link", "connection"),
}


class WrongSource(ValueError):
    """A source.toml that cannot be used; the message says what was expected."""


@dataclass(frozen=True)
class Source:
    """One place that a collection's files come from; see the head of this module."""

    collection: str
    name: str
    kind: str
    address: str = ""
    package: str = ""
    issue: str = ""
    link: str = ""
    never: str = ""
    member: str = ""
    file: str = ""
    part: str = ""
    edition: str = ""
    title: str = ""
    recheck: int = 3
    release: catalogue.Rule = field(default_factory=dict, hash=False)
    only_months: tuple[int, ...] = ()
    late_after_days: int = 10
    ended: str = ""
    connection: str = ""
    editions: tuple[str, ...] = ()
    tried_live: str = ""

    @property
    def key(self) -> str:
        """Its name in commands, facts and tasks: COLLECTION/NAME."""
        return f"{self.collection}/{self.name}"

    @property
    def title_decides(self) -> bool:
        """Whether the file itself says its period, whatever its link says."""
        return "(?P<year>" in self.title

    @property
    def frequency(self) -> str:
        """What its periods are: month or financial_year."""
        return catalogue.load(self.collection).frequency

    def due_at(self, period: str) -> datetime | None:
        """When the publisher's calendar has a period; None where it has none."""
        if (self.only_months and int(period[5:]) not in self.only_months) or (
            self.ended and calendar.period_start(period) > calendar.period_start(self.ended)
        ):
            return None
        return calendar.deadline(self.release, period)

    def newest_due(self, now: datetime) -> str | None:
        """The newest period that should be out by then; None where no period is expected."""
        period = calendar.period_of(now.astimezone(calendar.LONDON).date(), self.frequency)
        period = calendar.next_period(period)  # price lists are out before their month begins
        for _ in range(36 if self.release and not self.ended else 0):
            due = self.due_at(period)
            if due and due <= now:
                return period
            period = calendar.previous_period(period)
        return None

    def is_late(self, period: str, now: datetime) -> bool:
        """Whether a period that is due and not out should be told to a person."""
        due = self.due_at(period)
        return bool(due and due + timedelta(days=self.late_after_days) < now)


@cache
def load(collection: str) -> tuple[Source, ...]:
    """The sources of a collection; none where its files are uploaded.

    Raises:
        WrongSource: its source.toml cannot be used.
    """
    declared = catalogue.entries(catalogue.load(collection).name, "source.toml")
    shared = {"editions": tuple(declared.get("editions", ())), "tried_live": declared.get("tried_live", "")}
    if unknown := sorted(set(declared) - {"source", *shared}):
        raise WrongSource(f"{collection}/source.toml: unknown entries {', '.join(unknown)}.")
    return tuple(_read(collection, entry, shared) for entry in declared.get("source", []))


def fetched() -> list[Source]:
    """Every declared source that is fetched from, in alphabetical order."""
    return [one for name in catalogue.all() for one in load(name) if one.kind != "upload"]


def named(key: str) -> Source:
    """The source that a key names.

    Raises:
        WrongSource: there is none.
    """
    for one in fetched():
        if one.key == key:
            return one
    raise WrongSource(f"There is no source '{key}'. Known: {', '.join(one.key for one in fetched())}.")


def _read(collection: str, entry: dict[str, Any], shared: dict[str, Any]) -> Source:
    known = {one.name for one in fields(Source)} - {"collection", *shared}
    where = f"{collection}/source.toml, source '{entry.get('name')}'"
    if unknown := sorted(set(entry) - known):
        raise WrongSource(f"{where}: unknown entries {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    if entry.get("kind") not in KINDS or not re.fullmatch(r"[a-z0-9_]+", str(entry.get("name", ""))):
        raise WrongSource(f"{where}: expected a name in small letters and a kind, one of {', '.join(KINDS)}.")
    if missing := [one for one in NEEDED.get(entry["kind"], ()) if not entry.get(one)]:
        raise WrongSource(f"{where}: a source of kind {entry['kind']} needs {', '.join(missing)}.")
    for name in ("issue", "link", "never", "member", "title"):
        try:
            re.compile(entry.get(name, ""))
        except re.error as problem:
            raise WrongSource(f"{where}: {name} is not a regular expression ({problem}).") from problem
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Source(collection=collection, **(values | shared))

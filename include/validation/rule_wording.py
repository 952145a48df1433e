"""The words of a collection's rules, with <names> where a submitter's own values will stand."""

import datetime as dt
import re
from dataclasses import dataclass

from .. import catalogue, schemas, sql
from ..schemas.rules import PUBLISHER, TRUST, About

MEANS = {
    "hold": "the whole submission waits for a steward",
    "reject": "the row is left out and listed",
    "warn": "the row counts and is listed",
    "info": "nothing needs to be done",
}


@dataclass(frozen=True)
class Words:
    """One rule as it is told."""

    id: str
    severity: str
    responsible: str
    says: str


class _Days(int):
    """A number of days that is written as words."""

    def __format__(self, form: str) -> str:
        return "<number of>"

    __str__ = __repr__ = lambda self: format(self)


class _Day(dt.date):
    """A day that is written as words."""

    words = ""

    def __format__(self, form: str) -> str:
        return self.words

    __str__ = __repr__ = lambda self: format(self)


class _First(_Day):
    words = "<first day of the period>"


class _Last(_Day):
    words = "<last day of the period>"


class _Anybody(About):
    """A submission of no particular period and sender."""

    @property
    def days(self) -> int:
        return _Days(30)


def of(collection: str) -> list[Words]:
    """The rules between fields of a collection, then those that compare periods and collections."""
    return _within(collection) + across(collection)


def _within(collection: str) -> list[Words]:
    schema = schemas.load(collection)
    declared = catalogue.load(collection)
    parts, responsible = declared.parts or ("",), PUBLISHER if declared.is_national else TRUST
    found: dict[tuple[str, str], Words] = {}
    for part in parts:
        about = _Anybody(collection, "<period>", "<sender>", part, _First(2025, 6, 1), _Last(2025, 6, 30))
        for rule in schema.rules(about):
            says = re.sub(r"\{(\w+)\}", r"<\1>", rule.says)
            found.setdefault((rule.id, says), Words(rule.id, rule.severity, responsible, says))
    return list(found.values())


def across(collection: str) -> list[Words]:
    """The rules of sql/cross: their ids and sentences stand there as texts."""
    path = sql.FOLDER / "cross" / f"{collection}.sql"
    if not path.exists():
        return []
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    found = []
    for select in re.split(r"\bUNION ALL\b", text):
        rule = re.search(r"'([A-Z]{2,}-[A-Z0-9]+)'", select)
        if rule:
            says = max(_texts(select[rule.end() :]), key=len, default="")
            found.append(Words(rule[1], "warn", "trust", re.sub(r"\{\}", "<value>", says)))
    return found


def _texts(select: str) -> list[str]:
    """SQL texts of a query, those joined with || as one."""
    joined = re.sub(r"'\s*\|\|\s*'", "", select)
    return [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", joined)]

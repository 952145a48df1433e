"""By which cause the returns that two releases rest on differ."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from . import basis
from .basis import Basis

# In this order; what is left of a cause's chains is looked at after those before it. The sum of the steps is the whole change.
CAUSES = (
    "code or definition", "reference data", "code and reference data",  # one of the three, and always the first step
    "rule change", "late data", "resubmission", "acceptance", "correction", "waiver", "withdrawn submission", "submission log",
)  # fmt: skip

Chain = tuple[str, ...]  # the submissions of one return, by version


@dataclass(frozen=True)
class Difference:
    """A return that two releases rest on differently.

    Attributes:
        cause: one of `CAUSES`.
        was, now: which version counted and counts; None: none.
        decisions: those that only one of the two was validated under.
    """

    cause: str
    collection: str
    period: str
    sender: str
    part: str
    was: int | None
    now: int | None
    decisions: tuple[int, ...]


class _Submission(NamedTuple):
    submission_id: str
    collection: str
    period: str
    sender: str
    part: str
    version: int


@dataclass(frozen=True)
class _Ledger:
    """What is known of the submissions of two releases: their decisions by (submission, rules), and the kinds of those."""

    submissions: dict[str, _Submission]
    decisions: dict[tuple[str, str], set[int]]
    kinds: dict[int, str]

    def under(self, stands: Basis, submission_id: str) -> set[int]:
        """The decisions that a submission was validated under."""
        one = stands.get(submission_id)
        return self.decisions.get((submission_id, one.rules_version), set()) if one else set()

    def chains(self) -> list[Chain]:
        found: dict[tuple[str, ...], list[tuple[int, str]]] = {}
        for one in self.submissions.values():
            chain = (one.collection, one.period, one.sender, one.part)
            found.setdefault(chain, []).append((one.version, one.submission_id))
        return [tuple(submission_id for _, submission_id in sorted(members)) for members in found.values()]


def differences(connection: psycopg.Connection, previous: str, release_id: str) -> list[Difference]:
    """What differs in the returns that two releases rest on; empty where that is not kept for one of them."""
    old, new = basis.of_release(connection, previous), basis.of_release(connection, release_id)
    if not old or not new:
        return []
    known, found = _ledger(connection, old.keys() | new.keys()), []
    for chain, cause in _causes(known, old, new).items():
        first = known.submissions[chain[0]]
        was, now = (known.submissions[one].version if one else None for one in _counting(chain, old, new))
        was_under, is_under = ({d for one in chain for d in known.under(stands, one)} for stands in (old, new))
        decisions = tuple(sorted(was_under ^ is_under))
        found.append(Difference(cause, first.collection, first.period, first.sender, first.part, was, now, decisions))
    return sorted(found, key=lambda one: (one.period, one.collection, one.sender, one.part))


def by_chain(connection: psycopg.Connection, old: Basis, new: Basis) -> dict[Chain, str]:
    """Every return that differs, as the tuple of its submissions, with the one cause by which it does."""
    return _causes(_ledger(connection, old.keys() | new.keys()), old, new)


def _ledger(connection: psycopg.Connection, submissions: Iterable[str]) -> _Ledger:
    ids = sorted(submissions)
    with connection.cursor(row_factory=class_row(_Submission)) as cursor:
        rows = cursor.execute(
            """SELECT submission_id, collection, period, sender, part, version FROM core.submission
               WHERE submission_id = ANY(%s)""",
            [ids],
        ).fetchall()
    decisions = {
        (submission_id, rules_version): set(numbers)
        for submission_id, rules_version, numbers in connection.execute(
            "SELECT submission_id, rules_version, decisions FROM core.validation WHERE submission_id = ANY(%s) AND decisions <> '{}'",
            [ids],
        )
    }
    numbers = sorted({number for some in decisions.values() for number in some})
    kinds = {
        number: kind
        for number, kind in connection.execute(
            "SELECT decision_id, kind FROM core.decision WHERE decision_id = ANY(%s)", [numbers]
        )
    }
    return _Ledger({one.submission_id: one for one in rows}, decisions, kinds)


def _causes(known: _Ledger, old: Basis, new: Basis) -> dict[Chain, str]:
    causes = {chain: _cause(known, chain, old, new) for chain in known.chains()}
    return {chain: cause for chain, cause in causes.items() if cause}


def _counting(chain: Chain, old: Basis, new: Basis) -> tuple[str | None, str | None]:
    return basis.counting(old, chain), basis.counting(new, chain)


def _cause(known: _Ledger, chain: Chain, old: Basis, new: Basis) -> str | None:
    """The cause by which a return differs; None: it does not."""
    was, now = _counting(chain, old, new)
    if was == now:
        if was is None or now is None or old[was].rules_version == new[now].rules_version:
            return None if all(old.get(one) == new.get(one) for one in chain) else "submission log"
        return _of_decisions(known, known.under(old, was) ^ known.under(new, now), "rule change")
    if now is None:
        return "withdrawn submission"
    if was is not None:
        is_newer = known.submissions[now].version > known.submissions[was].version
        return "resubmission" if is_newer else "withdrawn submission"
    # It had not come; or it was there and did not count: a decision changed that, or other rules (what stands before the dot).
    freed = now in old and old[now].rules_version.split(".")[0] != new[now].rules_version.split(".")[0]
    mine = known.under(new, now) if now in old else set()
    return _of_decisions(known, mine, "rule change" if freed else "late data")


def _of_decisions(known: _Ledger, decisions: set[int], otherwise: str) -> str:
    """One word for what decisions did, of several kinds the one that changes most; `otherwise` where there are none."""
    kinds = {known.kinds[one] for one in decisions}
    for kind, cause in (("accept", "acceptance"), ("correct", "correction"), ("waive", "waiver")):
        if kind in kinds:
            return cause
    return "withdrawn submission" if kinds else otherwise

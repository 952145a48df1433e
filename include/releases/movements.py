"""Why figures moved from one release to the next: the inputs are changed one cause at a time, and each step is measured."""

from dataclasses import dataclass

import polars as pl
import psycopg

from ..measures import measure

# In this order; what is left of a cause's chains is looked at after those before it. The sum of the steps is the whole change.
CAUSES = (
    "code or definition", "reference data", "code and reference data",  # one of the three, and always the first step
    "rule change", "late data", "resubmission", "acceptance", "correction", "waiver", "withdrawn submission", "submission log",
)  # fmt: skip
MOVEMENTS = {
    "metric_id": pl.String,
    "provider_code": pl.String,
    "step": pl.Int64,
    "cause": pl.String,
    "value_before": pl.Float64,
    "value_after": pl.Float64,
}

Rests = dict[
    str, tuple[str, bool]
]  # submission -> the rules and decisions it was validated under, and whether it counted


@dataclass(frozen=True)
class Step:
    """The inputs after one more cause; None: as the new release has them."""

    cause: str
    inputs: measure.Inputs | None


@dataclass(frozen=True)
class Difference:
    """A return that two releases rest on differently: the one cause, which version counted and counts (None: none), and the
    decisions that only one of the two was validated under."""

    cause: str
    collection: str
    period: str
    sender: str
    part: str
    was: int | None
    now: int | None
    decisions: tuple[int, ...]


def differences(connection: psycopg.Connection, previous: str, release_id: str) -> list[Difference]:
    """What differs in the returns that two releases rest on; empty where that is not kept for one of them."""
    old, new = rests_of(connection, previous), rests_of(connection, release_id)
    if not old or not new:
        return []
    facts = {
        submission_id: tuple(rest)
        for submission_id, *rest in connection.execute(
            """SELECT submission_id, collection, period, sender, part, version FROM core.submission
               WHERE submission_id = ANY(%s)""",
            [sorted(old.keys() | new.keys())],
        )
    }
    decided = _decisions(connection, old.keys() | new.keys())
    found = []
    for chain, cause in _causes(connection, old, new).items():
        if cause:
            was, now = (next((one for one in chain if rests.get(one, ("", False))[1]), None) for rests in (old, new))
            under = [
                {number for one in chain if one in rests for number in decided.get((one, rests[one][0]), ())}
                for rests in (old, new)
            ]
            versions = [facts[one][4] if one else None for one in (was, now)]
            found.append(Difference(cause, *facts[chain[0]][:4], *versions, tuple(sorted(under[0] ^ under[1]))))
    return sorted(found, key=lambda one: (one.period, one.collection, one.sender, one.part))


def rests_of(connection: psycopg.Connection, release_id: str) -> Rests:
    """What a release rested on; empty where that is not kept."""
    rows = connection.execute(
        "SELECT submission_id, rules_version, counts FROM core.release_input WHERE release_id = %s", [release_id]
    )
    return {submission_id: (rules_version, counts) for submission_id, rules_version, counts in rows}


def plan(connection: psycopg.Connection, previous: str, new: Rests, versions: tuple[str, str], inputs_of) -> list[Step]:
    """The steps from an earlier release to what counts now, in the order of `CAUSES`.

    Args:
        previous: the earlier release.
        new: what the new release rests on.
        versions: its code and reference version.
        inputs_of: makes `measure.Inputs` of what a release would rest on.
    """
    old = rests_of(connection, previous)
    code, known = connection.execute(
        "SELECT code_version, reference_version FROM core.release WHERE release_id = %s", [previous]
    ).fetchone()
    changed = [(chain, cause) for chain, cause in _causes(connection, old, new).items() if cause]
    steps, state = [], dict(old)
    if first := {(True, False): CAUSES[0], (False, True): CAUSES[1], (True, True): CAUSES[2]}.get(
        (code != versions[0], known != versions[1])
    ):
        steps.append(Step(first, inputs_of(state) if changed else None))
    causes = [cause for cause in CAUSES if any(cause == one for _, one in changed)]
    for cause in causes:
        for chain, one in changed:
            if one == cause:
                for submission_id in chain:
                    state.pop(submission_id, None)
                    if submission_id in new:
                        state[submission_id] = new[submission_id]
        steps.append(Step(cause, None if cause == causes[-1] else inputs_of(state)))
    return steps


def movements(before: pl.DataFrame, steps: list[Step], after: pl.DataFrame) -> pl.DataFrame:
    """The steps of every figure that moved, with the columns of `MOVEMENTS`.

    Args:
        before, after: metric_id, provider_code and value of the two releases.
    """
    found, last = [pl.DataFrame(schema=MOVEMENTS)], before
    keys = ["metric_id", "provider_code"]
    for number, step in enumerate(steps, 1):
        now = after if step.inputs is None else measure.compute(step.inputs).measures.select(*keys, "value")
        pair = last.rename({"value": "value_before"}).join(
            now.rename({"value": "value_after"}), on=keys, how="full", coalesce=True
        )
        moved = pair.filter(pl.col("value_before").ne_missing(pl.col("value_after")))
        found.append(
            moved.with_columns(step=pl.lit(number, pl.Int64), cause=pl.lit(step.cause)).select(
                pl.col(name).cast(dtype) for name, dtype in MOVEMENTS.items()
            )
        )
        last = now
    return pl.concat(found).sort("metric_id", "provider_code", "step")


def _causes(connection: psycopg.Connection, old: Rests, new: Rests) -> dict[tuple[str, ...], str | None]:
    """Every return of both windows, as the tuple of its submissions, with the one cause by which it differs (None: it does not)."""
    facts = connection.execute(
        """SELECT s.submission_id, concat_ws('|', s.collection, s.period, s.sender, s.part), s.version FROM core.submission s
           WHERE s.submission_id = ANY(%s)""",
        [sorted(old.keys() | new.keys())],
    ).fetchall()
    decisions = _decisions(connection, old.keys() | new.keys())
    kinds = dict(connection.execute("SELECT decision_id, kind FROM core.decision").fetchall()) if decisions else {}
    chains: dict[str, list[tuple[int, str]]] = {}
    for submission_id, chain, version in facts:
        chains.setdefault(chain, []).append((version, submission_id))
    found = {}
    for members in chains.values():
        ids = tuple(submission_id for _, submission_id in sorted(members))
        versions = {submission_id: version for version, submission_id in members}
        found[ids] = _cause(ids, versions, old, new, decisions, kinds)
    return found


def _decisions(connection: psycopg.Connection, submissions) -> dict[tuple[str, str], set[int]]:
    """(submission, rules) -> the decisions that it was validated under, where there are some."""
    return {
        (submission_id, rules): set(numbers)
        for submission_id, rules, numbers in connection.execute(
            "SELECT submission_id, rules_version, decisions FROM core.validation WHERE submission_id = ANY(%s) AND decisions <> '{}'",
            [sorted(submissions)],
        )
    }


def _cause(ids, versions, old: Rests, new: Rests, decisions, kinds) -> str | None:
    was = next((one for one in ids if old.get(one, ("", False))[1]), None)
    now = next((one for one in ids if new.get(one, ("", False))[1]), None)
    if was == now:
        if was is None or old[was][0] == new[now][0]:
            return None if all(old.get(one) == new.get(one) for one in ids) else "submission log"
        differ = decisions.get((was, old[was][0]), set()) ^ decisions.get((now, new[now][0]), set())
        return _of_decisions({kinds[one] for one in differ}) if differ else "rule change"
    if now is None:
        return "withdrawn submission"
    if was is None:
        # It was there and did not count, and a decision changed that; or it had not come.
        mine = decisions.get((now, new[now][0]), set())
        if now in old and mine:
            return _of_decisions({kinds[one] for one in mine})
        # Held by other rules before: it was freed. Decisions are the part of a version behind the dot.
        freed = now in old and old[now][0].split(".")[0] != new[now][0].split(".")[0]
        return "rule change" if freed else "late data"
    return "resubmission" if versions[now] > versions[was] else "withdrawn submission"


def _of_decisions(kinds: set[str]) -> str:
    """One word for what decisions did; of several kinds the one that changes most."""
    for kind, cause in (("accept", "acceptance"), ("correct", "correction"), ("waive", "waiver")):
        if kind in kinds:
            return cause
    return "withdrawn submission"

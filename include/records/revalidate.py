"""What follows from new rules and reference data: which submissions are validated again, what they are about, and what of it is new."""

import hashlib
from collections.abc import Callable
from datetime import datetime

import psycopg

from .. import catalogue, reference
from ..reading.read import read
from ..stores import objects, settings
from ..stores.faults import is_failure, is_outage
from ..validation import versions

# Facts that hang on a validation, by submission and rules: two validations are the same where these are.
DETAILS = ("finding", "provider_rows", "profile")


def note_rules(connection: psycopg.Connection, names: list[str]) -> list[str]:
    """Puts down by which rules the pipeline validates these collections from now on; returns those whose rules are others now."""
    changed = []
    with connection.transaction():
        now = dict(connection.execute("SELECT collection, rules_version FROM core.rules_now").fetchall())
        if all(now.get(name) == versions.version(name) for name in names):
            return changed
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('rules in force'))")
        now = dict(connection.execute("SELECT collection, rules_version FROM core.rules_now").fetchall())
        known = sorted(provider.code for provider in reference.load().providers)
        for name in names:
            if now.get(name) != versions.version(name):
                connection.execute(
                    "INSERT INTO core.rules_in_force (collection, rules_version, reference_part, providers) VALUES (%s, %s, %s, %s)",
                    [
                        name,
                        versions.version(name),
                        reference.read_by_validation(),
                        known if catalogue.load(name).is_national else [],
                    ],
                )
                changed.append(name)
    return changed


def concerns(connection: psycopg.Connection, submission_id: str) -> bool:
    """Whether the rules in force concern a submission: it was validated under others and waits to be validated again."""
    return connection.execute(
        "SELECT EXISTS (SELECT FROM core.concerned WHERE submission_id = %s)", [submission_id]
    ).fetchone()[0]


def record(connection: psycopg.Connection, submission_id: str, add: Callable[[], bool]) -> bool:
    """Adds a validation, unless it came to the same as the one that stands: then only that is noted, and nothing moves.

    Args:
        add: adds the validation and its details; False when another worker has.

    Returns:
        what `add` said.
    """
    stands = connection.execute(
        "SELECT rules_version FROM intake.validations WHERE submission_id = %s", [submission_id]
    ).fetchone()
    new = None
    with connection.transaction() as attempt:
        added = add()
        if added and stands:
            new = _newest_if_same(connection, submission_id, stands[0])
            if new:
                raise psycopg.Rollback(attempt)
    if new:
        connection.execute(
            "INSERT INTO core.found_again (submission_id, rules_version, same_as) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [submission_id, new, stands[0]],
        )
    return added


def _newest_if_same(connection, submission_id: str, stands: str) -> str | None:
    """The rules of the validation just added, if it says nothing else than the one that stands."""
    new = connection.execute(
        """SELECT n.rules_version FROM core.validation n JOIN core.validation o USING (submission_id)
           WHERE submission_id = %s AND o.rules_version = %s AND n.rules_version <> o.rules_version
             AND n.validated_at > o.validated_at
             AND to_jsonb(n) - '{rules_version,validated_at}'::text[] = to_jsonb(o) - '{rules_version,validated_at}'::text[]
           ORDER BY n.validated_at DESC LIMIT 1""",
        [submission_id, stands],
    ).fetchone()
    if new is None:
        return None
    for table in DETAILS:
        (there,) = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"core.{table}"]).fetchone()
        if there and _differs(connection, table, submission_id, stands, new[0]):
            return None
    return new[0]


def _differs(connection, table: str, submission_id: str, one: str, other: str) -> bool:
    return connection.execute(
        f"""WITH said AS (
              SELECT to_jsonb(t) - 'rules_version' AS what, count(*) FILTER (WHERE t.rules_version = %(one)s) AS before,
                     count(*) FILTER (WHERE t.rules_version = %(other)s) AS after
              FROM core.{table} t WHERE submission_id = %(id)s AND rules_version IN (%(one)s, %(other)s) GROUP BY 1)
            SELECT EXISTS (SELECT FROM said WHERE before <> after)""",
        {"one": one, "other": other, "id": submission_id},
    ).fetchone()[0]


def identify_again(connection: psycopg.Connection, submission_id: str) -> str | None:
    """Registers a held file anew where the rules in force see something else in it than it was received as.

    The first registration stays as a fact; the file is another submission from then on, the newest of its return. Where a later
    file of that return has come meanwhile, nothing is done.

    Returns:
        the new submission, or None where the file is about what it was received as, or it still cannot be seen.
    """
    with connection.transaction():
        row = connection.execute(
            """SELECT s.collection, s.period, s.sender, s.part, s.archive_key, s.sha256, s.file_name, s.received_at, i.became
               FROM core.submission s JOIN intake.validations v USING (submission_id)
               LEFT JOIN core.identified_later i ON i.submission_id = s.submission_id
               WHERE s.submission_id = %s AND (v.outcome = 'held' OR i.became IS NOT NULL)""",
            [submission_id],
        ).fetchone()
    if row is None:
        return None
    collection, *before, archive_key, sha256, file_name, received_at, became = row
    if became:
        return became
    content = objects.content(settings.load().archive, archive_key, sha256)
    try:
        after = identity(content, file_name, collection, received_at)
    except BaseException as problem:
        if not is_failure(problem) or is_outage(problem):
            raise
        return None  # our code breaks on it: validation says so
    if after is None or after == tuple(before):
        return None
    with connection.transaction():
        # As receivers do: one at a time gives out the numbers of versions.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"receive {collection}"])
        return _registered_again(connection, submission_id, collection, *after)


def identity(content: bytes, file_name: str, collection: str, received_at: datetime) -> tuple[str, str, str] | None:
    """Period, sender and part that a file is about by the rules in force; None where that cannot be seen or contradicts itself."""
    reading = read(content, file_name, collection, received_at)
    doubts = {rule for found in reading.findings for rule in found["rule_id"]} & {"FIL-PERIOD", "FIL-SENDER"}
    if reading.layout is None or not reading.period or not reading.sender or doubts:
        return None
    return reading.period, reading.sender, reading.part


def new_id(submission_id: str, period: str, sender: str, part: str) -> str:
    """The submission that a file becomes which was received as another one."""
    return hashlib.sha256(f"{submission_id}|{period}|{sender}|{part}".encode()).hexdigest()[:20]


def next_version(connection, submission_id: str, period: str, sender: str, part: str) -> int | None:
    """Its number in the chain of that return; None where a later file of that return has come, which then is the newest."""
    newest, later = connection.execute(
        """SELECT coalesce(max(o.version), 0), coalesce(bool_or((s.is_sample OR NOT o.is_sample)
                    AND (o.received_at, coalesce(f.registered_at, o.registered_at)) > (s.received_at, s.registered_at)), false)
           FROM core.submission s LEFT JOIN core.submission o ON (o.collection, o.period, o.sender, o.part) = (s.collection, %s, %s, %s)
           LEFT JOIN core.identified_later i ON i.became = o.submission_id LEFT JOIN core.submission f ON f.submission_id = i.submission_id
           WHERE s.submission_id = %s""",
        [period, sender, part, submission_id],
    ).fetchone()
    return None if later else newest + 1


def _registered_again(connection, submission_id: str, collection: str, *chain: str) -> str | None:
    known = connection.execute(
        "SELECT became FROM core.identified_later WHERE submission_id = %s", [submission_id]
    ).fetchone()
    if known:  # another worker was first
        return known[0]
    became, version = new_id(submission_id, *chain), next_version(connection, submission_id, *chain)
    if version is None:
        return None
    connection.execute(
        """INSERT INTO core.submission (submission_id, collection, period, sender, part, version, sha256, bytes,
                                        file_name, archive_key, received_at, is_sample)
           SELECT %s, s.collection, %s, %s, %s, %s, s.sha256, s.bytes, s.file_name, s.archive_key, s.received_at, s.is_sample
           FROM core.submission s WHERE s.submission_id = %s""",
        [became, *chain, version, submission_id],
    )
    connection.execute(
        "INSERT INTO core.not_dated (submission_id, arrived_at) SELECT %s, arrived_at FROM core.not_dated WHERE submission_id = %s",
        [became, submission_id],
    )
    connection.execute(
        "INSERT INTO core.identified_later (submission_id, became, rules_version) VALUES (%s, %s, %s)",
        [submission_id, became, versions.version(collection)],
    )
    return became


def planned(connection: psycopg.Connection, collection: str, period: str | None, accepted_too: bool) -> dict[str, int]:
    """How many submissions a request would validate again, and how many were validated by the rules in force.

    Returns:
        {"held", "accepted": to be validated again; "current": they would come to the same, so they are left alone}
    """
    rows = connection.execute(
        """SELECT v.outcome = 'held', split_part(v.rules_version, '.', 1) = r.rules_version
                  OR EXISTS (SELECT FROM core.found_again o WHERE o.submission_id = s.submission_id AND o.same_as = v.rules_version
                             AND split_part(o.rules_version, '.', 1) = r.rules_version), count(*)
           FROM core.submission s JOIN intake.validations v USING (submission_id) JOIN core.rules_now r USING (collection)
           WHERE s.collection = %s AND (%s::text IS NULL OR s.period = %s) AND (%s OR v.outcome = 'held')
             AND s.submission_id NOT IN (SELECT i.submission_id FROM core.identified_later i) GROUP BY 1, 2""",
        [collection, period, period, accepted_too],
    ).fetchall()
    found = {"held": 0, "accepted": 0, "current": 0}
    for held, current, count in rows:
        found["current" if current else "held" if held else "accepted"] += count
    return found


def ask(
    connection: psycopg.Connection, collection: str, period: str | None, accepted_too: bool, person: str, reason: str
) -> bool:
    """Puts down that somebody wants submissions validated again by the rules in force; False when that was asked for before.

    What has been validated by other rules, before this was asked, waits from then on.
    """
    return bool(
        connection.execute(
            """INSERT INTO core.revalidation (collection, period, accepted_too, rules_version, person, reason)
               SELECT r.collection, %s, %s, r.rules_version, %s, %s FROM core.rules_now r WHERE r.collection = %s
               ON CONFLICT DO NOTHING""",
            [period, accepted_too, person, reason, collection],
        ).rowcount
    )

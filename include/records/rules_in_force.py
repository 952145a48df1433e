"""The rules in force: by which rules the pipeline validates each collection now, and which submissions new rules concern."""

import psycopg

from .. import catalogue, reference, sql
from ..validation import versions


def note_rules(connection: psycopg.Connection, names: list[str]) -> list[str]:
    """Notes by which rules these collections are validated from now on; returns those whose rules have changed."""
    changed: list[str] = []
    with connection.transaction():
        now = _now(connection)
        if all(now.get(name) == versions.version(name) for name in names):
            return changed
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('rules in force'))")
        now = _now(connection)
        known = sorted(provider.code for provider in reference.load().providers)
        for name in names:
            if now.get(name) != versions.version(name):
                row = {
                    "collection": name,
                    "rules_version": versions.version(name),
                    "reference_part": reference.read_by_validation(),
                    "providers": known if catalogue.load(name).is_national else [],
                }
                connection.execute(sql.text("records/add_rules_in_force.sql"), row)
                changed.append(name)
    return changed


def concern(connection: psycopg.Connection, submission_id: str) -> bool:
    """Whether the rules in force concern a submission: it was validated under others and waits to be validated again."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM core.concerned WHERE submission_id = %s)", [submission_id]
    ).fetchone()
    return row is not None and bool(row[0])


def _now(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT collection, rules_version FROM core.rules_now").fetchall())

"""Releases and editions at the terminal: let through what a check holds back, and go back to an earlier edition."""

from ..releases import editions, pointers, switch
from ..releases import prune as pruning
from ..stores import warehouse
from . import Refused, desk, embedded
from .output import note

SHOWN = 10  # lines of what changes


def release(release_ids: list[str], reason: str, user: str | None, yes: bool) -> None:
    """Shows what the checks found, asks for confirmation, and publishes these releases.

    Raises:
        Refused: no right to, no reason, no such release, not built from current inputs, or not confirmed.
    """
    who = approver(user, reason)
    with embedded.stores(), desk.told():
        with warehouse.connect() as connection:
            for one in release_ids:
                found = connection.execute(
                    "SELECT message FROM intake.release_checks WHERE release_id = %s AND NOT passed ORDER BY checked_at, check_id, subject",
                    [one],
                ).fetchall()
                note(f"{one}:" + ("" if found else " no check has failed on it."))
                _lines([message for (message,) in found])
        desk.agreed(yes, f"Publish {', '.join(release_ids)}?")
        for one in release_ids:
            done = switch.let_through(one, reason=reason.strip(), person=who.name)
            note(
                f"{one} is published, with edition {done.edition_id}."
                if done.changed
                else f"{one}: your reason was recorded. The current edition is still {done.edition_id}."
            )


def rollback(which: str | None, reason: str, user: str | None, yes: bool) -> None:
    """Shows what changes, asks, and moves every pointer back to where an edition has it.

    Raises:
        Refused: no right to, no reason, no such edition, or not confirmed.
    """
    who = approver(user, reason)
    with embedded.stores(), desk.told():
        with warehouse.connect() as connection:
            target = editions.find(connection, which)
            left = editions.current(connection)
            wanted, stands = editions.contents(connection, target), editions.standing(connection)
        changes = [
            f"{' '.join(pair)}: {stands.get(pair, 'nothing')} to {wanted.get(pair, 'nothing')}"
            for pair in sorted(stands.keys() | wanted.keys())
            if stands.get(pair) != wanted.get(pair)
        ]
        note(f"Back to {target}: {len(changes)} of {len(stands)} releases change.")
        _lines(changes)
        desk.agreed(yes, f"Roll back to {target}?")
        with warehouse.connect() as connection:
            if editions.current(connection) != left:
                raise Refused("Another edition was published meanwhile, so nothing was done. Look again.")
            done = pointers.rollback(connection, target, reason=reason.strip(), person=who.name)
    note(
        f"Rolled back to {done.edition_id} (switch {done.number}): {done.changed} releases changed. Undo: rollback {left}"
    )


def prune(days: int, yes: bool) -> None:
    """Shows which unpublished releases are no longer needed, asks for confirmation, and deletes them.

    Raises:
        Refused: not confirmed.
    """
    with embedded.stores(), warehouse.connect() as connection:
        gone = pruning.prune(connection, days)
        if gone:
            _lines(gone)
            desk.agreed(yes, f"Delete {len(gone)} releases that were never published?")
    note(f"{len(gone)} releases were deleted.")


def approver(user: str | None, reason: str) -> desk.Asker:
    """The person who asks, who may approve, and has said why.

    Raises:
        Refused: no right to, or no reason.
    """
    if not reason.strip():
        raise Refused("A reason is missing. Say why, in a sentence that will still be understood next year.")
    who = desk.sign_in(user)
    if not who.may_approve:
        raise Refused(f"{who.name} may not publish or roll back. Ask an approver.")
    return who


def _lines(texts: list[str]) -> None:
    for text in texts[:SHOWN]:
        note(f"  {text}")
    if len(texts) > SHOWN:
        note(f"  and {len(texts) - SHOWN} more")

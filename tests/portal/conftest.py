"""A room over a fresh warehouse with returns of two trusts, each with a contact."""

import pytest
import served_room
from served_room import ANN, BOB, Person


@pytest.fixture(scope="module")
def room(shared_world):
    """The address of a running room with two contacts."""
    served_room.add_contacts()
    with served_room.served() as url:
        yield url


@pytest.fixture(scope="module")
def ann(room):
    """The contact of RA9, signed in."""
    with Person(room, ANN) as person:
        yield person


@pytest.fixture(scope="module")
def bob(room):
    """The contact of RX4, signed in."""
    with Person(room, BOB) as person:
        yield person


@pytest.fixture
def stranger(room):
    """Somebody who is not signed in."""
    with Person(room) as person:
        yield person


@pytest.fixture(scope="module")
def returns(room):
    """Ids of returns by trust and version: sound ones of two trusts that are published, and a newer one of each that is held."""
    import flow

    for number, ods in enumerate(flow.TRUSTS):
        flow.put_return(ods, "2025-05", flow.workforce(ods, "2025-05", scale=1 + number / 10))
        flow.put_return(ods, "2025-06", flow.workforce(ods, "2025-06", scale=1 + number / 10))
    flow.take_in()
    flow.release()

    def spoil(rows):
        rows[0]["headcount"] = "<b>many</b>"
        rows[1]["fte"] = "about ninety"
        del rows[-1]

    for ods in ("RA9", "RX4"):
        flow.put_return(ods, "2025-06", flow.workforce(ods, "2025-06", change=spoil), version=2)
    flow.take_in()
    query = "SELECT sender, version, submission_id FROM intake.submissions WHERE period = '2025-06'"
    return {f"{sender} v{version}": submission_id for sender, version, submission_id in flow.rows(query)}

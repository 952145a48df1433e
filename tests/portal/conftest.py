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

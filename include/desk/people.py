"""Who can sign in, so that nothing is assigned to somebody who does not exist."""

import logging

from airflow.api_fastapi.app import get_auth_manager

from ..stewardship import digest
from . import airflow_runs

log = logging.getLogger(__name__)


def names() -> list[str]:
    """The people of TB_PEOPLE and of Airflow's own users; [] where neither says who there is (sign-in by another service)."""
    try:
        found = {*(digest.names() or []), *_users()}
    except digest.People:
        log.exception("The file of TB_PEOPLE cannot be used; assignees are checked against Airflow's users only.")
        found = set(_users())
    return sorted(found, key=str.casefold)


def _users() -> list[str]:
    rights = get_auth_manager()
    if hasattr(rights, "get_users"):  # the simple auth manager
        return [user.username for user in rights.get_users()]
    if hasattr(rights, "security_manager"):  # the one of Flask AppBuilder keeps its users in Airflow's database
        return airflow_runs.users_of_app_builder()
    return []


def known_as(name: str, me: str) -> str | None:
    """A person's name as they sign in, however it was cased; None: nobody has it."""
    known = {one.strip().casefold(): one for one in [*names(), me]}
    return known.get(name.strip().casefold(), None if len(known) > 1 else name.strip() or None)

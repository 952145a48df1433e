"""Tells Airflow in its own process that a collection and period changed, and asks which runs work on it."""

import logging
from datetime import datetime
from typing import NamedTuple

from airflow.assets.manager import asset_manager
from airflow.models.asset import AssetModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import and_, or_, select, text

from ..stewardship import decisions
from . import database

log = logging.getLogger(__name__)


class Run(NamedTuple):
    """A run of a DAG."""

    dag_id: str
    state: str
    run_id: str


def users_of_app_builder() -> list[str]:
    """Names of the users that Airflow's Flask AppBuilder keeps in Airflow's database."""
    with create_session() as session:
        return [row[0] for row in session.execute(text("SELECT username FROM ab_user WHERE active"))]


def start_after(decision_id: int, person: str) -> None:
    """Asks Airflow to start at once if the pipeline has to validate a return again because of a decision."""
    with database.opened() as connection:
        one = decisions.get(connection, decision_id)
        is_queued = decisions.effect(connection, decision_id).state == "queued"
    if is_queued and one.period:
        announce(one.collection, one.period, decision_id, person)


def announce(collection: str, period: str, decision_id: int, person: str) -> bool:
    """Creates the asset event by which Airflow starts `collect_<collection>` for the period; returns whether that worked.

    It is created here and not through the REST API as the caller: a steward may not create asset events, and an API server need not
    know its own address. The decision takes effect without it: receive_inbox looks for waiting returns every 15 minutes.
    """
    try:
        with create_session() as session:
            asset = session.scalar(select(AssetModel).where(AssetModel.name == f"waiting_{collection}"))
            if asset is None:
                return False
            event = asset_manager.register_asset_change(
                asset=asset,
                partition_key=period,
                extra={"decision": decision_id, "by": person},
                source_is_api=True,
                session=session,
            )
            return event is not None
    except Exception:  # whatever Airflow's database answers, the decision stands
        log.exception("Decision %s was not announced to Airflow; receive_inbox will find it.", decision_id)
        return False


def of(collection: str, period: str, since: datetime) -> list[Run]:
    """Runs queued after a moment that collect a collection and period or refresh benchmarks, newest first; [] if Airflow fails."""
    collects = and_(DagRun.dag_id == f"collect_{collection}", DagRun.partition_key == period)
    query = (
        select(DagRun.dag_id, DagRun.state, DagRun.run_id)
        .where(or_(collects, DagRun.dag_id == "refresh_benchmarks"), DagRun.queued_at >= since)
        .order_by(DagRun.id.desc())
        .limit(10)
    )
    try:
        with create_session() as session:
            return [Run(dag_id, str(state), run_id) for dag_id, state, run_id in session.execute(query)]
    except Exception:
        log.exception("Airflow's runs of %s for %s could not be read.", collection, period)
        return []

"""What the desk tells Airflow and asks it: that a collection and period changed, and which runs work on it."""

import logging
from datetime import datetime

log = logging.getLogger(__name__)


def announce(collection: str, period: str, decision_id: int, person: str) -> bool:
    """Makes the asset event that has Airflow start `collect_<collection>` for the period; whether that worked.

    It is made here and not through the REST API as the caller: a steward whose decision holds at once may not make asset
    events of any kind, and an API server need not know the address at which it can reach itself. Without it the decision
    takes effect all the same: receive_inbox announces what waits every quarter of an hour.
    """
    try:
        from airflow.assets.manager import asset_manager
        from airflow.models.asset import AssetModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

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
    except Exception:  # whatever Airflow's database says, the decision stands
        log.exception("Decision %s was not announced to Airflow; receive_inbox will find it.", decision_id)
        return False


def of(collection: str, period: str, since: datetime) -> list[dict]:
    """Runs that began to wait after a moment and bear on a collection and period, newest first; empty if Airflow does not say.

    Returns:
        [{"dag_id", "state", "run_id"}] of collect_<collection> for this period and of refresh_benchmarks.
    """
    try:
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session
        from sqlalchemy import and_, or_, select

        mine = or_(
            and_(DagRun.dag_id == f"collect_{collection}", DagRun.partition_key == period),
            DagRun.dag_id == "refresh_benchmarks",
        )
        with create_session() as session:
            query = select(DagRun.dag_id, DagRun.state, DagRun.run_id).where(mine, DagRun.queued_at >= since)
            found = session.execute(query.order_by(DagRun.id.desc()).limit(10)).all()
            return [{"dag_id": dag_id, "state": str(state), "run_id": run_id} for dag_id, state, run_id in found]
    except Exception:
        log.exception("Airflow's runs of %s for %s could not be read.", collection, period)
        return []

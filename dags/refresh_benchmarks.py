"""Makes releases of whatever collection and period changed since its current one, checks them, and switches to them together."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    MultipleCronTriggerTimetable,
    get_current_context,
    task,
)
from dag_parts import DEFAULT_TASK_ARGUMENTS, MEASURING, REFERENCE, RELEASES, TIMEZONE
from trust_benchmarks.reference import calendar

# A task costs about a second before it computes anything, a release about as much.
BATCH = 5
# Each file that still comes in makes releases of its neighbours stale again: measure when collecting has come to rest,
# but do not wait for ever.
PATIENCE = timedelta(minutes=10)
DAILY = CronTriggerTimetable("30 6 * * *", timezone=TIMEZONE)
# Also when a window may end in which trusts see figures before they are published.
ENDS = [f"{int(time[3:])} {int(time[:2])} * * *" for time in calendar.preview_times()]
WHEN = MultipleCronTriggerTimetable("30 6 * * *", *ENDS, timezone=TIMEZONE) if ENDS else DAILY

ABOUT = """
### Refresh the benchmarks

`rest` waits until no submission is being collected, ten minutes at most; while nothing is published yet, it waits only until something
can be. `stale` lists the collections and periods whose submissions, reference data or code changed since their current release; `make`
computes a batch of releases beside the current ones, and one that fails keeps no other back. `switch` checks them and moves all pointers
in one transaction, to the next edition: a reader sees the old edition or the new one, never a mixture. A release that a check holds back
stays beside, the others go on. A release of a collection with a preview window is offered to its trusts first, and moved to when the
window has ended. `held_back` is red while a release is held back, and says what to do; the run is not failed by it. `export` then writes
every current release that has no export yet to the bucket of exports, as Parquet and CSV.

Started by every `collect_` run that has ended (several of them share one run), by new reference data, once a day, and when a preview
window may end.
With nothing stale it does nothing. Safe to run at any time, and twice.
"""

with DAG(
    "refresh_benchmarks",
    description="Release the benchmarks of every collection and period that changed",
    doc_md=ABOUT,
    schedule=AssetOrTimeSchedule(timetable=WHEN, assets=REFERENCE),
    default_args={**DEFAULT_TASK_ARGUMENTS, "priority_weight": MEASURING},
    tags=["benchmarks"],
    max_active_runs=1,
    catchup=False,
):

    @task.sensor(mode="reschedule", poke_interval=10, timeout=2 * PATIENCE.total_seconds())
    def rest() -> bool:
        """Whether collecting has come to rest, went on for too long to wait for, or has given the first figures of all."""
        from trust_benchmarks.ingest import waiting
        from trust_benchmarks.releases import candidates

        began = get_current_context()["dag_run"].start_date
        is_late = began is not None and datetime.now(UTC) - began > PATIENCE
        return is_late or waiting.none_is_in_work() or candidates.first_can_be_made()

    @task(pool="warehouse")
    def stale() -> list[list[list[str]]]:
        """What must be released anew, in batches."""
        from trust_benchmarks.releases import candidates

        changed = [list(pair) for pair in candidates.stale()]
        # Dealt out like cards: neighbours are of one collection and cost the same.
        count = -(-len(changed) // BATCH)
        return [changed[start::count] for start in range(count)]

    @task(pool="warehouse", map_index_template="{{ pairs | length }} releases")
    def make(pairs: list[list[str]]) -> int:
        """Make the releases of a batch; one that fails does not keep the others back."""
        from trust_benchmarks.releases import build

        failed = build.make_each([(collection, period) for collection, period in pairs])
        if failed:
            what = ", ".join(" ".join(pair) for pair, _ in failed)
            raise RuntimeError(f"Not made: {what}. First reason: {failed[0][1]}") from failed[0][1]
        return len(pairs)

    # Also when a batch failed: what was made is switched to.
    @task(pool="warehouse", trigger_rule="all_done")
    def switch() -> dict[str, Any]:
        """Check what was made, and move the pointers to what holds, all in one transaction."""
        from trust_benchmarks.ingest import expected_returns
        from trust_benchmarks.releases import switch

        expected_returns.schedule()
        done = switch.switch()
        return asdict(done) | {"held_back": [one.release_id for one in done.held_back]}

    # Red where somebody must look; what comes after it runs all the same, so the run is not failed.
    @task(pool="warehouse")
    def held_back(switched: dict[str, Any]) -> None:
        """Say which releases wait for a person, why, and what to do."""
        from airflow.sdk.exceptions import AirflowFailException
        from trust_benchmarks.releases import candidates
        from trust_benchmarks.stores import warehouse

        with warehouse.connect() as connection:
            waiting = candidates.held_back(connection)
        if waiting:
            raise AirflowFailException(candidates.what_to_do(waiting))

    @task(trigger_rule="none_failed", outlets=[RELEASES])
    def conclude() -> None:
        """What could be made is released: what depends on it may follow, also when a batch failed."""

    @task(trigger_rule="none_failed")
    def complete() -> None:
        """Not reached when a release could not be made, so that the run is failed and somebody looks."""

    # Also when a batch failed or nothing was stale: what an earlier run did not come to is exported now.
    @task(pool="warehouse", trigger_rule="all_done")
    def export() -> dict[str, Any]:
        """Export the current releases that have none yet; what time does not suffice for is left to the next run."""
        from trust_benchmarks.releases import export

        done = export.export_missing()
        if done["failed"]:
            raise RuntimeError(f"Not exported: {len(done['failed'])}. First: {done['failed'][0]}")
        return done

    changed = stale()
    rest() >> changed
    made = make.expand(pairs=changed)
    switched = switch()
    made >> switched
    switched >> conclude()
    [made, switched] >> complete()
    seen = held_back(switched)  # type: ignore[arg-type]  # what the task before gives
    [seen, switched] >> export()

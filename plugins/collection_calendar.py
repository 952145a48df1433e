"""When a collection runs: once for each period when it is over, and for a period whenever files of it have arrived.

Airflow's own timetables do one or the other: CronPartitionTimetable knows no assets, PartitionedAssetTimetable knows no
calendar, and neither writes a financial year. The period is the run's partition key either way, so that a scheduled
run, a run for arrivals, a run by hand and a backfill of the same period mean the same.
"""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from airflow.exceptions import InvalidPartitionKeyError
from airflow.partition_mappers.base import PartitionMapper
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import Asset
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.timetables.simple import PartitionedAssetTimetable
from airflow.timetables.trigger import CronPartitionTimetable
from trust_benchmarks.reference import calendar

# The first moment of a period; a run comes when the next one begins, which is one tick later (run_offset -1).
CRON = {"month": "0 0 1 * *", "financial_year": "0 0 1 4 *"}


class PeriodMapper(PartitionMapper):
    """An arrival's period is the run's period, and its first day is the run's partition date."""

    def to_downstream(self, key: str) -> str:
        """The run's key: the same period."""
        return key

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        """The first moment of the period, in London."""
        return _first_moment(downstream_key)


class CollectionCalendar(CronPartitionTimetable):
    """A run a period by the calendar (Europe/London), and a run for each period that `arrivals` names.

    Args:
        frequency: 'month' (keys such as '2025-06') or 'financial_year' (keys such as '2016-17', April to March).
        arrivals: the asset whose events carry the periods that have files waiting as their partition keys.
    """

    def __init__(self, *, frequency: str, arrivals: Asset) -> None:
        super().__init__(CRON[frequency], timezone="Europe/London", run_offset=-1)
        self.frequency = frequency
        self.asset_condition = PartitionedAssetTimetable(assets=arrivals).asset_condition  # type: ignore[arg-type]  # of a DAG file, too
        self.description = f"Each {frequency.replace('_', ' ')}, and whenever files have arrived"

    @property
    def summary(self) -> str:
        """What Airflow's pages show as the schedule."""
        return f"{self.frequency.replace('_', ' ')} or arrivals"

    def get_partition_mapper(self, *, name: str = "", uri: str = "") -> PartitionMapper:
        """How the key of an arrival becomes a run's: the same for every asset."""
        return PeriodMapper()

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next run by the calendar, for the period that is over then."""
        found = super().next_dagrun_info_v2(last_dagrun_info=last_dagrun_info, restriction=restriction)
        return found and self._with_period(found)

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
        """One run for each period that begins between these moments, for a backfill."""
        yield from map(self._with_period, super().iter_partition_dagrun_infos(earliest=earliest, latest=latest))

    def resolve_partition_date(self, partition_key: str | None) -> datetime | None:
        """The first moment of the period that a key names.

        Raises:
            InvalidPartitionKeyError: when it names none of this frequency.
        """
        if partition_key is None:
            return None
        try:
            if calendar.kind(partition_key) == self.frequency:
                return _first_moment(partition_key)
        except calendar.PeriodError:
            pass
        example = "2025-06" if self.frequency == "month" else "2016-17"
        raise InvalidPartitionKeyError(
            f"'{partition_key}' is no {self.frequency.replace('_', ' ')}; expected {example}."
        )

    def _with_period(self, run: DagRunInfo) -> DagRunInfo:
        assert run.partition_date is not None  # a run of a partitioned timetable has one
        local = run.partition_date.in_timezone("Europe/London")
        return run._replace(partition_key=calendar.period_of(date(local.year, local.month, local.day), self.frequency))

    def serialize(self) -> dict[str, Any]:
        """What Airflow keeps of this timetable; the asset is written as Airflow's own asset timetable writes it."""
        return {
            "frequency": self.frequency,
            "arrivals": PartitionedAssetTimetable(assets=self.asset_condition).serialize(),
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "CollectionCalendar":
        """The timetable that `serialize` wrote."""
        arrivals: Any = PartitionedAssetTimetable.deserialize(data["arrivals"]).asset_condition
        return cls(frequency=data["frequency"], arrivals=arrivals)


def _first_moment(period: str) -> datetime:
    return datetime.combine(calendar.period_start(period), time.min, calendar.LONDON)


class CollectionCalendarPlugin(AirflowPlugin):
    """Registers the timetable and its mapper."""

    name = "collection_calendar"
    timetables = [CollectionCalendar]  # noqa: RUF012 - Airflow reads a plain list
    partition_mappers = [PeriodMapper]  # noqa: RUF012

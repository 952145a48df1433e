"""When a collection runs: once for each period when it is over, and for a period whenever files of it have arrived.

Airflow's own timetables do one or the other: CronPartitionTimetable knows no assets, PartitionedAssetTimetable knows no
calendar, and neither writes a financial year. The period is the run's partition key either way, so that a scheduled
run, a run for arrivals, a run by hand and a backfill of the same period mean the same.
"""

from datetime import date, datetime, time

from airflow.exceptions import InvalidPartitionKeyError
from airflow.partition_mappers.base import PartitionMapper
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.definitions.asset import BaseAsset
from airflow.serialization.decoders import decode_asset_like
from airflow.serialization.encoders import encode_asset_like, ensure_serialized_asset
from airflow.timetables.trigger import CronPartitionTimetable
from trust_benchmarks.reference import calendar

# The first moment of a period; a run comes when the next one begins, which is one tick later (run_offset -1).
CRON = {"month": "0 0 1 * *", "financial_year": "0 0 1 4 *"}


class PeriodMapper(PartitionMapper):
    """An arrival's period is the run's period, and its first day is the run's partition date."""

    def to_downstream(self, key: str) -> str:
        return key

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        return _first_moment(downstream_key)


class CollectionCalendar(CronPartitionTimetable):
    """A run a period by the calendar (Europe/London), and a run for each period that `arrivals` names.

    Args:
        frequency: 'month' (keys such as '2025-06') or 'financial_year' (keys such as '2016-17', April to March).
        arrivals: the asset whose events carry the periods that have files waiting as their partition keys.
    """

    def __init__(self, *, frequency: str, arrivals: BaseAsset) -> None:
        super().__init__(CRON[frequency], timezone="Europe/London", run_offset=-1, key_format="%Y-%m")
        self.frequency = frequency
        self.asset_condition = ensure_serialized_asset(arrivals)
        self.description = f"Each {frequency.replace('_', ' ')}, and whenever files have arrived"

    @property
    def summary(self) -> str:
        return f"{self.frequency.replace('_', ' ')} or arrivals"

    def get_partition_mapper(self, *, name: str = "", uri: str = "") -> PartitionMapper:
        return PeriodMapper()

    def _format_key(self, partition_date) -> str:
        local = partition_date.in_timezone(self._timezone)
        return calendar.period_of(date(local.year, local.month, local.day), self.frequency)

    def _decode_partition_date(self, partition_key: str) -> datetime:
        try:
            if self.frequency == "month" or calendar.kind(partition_key) == self.frequency:
                return _first_moment(partition_key)
        except calendar.PeriodError:
            pass
        example = "2025-06" if self.frequency == "month" else "2016-17"
        raise InvalidPartitionKeyError(
            f"'{partition_key}' is no {self.frequency.replace('_', ' ')}; expected {example}."
        )

    def serialize(self) -> dict:
        return {"frequency": self.frequency, "arrivals": encode_asset_like(self.asset_condition)}

    @classmethod
    def deserialize(cls, data: dict) -> "CollectionCalendar":
        return cls(frequency=data["frequency"], arrivals=decode_asset_like(data["arrivals"]))


def _first_moment(period: str) -> datetime:
    return datetime.combine(calendar.period_start(period), time.min, calendar.LONDON)


class CollectionCalendarPlugin(AirflowPlugin):
    name = "collection_calendar"
    timetables = [CollectionCalendar]  # noqa: RUF012 - Airflow reads a plain list
    partition_mappers = [PeriodMapper]  # noqa: RUF012

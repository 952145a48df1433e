"""Asks the timetable of plugins/ what it would do and prints the answers as JSON (run by test_calendar.py)."""

import json
import sys
from datetime import UTC, datetime

import pendulum

sys.path.append(sys.argv[1])

from airflow.exceptions import InvalidPartitionKeyError
from airflow.sdk import Asset
from airflow.serialization.decoders import decode_partition_mapper, decode_timetable
from airflow.serialization.encoders import encode_partition_mapper, encode_timetable
from airflow.timetables.base import TimeRestriction
from collection_calendar import CollectionCalendar


def keys(timetable, start: str, count: int) -> list[list[str]]:
    """The first scheduled runs from a day on: when, and for which period."""
    found, last = [], None
    restriction = TimeRestriction(earliest=pendulum.parse(start), latest=None, catchup=True)
    for _ in range(count):
        last = timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)
        found.append([last.run_after.in_timezone("Europe/London").isoformat(), last.partition_key])
    return found


def refused(timetable, key: str) -> str:
    try:
        timetable.resolve_partition_date(key)
    except InvalidPartitionKeyError as problem:
        return str(problem)
    return ""


facts = {}
for frequency in ("month", "financial_year"):
    there = json.loads(
        json.dumps(encode_timetable(CollectionCalendar(frequency=frequency, arrivals=Asset("waiting_x"))))
    )
    timetable = decode_timetable(there)
    mapper = decode_partition_mapper(
        json.loads(json.dumps(encode_partition_mapper(timetable.get_partition_mapper(name="waiting_x"))))
    )
    key = "2025-06" if frequency == "month" else "2016-17"
    backfill = timetable.iter_partition_dagrun_infos(
        earliest=datetime(2016, 3, 1, tzinfo=UTC), latest=datetime(2017, 4, 30, tzinfo=UTC)
    )
    facts[frequency] = {
        "scheduled": keys(timetable, "2026-02-15T00:00:00+00:00", 3),
        "backfilled": [info.partition_key for info in backfill],
        "by_hand": timetable.resolve_partition_date(key).isoformat(),
        "by_arrival": mapper.to_partition_date(key).isoformat(),
        "same_key": mapper.to_downstream(key),
        "refused": {wrong: refused(timetable, wrong) for wrong in ("2025-13", "June", "2016-18")},
        "backfills": timetable.periodic,
    }
print("\nFACTS " + json.dumps(facts))

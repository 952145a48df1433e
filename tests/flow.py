"""What tests of the pipeline share: made-up returns, the whole way of the data without Airflow, and what came of it."""

import contextlib
import csv
import dataclasses
import io
import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator

import psycopg
import structlog
from psycopg import sql as pgsql
from trust_benchmarks import catalogue
from trust_benchmarks.ingest import receive, waiting
from trust_benchmarks.reading.read import read
from trust_benchmarks.records.validate_and_record import validate_and_record
from trust_benchmarks.releases import build, candidates, pointers, switch
from trust_benchmarks.schemas import workforce as workforce_schema
from trust_benchmarks.sql import published
from trust_benchmarks.stores import cache, objects, settings, warehouse
from trust_benchmarks.timeline import refresh as timeline
from trust_benchmarks.validation import validate, versions

TRUSTS = ("RA9", "RHA", "RNU", "RP7", "RQY", "RT5", "RTQ", "RX4")
DAYS = {"01": 31, "02": 28, "03": 31, "04": 30, "05": 31, "06": 30, "07": 31, "08": 31}


def checked(content: bytes, file_name: str, collection: str) -> validate.Outcome:
    """What would happen to a file: the same reading and the same rules, and no services."""
    return validate.validate(read(content, file_name, collection))


def workforce_rows(ods="RA9", period="2025-06", scale=1.0) -> list[dict[str, str]]:
    """Ten rows that nothing is wrong with, a row a staff group, texts by field."""
    days, rows = DAYS[period[-2:]], []
    for number, group in enumerate(workforce_schema.STAFF_GROUPS):
        people = int((100 + 10 * number) * scale)
        fte = round(0.9 * people, 2)
        row = dict.fromkeys(workforce_schema.Row.to_schema().columns, "")
        row |= {"ods_code": ods, "period": period, "staff_group": group, "headcount": people, "fte": fte}
        row |= {"role_count": people + 1, "establishment_fte": people, "joiners_hc": 2, "leavers_hc": 1}
        row |= {"fte_days_available": round(fte * days, 2), "fte_days_lost": round(fte * days * 0.05, 2)}
        row |= {"bank_fte": 1.5, "agency_fte": 0.5, "substantive_pay_gbp": round(fte * 3500, 2)}
        row |= {"bank_pay_gbp": 4000, "agency_pay_gbp": 2500.5}
        rows.append({name: str(value) for name, value in row.items()})
    return rows


def text(rows: list[dict[str, str]]) -> bytes:
    """Rows as a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def workforce(ods="RA9", period="2025-06", scale=1.0, change=lambda rows: None) -> bytes:
    """A sound workforce return, after `change` was made to its rows."""
    rows = workforce_rows(ods, period, scale)
    change(rows)
    return text(rows)


def put(key: str, content: bytes, arrived: str | None = None, sample: bool = False) -> None:
    """Puts a file into the inbox."""
    metadata = {"sample": "true"} if sample or arrived else {}
    metadata |= {"arrived-at": arrived} if arrived else {}
    objects.client().put_object(Bucket=settings.load().inbox, Key=key, Body=content, Metadata=metadata)


def put_return(ods, period, content, version=1, name="workforce") -> None:
    """Puts a return of a trust into the inbox under the name that returns have."""
    put(f"{name}/{name}_{ods}_{period}_v{version}.csv", content)


def take_in() -> dict:
    """Receives what is in the inbox and processes what waits; what both said."""
    said = receive.receive()
    done = {}
    for collection, period in said["waiting"]:
        for batch in waiting.batches(collection, period):
            for state, count in validate_and_record(batch).items():
                done[state] = done.get(state, 0) + count
    return {"received": said["received"], "again": said["again"]} | {k: v for k, v in done.items() if v}


def release() -> list[tuple[str, str]]:
    """Publishes all that is stale and refreshes the timeline; which (collection, period) were published."""
    pairs = candidates.stale()
    for collection, period in pairs:
        build.make(collection, period)
    switch.switch()
    timeline.refresh()
    return pairs


@contextlib.contextmanager
def preview_declared() -> Iterator[None]:
    """The workforce return has a preview window of five working days meanwhile."""
    before = catalogue.load("workforce")
    catalogue.all()["workforce"] = dataclasses.replace(before, preview={"working_days": 5, "at": "09:30"})
    try:
        yield
    finally:
        catalogue.all()["workforce"] = before


def offer(period: str, trusts=("RA9", "RX4")) -> int:
    """Has trusts send a period whose figures they see before they are published; the number of the offer."""
    for number, ods in enumerate(trusts):
        put_return(ods, period, workforce(ods, period, scale=1.2 + number / 10))
    take_in()
    with preview_declared():
        made = build.make("workforce", period)
        done = switch.switch([("workforce", period)])
    number = value("SELECT max(preview_id) FROM core.preview WHERE period = %s", [period])
    assert number, f"not offered: {made}, {done}"
    return number


def know(connection: psycopg.Connection, collection: str) -> None:
    """Makes a collection that is not in the catalogue known to the ledger."""
    connection.execute(
        "INSERT INTO core.collection (collection, title, frequency, kind) VALUES (%s, %s, 'month', 'each_trust') ON CONFLICT DO NOTHING",
        [collection, collection],
    )


def point(connection: psycopg.Connection, collection: str, period: str, release_id: str) -> None:
    """Moves one pointer to a release, whatever it is and without checks, as an edition of its own."""
    pointers.move(connection, {(collection, period): release_id})


def as_owner():
    """A connection of the warehouse's owner, for what nobody else may do."""
    return warehouse.connect(warehouse.OWNER)


def as_desk():
    """A connection of the desk, which decides."""
    return warehouse.connect("steward_desk")


def rows(query: str, parameters=None) -> list[tuple]:
    """What a query of the warehouse gives."""
    with warehouse.connect() as connection:
        return connection.execute(query, parameters).fetchall()


def value(query: str, parameters=None):
    """The one value that a query gives."""
    ((found,),) = rows(query, parameters)
    return found


@contextlib.contextmanager
def logged() -> Iterator[list[dict]]:
    """What is logged in the block, a dictionary a line."""
    before = structlog.is_configured()
    try:
        with structlog.testing.capture_logs() as lines:
            yield lines
    finally:
        if not before:
            structlog.reset_defaults()


def published_views() -> dict[str, published.View]:
    """What the warehouse says about each view of schema published."""
    with warehouse.connect() as connection:
        return published.views_by_name(connection)


# Where the pointers have been on the way, for a run that was killed in between may have published something on that way; and what was done
# with contacts, of which `make run` adds two.
HISTORIES = ("release_history", "movements", "editions", "revisions", "release_checks", "room_actions")
COUNTED = {"revision"}  # columns that count what was on the way
PLACE = {
    "records_key",
    "records_bytes",
    "records_together",
}  # which submissions were recorded together differs after a kill


def snapshot(*schemas: str) -> dict[str, list[str]]:
    """Every view of these schemas (published and intake if none is named) but histories: its rows without their times, sorted."""
    found = {}
    with warehouse.connect() as connection:
        views = connection.execute(
            """SELECT table_schema, table_name, array_agg(column_name::text ORDER BY ordinal_position)
               FILTER (WHERE data_type <> 'timestamp with time zone') FROM information_schema.columns
               WHERE table_schema = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2""",
            [list(schemas) or ["intake", "published"]],
        ).fetchall()
        for schema, view, columns in views:
            if view in HISTORIES:
                continue
            query = pgsql.SQL("SELECT {} FROM {}.{}").format(
                pgsql.SQL(", ").join(pgsql.Identifier(column) for column in columns if column not in COUNTED | PLACE),
                pgsql.Identifier(schema),
                pgsql.Identifier(view),
            )
            found[f"{schema}.{view}"] = sorted(map(repr, connection.execute(query)))
    return found


def differences(one: dict, other: dict) -> dict[str, list[str]]:
    """Views whose rows differ, with the first rows that only one of the two snapshots has."""
    assert one.keys() == other.keys()
    return {
        view: sorted(set(one[view]) ^ set(other[view]))[:4] or ["(counts)"] for view in one if one[view] != other[view]
    }


def connect_as(role: str, variable: str) -> psycopg.Connection:
    """A connection to the warehouse as one of its readers."""
    url = settings.load().warehouse_url
    host = url.rpartition("@")[2]
    return psycopg.connect(f"postgresql://{role}:{os.environ[variable]}@{host}")


# Other processes: forked from one that has imported everything, because importing takes longer than the work ---------

# The code's versions are part of releases and validations; all processes of a session name the same ones.
versions.version("workforce")
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["flow", "uvicorn", "trust_benchmarks.portal.app", "trust_benchmarks.messages.occasions"])


def start(world: dict[str, str], work, *given) -> multiprocessing.Process:
    """A process of its own that does `work(*given)` in this world."""
    process = SPAWN.Process(target=_within, args=(world, work, given))
    process.start()
    return process


def _within(world, work, given):
    os.environ.update(world)
    work(*given)


def whole_run(kill_at: int | None = None, steps=None, begin=None) -> None:
    """Takes in and publishes all; kills itself before its `kill_at`-th word with a store, or counts them into `steps`."""
    said = count_steps(kill_at)
    if begin is not None:
        begin.wait()
    take_in()
    release()
    if steps is not None:
        steps.value = next(said)


def _kill_this() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count_steps(kill_at: int | None, kill=_kill_this):
    """Counts every word with PostgreSQL and the object store; next() of what is returned is the number so far, plus one.

    Args:
        kill_at: before this word something is killed.
        kill: kills it: this process, if nothing else is said.
    """
    counter = itertools.count(1)

    def counted(original):
        def call(*given, **named):
            if next(counter) == kill_at:
                kill()
            return original(*given, **named)

        return call

    for owner, name in (
        (psycopg.Connection, "execute"),
        (psycopg.Connection, "commit"),
        (psycopg.Cursor, "copy"),
        (objects, "get"),
        (objects, "look"),
        (objects, "put_once"),
        (cache, "keep"),
        (cache, "keep_written"),
    ):
        setattr(owner, name, counted(getattr(owner, name)))
    return counter

"""The files of a sample: every return with its name, its bytes, when it arrives, and what was planted in it."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trust_benchmarks.reference import calendar
from trust_benchmarks.reference.tables import Tables

from . import drug_tariff, e_rostering, estates, procurement_prices, sickness_absence, spoil, workforce
from .plants import COLLECTIONS, Placed, place
from .spoil import Case, Mark
from .tables import Table, from_csv, to_csv, to_gzip, to_xlsx
from .world import Organisation, World, last_day, months, organisations

WORKBOOK_EVERY = 9  # every ninth workforce return is a workbook


@dataclass(frozen=True)
class File:
    """One file of the sample.

    Attributes:
        content: None for a return that was never sent.
        rows: data rows as generated.
    """

    collection: str
    name: str
    content: bytes | None
    arrives: dt.datetime | None
    rows: int
    marks: tuple[Mark, ...] = ()
    sheet: str = ""

    @property
    def path(self) -> Path:
        """Its place in the sample's folder."""
        return Path(self.collection) / self.name


@dataclass(frozen=True)
class Plan:
    """A sample before its bytes: the world, and which plant stands where."""

    world: World
    reference: Tables
    placed: tuple[Placed, ...]
    faults: bool


def plan(
    seed: int, providers: int | None, first_period: str, periods: int, lines: int, faults: bool, reference: Tables
) -> Plan:
    """Decides everything about a sample but its bytes."""
    if periods < 1 or lines < 12 or (providers is not None and providers < 1):
        raise ValueError("A sample needs at least 1 provider, 1 period and 12 lines: ask for more.")
    span = months(first_period, periods)
    world = World(seed, organisations(reference, providers, span, seed), span, lines)
    if not faults:
        return Plan(world, reference, (), False)
    world, placed = place(world, reference)
    return Plan(world, reference, placed, True)


def name(collection: str, code: str, period: str, version: int = 1, ending: str = "csv") -> str:
    """The name of a trust's return; every sample file starts with `sample_`."""
    return f"sample_{collection}_{code}_{period}_v{version}.{ending}"


def files(of: Plan) -> Iterator[File]:
    """Every file of a sample, one by one."""
    yield from national(of)
    placed = {(p.plant.collection, p.code, p.period): p for p in of.placed}
    gaps = {(p.plant.collection, p.code, calendar.previous_period(p.period)) for p in of.placed if p.plant.gap}
    # A file that is sent again under another month's name must have the same bytes, so its month is CSV, too.
    copied = {(p.code, calendar.previous_period(p.period)) for p in of.placed if p.plant.send == "copy"}
    for n, org in enumerate(of.world.organisations):
        for m, period in enumerate(of.world.periods):
            if period not in org.periods:
                continue
            for collection in COLLECTIONS:
                key = (collection, org.code, period)
                if key in gaps:
                    yield _never(collection, org.code, period)
                elif key in placed:
                    yield from _planted(of, placed[key], org)
                else:
                    book = collection == "workforce" and (n * len(of.world.periods) + m) % WORKBOOK_EVERY == 4
                    book = book and (org.code, period) not in copied
                    content, rows = clean(of.world, org, collection, period, "xlsx" if book else "csv")
                    file_name = name(collection, org.code, period, 1, "xlsx" if book else "csv")
                    yield File(collection, file_name, content, arrives(of.world, collection, org.code, period), rows)


def clean(world: World, org: Organisation, collection: str, period: str, ending: str = "csv") -> tuple[bytes, int]:
    """The clean return of a provider: bytes and number of rows."""
    if collection == "procurement_prices":
        frame = procurement_prices.frame(world, org, period)
        return frame.write_csv().encode("utf-8"), frame.height
    table = _table(world, org, collection, period)
    return (to_xlsx if ending == "xlsx" else to_csv)(table), len(table.rows)


def _table(world: World, org: Organisation, collection: str, period: str) -> Table:
    if collection == "procurement_prices":
        return from_csv(procurement_prices.content(world, org, period))
    made = workforce.tables(world, org) if collection == "workforce" else e_rostering.tables(world, org)
    return made[period].copy()


def _never(collection: str, code: str, period: str) -> File:
    return File(collection, name(collection, code, period), None, None, 0, (Mark("", note="never sent"),))


def _planted(of: Plan, placed: Placed, org: Organisation) -> Iterator[File]:
    plant, period, world = placed.plant, placed.period, of.world
    collection, send = plant.collection, plant.send
    on_time = arrives(world, collection, org.code, period)
    if send in ("again", "mended", "worse"):  # early enough for the second version to be on time, too
        on_time = min(on_time, _due(collection, period) - dt.timedelta(days=2))
    if send == "missing":
        yield _never(collection, org.code, period)
        return
    if send == "copy":
        before = calendar.previous_period(period)
        content, rows = clean(world, org, collection, before)
        note = f"the file of {before} under the name of {period}"
        yield File(collection, name(collection, org.code, period), content, on_time, rows,
                   (Mark("SUB03", note=note), Mark("FIL-PERIOD", note=note)))  # fmt: skip
        return
    case = Case(world, of.reference, org, period, _table(world, org, collection, period), plant.ending, org.code)
    sound = case.bytes()
    plant.spoil(case)
    rows = len(case.table.rows)
    if send == "late":
        when = _due(collection, period) + dt.timedelta(days=2, hours=3)
        case.mark("SUB01", note="arrived after the deadline and before the close")
        yield _file(case, collection, 1, sound, when, rows)
    elif send == "closed":
        when = _moment(calendar.closes(collection, period)) + dt.timedelta(days=3, hours=2)
        case.mark("SUB02", note="arrived after the close")
        yield _file(case, collection, 1, sound, when, rows)
    elif send == "again":
        case.mark("SUB03", note="the same bytes as v1")
        first = File(collection, name(collection, org.code, period), sound, on_time, rows)
        yield first
        yield _file(case, collection, 2, sound, on_time + dt.timedelta(hours=5), rows)
    elif send == "worse":
        yield File(collection, name(collection, org.code, period), sound, on_time, rows + 1)
        yield _file(case, collection, 2, case.bytes(), on_time + dt.timedelta(days=1), rows)
    else:
        yield _file(case, collection, 1, case.bytes(), on_time, rows)
        if send == "mended":
            yield File(collection, name(collection, org.code, period, 2), sound, on_time + dt.timedelta(days=1), rows)


def _file(case: Case, collection: str, version: int, content: bytes, when: dt.datetime, rows: int) -> File:
    named = name(collection, case.code, case.period, version, case.ending)
    return File(collection, named, content, when, rows, tuple(case.marks), case.sheet)


def mended(of: Plan) -> Iterator[File]:
    """Sound second versions of the returns whose plants can be mended, and of the national files."""
    by_code = {org.code: org for org in of.world.organisations}
    for placed in of.placed:
        plant = placed.plant
        if not plant.mend:
            continue
        content, rows = clean(of.world, by_code[placed.code], plant.collection, placed.period, plant.ending)
        # What was sent under a wrong code was no version of this trust's return.
        version = 1 if plant.spoil in (spoil.closed_trust, spoil.unknown_trust) else 2
        named = name(plant.collection, placed.code, placed.period, version, plant.ending)
        when = arrives(of.world, plant.collection, placed.code, placed.period) + dt.timedelta(days=2)
        yield File(plant.collection, named, content, when, rows)
    for file in national(of):
        if file.marks and file.arrives:
            sound = next(f for f in national(_without_faults(of)) if f.name == file.name)
            stem, dot, endings = sound.name.partition(".")
            yield File(
                sound.collection,
                f"{stem}_v2{dot}{endings}",
                sound.content,
                file.arrives + dt.timedelta(days=20),
                sound.rows,
            )


def _without_faults(of: Plan) -> Plan:
    return Plan(of.world, of.reference, (), False)


def national(of: Plan) -> Iterator[File]:
    """The national files: estates by financial year, sickness and price lists by month."""
    spoiled = of.world.periods[-2] if of.faults and len(of.world.periods) > 1 else None
    for year in estate_years(of.world.periods):
        table = estates.table(of.world, year)
        last = year == estate_years(of.world.periods)[-1]
        published = dt.datetime(int(year[:4]) + 1, 10, 15, 9, 30, tzinfo=calendar.LONDON)
        yield _national(
            of,
            "estates",
            f"sample_estates_{year}.csv",
            table,
            year,
            published,
            spoil.estates_rows if of.faults and last else None,
        )
    for period in of.world.periods:
        end = last_day(period)
        table = sickness_absence.table(of.world, of.reference, period)
        published = dt.datetime(end.year, end.month, end.day, 9, 30, tzinfo=calendar.LONDON) + dt.timedelta(days=88)
        yield _national(
            of,
            "sickness_absence",
            f"sample_sickness_absence_{period}.csv",
            table,
            period,
            published,
            spoil.sickness_rows if period == spoiled else None,
        )
        published = dt.datetime(end.year, end.month, 1, 8, 0, tzinfo=calendar.LONDON) - dt.timedelta(days=4)
        for part in drug_tariff.PARTS:
            table = drug_tariff.table(of.world, part, period)
            ending = "csv.gz" if part == "ix" else "csv"
            wrong = spoil.tariff_rows if period == spoiled and part == "viii_a" else None
            yield _national(
                of, "drug_tariff", f"sample_drug_tariff_{part}_{period}.{ending}", table, period, published, wrong
            )


def estate_years(periods: tuple[str, ...]) -> list[str]:
    """The financial year that the middle of the sample lies in, and the one before it."""
    middle = periods[len(periods) // 2]
    year = int(middle[:4]) - (int(middle[5:]) < 4)
    return [f"{y}-{(y + 1) % 100:02d}" for y in (year - 1, year)]


def _national(
    of: Plan,
    collection: str,
    file: str,
    table: Table,
    period: str,
    published: dt.datetime,
    wrong: Callable[[Case], None] | None,
) -> File:
    case = Case(of.world, of.reference, None, period, table)
    if wrong:
        wrong(case)
    content = case.bytes()
    if file.endswith(".gz"):
        content = to_gzip(content)
    return File(collection, file, content, published, len(table.rows), tuple(case.marks))


def arrives(world: World, collection: str, code: str, period: str) -> dt.datetime:
    """When an ordinary return arrives: some hours to some days before the deadline."""
    rng = world.rng("arrival", collection, code, period)
    early = dt.timedelta(minutes=int(rng.integers(45, 6 * 24 * 60)))
    opened = dt.datetime.combine(last_day(period) + dt.timedelta(days=1), dt.time(7), calendar.LONDON)
    return max(_due(collection, period) - early, opened + dt.timedelta(minutes=int(rng.integers(0, 600))))


def _due(collection: str, period: str) -> dt.datetime:
    return _moment(calendar.due(collection, period))


def _moment(moment: dt.datetime | None) -> dt.datetime:
    assert moment is not None, "A return that is made up has a deadline and a close."
    return moment

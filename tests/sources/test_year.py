"""Seven national collections through a year of releases with every fault between: each month once, each correction as a version."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import flow
import made
import publisher
import pytest
from nation import SERIES, STATISTICS, TARIFF, Nation, before
from sizes import FULL
from trust_benchmarks import catalogue
from trust_benchmarks.sources import declared, due, fetch
from trust_benchmarks.stores import objects, settings

MONTHS = [before("2026-12", back) for back in range(13, 0, -1)]  # 2025-11 to 2026-11, when somebody looks
MONTHS = MONTHS[:-1] if FULL else MONTHS[:1]


class Year:
    """The publishers' year: what each publishes in a month, and the fault that is played in it."""

    def __init__(self, nation):
        self.nation, self.faults = nation, {}

    def publish(self, month):
        """Everything that comes out about the 28th of a month."""
        nation, ahead = self.nation, before(month, -1)
        nation.put_tariff("viii_a", ahead, made.tariff_viii_a(ahead))
        nation.put_tariff("ix", ahead, made.tariff_ix(ahead))
        if ahead[5:] in ("01", "04", "07", "10"):
            nation.put_tariff("cat_m", ahead, made.tariff_cat_m(ahead))
        nation.put_scmd("PROVISIONAL", before(month, 2))
        nation.put_sickness(before(month, 4), made.sickness(before(month, 4)))
        nation.put_turnover(before(month, 4))
        if month[5:] == "10":
            year = int(month[:4])
            nation.put_eric(f"{year - 1}-{year % 100:02d}")

    def correct(self, month):
        """What is put right in the middle of a month, each in another of the four ways."""
        nation, at = self.nation, MONTHS.index(month)
        seed = at + 1
        if at % 4 == 0:  # the same address, another file
            period = before(month, 4 + 1)
            if period in {one[2] for one in nation.truth if one[0] == "sickness_absence"}:
                nation.put_sickness(period, made.sickness(period, seed=seed))
            nation.put_tariff("ix", month, made.tariff_ix(month, seed=seed))
        elif at % 4 == 1:  # a second link in a newer folder
            nation.put_tariff(
                "viii_a",
                month,
                made.tariff_viii_a(month, seed=seed),
                folder=month,
                name=f"Part VIIIA {month} updated_0.csv",
            )
        elif at % 4 == 2:  # a new date on the portal
            nation.put_scmd("PROVISIONAL", before(month, 3), seed=seed, modified=f"{month}-15T10:00:00")
        else:  # a final edition of the months before; a provisional one that comes the month after counts no more
            for back in (5, 4):
                nation.put_scmd("FINAL", before(month, back), seed=seed)
        if at and at % 4 == 0:
            modified = f"{month}-16T10:00:00"
            nation.put_scmd("PROVISIONAL", before(month, 6), seed=seed + 50, modified=modified, counts=False)

    def fault(self, month):
        """Something that goes wrong for some days: (source, outcome, what to put over it)."""
        nation, at = self.nation, MONTHS.index(month)
        page_viii, series = f"{TARIFF}/drug-tariff-part-viii", f"{STATISTICS}/{SERIES['sickness_absence']}"
        package = "/api/3/action/package_show"
        changed = publisher.page("<html><a href='/elsewhere'>New site</a></html>")
        return [
            ("drug_tariff/viii_a", "refused", nation.tariff, page_viii, publisher.status(403)),
            ("sickness_absence/monthly", "page_changed", nation.series, series, changed),
            ("medicines_stock/provisional", "unreachable", nation.portal.host, package, publisher.status(500)),
            ("drug_tariff/ix", "moved", nation.tariff, f"{TARIFF}/drug-tariff-part-ix", publisher.status(404)),
            ("staff_turnover/monthly", "unreachable", nation.series, f"{STATISTICS}/{SERIES['staff_turnover']}", publisher.status(429)),
            ("medicines_stock/provisional", "page_changed", nation.portal.host, package, changed),
            ("drug_tariff/viii_a", "moved", nation.tariff, page_viii, publisher.redirect("https://192.168.0.1/")),
            ("sickness_absence/monthly", "moved", nation.series, series, publisher.status(410)),
            ("drug_tariff/cat_m", "page_changed", nation.tariff, page_viii, publisher.as_json({"success": True, "result": {}})),
            ("medicines_stock/provisional", "moved", nation.portal.host, package, publisher.as_json({"success": False})),
            ("drug_tariff/ix", "unreachable", nation.tariff, f"{TARIFF}/drug-tariff-part-ix", publisher.cut_chunked(b"<html>")),
            ("staff_turnover/monthly", "refused", nation.series, f"{STATISTICS}/{SERIES['staff_turnover']}", publisher.status(451)),
        ][at % 12]  # fmt: skip

    def broken_file(self, month):
        """A file that is broken when it comes out, and mended days later: (source, outcome, how to break it)."""
        nation, ahead, at = self.nation, before(month, -1), MONTHS.index(month)
        path = nation.put_tariff("viii_a", ahead, b"", counts=False, plan=publisher.status(404))
        said = [
            ("broken", publisher.page("<html><body>Error</body></html>")),
            ("broken", publisher.serve(made.tariff_viii_a(month))),
            ("broken", publisher.status(404)),
            ("refused", publisher.status(403)),
            ("unreachable", publisher.cut(made.tariff_viii_a(ahead), 300)),
            ("broken", publisher.serve(b"")),
            ("moved", publisher.redirect("https://169.254.1.1/")),
        ][at % 7]  # fmt: skip
        nation.tariff.plans[path] = said[1]
        return said[0]


@pytest.fixture
def year(world, playing):
    year = Year(Nation(playing))
    for period in ("2024-01", "2024-02", "2024-03"):
        year.nation.put_oaps(period)
    year.nation.put_eric("2023-24")
    for month in (before(MONTHS[0], 2), before(MONTHS[0], 1)):
        year.publish(month)
    year.nation.portal.put(
        "finalised-secondary-care-medicines-data-scmd-with-indicative-price", "SCMD_FINAL_201803", b"before the first"
    )
    return year


def look_at_all(day, seen):
    """One day's looks, by the publishers' calendars."""
    for key in due.due(day):
        found = fetch.look(key, now=day)
        seen[key].append(found.outcome)


def at(month, day):
    return datetime(int(month[:4]), int(month[5:]), day, 11, tzinfo=UTC)


def in_inbox():
    """(collection, part, period) -> contents in the order of their numbers."""
    found = defaultdict(dict)
    rows = flow.rows("SELECT collection, part, period, inbox_key FROM intake.source_files WHERE inbox_key IS NOT NULL")
    for collection, part, period, key in rows:
        found[collection, part, period][int(key.rpartition("_v")[2].split("_")[0])] = key
    return {
        name: [objects.get(settings.load().inbox, keys[n])[0] for n in sorted(keys)] for name, keys in found.items()
    }


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_year_of_releases(year):
    seen, nation = defaultdict(list), year.nation
    look_at_all(at(MONTHS[0], 1), seen)
    for month in MONTHS:
        year.correct(month)
        look_at_all(at(month, 17), seen)
        look_at_all(at(month, 18), seen)

        key, outcome, host, path, plan = year.fault(month)
        before_it, host.plans[path] = host.plans[path], plan
        seen[key].clear()
        look_at_all(at(month, 21), seen)
        host.plans[path] = before_it
        assert seen[key] == [outcome], (month, key)

        broken = year.broken_file(month)
        seen["drug_tariff/viii_a"].clear()
        look_at_all(at(month, 27), seen)
        assert seen["drug_tariff/viii_a"] == [broken], month
        year.publish(month)
        look_at_all(at(month, 28) + timedelta(hours=1), seen)
        look_at_all(at(month, 28) + timedelta(days=1, hours=2) - timedelta(hours=2 if month[5:] == "02" else 0), seen)

    first = {name: declared_one.first_period for name, declared_one in catalogue.all().items()}
    got, wanted = in_inbox(), {name: said for name, said in nation.truth.items() if name[2] >= first[name[0]]}
    # What was asked for is there once and in order: each month, and each correction as its next version.
    assert {name: got[name] for name in wanted if name in got} == {name: wanted[name] for name in wanted if name in got}
    assert not set(wanted) - set(got), "a release was missed"
    assert not set(got) - set(wanted)
    keys = [one.key for one in objects.listing(settings.load().inbox)]
    assert len(keys) == sum(map(len, wanted.values()))

    # Nobody is told that anything is late, and every source was looked at.
    assert not any("late" in outcomes for outcomes in seen.values())
    assert set(seen) == {one.key for one in declared.fetched()}

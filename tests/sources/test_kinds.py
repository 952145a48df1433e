"""Kinds url and s3, and what a source.toml may say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import flow
import pytest
from publisher import serve
from trust_benchmarks import catalogue
from trust_benchmarks.sources import declared, fetch, settings
from trust_benchmarks.sources.offers import periods_in
from trust_benchmarks.stores import objects
from trust_benchmarks.stores import settings as stores

NOW = datetime(2026, 9, 29, 10, tzinfo=UTC)


@pytest.fixture
def source(monkeypatch):
    """A function that declares a source of sickness absence for a test."""

    def declare(**given):
        one = declared.Source("sickness_absence", "one", **given)
        monkeypatch.setattr(declared, "fetched", lambda: [one])
        return one

    return declare


def keys(look):
    return [one.partition("/")[2].rpartition("_v")[0] for one in look.fetched]


def test_an_address_that_follows_from_the_period(world, playing, source):
    source(
        kind="url",
        address="https://files.digital.nhs.uk/{year}/{month_name}/{period}.csv",
        release={"months_after": 4, "day": 28},
    )
    host = playing["files.digital.nhs.uk"]
    for period in ("03", "04"):
        name = {"03": "March", "04": "April"}[period]
        host.plans[f"/2026/{name}/2026-{period}.csv"] = serve(f"file of {period}".encode(), '"1"')
    first = fetch.look("sickness_absence/one", now=NOW)
    assert (first.outcome, keys(first)) == ("not_yet", ["sickness_absence_2026-03", "sickness_absence_2026-04"])
    host.plans["/2026/May/2026-05.csv"] = serve(b"file of 05", '"1"')
    later = fetch.look("sickness_absence/one", now=NOW + timedelta(days=1))
    assert (later.outcome, keys(later)) == ("new", ["sickness_absence_2026-05"])
    # A file that was had and is not at its address any more has moved.
    del host.plans["/2026/April/2026-04.csv"]
    assert fetch.look("sickness_absence/one", now=NOW + timedelta(days=2)).outcome == "moved"


def test_a_partners_bucket(world, playing, source):
    bucket = stores.load().exports
    source(kind="s3", address=f"s3://{bucket}/partner/", link=r"absence.*\.csv$", never="draft")
    client = objects.client()
    for name in ("absence 2026-05.csv", "absence_draft_2026-06.csv", "readme.txt"):
        client.put_object(Bucket=bucket, Key=f"partner/{name}", Body=f"bytes of {name}".encode())
    found = fetch.look("sickness_absence/one", now=NOW)
    assert (found.outcome, keys(found)) == ("new", ["sickness_absence_2026-05"])
    client.put_object(Bucket=bucket, Key="partner/absence 2026-05.csv", Body=b"corrected")
    again = fetch.look("sickness_absence/one", now=NOW)
    assert (again.outcome, "_v2_" in again.fetched[0]) == ("correction", True)
    assert fetch.look("sickness_absence/one", now=NOW).outcome == "not_changed"
    client.delete_object(Bucket=bucket, Key="partner/absence 2026-05.csv")
    client.put_object(Bucket=bucket, Key="partner/absence 2026-06.csv", Body=b"june")
    assert fetch.look("sickness_absence/one", now=NOW).outcome == "gone"
    source(kind="s3", address="s3://exports-no-such-bucket/", link="x")  # of a name that our key may use
    assert fetch.look("sickness_absence/one", now=NOW).outcome == "moved"
    source(kind="s3", address="s3://somebody-elses/", link="x")
    assert fetch.look("sickness_absence/one", now=NOW).outcome == "refused"
    source(kind="s3", address=f"s3://{bucket}/partner/", link="nothing of the kind")
    assert fetch.look("sickness_absence/one", now=NOW).outcome == "page_changed"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"name": "one", "kind": "gopher"}, "ckan, page, url, s3, sftp, upload"),
        ({"name": "one", "kind": "ckan", "address": "x"}, "needs package, link"),
        ({"name": "one", "kind": "sftp", "address": "sftp://x/", "link": "y"}, "needs connection"),
        ({"name": "one", "kind": "page", "address": "x", "link": "("}, "not a regular expression"),
        ({"name": "one", "kind": "url", "address": "x", "pattern": "y"}, "unknown entries pattern"),
        ({"name": "One!", "kind": "upload"}, "small letters"),
    ],
)
def test_a_source_that_cannot_be_used_says_why(monkeypatch, entry, says):
    declared.load.cache_clear()
    monkeypatch.setattr(catalogue, "entries", lambda *_: {"source": [entry]})
    with pytest.raises(declared.WrongSource, match=says):
        declared.load("workforce")
    declared.load.cache_clear()


def test_every_declared_source_can_be_used_and_says_that_it_was_not_run_live():
    found = declared.fetched()
    assert {one.collection for one in found} == {
        "drug_tariff", "medicines_stock", "sickness_absence", "staff_turnover", "estates", "out_of_area_placements",
    }  # fmt: skip
    for one in found:
        assert one.address.startswith("https://") and one.tried_live == ""
        assert one.release or one.ended or one.edition or one.editions, f"{one.key} would never be late"
        rule = one.newest_due(NOW)
        assert rule is None or one.due_at(rule) <= NOW
    assert declared.load("workforce") == ()


def test_calendars_say_when_to_look():
    tariff = declared.named("drug_tariff/viii_a")
    assert tariff.newest_due(datetime(2026, 9, 27, tzinfo=UTC)) == "2026-09"
    assert tariff.newest_due(datetime(2026, 9, 29, tzinfo=UTC)) == "2026-10"  # out before it begins
    assert declared.named("drug_tariff/cat_m").newest_due(datetime(2026, 9, 10, tzinfo=UTC)) == "2026-07"
    assert declared.named("estates/site").newest_due(NOW) == "2024-25"
    assert declared.named("out_of_area_placements/monthly").newest_due(NOW) is None
    assert replace(tariff, release={}).newest_due(NOW) is None


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("Part VIIIA Jul 26.xls.csv", ["2026-07"]),
        ("Part VIIIA Sept 19_0.csv", ["2019-09"]),
        ("Part VIIIA December 20251.xls_0.csv", []),
        ("Category M Prices - Quarter 4 January 2026 (CSV: 30KB)", ["2026-01"]),
        ("SCMD_FINAL_202603", ["2026-03"]),
        ("october-2020-to-december-2020", ["2020-10", "2020-12"]),
        ("maybe 26 things", []),
    ],
)
def test_periods_in_the_words_of_links(text, periods):
    assert periods_in(text, "month") == periods


def test_the_command_fetches_and_says_what_it_came_to(world, playing, monkeypatch, capsys):
    import made
    import publisher
    from trust_benchmarks.cli import Refused
    from trust_benchmarks.cli import fetch as command
    from trust_benchmarks.cli.output import Format

    portal = publisher.Portal(playing["opendata.nhsbsa.net"])
    portal.put("secondary-care-medicines-data-indicative-price", "SCMD_PROVISIONAL_202606", made.scmd("2026-06"))
    assert command.run("medicines_stock", "final", None, Format.csv) == 1
    assert "medicines_stock/final,moved,0," in capsys.readouterr().out
    command.run("medicines_stock", "provisional", "2026-01", Format.csv)
    assert flow.value("SELECT count(*) FROM intake.source_files WHERE inbox_key IS NOT NULL") == 1
    with pytest.raises(Refused, match="is no period of medicines_stock"):
        command.run("medicines_stock", None, "2026", Format.csv)
    with pytest.raises(Refused, match="No such source is declared"):
        command.run("workforce", None, None, Format.csv)
    monkeypatch.delenv("TB_FETCH_CONTACT")
    with pytest.raises(Refused, match="TB_FETCH_CONTACT is not set"):
        command.run("medicines_stock", None, None, Format.csv)
    assert not settings.is_on()

"""Reference data as a proposal: what ODS and GOV.UK say that our tables do not, and nothing is changed by itself."""

import json
from datetime import date

import pytest
from publisher import hosts, serve, status
from trust_benchmarks import reference
from trust_benchmarks.cli import Refused
from trust_benchmarks.cli import reference as command
from trust_benchmarks.cli.output import Format
from trust_benchmarks.reference import FOLDER
from trust_benchmarks.sources import reference_proposal
from trust_benchmarks.sources.web import Web


def etr(rows):
    lines = []
    for code, name, opened, closed in rows:
        cells = [""] * 27
        cells[0], cells[1], cells[10], cells[11], cells[21] = code, name, opened, closed, "0"
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return "\r\n".join(lines).encode()


def feed(*days):
    events = [{"title": title, "date": day, "notes": "", "bunting": True} for day, title in days]
    return json.dumps({"england-and-wales": {"division": "england-and-wales", "events": events}}).encode()


@pytest.fixture
def publishers(shared_world, monkeypatch):
    """ODS and GOV.UK, who say what our tables say, but for a few things."""
    tables = reference.load()
    known = [
        (one.code, tables.name_on(one.code, date.today()), f"{one.open_from:%Y%m%d}" if one.open_from else "", f"{one.open_to:%Y%m%d}" if one.open_to else "")
        for one in tables.providers
    ]  # fmt: skip
    known[0] = (known[0][0], "QUITE ANOTHER NAME NHS TRUST", *known[0][2:])
    with hosts("www.odsdatasearchandexport.nhs.uk", "www.gov.uk") as (playing, setting):
        ods, gov = playing["www.odsdatasearchandexport.nhs.uk"], playing["www.gov.uk"]
        ods.plans["/api/getReport?report=etr"] = serve(etr([*known, ("R9Z", "MADE UP NHS TRUST", "20260401", "")]))
        ods.plans["/api/getReport?report=ect"] = serve(etr(known[:1]))
        ods.plans["/api/getReport?report=succ"] = serve(
            f'"{known[1][0]}","{known[2][0]}","M","20260401","1"\r\n'.encode()
        )
        gov.plans["/bank-holidays.json"] = serve(
            feed(("2027-08-30", "Summer bank holiday"), ("2027-12-28", "Boxing Day"), ("2028-01-03", "New Year’s Day"))
        )
        monkeypatch.setenv("TB_FETCH_CONTACT", "data@example.org")
        monkeypatch.setenv("TB_FETCH_PLAYED", setting)
        monkeypatch.setenv("TB_FETCH_PAUSE", "0.0001")
        monkeypatch.setattr(Web.__init__, "__defaults__", (None, 5.0, 0.01))
        yield ods, gov


def test_differences_are_shown_and_nothing_is_changed(publishers, capsys):
    before = (FOLDER / "holidays.csv").read_bytes()
    command.propose(None, Format.csv)
    said = capsys.readouterr().out
    for line in ("new,R9Z", "renamed,", "succeeded,", "holiday,2028-01-03", "holiday_gone,2027-12-27"):
        assert f"\n{line}" in said, line
    assert (FOLDER / "holidays.csv").read_bytes() == before


def test_a_person_accepts_new_bank_holidays_and_none_is_removed(publishers, tmp_path, capsys):
    ours = tmp_path / "holidays.csv"
    ours.write_bytes((FOLDER / "holidays.csv").read_bytes())
    command.propose(ours, Format.csv)
    lines = ours.read_text().splitlines()
    assert lines[:-1] == (FOLDER / "holidays.csv").read_text().splitlines()
    assert lines[-1] == "2028-01-03,New Year's Day,GOV.UK bank holidays"
    assert "1 bank holidays were added" in capsys.readouterr().err


def test_a_list_that_is_another_one_is_refused(publishers, tmp_path):
    ods, _ = publishers
    ods.plans["/api/getReport?report=etr"] = serve(
        etr([(f"X{at:02d}", f"GP PRACTICE {at}", "", "") for at in range(99)])
    )
    with pytest.raises(Refused, match="this is another list"):
        command.propose(None, Format.csv)
    ods.plans["/api/getReport?report=etr"] = serve(b"<html></html>")
    with pytest.raises(Refused, match="columns"):
        command.propose(None, Format.csv)
    ods.plans["/api/getReport?report=etr"] = status(403)
    with pytest.raises(Refused, match="403"):
        command.propose(None, Format.csv)
    with pytest.raises(Refused, match="There is no file"):
        command.propose(tmp_path / "none.csv", Format.csv)
    assert reference_proposal.FEWEST_TRUSTS > 99

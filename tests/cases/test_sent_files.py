"""Small made-up files, each with a trouble that real senders have, and what must come of each (files/README.md)."""

import csv
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation.validate import ACCEPTED, HELD, WITH_WARNINGS, Outcome, validate

FILES = Path(__file__).with_name("files")
CASES = list(csv.DictReader((FILES / "cases.csv").open(encoding="utf-8")))
# Columns whose text the case itself changes, so that it differs from the base file's.
ABOUT_TEXT = {
    "sound_inch_mark_procurement_prices_RA9_2025-06.csv": {"description"},
    # Its last two columns are blank, because blank cells at the end are what it is about.
    "excel_drops_trailing_commas_procurement_prices_RA9_2025-06.csv": {
        "description",
        "contract_ref",
        "national_contract",
    },
    "shared_string_cell_empty_v_procurement_prices_RA9_2025-06.xlsx": {"supplier_id"},
}
# (600000) is a deficit, so the surplus is another than the base file's.
ABOUT_TEXT |= {"deficit_in_brackets_finance_oversight_RY8_2025-06.csv": {"surplus_ytd_gbp"}}
PLACE = {"sheet", "line"}


@cache
def outcome(collection: str, name: str) -> Outcome:
    return validate(read((FILES / collection / name).read_bytes(), name, collection))


def base(collection: str) -> Outcome:
    (name,) = (case["file"] for case in CASES if case["collection"] == collection and case["kind"] == "base")
    return outcome(collection, name)


def records(found: Outcome, but: set[str]) -> pl.DataFrame:
    kept = found.records.drop(PLACE | but)
    return kept.sort(kept.columns)


def told(found: Outcome) -> str:
    columns = ["rule_id", "severity", "line", "column_name", "raw_value", "message"]
    return f"{found.state}\n" + "\n".join(map(str, found.findings.select(columns).rows()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"].split(".")[0][:60])
def test_case(case):
    found = outcome(case["collection"], case["file"])
    severities = set(found.findings["severity"])
    if case["expect"] in ("same", "noted"):
        assert found.state in (ACCEPTED, WITH_WARNINGS), told(found)
        but = ABOUT_TEXT.get(case["file"], set())
        assert records(found, but).equals(records(base(case["collection"]), but)), told(found)
        if case["kind"] == "base":
            assert not found.findings.height, told(found)
        if case["expect"] == "noted":
            assert severities & {"info", "warn"}, told(found)
    elif case["expect"] == "refused":
        assert found.state == HELD or found.rows_rejected, told(found)
        assert severities & {"hold", "reject"}, told(found)
    else:
        assert case["expect"] == "flagged"
        assert severities & {"warn", "reject", "hold"}, told(found)
    for message in found.findings["message"]:
        assert message.strip().endswith((".", "?", ")")), message

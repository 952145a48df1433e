"""Whole columns in another unit: told without history, never of a sound file."""

import csv
import io
from pathlib import Path

import pytest
from test_cells import BASES, outcome, rows_of
from trust_benchmarks import catalogue, schemas
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation import units
from trust_benchmarks.validation.validate import HELD, validate

MONEY = [name for name in rows_of("workforce")[0] if name.endswith("_gbp")]
SHIFTED = {
    "thousands of pounds": ("workforce", MONEY, 1e-3, HELD),
    "pay of a year": ("workforce", ["substantive_pay_gbp"], 12, HELD),
    "days of a year": ("workforce", ["fte_days_available", "fte_days_lost"], 12, HELD),
    "thousands of pounds on wards": ("e_rostering", ["ward_pay_gbp"], 1e-3, HELD),
    "pence on wards": ("e_rostering", ["ward_pay_gbp"], 100, HELD),
    "shares for percent": ("e_rostering", ["annual_leave_pct"], 0.01, HELD),
    "pence for pounds": ("procurement_prices", ["unit_price_gbp", "line_value_gbp"], 100, "accepted_with_warnings"),
    "income in thousands": ("finance_oversight", ["income_ytd_gbp", "surplus_ytd_gbp", "plan_income_ytd_gbp", "plan_surplus_ytd_gbp"], 1e-3, HELD),
    "functions in thousands": ("corporate_services", [n for n in rows_of("corporate_services")[0] if n.endswith("_gbp")], 1e-3, HELD),
    "medicines in thousands": ("medicines_pharmacy", ["medicines_spend_gbp"], 1e-3, HELD),
    "thousands of days": ("sickness_absence", ["FTE_DAYS_AVAILABLE", "FTE_DAYS_LOST"], 1e-3, HELD),
    "estates in thousands": ("estates", [n for n in rows_of("estates")[0] if n.endswith("_gbp")], 1e-3, HELD),
}  # fmt: skip


@pytest.mark.parametrize("case", SHIFTED)
def test_a_column_in_another_unit_is_told(case):
    collection, columns, factor, state = SHIFTED[case]
    rows = rows_of(collection)
    for row in rows:
        for column in columns:
            row[column] = f"{float(row[column]) * factor:.7g}" if row[column] else ""
    found = outcome(collection, rows)
    told = [f for f in found.findings.to_dicts() if f["rule_id"] == "UNIT-SUSPECT"]
    assert told and {f["column_name"] for f in told} <= set(columns), found.findings.rows()
    assert found.state == state
    assert all("Usual is" in f["message"] and "looks like" in f["message"] for f in told)


@pytest.mark.parametrize("part", ["viii_a", "cat_m"])
def test_real_prices_in_pounds_are_told(shared_data, part):
    path = shared_data / f"procurement/price_list/drug_tariff_{part}_2025-07.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(row | {"basic_price": f"{float(row['basic_price']) / 100:.2f}"} for row in rows)
    found = validate(read(out.getvalue().encode(), path.name, "drug_tariff"))
    assert found.state == HELD and "UNIT-SUSPECT" in set(found.findings["rule_id"])


@pytest.mark.parametrize("collection", BASES)
def test_sound_files_are_not(collection):
    assert "UNIT-SUSPECT" not in set(outcome(collection, rows_of(collection)).findings["rule_id"])


REAL = [
    ("sickness_absence", "workforce/sickness_absence_2024-04.csv"),
    ("staff_turnover", "workforce/turnover_staff_group_org_2025-10.csv"),
    ("estates", "estates_eric/eric_2016-17_workbook.xls"),
    ("estates", "estates_eric/eric_2019-20_site.csv"),
    ("drug_tariff", "procurement/price_list/drug_tariff_viii_a_2025-07.csv"),
    ("drug_tariff", "procurement/price_list/drug_tariff_cat_m_2025-07.csv"),
]


@pytest.mark.parametrize(("collection", "path"), REAL)
def test_real_files_are_not(shared_data, collection, path):
    found = validate(read((shared_data / path).read_bytes(), Path(path).name, collection))
    assert "UNIT-SUSPECT" not in set(found.findings["rule_id"])


def test_what_is_declared_fits_the_schemas():
    for collection in catalogue.all():
        fields = schemas.load(collection).fields
        for one in units.load(collection):
            assert one.column in fields and one.usual[0] < one.usual[1]
            # Shifts that could both be meant would be told apart by their order only.
            assert len({shift.times for shift in one.shift}) == len(one.shift)

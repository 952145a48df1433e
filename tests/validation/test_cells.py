"""Cells as people and spreadsheets write them, over the collections: read and noted, or refused at their place.

Each variant changes one base file of tests/cases; what is read must come to the very records of the base file.
"""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation import checks, parse
from trust_benchmarks.validation.validate import HELD, Outcome, validate

FILES = Path(__file__).parents[1] / "cases" / "files"
BASES = {
    "workforce": "base_sample_workforce_RA9_2025-06_v1.csv",
    "procurement_prices": "base_sample_procurement_prices_RA9_2025-06_v1.csv",
    "sickness_absence": "base_sample_sickness_absence_2025-06.csv",
    "e_rostering": "base_sample_e_rostering_RA9_2025-06_v1.csv",
    "corporate_services": "base_corporate_services_RY8_2024-25.csv",
    "finance_oversight": "base_finance_oversight_RY8_2025-06.csv",
    "medicines_pharmacy": "base_medicines_pharmacy_RY8_2025-06.csv",
    "estates": "base_estates.csv",
}


def rows_of(collection: str) -> list[dict]:
    return list(csv.DictReader((FILES / collection / BASES[collection]).open(encoding="utf-8")))


def outcome(collection: str, rows: list[dict]) -> Outcome:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return validate(read(out.getvalue().encode(), BASES[collection], collection))


def changed(collection: str, column: str, write, lines=None) -> Outcome:
    """The outcome of a base file with cells of one column written otherwise (all that are filled, or those of some rows)."""
    rows = rows_of(collection)
    for at, row in enumerate(rows):
        if row[column] and (lines is None or at in lines):
            row[column] = write(row[column])
    return outcome(collection, rows)


def records(found: Outcome) -> pl.DataFrame:
    return found.records.sort("line")


def told(found: Outcome) -> set[tuple]:
    return set(found.findings.select("rule_id", "severity", "column_name").rows())


WORDS = {
    "nurses_health_visitors": "Nurses and health visitors",
    "support_to_clinical": "SUPPORT-TO-CLINICAL",
    "hchs_doctors": "HCHS  doctors",
    "hotel_property_estates": "Hotel, property & estates",
}
READ = {
    "lower case code": ("workforce", "ods_code", str.lower),
    "code with blanks that cannot be seen": ("e_rostering", "ods_code", lambda t: f"\u200b{t}\u00a0"),
    "code in lower case in a national file": ("sickness_absence", "ORG_CODE", str.lower),
    "site code in lower case": ("e_rostering", "site_code", str.lower),
    "apostrophe before a code": ("procurement_prices", "product_code", lambda t: f"'{t}"),
    "blanks in a barcode": ("procurement_prices", "product_code", lambda t: f"{t[:1]} {t[1:]} "),
    "padded order numbers": ("procurement_prices", "po_number", lambda t: f"  {t} "),
    "padded ward": ("e_rostering", "ward_id", lambda t: f"{t}\u00a0"),
    "padded supplier": ("procurement_prices", "supplier_name", lambda t: f"{t}  "),
    "staff groups in words": ("workforce", "staff_group", lambda t: WORDS.get(t, t.replace("_", " ").title())),
    "wards' specialties in words": ("e_rostering", "ward_specialty", lambda t: t.replace("_", " ").capitalize()),
    "functions in capitals": ("corporate_services", "function", str.upper),
    "units of issue in capitals": ("procurement_prices", "unit_of_issue", str.title),
    "month without nought": ("workforce", "period", lambda t: "2025-6"),
    "month with a slash": ("e_rostering", "period", lambda t: "2025/06"),
    "month in words": ("procurement_prices", "period", lambda t: "June 2025"),
    "month as a first day": ("finance_oversight", "period", lambda t: "01/06/2025"),
    "month as a last day": ("medicines_pharmacy", "period", lambda t: "2025-06-30 00:00:00"),
    "month as a spreadsheet shortens it": ("workforce", "period", lambda t: "Jun-25"),
    "year with a slash": ("corporate_services", "financial_year", lambda t: "2024/25"),
    "short year": ("corporate_services", "financial_year", lambda t: "FY24/25"),
    "long year": ("corporate_services", "financial_year", lambda t: "2024-2025"),
    "ISO date": ("sickness_absence", "DATE", lambda t: "2025-06-30"),
    "two-digit year": ("sickness_absence", "DATE", lambda t: "30/06/25"),
    "date with a time": ("procurement_prices", "order_date", lambda t: f"{t} 00:00:00"),
    "thousands commas": ("e_rostering", "ward_pay_gbp", lambda t: f"{float(t):,.2f}"),
    "thousands blanks": ("sickness_absence", "FTE_DAYS_AVAILABLE", lambda t: f"{float(t):,.5f}".replace(",", "\u202f")),
    "thousands in a whole number": ("workforce", "headcount", lambda t: f"{int(t):,}"),
    "pound signs": ("finance_oversight", "income_ytd_gbp", lambda t: f"£{int(t):,}"),
    "pounds in letters": ("medicines_pharmacy", "medicines_spend_gbp", lambda t: f"GBP {t}"),
    "pounds behind": ("corporate_services", "pay_gbp", lambda t: f"{t} GBP"),
    "percent signs": ("e_rostering", "annual_leave_pct", lambda t: f"{t}%"),
    "percent signs in a national file": ("sickness_absence", "SICKNESS_ABSENCE_RATE_PERCENT", lambda t: f"{t} %"),
    "brackets for a minus": ("e_rostering", "net_hours_owed", lambda t: f"({t[1:]})" if t[0] == "-" else t),
    "minus behind": ("e_rostering", "net_hours_owed", lambda t: f"{t[1:]}-" if t[0] == "-" else t),
    "another minus": ("e_rostering", "net_hours_owed", lambda t: t.replace("-", "\u2212")),
    "rounding noise": ("e_rostering", "patient_days", lambda t: f"{t}.0000000001"),
    "rounding noise below": ("workforce", "headcount", lambda t: f"{int(t) - 1}.9999999999999"),
    "blanks around numbers": ("corporate_services", "pay_gbp", lambda t: f" {t} "),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_what_is_plainly_meant_is_read_and_noted(case):
    collection, column, write = READ[case]
    base, found = outcome(collection, rows_of(collection)), changed(collection, column, write)
    assert not base.findings.height
    assert records(found).equals(records(base)), found.findings.rows()
    notes = found.findings.filter(pl.col("rule_id") == "VAL-READ-AS")
    assert notes.height and set(notes["column_name"]) == {column}
    assert found.findings.height <= 2  # folded: one a column and way of writing
    assert {severity for _, severity, _ in told(found)} == {"info"}


REFUSED = {
    "error in an optional number": ("workforce", "role_count", "#N/A"),
    "error in a required number": ("corporate_services", "pay_gbp", "#DIV/0!"),
    "error in free text": ("procurement_prices", "description", "#REF!"),
    "error in a choice": ("e_rostering", "ward_specialty", "#NAME?"),
    "error in an optional choice": ("corporate_services", "volume_type", "#VALUE!"),
    "error in a date": ("procurement_prices", "order_date", "#NUM!"),
    "error in a code": ("estates", "site_code", "#NULL!"),
    "a column too narrow": ("finance_oversight", "income_ytd_gbp", "########"),
    "a programme's nothing in an optional code": ("procurement_prices", "contract_ref", "NULL"),
    "a programme's nothing in a required code": ("e_rostering", "ward_id", "nan"),
    "a programme's nothing in a name": ("procurement_prices", "supplier_name", "undefined"),
    "a person's nothing in a required name": ("procurement_prices", "supplier_name", "N/A"),
    "a programme's nothing in a national name": ("sickness_absence", "ORG_NAME", "NaN"),
    "digits lost in pay": ("e_rostering", "ward_pay_gbp", "9.96E+04"),
    "digits lost in FTE days": ("sickness_absence", "FTE_DAYS_AVAILABLE", "2.84E+03"),
    "digits lost in an optional number": ("workforce", "community_contacts", "1.31E+05"),
    "an order number shortened": ("procurement_prices", "po_number", "4.5E+15"),
    "an order number as a float": ("procurement_prices", "po_number", "4500012345678900.0"),
    "a supplier as a float": ("procurement_prices", "supplier_id", "70010.0"),
    "a ward as a float": ("e_rostering", "ward_id", "12.0"),
    "a ward as a day": ("e_rostering", "ward_id", "01-Mar"),
    "a ward as a month": ("e_rostering", "ward_id", "Jun-05"),
    "a category as a date": ("procurement_prices", "category_code", "2025-06-01"),
    "an order as a date and time": ("procurement_prices", "po_number", "2025-06-01 00:00:00"),
    "a decimal comma": ("corporate_services", "wte", "38,5"),
    "a European number": ("finance_oversight", "surplus_ytd_gbp", "600.000,00"),
    "a letter for a nought": ("medicines_pharmacy", "inpatient_wards", "1O"),
    "brackets where nothing is negative": ("finance_oversight", "agency_spend_ytd_gbp", "(900000)"),
    "broken groups": ("workforce", "fte", "1,23,456"),
    "another currency": ("workforce", "bank_pay_gbp", "$375565.47"),
    "thousands and millions": ("workforce", "substantive_pay_gbp", "4.8m"),
    "a year in a month": ("workforce", "period", "2025"),
    "a day within the month": ("workforce", "period", "2025-06-25"),
    "a date that could be two": ("procurement_prices", "order_date", "04/06/2025"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_damaged_or_could_be_two_things_is_refused_at_its_cell(case):
    collection, column, text = REFUSED[case]
    rows = rows_of(collection)
    rows[0][column] = text
    found = outcome(collection, rows)
    here = found.findings.filter((pl.col("line") == 2) & (pl.col("column_name") == column))
    assert set(here["severity"]) & {"reject", "hold"}, found.findings.rows()
    assert text in here["raw_value"].to_list() and "Expected" in here["message"][0]
    assert found.state == HELD or 2 not in found.records["line"].to_list()


def test_a_persons_word_for_nothing_in_an_optional_code_is_told_and_read_as_nothing():
    found = changed("procurement_prices", "contract_ref", lambda t: "n/a")
    assert told(found) == {("STR06", "warn", "contract_ref")}
    assert found.records["contract_ref"].null_count() == 13


def test_rounded_codes_are_refused_where_all_long_ones_are():
    rows = rows_of("procurement_prices")
    for at, row in enumerate(rows):
        row["po_number"] = f"{450001234567890 + at}00"
    found = outcome("procurement_prices", rows)
    assert found.findings.filter(pl.col("rule_id") == "VAL-DAMAGED").height == 13
    rows[3]["po_number"] = "45000123456789012"
    assert not outcome("procurement_prices", rows).findings.filter(pl.col("rule_id") == "VAL-DAMAGED").height


@pytest.mark.parametrize("write", [str.lower, lambda t: f" {t}", lambda t: f"{t[0]} {t[1:]}"])
def test_wards_that_differ_in_spelling_only_are_one(write):
    rows = rows_of("e_rostering")
    found = outcome("e_rostering", [*rows, rows[0] | {"ward_id": write(rows[0]["ward_id"])}])
    assert found.state == HELD
    assert sorted(found.findings.filter(pl.col("rule_id") == "STR03")["line"]) == [2, 22]


def test_order_numbers_and_barcodes_that_differ_in_spelling_only_are_one():
    rows = rows_of("procurement_prices")
    again = rows[0] | {"po_number": rows[0]["po_number"].lower(), "product_code": "0" + rows[0]["product_code"]}
    found = outcome("procurement_prices", [*rows, again])
    assert sorted(found.findings.filter(pl.col("rule_id") == "STR03")["line"]) == [2, 15]
    assert ("VAL-READ-AS", "info", "product_code") in told(found)


def test_a_gtin_14_with_a_nought_in_front_is_its_gtin_13():
    found = changed("procurement_prices", "product_code", lambda t: f"0{t}" if t.isdigit() and len(t) == 13 else t)
    assert records(found).equals(records(outcome("procurement_prices", rows_of("procurement_prices"))))
    assert told(found) == {("VAL-READ-AS", "info", "product_code")}


def test_nothing_is_cut_from_free_text_and_control_characters_are_noted():
    found = changed("procurement_prices", "description", lambda t: f"{t}\x07 \u201cx\u201d", lines={0})
    assert found.records["description"][0].endswith("\x07 \u201cx\u201d")
    assert told(found) == {("VAL-READ-AS", "info", "description")}


def test_a_text_of_nothing_that_can_be_seen_is_missing():
    found = changed("procurement_prices", "description", lambda t: "\u200b \u00a0", lines={0})
    assert ("VAL-MISSING", "reject", "description") in told(found)


def test_full_precision_in_scientific_notation_is_no_damage():
    found = changed("procurement_prices", "unit_price_gbp", lambda t: "1.69112000000000e+01", lines={0})
    assert not found.findings.height


def test_a_point_beside_decimal_commas_may_stand_between_thousands():
    rows = rows_of("e_rostering")
    rows[1]["ward_pay_gbp"], rows[2]["ward_pay_gbp"] = "50.123,45", "51.123"
    found = outcome("e_rostering", rows)
    wrong = found.findings.filter((pl.col("rule_id") == "VAL-TYPE") & (pl.col("column_name") == "ward_pay_gbp"))
    assert wrong["raw_value"].to_list() == ["50.123,45", "51.123"]


def test_a_code_that_became_a_number_of_seventeen_digits():
    rows = rows_of("procurement_prices")
    rows[0] |= {"product_code": "1.2345678901234568e+16", "code_type": "mpc"}
    found = outcome("procurement_prices", rows).findings
    assert "1.2345678901234568e+16" in found.filter(pl.col("rule_id") == "VAL-DAMAGED")["raw_value"]


@pytest.mark.parametrize("write", ["{}", " {}", "\u00a0{} ", "'{}", "", "n/a", "#REF!", "1.05E+07", "x"])
@pytest.mark.parametrize("collection", BASES)
def test_a_small_table_is_looked_at_in_another_way_and_found_the_same(collection, write, monkeypatch):
    rows = rows_of(collection)
    for at, column in enumerate(rows[0]):
        row = rows[at % len(rows)]
        row[column] = write.format(row[column])
    small = outcome(collection, rows)
    monkeypatch.setattr(parse, "FEW", 0)
    monkeypatch.setattr(checks, "FEW", 0)
    large = outcome(collection, rows)
    assert_frame_equal(small.findings, large.findings)
    assert_frame_equal(small.records, large.records)
    assert (small.state, small.cells_valid, small.identified) == (large.state, large.cells_valid, large.identified)

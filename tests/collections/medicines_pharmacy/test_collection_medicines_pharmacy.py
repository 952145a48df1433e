"""Medicines and pharmacy: made-up returns, a valid one, a broken one, and each rule on its bound and beyond it."""

from pathlib import Path

import pytest
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation.validate import validate

FOLDER = Path(__file__).parent
VALID = "medicines_pharmacy_RY8_2025-06.csv"


def outcome(name=VALID, **changed):
    head, row = (FOLDER / name).read_text().splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True)) | changed
    return validate(read(f"{head}\n{','.join(cells.values())}\n".encode(), VALID, "medicines_pharmacy"))


def test_the_valid_return_is_accepted():
    found = outcome()
    assert (found.state, found.findings.to_dicts()) == ("accepted", [])
    assert (found.rows_read, found.rows_recorded) == (1, 1)
    assert (found.reading.period, found.reading.sender) == ("2025-06", "RY8")


def test_the_broken_return_is_held_for_its_fault():
    found = outcome("medicines_pharmacy_RY8_2025-06_broken.csv")
    assert found.state == "held"
    assert found.findings.select("rule_id", "line", "column_name").rows() == [
        ("CEILING", None, None),
        ("MP-R1", 2, "pharmacy_hours_clinical"),
        ("MP-R3", 2, "pharmacy_hours_clinical"),
        ("MP-R4", 2, "stock_value_gbp"),
    ]
    assert "would last 2 days" in found.findings["message"][3]


@pytest.mark.parametrize(
    ("changed", "rule", "state"),
    [
        ({"wards_epma": "12", "reconciled_24h": "150"}, None, "accepted"),
        ({"wards_epma": "13"}, "MP-R1", "held"),
        ({"reconciled_24h": "151"}, "MP-R1", "held"),
        ({"wards_epma": "", "admissions_audited": "", "reconciled_24h": ""}, None, "accepted"),
        ({"pharmacy_hours_clinical": "800"}, None, "accepted"),
        ({"pharmacy_hours_clinical": "799"}, "MP-R3", "accepted_with_warnings"),
        ({"pharmacy_hours_total": "0", "pharmacy_hours_clinical": "0"}, None, "accepted"),
        ({"stock_value_gbp": "600000"}, None, "accepted"),
        ({"stock_value_gbp": "600001"}, "MP-R4", "accepted_with_warnings"),
        ({"issues_value_gbp": "0"}, None, "accepted"),
        ({"inpatient_wards": "121"}, "VAL-UNUSUAL", "accepted_with_warnings"),
        ({"medicines_spend_gbp": "-1"}, "VAL-RANGE", "held"),
        ({"inpatient_wards": ""}, "VAL-MISSING", "held"),
    ],
)
def test_faults_are_said(changed, rule, state):
    found = outcome(**changed)
    assert found.state == state
    assert (rule in found.findings["rule_id"].to_list()) if rule else found.findings.is_empty()

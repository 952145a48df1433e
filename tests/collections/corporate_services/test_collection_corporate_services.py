"""Corporate services: made-up returns, a valid one, a broken one, and each rule on its bound and beyond it."""

from pathlib import Path

import pytest
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation.validate import validate

FOLDER = Path(__file__).parent
VALID = "corporate_services_RY8_2024-25.csv"


def outcome(name=VALID, of="", without="", **changed):
    """The outcome of a fixture with some cells of one function's row (or of all rows) changed, or without a function."""
    head, *rows = [line.split(",") for line in (FOLDER / name).read_text().splitlines()]
    made = [dict(zip(head, row, strict=True)) for row in rows if row[2] != without]
    made = [row | changed if of in ("", row["function"]) else row for row in made]
    text = "\n".join(",".join(cells) for cells in [head, *(row.values() for row in made)])
    return validate(read(f"{text}\n".encode(), VALID, "corporate_services"))


def test_the_valid_return_is_accepted():
    found = outcome()
    assert (found.state, found.findings.to_dicts()) == ("accepted", [])
    assert (found.rows_read, found.rows_recorded) == (7, 7)
    assert (found.reading.period, found.reading.sender) == ("2024-25", "RY8")


def test_the_broken_return_is_held_for_its_faults():
    found = outcome("corporate_services_RY8_2024-25_broken.csv")
    assert found.state == "held"
    assert found.findings.select("rule_id", "line", "column_name").rows() == [
        ("CEILING", None, None),
        ("CS-R1", 4, "net_cost_gbp"),
        ("CS-R4", 8, "sourcing"),
        ("CS-R7", 8, "volume"),
    ]
    assert "which make 250000" in found.findings["message"][1]


@pytest.mark.parametrize(
    ("function", "changed", "rule", "state"),
    [
        ("finance", {"net_cost_gbp": "2000001"}, None, "accepted"),
        ("finance", {"net_cost_gbp": "2000002"}, "CS-R1", "held"),
        ("", {"trust_income_gbp": "482500000"}, None, "accepted"),
        ("", {"trust_income_gbp": "482500001"}, "CS-R2", "accepted_with_warnings"),
        ("", {"trust_income_gbp": "107222222"}, "CS-R2", "accepted_with_warnings"),
        ("", {"trust_income_gbp": "107222223"}, None, "accepted"),
        ("hr", {"trust_income_gbp": "200000001"}, "CS-R5", "held"),
        ("hr", {"accounts_payable_gbp": "1"}, "CS-R6", "held"),
        ("finance", {"accounts_payable_gbp": "2100000"}, None, "accepted"),
        ("finance", {"accounts_payable_gbp": "2100001"}, "CS-R6", "held"),
        ("finance", {"accounts_payable_gbp": "", "volume": "", "volume_type": ""}, None, "accepted"),
        ("finance", {"volume_type": "none"}, "CS-R7", "accepted_with_warnings"),
        ("imt", {"sourcing": "outsourced"}, "CS-R4", "accepted_with_warnings"),
        ("imt", {"sourcing": "elsewhere"}, "VAL-LIST", "held"),
        ("legal", {"function": "hr"}, "STR03", "held"),
        ("legal", {"financial_year": "2023-24"}, "VAL-PERIOD", "held"),
        ("legal", {"pay_gbp": ""}, "VAL-MISSING", "held"),
    ],
)
def test_faults_are_said(function, changed, rule, state):
    found = outcome(of=function, **changed)
    assert found.state == state
    assert (rule in found.findings["rule_id"].to_list()) if rule else found.findings.is_empty()


def test_every_function_must_be_there():
    found = outcome(without="legal")
    assert found.state == "held"
    (says,) = found.findings.filter(rule_id="STR05")["message"]
    assert "legal" in says

"""What a valid corporate services return is: seven rows of one trust in one financial year, one a function."""

import polars as pl

from .fields import FINANCIAL_YEAR, ODS_CODE, choice, number, text
from .models import Model
from .rules import Rule, reject, warn, within

FUNCTIONS = ("finance", "hr", "payroll", "imt", "procurement", "governance_risk", "legal")
SOURCINGS = ("in_house", "shared_host", "shared_client", "outsourced")
VOLUMES = ("payslips", "invoices", "vacancies", "devices", "none")

KEY = ("ods_code", "financial_year", "function")
COMPLETE = "function"


class Row(Model):
    """One corporate function of one trust in one financial year."""

    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    financial_year: str = text("Financial year that the return is about", pattern=FINANCIAL_YEAR, example="2024-25")
    function: str = choice("Corporate function", FUNCTIONS)
    pay_gbp: pl.Float64 = number("Pay", "GBP", ge=0)
    non_pay_gbp: pl.Float64 = number("Other cost", "GBP", ge=0)
    recharge_income_gbp: pl.Float64 = number("Income from others for this function", "GBP", ge=0)
    net_cost_gbp: pl.Float64 = number("Pay and other cost less that income", "GBP")
    wte: pl.Float64 = number("Staff", "WTE", required=False, ge=0)
    sourcing: str = choice("Who does the work", SOURCINGS)
    volume_type: str = choice("What the volume counts", VOLUMES, required=False)
    volume: pl.Float64 = number("How many of them in the year", "as in volume_type", required=False, ge=0)
    # The domain's list of fields has no cost of accounts payable, which the cost of an invoice (CS10) is made of: ours.
    accounts_payable_gbp: pl.Float64 = number(
        "Of the finance function's pay and other cost, accounts payable", "GBP", required=False, ge=0
    )
    trust_income_gbp: pl.Float64 = number(
        "Income of the trust in the year, the same in all rows", "GBP", gt=0, low=50e6, high=1e9
    )


def rules() -> list[Rule]:
    """The rules between fields: what was found, what is expected, and what to do."""
    c = pl.col
    net = c("pay_gbp") + c("non_pay_gbp") - c("recharge_income_gbp")
    total, income = c("net_cost_gbp").sum(), c("trust_income_gbp").first()
    return [
        reject(
            "CS-R1",
            ("net_cost_gbp", "pay_gbp", "non_pay_gbp", "recharge_income_gbp"),
            (c("net_cost_gbp") - net).abs() <= 1 + 1e-6,
            "Net cost {net_cost_gbp} of {function} is not pay {pay_gbp} plus other cost {non_pay_gbp} less income {recharge_income_gbp}, which make {net}. "
            "Expected equal to the pound: correct one of the four.",
            values={"net": net.round(2)},
        ),
        # Deciles of 2015/16 are 2.8 and 7.5 percent; the bounds are wider.
        warn(
            "CS-R2",
            ("net_cost_gbp", "trust_income_gbp"),
            within(100 * total / income, 2, 9),
            "All functions together cost {share} percent of income. Expected between 2 and 9 percent: check that all figures are in whole pounds, or confirm.",
            scope="submission",
            values={"share": (100 * total / income).round(2)},
        ),
        warn(
            "CS-R4",
            ("sourcing", "pay_gbp", "non_pay_gbp"),
            (c("sourcing") != "outsourced") | (c("pay_gbp") <= c("non_pay_gbp")),
            "{function} is outsourced, but its pay {pay_gbp} is more than its other cost {non_pay_gbp}. Expected the contract among other cost: "
            "check sourcing, or confirm.",
        ),
        reject(
            "CS-R5",
            ("trust_income_gbp",),
            c("trust_income_gbp") == income,
            "Income {trust_income_gbp} in the row of {function} is not the {first} of the first row. Expected the trust's income, the same in all rows: correct it.",
            values={"first": income},
        ),
        reject(
            "CS-R6",
            ("accounts_payable_gbp", "function"),
            c("accounts_payable_gbp").is_null()
            | ((c("function") == "finance") & (c("accounts_payable_gbp") <= c("pay_gbp") + c("non_pay_gbp"))),
            "Accounts payable {accounts_payable_gbp} stands in the row of {function}, whose pay and other cost are {pay_gbp} and {non_pay_gbp}. "
            "Expected it in the finance row only, and no more than the two together: move or correct it.",
        ),
        warn(
            "CS-R7",
            ("volume", "volume_type"),
            c("volume").is_null() | (c("volume_type").is_not_null() & (c("volume_type") != "none")),
            "A volume of {volume} in the row of {function} does not say what it counts. Expected volume_type payslips, invoices, vacancies or devices: add it.",
        ),
    ]

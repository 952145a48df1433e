"""What a valid procurement return is: every purchase order line of one trust in one month."""

import polars as pl

from .check_digits import gtin_is_valid
from .fields import MONTH, ODS_CODE, choice, date, number, text, whole, yes_no
from .models import Model
from .rules import REJECT, About, Rule, reject, within

KEY = ("ods_code", "po_number", "po_line", "line_type")
COMPLETE = None

# Of tens of thousands of lines, one that is repeated or another trust's is left out and listed; the ceiling on
# rejected rows holds the return when there are many.
SEVERITIES = {"STR03": REJECT, "STR04": REJECT}


class Row(Model):
    """One purchase order line, credit or adjustment."""

    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    period: str = text("Month that the return is about", pattern=MONTH, example="2025-06")
    po_number: str = text("Purchase order", example="PO123456", longest=40, role="code")
    po_line: pl.Int64 = whole("Line of the order", "", ge=1)
    order_date: pl.Date = date("Day of the order, within the month")
    supplier_name: str = text("Supplier", example="Example Medical Ltd", longest=200, role="name")
    supplier_id: str = text("Supplier's code", required=False, longest=40, role="code")
    product_code: str = text(
        "Product, by the code named in code_type",
        required=False,
        longest=40,
        role="code",
        gtin_if=("code_type", "gtin"),
    )
    code_type: str = choice("Kind of product code", ("gtin", "npc", "mpc", "local", "none"))
    description: str = text("Product in words", example="Nitrile gloves, medium", shortest=3, longest=500)
    category_code: str = text("Category (eClass)", required=False, longest=20, role="code")
    unit_of_issue: str = choice("What is counted", ("each", "box", "pack", "case", "roll", "pair", "set", "other"))
    units_per_issue: pl.Float64 = number("Base units in one unit of issue", "units", gt=0, low=1, high=10000)
    quantity: pl.Float64 = number("Units of issue ordered; negative on credits only", "units of issue")
    unit_price_gbp: pl.Float64 = number("Price of one unit of issue, without VAT", "GBP", gt=0, low=0.001, high=250000)
    line_value_gbp: pl.Float64 = number("Value of the line, without VAT", "GBP")
    line_type: str = choice("What the line is", ("order", "credit", "adjustment"))
    contract_ref: str = text("Contract", required=False, longest=60, role="code")
    national_contract: pl.Boolean = yes_no("Bought on a national contract", required=False)


def rules() -> list[Rule]:
    """The rules between fields; PP-R3 and PP-R4 compare trusts and months and live in sql/cross/procurement_prices.sql."""
    c = pl.col
    value = c("quantity") * c("unit_price_gbp")
    return [
        reject(
            "PP-R1",
            ("line_value_gbp", "quantity", "unit_price_gbp"),
            (value - c("line_value_gbp")).abs()
            <= pl.max_horizontal(pl.lit(0.01), 0.005 * c("line_value_gbp").abs()) + 1e-9,
            "Quantity {quantity} times unit price {unit_price_gbp} makes {value}, not {line_value_gbp}. "
            "Expected equal within 0.5 percent or a penny: correct quantity, price or value.",
            values={"value": value.round(2)},
        ),
        reject(
            "PP-R2",
            ("quantity", "line_type"),
            (c("quantity") > 0) | ((c("quantity") < 0) & (c("line_type") == "credit")),
            "Quantity is {quantity} on a line of type {line_type}. "
            "Expected above 0, or below 0 on a credit: correct the sign or the line type.",
        ),
        reject(
            "PP-R5",
            ("product_code", "code_type"),
            (c("code_type") != "gtin") | gtin_is_valid(c("product_code")),
            "{product_code} is not a valid GTIN: its length or check digit is wrong. "
            "Expected 8, 12, 13 or 14 digits with a right check digit: copy it again, or name another code type.",
        ),
        reject(
            "PP-CODE",
            ("product_code", "code_type"),
            (c("code_type") == "none") | c("product_code").is_not_null(),
            "code_type is {code_type} but there is no product code. Expected the code, or code_type none.",
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    return [
        reject(
            "PP-DATE",
            ("order_date",),
            within(c("order_date"), about.period_start, about.period_end),
            f"The order date {{order_date}} is outside {about.period}. "
            f"Expected {about.period_start} to {about.period_end}: correct it or send the line with its own month.",
        ),
    ]

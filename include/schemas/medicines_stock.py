"""What a valid extract of the Secondary Care Medicines Data is: one row a trust and product, of one month."""

import polars as pl

from .fields import ODS_CODE, date, number, text
from .models import Model
from .rules import REJECT, About, Rule, reject, warn

KEY = ("month_start", "ods_code", "vmp_snomed_code")
COMPLETE = None

# In a national file one organisation's fault must not hold all others: its rows are left out and listed.
SEVERITIES = {"STR03": REJECT}


class Row(Model):
    """One product of one trust in one month."""

    month_start: pl.Date = date("First day of the month")
    ods_code: str = text("Trust, by ODS code", pattern=ODS_CODE, example="RY8")
    # Of up to 18 digits: a number would lose the last ones.
    vmp_snomed_code: str = text("Product, by SNOMED code", pattern=r"^\d{6,18}$", example="326874007")
    vmp_product_name: str = text("Product", example="Methotrexate 2.5mg tablets", role="name")
    total_quantity: pl.Float64 = number(
        "Quantity issued less what came back; negative where more came back", "units of the product"
    )


def rules() -> list[Rule]:
    """The rules between fields: what was found, what is expected, and what to do."""
    c = pl.col
    return [
        warn(
            "MS-R2",
            ("vmp_product_name", "vmp_snomed_code"),
            c("vmp_product_name").n_unique().over("vmp_snomed_code") == 1,
            "The product {vmp_snomed_code} is called {vmp_product_name} here and otherwise elsewhere in the file. Expected one name a code: check both.",
        ),
    ]


def rules_about(about: About) -> list[Rule]:
    """The rules that compare a row with the period that its file is about."""
    c = pl.col
    return [
        reject(
            "MS-R1",
            ("month_start",),
            c("month_start") == about.period_start,
            f"The row of {{ods_code}} is of {{month_start}}, but the file is about {about.period}. Expected {about.period_start:%Y-%m-%d} in every row: "
            "send each month of an extract as a file of its own.",
        ),
    ]

"""What a valid Drug Tariff price list is: one row a pack (medicines) or a pack and barcode (appliances), of one month."""

import polars as pl

from .check_digits import SNOMED, gtin_is_valid, snomed_is_valid
from .fields import choice, number, text
from .models import Model
from .rules import REJECT, Rule, reject, warn

PARTS = ("cat_m", "ix", "viii_a")

# Not the pack code alone: in Part IX 225 generic lines have no code, and two packs stand twice with two barcodes.
# `line_key` is made by the layouts: pack code and barcode; where there is no code, name, size, colour and quantity.
KEY = ("part", "line_key")
COMPLETE = None

# How lines are compared: a GTIN-14 with a nought in front is its GTIN-13.
COMPARED = {"line_key": pl.col("line_key").str.to_uppercase().str.replace(r"/0(\d{13})$", "/$1")}

# Of tens of thousands of lines one that is repeated is left out and listed; the ceiling holds the file when many are.
SEVERITIES = {"STR03": REJECT}

# The lists are about products; no row belongs to a provider.
BODY = pl.lit("other")


class Row(Model):
    """One line of a price list."""

    part: str = choice("Part of the Drug Tariff", PARTS)
    line_key: str = text("What names the line in its part, the same in every month", longest=400)
    category: str = text("Category or part as printed", example="Part VIIIA Category M", longest=60)
    product_code: str = text("Product (VMP or AMP) by SNOMED code", required=False, pattern=SNOMED)
    pack_code: str = text("Pack (VMPP or AMPP) by SNOMED code", required=False, pattern=SNOMED)
    name: str = text("Product as sold", example="Acamprosate 333mg gastro-resistant tablets", longest=300)
    generic_name: str = text("Product without its maker", required=False, longest=300)
    supplier: str = text("Supplier", required=False, longest=200, role="name")
    supplier_code: str = text("Supplier by SNOMED code", required=False, pattern=SNOMED)
    pack_size: pl.Float64 = number("Units in a pack", "units")
    unit: str = text("Unit that is counted", example="tablet", longest=60)
    price_pence: pl.Float64 = number("Price of a pack", "pence")
    colour: str = text("Colour", required=False, longest=60)
    size_or_weight: str = text("Size or weight", required=False, longest=100)
    product_order_number: str = text("Order number of the product", required=False, longest=60, role="code")
    pack_order_number: str = text("Order number of the pack", required=False, longest=60, role="code")
    add_dispensing_indicator: str = text("Note on dispensing", required=False, longest=60)
    gtin: str = text("Barcode number (GTIN)", required=False, longest=20, role="gtin")
    bnf_code: str = text("Place in the BNF", required=False, longest=20, role="code")


def rules() -> list[Rule]:
    """The rules on a line; prices of two months are compared in the benchmarks, not here."""
    c = pl.col
    return [
        reject(
            "DT-R1",
            ("price_pence",),
            c("price_pence") > 0,
            "The price of {name} is {price_pence} pence. Expected above 0: give the price of the pack in pence.",
        ),
        reject(
            "DT-R2",
            ("pack_size",),
            c("pack_size") > 0,
            "The pack size of {name} is {pack_size}. Expected above 0, or no price a unit can be computed: give the number of units.",
        ),
        *(
            warn(
                "DT-R3",
                (field,),
                snomed_is_valid(c(field)),
                f"{{{field}}} of {{name}} is not a SNOMED code: its check digit does not fit. "
                "A spreadsheet may have rounded it: expected the code as text, copied again.",
            )
            for field in ("product_code", "pack_code", "supplier_code")
        ),
        warn(
            "DT-R4",
            ("gtin",),
            gtin_is_valid(c("gtin")),
            "{gtin} of {name} is not a GTIN: its length or check digit is wrong. Expected 8, 12, 13 or 14 digits: copy the barcode again.",
        ),
        reject(
            "DT-R5",
            ("line_key", "name"),
            c("line_key").is_not_null() & c("name").is_not_null(),
            "The line has no name, or nothing that tells it from others. Expected a name and a pack code: fill the cells.",
        ),
    ]

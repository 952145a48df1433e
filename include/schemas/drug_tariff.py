"""What a valid Drug Tariff price list is: one row a pack (medicines) or a pack and barcode (appliances), of one month."""

import numpy as np
import pandera.polars as pa
import polars as pl

from .fields import PUBLISHER, REJECT, WARN, About, Rule, choice, number, text

PARTS = ("cat_m", "ix", "viii_a")

# Not the pack code alone: in Part IX 225 generic lines have no code, and two packs stand twice with two barcodes.
# `line_key` is made by the layouts: pack code and barcode; where there is no code, name, size, colour and quantity.
KEY = ("part", "line_key")
COMPLETE = None

# How lines are compared: a GTIN-14 with a nought in front is its GTIN-13.
SAME = {"line_key": pl.col("line_key").str.to_uppercase().str.replace(r"/0(\d{13})$", "/$1")}

# Of tens of thousands of lines one that is repeated is left out and listed; the ceiling holds the file when many are.
STRUCTURE = {"STR03": REJECT}

# The lists are about products; no row belongs to a provider.
BODY = pl.lit("other")

# A number of dm+d (SNOMED CT UK): 6 to 18 digits, always text, for 18 digits do not fit a float.
SNOMED = r"^[1-9]\d{5,17}$"


class Row(pa.DataFrameModel):
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


def rules(about: About) -> list[Rule]:
    """The rules on a line; prices of two months are compared in the benchmarks, not here."""
    c = pl.col
    return [
        Rule(
            "DT-R1",
            REJECT,
            PUBLISHER,
            ("price_pence",),
            c("price_pence") > 0,
            "The price of {name} is {price_pence} pence. Expected above 0: give the price of the pack in pence.",
        ),
        Rule(
            "DT-R2",
            REJECT,
            PUBLISHER,
            ("pack_size",),
            c("pack_size") > 0,
            "The pack size of {name} is {pack_size}. Expected above 0, or no price a unit can be computed: give the number of units.",
        ),
        *(
            Rule(
                "DT-R3",
                WARN,
                PUBLISHER,
                (field,),
                snomed_is_valid(c(field)),
                f"{{{field}}} of {{name}} is not a SNOMED code: its check digit does not fit. "
                "A spreadsheet may have rounded it: expected the code as text, copied again.",
            )
            for field in ("product_code", "pack_code", "supplier_code")
        ),
        Rule(
            "DT-R4",
            WARN,
            PUBLISHER,
            ("gtin",),
            gtin_is_valid(c("gtin")),
            "{gtin} of {name} is not a GTIN: its length or check digit is wrong. Expected 8, 12, 13 or 14 digits: copy the barcode again.",
        ),
        Rule(
            "DT-R5",
            REJECT,
            PUBLISHER,
            ("line_key", "name"),
            c("line_key").is_not_null() & c("name").is_not_null(),
            "The line has no name, or nothing that tells it from others. Expected a name and a pack code: fill the cells.",
        ),
    ]


def gtin_is_valid(code: pl.Expr) -> pl.Expr:
    """Whether a text is a GTIN of 8, 12, 13 or 14 digits with a right check digit; null stays null.

    Source: GS1 General Specifications, section 7.9: weights 3 and 1 from the right, modulo 10.
    """
    padded = code.str.pad_start(14, "0")
    total = pl.sum_horizontal(
        padded.str.slice(i, 1).cast(pl.Int32, strict=False) * (3 if i % 2 == 0 else 1) for i in range(14)
    )
    return code.str.contains(r"^(\d{8}|\d{12,14})$") & (total % 10 == 0)


def snomed_is_valid(code: pl.Expr) -> pl.Expr:
    """Whether the last digit of a SNOMED identifier fits the others; null stays null, and so does what has another form.

    Source: SNOMED International, Technical Implementation Guide, "Check-digit": Verhoeff's dihedral check.
    """
    return code.map_batches(_verhoeff, return_dtype=pl.Boolean)


def _verhoeff(codes: pl.Series) -> pl.Series:
    texts = codes.str.extract(f"({SNOMED})")
    lengths = texts.str.len_bytes().fill_null(0).to_numpy()
    digits = texts.fill_null("").str.pad_start(18, "0").str.join("").item()
    wide = np.frombuffer(digits.encode(), np.uint8).reshape(-1, 18) - ord("0")
    check = np.zeros(codes.len(), np.int8)
    for place in range(18):  # from the right
        moved = _MOVES[place % 8][wide[:, 17 - place]]
        check = np.where(place < lengths, _DIHEDRAL[check, moved], check)
    return pl.Series(codes.name, check == 0).set(texts.is_null(), None)


def _dihedral() -> np.ndarray:
    """The multiplication table of the dihedral group of order ten."""
    first, second = np.divmod(np.arange(10)[:, None], 5), np.divmod(np.arange(10)[None, :], 5)
    turn = np.where(first[0] == 0, first[1] + second[1], first[1] - second[1]) % 5
    return (turn + 5 * ((first[0] + second[0]) % 2)).astype(np.int8)


def _moves() -> np.ndarray:
    step = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4], np.int8)
    moves = [np.arange(10, dtype=np.int8)]
    for _ in range(7):
        moves.append(step[moves[-1]])
    return np.array(moves)


_DIHEDRAL, _MOVES = _dihedral(), _moves()

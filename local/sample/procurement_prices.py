"""Procurement returns: order lines for some 800 shared products, each with a national price and a spread by trust."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from .world import Organisation, World, days_in

COLUMNS = [
    "ods_code", "period", "po_number", "po_line", "order_date", "supplier_name", "supplier_id", "product_code",
    "code_type", "description", "category_code", "unit_of_issue", "units_per_issue", "quantity", "unit_price_gbp",
    "line_value_gbp", "line_type", "contract_ref", "national_contract",
]  # fmt: skip
PRODUCTS = 800
SUPPLIERS = 120
THINGS = (
    "Gloves, nitrile", "Dressing, foam", "Syringe, luer lock", "Needle, hypodermic", "Catheter, intermittent",
    "Wipe, disinfectant", "Apron, polythene", "Bandage, retention", "Cannula, peripheral", "Continence pad",
    "Couch roll", "Face mask, type IIR", "Feeding set", "Gauze swab", "Hand towel", "Insulin pen needle",
    "Lancet, safety", "Oxygen mask", "Paper, A4", "Sharps container", "Specimen pot", "Stocking, compression",
    "Test strip, glucose", "Thermometer cover", "Toner cartridge", "Tubing, suction", "Tunic, staff",
    "Walking frame", "Wheelchair cushion", "Wound closure strip",
)  # fmt: skip
SIZES = ("small", "medium", "large", "standard", "sterile", "non-sterile")
# The prefix 952 is the one that GS1 keeps for examples, so that no invented number is anybody's product.
GTIN_PREFIX = "952"


def check_digit(digits: str) -> str:
    """The GS1 check digit of the digits before it."""
    weights = (3 if n % 2 == 0 else 1 for n in range(len(digits)))
    return str(-sum(int(d) * w for d, w in zip(reversed(digits), weights, strict=True)) % 10)


def products(seed: int) -> pl.DataFrame:
    """The shared products: code, code type, description, two ways of packing, national price a base unit in GBP."""
    rng = np.random.Generator(np.random.PCG64([seed, 800]))
    rows = []
    for n in range(PRODUCTS):
        price = float(np.clip(np.exp(rng.normal(-0.4, 1.5)), 0.03, 250))
        code_type = str(rng.choice(["gtin", "npc", "mpc", "local", "none"], p=[0.56, 0.2, 0.14, 0.07, 0.03]))
        digits = f"{GTIN_PREFIX}{n + 1:09d}"
        letters = "".join(chr(65 + (n * 7 + k * 11) % 26) for k in range(3))
        code = {"gtin": digits + check_digit(digits), "npc": f"{letters}{n + 1:04d}", "mpc": f"MX-{n + 1:05d}",
                "local": f"L{n + 1:04d}", "none": ""}[code_type]  # fmt: skip
        unit, packed = _packing(rng, price, n)
        big, many = ("case", packed * int(rng.choice([4, 10]))) if unit in ("each", "box", "pack") else (unit, packed)
        if price * many > 900:
            big, many = unit, packed
        rows.append(
            (
                code, code_type, f"{THINGS[n % len(THINGS)]}, {SIZES[n // len(THINGS) % len(SIZES)]} (sample product {n + 1:03d})",
                f"{10 + n % 30}-{n % 17:02d}-{n % 9:02d}", unit, float(packed), big, float(many), price,
                int(rng.integers(0, SUPPLIERS)), bool(rng.random() < 0.4),
            )
        )  # fmt: skip
    names = ["product_code", "code_type", "description", "category_code", "unit", "packed", "big_unit", "big_packed",
             "price", "supplier", "national"]  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _packing(rng: np.random.Generator, price: float, n: int) -> tuple[str, int]:
    if n % 40 == 7:
        return "roll", 1
    if n % 40 == 17:
        return "pair", 2
    if n % 40 == 27:
        return "set", 1
    if price > 15:
        return "each", 1
    if price > 2:
        return ("each", 1) if rng.random() < 0.5 else ("pack", 5)
    return str(rng.choice(["box", "pack"])), int(rng.choice([10, 20, 25, 50, 100]))


def content(world: World, org: Organisation, period: str) -> bytes:
    """The clean return of one provider and month as the bytes of a CSV file."""
    return frame(world, org, period).write_csv().encode("utf-8")


def frame(world: World, org: Organisation, period: str) -> pl.DataFrame:
    """The clean return of one provider and month; columns in the order of the template, unique (po_number, po_line)."""
    known = world.once("products", lambda: products(world.seed))
    own = world.once(("buyer", org.code), lambda: _buyer(world, org))
    rng = world.rng("procurement_prices", org.code, period)
    month = world.periods.index(period)
    count = max(12, round(world.lines * own["scale"] * rng.uniform(0.95, 1.05)))
    return lines(rng, known, own, org.code, period, count, 1 + 0.002 * month)


def _buyer(world: World, org: Organisation) -> dict[str, Any]:
    """What is peculiar to a trust's buying: how much, what, and at which prices (factor on the national price)."""
    rng = world.rng("buyer", org.code)
    known = world.once("products", lambda: products(world.seed))
    return buyer(rng, known["national"].to_numpy())


def buyer(rng: np.random.Generator, national: np.ndarray) -> dict[str, Any]:
    """Draws a trust's own scale, product weights and price factors (0.6 to 1.7 of the national price)."""
    weights = rng.pareto(1.6, PRODUCTS) + 0.2
    weights[rng.random(PRODUCTS) < 0.35] = 0
    spread = np.where(national, 0.05, 0.17)
    factor = np.exp(np.clip(rng.normal(0, 1, PRODUCTS) * spread + rng.normal(0, 0.03), -0.5, 0.5))
    return {"scale": rng.uniform(0.75, 1.25), "weights": np.cumsum(weights) / weights.sum(), "factor": factor}


def lines(
    rng: np.random.Generator,
    known: pl.DataFrame,
    own: dict[str, Any],
    code: str,
    period: str,
    count: int,
    inflation: float,
) -> pl.DataFrame:
    """`count` clean order lines of one trust and month (all columns; see COLUMNS for the order).

    Args:
        own: what `buyer` drew for the trust.
        inflation: factor on all prices.
    """
    pick = np.minimum(np.searchsorted(own["weights"], rng.random(count)), PRODUCTS - 1)
    bulk = rng.random(count) < 0.25
    packed = np.where(bulk, known["big_packed"].to_numpy()[pick], known["packed"].to_numpy()[pick])
    base = known["price"].to_numpy()[pick] * own["factor"][pick] * inflation * np.where(bulk, 0.95, 1.0)
    price = np.maximum(0.001, np.round(base * packed, 4))
    kind = rng.random(count)
    sign = np.where(kind < 0.02, -1.0, 1.0)
    quantity = sign * np.clip(np.round(np.exp(rng.normal(4.9, 0.55, count)) / price), 1, 3000)
    # An order has one to eight lines.
    first = rng.random(count) < 0.3
    first[0] = True
    order = np.cumsum(first) - 1
    po_line = np.arange(count) - np.flatnonzero(first)[order] + 1
    day = np.sort(rng.integers(0, days_in(period), order[-1] + 1))[order]
    start = np.datetime64(dt.date(int(period[:4]), int(period[5:]), 1))
    supplier = (known["supplier"].to_numpy()[pick] + rng.integers(0, 3, count)) % SUPPLIERS
    national = known["national"].to_numpy()[pick]
    contract = np.where(national, 5000 + supplier, 1000 + supplier * 3)
    stated = rng.random(count)
    chosen = known[pick]
    made = pl.DataFrame(
        {
            "order": order,
            "po_line": po_line,
            "order_date": start + day.astype("timedelta64[D]"),
            "supplier": supplier,
            "units_per_issue": packed.astype(np.int64),
            "quantity": quantity.astype(np.int64),
            "unit_price_gbp": price,
            "line_value_gbp": np.round(quantity * price, 2),
            "bulk": bulk,
            "kind": kind,
            "stated": stated,
            "contract": contract,
        }
    )
    c = pl.col
    return made.hstack(chosen.drop("supplier")).select(
        ods_code=pl.lit(code),
        period=pl.lit(period),
        po_number=pl.format("PO{}{}", pl.lit(code + period[2:4] + period[5:]), c("order").cast(pl.String).str.zfill(5)),
        po_line="po_line",
        order_date="order_date",
        supplier_name=pl.format("Sample Supplier {} Ltd", c("supplier").cast(pl.String).str.zfill(3)),
        supplier_id=pl.when(c("stated") < 0.95).then(pl.format("S{}", c("supplier").cast(pl.String).str.zfill(4))),
        product_code=pl.when(c("code_type") == "local")
        .then(pl.format("{}-{}", pl.lit(code), c("product_code")))
        .when(c("code_type") != "none")
        .then("product_code"),
        code_type="code_type",
        description="description",
        category_code=pl.when(c("stated") > 0.04).then("category_code"),
        unit_of_issue=pl.when("bulk").then("big_unit").otherwise("unit"),
        units_per_issue="units_per_issue",
        quantity="quantity",
        unit_price_gbp="unit_price_gbp",
        line_value_gbp="line_value_gbp",
        line_type=pl.when(c("kind") < 0.02)
        .then(pl.lit("credit"))
        .when(c("kind") > 0.99)
        .then(pl.lit("adjustment"))
        .otherwise(pl.lit("order")),
        contract_ref=pl.when(c("stated") < 0.7).then(pl.format("CT-{}", "contract")),
        national_contract=pl.when("national").then(pl.lit("yes")).otherwise(pl.lit("no")),
    )

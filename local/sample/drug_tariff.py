"""National price lists of a month in the carrier's column layouts (Part VIIIA, Category M, Part IX), with invented products."""

import numpy as np

from .procurement_prices import check_digit
from .tables import Table
from .world import World

PARTS = {"viii_a": 300, "cat_m": 100, "ix": 500}
COLUMNS = {
    "viii_a": ["drug_tariff_category", "medicine", "pack_size", "unit_of_measure", "basic_price", "vmp_snomed_code",
               "vmpp_snomed_code"],
    "cat_m": ["drug_name", "pack_size", "unit_of_measure", "basic_price", "vmpp_snomed_code"],
    "ix": ["drug_tariff_part", "vmp_name", "amp_name", "supplier_name", "quantity", "quantity_unit_of_measure",
           "price_in_p", "colour", "size_or_weight", "product_order_number", "pack_order_number",
           "add_dispensing_indicator", "product_snomed_code", "pack_snomed_code", "gtin", "supplier_snomed_code",
           "bnf_code"],
}  # fmt: skip
FORMS = (("tablets", "tablet"), ("capsules", "capsule"), ("oral solution", "ml"), ("cream", "gram"))
DEVICES = ("Foam dressing", "Leg bag", "Intermittent catheter", "Compression stocking", "Ostomy bag", "Swab")
# The 1000001 of dm+d is replaced, so that no invented number is a product.
NAMESPACE = "1999999"


def table(world: World, part: str, period: str) -> Table:
    """The clean price list of a part ('viii_a', 'cat_m', 'ix') and month; prices drift by some percent a month."""
    month = world.periods.index(period)
    return Table(list(COLUMNS[part]), (_appliances if part == "ix" else _medicines)(world, part, month))


def snomed(item: int, partition: str) -> str:
    """An identifier in SNOMED's form: item, namespace, partition and a Verhoeff check digit."""
    digits = f"{item}{NAMESPACE}{partition}"
    return digits + _verhoeff(digits)


def _prices(world: World, name: str, count: int, low: float, high: float, month: int) -> np.ndarray:
    start = np.exp(world.rng("tariff", name).uniform(np.log(low), np.log(high), count))
    for n in range(month):
        start = start * world.rng("tariff", name, n).choice([1, 1, 1, 1, 0.97, 1.02, 1.05], count)
    return np.maximum(1, np.round(start)).astype(int)


def _medicines(world: World, part: str, month: int) -> list[list[str]]:
    rng = world.rng("tariff", "medicines")
    price = _prices(world, "medicines", PARTS["viii_a"], 45, 9000, month)
    rows = []
    for n in range(PARTS["viii_a"]):
        form, unit = FORMS[n % 4]
        category = "M" if n % 3 == 0 else str(rng.choice(["A", "C"]))
        name = f"Sample medicine {n // 4 + 1:03d} {int(rng.choice([5, 10, 20, 40, 100]))}mg {form}"
        pack = int(rng.choice([28, 30, 56, 84, 100] if unit in ("tablet", "capsule") else [30, 50, 100, 150]))
        vmp, vmpp = snomed(40000 + n, "10"), snomed(50000 + n, "10")
        if part == "viii_a":
            rows.append([f"Part VIIIA Category {category}", name, str(pack), unit, str(price[n]), vmp, vmpp])
        elif category == "M":
            rows.append([name, str(pack), unit, str(price[n]), vmpp])
    return rows


def _appliances(world: World, part: str, month: int) -> list[list[str]]:
    rng = world.rng("tariff", "appliances")
    price = _prices(world, "appliances", PARTS[part], 12, 22000, month)
    rows = []
    for n in range(PARTS[part]):
        device = DEVICES[n % len(DEVICES)]
        supplier = int(rng.integers(1, 30))
        size = str(rng.choice(["", "5cm x 5cm", "10cm x 10cm", "small", "large"]))
        digits = f"952{700000000 + n}"
        gtin = digits + check_digit(digits) if rng.random() < 0.58 else ""
        rows.append(
            [
                ("IXA", "IXB", "IXC")[n % 3], f"{device} {n // 3 + 1:03d}", f"Sample {device.lower()} {n + 1:03d}",
                f"Sample Supplier {supplier:03d} Ltd", f"{float(rng.choice([1, 5, 10, 30])):.1f}", "device",
                f"{float(price[n]):.1f}", "", size, f"P{n + 1:05d}", "", "", snomed(60000 + n, "10"),
                snomed(70000 + n, "10"), gtin, snomed(80000 + supplier, "10"), f"20{n % 9 + 1:02d}{n:07d}",
            ]
        )  # fmt: skip
    return rows


def _dihedral(a: int, b: int) -> int:
    """Multiplication in the dihedral group of order ten."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


_MOVE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_BACK = (0, 4, 3, 2, 1, 5, 6, 7, 8, 9)


def _verhoeff(digits: str) -> str:
    check = 0
    for place, digit in enumerate(reversed(digits), 1):
        value = int(digit)
        for _ in range(place % 8):
            value = _MOVE[value]
        check = _dihedral(check, value)
    return str(_BACK[check])

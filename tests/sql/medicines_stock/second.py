"""Medicines stock: random extracts, and their figures a second time, written from the methods in words and not from the SQL."""

import math

from second_calculation import NONE

TEN, TWO_AND_A_HALF, OTHER = "326875008", "326874007", "395522003"
FEWEST = 5


def metrics(now, year, period, others):
    """MS01 of one trust."""
    issued = dict(zip(now.vmp_snomed_code, now.total_quantity, strict=True))
    ten, small = issued.get(TEN, 0.0), issued.get(TWO_AND_A_HALF, 0.0)
    if min(ten, small) < 0 or not {TEN, TWO_AND_A_HALF} & set(issued):
        return {"MS01": NONE}
    return {"MS01": (ten, ten + small, 100 * ten / (ten + small) if ten + small else math.nan, math.nan)}


def rows(rng, code, period):
    """Most trusts issue small tablets, some large ones; of some more came back."""
    chances = {TEN: 0.6, TWO_AND_A_HALF: 0.9, OTHER: 0.5}
    return [
        {"ods_code": code, "vmp_snomed_code": product, "total_quantity": float(rng.randint(-5, 90))}
        for product, chance in chances.items()
        if rng.random() < chance
    ] or [{"ods_code": code, "vmp_snomed_code": OTHER, "total_quantity": 1.0}]

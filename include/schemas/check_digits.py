"""Check digits of barcode numbers (GTIN) and of SNOMED codes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

# A number of dm+d (SNOMED CT UK): 6 to 18 digits, always text, for 18 digits do not fit a float.
SNOMED = r"^[1-9]\d{5,17}$"


def gtin_is_valid(code: pl.Expr) -> pl.Expr:
    """Whether a text is a GTIN of 8, 12, 13 or 14 digits with a right check digit; null stays null.

    Source: GS1 General Specifications, section 7.9: weights 3 and 1 from the right, modulo 10.
    """
    digits = code.str.contains(r"^([0-9]{8}|[0-9]{12,14})$")
    number = code.cast(pl.Int64, strict=False)
    # A digit and the number that ends in it are the same modulo 10, so no digit has to be cut out.
    total = sum(((number // 10**i) * (3 if i % 2 else 1) for i in range(1, 14)), number)
    return digits & (total % 10 == 0)


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
    check: npt.NDArray[Any] = np.zeros(codes.len(), np.int8)
    for place in range(18):  # from the right
        moved = _MOVES[place % 8][wide[:, 17 - place]]
        check = np.where(place < lengths, _DIHEDRAL[check, moved], check)
    return pl.Series(codes.name, check == 0).set(texts.is_null(), None)


def _dihedral() -> npt.NDArray[np.int8]:
    """The multiplication table of the dihedral group of order ten."""
    first, second = np.divmod(np.arange(10)[:, None], 5), np.divmod(np.arange(10)[None, :], 5)
    turn = np.where(first[0] == 0, first[1] + second[1], first[1] - second[1]) % 5
    table: npt.NDArray[np.int8] = (turn + 5 * ((first[0] + second[0]) % 2)).astype(np.int8)
    return table


def _moves() -> npt.NDArray[np.int8]:
    step = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4], np.int8)
    moves = [np.arange(10, dtype=np.int8)]
    for _ in range(7):
        moves.append(step[moves[-1]])
    return np.array(moves)


_DIHEDRAL, _MOVES = _dihedral(), _moves()

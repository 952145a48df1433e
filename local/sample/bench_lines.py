"""Procurement lines for the benchmark: a file a trust, about one line in two hundred faulty, in eight known ways."""

from pathlib import Path

import numpy as np
import polars as pl
from trust_benchmarks import reference

from .procurement_prices import buyer, lines, products
from .world import generator, last_day

A_FILE = 50_000
PERIOD = "2025-06"
SHARE = 0.005
# Kind of fault -> what it does to a line (the price outlier and the negative price keep the value in step).
KINDS = (
    "unknown trust",
    "negative price",
    "missing key",
    "wrong date",
    "duplicate key",
    "price outlier",
    "pack size 0",
    "unknown unit",
)


def write(
    n: int,
    trusts: int | None = None,
    seed: int = 1,
    folder: str | Path | None = None,
    period: str = PERIOD,
    share: float = SHARE,
) -> list[Path]:
    """Writes `n` order lines of one month into folder/procurement_prices/, one file a trust, one file in memory at a time.

    Also writes folder/planted.csv: file, line (header = 1), kind of fault (see KINDS). A line with a duplicate key is the
    line before it once more; both break the rule, the second is listed.

    Args:
        n: lines in all.
        trusts: files, and real trust codes; a file for every 50,000 lines when not given.
        share: part of the lines that is faulty, 0 to 0.4.

    Returns:
        The files written, in order.

    Raises:
        ValueError: when there are fewer trusts in the reference data than asked for, or a number makes no sense.
    """
    if n < 1 or not 0 <= share <= 0.4 or folder is None:
        raise ValueError("Give a folder, at least 1 line, and a share of faulty lines from 0 to 0.4.")
    count = trusts or -(-n // A_FILE)
    known = reference.load()
    codes = sorted(known.expected(reference.SECTORS, last_day(period)))
    if count > len(codes):
        raise ValueError(f"{count} trusts are asked for, but {len(codes)} are open in {period}. Ask for fewer.")
    catalogue = products(seed)
    out = Path(folder) / "procurement_prices"
    out.mkdir(parents=True, exist_ok=True)
    paths, faults = [], 0
    with (Path(folder) / "planted.csv").open("w", encoding="utf-8") as listed:
        listed.write("file,line,kind\n")
        for i, code in enumerate(codes[:count]):
            size = n // count + (i < n % count)
            rng = generator(seed, "bench", code, period)
            frame = lines(rng, catalogue, buyer(rng, catalogue["national"].to_numpy()), code, period, size, 1.0)
            frame, kind = _spoil(frame, rng, share, faults)
            faults += int((kind >= 0).sum())
            path = out / f"sample_procurement_prices_{code}_{period}_v1.csv"
            frame.write_csv(path)
            listed.writelines(f"{path.name},{at + 2},{KINDS[kind[at]]}\n" for at in np.flatnonzero(kind >= 0))
            paths.append(path)
    return paths


def _spoil(frame: pl.DataFrame, rng: np.random.Generator, share: float, first: int) -> tuple[pl.DataFrame, np.ndarray]:
    """The lines with faults in them, kinds in turn from number `first` on, and the kind of each line (-1: none)."""
    count = frame.height
    # Only every second line may be faulty, so that the line before a duplicate is sound.
    at = np.sort(rng.choice(count // 2, min(count // 2, round(count * share)), replace=False)) * 2 + 1
    kind = np.full(count, -1)
    kind[at] = np.arange(first, first + at.size) % len(KINDS)
    frame = frame[np.arange(count) - (kind == KINDS.index("duplicate key"))]
    c, is_ = pl.col, {name: pl.lit(pl.Series(kind == k)) for k, name in enumerate(KINDS)}
    factor = pl.when(is_["negative price"]).then(-1.0).when(is_["price outlier"]).then(100.0).otherwise(1.0)
    frame = frame.with_columns(
        ods_code=pl.when(is_["unknown trust"]).then(pl.lit("ZZ9")).otherwise("ods_code"),
        po_number=pl.when(~is_["missing key"]).then("po_number"),
        order_date=pl.when(is_["wrong date"]).then(pl.lit("2025-02-30")).otherwise(c("order_date").cast(pl.String)),
        units_per_issue=pl.when(is_["pack size 0"]).then(0).otherwise("units_per_issue"),
        unit_of_issue=pl.when(is_["unknown unit"]).then(pl.lit("bucket")).otherwise("unit_of_issue"),
        unit_price_gbp=(c("unit_price_gbp") * factor).round(4),
    )
    return frame.with_columns(line_value_gbp=(c("quantity") * c("unit_price_gbp")).round(2)), kind

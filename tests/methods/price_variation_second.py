"""The second calculation of price variation: what a trust pays per base unit against the lowest credible price and the median.

Source: the project's domain brief, section 3.4 and section 4, methods 5 and 7 (proposals of this project after the Spend Comparison
Service, R17). Prices in pounds per base unit, ordered and not paid. The rules are those of
include/sql/benchmarks/procurement_prices.sql.

Credibility: a line whose price is under a fifth or over five times the median of its product's line prices is taken for a
mistaken pack size and left out. A lowest price counts from three base units on: one or two may be a sample.
"""

from dataclasses import dataclass

import polars as pl
from trust_benchmarks.measures.methods import MethodError, require

CREDIBLE = (0.2, 5.0)  # times the median of line prices
FEWEST_TRUSTS, FEWEST_LINES = 3, 2
LEAST_UNITS = 3  # base units before a price may be the lowest
BENCHMARKS = ("lowest", "median")


@dataclass(frozen=True)
class Variation:
    """Prices of many products.

    Attributes:
        products: one row a product: product, trusts, lines, suspects_left_out, spend_gbp, lowest, lower_quartile, median,
            upper_quartile, highest, reason. `reason` says why one has no benchmarks.
        positions: one row a product with benchmarks and trust: product, provider_code, lines, base_units, spend_gbp,
            unit_price_gbp, and for each of `BENCHMARKS` variance_to_{b} (share of it) and opportunity_to_{b}_gbp
            (positive differences only).
    """

    products: pl.DataFrame
    positions: pl.DataFrame


def compare(lines: pl.DataFrame) -> Variation:
    """Each trust's price of each product against the others'.

    Args:
        lines: one row an order line as it counts (adjustments applied, one window of months): product (text that says
            product, kind of code and base unit; null where it means nothing over trusts), provider_code, quantity,
            units_per_issue, unit_price_gbp, line_value_gbp and is_credit. Credits net in spend and in base units but set
            no price.

    Raises:
        MethodError: for a missing column, or a line without trust, quantity, units above 0, price or value.
    """
    numbers = ["quantity", "units_per_issue", "unit_price_gbp", "line_value_gbp"]
    require(lines, "product provider_code is_credit " + " ".join(numbers), "Price variation")
    lines = lines.with_columns(pl.col(*numbers).cast(pl.Float64).fill_nan(None))
    bad = pl.any_horizontal(pl.col("provider_code", "is_credit", *numbers).is_null()) | (pl.col("units_per_issue") <= 0)
    if wrong := lines.filter(bad).height:
        raise MethodError(
            f"{wrong} order lines lack a trust, a quantity, a price, a value, or units above 0. Expected all of them on "
            "every line; leave such lines out with a finding."
        )
    bought = ~pl.col("is_credit")
    priced = lines.filter(pl.col("product").is_not_null()).with_columns(
        each=pl.col("unit_price_gbp") / pl.col("units_per_issue"), units=pl.col("quantity") * pl.col("units_per_issue")
    )
    middle = pl.col("each").filter(bought).median().over("product")
    priced = priced.with_columns(is_credible=pl.col("each").is_between(CREDIBLE[0] * middle, CREDIBLE[1] * middle))
    pairs = _pairs(priced, bought)
    products = _products(priced, pairs)
    return Variation(products, _positions(pairs, products))


def _pairs(priced, bought):
    return (
        priced.filter(pl.col("is_credible"))
        .group_by("product", "provider_code")
        .agg(
            lines=bought.sum().cast(pl.Int64),
            base_units=_total("units"),
            spend_gbp=_total("line_value_gbp"),
        )
        # A hair above 0: what credits net to nothing is no price.
        .filter((pl.col("lines") > 0) & (pl.col("base_units") > 1e-9) & (pl.col("spend_gbp") > 1e-9))
        .with_columns(unit_price_gbp=pl.col("spend_gbp") / pl.col("base_units"))
        .sort("product", "provider_code")
    )


def _products(priced, pairs):
    price = pl.col("unit_price_gbp")
    spread = pairs.group_by("product").agg(
        trusts=pl.len().cast(pl.Int64),
        lines=pl.col("lines").sum(),
        spend_gbp=_total("spend_gbp"),
        lowest=price.filter(pl.col("base_units") >= LEAST_UNITS - 1e-9).min(),
        **{
            name: price.quantile(q, "linear")
            for name, q in (("lower_quartile", 0.25), ("median", 0.5), ("upper_quartile", 0.75))
        },
        highest=price.max(),
    )
    suspects = priced.group_by("product").agg(suspects_left_out=(~pl.col("is_credible")).sum().cast(pl.Int64))
    figures = ["lowest", "lower_quartile", "median", "upper_quartile", "highest"]
    reason = (
        pl.when(pl.col("trusts") < FEWEST_TRUSTS)
        .then(pl.format("{} trusts with a credible price; {} are needed.", "trusts", pl.lit(FEWEST_TRUSTS)))
        .when(pl.col("lines") < FEWEST_LINES)
        .then(pl.format("{} lines with a credible price; {} are needed.", "lines", pl.lit(FEWEST_LINES)))
    )
    return (
        suspects.join(spread, on="product", how="left")
        .with_columns(pl.col("trusts", "lines").fill_null(0), pl.col("spend_gbp").fill_null(0.0))
        .with_columns(reason=reason)
        .with_columns(pl.when(pl.col("reason").is_null()).then(pl.col(name)).alias(name) for name in figures)
        .select("product", "trusts", "lines", "suspects_left_out", "spend_gbp", *figures, "reason")
        .sort("product")
    )


def _positions(pairs, products):
    compared = products.filter(pl.col("reason").is_null()).select("product", *BENCHMARKS)
    price = pl.col("unit_price_gbp")
    columns = []
    for name in BENCHMARKS:
        over = price - pl.col(name)
        columns += [
            (over / pl.col(name)).alias(f"variance_to_{name}"),
            (over.clip(lower_bound=0) * pl.col("base_units")).alias(f"opportunity_to_{name}_gbp"),
        ]
    return (
        pairs.join(compared, on="product")
        .select("product", "provider_code", "lines", "base_units", "spend_gbp", "unit_price_gbp", *columns)
        .sort("product", "provider_code")
    )


def _total(column: str, decimals: int = 6) -> pl.Expr:
    """A sum that is the same whatever the order of the rows: of decimals, as total() and total_fine() in SQL."""
    return pl.col(column).cast(pl.Decimal(38, decimals)).sum().cast(pl.Float64).alias(column)

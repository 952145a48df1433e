"""Price variation: a second calculation in DuckDB's SQL and the pipeline's own, cases by hand, and refusals."""

import random
from pathlib import Path

import duckdb
import polars as pl
import pytest
from trust_benchmarks.measures import price_variation
from trust_benchmarks.measures.methods import MethodError

SQL = Path(price_variation.__file__).parents[1] / "sql"
COLUMNS = ["product", "provider_code", "quantity", "units_per_issue", "unit_price_gbp", "line_value_gbp", "is_credit"]


def frame(rows):
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def line(product, code, quantity, per_issue, price, credit=False):
    sign = -1 if credit else 1
    return product, code, float(sign * quantity), float(per_issue), price, round(sign * quantity * price, 2), credit


def generated(seed):
    rng = random.Random(seed)
    rows = []
    for _ in range(3000):
        product = rng.choice([None, *(f"gtin {i} each" for i in range(60))])
        base = 0.5 + (hash_of(product) % 97) / 10
        per_issue = rng.choice([1, 10, 100])
        wrong = rng.choice([10, 0.1]) if rng.random() < 0.05 else 1
        price = round(base * per_issue * rng.uniform(0.7, 1.4) * wrong, 2)
        rows.append(
            line(product, f"T{rng.randint(0, 11):02d}", rng.randint(1, 6), per_issue, price, rng.random() < 0.04)
        )
    rows += [line("gtin rare each", "T01", 1, 1, 2.0), line("gtin two each", "T01", 9, 1, 2.0)]
    rows += [line("gtin two each", "T02", 9, 1, 3.0), line("gtin one each", "T03", 1, 1, 3.0)]
    rows += [line("gtin refund each", "T03", 1, 1, 3.0, credit=True)]
    return frame(rows)


def hash_of(text):
    return sum(map(ord, text or ""))


SECOND = """
WITH p AS (
    SELECT *, unit_price_gbp / units_per_issue AS each, quantity * units_per_issue AS units FROM lines WHERE product IS NOT NULL
),
m AS (SELECT product, median(each) AS mid FROM p WHERE NOT is_credit GROUP BY product),
c AS (
    SELECT product, provider_code, count(*) FILTER (WHERE NOT is_credit) AS n, sum(units) AS units,
        sum(line_value_gbp) AS spend
    FROM p JOIN m USING (product) WHERE each >= 0.2 * mid AND each <= 5 * mid GROUP BY ALL
    HAVING n > 0 AND units > 1e-9 AND spend > 1e-9
),
s AS (
    SELECT product, count(*) AS trusts, sum(n) AS n, sum(spend) AS spend,
        min(spend / units) FILTER (WHERE units > 2.999999) AS lowest,
        quantile_cont(spend / units, 0.25) AS q1, quantile_cont(spend / units, 0.5) AS q2,
        quantile_cont(spend / units, 0.75) AS q3, max(spend / units) AS highest
    FROM c GROUP BY product HAVING trusts >= 3 AND sum(n) >= 2
)
"""


def close(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert [x for x in a if isinstance(x, str)] == [x for x in b if isinstance(x, str)]
        assert [x is None for x in a] == [x is None for x in b]
        numbers = [[float(x) for x in row if x is not None and not isinstance(x, str)] for row in (a, b)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_second_calculation_in_sql(seed):
    lines = generated(seed)
    found = price_variation.compare(lines)
    db = duckdb.connect()
    db.register("lines", lines.to_arrow())
    compared = found.products.filter(pl.col("reason").is_null())
    assert compared.height >= 50 and compared["suspects_left_out"].sum() > 50
    close(
        compared.drop("reason", "suspects_left_out").rows(),
        db.execute(
            SECOND + "SELECT product, trusts, n, spend, lowest, q1, q2, q3, highest FROM s ORDER BY 1"
        ).fetchall(),
    )
    sides = ", ".join(
        f"spend / units / {k} - 1, greatest(spend - {k} * units, CASE WHEN {k} IS NOT NULL THEN 0 END)"
        if k != "lowest"
        else "spend / units / lowest - 1, CASE WHEN lowest IS NOT NULL THEN greatest(spend - lowest * units, 0) END"
        for k in ("lowest", "q1", "q2")
    )
    close(
        found.positions.rows(),
        db.execute(
            SECOND + f"SELECT product, provider_code, c.n, units, c.spend, spend_each, {sides} FROM "
            "(SELECT *, spend / units AS spend_each FROM c) AS c JOIN (SELECT * EXCLUDE (spend, n) FROM s) USING (product) "
            "ORDER BY 1, 2"
        ).fetchall(),
    )
    totals = db.execute(
        SECOND
        + """, t AS (
            SELECT provider_code, sum(CASE WHEN lowest IS NOT NULL THEN greatest(c.spend - lowest * units, 0) END) AS o0,
                sum(greatest(c.spend - q1 * units, 0)) AS o1, sum(greatest(c.spend - q2 * units, 0)) AS o2,
                sum(c.spend) AS matched
            FROM c JOIN s USING (product) GROUP BY 1
        )
        SELECT provider_code, o0, o1, o2, matched, value, matched / value
        FROM t JOIN (SELECT provider_code, sum(line_value_gbp) AS value FROM lines GROUP BY 1) USING (provider_code)
        ORDER BY 1"""
    ).fetchall()
    close(found.totals.rows(), totals)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_on_every_run_whatever_the_order(seed):
    lines = generated(seed)
    first = price_variation.compare(lines)
    again = price_variation.compare(lines.sample(fraction=1, shuffle=True, seed=seed))
    for name in ("products", "positions", "totals"):
        assert getattr(first, name).equals(getattr(again, name))


def test_by_hand():
    lines = frame(
        [
            line("p", "A", 10, 1, 1.0),
            line("p", "B", 1, 10, 20.0),  # 2.00 each
            line("p", "C", 10, 1, 3.0),
            line("p", "D", 2, 1, 0.9),  # two units set no lowest price
            line("p", "E", 10, 1, 100.0),  # a pack-size suspect: over five times the median of 2.00
            line(None, "A", 1, 1, 90.0),
        ]
    )
    found = price_variation.compare(lines)
    (product,) = found.products.to_dicts()
    assert (product["trusts"], product["suspects_left_out"]) == (4, 1)
    assert (product["lowest"], product["lower_quartile"], product["median"], product["highest"]) == (
        1.0,
        0.975,
        1.5,
        3.0,
    )
    saved = {r["provider_code"]: r for r in found.positions.to_dicts()}
    assert sorted(saved) == list("ABCD")
    assert [saved[c]["opportunity_to_median_gbp"] for c in "ABCD"] == [0, 5, 15, 0]  # the cheap net nothing
    assert [saved[c]["opportunity_to_lowest_gbp"] for c in "ABCD"] == [0, 10, 20, 0]
    assert saved["A"]["variance_to_median"] == pytest.approx(-1 / 3)
    totals = {r["provider_code"]: r for r in found.totals.to_dicts()}
    assert totals["A"]["coverage"] == pytest.approx(0.1) and totals["B"]["coverage"] == 1
    assert totals["E"]["opportunity_to_median_gbp"] is None and totals["E"]["coverage"] == 0


@pytest.mark.parametrize(("price", "suspects"), [(0.39, 1), (0.4, 0), (10.0, 0), (10.01, 1)])
def test_a_fifth_to_five_times_the_median_is_credible(price, suspects):
    rows = [line("p", code, 10, 1, 2.0) for code in "ABCD"]
    found = price_variation.compare(frame([*rows, line("p", "E", 10, 1, price)])).products
    assert found["suspects_left_out"].to_list() == [suspects]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_the_pipelines_sql(seed):
    """include/sql/benchmarks/procurement_prices.sql over the same lines gives the same prices."""
    lines = generated(seed).with_row_index("po_number").drop_nulls("product")
    db = duckdb.connect()
    db.execute("CREATE TABLE target AS SELECT 'procurement_prices' AS collection, '2025-04' AS period")
    db.execute("CREATE TABLE holidays AS SELECT DATE '2025-04-18' AS day")
    db.execute("CREATE TABLE metrics AS SELECT 'PR01' AS metric_id, 1 AS version")
    db.execute((SQL / "measures" / "_macros.sql").read_text(encoding="utf-8"))
    db.execute("CREATE TABLE price_samples AS SELECT '' AS provider_code, FALSE AS is_sample")
    db.register("given", lines.to_arrow())
    db.execute(
        """CREATE TABLE history AS SELECT *, product AS product_code, 'gtin' AS code_type, '1' AS po_line, '2025-04' AS period,
            DATE '2025-04-01' AS order_date, 1 AS line, 'S' AS submission_id, '' AS description,
            CASE WHEN is_credit THEN 'credit' ELSE 'order' END AS line_type FROM given"""
    )
    db.execute((SQL / "benchmarks" / "procurement_prices.sql").read_text(encoding="utf-8"))
    found = price_variation.compare(lines)
    figures = "lowest, lower_quartile, median, upper_quartile, highest"
    close(
        found.products.filter(pl.col("reason").is_null()).drop("reason").rows(),
        db.execute(
            f"SELECT product_code, trusts, lines, suspects_left_out, spend_gbp, {figures} FROM price_spread ORDER BY 1"
        ).fetchall(),
    )
    shared = ["product", "provider_code", "lines", "base_units", "spend_gbp", "unit_price_gbp", "variance_to_median"]
    shared += ["opportunity_to_median_gbp", "opportunity_to_lowest_gbp"]
    close(
        found.positions.select(shared).rows(),
        db.execute(
            f"SELECT product_code AS product, {', '.join(shared[1:])} FROM price_position ORDER BY 1, 2"
        ).fetchall(),
    )


def test_withheld_with_a_reason():
    found = price_variation.compare(generated(1)).products
    reasons = dict(found.filter(pl.col("reason").is_not_null()).select("product", "reason").rows())
    assert reasons["gtin two each"] == "2 trusts with a credible price; 3 are needed."
    assert reasons["gtin refund each"] == "0 trusts with a credible price; 3 are needed."
    withheld = found.filter(pl.col("reason").is_not_null())
    assert (
        withheld.select("lowest", "lower_quartile", "median", "upper_quartile", "highest")
        .null_count()
        .sum_horizontal()[0]
        == 5 * withheld.height
    )


def test_no_lines():
    found = price_variation.compare(
        frame([]).cast({"product": pl.String, "provider_code": pl.String, "is_credit": pl.Boolean})
    )
    assert found.products.is_empty() and found.positions.is_empty() and found.totals.is_empty()


def test_errors_in_words():
    with pytest.raises(MethodError, match="Missing: is_credit"):
        price_variation.compare(generated(1).drop("is_credit"))
    with pytest.raises(MethodError, match="2 order lines lack"):
        price_variation.compare(
            frame([line("p", "A", 1, 0, 1.0), line("p", None, 1, 1, 1.0), line("p", "B", 1, 1, 1.0)])
        )

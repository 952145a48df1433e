"""Price variation: the SQL against a second calculation in polars, and cases by hand."""

import random

import duckdb
import polars as pl
import price_variation_second
import pytest
from trust_benchmarks import sql

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


def close(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert [x for x in a if isinstance(x, str)] == [x for x in b if isinstance(x, str)]
        assert [x is None for x in a] == [x is None for x in b]
        numbers = [[float(x) for x in row if x is not None and not isinstance(x, str)] for row in (a, b)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-9, abs=1e-9)


FIGURES = [
    "trusts",
    "lines",
    "suspects_left_out",
    "spend_gbp",
    "lowest",
    "lower_quartile",
    "median",
    "upper_quartile",
    "highest",
]
POSITION = ["lines", "base_units", "spend_gbp", "unit_price_gbp", "variance_to_median", "opportunity_to_median_gbp"]
POSITION += ["opportunity_to_lowest_gbp"]


def produced(lines):
    """What include/sql/benchmarks/procurement_prices.sql makes of these lines: the products compared, and each trust's position."""
    db = duckdb.connect()
    db.execute("CREATE MACRO target_collection() AS 'procurement_prices'")
    db.execute("CREATE MACRO target_period() AS '2025-04'")
    db.execute("CREATE TABLE holidays AS SELECT DATE '2025-04-18' AS day")
    db.execute("CREATE TABLE metrics AS SELECT 'PR01' AS metric_id, 1 AS version")
    db.execute(sql.text("measures/_macros.sql"))
    db.execute("CREATE TABLE price_samples AS SELECT '' AS provider_code, FALSE AS is_sample")
    db.register("given", lines.with_row_index("po_number").to_arrow())
    db.execute(
        """CREATE TABLE history AS SELECT *, product AS product_code, 'gtin' AS code_type, '1' AS po_line, '2025-04' AS period,
            DATE '2025-04-01' AS order_date, 1 AS line, 'S' AS submission_id, '' AS description,
            CASE WHEN is_credit THEN 'credit' ELSE 'order' END AS line_type FROM given"""
    )
    db.execute(sql.text("benchmarks/procurement_prices.sql"))
    products = db.sql(f"SELECT product_code AS product, {', '.join(FIGURES)} FROM price_spread ORDER BY 1").pl()
    positions = db.sql(
        f"SELECT product_code AS product, provider_code, {', '.join(POSITION)} FROM price_position ORDER BY 1, 2"
    ).pl()
    return products, positions


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_second_calculation_agrees(seed):
    lines = generated(seed)
    products, positions = produced(lines)
    again = price_variation_second.compare(lines)
    assert products.height >= 50 and products["suspects_left_out"].sum() > 50
    close(products.rows(), again.products.filter(pl.col("reason").is_null()).select(products.columns).rows())
    close(positions.rows(), again.positions.select(positions.columns).rows())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_on_every_run_whatever_the_order(seed):
    lines = generated(seed)
    first, again = produced(lines), produced(lines.sample(fraction=1, shuffle=True, seed=seed))
    assert first[0].equals(again[0]) and first[1].equals(again[1])


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
    products, positions = produced(lines)
    (product,) = products.to_dicts()
    assert (product["trusts"], product["suspects_left_out"]) == (4, 1)
    assert (product["lowest"], product["lower_quartile"], product["median"], product["highest"]) == (
        1.0,
        0.975,
        1.5,
        3.0,
    )
    saved = {r["provider_code"]: r for r in positions.to_dicts()}
    assert sorted(saved) == list("ABCD")
    assert [saved[c]["opportunity_to_median_gbp"] for c in "ABCD"] == [0, 5, 15, 0]  # the cheap net nothing
    assert [saved[c]["opportunity_to_lowest_gbp"] for c in "ABCD"] == [0, 10, 20, 0]
    assert saved["A"]["variance_to_median"] == pytest.approx(-1 / 3)


@pytest.mark.parametrize(("price", "suspects"), [(0.39, 1), (0.4, 0), (10.0, 0), (10.01, 1)])
def test_a_fifth_to_five_times_the_median_is_credible(price, suspects):
    rows = [line("p", code, 10, 1, 2.0) for code in "ABCD"]
    products, _ = produced(frame([*rows, line("p", "E", 10, 1, price)]))
    assert products["suspects_left_out"].to_list() == [suspects]


def test_too_few_trusts_or_lines_are_not_compared():
    products, positions = produced(generated(1))
    assert not {"gtin two each", "gtin one each", "gtin refund each", "gtin rare each"} & {
        *products["product"],
        *positions["product"],
    }
    assert [frame.height for frame in produced(generated(1).clear())] == [0, 0]

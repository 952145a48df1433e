"""The Secondary Care Medicines Data: both real extracts month by month, against a second calculation, and made-up faults."""

import csv
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest
from trust_benchmarks import reference
from trust_benchmarks.measures import measure

FOLDER = Path(__file__).parent
MADE_UP = "scmd_methotrexate_2025-06_made_up.csv"


def months(path: Path) -> dict[str, list[str]]:
    """The lines of an extract by month, each with the heading."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    found = defaultdict(lambda: [head])
    at = next(csv.reader([head])).index("year_month")
    for line in lines:
        found[line.split(",")[at][:7]].append(line)
    return dict(found)


@pytest.mark.parametrize(
    ("name", "layout", "count", "rows"),
    [("methotrexate", "scmd-extract-numbered-2020", 19, 4086), ("narcolepsy", "scmd-extract-2021", 34, 30462)],
)
def test_every_month_of_a_real_extract_is_accepted_as_it_is(shared_data, made_up, name, layout, count, rows):
    cut = months(shared_data / "medicines" / f"scmd_{name}.csv")
    read = 0
    for month, lines in cut.items():
        found = made_up("medicines_stock", f"scmd_{name}_{month}.csv", "\n".join(lines) + "\n")
        assert (found.outcome.state, found.outcome.findings.height) == ("accepted", 0), month
        about = found.reading
        assert (about.layout.name, about.part, about.period, about.sender) == (layout, name, month, "NHSBSA")
        # The sum a second time, by the csv module, negative quantities included.
        wanted = sum(float(row["total_quantity"]) for row in csv.DictReader(lines))
        assert found.outcome.records["total_quantity"].sum() == pytest.approx(wanted, abs=1e-6)
        read += found.outcome.rows_recorded
    assert (len(cut), read) == (count, rows)


def test_the_share_of_10_mg_tablets_in_a_real_month(shared_data, made_up, tmp_path):
    lines = months(shared_data / "medicines" / "scmd_methotrexate.csv")["2019-03"]
    found = made_up("medicines_stock", "scmd_methotrexate_2019-03.csv", "\n".join(lines) + "\n")
    found.outcome.records.with_columns(submission_id=pl.lit("s")).write_parquet(tmp_path / "records.parquet")
    log = dict.fromkeys(measure.SUBMISSIONS) | {
        "collection": "medicines_stock", "period": "2019-03", "sender": "NHSBSA", "part": "methotrexate", "submission_id": "s",
        "state": "accepted", "version": 1, "is_current": True, "on_time": True,
    }  # fmt: skip
    inputs = measure.Inputs(
        "medicines_stock",
        "2019-03",
        {"medicines_stock": [tmp_path / "records.parquet"]},
        pl.DataFrame([log], schema=measure.SUBMISSIONS),
        pl.DataFrame(schema=measure.EXPECTED),
        reference.load(),
    )
    got = dict(measure.compute(inputs).measures.filter(metric_id="MS01").select("provider_code", "value").rows())
    ten, small = defaultdict(float), defaultdict(float)
    for row in csv.DictReader(lines):
        (ten if "10mg" in row["vmp_product_name"] else small)[row["ods_code"]] += float(row["total_quantity"])
    codes = set(ten) | set(small)
    wanted = {
        code: 100 * ten[code] / (ten[code] + small[code])
        if min(ten[code], small[code]) >= 0 and ten[code] + small[code]
        else None
        for code in codes
    }
    assert got == pytest.approx(wanted) and len(got) > 150
    assert sum(value is not None and value > 0 for value in got.values()) == sum(ten[code] > 0 for code in codes) > 20


def test_a_whole_extract_of_many_months_is_held_and_says_why(real):
    found = real("medicines_stock", "medicines/scmd_methotrexate.csv")
    assert found.outcome.state == "held" and set(found.counts()) == {("CEILING", "hold"), ("MS-R1", "reject")}
    assert "send each month of an extract as a file of its own" in found.of("MS-R1")[0]["message"]


def test_made_up_faults_are_found(made_up):
    found = made_up("medicines_stock", MADE_UP, (FOLDER / MADE_UP).read_text())
    places = found.outcome.findings.filter(pl.col("severity") != "hold").select("rule_id", "line").rows()
    assert sorted(places) == [
        ("MS-R1", 4), ("MS-R2", 2), ("MS-R2", 4), ("MS-R2", 5), ("MS-R2", 6), ("STR03", 5), ("STR03", 6),
    ]  # fmt: skip
    assert found.outcome.state == "held" and found.reading.period == "2025-06"

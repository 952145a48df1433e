"""The Drug Tariff price lists: every line recorded, codes kept as text, sums equal to an independent reading."""

import csv
import gzip
import io
import math

import polars as pl
import pytest
from trust_benchmarks.schemas import check_digits

FOLDER = "procurement/price_list/"
# file -> layout, period, part, rows, sum of prices in pence, sum of pack sizes, codes of packs
FILES = {
    "drug_tariff_cat_m_2025-07.csv": ("drug-tariff-cat-m", "2025-07", "cat_m", 612, 241_360, 29_083.5, 612),
    "drug_tariff_ix_2026-04_derived.csv.gz": ("drug-tariff-ix", "2026-04", "ix", 66_086, 286_511_882, 373_347.16, 65_861),
    "drug_tariff_ix_2026-05_derived.csv.gz": ("drug-tariff-ix", "2026-05", "ix", 66_208, 287_689_278, 376_294.16, 65_983),
    "drug_tariff_viii_a_2025-07.csv": ("drug-tariff-viii-a", "2025-07", "viii_a", 3_682, 28_106_767, 205_828.8, 3_682),
    "drug_tariff_viii_a_2025-08.csv": ("drug-tariff-viii-a", "2025-08", "viii_a", 3_603, 22_663_169, 202_296.8, 3_603),
}  # fmt: skip
PRICE = ("price_in_p", "basic_price")
SIZE = ("quantity", "pack_size")
PACK = ("pack_snomed_code", "vmpp_snomed_code")


def rows_of(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def first_of(row, names):
    return next(row[name] for name in names if name in row)


@pytest.mark.parametrize("name", FILES)
def test_published_list_is_recorded_whole(real, shared_data, name):
    layout, period, part, rows, pence, units, codes = FILES[name]
    result = real("drug_tariff", FOLDER + name)
    reading, outcome = result.reading, result.outcome
    assert (reading.layout.name, reading.period, reading.part, reading.sender) == (layout, period, part, "NHSBSA")
    assert (outcome.state, outcome.rows_read, outcome.rows_recorded, result.counts()) == ("accepted", rows, rows, {})

    records, sent = outcome.records, rows_of(shared_data / (FOLDER + name))
    assert len(sent) == rows
    for column, names, known in (("price_pence", PRICE, pence), ("pack_size", SIZE, units)):
        total = math.fsum(float(first_of(row, names)) for row in sent)
        assert math.isclose(total, known, abs_tol=1e-6)
        assert math.isclose(math.fsum(records[column]), known, abs_tol=1e-6)
    sent_codes = [first_of(row, PACK) or None for row in sent]
    assert records["pack_code"].to_list() == sent_codes  # as text, to the last digit
    assert records["pack_code"].drop_nulls().len() == codes
    assert records["line_key"].n_unique() == rows
    assert records["name"].null_count() == records["line_key"].null_count() == 0
    assert records["body"].unique().to_list() == ["other"]
    assert records["provider_code"].null_count() == rows


def test_keys_of_appliances_last_from_month_to_month(real):
    """Where a pack is in both months its key is the same, but for the 5 whose barcode changed (2 packs have 2)."""
    april, may = (
        real("drug_tariff", f"{FOLDER}drug_tariff_ix_2026-0{m}_derived.csv.gz").outcome.records for m in (4, 5)
    )
    packs = set(april["pack_code"].drop_nulls()) & set(may["pack_code"].drop_nulls())
    assert len(packs) == 65_834
    both = set(april.filter(pl.col("pack_code").is_in(packs))["line_key"]) & set(
        may.filter(pl.col("pack_code").is_in(packs))["line_key"]
    )
    assert len(both) == 65_836 - 5
    # Of the 225 generic lines without a code, all are found again.
    assert set(april.filter(pl.col("pack_code").is_null())["line_key"]) == set(
        may.filter(pl.col("pack_code").is_null())["line_key"]
    )


def test_a_name_without_a_month_is_held(shared_data, made_up):
    content = (shared_data / FOLDER / "drug_tariff_cat_m_2025-07.csv").read_bytes()
    result = made_up("drug_tariff", "Category M summer.csv", content)
    assert result.outcome.state == "held"
    assert "in the file's name" in result.of("FIL-PERIOD")[0]["message"]


def test_a_month_in_words_is_understood_and_noted(shared_data, made_up):
    content = (shared_data / FOLDER / "drug_tariff_cat_m_2025-07.csv").read_bytes()
    result = made_up("drug_tariff", "Category M July 2025.csv", content)
    assert (result.outcome.state, result.reading.period) == ("accepted", "2025-07")
    assert "2025-07" in result.of("FIL-READ-AS")[0]["message"]


def test_the_part_follows_from_the_content_not_the_name(shared_data, made_up):
    content = (shared_data / FOLDER / "drug_tariff_cat_m_2025-07.csv").read_bytes()
    result = made_up("drug_tariff", "drug_tariff_viii_a_2025-07.csv", content)
    assert (result.reading.part, result.outcome.rows_recorded) == ("cat_m", 612)


def test_gzip_cut_off_is_held(shared_data, made_up):
    name = "drug_tariff_ix_2026-04_derived.csv.gz"
    content = (shared_data / FOLDER / name).read_bytes()
    result = made_up("drug_tariff", name, content[: len(content) // 2])
    assert result.counts() == {("FIL-DAMAGED", "hold"): 1}
    assert result.reading.period == "2026-04"


def medicines(count=60, **changed):
    """A made-up Part VIIIA list with codes of the right form; `changed` replaces cells of the first line."""
    code = [c for n in range(100_000, 200_000) if _fits(c := f"{n}1999999101")][: 2 * count]
    rows = []
    for n in range(count):
        row = {
            "drug_tariff_category": "Part VIIIA Category A", "medicine": f"Made-up medicine {n} 10mg tablets",
            "pack_size": "28", "unit_of_measure": "tablet", "basic_price": "120",
            "vmp_snomed_code": code[2 * n], "vmpp_snomed_code": code[2 * n + 1],
        }  # fmt: skip
        rows.append(row | (changed if n == 0 else {}))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _fits(code):
    """Verhoeff's check, written out by his tables and not as in the schema."""
    d = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
         "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
    p = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = int(d[check][int(p[place % 8][int(digit)])])
    return check == 0


@pytest.mark.parametrize(
    ("changed", "rule", "severity"),
    [
        ({"basic_price": "0"}, "DT-R1", "reject"),
        ({"basic_price": "-3"}, "DT-R1", "reject"),
        ({"pack_size": "0"}, "DT-R2", "reject"),
        ({"vmpp_snomed_code": "8991611000001100"}, "DT-R3", "warn"),  # rounded by a spreadsheet
        ({"vmpp_snomed_code": "8.99161E+15"}, "VAL-DAMAGED", "reject"),
        ({"vmpp_snomed_code": ""}, "DT-R5", "reject"),
        ({"medicine": ""}, "VAL-MISSING", "reject"),
        ({"pack_size": "2 x 14"}, "VAL-TYPE", "reject"),
    ],
)
def test_a_wrong_line(made_up, changed, rule, severity):
    result = made_up("drug_tariff", "made_up_2025-06.csv", medicines(60, **changed))
    assert [(f["line"], f["severity"], f["responsible"]) for f in result.of(rule)] == [(2, severity, "publisher")]
    assert (result.outcome.rows_read, result.outcome.rows_recorded) == (60, 59 if severity == "reject" else 60)


def test_a_pack_twice_rejects_both_lines(made_up):
    lines = medicines(120).splitlines()
    lines[3] = lines[2]
    result = made_up("drug_tariff", "made_up_2025-06.csv", "\n".join(lines))
    assert [finding["line"] for finding in result.of("STR03")] == [3, 4]
    assert result.outcome.rows_recorded == 118


def test_price_with_a_thousands_comma_is_read_and_noted(made_up):
    result = made_up("drug_tariff", "made_up_2025-06.csv", medicines(60, basic_price="1,200"))
    assert [(f["severity"], f["line"], f["raw_value"]) for f in result.of("VAL-READ-AS")] == [("info", 2, "1,200")]
    assert (result.outcome.state, result.outcome.records["price_pence"][0]) == ("accepted", 1200)


def test_check_digits_of_real_codes():
    """Real identifiers, one digit changed, two swapped, and other things; null where it is no SNOMED identifier at all."""
    codes = ["994511000001109", "994511000001108", "994511000001190", "8991611000001104", None, "", "abc", "12345"]
    checked = pl.DataFrame({"c": codes}).select(check_digits.snomed_is_valid(pl.col("c"))).to_series().to_list()
    assert checked == [True, False, False, True, None, None, None, None]
    assert [_fits(code) for code in codes[:4]] == [True, False, False, True]
    gtins = ["4054596004979", "04054596004955", "4054596004978", "40545960049", None]
    valid = pl.DataFrame({"c": gtins}).select(check_digits.gtin_is_valid(pl.col("c"))).to_series().to_list()
    assert valid == [True, True, False, False, None]


def test_wrong_barcodes_are_listed(shared_data, made_up):
    content = gzip.decompress((shared_data / FOLDER / "drug_tariff_ix_2026-04_derived.csv.gz").read_bytes())
    changed = content.replace(b",4054596004979,", b",4054596004970,", 1)
    result = made_up("drug_tariff", "drug_tariff_ix_2026-04.csv", changed)
    assert [(f["severity"], f["raw_value"]) for f in result.of("DT-R4")] == [("warn", "4054596004970")]
    assert result.outcome.rows_recorded == 66_086

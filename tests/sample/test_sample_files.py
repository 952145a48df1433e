"""Tests of what the sample consists of: the same bytes every time, the right files, arrivals and plants."""

import csv
import datetime as dt
import gzip
import hashlib
import io
import tracemalloc
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from trust_benchmarks import catalogue, reference
from trust_benchmarks.reference import calendar
from trust_benchmarks_local import sample
from trust_benchmarks_local.sample import __main__ as command
from trust_benchmarks_local.sample.plants import every_rule
from trust_benchmarks_local.sample.procurement_prices import check_digit

# validation_rules.csv, the rules of the six collections.
RULES = (
    {f"STR0{n}" for n in range(1, 7)}
    | {f"WF-R{n}" for n in range(1, 9)}
    | {f"ER-R{n}" for n in range(1, 8)}
    | {f"ES-R{n}" for n in range(1, 9)}
    | {f"PP-R{n}" for n in range(1, 6)}
    | {"SUB01", "SUB02", "SUB03"}
)


def digest(folder) -> dict[str, str]:
    """SHA-256 of every file, by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    small = {"providers": 14, "periods": 6, "lines": 30}
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        sample.write(tmp_path / name, seed=seed, **small)
    one, two, other = (digest(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert any(path.endswith(".xlsx") for path in one) and any(path.endswith(".gz") for path in one)
    shared = [path for path in set(one) & set(other) if path.endswith((".csv", ".xlsx")) and "/" in path]
    assert shared and all(one[path] != other[path] for path in shared if "workforce/" in path)


def test_writing_again_leaves_nothing_of_an_earlier_sample(tmp_path):
    sample.write(tmp_path / "a", seed=3, providers=6, periods=5, lines=30)
    sample.write(tmp_path / "a", seed=4, providers=4, periods=4, lines=30)
    sample.write(tmp_path / "b", seed=4, providers=4, periods=4, lines=30)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.full
def test_sixty_providers_and_more_over_thirteen_months_the_cohort_first(whole):
    assert whole.providers >= 60
    assert whole.periods[0] == "2025-03" and whole.periods[-1] == "2026-03" and len(whole.periods) == 13
    tables = reference.load()
    day = dt.date(2026, 4, 30)
    living = {code for trust in tables.cohort for code in tables.final_successors(trust.code)}
    due = set(tables.expected(catalogue.load("workforce").sectors, day))
    sent = {path.name.split("_")[2] for path in (whole.folder / "workforce").iterdir()}
    assert living & due <= sent
    for collection in ("workforce", "procurement_prices"):
        assert whole.files[collection] > 60 * 13 - 20
    # A collection without a generator of its own has no sample returns.
    generators = {path.stem for path in Path(sample.__file__).parent.glob("*.py")}
    assert set(whole.files) == set(catalogue.all()) & generators and len(whole.files) >= 6
    assert whole.left_out == ()


def test_a_small_sample_says_what_it_leaves_out(tmp_path):
    small = sample.write(tmp_path, providers=3, periods=2, lines=30)
    assert set(small.left_out) == RULES - set(small.planted) and small.left_out


def test_every_file_is_marked_as_a_sample_and_arrives_once(whole):
    with (whole.folder / "arrivals.csv").open(encoding="utf-8", newline="") as lines:
        arrivals = {row["path"]: dt.datetime.fromisoformat(row["arrived_at"]) for row in csv.DictReader(lines)}
    files = {path.relative_to(whole.folder).as_posix() for path in whole.folder.glob("*/*")}
    assert set(arrivals) == files
    assert all(path.split("/")[1].startswith("sample_") for path in files)
    assert all(when.utcoffset() is not None for when in arrivals.values())


def test_most_returns_are_on_time_and_the_late_ones_are_listed(whole, planted):
    with (whole.folder / "arrivals.csv").open(encoding="utf-8", newline="") as lines:
        arrivals = {row["path"]: dt.datetime.fromisoformat(row["arrived_at"]) for row in csv.DictReader(lines)}
    listed = {
        (row["collection"], row["file"]): row["rule_id"] for row in planted if row["rule_id"] in ("SUB01", "SUB02")
    }
    seen = set()
    for path, when in arrivals.items():
        collection, name = path.split("/")
        if catalogue.load(collection).is_national:
            continue
        period = name.split("_v")[0][-7:]
        due, closes = calendar.due(collection, period), calendar.closes(collection, period)
        if when > due:
            seen.add((collection, name))
            assert listed[(collection, name)] == ("SUB01" if when <= closes else "SUB02")
        else:
            assert when.date() > calendar.period_end(period)
    assert seen == set(listed)


def test_every_rule_is_planted(whole, planted):
    assert {row["rule_id"] for row in planted} >= RULES
    assert every_rule() == RULES
    assert Counter(row["rule_id"] or "(none)" for row in planted) == whole.planted


def test_resubmissions_and_missing_files(whole, planted):
    notes = {}
    for row in planted:
        notes.setdefault(row["note"], []).append(whole.folder / row["collection"] / row["file"])
    for path in notes["never sent"]:
        assert not path.exists()
    for path in notes["the same bytes as v1"]:
        assert path.read_bytes() == path.with_name(path.name.replace("_v2.", "_v1.")).read_bytes()
    copy = next(path for note, paths in notes.items() if note.endswith("under the name of 2026-02") for path in paths)
    assert copy.read_bytes() == copy.with_name(copy.name.replace("2026-02", "2026-01")).read_bytes()
    chains = [path for path in (whole.folder / "workforce").glob("*_v2.*") if path not in notes["the same bytes as v1"]]
    rows = sorted(
        tuple(len(p.read_text().splitlines()) for p in (path.with_name(path.name.replace("_v2.", "_v1.")), path))
        for path in chains
    )
    assert rows == [(10, 11), (11, 10)]  # mended, and worse


def test_what_is_planted_stands_in_the_bytes(whole, planted):
    looked = Counter()
    for row in planted:
        if (
            not row["line"]
            or row["rule_id"] in ("STR01", "ROW-ASIDE", "FIL-READ-AS")
            or (row["rule_id"] == "STR02" and not row["column"])
        ):
            continue
        table = read(whole.folder / row["collection"] / row["file"])
        cells = table.iloc[int(row["line"]) - 2]
        assert row["column"] in table.columns, row
        assert BROKEN[row["rule_id"]](cells, row["column"], table), row
        looked[row["rule_id"]] += 1
    assert set(looked) == set(BROKEN)


def read(path) -> pd.DataFrame:
    """A file as text, by pandas."""
    if path.suffix == ".xlsx":
        return pd.read_excel(path, sheet_name="return", dtype=str, keep_default_na=False, engine="calamine")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def hours(cells) -> float:
    return sum(float(cells[f"{s}_actual_h"]) for s in ("reg_day", "reg_night", "unreg_day", "unreg_night"))


def number(name):
    return lambda cells: float(cells[name] or 0)


BROKEN = {
    "VAL-READ-AS": lambda c, column, t: "," in c[column],
    "VAL-DAMAGED": lambda c, column, t: c[column] == "#REF!",
    "STR03": lambda c, column, t: (t.drop(columns=[]) == c).all(axis=1).sum() == 2,
    "STR04": lambda c, column, t: c[column] != t[column].mode()[0],
    "STR06": lambda c, column, t: c[column] in ("Not Applicable", "N/A"),
    "VAL-MISSING": lambda c, column, t: c[column] == "N/A",
    "VAL-LIST": lambda c, column, t: c[column] in ("bucket", "admin_and_clerical"),
    "PP-DATE": lambda c, column, t: c[column][:7] != c["period"],
    "VAL-TYPE": lambda c, column, t: not c[column].replace(".", "").isdigit(),
    "WF-R1": lambda c, column, t: float(c["fte"]) > 1.1 * float(c["headcount"]),
    "WF-R3": lambda c, column, t: int(c["role_count"]) < int(c["headcount"]),
    "WF-R4": lambda c, column, t: float(c["fte_days_lost"]) > float(c["fte_days_available"]),
    "WF-R5": lambda c, column, t: abs(float(c["fte_days_available"]) / float(c["fte"]) / 31 - 1) > 0.05,
    "WF-R6": lambda c, column, t: int(c["joiners_hc"]) > int(c["leavers_hc"]) + 0.02 * int(c["headcount"]),
    "WF-R7": lambda c, column, t: int(c["joiners_hc"]) > 0.2 * int(c["headcount"]),
    "ER-R1": lambda c, column, t: c["patient_days"] == "0" and hours(c) > 0,
    "ER-R2": lambda c, column, t: abs(hours(c) / float(c["patient_days"]) - float(c[column])) > 0.05,
    "ER-R3": lambda c, column, t: hours(c) / float(c["patient_days"]) > 30,
    "ER-R4": lambda c, column, t: hours(c) > 2 * sum(float(c[n]) for n in t.columns if n.endswith("planned_h")),
    "ER-R5": lambda c, column, t: float(c["bank_hours"]) + float(c["agency_hours"]) > hours(c),
    "ER-R6": lambda c, column, t: float(c["patient_days"]) > 0,
    "ES-R1": lambda c, column, t: float(c["occupied_m2"]) > float(c["gia_m2"]),
    "ES-R2": lambda c, column, t: (
        abs(float(c["clinical_m2"]) + float(c["non_clinical_m2"]) - float(c["occupied_m2"]))
        > 0.01 * float(c["occupied_m2"])
    ),
    "ES-R3": lambda c, column, t: float(c["clinical_m2"]) + float(c["non_clinical_m2"]) > float(c["gia_m2"]),
    "ES-R4": lambda c, column, t: (
        abs(
            float(c["backlog_total_gbp"])
            - sum(float(c[f"backlog_{risk}_gbp"]) for risk in ("high", "significant", "moderate", "low"))
        )
        > 1
    ),
    "ES-R5": lambda c, column, t: abs(float(c[column]) - 100) > 0.5,
    "ES-R6": lambda c, column, t: c["level"] == "trust",
    "PP-R1": lambda c, column, t: abs(float(c["quantity"]) * float(c["unit_price_gbp"]) - float(c[column])) > 0.01,
    "PP-R2": lambda c, column, t: float(c["quantity"]) < 0 and c["line_type"] != "credit",
    "PP-R3": lambda c, column, t: c["units_per_issue"] == "1" and c["unit_of_issue"] != "each",
    "PP-R5": lambda c, column, t: check_digit(c["product_code"][:-1]) != c["product_code"][-1],
    "": lambda c, column, t: c[column].startswith("="),
}


@pytest.mark.full
def test_mended_returns_are_second_versions_without_the_fault(whole, planted, tmp_path):
    written = sample.mended(whole.folder, tmp_path)
    assert len(written) == len(set(written)) > 40
    names = {path.name for path in written}
    assert "sample_estates_2025-26_v2.csv" in names and "sample_drug_tariff_viii_a_2026-02_v2.csv" in names
    for path in written:
        assert "_v2." in path.name or not (whole.folder / path.parent.name / path.name).exists()
    assert len((tmp_path / "arrivals.csv").read_text().splitlines()) == len(written) + 1
    there = {row["file"] for row in planted if row["rule_id"].startswith(("WF-R1", "ER-R2", "PP-R1"))}
    assert {name.replace("_v1.", "_v2.") for name in there} <= names


def test_mended_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no sample"):
        sample.mended(tmp_path)


@pytest.mark.parametrize("wrong", [{"providers": 0}, {"periods": 0}, {"lines": 3}])
def test_a_sample_of_nothing_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="at least 1 provider"):
        sample.write(tmp_path, **wrong)


def test_national_files_have_the_publishers_columns(whole, shared_data):
    ours = whole.folder
    pairs = (
        (ours / "sickness_absence/sample_sickness_absence_2025-04.csv", "workforce/sickness_absence_2024-04.csv"),
        (ours / "drug_tariff/sample_drug_tariff_viii_a_2025-04.csv", "procurement/price_list/drug_tariff_viii_a_2025-07.csv"),
        (ours / "drug_tariff/sample_drug_tariff_cat_m_2025-04.csv", "procurement/price_list/drug_tariff_cat_m_2025-07.csv"),
        (ours / "drug_tariff/sample_drug_tariff_ix_2025-04.csv.gz", "procurement/price_list/drug_tariff_ix_2026-04_derived.csv.gz"),
    )  # fmt: skip
    for path, theirs in pairs:
        assert first_line(path) == first_line(shared_data / theirs)


def first_line(path) -> str:
    content = path.read_bytes()
    return io.StringIO((gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")).readline()


def test_headers_are_the_fields_of_the_brief_in_their_order(whole, shared_data):
    with (shared_data.parent / "domain" / "collection_fields.csv").open(encoding="utf-8", newline="") as lines:
        fields = {}
        for row in csv.DictReader(lines):
            fields.setdefault(row["collection"], []).append(row["field"])
    for collection in ("workforce", "e_rostering", "procurement_prices"):
        path = next(p for p in (whole.folder / collection).glob("*_2025-04_v1.csv"))
        assert first_line(path).strip().split(",") == fields[collection]
    estates = first_line(whole.folder / "estates" / "sample_estates_2025-26.csv").strip().split(",")
    assert [name for name in estates if name not in ("level", "site_name")] == fields["estates"]


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    command.main([str(tmp_path), "--providers", "3", "--periods", "2", "--lines", "20", "--no-faults"])
    said = capsys.readouterr().out
    assert "3 trusts, 2025-03 to 2025-04" in said and "procurement_prices" in said and "0 planted" in said


def test_benchmark_lines(tmp_path):
    tracemalloc.start()
    paths = sample.lines(40_000, 4, 5, tmp_path)
    assert [path.name.count("_2025-06_v1.csv") for path in paths] == [1] * 4
    planted = pd.read_csv(tmp_path / "planted.csv")
    assert planted["kind"].value_counts().to_dict() == dict.fromkeys(planted["kind"].unique(), 25)
    assert planted["kind"].nunique() == 8
    frame = pd.read_csv(paths[0])
    assert len(frame) == 10_000 and list(frame.columns)[:3] == ["ods_code", "period", "po_number"]
    at = {kind: frame.loc[rows["line"] - 2] for kind, rows in planted[planted["file"] == paths[0].name].groupby("kind")}
    assert (at["unknown trust"]["ods_code"] == "ZZ9").all() and (at["negative price"]["unit_price_gbp"] < 0).all()
    assert at["missing key"]["po_number"].isna().all() and (at["wrong date"]["order_date"] == "2025-02-30").all()
    assert (at["pack size 0"]["units_per_issue"] == 0).all() and (at["unknown unit"]["unit_of_issue"] == "bucket").all()
    key = ["po_number", "po_line", "line_type"]
    repeated = frame[frame[key].notna().all(axis=1) & frame.duplicated(key)]
    assert sorted(repeated.index + 2) == sorted(
        planted.query("file == @paths[0].name and kind == 'duplicate key'")["line"]
    )
    again = sample.lines(40_000, 4, 5, tmp_path / "again")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]
    tracemalloc.stop()


def test_benchmark_lines_refuse_more_trusts_than_there_are(tmp_path):
    with pytest.raises(ValueError, match="trusts are asked for"):
        sample.lines(100, 5000, 1, tmp_path)

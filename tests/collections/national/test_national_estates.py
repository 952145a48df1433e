"""The published estates files (ERIC): every row accounted for, sums equal to an independent reading, damage refused."""

import csv
import io
import math
from collections import Counter

import openpyxl
import polars as pl
import pytest
from python_calamine import CalamineWorkbook
from trust_benchmarks import schemas
from trust_benchmarks.catalogue import layouts

FOLDER = "estates_eric/"
# file -> layout, period, part, state, rows read, recorded, rejected, findings by rule
FILES = {
    "eric_2014-15_workbook.xls": (
        "eric-2014-15-workbook", "2014-15", "site", "accepted_with_warnings", 241 + 1251, 1489, 3,
        {("ES-R1", "reject"): 2, ("ES-R5", "reject"): 1, ("STR06", "warn"): 2},
    ),
    "eric_2015-16_trust.csv": ("eric-2015-16-trust", "2015-16", "trust", "accepted", 238, 238, 0, {}),
    "eric_2016-17_trust_dollar_delimited.csv": ("eric-2016-17-trust", "2016-17", "trust", "accepted", 236, 236, 0, {}),
    "eric_2016-17_workbook.xls": (
        "eric-2016-17-workbook", "2016-17", "site", "accepted_with_warnings", 236 + 1213, 1447, 2,
        {("VAL-RANGE", "reject"): 2, ("ES-R2", "warn"): 138, ("STR06", "warn"): 25, ("VAL-READ-AS", "info"): 1},
    ),
    "eric_2019-20_site.csv": (
        "eric-2019-20-site", "2019-20", "site", "accepted_with_warnings", 1261, 1261, 0,
        {("STR06", "warn"): 87, ("VAL-READ-AS", "info"): 94},
    ),
    "eric_2016-17_trust_broken_thousands.csv": (
        "eric-2016-17-trust-with-sites", "2016-17", "trust", "held", 236, 0, 0, {("STR02", "hold"): 1},
    ),
}  # fmt: skip


def number(cell):
    """A cell as a number, by plain Python; None for words."""
    try:
        return float(str(cell).replace(",", ""))
    except ValueError:
        return None


class Sheet:
    """An independent reading: rows as lists, headings by position, line numbers of the file."""

    def __init__(self, headings, rows, first_line):
        self.headings, self.rows = headings, rows
        self.lines = range(first_line, first_line + len(rows))

    def at(self, heading, nth=1):
        found = [i for i, h in enumerate(self.headings) if h.strip() == heading]
        return found[nth - 1]

    def total(self, *headings, without=()):
        """The sum of columns, each named or (name, nth), over all rows but those on the lines `without`."""
        at = [self.at(*(h if isinstance(h, tuple) else (h,))) for h in headings]
        return math.fsum(
            number(row[i]) or 0 for line, row in zip(self.lines, self.rows, strict=True) if line not in without for i in at
        )  # fmt: skip


def workbook(path, sheet):
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return Sheet(rows[1], rows[2:], 3)


def text(path, delimiter=",", header_rows=1):
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), delimiter=delimiter))
    return Sheet(rows[header_rows - 1], rows[header_rows:], header_rows + 1)


@pytest.mark.parametrize("name", FILES)
def test_what_comes_of_a_published_file(real, name):
    layout, period, part, state, read, recorded, rejected, counts = FILES[name]
    result = real("estates", FOLDER + name)
    reading, outcome = result.reading, result.outcome
    assert (reading.layout.name, reading.period, reading.part, reading.sender) == (layout, period, part, "NHSE")
    assert (outcome.state, outcome.rows_read, outcome.rows_recorded, outcome.rows_rejected) == (
        state, read, recorded, rejected,
    )  # fmt: skip
    known = {key: n for key, n in result.counts().items() if key != ("STR04", "warn")}  # those are ours to mend
    assert known == counts
    assert outcome.rows_held == (read if state == "held" else 0)


def test_2014_15_sums_and_rejected_sites(real, shared_data):
    result = real("estates", FOLDER + "eric_2014-15_workbook.xls")
    sheet = workbook(shared_data / FOLDER / "eric_2014-15_workbook.xls", "Site Data")
    gross, occupied = sheet.at("Gross internal site floor area (m²)"), sheet.at("Occupied floor area (m²)")
    over = [n for n, row in zip(sheet.lines, sheet.rows, strict=True) if row[occupied] > row[gross]]
    ages = [i for i, h in enumerate(sheet.headings) if h.startswith("Age profile") and "total" not in h]
    odd = [n for n, row in zip(sheet.lines, sheet.rows, strict=True) if abs(sum(row[i] for i in ages) - 100) > 0.5]
    assert (over, odd) == ([166, 252], [535])
    assert [f["line"] for f in result.of("ES-R1")] == over
    assert [f["line"] for f in result.of("ES-R5")] == odd
    out = set(over + odd)
    sites = result.sites()
    for field, headings in {
        "gia_m2": ["Gross internal site floor area (m²)"],
        "occupied_m2": ["Occupied floor area (m²)"],  # the first of two: the second is of PFI sites
        "hard_fm_gbp": ["Hard FM (Estates) costs (£)"],
        "soft_fm_gbp": ["Soft FM (Hotel Services) costs (£)"],
        "finance_gbp": ["Estates and facilities finance costs (£)"],
        "energy_gbp": ["Energy cost (all energy supplies) (£)"],
        "cleaning_gbp": ["Cleaning service cost (£)"],
        "food_gbp": ["In-patient food services cost (£)"],
        "gas_kwh": ["Gas consumed - utility (kWh)"],
        "electricity_kwh": ["Electricity consumed - utility (kWh)", "Electricity consumed - renewable (kWh)"],
        "backlog_total_gbp": [
            f"Cost to eradicate {r} risk backlog (£)" for r in ("high", "significant", "moderate", "low")
        ],
    }.items():
        assert math.isclose(sites[field].sum(), sheet.total(*headings, without=out), rel_tol=1e-12), field
    assert (sites.height, result.outcome.records.height - sites.height) == (1248, 241)
    assert sites["clinical_m2"].null_count() == 1248  # this template asks for another split
    assert dict(sites["value_status"].value_counts().rows()) == {"measured": 1238, "not_applicable": 10}
    # 135 aggregate sites share one code: a site code alone is no key.
    assert sum(row[sheet.at("Site Code")] == "AGGRE" for row in sheet.rows) == 135
    assert sites.filter(pl.col("site_code") == "AGGRE").select("ods_code").n_unique() == 134


def test_2016_17_sums_and_rejected_sites(real, shared_data):
    result = real("estates", FOLDER + "eric_2016-17_workbook.xls")
    sheet = workbook(shared_data / FOLDER / "eric_2016-17_workbook.xls", "Site Data")
    hard = [
        "Estates and property maintenance (£)", "Grounds and gardens maintenance (£)",
        "Electro Bio Medical Equipment maintenance cost (£)", "Other Hard FM (Estates) costs (£)",
        "Energy costs (all energy supplies) (£)", "Water cost (£)", "Sewage cost (£)",
    ]  # fmt: skip
    soft = [
        "Other Soft FM (Hotel Services) costs (£)", "Cleaning service cost (£)", "Inpatient food service cost (£)",
        "Laundry and linen service cost (£)", "Portering service cost (£)", "Landfill disposal cost (£)",
        "Incineration disposal cost (£)", "Waste reycling cost (£)", "Other recovery cost (£)",
    ]  # fmt: skip
    finance = sheet.at("Estates and facilities finance costs (£)")
    below = []
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        sums = [math.fsum(number(row[sheet.at(h)]) or 0 for h in group) for group in (hard, soft)]
        if min(*sums, row[finance]) < 0:
            below.append(line)
    assert below == [721, 1104] == [f["line"] for f in result.of("VAL-RANGE")]
    sites, out = result.sites(), set(below)
    # 103 sites give no facilities costs of their own: their sums are null, and so are their parts but for these.
    unnamed = {n for n, row in zip(sheet.lines, sheet.rows, strict=True) if number(row[sheet.at(hard[0])]) is None}
    assert len(unnamed) == 103 == sites["hard_fm_gbp"].null_count() == sites["soft_fm_gbp"].null_count()
    for field, headings, without in (
        ("gia_m2", ["Gross internal floor area (m²)"], out),
        ("occupied_m2", ["Occupied floor area (m²)"], out),
        ("clinical_m2", ["Clinical space (m²)"], out),
        ("non_clinical_m2", ["Non-clinical space (m²)"], out),
        ("hard_fm_gbp", hard, out | unnamed),
        ("soft_fm_gbp", soft, out | unnamed),
        ("finance_gbp", ["Estates and facilities finance costs (£)"], out),
        ("energy_gbp", hard[4:5], out),
        ("electricity_kwh", ["Electricity consumed (kWh)"], out),
    ):
        assert math.isclose(sites[field].sum(), sheet.total(*headings, without=without), rel_tol=1e-12), field
    clinical, other, occupied = (
        sheet.at(h) for h in ("Clinical space (m²)", "Non-clinical space (m²)", "Occupied floor area (m²)")
    )
    apart = [
        line
        for line, row in zip(sheet.lines, sheet.rows, strict=True)
        if number(row[clinical]) is not None and abs(row[clinical] + row[other] - row[occupied]) > 0.01 * row[occupied]
    ]
    assert [f["line"] for f in result.of("ES-R2")] == apart
    assert dict(sites["value_status"].value_counts().rows()) == {"measured": 1033, "not_applicable": 178}
    empty = math.fsum(
        row[sheet.at("Gross internal floor area (m²)")] * row[sheet.at("Floor area - empty (%)")] / 100
        for line, row in zip(sheet.lines, sheet.rows, strict=True)
        if line not in out
    )
    assert math.isclose(sites["empty_m2"].sum(), empty, rel_tol=1e-9)
    words = Counter(str(cell) for row in sheet.rows for cell in row if cell in ("Not Applicable", "No Data Provided"))
    assert words["Not Applicable"] > 5000  # most stand in columns that are not taken


def test_2019_20_sums(real, shared_data):
    result = real("estates", FOLDER + "eric_2019-20_site.csv")
    sheet, sites = text(shared_data / FOLDER / "eric_2019-20_site.csv"), result.sites()
    pfi = ("PFI Contractor (SPV) costs (£)", "PFI Management (Trust) costs (£)")
    assert sites["gia_m2"].sum() == sheet.total("Gross internal floor area (m²)") == 26_808_908
    for field, headings in {
        "energy_gbp": [
            "Electricity costs (£)", "Gas costs (£)", "Oil costs (£)", "Coal costs (£)",
            "Electricity costs - green energy tariff (£)", "Electricity costs - third party owned renewable (£)",
            "Non-fossil fuel costs - renewable (£)", "Other energy costs (£)", (pfi[0], 2), (pfi[1], 2),
        ],
        "cleaning_gbp": ["Cleaning service cost (£)", (pfi[0], 6), (pfi[1], 6)],
        "food_gbp": ["Inpatient food service cost (£)", (pfi[0], 7), (pfi[1], 7)],
        "finance_gbp": [
            "Depreciation (£)", "PDC (£)", "Leases and rent (£)", "Rates (£)", "Interest on Capital (£)",
            "Other Estates and Facilities finance costs (£)", "Indirect accommodation subsidies (£)",
        ],
        "backlog_total_gbp": [f"Cost to eradicate {r} risk backlog (£)" for r in ("high", "significant", "moderate", "low")],
    }.items():  # fmt: skip
        assert math.isclose(sites[field].sum(), sheet.total(*headings), rel_tol=1e-12), field
    # All running costs: everything in pounds from maintenance to portering but fees an hour, where the block is given.
    unnamed = {
        line for line, row in zip(sheet.lines, sheet.rows, strict=True)
        if number(row[sheet.at("Estates and property maintenance (£)")]) is None
    }  # fmt: skip
    first, last = sheet.at("Estates and property maintenance (£)"), len(sheet.headings)
    running = math.fsum(
        number(row[i]) or 0
        for line, row in zip(sheet.lines, sheet.rows, strict=True)
        if line not in unnamed
        for i in range(first, last)
        if "(£)" in sheet.headings[i] and not sheet.headings[i].startswith(("Cost to eradicate", "Average fee"))
    )
    given = sites.filter(pl.col("hard_fm_gbp").is_not_null())
    assert (len(unnamed), given.height) == (82, 1179)
    assert math.isclose(given["hard_fm_gbp"].sum() + given["soft_fm_gbp"].sum(), running, rel_tol=1e-12)
    # The occupied area is the sum of the kinds of space, of hospitals or of ambulance stations.
    a, b = sheet.at("Private patient (m²)"), sheet.at("Other (m²)")
    space = math.fsum(number(cell) or 0 for row in sheet.rows for cell in row[a : b + 1])
    assert math.isclose(sites["occupied_m2"].sum(), space, rel_tol=1e-12)
    assert sites["meal_days"].sum() == sum(
        round((number(row[sheet.at("Inpatient main meals requested (No.)")]) or 0) / 3) for row in sheet.rows
    )
    assert dict(sites["tenure"].value_counts().rows()) == {
        "freehold": 662, "leasehold": 183, "nhs_property_services": 99, "chp_lift": 8, "other": 141, None: 168,
    }  # fmt: skip
    assert dict(sites["value_status"].value_counts().rows()) == {"measured": 970, "not_applicable": 291}


@pytest.mark.parametrize(
    ("name", "delimiter"), [("eric_2015-16_trust.csv", ","), ("eric_2016-17_trust_dollar_delimited.csv", "$")]
)
def test_sheets_of_trusts(real, shared_data, name, delimiter):
    records, sheet = real("estates", FOLDER + name).outcome.records, text(shared_data / FOLDER / name, delimiter, 2)
    assert records["ods_code"].to_list() == [row[0] for row in sheet.rows]
    assert records["site_name"].to_list() == [row[1].strip() for row in sheet.rows]
    assert records["line"].to_list() == list(sheet.lines)
    assert records["level"].unique().to_list() == ["trust"]


def test_the_damaged_file_is_refused_in_words(real, shared_data):
    result = real("estates", FOLDER + "eric_2016-17_trust_broken_thousands.csv")
    found = result.of("STR02")[0]
    heading = "Capital investment for improving existing buildings (£)"
    assert (found["line"], found["column_name"], found["raw_value"]) == (3, heading, "1$526$422$138$878")
    assert "236 of 236 rows" in found["message"]
    assert "in 11 columns of pounds side by side" in found["message"]
    # Every row of it differs from the sound file, as its README says.
    damaged, sound = (
        text(shared_data / FOLDER / name, "$", 2).rows
        for name in ("eric_2016-17_trust_broken_thousands.csv", "eric_2016-17_trust_dollar_delimited.csv")
    )
    assert sum(a[:45] != b for a, b in zip(damaged, sound, strict=True)) == 236


@pytest.mark.parametrize("rows", [60, 236])
def test_the_same_template_without_the_damage_is_taken(shared_data, made_up, rows):
    """Made up of two real files: the sound block of trusts beside the sums over sites, which the damage left alone."""
    damaged = (shared_data / FOLDER / "eric_2016-17_trust_broken_thousands.csv").read_text("utf-8").splitlines()
    sound = (shared_data / FOLDER / "eric_2016-17_trust_dollar_delimited.csv").read_text("utf-8").splitlines()
    lines = ["$".join(s.split("$") + d.split("$")[45:]) for s, d in zip(sound, damaged, strict=True)][: rows + 2]
    result = made_up("estates", "made_up.csv", "\n".join(lines))
    assert result.reading.layout.name == "eric-2016-17-trust-with-sites"
    assert (result.outcome.rows_recorded, result.of("STR02")) == (rows, [])


def test_pieces_with_their_zeros_are_found_in_a_few_rows(made_up):
    """Made up: the sheet of trusts of 2016/17 with three rows of 60 cut at their commas, zeros kept, width kept."""
    headings = ["Organisation Code", "Organisation Name", "Number of sites leased from NHS Property Services (No.)"]
    headings += [f"Capital investment {n} (£)" for n in range(6)]
    rows = [
        [f"R{chr(65 + n // 10)}{n % 10}", f"Made-up {n}", "1", "1,526,022", "0", "7", "12,000", "0", "5"]
        for n in range(60)
    ]
    for n in (10, 20, 30):
        rows[n][3:] = ["1", "526", "022", "0", "7", "12"]
    lines = ["$" * 8, "$".join(headings), *("$".join(row) for row in rows)]
    result = made_up("estates", "made_up.csv", "\n".join(lines))
    found = result.of("STR02")[0]
    assert (found["line"], found["column_name"], found["raw_value"]) == (13, "Capital investment 0 (£)", "1$526$022")
    assert "3 of 60 rows" in found["message"]
    assert result.outcome.state == "held"


@pytest.mark.parametrize(
    ("name", "sent_as", "rule", "says"),
    [
        ("eric_2016-17_workbook.xls", "eric_2015-16_workbook.xls", "FIL-PERIOD", "says 2015-16"),
    ],
)
def test_a_wrong_name_is_held(shared_data, made_up, name, sent_as, rule, says):
    result = made_up("estates", sent_as, (shared_data / FOLDER / name).read_bytes())
    assert (result.outcome.state, result.outcome.records.height) == ("held", 0)
    assert says in result.of(rule)[0]["message"]


@pytest.mark.parametrize(
    ("name", "sent_as", "rows", "says"),
    [
        ("eric_2016-17_workbook.xls", "eric_2016-17_workbook.xlsx", 1447, "is an old Excel workbook"),
        ("eric_2019-20_site.csv", "eric_2019-20_site.xls", 1261, "is text (CSV)"),
    ],
)
def test_a_file_is_read_for_what_it_is_and_not_for_its_ending(shared_data, made_up, name, sent_as, rows, says):
    result = made_up("estates", sent_as, (shared_data / FOLDER / name).read_bytes())
    assert (result.outcome.state, result.outcome.rows_recorded) == ("accepted_with_warnings", rows)
    assert says in result.of("FIL-READ-AS")[0]["message"]


def test_a_month_in_the_name_is_no_financial_year(shared_data, made_up):
    content = (shared_data / FOLDER / "eric_2015-16_trust.csv").read_bytes()
    result = made_up("estates", "eric published 2016-10.csv", content)
    assert (result.outcome.state, result.reading.period) == ("accepted", "2015-16")


def test_a_workbook_cut_off_is_held(shared_data, made_up):
    content = (shared_data / FOLDER / "eric_2016-17_workbook.xls").read_bytes()
    result = made_up("estates", "eric_2016-17_workbook.xls", content[: len(content) // 2])
    assert result.outcome.state == "held"
    assert {rule for rule, _ in result.counts()} <= {"FIL-DAMAGED", "STR01"}


def test_a_site_file_cut_inside_a_row_is_held(shared_data, made_up):
    content = (shared_data / FOLDER / "eric_2019-20_site.csv").read_bytes()
    content = content[: len(content) // 2]
    result = made_up("estates", "eric_2019-20_site.csv", content)
    assert result.outcome.state == "held"
    assert [f["line"] for f in result.of("STR02")] == [content.count(b"\n") + 1]


def test_a_renamed_heading_is_named(shared_data, made_up):
    content = (shared_data / FOLDER / "eric_2019-20_site.csv").read_bytes()
    changed = content.replace("Gross internal floor area (m²)".encode(), "Gross internal area (m²)".encode(), 1)
    result = made_up("estates", "eric_2019-20_site.csv", changed)
    assert result.outcome.state == "held"
    assert "missing: 'Gross internal floor area (m²)'" in result.of("STR01")[0]["message"]


def test_the_same_in_windows_1252_and_gzip(shared_data, made_up):
    import gzip

    content = (shared_data / FOLDER / "eric_2019-20_site.csv").read_bytes()
    again = made_up("estates", "ERIC_201920.csv.gz", gzip.compress(content.decode().encode("cp1252"), 1))
    assert (again.reading.layout.name, again.outcome.rows_recorded) == ("eric-2019-20-site", 1261)


# ------------------------------------------------------------------------------------------ made up: a small workbook

FIGURES = {
    "Estates and facilities finance costs (£)": 10000, "Estates and property maintenance (£)": 20000,
    "Grounds and gardens maintenance (£)": 1000, "Electro Bio Medical Equipment maintenance cost (£)": 2000,
    "Other Hard FM (Estates) costs (£)": 3000, "Other Soft FM (Hotel Services) costs (£)": 4000,
    "Gross internal floor area (m²)": 1000, "Occupied floor area (m²)": 900, "Clinical space (m²)": 600,
    "Non-clinical space (m²)": 300, "Floor area - empty (%)": 5, "Floor area - under used (%)": 10,
    "Cost to eradicate high risk backlog (£)": 1, "Cost to eradicate significant risk backlog (£)": 2,
    "Cost to eradicate moderate risk backlog (£)": 3, "Cost to eradicate low risk backlog (£)": 4,
    "Energy costs (all energy supplies) (£)": 5000, "Electricity consumed (kWh)": 60000, "Gas consumed (kWh)": 70000,
    "Water cost (£)": 500, "Sewage cost (£)": 600, "Landfill disposal cost (£)": 700, "Incineration disposal cost (£)": 800,
    "Waste reycling cost (£)": 900, "Other recovery cost (£)": 1100, "Cleaning service cost (£)": 8000,
    "Inpatient food service cost (£)": 9000, "Cost of feeding one inpatient per day (inpatient meal day) (£)": 10,
    "Laundry and linen service cost (£)": 1200, "Portering service cost (£)": 1300,
    **{f"Age profile - {band} (%)": 0 for band in ("2015 to 2024", "2005 to 2014", "1995 to 2004", "1985 to 1994", "1975 to 1984", "1965 to 1974", "1955 to 1964", "1948 to 1954")},
    "Age profile - pre 1948 (%)": 100,
}  # fmt: skip


def small_workbook(changes):
    """A made-up workbook in the form of 2016/17: 60 sites of 30 trusts; `changes` is row -> {heading: cell}."""
    book = openpyxl.Workbook()
    trusts, sites = book.active, book.create_sheet("Site Data")
    trusts.title = "Trust Data"
    trusts.append([None, None, "Trust Profile"])
    trusts.append(["Organisation Code", "Organisation Name", "Number of sites leased from NHS Property Services (No.)"])
    headings = ["Organisation Code", "Site Code", "Site Name", "Site Type", *FIGURES]
    sites.append([None] * 4 + ["Facilities Management (FM) Services"])
    sites.append([h.replace(" ", "  ", 1) if h.startswith("Gross") else h for h in headings])
    for n in range(60):
        code = f"R{chr(65 + n // 20)}{n // 2 % 10}"
        row = {"Organisation Code": code, "Site Code": f"{code}{n:02d}", "Site Name": f"Made-up site {n}"}
        row |= {"Site Type": "8. Other inpatient"} | FIGURES | changes.get(n, {})
        sites.append([row[h] for h in headings])
        if n % 2 == 0:
            trusts.append([code, f"Made-up trust {n}", 0])
    sites.append([])
    sites.append(["Notes: made up."])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_small_workbook_is_put_together(made_up):
    result = made_up("estates", "made_up.xlsx", small_workbook({}))
    assert (result.reading.layout.name, result.reading.period) == ("eric-2016-17-workbook", "2016-17")
    assert (result.outcome.rows_read, result.outcome.rows_recorded) == (90, 90)
    site = result.sites().row(0, named=True)
    assert site | {
        "hard_fm_gbp": 32100.0, "soft_fm_gbp": 27000.0, "empty_m2": 50.0, "under_used_m2": 90.0, "meal_days": 900,
        "backlog_total_gbp": 10.0, "age_profile_total_pct": 100.0, "value_status": "measured", "line": 3,
        "site_type": "other_inpatient", "financial_year": "2016-17",
    } == site  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rule", "severity", "lines"),
    [
        ({"Site Type": "9. Ward on a ship"}, "VAL-LIST", "reject", [3]),
        ({"Site Code": None}, "ES-SITE", "reject", [3]),
        ({"Gross internal floor area (m²)": "Not Applicable"}, "ES-SITE", "reject", [3]),
        ({"Gross internal floor area (m²)": 0}, "VAL-RANGE", "reject", [3]),
        ({"Gross internal floor area (m²)": "see note"}, "VAL-TYPE", "reject", [3]),
        ({"Occupied floor area (m²)": 1001}, "ES-R1", "reject", [3]),
        ({"Clinical space (m²)": 500}, "ES-R2", "warn", [3]),
        ({"Clinical space (m²)": 701}, "ES-R3", "reject", [3]),
        ({"Age profile - pre 1948 (%)": 99}, "ES-R5", "reject", [3]),
        ({"Floor area - under used (%)": 101}, "ES-PART", "reject", [3]),
        ({"Cleaning service cost (£)": "No Data Provided"}, "STR06", "warn", [3]),
        ({"Estates and property maintenance (£)": None}, "ES-COST", "warn", [3]),
        ({"Site Code": "RA001"}, "STR03", "reject", [3, 4]),
    ],
)
def test_a_wrong_site(made_up, change, rule, severity, lines):
    result = made_up("estates", "made_up.xlsx", small_workbook({0: change}))
    found = result.of(rule)
    assert [(f["sheet"], f["line"], f["severity"], f["responsible"]) for f in found] == [
        ("Site Data", line, severity, "publisher") for line in lines
    ]
    assert result.outcome.rows_recorded == 90 - (len(lines) if severity == "reject" else 0)


def test_words_become_a_status_and_not_zero(made_up):
    result = made_up("estates", "made_up.xlsx", small_workbook({0: {"Cleaning service cost (£)": "No Data Provided"}}))
    first, second = result.sites().rows(named=True)[:2]
    assert (first["cleaning_gbp"], first["value_status"], second["value_status"]) == (None, "not_provided", "measured")
    assert "not as 0" in result.of("STR06")[0]["message"]


# ------------------------------------------------------------------------------------- made up: our own template


def template(changes, trusts=20, year="2024-25"):
    """A made-up file in our own template: three sites and a row of totals for each trust; `changes` by (trust, row)."""
    fields = list(schemas.load("estates").fields)
    site = {
        "gia_m2": 1000.0, "occupied_m2": 900.0, "clinical_m2": 600.0, "non_clinical_m2": 300.0, "empty_m2": 50.0,
        "under_used_m2": 20.0, "hard_fm_gbp": 40_000.0, "soft_fm_gbp": 60_000.0, "finance_gbp": 10_000.0,
        "energy_gbp": 12_000.0, "backlog_high_gbp": 1.0, "backlog_significant_gbp": 2.0, "backlog_moderate_gbp": 3.0,
        "backlog_low_gbp": 4.0, "backlog_total_gbp": 10.0, "meal_days": 3,
    }  # fmt: skip
    rows = []
    for t in range(trusts):
        code = f"R{chr(65 + t // 10)}{t % 10}"
        base = {"ods_code": code, "financial_year": year, "value_status": "measured", "age_profile_total_pct": 100}
        for s in range(3):
            more = {"level": "site", "site_code": f"{code}{s:02d}", "site_name": f"Made-up {s}", "site_type": "support"}
            rows.append(base | site | more | changes.get((t, s), {}))
        total = {k: 3 * v for k, v in site.items()}
        rows.append(base | total | {"level": "trust", "site_name": f"Made-up trust {t}"} | changes.get((t, 3), {}))
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_our_template(made_up):
    result = made_up("estates", "made_up_2024-25.csv", template({}))
    assert (result.reading.layout.name, result.reading.period, result.reading.part) == (
        "estates-return-v1", "2024-25", "site",
    )  # fmt: skip
    assert (result.outcome.rows_recorded, {k for k in result.counts() if k[0] != "STR04"}) == (80, set())
    trust = result.outcome.records.filter(pl.col("level") == "trust").row(0, named=True)
    assert (trust["site_code"], trust["provider_code"]) == ("RA0", "RA0")


@pytest.mark.parametrize(
    ("change", "rule", "severity", "lines"),
    [
        ({(0, 3): {"gia_m2": 3016.0}}, "ES-R6", "reject", [5]),
        ({(0, 3): {"gia_m2": 3014.0}}, "ES-R6", None, []),  # within half a percent
        ({(1, 1): {"gia_m2": 990.0}, (1, 2): {"gia_m2": 990.0}}, "ES-R6", "reject", [9]),
        ({(0, 1): {"backlog_total_gbp": 11.5}}, "ES-R4", "reject", [3]),
        ({(0, 1): {"backlog_total_gbp": 11.0}}, "ES-R4", None, []),  # within a pound
        ({(0, 1): {"financial_year": "2023-24"}}, "ES-YEAR", "reject", [3]),
        ({(0, 3): {"gia_m2": 6000.0, "ods_code": "RA1"}}, "STR03", "reject", [5, 9]),  # two rows of totals
        ({(0, 1): {"energy_gbp": ""}}, "ES-COST", "warn", [3]),
        ({(0, 1): {"level": "ward"}}, "VAL-LIST", "reject", [3]),
        ({(0, 1): {"value_status": ""}}, "VAL-MISSING", "reject", [3]),
    ],
)
def test_rules_of_our_template(made_up, change, rule, severity, lines):
    result = made_up("estates", "made_up_2024-25.csv", template(change))
    assert [(f["line"], f["severity"]) for f in result.of(rule)] == [(line, severity) for line in lines]


def test_every_template_accounts_for_every_field():
    """A field is read, made, given or absent for a reason, in each table of each layout of the national collections."""
    for collection in ("drug_tariff", "estates", "sickness_absence"):
        fields = set(schemas.load(collection).fields)
        for layout in layouts.load(collection):
            for table in layout.tables:
                named = {*table.columns.values(), *table.optional.values(), *table.constants, *table.derive}
                named |= {table.status, *table.absent} | (fields if layout.canonical else set())
                left = set() if "*" in table.absent else fields - named
                assert not left, (
                    f"{layout.name} {table.sheet}: say where {sorted(left)} come from, or why they are absent."
                )

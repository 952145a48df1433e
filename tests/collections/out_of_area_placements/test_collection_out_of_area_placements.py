"""Out-of-area placements: the three published months against the publisher's own totals, and made-up faults said."""

import csv
import math
import re
from collections import Counter, defaultdict
from fractions import Fraction

import polars as pl
import pytest
from trust_benchmarks import reference
from trust_benchmarks.measures import measure

# rows, '*' and numbers with an exponent; rows about sending trusts, and what else sends
MONTHS = {
    "2016-10": (8424, 6658, 0, 936),
    "2016-12": (11324, 8320, 31, 1102),
    "2017-02": (12236, 8889, 33, 1083),
}
ADDING = re.compile(r"OAPs |Number of |Total ")
WHOLE = ("BedType", "Gender", "MhaStatus", "OutOfAreaReason", "PrimaryDiagnosis", "ReceiverGroup")
# What the publisher's own rows do not add up to, though none is suppressed or rounded: (question, breakdown) -> gap.
PUBLISHERS_GAPS = {"2017-02": {("Total number of OAP days over the period", "Region"): 3}}
DAYS, COST = "Total number of OAP days over the period", "Total recorded costs over the period"
SHARE = "Percentage of OAP days with cost recorded"


def path(month):
    return f"out_of_area_placements/oaps_{month}.csv"


def sent_rows(shared_data, month):
    with open(shared_data / path(month), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def half_a_unit(text):
    """How far the true value may be from a number written with an exponent: half a unit of its last digit written."""
    if "e" not in text:
        return 0
    return 0.5 * 10 ** (math.floor(math.log10(float(text))) - 5)


@pytest.mark.parametrize(("month", "counts"), MONTHS.items())
def test_the_published_month_is_recorded_whole(real, shared_data, month, counts):
    rows, stars, exponents, providers = counts
    result = real("out_of_area_placements", path(month))
    outcome, sent = result.outcome, sent_rows(shared_data, month)
    assert (result.reading.layout.name, result.reading.period) == (f"nhsd-oaps-{month}", month)
    assert (outcome.rows_read, outcome.rows_recorded, outcome.rows_rejected, len(sent)) == (rows, rows, 0, rows)
    gaps = len(PUBLISHERS_GAPS.get(month, ()))
    wanted = {("OAP-R8", "info"): 1, ("OAP-R4", "warn"): exponents, ("OAP-R2", "warn"): gaps}
    assert result.counts() == {key: n for key, n in wanted.items() if n}
    assert f"{stars} of {rows} values are '*'" in result.of("OAP-R8")[0]["message"]

    records = outcome.records
    assert records["as_published"].to_list() == [row["value"] for row in sent]
    status = Counter(records["value_status"])
    assert (status["suppressed"], status["six_digits"], status["unreadable"]) == (stars, exponents, 0)
    unknown = records.filter(pl.col("value_status") != "exact")
    assert unknown["value"].null_count() == unknown.height, "only exact values stand in 'value'"
    assert records.filter(pl.col("value_status") == "suppressed")["rounded_value"].null_count() == stars
    exact = records.filter(pl.col("value_status") == "exact").select("as_published", "value").rows()
    assert all(float(text) == value for text, value in exact)

    measured = records.filter(pl.col("body") == "provider")
    assert measured.height == providers
    assert set(measured["org_type"]) == {"sending_provider"}
    known = reference.load()
    assert all(known.knows(code) for code in measured["provider_code"].unique())
    assert not set(measured["provider_code"]) & {"England", "999", "8HR47", "AHL", "NHV", "NMV", "NTN"}
    assert records.filter(pl.col("body") == "other")["provider_code"].null_count() == rows - providers


@pytest.mark.parametrize("month", MONTHS)
def test_the_rows_add_up_to_the_publishers_totals(real, shared_data, month):
    """Every total row against the records under it: equal where every row is shown, and within bounds where not.

    The bounds: a '*' below England is 0 to 4, and a count rounded to 5 is at most 2 away. Days and cost may be withheld
    with a count below 5, so there the rows shown may only be fewer than the total.
    """
    records = real("out_of_area_placements", path(month)).outcome.records
    code = dict(zip(records["question"], [r["Question"] for r in sent_rows(shared_data, month)], strict=True))
    totals, groups = {}, defaultdict(list)
    for row in records.filter(pl.col("breakdown") == "none", pl.col("org_type") != "england").to_dicts():
        if ADDING.match(code[row["question"]]):
            key = row["question"], row["org_type"]
            if row["org_code"] == "England":
                totals[key] = row
            else:
                groups[key].append(row)
    england = {r["question"]: r["as_published"] for r in records.filter(org_type="england").to_dicts()}
    exact, gaps, printed = 0, {}, []
    for key, total in totals.items():
        assert total["as_published"] == england[key[0]], f"{key}: the total differs from that of England"
        wanted = float(total["as_published"])
        status = Counter(row["value_status"] for row in groups[key])
        shown = math.fsum(
            row["value"] if row["value"] is not None else row["rounded_value"] or 0 for row in groups[key]
        )
        slack = math.fsum(half_a_unit(row["as_published"]) for row in [total, *groups[key]])
        if not status["suppressed"] and not status["rounded"]:
            exact += 1
            if abs(shown - wanted) > slack:
                gaps[key] = wanted - shown
                printed.append(
                    f"{month} {key}: total {wanted:g}, rows {shown:g}: the publisher's own gap {wanted - shown:g}"
                )
            continue
        off = 2 * status["rounded"] + slack
        printed.append(f"{month} {key}: total {wanted:g}, shown {shown:g}, {status['suppressed']} suppressed")
        assert shown - off <= wanted, key
        if key[0] not in ("days", "cost_gbp"):
            assert wanted <= shown + 4 * status["suppressed"] + off, key
    print("\n".join(printed))
    assert {(code[q], b): gap for (q, b), gap in gaps.items()} == {
        (question, kind.lower()): gap for (question, kind), gap in PUBLISHERS_GAPS.get(month, {}).items()
    }
    questions = 5 if month == "2016-10" else 15
    # Every kind of placement is shown whole, and so are the days and cost of regions.
    kinds = 6 if month == "2017-02" else 5
    assert exact == questions * kinds + 2


@pytest.mark.parametrize("month", MONTHS)
def test_the_totals_of_the_file_itself(real, shared_data, month):
    """The same from the file with the csv module alone: the sums that nothing withholds equal the total rows exactly."""
    sums, totals = defaultdict(float), {}
    for row in sent_rows(shared_data, month):
        if row["Breakdown1"] in WHOLE and not row["Breakdown2"] and ADDING.match(row["Question"]):
            key = row["Question"], row["Breakdown1"]
            assert row["value"] != "*"
            if row["Breakdown1Code"] == "England":
                totals[key] = row["value"]
            else:
                sums[key] += float(row["value"])
    assert totals and set(totals) == set(sums)
    for key, total in totals.items():
        if key[0] == COST and "e" in total:
            assert abs(sums[key] - float(total)) <= 20, key  # six digits: the true total is within 5, each row too
        else:
            assert sums[key] == float(total), key
    records = real("out_of_area_placements", path(month)).outcome.records
    days = records.filter(question="days", org_type="reason", breakdown="none").filter(pl.col("org_code") != "England")
    assert days["value"].sum() == float(totals[DAYS, "OutOfAreaReason"])


@pytest.mark.parametrize("month", MONTHS)
def test_counts_below_england_are_multiples_of_five(shared_data, month):
    """What the layouts take for granted when they call a count rounded."""
    below = ("Ccg", "ReceivingProvider", "Region", "region", "SendingProvider", "Stp")
    counts = [
        int(row["value"])
        for row in sent_rows(shared_data, month)
        if row["Breakdown1"] in below
        and row["Breakdown1Code"] != "England"
        and re.match(r"OAPs |Number of ", row["Question"])
        and row["value"] != "*"
    ]
    assert len(counts) > 200
    assert {count % 5 for count in counts} == {0}


def test_cost_a_day_a_second_time(real, shared_data, tmp_path):
    """OA05 from the files alone: days with cost are known where one whole number alone has the published share."""
    paths, submissions, wanted, own = [], [], {}, {}
    for month in MONTHS:
        records = real("out_of_area_placements", path(month)).outcome.records
        paths.append(tmp_path / f"{month}.parquet")
        records.insert_column(0, pl.Series("submission_id", [month] * records.height)).write_parquet(paths[-1])
        records.drop_in_place("submission_id")
        submissions.append(submission(month))
        told = defaultdict(dict)
        for row in sent_rows(shared_data, month):
            if row["Breakdown1"] == "SendingProvider" and row["Breakdown1Code"] != "England":
                told[row["Breakdown1Code"]][row["Question"]] = row["value"]
        own[month] = {
            code: (int(values[COST]), days)
            for code, values in told.items()
            if re.match(r"[RT]|NQL|NNF|NR5", code)
            and values[COST].isdigit()
            and (days := days_with_cost(values[DAYS], values[SHARE])) is not None
        }
    for month, months in {
        "2016-10": ["2016-10"],
        "2016-12": ["2016-10", "2016-12"],
        "2017-02": ["2016-12", "2017-02"],
    }.items():
        for code in own[month]:
            parts = [own[m][code] for m in months if code in own[m]]
            cost, days = sum(c for c, _ in parts), sum(d for _, d in parts)
            wanted[month, code] = cost, days, cost / days
    assert Counter(month for month, _ in wanted) == {"2016-10": 12, "2016-12": 11, "2017-02": 10}
    for i, month in enumerate(MONTHS):
        first = 1 if month == "2017-02" else 0
        found = compute(paths[first : i + 1], submissions[first : i + 1], month)
        got = {
            r["provider_code"]: (r["numerator"], r["denominator"], r["value"]) for r in found if r["value"] is not None
        }
        assert got == {code: pytest.approx(w) for (m, code), w in wanted.items() if m == month}
        # Every other sender is listed without a value, never with 0.
        assert len(found) == {"2016-10": 72, "2016-12": 58, "2017-02": 57}[month]


def days_with_cost(days, share):
    """The one whole number of days whose share rounds to `share` (two decimals), or None."""
    if "*" in (days, share):
        return None
    whole, told = int(days), Fraction(share)
    fit = [k for k in range(whole + 1) if abs(Fraction(k, whole) - told) <= Fraction(1, 200)] if whole else []
    return fit[0] if len(fit) == 1 else None


def submission(month):
    return dict.fromkeys(measure.SUBMISSIONS) | {
        "collection": "out_of_area_placements", "period": month, "sender": "NHSD", "part": "all",
        "submission_id": month, "state": "accepted", "version": 1, "is_current": True, "is_sample": False,
        "on_time": True,
    }  # fmt: skip


def compute(paths, submissions, period):
    results = measure.compute(
        measure.Inputs(
            "out_of_area_placements",
            period,
            {"out_of_area_placements": paths},
            pl.DataFrame(submissions, schema=measure.SUBMISSIONS),
            pl.DataFrame(schema=measure.EXPECTED),
            reference.load(),
        )
    )
    return results.measures.filter(metric_id="OA05").to_dicts()


# Made-up files in the second form -------------------------------------------------------------------------------------

QUESTIONS = (
    "OAPs active at period end", "OAPs started in period", "OAPs ended during period", DAYS, COST, SHARE,
    "Average recorded daily cost over the period",
)  # fmt: skip
HEADER = (
    "Question", "Breakdown1", "Breakdown1Code", "Breakdown1Description", "Breakdown2", "Breakdown2Code",
    "Breakdown2Description", "value",
)  # fmt: skip
ENGLAND = {QUESTIONS[0]: "30", QUESTIONS[1]: "22", QUESTIONS[2]: "18", DAYS: "900", COST: "450000", SHARE: "0.987654"}


def made_up_rows():
    """A made-up month: England, bed types that add up, senders of every kind, and many commissioners, all suppressed."""
    rows = []

    def add(kind, code, words, values, second=("", "", "")):
        rows.extend(
            dict(zip(HEADER, (question, kind, code, words, *second, values.get(question, "*")), strict=True))
            for question in QUESTIONS
        )

    add("England", "", "", ENGLAND | {QUESTIONS[6]: "501"})
    for kind in ("BedType", "SendingProvider", "Region", "Ccg"):
        add(kind, "England", "All", ENGLAND | {QUESTIONS[6]: "501"})
    add("BedType", "10", "Acute", {q: v for q, v in ENGLAND.items() if q != SHARE} | {SHARE: "1", DAYS: "898"})
    nothing = dict.fromkeys(QUESTIONS, "0")
    add("BedType", "11", "Older", nothing | {DAYS: "2"})
    add("SendingProvider", "RX2", "Made-up Trust", {QUESTIONS[0]: "15", DAYS: "60", COST: "30000", SHARE: "0.5"})
    add("SendingProvider", "RV5", "Said nil", nothing)
    add("SendingProvider", "RWR", "All suppressed", {})
    add("SendingProvider", "NQL", "Social enterprise", {DAYS: "10", COST: "5000", SHARE: "1"})
    add("SendingProvider", "8HR47", "Independent hospital", {DAYS: "10", COST: "5000", SHARE: "1"})
    add("SendingProvider", "999", "Not in scope", {DAYS: "10", COST: "5000", SHARE: "1"})
    add("Region", "Y54", "North", {QUESTIONS[0]: "20"})
    add("region", "Y54", "North", {QUESTIONS[0]: "20"}, ("Gender", "0", "All"))
    add("region", "Y54", "North", {QUESTIONS[0]: "10"}, ("Gender", "1", "Male "))
    for n in range(600):
        add("Ccg", f"{n:02d}{'ABCDEFGHJ'[n % 9]}" if n < 100 else f"{n}", "Made-up, commissioner", {})
    return rows


def text_of(rows):
    return "\n".join([",".join(HEADER)] + [",".join(f'"{v}"' for v in row.values()) for row in rows]) + "\n"


def made_up_month(made_up, change=lambda rows: None, name="oaps_2017-01.csv"):
    rows = made_up_rows()
    change(rows)
    return made_up("out_of_area_placements", name, text_of(rows))


def at(rows, question, kind, code, second=""):
    return next(
        i
        for i, row in enumerate(rows)
        if (row["Question"], row["Breakdown1"], row["Breakdown1Code"], row["Breakdown2Code"])
        == (question, kind, code, second)
    )


def test_nil_is_nought_and_suppressed_or_silent_is_not(made_up):
    result = made_up_month(made_up)
    assert result.outcome.state == "accepted"
    assert result.counts() == {("OAP-R8", "info"): 1}
    days = result.outcome.records.filter(question="days", org_type="sending_provider")
    told = {row["org_code"]: (row["value_status"], row["value"]) for row in days.to_dicts()}
    assert told["RV5"] == ("exact", 0.0), "a nil return said as 0"
    assert told["RWR"] == ("suppressed", None), "fewer than five or none: nobody can tell"
    assert "RXT" not in told, "an organisation without a row said nothing, not nil"
    active = result.outcome.records.filter(question="active_at_end", org_code="RX2").row(0, named=True)
    assert (active["value"], active["rounded_value"], active["value_status"]) == (None, 15.0, "rounded")


def test_independent_hospitals_totals_and_places_are_kept_apart(made_up):
    records = made_up_month(made_up).outcome.records
    assert set(records.filter(body="provider")["provider_code"]) == {"RX2", "RV5", "RWR", "NQL"}
    kept = records.filter(pl.col("body") == "other", pl.col("org_type") == "sending_provider")
    assert set(kept["org_code"]) == {"England", "8HR47", "999"}
    assert set(kept["ods_code"]) == {None, "8HR47", "999"}
    assert kept["provider_code"].null_count() == kept.height


def test_measures_of_the_made_up_month(made_up, tmp_path):
    records = made_up_month(made_up).outcome.records.clone()
    path = tmp_path / "records.parquet"
    records.insert_column(0, pl.Series("submission_id", ["2017-01"] * records.height)).write_parquet(path)
    found = compute([path], [submission("2017-01")], "2017-01")
    assert {r["provider_code"]: (r["numerator"], r["denominator"], r["value"]) for r in found} == {
        "RX2": (30000, 30, 1000),
        "NQL": (5000, 10, 500),
        "RV5": (0, 0, None),  # said nil: no cost over no days
        "RWR": (None, None, None),
    }


@pytest.mark.parametrize(
    ("question", "kind", "code", "value", "rule", "says"),
    [
        (DAYS, "SendingProvider", "RX2", "-", "OAP-R1", "a dash or a word is not taken as 0"),
        (DAYS, "SendingProvider", "RX2", "none", "OAP-R1", "'none' is neither a number"),
        (DAYS, "SendingProvider", "RX2", "", "VAL-MISSING", "Value as published is missing"),
        (DAYS, "SendingProvider", "RX2", "-5", "VAL-RANGE", "of 0 or more"),
        (DAYS, "BedType", "England", "901", "OAP-R2", "is 901, but the rows under it add up to 900"),
        (DAYS, "Region", "England", "901", "OAP-R3", "that of England is 900"),
        (COST, "SendingProvider", "RX2", "1.2345e+006", "OAP-R4", "six digits only"),
        (QUESTIONS[0], "SendingProvider", "RX2", "13", "OAP-R5", "no multiple of 5"),
    ],
)
def test_a_wrong_value_is_said_and_the_rest_counts(made_up, question, kind, code, value, rule, says):
    rows = made_up_rows()
    line = at(rows, question, kind, code)
    rows[line]["value"] = value
    result = made_up("out_of_area_placements", "oaps_2017-01.csv", text_of(rows))
    assert result.outcome.state == "accepted_with_warnings"
    assert [finding["line"] for finding in result.of(rule)] == [line + 2]
    assert says in result.of(rule)[0]["message"]
    left_out = rule in ("OAP-R1", "VAL-MISSING", "VAL-RANGE")
    assert result.outcome.rows_rejected == int(left_out)
    assert {row["responsible"] for row in result.of(rule)} == {"publisher"}


def test_a_question_in_new_words_is_named(made_up):
    def change(rows):
        rows[at(rows, DAYS, "SendingProvider", "RX2")]["Question"] = "Total OAP days"

    result = made_up_month(made_up, change)
    assert "'Total OAP days' is not on the list" in result.of("VAL-LIST")[0]["message"]
    assert result.outcome.rows_rejected == 1


def test_a_row_twice_rejects_both(made_up):
    result = made_up_month(made_up, lambda rows: rows.append(dict(rows[-1])))
    assert len(result.of("STR03")) == 2 == result.outcome.rows_rejected


def test_a_file_without_england_is_held(made_up):
    result = made_up_month(made_up, lambda rows: rows.__delitem__(slice(0, len(QUESTIONS))))
    assert result.outcome.state == "held"
    assert len(result.of("OAP-R7")) == 1


def test_a_file_without_a_month_in_its_name_is_held(made_up):
    result = made_up_month(made_up, name="oaps.csv")
    assert (result.outcome.state, result.reading.period) == ("held", None)
    assert len(result.of("FIL-PERIOD")) == 1


def test_the_third_form_tells_its_month_in_every_row(made_up):
    rows = [{"PublicationDate": "2017/05", "PublicationPeriod": "2017/03"} | row for row in made_up_rows()]
    rows[50]["PublicationPeriod"] = "2017/02"
    text = "\n".join([",".join(rows[0])] + [",".join(f'"{v}"' for v in row.values()) for row in rows])
    result = made_up("out_of_area_placements", "March.csv", text)
    assert (result.reading.layout.name, result.reading.period) == ("nhsd-oaps-2017-02", "2017-03")
    assert [finding["line"] for finding in result.of("OAP-R6")] == [52]
    assert result.outcome.rows_rejected == 1
    assert made_up("out_of_area_placements", "oaps_2017-04.csv", text).outcome.state == "held"

"""Figures are whole or marked: what rests on a part of its rows or months is not ranked, compared or added, and every NULL has a reason."""

import dataclasses
import random
import re
import sys
from pathlib import Path

import flow
import polars as pl
import pytest
from trust_benchmarks import catalogue, reference, sql
from trust_benchmarks.measures import derived, funnel, measure, size_adjusted

sys.path.append(str(Path(__file__).resolve().parents[1] / "sql"))
import random_returns
import second_calculation

METHODS = [Path(module.__file__) for module in (funnel, size_adjusted)]
MARKS = {"PARTIAL_ROWS", "PARTIAL_MONTHS"}


def count_rows(inputs: measure.Inputs) -> pl.DataFrame:
    """The rows of every submission and provider that the records hold, as all that was sent."""
    paths = [path for paths in inputs.records.values() for path in paths]
    every = pl.concat([pl.read_parquet(path, columns=["submission_id", "provider_code"]) for path in paths])
    counted = every.group_by("submission_id", "provider_code").agg(rows_used=pl.len().cast(pl.Int64))
    return counted.sort("submission_id", "provider_code").select(
        "submission_id", "provider_code", rows_sent="rows_used", rows_used="rows_used", rows_warned=pl.lit(0, pl.Int64)
    )


def tables(inputs: measure.Inputs) -> dict[str, pl.DataFrame]:
    """The tables of a release, as `figures` makes them."""
    results = measure.compute(inputs)
    made = {"measure": results.measures, "benchmark": results.benchmarks, "comparison": results.comparisons}
    return derived.add(made, inputs.period, inputs.reference)


def check(found: dict[str, pl.DataFrame]) -> None:
    """What must hold for every release, whatever it rests on."""
    known = {one.code for one in reference.load().reasons}
    rolling = {m.metric_id for m in reference.load().metrics if m.period.startswith("rolling")}
    for row in found["measure"].to_dicts():
        whole = row["withheld"] is None
        assert row["withheld"] in known | {None} and row["rank_withheld"] in known | {None}, row
        assert (row["value"] is None) == (not whole and row["withheld"] not in MARKS), row
        assert (row["percentile_rank"] is None) == (row["rank_withheld"] is not None), row
        assert whole or row["percentile_rank"] is None, row
        assert row["quality_flag"] != "D" or (row["value"] is None and row["withheld"]), row
        assert 0 <= row["completeness"] <= 1 and row["rows_used"] <= row["rows_sent"], row
        assert row["months_covered"] <= row["months_expected"], row
        if row["metric_id"] in rolling and row["value"] is not None and row["months_covered"] < row["months_expected"]:
            assert row["withheld"] == "PARTIAL_MONTHS", row
    marked = set(found["measure"].filter(pl.col("withheld").is_not_null()).select("metric_id", "provider_code").rows())
    assert not marked & set(found["comparison"].select("metric_id", "provider_code").rows())
    for table in ("funnel", "size_cost"):
        for row in found[table].to_dicts():
            reason = row["withheld"]
            assert reason in known | {None}, row
            assert reason or (row["metric_id"], row["provider_code"]) not in marked, row
    adding = found["comparison"].filter("adds_to_total")
    assert adding["adds_over"].n_unique() <= 1 and adding["adds_over"].null_count() == 0
    assert (
        found["comparison"].filter(~pl.col("adds_to_total"))["adds_over"].null_count()
        == found["comparison"].height - adding.height
    )


def without(inputs: measure.Inputs, codes: set[str]) -> measure.Inputs:
    """The same as if these trusts had not sent anything, nor been asked to."""
    trusts = [p for p in inputs.reference.providers if p.code not in codes]
    records = {}
    for name, paths in inputs.records.items():
        records[name] = []
        for path in paths:
            kept = pl.read_parquet(path).filter(~pl.col("provider_code").is_in(list(codes)))
            records[name].append(path.with_name(f"without-{path.name}"))
            kept.write_parquet(records[name][-1])
    return dataclasses.replace(
        inputs,
        records=records,
        submissions=inputs.submissions.filter(~pl.col("sender").is_in(list(codes))),
        expected=inputs.expected.filter(~pl.col("sender").is_in(list(codes))),
        provider_rows=inputs.provider_rows.filter(~pl.col("provider_code").is_in(list(codes))),
        reference=dataclasses.replace(inputs.reference, providers=trusts),
    )


@pytest.mark.parametrize("collection", second_calculation.collections())
def test_what_rests_on_a_part_changes_nothing_for_the_others(collection, tmp_path):
    """Benchmarks and comparisons of the whole trusts are as if those with rejected rows had sent nothing."""
    inputs, _ = random_returns.make(collection, 7, tmp_path)
    counted = count_rows(inputs)
    reported = set(
        counted.join(
            inputs.submissions.filter(collection=collection, period=inputs.period, is_current=True), on="submission_id"
        )["provider_code"]
    )
    partial = set(random.Random(3).sample(sorted(reported), 4))
    more = pl.when(pl.col("provider_code").is_in(list(partial)) & pl.col("submission_id").str.contains(inputs.period))
    counted = counted.with_columns(rows_sent=more.then(2 * pl.col("rows_used")).otherwise("rows_used"))
    inputs = dataclasses.replace(inputs, provider_rows=counted)
    found = tables(inputs)
    check(found)
    own = found["measure"].filter(
        ~pl.col("metric_id").str.starts_with("DQ") & pl.col("provider_code").is_in(list(partial))
    )
    declared = catalogue.load(collection)
    assert set(own["withheld"]) <= {
        "ROWS_REJECTED",
        "PARTIAL_ROWS",
        "MONTHS_MISSING",
        "NO_DENOMINATOR",
        "NOT_ANSWERED",
        "PARTIAL_MONTHS",
    }
    assert own["percentile_rank"].null_count() == own.height
    assert declared.is_national or set(own["quality_flag"]) <= {"B", "C", "D"}
    if collection == "procurement_prices":
        return  # a trust's prices have a part in what others are compared with
    other = measure.compute(without(inputs, partial))
    mine = pl.col("metric_id").str.starts_with("DQ")
    columns = [
        "metric_id",
        "peer_group",
        "providers",
        "minimum",
        "lower_quartile",
        "median",
        "upper_quartile",
        "maximum",
    ]
    groups = found["benchmark"].filter(~mine).select(columns)
    left = other.benchmarks.filter(~mine).select(columns)
    assert groups.filter(pl.col("providers") > 0).rows() == left.filter(pl.col("providers") > 0).rows()
    assert found["comparison"].filter(~mine).rows() == other.comparisons.filter(~mine).rows()
    ranks = ["metric_id", "provider_code", "value", "percentile_rank", "quality_flag"]
    whole = found["measure"].filter(~mine & ~pl.col("provider_code").is_in(list(partial))).select(ranks)
    assert whole.rows() == other.measures.filter(~mine).select(ranks).rows()


@pytest.mark.parametrize("collection", second_calculation.collections())
def test_one_period_alone_says_what_it_cannot_show(collection, tmp_path):
    """The first month of a collection: figures over twelve months are not there, and that of three is marked."""
    inputs, _ = random_returns.make(collection, 8, tmp_path)
    now = inputs.submissions.filter(pl.col("period") == inputs.period)
    records = {
        name: [path for path in paths if path.stem == f"{name}-{inputs.period}"]
        for name, paths in inputs.records.items()
    }
    alone = dataclasses.replace(
        inputs,
        records=records,
        submissions=now,
        expected=inputs.expected.filter(period=inputs.period),
        provider_rows=pl.DataFrame(schema=measure.PROVIDER_ROWS),
    )
    found = tables(alone)
    check(found)
    short = (
        found["measure"]
        .filter(pl.col("months_expected") > pl.col("months_covered"))
        .filter(pl.col("quality_flag") != "D")
    )
    if inputs.period[5:] <= "12":
        twelve = short.filter(pl.col("metric_id").is_in(["WF05", "PP01", "PP02", "PP03", "PP04", "PP06"]))
        assert set(twelve["withheld"]) <= {"MONTHS_MISSING"} and twelve["value"].null_count() == twelve.height
        assert collection not in ("workforce", "staff_turnover", "procurement_prices") or twelve.height
        three = short.filter(metric_id="OA05")
        assert set(three["withheld"]) <= {"PARTIAL_MONTHS", "NOT_PUBLISHED", "NO_DENOMINATOR"}
        assert collection != "out_of_area_placements" or "PARTIAL_MONTHS" in set(three["withheld"])


def test_every_reason_in_the_code_has_a_sentence_and_is_used():
    known = {one.code: one.sentence for one in reference.load().reasons}
    folders = [*(sql.FOLDER / "measures").glob("*.sql"), *(sql.FOLDER / "benchmarks").glob("*.sql")]
    defined = Path(reference.__file__).with_name("tables.py")
    files = [*folders, *(sql.FOLDER / "migrations").glob("*.sql"), *METHODS, defined]
    text = "\n".join(path.read_text() for path in files)
    for code, sentence in known.items():
        assert re.search(rf"['\"]{code}['\"]", text), f"{code} is in reasons.csv and nowhere else"
        assert sentence.endswith(".") and sentence == sentence.strip()
    given = set(re.findall(r"(?:THEN|ELSE) '([A-Z]{4,}(?:_[A-Z]+)*)'", text)) | set(
        re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', "\n".join(path.read_text() for path in METHODS))
    )
    assert given - {"SORTED", "APPLIED"} <= set(known)


# The real files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "period"), [("eric_2014-15_workbook.xls", "2014-15"), ("eric_2016-17_workbook.xls", "2016-17")]
)
def test_no_trust_with_a_rejected_site_is_ranked_as_if_it_were_whole(shared_data, tmp_path, name, period):
    outcome = flow.checked((shared_data / "estates_eric" / name).read_bytes(), name, "estates")
    assert outcome.rows_rejected > 0
    path = tmp_path / "eric.parquet"
    outcome.records.with_columns(submission_id=pl.lit("eric")).write_parquet(path)
    log = {
        "collection": "estates",
        "period": period,
        "sender": "NHSE",
        "part": "site",
        "submission_id": "eric",
        "version": 1,
    }
    log |= {"state": outcome.state, "is_current": True, "is_sample": False, "on_time": True}
    log |= {
        "rows_read": outcome.rows_read,
        "rows_recorded": outcome.rows_recorded,
        "rows_rejected": outcome.rows_rejected,
    }
    inputs = measure.Inputs(
        "estates",
        period,
        {"estates": [path]},
        pl.DataFrame([log], schema=measure.SUBMISSIONS),
        pl.DataFrame(schema=measure.EXPECTED),
        reference.load(),
        outcome.provider_rows.select(pl.lit("eric").alias("submission_id"), *list(measure.PROVIDER_ROWS)[1:]),
    )
    found = tables(inputs)
    check(found)
    short = outcome.provider_rows.filter(pl.col("rows_used") < pl.col("rows_sent")).drop_nulls("provider_code")
    partial = set(short["provider_code"]) & set(found["measure"]["provider_code"])
    assert partial
    measures = found["measure"]
    own = measures.filter(pl.col("provider_code").is_in(list(partial)))
    for column in ("value", "numerator", "denominator", "percentile_rank"):
        assert own[column].null_count() == own.height
    assert set(own["withheld"]) == {"ROWS_REJECTED"} and "A" not in set(own["quality_flag"])
    # The medians are those over the whole trusts, worked out from the records alone.
    sites = outcome.records.filter((pl.col("level") == "site") & (pl.col("body") == "provider"))
    sites = sites.filter(~pl.col("provider_code").is_in(list(partial)))
    running = pl.col("hard_fm_gbp") + pl.col("soft_fm_gbp")
    both = sites.filter(running.is_not_null() & pl.col("gia_m2").is_not_null())
    costs = (
        both.group_by("provider_code").agg(cost=running.sum(), area=pl.col("gia_m2").sum()).filter(pl.col("area") > 0)
    )
    (median,) = found["benchmark"].filter(metric_id="ES01", peer_group="national")["median"]
    assert median == pytest.approx((costs["cost"] / costs["area"]).median(), rel=1e-9)
    (providers,) = found["benchmark"].filter(metric_id="ES01", peer_group="national")["providers"]
    assert providers == costs.height == measures.filter(pl.col("value").is_not_null(), metric_id="ES01").height


@pytest.mark.parametrize("named", [True, False])
def test_a_finding_between_returns_reaches_the_flag_of_whom_it_is_about(tmp_path, monkeypatch, named):
    """With a provider it is about that one; without, about all that its submission speaks for."""
    inputs, _ = random_returns.make("sickness_absence", 5, tmp_path)
    inputs = dataclasses.replace(
        inputs, submissions=inputs.submissions.with_columns(state=pl.lit("accepted"), on_time=pl.lit(True))
    )
    before = dict(measure.compute(inputs).measures.select("provider_code", "quality_flag").rows())
    code = min(code for code, flag in before.items() if flag == "A")
    union = measure._union

    def also(db, table, columns, scripts):
        union(db, table, columns, scripts)
        if table == "cross_findings":
            db.execute(
                "INSERT INTO cross_findings (submission_id, rule_id, provider_code, message) "
                "SELECT submission_id, 'XX-R1', ?, 'Found.' FROM submissions WHERE is_current AND period = target_period()",
                [code if named else None],
            )

    monkeypatch.setattr(measure, "_union", also)
    flags = dict(measure.compute(inputs).measures.select("provider_code", "quality_flag").rows())
    assert flags == {one: "B" if flag == "A" and (one == code or not named) else flag for one, flag in before.items()}

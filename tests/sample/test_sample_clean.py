"""A second, independent check that a sample without faults keeps every rule of the brief, with plain pandas."""

import pandas as pd
import pytest

SHIFTS = ("reg_day", "reg_night", "unreg_day", "unreg_night")


def read(folder, collection) -> pd.DataFrame:
    """All returns of a collection in one frame."""
    frames = []
    for path in sorted((folder / collection).iterdir()):
        book = path.suffix == ".xlsx"
        frame = pd.read_excel(path, engine="calamine", keep_default_na=True) if book else pd.read_csv(path)
        frames.append(frame.assign(file=path.name))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def workforce(sound):
    return read(sound.folder, "workforce")


@pytest.fixture(scope="module")
def rosters(sound):
    frame = read(sound.folder, "e_rostering")
    frame["hours"] = sum(frame[f"{shift}_actual_h"] for shift in SHIFTS)
    frame["planned"] = sum(frame[f"{shift}_planned_h"] for shift in SHIFTS)
    return frame


@pytest.fixture(scope="module")
def orders(sound):
    return read(sound.folder, "procurement_prices")


@pytest.fixture(scope="module")
def estates(sound):
    return read(sound.folder, "estates")


def test_nothing_is_planted(sound):
    assert not sound.planted
    assert (sound.folder / "planted.csv").read_text().count("\n") == 1


def test_workforce_rows(workforce):
    w = workforce
    assert (w.groupby("file")["staff_group"].nunique() == 10).all() and (w.groupby("file").size() == 10).all()
    assert (w["fte"] <= 1.1 * w["headcount"]).all() and (w["role_count"] >= w["headcount"]).all()
    days = pd.PeriodIndex(w["period"], freq="M").days_in_month
    assert ((w["fte_days_available"] / (w["fte"] * days) - 1).abs() <= 0.05).all()
    assert (w["fte_days_lost"] <= w["fte_days_available"]).all()
    for part, full in (("job_plans_signed_off", "job_plans_due"), ("appraisals_done", "appraisals_due"),
                       ("training_compliant_hc", "training_due_hc")):  # fmt: skip
        assert (w[part].fillna(0) <= w[full].fillna(0)).all()
    by_file = w.groupby("file")[["fte", "headcount", "fte_days_lost", "fte_days_available"]].sum()
    assert (by_file["fte"] / by_file["headcount"]).between(0.8, 0.95).all()
    assert (by_file["fte_days_lost"] / by_file["fte_days_available"]).between(0.025, 0.09).all()
    assert w["job_plans_due"].notna().eq(w["staff_group"] == "hchs_doctors").all()


def test_workforce_stocks_follow_from_flows(workforce):
    w = workforce.sort_values(["ods_code", "staff_group", "period"])
    groups = w.groupby(["ods_code", "staff_group"])
    before = groups["headcount"].shift()
    later = before.notna()
    assert later.sum() == 15 * 10 * 12
    assert (w["headcount"] == before + w["joiners_hc"] - w["leavers_hc"])[later].all()
    change = (w["fte"] - groups["fte"].shift()).abs()
    assert not ((change > 20) & (change > 0.15 * groups["fte"].shift())).any()
    trusts = w.groupby(["ods_code", "period"])["fte"].sum().groupby("ods_code")
    assert (trusts.pct_change().abs().dropna() < 0.05).all()


def test_rosters(rosters, workforce):
    r = rosters
    wards = r.groupby("file").size()
    assert wards.between(5, 20).all()
    assert not r.duplicated(["ods_code", "period", "ward_id"]).any()
    chppd = r["hours"] / r["patient_days"]
    assert ((chppd - r["chppd_submitted"]).abs() <= 0.0051).all() and chppd.between(3, 30).all()
    assert (r["hours"] / r["planned"]).between(0.5, 2).all()
    assert (r["bank_hours"] + r["agency_hours"] <= r["hours"]).all()
    assert r["patient_days"].between(28, 1300).all()
    assert r[[c for c in r.columns if c.endswith("_h")]].max().max() <= 6000
    for column, low, high in (("annual_leave_pct", 5, 25), ("unavailability_pct", 15, 40), ("net_hours_owed", -500, 500),
                              ("funded_headroom_pct", 15, 30), ("approval_lead_days", 0, 84)):  # fmt: skip
        assert r[column].between(low, high).all()
    change = r.sort_values("period").groupby(["ods_code", "ward_id"])["patient_days"].pct_change().abs().dropna()
    assert len(change) and change.max() < 0.4
    nursing = workforce[workforce["staff_group"].isin(["nurses_health_visitors", "midwives", "support_to_clinical"])]
    employed = nursing.groupby(["ods_code", "period"])["fte"].sum()
    own = (
        r.assign(own=r["hours"] - r["bank_hours"] - r["agency_hours"]).groupby(["ods_code", "period"])["own"].sum()
        / 162.9
    )
    assert len(own) == len(employed) and (own <= 1.1 * employed).all()


def test_order_lines(orders):
    o = orders
    assert not o.duplicated(["ods_code", "po_number", "po_line"]).any()
    gap = (o["quantity"] * o["unit_price_gbp"] - o["line_value_gbp"]).abs()
    assert (gap <= (0.005 * o["line_value_gbp"].abs()).clip(lower=0.01) + 1e-9).all()
    assert ((o["quantity"] < 0) == (o["line_type"] == "credit")).all() and (o["quantity"] != 0).all()
    assert set(o["line_type"]) == {"order", "credit", "adjustment"}
    assert set(o["code_type"]) == {"gtin", "npc", "mpc", "local", "none"}
    assert (o["order_date"].str[:7] == o["period"]).all()
    pd.to_datetime(o["order_date"], format="%Y-%m-%d")
    assert (o["product_code"].isna() == (o["code_type"] == "none")).all()
    codes = o.loc[o["code_type"] == "gtin", "product_code"].unique()
    assert len(codes) > 100
    for code in codes:  # GS1: weighted 1 and 3 from the left over 13 digits, a multiple of ten
        assert sum(int(d) * (3 if n % 2 else 1) for n, d in enumerate(code)) % 10 == 0 and len(code) == 13
    assert o["units_per_issue"].between(1, 10000).all() and o["unit_price_gbp"].between(0.001, 250000).all()


def test_prices_and_spend_are_steady(orders):
    shared = orders[orders["code_type"].isin(["gtin", "npc", "mpc"])]
    price = shared["unit_price_gbp"] / shared["units_per_issue"]
    ratio = price / price.groupby(shared["product_code"]).transform("median")
    assert ratio.between(0.3, 3).all()
    assert ratio.std() > 0.03
    months = orders.groupby(["ods_code", "period"])["line_value_gbp"].agg(["size", "sum"])
    for column in ("size", "sum"):
        by_month = months[column].unstack("period")
        usual = by_month.T.shift().rolling(3, min_periods=1).mean().T
        assert (by_month / usual).stack().dropna().between(0.5, 2).all()


def test_estates(estates):
    e = estates
    sites, trusts = e[e["level"] == "site"], e[e["level"] == "trust"].set_index(["ods_code", "financial_year"])
    assert set(e["financial_year"]) == {"2024-25", "2025-26"}
    assert not sites.duplicated(["ods_code", "financial_year", "site_code"]).any()
    assert (sites["gia_m2"] > 0).all() and (sites["occupied_m2"] <= sites["gia_m2"]).all()
    space = sites["clinical_m2"] + sites["non_clinical_m2"]
    assert ((space - sites["occupied_m2"]).abs() <= 0.01 * sites["occupied_m2"]).all() and (
        space <= sites["gia_m2"]
    ).all()
    bands = sites[[f"backlog_{risk}_gbp" for risk in ("high", "significant", "moderate", "low")]].sum(axis=1)
    assert ((bands - sites["backlog_total_gbp"]).abs() <= 1).all()
    assert (e["age_profile_total_pct"] == 100).all()
    columns = [c for c in e.columns if c.endswith(("_m2", "_gbp", "_kwh")) or c == "meal_days"]
    sums = sites.groupby(["ods_code", "financial_year"])[columns].sum()
    assert ((trusts[columns] - sums).abs() <= 0.005 * sums + 0.01).all().all()
    assert trusts["gia_m2"].between(8800, 197000).all()
    unit = pd.DataFrame(
        {
            "running": (sums["hard_fm_gbp"] + sums["soft_fm_gbp"]) / sums["gia_m2"],
            "all": (sums["hard_fm_gbp"] + sums["soft_fm_gbp"] + sums["finance_gbp"]) / sums["occupied_m2"],
            "energy": sums["energy_gbp"] / sums["occupied_m2"],
            "cleaning": sums["cleaning_gbp"] / sums["occupied_m2"],
            "meal": sums["food_gbp"] / sums["meal_days"],
            "backlog": sums["backlog_total_gbp"] / sums["gia_m2"],
        }
    )
    for name, low, high in (("running", 51, 193), ("all", 145, 432), ("energy", 9, 22), ("cleaning", 21, 59),
                            ("meal", 5.7, 18.3), ("backlog", 5, 230)):  # fmt: skip
        assert unit[name].between(low, high).all(), name
    assert (sums["gia_m2"].groupby("ods_code").pct_change().abs().dropna() <= 0.1).all()
    assert (unit.groupby("ods_code").pct_change().abs().dropna() <= 0.25).all().all()


def test_sickness_file(sound, workforce):
    months = [
        pd.read_csv(path, dtype={"ICS_CODE": str}) for path in sorted((sound.folder / "sickness_absence").iterdir())
    ]
    assert len(months) == 13
    s = pd.concat(months)
    assert (
        (100 * s["FTE_DAYS_LOST"] / s["FTE_DAYS_AVAILABLE"]).round(2) - s["SICKNESS_ABSENCE_RATE_PERCENT"]
    ).abs().max() < 0.0051
    assert {"Commissioning Support Unit", "Integrated Care Board"} < set(s["ORG_TYPE"])
    assert not s.duplicated(["DATE", "ORG_CODE"]).any()
    s["period"] = pd.to_datetime(s["DATE"], format="%d/%m/%Y").dt.strftime("%Y-%m")
    own = workforce.groupby(["ods_code", "period"])["fte_days_lost"].sum()
    theirs = s.set_index(["ORG_CODE", "period"])["FTE_DAYS_LOST"]
    assert ((theirs.reindex(own.index) - own).abs() < 0.01).all()


def test_price_lists(sound):
    folder = sound.folder / "drug_tariff"
    assert len(list(folder.iterdir())) == 39
    first = pd.read_csv(folder / "sample_drug_tariff_viii_a_2025-03.csv", dtype=str)
    last = pd.read_csv(folder / "sample_drug_tariff_viii_a_2026-03.csv", dtype=str)
    assert len(first) == 300 and not first["vmpp_snomed_code"].duplicated().any()
    assert (first["vmpp_snomed_code"] == last["vmpp_snomed_code"]).all()
    assert (first["basic_price"] != last["basic_price"]).mean() > 0.5
    m = pd.read_csv(folder / "sample_drug_tariff_cat_m_2025-03.csv", dtype=str)
    both = m.merge(first, on="vmpp_snomed_code")
    assert len(m) == len(both) == 100 and (both["basic_price_x"] == both["basic_price_y"]).all()
    ix = pd.read_csv(folder / "sample_drug_tariff_ix_2025-03.csv.gz", dtype=str)
    assert len(ix) == 500 and not ix["pack_snomed_code"].duplicated().any()

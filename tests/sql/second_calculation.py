"""The figures a second time, in plain pandas and numpy, written from the methods in words and not from the SQL."""

import math

import numpy as np
import pandas as pd

NURSES, SUPPORT = "nurses_health_visitors", "support_to_clinical"
INFRASTRUCTURE = ["central_functions", "hotel_property_estates", "senior_managers", "managers"]
# Weekdays of April 2025 (22) without Good Friday and Easter Monday.
WORKING_DAYS = {"2025-04": 20}
NONE = (math.nan, math.nan, math.nan, math.nan)


def ratio(frame, top, bottom, times=100.0, worth=None):
    """(numerator, denominator, value, what a unit is worth) over the rows where both parts are given."""
    both = frame[top.notna() & bottom.notna()].index
    if len(both) == 0:
        return NONE
    n, d = top[both].sum(), bottom[both].sum()
    value = times * n / d if d > 0 else math.nan
    return (n, d, value, math.nan if worth is None else worth(d))


def protected(parts, people=("numerator", "denominator")):
    """What is shown of counts of people: 1 to 7 nothing, others to the nearest 5, and the ratio of what is shown."""
    n, d, value, _ = parts
    if math.isnan(n):
        return NONE

    def shown(part, x):
        if part not in people:
            return x
        return math.nan if 0 < x < 7.5 else 5 * math.floor((x + 2.5) / 5)

    n, d = shown("numerator", n), shown("denominator", d)
    times = 1 if people == ("denominator",) else 100
    return (n, d, times * n / d if d > 0 and not math.isnan(value) else math.nan, math.nan)


def workforce(now, year, period):
    """Metrics of one trust: `now` its rows of the period, `year` those of the twelve months ending in it."""
    w = now.reset_index(drop=True)
    pay = w.substantive_pay_gbp + w.bank_pay_gbp + w.agency_pay_gbp
    deployed = w.fte + w.bank_fte + w.agency_fte
    has_both = {NURSES, SUPPORT} <= set(w.staff_group)
    nursing = w[w.staff_group.isin([NURSES, SUPPORT])]
    infrastructure = w[w.staff_group.isin(INFRASTRUCTURE)]
    pay_per_day = w.substantive_pay_gbp.sum() / w.fte_days_available.sum() if w.fte_days_available.sum() else math.nan
    found = {
        "WF01": (w.fte.sum(), math.nan, w.fte.sum(), math.nan),
        "WF02": protected(ratio(w, w.fte, w.headcount.astype(float), 1), people=("denominator",)),
        "WF03": ratio(w, w.establishment_fte - w.fte, w.establishment_fte),
        "WF04": ratio(w, w.fte_days_lost, w.fte_days_available, 100, lambda days: days * pay_per_day / 100),
        "WF05": NONE,
        "WF07": ratio(w, w.agency_pay_gbp.where(pay.notna()), pay, 100, lambda total: total / 100),
        "WF08": ratio(w, w.bank_fte + w.agency_fte, deployed),
        "WF09": ratio(nursing, nursing.fte.where(nursing.staff_group == NURSES, 0.0), nursing.fte)
        if has_both
        else NONE,
        "WF10": ratio(w, w.substantive_pay_gbp, w.fte, 1),
        "WF11": (
            infrastructure.fte.sum(),
            w.fte.sum(),
            100 * infrastructure.fte.sum() / w.fte.sum(),
            math.nan,
        ),
        "WF12": protected(ratio(w, w.appraisals_done, w.appraisals_due)),
        "WF13": protected(ratio(w, w.training_compliant_hc, w.training_due_hc)),
        "WF15": ratio(w, w.community_contacts, w.fte * WORKING_DAYS[period], 1),
        "WF16": protected(ratio(w, w.job_plans_signed_off, w.job_plans_due)),
    }
    if year.period.nunique() == 12:
        mean = year.groupby("period").headcount.sum().mean()
        found["WF05"] = protected((year.leavers_hc.sum(), mean, 100 * year.leavers_hc.sum() / mean, math.nan))
    return found


def sickness_absence(now, year, period):
    """WF04 of one trust in the national file."""
    return {"WF04": ratio(now, now.fte_days_lost, now.fte_days_available)}


def staff_turnover(now, year, period):
    """Metrics of one trust in the national file: the publisher's totals, and twelve months of them for turnover."""

    def totals(rows, flow):
        return rows[(rows.flow == flow) & (rows.staff_group == "all")]

    end = totals(now, "staff_at_end")
    found = dict.fromkeys(("WF01", "WF02", "WF05", "WF11"), NONE)
    if len(end):
        fte, people = end.fte.iloc[0], end.headcount.iloc[0]
        four = now[(now.flow == "staff_at_end") & now.staff_group.isin(INFRASTRUCTURE)].fte.sum()
        found["WF01"] = (fte, math.nan, fte, math.nan)
        found["WF02"] = (fte, people, fte / people, math.nan)
        found["WF11"] = (four, fte, 100 * four / fte, math.nan)
    leavers, people = [], []
    for _, rows in year.groupby("period"):
        went = rows[rows.flow == "leavers"]
        if len(totals(rows, "staff_at_end")) and (not len(went) or len(totals(rows, "leavers"))):
            people.append(totals(rows, "staff_at_end").headcount.iloc[0])
            leavers.append(totals(rows, "leavers").headcount.sum())
    if len(people) == 12:
        found["WF05"] = (sum(leavers), np.mean(people), 100 * sum(leavers) / np.mean(people), math.nan)
    return found


def out_of_area_placements(now, year, period):
    """OA05 of one trust: tries every number of days that may have a cost, and takes a month where one alone fits."""
    cost = days = 0
    own = False
    for month in sorted(set(year.period))[-3:]:
        rows = year[year.period == month]
        told = {q: rows[rows.question == q].iloc[0] for q in ("days", "cost_gbp", "share_of_days_with_cost")}
        share, spent = told["share_of_days_with_cost"].rounded_value, told["cost_gbp"].value
        whole = told["days"].value
        if math.isnan(whole) or math.isnan(share) or math.isnan(spent):
            continue
        # In thousandths, so that no half is lost to the way that computers keep decimals.
        fit = [k for k in range(int(whole) + 1) if abs(1000 * k - round(1000 * share) * whole) <= 5 * whole]
        if len(fit) == 1:
            cost, days, own = cost + spent, days + fit[0], own or month == period
    if not own:
        return {"OA05": NONE}
    return {"OA05": (cost, days, cost / days if days else math.nan, days)}


def finance_oversight(now, year, period):
    """FN01-FN08 of one trust; the score counts how many of a component's bounds its value fails."""
    f = now.iloc[0]
    margin, plan = 100 * f.surplus_ytd_gbp / f.income_ytd_gbp, 100 * f.plan_surplus_ytd_gbp / f.plan_income_ytd_gbp
    over = f.agency_spend_ytd_gbp - f.agency_ceiling_ytd_gbp
    scores = [
        1
        + sum(
            [f.capital_service_capacity <= 2.5, f.capital_service_capacity < 1.75, f.capital_service_capacity < 1.25]
        ),
        1 + sum([f.liquidity_days <= 0, f.liquidity_days < -7, f.liquidity_days < -14]),
        1 + sum([margin <= 1, margin < 0, margin <= -1]),
        1 + sum([margin - plan < 0, margin - plan < -1, margin - plan <= -2]),
        1 + sum([over > 0, 100 * over / f.agency_ceiling_ytd_gbp > 25, 100 * over / f.agency_ceiling_ytd_gbp > 50]),
    ]
    score = float(max(round(np.mean(scores)), 3 if max(scores) == 4 else 1))

    def alone(value):
        return (value, math.nan, value, math.nan)

    return {
        "FN01": alone(f.capital_service_capacity),
        "FN02": alone(f.liquidity_days),
        "FN03": (f.surplus_ytd_gbp, f.income_ytd_gbp, margin, math.nan),
        "FN04": alone(margin - plan),
        "FN05": ratio(now, now.agency_spend_ytd_gbp - now.agency_ceiling_ytd_gbp, now.agency_ceiling_ytd_gbp),
        "FN06": alone(score),
        "FN07": alone(f.sof_segment),
        "FN08": ratio(now, now.cip_actual_ytd_gbp, now.cip_plan_ytd_gbp),
    }


def e_rostering(now, year, period):
    """Metrics of one trust over its wards."""
    e = now.reset_index(drop=True)
    reg = e.reg_day_actual_h + e.reg_night_actual_h
    unreg = e.unreg_day_actual_h + e.unreg_night_actual_h
    actual = reg + unreg
    patients = e.patient_days.astype(float)
    lead = sorted(e.approval_lead_days.dropna())
    middle = (lead[(len(lead) - 1) // 2] + lead[len(lead) // 2]) / 2 if lead else math.nan
    leave = e.annual_leave_pct.dropna()
    hour = e.ward_pay_gbp.sum() / actual.sum() if actual.sum() > 0 else math.nan
    owed = e.net_hours_owed.where(e.net_hours_owed.isna() | (e.net_hours_owed > 0), 0.0)
    return {
        "ER01": ratio(e, actual, patients, 1),
        "ER02": ratio(e, reg, patients, 1),
        "ER03": ratio(e, reg, e.reg_day_planned_h + e.reg_night_planned_h),
        "ER04": ratio(e, unreg, e.unreg_day_planned_h + e.unreg_night_planned_h),
        "ER05": (middle, math.nan, middle, math.nan),
        "ER06": ratio(e, owed, e.contracted_hours, 100, lambda hours: hours * hour / 100),
        "ER07": (
            float(leave.between(11, 17).sum()),
            float(len(leave)),
            100 * leave.between(11, 17).sum() / len(leave) if len(leave) else math.nan,
            math.nan,
        ),
        "ER08": ratio(e, e.additional_duties, e.template_duties),
        "ER09": ratio(e, e.bank_hours + e.agency_hours, actual),
        "ER10": ratio(
            e,
            (e.unavailability_pct - e.funded_headroom_pct) * e.contracted_hours,
            e.contracted_hours.where((e.unavailability_pct - e.funded_headroom_pct).notna()),
            1,
        ),
        "ER11": ratio(e, e.ward_pay_gbp, patients, 1, lambda days: days),
    }


def estates(now, staff, period):
    """Metrics of one trust over its sites; `staff` are its workforce rows of all months."""
    s = now[now.level == "site"].reset_index(drop=True)
    if s.empty:
        return {f"ES{i:02d}": NONE for i in range(1, 12)}
    running = s.hard_fm_gbp + s.soft_fm_gbp
    full = running + s.finance_gbp
    cost = ratio(s, full, s.occupied_m2, 1, lambda area: area)
    per_m2 = cost[2]
    found = {
        "ES01": ratio(s, running, s.gia_m2, 1, lambda area: area),
        "ES02": cost,
        "ES03": ratio(s, s.non_clinical_m2, s.clinical_m2 + s.non_clinical_m2),
        "ES04": ratio(s, s.empty_m2, s.gia_m2, 100, lambda area: area * per_m2 / 100),
        "ES05": ratio(s, s.under_used_m2, s.occupied_m2),
        "ES06": ratio(s, s.backlog_total_gbp, s.gia_m2, 1),
        "ES07": ratio(s, s.backlog_high_gbp + s.backlog_significant_gbp, s.backlog_total_gbp),
        "ES08": ratio(s, s.energy_gbp, s.occupied_m2, 1, lambda area: area),
        "ES09": ratio(s, s.cleaning_gbp, s.occupied_m2, 1, lambda area: area),
        "ES10": ratio(s, s.food_gbp, s.meal_days.astype(float), 1),
        "ES11": NONE,
    }
    months = staff[(staff.period >= "2024-04") & (staff.period <= "2025-03")].groupby("period").fte.sum()
    if len(months) == 12 and s.occupied_m2.notna().any():
        found["ES11"] = (s.occupied_m2.sum(), months.mean(), s.occupied_m2.sum() / months.mean(), math.nan)
    return found


def prices(records, period):
    """(spread, position, measures by trust) of the lines of the twelve months ending in `period`."""
    lines = records[[in_year(month, period) for month in records.period]].reset_index(drop=True)
    lines["key"] = list(zip(lines.provider_code, lines.po_number, lines.po_line, strict=True))
    last = {}
    for i, row in lines[lines.line_type == "adjustment"].iterrows():
        at = (row.period, row.order_date, row.line)
        if row.key not in last or at > last[row.key][0]:
            last[row.key] = (at, i)
    keep = {i for _, i in last.values()}
    lines = lines[
        [
            i in keep if kind == "adjustment" else kind == "credit" or key not in last
            for i, kind, key in zip(lines.index, lines.line_type, lines.key, strict=True)
        ]
    ].copy()
    lines["each"] = lines.unit_price_gbp / lines.units_per_issue
    lines["units"] = lines.quantity * lines.units_per_issue
    known = lines[lines.product_code.notna() & lines.code_type.isin(["gtin", "npc", "mpc"])]
    spread, position, matched = [], [], {}
    for (product, code_type), group in known.groupby(["product_code", "code_type"]):
        median = np.median(group[group.line_type != "credit"].each)
        bad = (group.each < 0.2 * median) | (group.each > 5 * median)
        trusts = []
        for code, own in group[~bad].groupby("provider_code"):
            bought, units, spend = (own.line_type != "credit").sum(), own.units.sum(), own.line_value_gbp.sum()
            if bought and units > 1e-9 and spend > 1e-9:
                now = own[own.period == period].line_value_gbp.sum()
                trusts.append((code, bought, units, spend, spend / units, now))
        if len(trusts) < 3:
            continue
        each = np.array([t[4] for t in trusts])
        q1, mid, q3 = np.percentile(each, [25, 50, 75])
        low = min((t[4] for t in trusts if t[2] >= 3 - 1e-9), default=math.nan)
        bought, spend = sum(t[1] for t in trusts), sum(t[3] for t in trusts)
        words = group[group.provider_code == min(t[0] for t in trusts)].description.min()
        summary = (words, len(trusts), bought, spend, low, q1, mid, q3, each.max(), bad.sum())
        spread.append((product, code_type, *summary))
        for code, bought, units, spend, price, now in trusts:
            saving = max(0.0, price - mid) * units
            most = max(0.0, price - low) * units if low == low else math.nan
            position.append((product, code_type, code, bought, units, spend, price, price / mid - 1, saving, most))
            matched.setdefault(code, []).append((price, mid, units, spend, saving, most, now))
    found = {}
    for code, own in lines.groupby("provider_code"):
        m = matched.get(code, [])
        spend = sum(x[3] for x in m)
        over = sum((x[0] - x[1]) * x[2] for x in m)
        near = sum(x[3] for x in m if abs(x[0] / x[1] - 1) <= 0.05)
        month = own[own.period == period]
        told = own[own.national_contract.notna()]
        national = told[told.national_contract.astype(bool)].line_value_gbp.sum()
        saving, most = sum(x[4] for x in m), sum(x[5] for x in m if x[5] == x[5])
        now, all_now = sum(x[6] for x in m), month.line_value_gbp.sum()
        found[code] = {
            "PP01": (over, spend, 100 * over / spend, math.nan) if m else NONE,
            "PP02": (saving, math.nan, saving, math.nan) if m else NONE,
            "PP03": (most, math.nan, most, math.nan) if m else NONE,
            "PP04": (near, spend, 100 * near / spend, math.nan) if m else NONE,
            "PP05": (now, all_now, 100 * now / all_now, math.nan) if all_now > 0 else NONE,
            "PP06": (national, told.line_value_gbp.sum(), 100 * national / told.line_value_gbp.sum(), math.nan),
        }
    return spread, position, found


def data_quality(submissions, expected, collection, period):
    """DQ01-DQ04 by trust."""
    log = submissions[submissions.collection == collection]
    found = {}
    for code in sorted(set(expected[expected.period == period].sender)):
        own = log[log.provider_code == code]
        now = own[own.period == period]
        due = {p for p in expected[expected.sender == code].period if in_year(p, period)}
        again = {p for p in due if (own[own.period == p].version > 1).any()}
        first = now[now.version == 1]
        ok = float(first.state.isin(["accepted", "accepted_with_warnings"]).any())
        counted = now[now.is_current]
        found[code] = {
            "DQ01": (float(now.on_time.any()), 1.0, 100 * float(now.on_time.any()), math.nan),
            "DQ02": (ok, 1.0, 100 * ok, math.nan) if len(first) else NONE,
            "DQ03": ratio(counted, counted.cells_valid, counted.cells_expected),
            "DQ04": (float(len(again)), float(len(due)), 100 * len(again) / len(due), math.nan),
        }
    return found


def in_year(month, period):
    """Whether a month is one of the twelve that end in the period."""
    year, number = map(int, period.split("-"))
    return f"{year - 1}-{number:02d}" < month <= period


def quantile(values, share):
    """Linear quantile (R type 7)."""
    values = sorted(values)
    at = (len(values) - 1) * share
    low, high = math.floor(at), math.ceil(at)
    return values[low] + (at - low) * (values[high] - values[low])


def benchmark(values, least, enough):
    """(providers, minimum, lower quartile, median, upper quartile, maximum), NULL where too few."""
    n = len(values)
    full = n >= max(least, enough)
    spread = [quantile(values, s) if full else math.nan for s in (0, 0.25, 0.5, 0.75, 1)]
    spread[2] = quantile(values, 0.5) if n >= least else math.nan
    return (n, *spread)


def percentile(value, group, polarity):
    """Mid-rank share of the group that is worse, 0 to 100."""
    if polarity == "neutral" or len(group) < 5:
        return math.nan
    good = {"higher_better": lambda x: x, "lower_better": lambda x: -x, "target_100": lambda x: -abs(x - 100)}[polarity]
    worse = sum(good(x) < good(value) - 1e-9 for x in group)
    same = sum(abs(good(x) - good(value)) <= 1e-9 for x in group)
    return 100 * (worse + same / 2) / len(group)


def blank(value):
    """None and NaN as None."""
    return None if value is None or (not isinstance(value, str) and pd.isna(value)) else value

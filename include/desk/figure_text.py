"""The wording of figures: names of flags, numbers with units, warnings about thin data, and the alternative text of charts."""

from decimal import Decimal

from ..pages import readable
from . import formatting
from .database import Row

FEW_PROVIDERS = 5  # a spread of fewer trusts says little
LOW_COVERAGE = 0.8  # of the expected returns
POLARITIES = {
    "higher_better": "higher is better",
    "lower_better": "lower is better",
    "target_100": "closer to 100 is better",
    "neutral": "neither higher nor lower is better",
}
QUALITIES = {
    "A": "A: accepted",
    "B": "B: accepted with warnings",
    "C": "C: received late",
    "D": "D: expected, not reported",
}
BENCHMARKS = {
    "national_median": "Median of all trusts",
    "peer_median": "Median of the other trusts of its sector",
    "peer_lower_quartile": "Lower quartile of the other trusts of its sector",
    "peer_upper_quartile": "Upper quartile of the other trusts of its sector",
    "target": "Target",
    "median_price": "Median price",
    "lowest_price": "Lowest price",
}
SIGNALS = {
    "outside_limits": "outside the limits",
    "trend": "a trend of seven or more",
    "near_limit": "two of three near a limit",
    "shift": "seven or more on one side of the mean",
}
ASSESSMENTS = {
    "improvement": "improvement",
    "concern": "concern",
    "neutral": "change, neither good nor bad",
    "common_cause": "common cause",
    None: "not assessed",
}


def group_words(group: str) -> str:
    """A peer group in words."""
    return "all trusts" if group == "national" else f"the {formatting.plain(group.removeprefix('sector:'))} sector"


def thin_reasons(found: Row) -> list[str]:
    """Why the figures of a spread (see `figure_data.spread`) say less than they seem to: sentences, the most serious first."""
    said, own, status = [], found["own"], found["status"]
    if len(found["valued"]) < FEW_PROVIDERS:
        said.append(
            f"Only {readable.counted(len(found['valued']), 'trust')} of {found['group_words']} "
            f"{'has' if len(found['valued']) == 1 else 'have'} a value: too few to compare."
        )
    elif not found["benchmark"] or found["benchmark"]["lower_quartile"] is None:
        said.append(f"{len(found['valued'])} trusts have a value: too few for quartiles.")
    if status and status["coverage"] is not None and status["coverage"] < LOW_COVERAGE:
        in_file = status["providers_expected"]
        of = f"{in_file:,} trusts expected in the file" if in_file else f"{status['expected']:,} expected returns"
        said.append(f"Low coverage: {percent(status['coverage'])} of the {of} have been received.")
    elif found["members"] and len(found["valued"]) < LOW_COVERAGE * found["members"]:
        said.append(f"Low coverage: {len(found['valued'])} of {found['members']} trusts have a value.")
    if own and own["quality_flag"] == "C":
        said.append("The selected trust's return was received late (quality C).")
    if own and own["suppressed"] and own["value"] is None:
        said.append("The selected trust's value is suppressed because it counts very few people.")
    elif own and own["withheld"]:
        said.append(f"The selected trust (quality {own['quality_flag']}): {own['sentence'] or own['withheld']}")
    return said


def percent(share: float) -> str:
    """A share such as 0.935 as '93.5 %'."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def figure_number(value: float | Decimal | None) -> str:
    """A value for a chart or a sentence, with four significant digits; the tables show all digits."""
    if value is None:
        return "none"
    value = float(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def with_unit(value: float | Decimal | None, unit: str) -> str:
    """A value with its unit, such as '8.57 %' or '£1,234'."""
    number = figure_number(value)
    if value is None:
        return number
    if unit.startswith("GBP"):
        pounds = f"-£{number.removeprefix('-')}" if value < 0 else f"£{number}"
        return pounds + unit[3:].replace("/", " per ")
    return f"{number} {unit}"


def spread_message(asked: Row, found: Row) -> str:
    """The alternative text of the chart of a spread."""
    about, own, mark = asked["about"], found["own"], found["benchmark"]
    unit = about["unit"]
    said = [f"{about['name']}, {asked['period']}, {found['group_words']}."]
    if not found["valued"]:
        return " ".join([*said, "No trust has a value."])
    if own and own["withheld"] is None:
        name = own["provider_name"] or own["provider_code"]
        place = f"{name} ({own['provider_code']}) has {with_unit(own['value'], unit)}"
        if mark and mark["lower_quartile"] is not None:
            value = own["value"]
            place += (
                ", below the lower quartile" if value < mark["lower_quartile"]
                else ", above the upper quartile" if value > mark["upper_quartile"]
                else ", at or below the median" if value <= mark["median"]
                else ", above the median"
            )  # fmt: skip
        said.append(f"{place}; {POLARITIES.get(about['polarity'], about['polarity'])}.")
    elif own:
        has = (
            "no value"
            if own["value"] is None
            else f"{with_unit(own['value'], unit)}, which is incomplete and not compared"
        )
        said.append(f"{own['provider_name'] or own['provider_code']} ({own['provider_code']}) has {has}.")
    low, high = found["valued"][0]["value"], found["valued"][-1]["value"]
    middle = f", median {with_unit(mark['median'], unit)}" if mark and mark["median"] is not None else ""
    said.append(
        f"{readable.counted(len(found['valued']), 'trust')}, from {figure_number(low)} to {with_unit(high, unit)}{middle}."
    )
    if found["silent"]:
        said.append(f"{readable.counted(len(found['silent']), 'trust')} without a complete value.")
    return " ".join([*said, *found["thin"], *(["Sample data."] if found["is_sample"] else [])])


def series_message(asked: Row, found: Row) -> str:
    """The alternative text of the chart of a series."""
    unit, points = asked["about"]["unit"], found["points"]
    valued = [point for point in points if point["value"] is not None]
    said = [f"{asked['about']['name']} of {asked['provider']}, {points[0]['period']} to {points[-1]['period']}."]
    if not valued:
        return " ".join([*said, "No period has a value."])
    said.append(f"Last value {with_unit(valued[-1]['value'], unit)} ({valued[-1]['period']}).")
    if found["reason"]:
        said.append(f"Median {with_unit(found['median'], unit)}. {found['reason']}")
    else:
        signals = [point for point in points if point.get("signal")]
        said.append(
            f"{readable.counted(len(signals), 'period')} with a signal, the last {signals[-1]['period']} "
            f"({SIGNALS[signals[-1]['signal']]}: {ASSESSMENTS[signals[-1]['assessment']]})."
            if signals
            else "No signal: the values vary as before."
        )
        if any(section["is_trial"] and not section["reason"] for section in found["sections"]):
            said.append("Trial limits: fewer than 13 values.")
    if len(points) > len(valued):
        said.append(f"{readable.counted(len(points) - len(valued), 'period')} without a value.")
    return " ".join([*said, *(["Sample data."] if found["is_sample"] else [])])


def opportunity_message(asked: Row, found: Row, rows: list[Row]) -> str:
    """The alternative text of the chart of opportunities."""
    said = [
        f"{asked['about']['name']} of {asked['provider']}, {asked['period']}, against {readable.counted(len(rows), 'benchmark')}."
    ]
    for row in rows:
        stands = {True: "better", False: "worse"}.get(row["is_better"], "equal, or neither")
        worth = f", worth {with_unit(row['opportunity_gbp'], 'GBP')}" if row["opportunity_gbp"] is not None else ""
        name = BENCHMARKS.get(row["benchmark_kind"], row["benchmark_kind"])
        said.append(f"{name} {with_unit(row['benchmark_value'], asked['about']['unit'])}: {stands}{worth}.")
    return " ".join([*said, *found["thin"], *(["Sample data."] if found["is_sample"] else [])])

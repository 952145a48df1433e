"""The figures: one metric of one period, its spread over a peer group with one trust picked out, its series and what it is worth."""

import hashlib
from functools import cache
from statistics import median
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from .. import catalogue
from ..reference import calendar
from . import charts, database, formatting, pages, security

router = APIRouter()

FEW_PROVIDERS = 5  # a spread of fewer trusts than this says little about any of them
LOW_COVERAGE = 0.8  # of the expected returns
POLARITIES = {
    "higher_better": "higher is better",
    "lower_better": "lower is better",
    "target_100": "the nearer to 100 the better",
    "neutral": "neither high nor low is better",
}
QUALITIES = {
    "A": "A: accepted",
    "B": "B: accepted with warnings",
    "C": "C: came late",
    "D": "D: expected, not reported",
}
BENCHMARKS = {
    "national_median": "Median of all trusts",
    "peer_median": "Median of its peers",
    "peer_lower_quartile": "Lower quartile of its peers",
    "peer_upper_quartile": "Upper quartile of its peers",
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
    None: "not judged",
}


def group_words(group: str) -> str:
    """A peer group in words."""
    return "all trusts" if group == "national" else f"sector {formatting.plain(group.removeprefix('sector:'))}"


def chosen(connection, collection: str, period: str, metric: str, provider: str, peers: str) -> dict:
    """What an address of this page asks for, with defaults where it is silent, and `notes` where something did not fit together.

    Raises LookupError for a name that is not known anywhere.
    """
    offered: dict[str, list[str]] = {}
    for row in database.rows(
        connection, "SELECT DISTINCT collection, period FROM published.benchmarks ORDER BY collection, period DESC"
    ):
        offered.setdefault(row["collection"], []).append(row["period"])
    found = {"collections": offered, "notes": [], "metrics": [], "providers": [], "about": None}
    if not offered:
        return found | {"collection": "", "period": "", "metric": "", "provider": "", "peers": ""}
    if collection and collection not in offered:
        known = collection in catalogue.all()
        raise LookupError(
            f"No figures of {collection} are published yet."
            if known
            else "There is no collection of this name. Choose one from the list on the page of figures."
        )
    collection = collection or ("workforce" if "workforce" in offered else next(iter(offered)))
    periods = offered[collection]
    if period and period not in periods:
        if not any(period in others for others in offered.values()):
            raise LookupError(
                "No figures of this period are published. Choose one from the list on the page of figures."
            )
        found["notes"].append(f"{formatting.title(collection)} has no figures of {period}: {periods[0]} is shown.")
        period = ""
    period = period or periods[0]
    defined = {row["metric_id"]: row for row in database.rows(connection, "SELECT * FROM published.metrics")}
    ids = [
        row["metric_id"]
        for row in database.rows(
            connection,
            "SELECT DISTINCT metric_id FROM published.benchmarks WHERE collection = %s AND period = %s ORDER BY 1",
            [collection, period],
        )
    ]
    # What a collection is about comes before what is said about all returns.
    ids.sort(key=lambda one: (one.startswith("DQ"), one))
    if metric and metric not in ids:
        if metric not in defined:
            raise LookupError("There is no metric of this name. Choose one from the list on the page of figures.")
        said = f"{metric} ({defined[metric]['name']}) is not among the figures of {formatting.title(collection)} for {period}"
        found["notes"].append(f"{said}: {ids[0]} is shown.")
        metric = ""
    preferred = "WF03" if "WF03" in ids else ids[0]
    metric = metric or preferred
    measures = database.rows(
        connection,
        """SELECT m.*, w.sentence, k.sentence AS rank_sentence FROM published.measures m
           LEFT JOIN published.reasons w ON w.code = m.withheld LEFT JOIN published.reasons k ON k.code = m.rank_withheld
           WHERE m.collection = %s AND m.period = %s AND m.metric_id = %s
           ORDER BY coalesce(m.provider_name, m.provider_code), m.provider_code""",
        [collection, period, metric],
    )
    if provider and provider not in {row["provider_code"] for row in measures}:
        everybody = {
            r["provider_code"]: r["provider_name"]
            for r in database.rows(connection, "SELECT * FROM published.providers")
        }
        if provider not in everybody:
            raise LookupError("There is no trust of this code. Choose one from the list on the page of figures.")
        name = everybody[provider] or provider
        found["notes"].append(
            f"{name} ({provider}) was not expected to report {metric} for {period}, so no trust is picked out."
        )
        provider = ""
    if peers not in ("", "national"):
        raise LookupError("Trusts are compared with their own sector or with all trusts: choose one of the two.")
    cohort = {row["code"] for row in database.rows(connection, "SELECT code FROM published.cohort")}
    return found | {
        "collection": collection, "period": period, "metric": metric, "provider": provider, "peers": peers,
        "metrics": [(one, defined.get(one)) for one in ids], "about": defined.get(metric), "measures": measures, "cohort": cohort,
    }  # fmt: skip


def spread(connection, asked: dict) -> dict:
    """The whole values of the peer group, sorted, with its benchmark, the chosen trust's row, and why it may be thin.

    What is withheld or shown as a part is among the silent: nobody is compared with it.
    """
    own = next((row for row in asked["measures"] if row["provider_code"] == asked["provider"]), None)
    group = own["peer_group"] if own and asked["peers"] != "national" else "national"
    members = [row for row in asked["measures"] if group in ("national", row["peer_group"])]
    valued = sorted(
        (row for row in members if row["withheld"] is None), key=lambda row: (row["value"], row["provider_code"])
    )
    where = [asked["collection"], asked["period"], asked["metric"]]
    benchmark = database.rows(
        connection,
        "SELECT * FROM published.benchmarks WHERE collection = %s AND period = %s AND metric_id = %s AND peer_group = %s",
        [*where, group],
    )
    status = database.rows(
        connection, "SELECT * FROM published.data_status WHERE collection = %s AND period = %s", where[:2]
    )
    found = {
        "own": own, "group": group, "group_words": group_words(group), "members": len(members), "valued": valued,
        "silent": sorted((row for row in members if row["withheld"] is not None), key=lambda row: row["provider_code"]),
        "benchmark": benchmark[0] if benchmark else None, "status": status[0] if status else None,
        "is_sample": any(row["is_sample"] for row in members),
    }  # fmt: skip
    return found | {"thin": thin(found)}


def thin(found: dict) -> list[str]:
    """Why the figures carry less than they seem to: short sentences, the gravest first."""
    said, own, status = [], found["own"], found["status"]
    if len(found["valued"]) < FEW_PROVIDERS:
        said.append(
            f"Only {formatting.counted(len(found['valued']), 'trust')} of {found['group_words']} "
            f"{'has' if len(found['valued']) == 1 else 'have'} a value: too few to compare."
        )
    elif not found["benchmark"] or found["benchmark"]["lower_quartile"] is None:
        said.append(f"{len(found['valued'])} trusts have a value: too few for quartiles.")
    if status and status["coverage"] is not None and status["coverage"] < LOW_COVERAGE:
        in_file = status["providers_expected"]
        of = f"{in_file:,} trusts expected in the file" if in_file else f"{status['expected']:,} expected returns"
        said.append(f"Low coverage: {percent(status['coverage'])} of the {of} are in.")
    elif found["members"] and len(found["valued"]) < LOW_COVERAGE * found["members"]:
        said.append(f"Low coverage: {len(found['valued'])} of {found['members']} trusts have a value.")
    if own and own["quality_flag"] == "C":
        said.append("The chosen trust's return came late (quality C).")
    if own and own["suppressed"] and own["value"] is None:
        said.append("The chosen trust's value is suppressed: it counts so few people that it is not shown.")
    elif own and own["withheld"]:
        said.append(f"The chosen trust (quality {own['quality_flag']}): {own['sentence'] or own['withheld']}")
    return said


def percent(share: float) -> str:
    """A share such as 0.935 as '93.5 %'."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def series(connection, asked: dict) -> dict:
    """The chosen trust's values over all periods, one point a period of the calendar (None where there is none), with their signals.

    Returns points (period, value, quality_flag, release_id, and signal, assessment, centre, limits where judged), sections,
    restarts (their first periods), `median`, and `reason` where there are no limits.
    """
    where = {name: asked[name] for name in ("collection", "metric", "provider")}
    rows = database.rows(
        connection,
        """SELECT m.period, m.value, m.quality_flag, m.release_id, m.is_sample, m.suppressed, m.withheld, w.sentence, s.section, s.is_restart, s.centre, s.lower_limit,
                  s.upper_limit, s.is_trial, s.signal, s.signal_side, s.assessment, s.withheld AS no_limits, s.rule_set
           FROM published.measures m LEFT JOIN published.reasons w ON w.code = m.withheld LEFT JOIN (
             SELECT * FROM published.signals
             WHERE collection = %(collection)s AND metric_id = %(metric)s AND provider_code = %(provider)s) s USING (period)
           WHERE m.collection = %(collection)s AND m.metric_id = %(metric)s AND m.provider_code = %(provider)s ORDER BY m.period""",
        where,
    )
    found = {"points": [], "sections": [], "median": None, "restarts": [], "rule_set": None, "is_sample": False}
    if not rows:
        return found | {"reason": "No trust is picked out."}
    by_period, sections = {row["period"]: row for row in rows}, {}
    for row in rows:
        section = sections.setdefault(row["section"], row | {"values": 0, "reason": row["no_limits"]})
        section["values"] += row["value"] is not None
    values = [row["value"] for row in rows if row["value"] is not None]
    return found | {
        "points": [
            dict.fromkeys(rows[0]) | {"period": period} | by_period.get(period, {})
            for period in calendar.periods(rows[0]["period"], rows[-1]["period"])
        ],
        "sections": list(sections.values()),
        "median": median(values) if values else None,
        "restarts": [row["period"] for row in rows if row["is_restart"]],
        "rule_set": rows[-1]["rule_set"],
        "is_sample": any(row["is_sample"] for row in rows),
        "reason": _no_limits(list(sections.values())),
    }


def _no_limits(sections: list[dict]) -> str | None:
    """Why a series has no limits anywhere; None where it has some."""
    last = sections[-1]
    if last["rule_set"] is None:
        return "This release was made before signals were published; the next one has them."
    if any(section["reason"] is None for section in sections):
        return None
    return ("Too few points: " if "limits need" in last["reason"] else "") + last["reason"]


def opportunity(connection, asked: dict) -> dict:
    """The chosen trust against each benchmark, and what all metrics of the collection that may be added come to, by span of months."""
    where = [asked["collection"], asked["period"], asked["provider"]]
    rows = database.rows(
        connection,
        """SELECT * FROM published.comparisons WHERE collection = %s AND period = %s AND provider_code = %s AND metric_id = %s
           ORDER BY array_position(%s, benchmark_kind), benchmark_kind""",
        [*where, asked["metric"], list(BENCHMARKS)],
    )
    totals = database.rows(
        connection,
        """SELECT adds_over, sum(opportunity_gbp) AS gbp, array_agg(DISTINCT metric_id ORDER BY metric_id) AS metrics
           FROM published.comparisons WHERE collection = %s AND period = %s AND provider_code = %s AND adds_to_total
           GROUP BY adds_over ORDER BY adds_over""",
        where,
    )
    return {"rows": rows, "totals": totals}


def figure_number(value) -> str:
    """A value on a chart or in a sentence: four significant digits are enough there; the table has them all."""
    if value is None:
        return "none"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def with_unit(value, unit: str) -> str:
    """A value with its unit, such as '8.57 %' or '£1,234'."""
    number = figure_number(value)
    if value is None:
        return number
    if unit.startswith("GBP"):
        pounds = f"-£{number.removeprefix('-')}" if value < 0 else f"£{number}"
        return pounds + unit[3:].replace("/", " per ")
    return f"{number} {unit}"


def spread_message(asked: dict, found: dict) -> str:
    """What the picture of the spread says, in words: its alternative text."""
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
            else f"{with_unit(own['value'], unit)}, a part that is compared with nothing"
        )
        said.append(f"{own['provider_name'] or own['provider_code']} ({own['provider_code']}) has {has}.")
    low, high = found["valued"][0]["value"], found["valued"][-1]["value"]
    middle = f", median {with_unit(mark['median'], unit)}" if mark and mark["median"] is not None else ""
    said.append(
        f"{formatting.counted(len(found['valued']), 'trust')}, from {figure_number(low)} to {with_unit(high, unit)}{middle}."
    )
    if found["silent"]:
        said.append(f"{formatting.counted(len(found['silent']), 'trust')} without a whole value.")
    return " ".join([*said, *found["thin"], *(["Sample data."] if found["is_sample"] else [])])


def series_message(asked: dict, found: dict) -> str:
    """What the picture of the series says, in words: its alternative text."""
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
            f"{formatting.counted(len(signals), 'period')} with a signal, the last {signals[-1]['period']} "
            f"({SIGNALS[signals[-1]['signal']]}: {ASSESSMENTS[signals[-1]['assessment']]})."
            if signals
            else "No signal: it varies as it always has."
        )
        if any(section["is_trial"] and not section["reason"] for section in found["sections"]):
            said.append("Trial limits: fewer than 13 values.")
    if len(points) > len(valued):
        said.append(f"{formatting.counted(len(points) - len(valued), 'period')} without a value.")
    return " ".join([*said, *(["Sample data."] if found["is_sample"] else [])])


def opportunity_message(asked: dict, found: dict, rows: list[dict]) -> str:
    """What the picture of the opportunity says, in words: its alternative text."""
    said = [
        f"{asked['about']['name']} of {asked['provider']}, {asked['period']}, against {formatting.counted(len(rows), 'benchmark')}."
    ]
    for row in rows:
        stands = {True: "better", False: "worse"}.get(row["is_better"], "equal, or neither")
        worth = f", worth {with_unit(row['opportunity_gbp'], 'GBP')}" if row["opportunity_gbp"] is not None else ""
        name = BENCHMARKS.get(row["benchmark_kind"], row["benchmark_kind"])
        said.append(f"{name} {with_unit(row['benchmark_value'], asked['about']['unit'])}: {stands}{worth}.")
    return " ".join([*said, *found["thin"], *(["Sample data."] if found["is_sample"] else [])])


def asked_for(collection: str = "", period: str = "", metric: str = "", provider: str = "", peers: str = "") -> dict:
    """The query of an address, as it came."""
    return {"collection": collection, "period": period, "metric": metric, "provider": provider, "peers": peers}


Asked = Annotated[dict, Depends(asked_for)]


@router.get("/figures")
def figures(request: Request, person: security.Anybody, query: Asked):
    """One metric of one period, looked at from all sides."""
    with database.opened() as connection:
        asked = chosen(connection, **query)
        if not asked["metric"] or asked["about"] is None:
            return pages.page(request, "figures.html", section="figures", asked=asked, style=style())
        found = spread(connection, asked)
        line = series(connection, asked)
        worth = opportunity(connection, asked) if asked["provider"] else {"rows": [], "total": None}
    address = {name: asked[name] for name in ("collection", "period", "metric", "provider", "peers")}
    # The release is in the picture's address, so that no browser shows a picture that it kept of another one.
    address["release"] = found["status"]["release_id"] if found["status"] else ""
    named = [
        (row["provider_code"], f"{row['provider_name'] or row['provider_code']} ({row['provider_code']})")
        for row in asked["measures"]
    ]
    providers = (
        [pair for pair in named if pair[0] in asked["cohort"]],
        [p for p in named if p[0] not in asked["cohort"]],
    )
    metrics = [(one, f"{one} {about['name'] if about else ''}") for one, about in asked["metrics"]]
    return pages.page(
        request, "figures.html", section="figures", asked=asked, metrics=metrics, found=found, line=line, worth=worth, address=address, providers=providers,
        alt={"spread": spread_message(asked, found), "series": series_message(asked, line) if line["points"] else "",
             "opportunity": opportunity_message(asked, found, worth["rows"])},
        metric=asked["about"], POLARITIES=POLARITIES, QUALITIES=QUALITIES, BENCHMARKS=BENCHMARKS, SIGNALS=SIGNALS,
        ASSESSMENTS=ASSESSMENTS, percent=percent, style=style(), is_sample=found["is_sample"] or line["is_sample"],
        group_words=group_words, periods=[(period, period) for period in asked["collections"][asked["collection"]]],
    )  # fmt: skip


@router.get("/figures/spread.svg")
def spread_picture(person: security.Anybody, query: Asked, width: int = charts.WIDE) -> Response:
    """The spread as a picture."""
    with database.opened() as connection:
        asked = chosen(connection, **query)
        if asked["about"] is None:
            raise LookupError("No figures are published yet.")
        found = spread(connection, asked)
    return picture(charts.spread(asked, found, width))


@router.get("/figures/series.svg")
def series_picture(person: security.Anybody, query: Asked, width: int = charts.WIDE) -> Response:
    """The series as a picture."""
    with database.opened() as connection:
        asked = chosen(connection, **query)
        if asked["about"] is None or not asked["provider"]:
            raise LookupError("A series is one trust's: choose a trust on the page of figures.")
        found = series(connection, asked)
    return picture(charts.series(asked, found, width))


@router.get("/figures/opportunity.svg")
def opportunity_picture(person: security.Anybody, query: Asked, width: int = charts.WIDE) -> Response:
    """What reaching each benchmark would be worth, as a picture."""
    with database.opened() as connection:
        asked = chosen(connection, **query)
        if asked["about"] is None or not asked["provider"]:
            raise LookupError("An opportunity is one trust's: choose a trust on the page of figures.")
        found = spread(connection, asked)
        rows = opportunity(connection, asked)["rows"]
    named = [row | {"words": BENCHMARKS.get(row["benchmark_kind"], row["benchmark_kind"])} for row in rows]
    about = {name: found[name] for name in ("own", "thin", "is_sample")}
    return picture(charts.opportunity(asked, about | {"rows": named}, width))


def picture(content: bytes) -> Response:
    """An SVG, which may style itself and do nothing else, also where it is opened by its own address."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
    }
    return Response(content, media_type="image/svg+xml", headers=headers)


@cache
def _sheet() -> bytes:
    return (pages.FOLDER / "static" / "figures.css").read_bytes()


def style() -> str:
    """The version of the style sheet below, for its address."""
    return hashlib.sha256(_sheet()).hexdigest()[:12]


@router.get("/figures.css")
def sheet(person: security.Anybody) -> Response:
    """What pictures and their tables need beside the desk's own style."""
    return Response(_sheet(), media_type="text/css", headers={"Cache-Control": "private, max-age=86400"})

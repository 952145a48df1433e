"""The data behind the page of figures: a metric, its spread over a peer group, its series, and what reaching a benchmark is worth."""

from statistics import median
from typing import NamedTuple

from .. import catalogue
from ..pages import readable
from ..reference import calendar
from . import database
from .database import Connection, Row
from .figure_text import BENCHMARKS, group_words, thin_reasons


class Query(NamedTuple):
    """The query of an address: names, or '' for the default. peers is '' (the provider's sector) or 'national'."""

    collection: str = ""
    period: str = ""
    metric: str = ""
    provider: str = ""
    peers: str = ""


def chosen(connection: Connection, query: Query) -> Row:
    """What an address asks for, with defaults, and what the page offers.

    Returns:
        The fields of `Query`, and: collections (name -> periods, newest first), notes (sentences about what did not fit together),
        metrics (id, definition or None), about (the definition of the metric; None when nothing is published), measures (rows of
        published.measures of all providers), cohort (codes).

    Raises:
        LookupError: a name that is not known, or a collection or period without published figures.
    """
    offered: dict[str, list[str]] = {}
    for row in database.rows(connection, "published_periods"):
        offered.setdefault(row["collection"], []).append(row["period"])
    lists: Row = {"collections": offered, "notes": [], "metrics": [], "about": None, "measures": [], "cohort": set()}
    asked = query._asdict() | lists
    if not offered:
        return asked
    asked["collection"] = _collection(query.collection, offered)
    asked["period"] = _period(asked, query.period)
    asked["metrics"] = _metrics(connection, asked)
    asked["metric"] = _metric(connection, asked, query.metric)
    asked["about"] = dict(asked["metrics"]).get(asked["metric"])
    where = {name: asked[name] for name in ("collection", "period", "metric")}
    asked["measures"] = database.rows(connection, "measures", **where)
    asked["provider"] = _provider(connection, asked, query.provider)
    if query.peers not in ("", "national"):
        raise LookupError("Compare a trust with its own sector or with all trusts: select one of the two.")
    asked["cohort"] = set(database.values(connection, "cohort"))
    return asked


def _collection(name: str, offered: dict[str, list[str]]) -> str:
    if name and name not in offered:
        known = name in catalogue.all()
        raise LookupError(
            f"No figures of {name} have been published yet."
            if known
            else "There is no collection with this name. Select one from the list on the page of figures."
        )
    return name or ("workforce" if "workforce" in offered else next(iter(offered)))


def _period(asked: Row, period: str) -> str:
    periods: list[str] = asked["collections"][asked["collection"]]
    if period in periods:
        return period
    if period:
        if not any(period in others for others in asked["collections"].values()):
            raise LookupError(
                "No figures of this period have been published. Select one from the list on the page of figures."
            )
        title = readable.title(asked["collection"])
        asked["notes"].append(f"{title} has no figures for {period}, so this page shows {periods[0]}.")
    return periods[0]


def _metrics(connection: Connection, asked: Row) -> list[tuple[str, Row | None]]:
    defined = {row["metric_id"]: row for row in database.rows(connection, "metrics")}
    where = {"collection": asked["collection"], "period": asked["period"]}
    return [(one, defined.get(one)) for one in database.values(connection, "published_metrics", **where)]


def _metric(connection: Connection, asked: Row, metric: str) -> str:
    ids = [one for one, _ in asked["metrics"]]
    if metric in ids:
        return metric
    if metric:
        name = next((row["name"] for row in database.rows(connection, "metrics") if row["metric_id"] == metric), None)
        if name is None:
            raise LookupError("There is no metric with this name. Select one from the list on the page of figures.")
        where = f"{readable.title(asked['collection'])} for {asked['period']}"
        asked["notes"].append(f"{where} has no figures of {metric} ({name}), so this page shows {ids[0]}.")
    return "WF03" if "WF03" in ids and not metric else ids[0]


def _provider(connection: Connection, asked: Row, provider: str) -> str:
    if not provider or provider in {row["provider_code"] for row in asked["measures"]}:
        return provider
    names = database.values(connection, "provider", provider=provider)
    if not names:
        raise LookupError("There is no trust with this code. Select one from the list on the page of figures.")
    asked["notes"].append(
        f"{names[0]} ({provider}) was not expected to report {asked['metric']} for {asked['period']}, so no trust is highlighted."
    )
    return ""


def spread(connection: Connection, asked: Row) -> Row:
    """The spread of a metric over the peer group of the chosen trust, or over all trusts.

    Returns:
        own (the chosen trust's row), group, group_words, members (their number), valued (rows with a whole value, lowest first),
        silent (the other rows, which nobody is compared with), benchmark and status (rows of published.benchmarks and
        published.data_status, or None), is_sample, thin (why the figures say less than they seem to, as sentences).
    """
    own = next((row for row in asked["measures"] if row["provider_code"] == asked["provider"]), None)
    group = own["peer_group"] if own and asked["peers"] != "national" else "national"
    members = [row for row in asked["measures"] if group in ("national", row["peer_group"])]
    valued = [row for row in members if row["withheld"] is None]
    silent = [row for row in members if row["withheld"] is not None]
    where = {"collection": asked["collection"], "period": asked["period"]}
    benchmark = database.rows(connection, "benchmark", **where, metric=asked["metric"], peer_group=group)
    found: Row = {
        "own": own,
        "group": group,
        "group_words": group_words(group),
        "members": len(members),
        "valued": sorted(valued, key=lambda row: (row["value"], row["provider_code"])),
        "silent": sorted(silent, key=lambda row: row["provider_code"]),
        "benchmark": next(iter(benchmark), None),
        "status": next(iter(database.rows(connection, "data_status", **where)), None),
        "is_sample": any(row["is_sample"] for row in members),
    }
    return found | {"thin": thin_reasons(found)}


def series(connection: Connection, asked: Row) -> Row:
    """The chosen trust's values over all periods with their limits and signals.

    Returns:
        points (a row of query series for each period of the calendar, None where there is none), sections (the first row of each
        stretch with the same limits, with values (their number) and reason (why it has no limits)), restarts (first periods of
        sections), median, rule_set, is_sample, reason (why there are no limits at all, or None).
    """
    where = {"collection": asked["collection"], "metric": asked["metric"], "provider": asked["provider"]}
    rows = database.rows(connection, "series", **where)
    if not rows:
        blank: Row = {
            "points": [],
            "sections": [],
            "median": None,
            "restarts": [],
            "rule_set": None,
            "is_sample": False,
        }
        return blank | {"reason": "No trust is selected."}
    by_period = {row["period"]: row for row in rows}
    sections: dict[str | None, Row] = {}
    for row in rows:
        section = sections.setdefault(row["section"], row | {"values": 0, "reason": row["no_limits"]})
        section["values"] += row["value"] is not None
    values = [row["value"] for row in rows if row["value"] is not None]
    blank = dict.fromkeys(rows[0])
    return {
        "points": [
            blank | {"period": period} | by_period.get(period, {})
            for period in calendar.periods(rows[0]["period"], rows[-1]["period"])
        ],
        "sections": list(sections.values()),
        "median": median(values) if values else None,
        "restarts": [row["period"] for row in rows if row["is_restart"]],
        "rule_set": rows[-1]["rule_set"],
        "is_sample": any(row["is_sample"] for row in rows),
        "reason": _no_limits(list(sections.values())),
    }


def _no_limits(sections: list[Row]) -> str | None:
    """Why a series has no limits anywhere; None if it has some."""
    last = sections[-1]
    if last["rule_set"] is None:
        return "This release was made before signals were published; the next release will have them."
    if any(section["reason"] is None for section in sections):
        return None
    return ("Too few points: " if "limits need" in last["reason"] else "") + str(last["reason"])


def comparisons(connection: Connection, asked: Row) -> list[Row]:
    """The chosen trust's value against each benchmark: rows of published.comparisons."""
    where = {name: asked[name] for name in ("collection", "period", "provider", "metric")}
    return database.rows(connection, "comparisons", **where, order=list(BENCHMARKS))


def opportunity_totals(connection: Connection, asked: Row) -> list[Row]:
    """What the opportunities of the chosen trust that may be added come to: adds_over (months), gbp, metrics."""
    where = {name: asked[name] for name in ("collection", "period", "provider")}
    return database.rows(connection, "opportunity_totals", **where)

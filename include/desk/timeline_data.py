"""The data behind the timeline page: events, plans and outcomes, returns, recommendations, and what the page offers to select."""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from ..pages import readable
from . import database, formatting
from .database import Connection, Row

KEPT = ("programme", "trust", "entered")  # layers kept by people, in reference data or one by one
FACTS_MINIMUM = "Rounds need {rounds_minimum} accepted periods; the share on time needs {share_minimum} periods whose deadline has passed."
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DATE = ("occurred_from", "occurred_to", "date_precision")


def dated(event: Row) -> str:
    """The date of an event, as precise as its source: '24 May 2018', 'Feb 2016', 'Sep to Nov 2017 (to the season)'."""
    first, last, precision = event["occurred_from"], event["occurred_to"], event["date_precision"]
    if precision == "day":
        return readable.day(first) + (f" to {readable.day(last)}" if last and last != first else "")
    if precision == "week":
        return f"about {readable.day(first)} (to the week)"
    if precision == "month" and (not last or (last.year, last.month) == (first.year, first.month)):
        return f"{MONTHS[first.month - 1]} {first.year}"
    if precision == "year" and not last:
        return f"{first.year} (to the year)"
    if not last:
        return f"{MONTHS[first.month - 1]} {first.year} (to the {precision})"
    start = f"{MONTHS[first.month - 1]} {first.year}" if first.year != last.year else MONTHS[first.month - 1]
    return f"{start} to {MONTHS[last.month - 1]} {last.year} (to the {precision})"


def reach(event: Row) -> tuple[date, date]:
    """The first and last day that the date of an event may mean: a month means any of its days."""
    first, last, precision = event["occurred_from"], event["occurred_to"], event["date_precision"]
    if precision == "month" and not last:
        first = first.replace(day=1)
    if precision == "year" and not last:
        return date(first.year, 1, 1), date(first.year, 12, 31)
    if last:
        return first, last
    if precision in ("month", "quarter", "season"):
        year, month = divmod(first.year * 12 + first.month - 1 + (0 if precision == "month" else 2), 12)
        return first, date(year, month + 1, monthrange(year, month + 1)[1])
    return first, first + timedelta(days=6) if precision == "week" else first


def narrowed(asked: Row) -> Row:
    """The parameters that most queries take from an address."""
    return {name: asked[name] for name in ("provider", "codes", "collection", "kind", "year")}


def events(
    connection: Connection, asked: Row, layers: tuple[str, ...], size: int | None = None, offset: int = 0
) -> list[Row]:
    """Events of these layers that an address asks for, oldest first."""
    where = narrowed(asked) | {"layers": list(layers), "size": size, "offset": offset}
    return database.rows(connection, "timeline_events", **where)


def counts(connection: Connection, asked: Row) -> list[Row]:
    """How many events of returns an address asks for: collection, kind, month (its first day), events."""
    return database.rows(connection, "timeline_counts", **narrowed(asked))


def together(found: list[Row]) -> list[Row]:
    """Events with equal ones merged, numbered from 1.

    Events of several trusts with the same date, kind and text (letters of the programme) become one with `trusts`; recurring plans
    become one with `times`, which spans them all.
    """
    done = {event["fulfils"] for event in found if event["fulfils"]}
    kept: dict[tuple[Any, ...], Row] = {}
    for event in found:
        key = tuple(event[n] for n in ("occurred_from", "occurred_to", "kind", "layer", "status", "summary"))
        series, again, _ = event["event_id"].partition("+")
        if again and event["event_id"] not in done:
            key = (series, "again")
        elif event["layer"] != "trust":
            key += (event["event_id"],)
        one = kept.setdefault(key, event | {"trusts": [], "times": 0})
        one["trusts"] += [
            pair for pair in [(event["provider_code"], event["provider_name"])] if pair not in one["trusts"]
        ]
        if again:
            one["times"] += 1
            one["occurred_to"] = reach(event)[1] if one["times"] > 1 else one["occurred_to"]
    return [event | {"number": number} for number, event in enumerate(kept.values(), 1)]


def plans(connection: Connection, asked: Row) -> list[Row]:
    """Every plan and deadline with its outcome, oldest first.

    A plan for every trust of the cohort is one row with `trusts`. A recurring plan without a known outcome is one row with `times`
    and the `last` of its dates. `planned`, `last` and `actual` are dates as `dated` reads them.
    """
    kept: dict[tuple[Any, ...], Row] = {}
    for row in database.rows(connection, "timeline_plans", provider=asked["provider"], codes=asked["codes"]):
        base = re.sub(r"^(EV[0-9+]+)-\w+$", r"\1", row["plan_id"])
        again = "+" in base and row["outcome"] == "no source says"
        key = (base.split("+")[0], "again") if again else (base, row["outcome"], row["actual_id"])
        planned = _date(row, "planned")
        blank = {"plan_id": base, "trusts": [], "times": 0, "planned": planned, "actual": None}
        one = kept.setdefault(key, row | blank)
        one["trusts"].append((row["provider_code"], row["provider_name"]))
        one["times"], one["last"] = one["times"] + again, planned
        if row["actual_id"]:
            one["actual"] = _date(row, "actual")
    return list(kept.values())


def _date(row: Row, name: str) -> Row:
    """The date of a plan ('planned') or its outcome ('actual'), as `dated` reads it."""
    return dict(zip(DATE, (row[f"{name}_from"], row[f"{name}_to"], row[f"{name}_precision"]), strict=True))


def due_next(connection: Connection, today: date, asked: Row) -> list[Row]:
    """The next plans and deadlines, the nearest first."""
    where = {name: asked[name] for name in ("provider", "codes", "collection")}
    return together(database.rows(connection, "timeline_due_next", today=today, **where))[:12]


def returns(connection: Connection, asked: Row) -> list[Row]:
    """Deadlines and receipts by collection and period: how many, and by how many days first versions were early or late."""
    where = {name: asked[name] for name in ("provider", "codes", "collection", "year")}
    return database.rows(connection, "timeline_returns", **where)


def tracker(connection: Connection) -> list[Row]:
    """The recommendations, each with figures (metrics by collection and period), too_early, linked, boards and events."""
    everything = database.rows(connection, "data_status", collection="", period="")
    status = {(row["collection"], row["period"]): row for row in everything}
    evidence, boards, events = (
        _by_number(database.rows(connection, name))
        for name in ("recommendation_progress", "board_reports", "recommendation_events")
    )
    found = database.rows(connection, "recommendations")
    for one in found:
        linked = [row for row in evidence.get(one["number"], []) if row["metric_id"]]
        groups: dict[tuple[str, str], Row] = {}
        for row in linked:
            if row["collection"]:
                key = (row["collection"], row["period"])
                blank = {"is_sample": False, "metrics": [], "expected": 0, "providers_expected": None, "coverage": None}
                about = blank | {"collection": key[0], "period": key[1]} | status.get(key, {})
                groups.setdefault(key, about)["metrics"].append(row)
        one["figures"] = [groups[key] for key in sorted(groups)]
        one["too_early"] = [row for row in linked if not row["collection"]]
        one["linked"] = len({row["metric_id"] for row in linked})
        one["boards"] = boards.get(one["number"], [])
        one["events"] = events.get(one["number"], [])
    return found


def _by_number(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["recommendation_number"], []).append(row)
    return found


def contradictions(connection: Connection) -> list[tuple[str, list[Row]]]:
    """Topics that sources disagree about, each with its claims."""
    found: dict[str, list[Row]] = {}
    for row in database.rows(connection, "contradictions"):
        found.setdefault(row["topic"], []).append(row)
    return list(found.items())


def facts(connection: Connection, asked: Row) -> Row:
    """Facts of the selected trust and its ancestors (rows), or of the cohort (grid: {trust: {collection: fact}})."""
    where = {name: asked[name] for name in ("provider", "codes", "collection")}
    rows = database.rows(connection, "engagement_facts", **where)
    grid: dict[tuple[str, str | None], dict[str, Row]] = {}
    for row in rows:
        grid.setdefault((row["provider_code"], row["provider_name"]), {})[row["collection"]] = row
    minimum = FACTS_MINIMUM.format(**rows[0]) if rows else ""
    return {"rows": rows, "grid": grid, "collections": sorted({row["collection"] for row in rows}), "minimum": minimum}


def outcomes(found: list[Row]) -> dict[str, str]:
    """Plan -> the event that is its outcome, among these events."""
    return {event["fulfils"]: event["event_id"] for event in reversed(found) if event["fulfils"]}


def offered(connection: Connection, asked: Row) -> Row:
    """What the page offers to select; adds to `asked` the codes of the selected trust and its ancestors.

    Raises:
        LookupError: something is selected that is not offered.
    """
    rows = database.rows(connection, "timeline_kinds")
    named = database.rows(connection, "timeline_providers")
    trusts = [(r["provider_code"], f"{r['provider_name'] or r['provider_code']} ({r['provider_code']})") for r in named]
    cohort = {row["provider_code"] for row in named if row["in_cohort"]}
    collections = sorted({row["collection"] for row in rows if row["collection"]})
    years = range(min((r["first"].year for r in rows), default=1), max((r["last"].year for r in rows), default=0) + 1)
    lists = {
        "provider": trusts,
        "collection": [(name, readable.title(name)) for name in collections],
        "kind": [(kind, formatting.plain(kind)) for kind in sorted({row["kind"] for row in rows})],
        "year": [(str(year), str(year)) for year in years],
    }
    for name, options in lists.items():
        if asked[name] and asked[name] not in dict(options):
            raise LookupError(f"The timeline has no such {name}. Select one from the list on its page.")
    asked["codes"] = database.values(connection, "ancestors", provider=asked["provider"])
    return {
        "providers": [[pair for pair in trusts if (pair[0] in cohort) is is_in] for is_in in (True, False)],
        "collections": lists["collection"],
        "kinds": lists["kind"],
        "years": lists["year"],
    }

"""The engagement timeline: what was planned and what happened, in lanes; what is due next; and the sixteen recommendations."""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from . import charts, database, figures, formatting, pages, security, timeline_charts

router = APIRouter()

LAYERS = {
    "programme": "The programme",
    "trust": "Trusts",
    "entered": "Entered by people",
    "derived": "Returns and figures",
}
KEPT = ("programme", "trust", "entered")  # by people, in reference data or one by one
FACTS_MINIMUM = "Rounds need {rounds_minimum} accepted periods, the share on time {share_minimum} periods whose deadline has passed."
STATUSES = {
    "actual": "happened",
    "planned": "planned",
    "deadline": "deadline",
    "inferred": "happened, date inferred",
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ORDER = "ORDER BY occurred_from, coalesce(occurred_to, occurred_from), layer DESC, kind, event_id"


def dated(event: dict) -> str:
    """When an event was, no more exactly than its source says: '24 May 2018', 'Feb 2016', 'autumn'-like spans as 'Sep to Nov 2017'."""
    first, last, precision = event["occurred_from"], event["occurred_to"], event["date_precision"]
    if precision == "day":
        return formatting.day(first) + (f" to {formatting.day(last)}" if last and last != first else "")
    if precision == "week":
        return f"about {formatting.day(first)} (to the week)"
    if precision == "month" and (not last or (last.year, last.month) == (first.year, first.month)):
        return f"{MONTHS[first.month - 1]} {first.year}"
    if precision == "year" and not last:
        return f"{first.year} (to the year)"
    if not last:
        return f"{MONTHS[first.month - 1]} {first.year} (to the {precision})"
    start = f"{MONTHS[first.month - 1]} {first.year}" if first.year != last.year else MONTHS[first.month - 1]
    return f"{start} to {MONTHS[last.month - 1]} {last.year} (to the {precision})"


def reach(event: dict) -> tuple[date, date]:
    """The first and the last day that an event's date may mean: a month is all its days."""
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


def _wanted(asked: dict, layers: tuple[str, ...]) -> tuple[str, dict]:
    """The conditions of an address, and their parameters. A chosen trust or collection narrows its own layers only."""
    where, parameters = ["e.layer = ANY(%(layers)s)"], {"layers": list(layers)}
    if asked["provider"]:
        where.append("((e.layer <> 'derived' AND e.provider_code IS NULL) OR e.provider_code = ANY(%(codes)s))")
    if asked["collection"]:
        where.append("(e.layer <> 'derived' OR e.collection = %(collection)s)")
    if asked["kind"]:
        where.append("e.kind = %(kind)s")
    if asked["year"]:
        where.append("e.occurred_from <= %(to)s AND coalesce(e.occurred_to, e.occurred_from) >= %(from)s")
        parameters |= {"from": date(int(asked["year"]), 1, 1), "to": date(int(asked["year"]), 12, 31)}
    return " AND ".join(where), parameters | {name: asked[name] for name in ("codes", "collection", "kind")}


def events(connection, asked: dict, layers: tuple[str, ...], limit: str = "") -> list[dict]:
    """Events of these layers that an address asks for, oldest first."""
    where, parameters = _wanted(asked, layers)
    return database.rows(
        connection,
        f"""SELECT e.*, p.provider_name FROM published.engagement_timeline e
            LEFT JOIN published.providers p USING (provider_code) WHERE {where} {ORDER} {limit}""",
        parameters,
    )


def counted(connection, asked: dict) -> list[dict]:
    """How many events of returns an address asks for, by collection, kind and month (its first day)."""
    where, parameters = _wanted(asked, ("derived",))
    return database.rows(
        connection,
        f"""SELECT e.collection, e.kind, date_trunc('month', e.occurred_from)::date AS month, count(*)::int AS events
            FROM published.engagement_timeline e WHERE {where} AND e.collection IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        parameters,
    )


def together(found: list[dict]) -> list[dict]:
    """Events of one day, kind and text, of several trusts (the programme's letters to its cohort), as one with `trusts`; plans that
    are to come again and again, as one with `times` that spans them all."""
    done = {event["fulfils"] for event in found if event["fulfils"]}
    kept: dict[tuple, dict] = {}
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


def plans(connection, asked: dict) -> list[dict]:
    """Every plan and deadline of published.programme_plan beside its outcome, oldest first.

    A plan for every trust of the cohort is one row with `trusts`, and one that is to come again and again, of which no source says
    what became, is one row with `times` and the `last` of them.
    """
    kept: dict[tuple, dict] = {}
    for row in database.rows(
        connection,
        """SELECT p.*, n.provider_name FROM published.programme_plan p LEFT JOIN published.providers n USING (provider_code)
           ORDER BY planned_from, coalesce(planned_to, planned_from), plan_id""",
    ):
        if asked["provider"] and row["provider_code"] and row["provider_code"] not in asked["codes"]:
            continue
        base = re.sub(r"^(EV[0-9+]+)-\w+$", r"\1", row["plan_id"])
        again = "+" in base and row["outcome"] == "no source says"
        key = (base.split("+")[0], "again") if again else (base, row["outcome"], row["actual_id"])
        one = kept.setdefault(
            key, row | {"plan_id": base, "trusts": [], "times": 0, "planned": _planned(row), "actual": None}
        )
        one["trusts"].append((row["provider_code"], row["provider_name"]))
        one["times"], one["last"] = one["times"] + again, _planned(row)
        if row["actual_id"]:
            names = ("actual_from", "actual_to", "actual_precision")
            one["actual"] = dict(
                zip(("occurred_from", "occurred_to", "date_precision"), map(row.get, names), strict=True)
            )
    return list(kept.values())


def _planned(row: dict) -> dict:
    """When a plan was for, as `dated` reads it."""
    names = ("planned_from", "planned_to", "planned_precision")
    return dict(zip(("occurred_from", "occurred_to", "date_precision"), map(row.get, names), strict=True))


def due_next(connection, today: date, asked: dict) -> list[dict]:
    """Plans and deadlines that are still to come, the nearest first."""
    return together(
        database.rows(
            connection,
            f"""SELECT e.*, p.provider_name FROM published.engagement_timeline e LEFT JOIN published.providers p USING (provider_code)
                WHERE e.status IN ('planned', 'deadline')
                  AND NOT EXISTS (SELECT FROM published.engagement_timeline o WHERE o.fulfils = e.event_id) AND coalesce(e.occurred_to, e.occurred_from) >= %(today)s
                  AND (%(provider)s = '' OR e.provider_code IS NULL OR e.provider_code = ANY(%(codes)s))
                  AND (%(collection)s = '' OR e.collection IS NULL OR e.collection = %(collection)s) {ORDER} LIMIT 200""",
            {"today": today} | {name: asked[name] for name in ("provider", "codes", "collection")},
        )
    )[:12]


def returns(connection, asked: dict) -> list[dict]:
    """Due beside received for every collection and period: how many, and by how many days the first versions came late or early.

    A return's deadline and its receipt are matched by collection, period and trust, where there is one of each.
    """
    return database.rows(
        connection,
        """WITH asked AS (
             SELECT * FROM published.engagement_timeline
             WHERE layer = 'derived' AND kind IN ('due', 'received') AND (%(provider)s = '' OR provider_code = ANY(%(codes)s))
               AND (%(collection)s = '' OR collection = %(collection)s)),
           one AS (
             SELECT collection, period, provider_code, count(*) FILTER (WHERE kind = 'due') AS dues,
                    count(*) FILTER (WHERE kind = 'received') AS receipts,
                    min(occurred_from) FILTER (WHERE kind = 'due') AS due, min(occurred_from) FILTER (WHERE kind = 'received') AS received
             FROM asked GROUP BY 1, 2, 3)
           SELECT collection, period, min(due) AS due, sum(dues)::int AS dues, sum(receipts)::int AS receipts, min(received) AS first_received,
                  count(*) FILTER (WHERE dues = 1 AND receipts = 1)::int AS pairs,
                  count(*) FILTER (WHERE dues = 1 AND receipts = 0)::int AS missing,
                  count(*) FILTER (WHERE dues = 1 AND receipts = 1 AND received > due)::int AS late,
                  min(received - due) FILTER (WHERE dues = 1 AND receipts = 1) AS least_days,
                  max(received - due) FILTER (WHERE dues = 1 AND receipts = 1) AS most_days
           FROM one GROUP BY 1, 2
           HAVING %(year)s = '' OR left(min(coalesce(due, received))::text, 4) = %(year)s
           ORDER BY collection, period DESC""",
        {name: asked[name] for name in ("provider", "codes", "collection", "year")},
    )


def tracker(connection) -> list[dict]:
    """The recommendations with the metrics linked to each and how they moved, the boards that heard of it, and the events that name it."""
    status = {
        (row["collection"], row["period"]): row
        for row in database.rows(connection, "SELECT * FROM published.data_status")
    }
    evidence: dict[int, list[dict]] = {}
    for row in database.rows(
        connection,
        "SELECT * FROM published.recommendation_progress ORDER BY recommendation_number, collection, period, metric_id",
    ):
        evidence.setdefault(row["recommendation_number"], []).append(row)
    boards: dict[int, list[dict]] = {}
    for row in database.rows(
        connection,
        """SELECT b.*, n.provider_name FROM published.board_reports b LEFT JOIN published.providers n USING (provider_code)
           ORDER BY occurred_from, event_id""",
    ):
        boards.setdefault(row["recommendation_number"], []).append(row)
    named: dict[int, list[dict]] = {}
    for event in database.rows(
        connection,
        f"""SELECT * FROM published.engagement_timeline e WHERE recommendation_number IS NOT NULL AND layer <> 'derived'
              AND event_id NOT LIKE '%%+%%' {ORDER}""",
    ):
        named.setdefault(event["recommendation_number"], []).append(event)
    found = database.rows(connection, "SELECT * FROM published.recommendations ORDER BY number")
    for one in found:
        linked = [row for row in evidence.get(one["number"], []) if row["metric_id"]]
        groups: dict[tuple, dict] = {}
        for row in linked:
            if row["collection"]:
                key = (row["collection"], row["period"])
                about = {"collection": key[0], "period": key[1], "is_sample": False, "metrics": [], "expected": 0}
                about["providers_expected"] = None
                group = groups.setdefault(key, about | {"coverage": None} | status.get(key, {}))
                group["metrics"].append(row)
        one["figures"] = [groups[key] for key in sorted(groups)]
        one["too_early"] = [row for row in linked if not row["collection"]]
        one["linked"] = len({row["metric_id"] for row in linked})
        one["boards"] = boards.get(one["number"], [])
        one["events"] = named.get(one["number"], [])
    return found


def contradictions(connection) -> list[tuple[str, list[dict]]]:
    """What sources disagree about: topics, each with its claims."""
    found: dict[str, list[dict]] = {}
    for row in database.rows(connection, "SELECT * FROM published.contradictions ORDER BY topic, event_id, claim"):
        found.setdefault(row["topic"], []).append(row)
    return list(found.items())


def facts(connection, asked: dict) -> dict:
    """Facts of trusts and collections: of the chosen trust and its ancestors, or of the cohort as {trust: {collection: fact}}."""
    where = "f.provider_code = ANY(%(codes)s)" if asked["provider"] else "n.in_cohort"
    rows = database.rows(
        connection,
        f"""SELECT f.*, n.provider_name FROM published.engagement_facts f JOIN published.providers n USING (provider_code)
            WHERE {where} AND (%(collection)s = '' OR f.collection = %(collection)s)
            ORDER BY coalesce(n.provider_name, f.provider_code), f.provider_code, f.collection""",
        {name: asked[name] for name in ("codes", "collection")},
    )
    grid: dict[tuple, dict] = {}
    for row in rows:
        grid.setdefault((row["provider_code"], row["provider_name"]), {})[row["collection"]] = row
    minimum = FACTS_MINIMUM.format(**rows[0]) if rows else ""
    return {"rows": rows, "grid": grid, "collections": sorted({row["collection"] for row in rows}), "minimum": minimum}


def became(connection, asked: dict) -> list[dict]:
    """Who took the chosen trust over, if somebody did: its story goes on in their lanes."""
    return database.rows(
        connection,
        """SELECT a.provider_code, n.provider_name, a.joined_on FROM published.provider_ancestors a
           LEFT JOIN published.providers n USING (provider_code) WHERE a.ancestor_code = %(provider)s ORDER BY a.joined_on, a.provider_code""",
        {"provider": asked["provider"]},
    )


def entered(connection, asked: dict) -> list[dict]:
    """The newest events that people entered, those that were withdrawn among them."""
    return database.rows(
        connection,
        """SELECT e.*, n.provider_name FROM intake.events e LEFT JOIN published.providers n USING (provider_code)
           WHERE %(provider)s = '' OR e.provider_code IS NULL OR e.provider_code = ANY(%(codes)s)
           ORDER BY e.entered_at DESC, e.event_id LIMIT 20""",
        {name: asked[name] for name in ("provider", "codes")},
    )


def outcomes(found: list[dict]) -> dict[str, str]:
    """Which event is the outcome of which plan, among these."""
    return {event["fulfils"]: event["event_id"] for event in reversed(found) if event["fulfils"]}


def asked_for(provider: str = "", collection: str = "", kind: str = "", year: str = "", page: str = "1") -> dict:
    """The query of an address, as it came."""
    return {"provider": provider, "collection": collection, "kind": kind, "year": year, "page": page}


Asked = Annotated[dict, Depends(asked_for)]


def offered(connection, asked: dict) -> dict:
    """What can be chosen, and in `asked` the codes of the chosen trust and its ancestors; LookupError for what cannot be chosen."""
    rows = database.rows(
        connection,
        """SELECT kind, layer, collection, min(occurred_from) AS first, max(coalesce(occurred_to, occurred_from)) AS last
           FROM published.engagement_timeline GROUP BY 1, 2, 3""",
    )
    concerned = {
        row["provider_code"]
        for row in database.rows(
            connection,
            "SELECT DISTINCT provider_code FROM published.engagement_timeline WHERE provider_code IS NOT NULL",
        )
    }
    named = [
        (
            row["provider_code"],
            f"{row['provider_name'] or row['provider_code']} ({row['provider_code']})",
            row["in_cohort"],
        )
        for row in database.rows(
            connection,
            "SELECT * FROM published.providers ORDER BY coalesce(provider_name, provider_code), provider_code",
        )
        if row["provider_code"] in concerned
    ]
    years = range(min((r["first"].year for r in rows), default=1), max((r["last"].year for r in rows), default=0) + 1)
    found = {
        "providers": ([row[:2] for row in named if row[2]], [row[:2] for row in named if not row[2]]),
        "collections": [(name, formatting.title(name)) for name in sorted({row["collection"] for row in rows if row["collection"]})],
        "kinds": [(kind, formatting.plain(kind)) for kind in sorted({row["kind"] for row in rows})],
        "years": [(str(year), str(year)) for year in years],
    }  # fmt: skip
    known = {
        "provider": {row[0] for row in named}, "collection": {row[0] for row in found["collections"]},
        "kind": {row[0] for row in found["kinds"]}, "year": {row[0] for row in found["years"]},
    }  # fmt: skip
    for name, values in known.items():
        if asked[name] and asked[name] not in values:
            raise LookupError(f"The timeline knows no such {name}. Choose one from the list on its page.")
    asked["codes"] = [
        row["code"]
        for row in database.rows(
            connection,
            """SELECT %(provider)s::text AS code, 0 AS steps
               UNION ALL SELECT ancestor_code, steps FROM published.provider_ancestors WHERE provider_code = %(provider)s
               ORDER BY steps, code""",
            {"provider": asked["provider"]},
        )
    ]  # events stay with a trust through its mergers
    return found


@router.get("/timeline")
def timeline(request: Request, person: security.Anybody, asked: Asked):
    """The lanes, plan beside actual, what is due next, and the recommendations."""
    today = datetime.now(formatting.LONDON).date()
    with database.opened() as connection:
        choices = offered(connection, asked)
        engagement = together(events(connection, asked, KEPT))
        total = sum(row["events"] for row in counted(connection, asked))
        number = int(asked["page"]) if re.fullmatch(r"[0-9]{1,6}", asked["page"], re.ASCII) else 1
        paging = pages.Paging(number, total)
        derived = events(connection, asked, ("derived",), f"LIMIT {paging.size} OFFSET {paging.offset}")
        done = returns(connection, asked)
        found = {
            "plans": plans(connection, asked), "next": due_next(connection, today, asked), "recommendations": tracker(connection),
            "contradictions": contradictions(connection), "facts": facts(connection, asked), "entered": entered(connection, asked),
            "became": became(connection, asked),
        }  # fmt: skip
        is_sample = _is_sample(connection)
    address = {name: asked[name] for name in ("provider", "collection", "kind", "year")}
    chosen_name = next((name for some in choices["providers"] for code, name in some if code == asked["provider"]), "")
    return pages.page(
        request, "timeline.html", section="timeline", asked=asked, choices=choices, engagement=engagement, derived=derived, paging=paging,
        returns=done, today=today, found=found, address=address, chosen_name=chosen_name, dated=dated, LAYERS=LAYERS, STATUSES=STATUSES,
        percent=figures.percent, with_unit=figures.with_unit, late=late, style=figures.style(), is_sample=is_sample,
        alt={"engagement": engagement_message(asked, engagement, found["plans"]), "returns": returns_message(asked, done, total)},
    )  # fmt: skip


def _is_sample(connection) -> bool:
    return bool(
        database.rows(connection, "SELECT bool_or(is_sample) AS is_sample FROM published.data_status")[0]["is_sample"]
    )


def engagement_message(asked: dict, found: list[dict], planned: list[dict]) -> str:
    """What the picture of the programme's and the trusts' lanes says: its alternative text."""
    if not found:
        return "No event of the programme or of a trust fits these choices."
    said = f"{formatting.counted(len(found), 'event')} from {dated(found[0])} to {dated(found[-1])}, numbered as in the table."
    for one in planned:
        if one["slippage_days"] is not None and any(e["event_id"] == one["plan_id"] for e in found):
            said += f" Planned for {dated(one['planned'])}, done {dated(one['actual'])}: {late(one['slippage_days'])}."
    return said


def late(days: int) -> str:
    """Slippage in words."""
    return "on the day" if days == 0 else f"{formatting.counted(abs(days), 'day')} {'later' if days > 0 else 'earlier'}"


def returns_message(asked: dict, done: list[dict], total: int) -> str:
    """What the picture of the returns' lanes says: its alternative text."""
    if not total:
        return "No event of a return fits these choices."
    dues, received = sum(row["dues"] for row in done), sum(row["receipts"] for row in done)
    behind, missing = sum(row["late"] for row in done), sum(row["missing"] for row in done)
    return f"{total:,} events. {dues:,} returns with a deadline, {received:,} received, {behind:,} of them late, {missing:,} not received."


@router.get("/timeline/engagement.svg")
def engagement_picture(person: security.Anybody, asked: Asked, width: int = charts.WIDE) -> Response:
    """The lanes of the programme and of trusts as a picture."""
    with database.opened() as connection:
        offered(connection, asked)
        found = together(events(connection, asked, KEPT))
    return figures.picture(
        timeline_charts.engagement(asked, [e | {"reach": reach(e)} for e in found], outcomes(found), width)
    )


@router.get("/timeline/returns.svg")
def returns_picture(person: security.Anybody, asked: Asked, width: int = charts.WIDE) -> Response:
    """The lanes of collections as a picture: what was due, received, held, late, missing, accepted and published in each month."""
    with database.opened() as connection:
        offered(connection, asked)
        found = counted(connection, asked)
    return figures.picture(timeline_charts.returns(asked, found, width))

"""Puts together what a trust's board is told of half a year: its figures by recommendation, what it did, and what they rest on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .. import reference
from ..pages import readable
from ..reading.harmless import harmless
from ..reference import good_practice, reply_reasons
from ..reference.calendar import LONDON

Row = Mapping[str, Any]
TOP = 3  # opportunities and worst places on the first page
DID = {
    "accept": "Accepted as it was",
    "waive": "A rule was passed over",
    "correct": "A value was corrected",
    "hold": "Put on hold",
    "return": "Sent back to the trust",
    "reply confirm": "The trust confirmed what was found",
    "reply correct": "The trust gave another value",
    "commented": "The trust commented before publication",
    "asked for a correction": "The trust asked for a correction before publication",
    "signed off": "The trust signed off its figures before publication",
}
STATES = {
    "accepted": "accepted",
    "accepted_with_warnings": "accepted, with points to check",
    "held": "held",
    "received": "being checked",
    "missing": "not sent",
    "late": "not sent yet, late",
    "due": "due",
    "not_due": "not due yet",
}


class NotAHalf(ValueError):
    """A half-year that is none; the message says what was expected."""


@dataclass(frozen=True)
class Half:
    """April to September, or October to March.

    Attributes:
        name: its first month, such as 2025-04.
        words: such as 'April to September 2025'.
    """

    name: str
    since: date
    until: date
    words: str


@dataclass(frozen=True)
class Rows:
    """What a report is made of: rows of core.report_figures, core.report_returns and core.report_actions, and the trust's name."""

    provider: str
    provider_name: str
    figures: Sequence[Row]
    returns: Sequence[Row]
    actions: Sequence[Row]


@dataclass(frozen=True)
class Report:
    """A board report: texts for people, ready to be shown, and the exact figures.

    Attributes:
        summary: sentences for the first page.
        top, low: the largest opportunities, and the figures in the worst quarter: as in `sections`.
        sections: (number, area, what it asks, figures) of each recommendation with figures.
        returns, actions: what the trust sent and what was done about it, in words.
        caveats: sentences on completeness and on what is not shown.
        releases: (release, when published) that the figures rest on.
        exact: every figure of the half-year as the warehouse has it.
        notes: good practice for the metrics that are shown.
    """

    provider: str
    provider_name: str
    half: Half
    made_on: str
    is_sample: bool
    summary: list[str]
    top: Sequence[Row]
    low: Sequence[Row]
    sections: list[dict[str, Any]]
    returns: Sequence[Row]
    actions: Sequence[Row]
    caveats: list[str]
    releases: list[tuple[str, str]]
    exact: Sequence[Row]
    notes: list[good_practice.Note]


def half(name: str) -> Half:
    """A half-year by its first month.

    Raises:
        NotAHalf: it does not begin in April or October.
    """
    try:
        since = date.fromisoformat(f"{name}-01")
    except ValueError:
        since = None
    if since is None or since.month not in (4, 10) or since.isoformat()[:7] != name:
        raise NotAHalf(
            f"'{harmless(name, 40)}' is no half-year. Give its first month: April or October, such as 2025-04 or 2025-10."
        )
    if since.month == 4:
        return Half(name, since, date(since.year, 9, 30), f"April to September {since.year}")
    return Half(name, since, date(since.year + 1, 3, 31), f"October {since.year} to March {since.year + 1}")


def halves(today: date | None = None, count: int = 4) -> list[Half]:
    """The half-years that have begun, newest first."""
    day = today or datetime.now(LONDON).date()
    found = []
    for _ in range(count):
        first = date(day.year, 4, 1) if 4 <= day.month <= 9 else date(day.year - (day.month < 4), 10, 1)
        found.append(half(f"{first:%Y-%m}"))
        day = first - timedelta(days=1)
    return found


def load(connection: psycopg.Connection[Any], provider: str, about: Half) -> Rows:
    """What a report is made of, for whoever may read the warehouse.

    Raises:
        LookupError: there is no such provider.
    """
    known = reference.load()
    if not known.knows(provider):
        raise LookupError(f"{harmless(provider, 20)}: no provider that is known here. Give the ODS code of a trust.")

    def rows(name: str) -> list[Row]:
        with connection.cursor(row_factory=dict_row) as cursor:
            query = f"SELECT * FROM core.report_{name}(%s, %s, %s)"
            return list(cursor.execute(query.encode(), [provider, about.since, about.until]).fetchall())

    name = known.name_on(provider, about.until) or provider
    return Rows(provider, name, rows("figures"), rows("returns"), rows("actions"))


def make(rows: Rows, about: Half, made_at: datetime | None = None) -> Report:
    """The report of a half-year."""
    moment = made_at or datetime.now(UTC)
    is_over = about.until < moment.astimezone(LONDON).date()
    unfinished = [] if is_over else ["This half-year is not over: the report is of what has been published so far."]
    newest = _newest(rows.figures, about)
    shown = [_words(one, before) for one, before in newest]
    sections = _sections(shown)
    exact = [row for row in rows.figures if about.since <= row["period_end"] <= about.until]
    releases = {row["release_id"]: readable.when(row["published_at"]) for row, _ in newest}
    return Report(
        rows.provider,
        harmless(rows.provider_name),
        about,
        readable.day(moment),
        any(row["is_sample"] for row in exact),
        [*unfinished, *_summary(shown, rows.returns, about)],
        sorted((row for row in shown if row["opportunity"]), key=lambda row: -row["worth"])[:TOP],
        [row for row in shown if row["quartile"] == 1][:TOP],
        sections,
        [_return(row) for row in rows.returns],
        [_action(row) for row in rows.actions],
        _caveats(newest),
        sorted(releases.items()),
        exact,
        [note for note in good_practice.load() if {row["metric_id"] for row in shown} & set(note.metrics)],
    )


def _newest(figures: Sequence[Row], about: Half) -> list[tuple[Row, Row | None]]:
    """Of each metric the newest figure of the half-year that is about a real return where there is one, and the one a year before."""
    by_metric: dict[str, dict[str, Row]] = {}
    for row in figures:
        by_metric.setdefault(row["metric_id"], {})[row["period"]] = row
    found = []
    for periods in by_metric.values():
        mine = [row for row in periods.values() if about.since <= row["period_end"] <= about.until]
        if mine:
            last = max(mine, key=lambda row: (not row["is_sample"], row["period_start"]))
            start = last["period_start"]
            year_before = next(
                (r for r in periods.values() if r["period_start"] == start.replace(year=start.year - 1)), None
            )
            found.append((last, year_before))
    return found


def _words(row: Row, before: Row | None) -> dict[str, Any]:
    value = readable.with_unit(row["value"], row["unit"]) if row["value"] is not None else "not shown"
    opportunity = row["opportunity_gbp"] or 0
    return {
        "metric_id": row["metric_id"],
        "name": row["metric_name"] or row["metric_id"],
        "period": readable.period(row["period"]),
        "value": value,
        "median": readable.with_unit(row["median"], row["unit"]) if row["median"] is not None else "not shown",
        "peers": row["peers"] or 0,
        "place": readable.quartile(row),
        "quartile": row["quartile"] if row["polarity"] != "neutral" else None,
        "trend": _trend(row, before),
        "moved": _moved(row, before),
        "opportunity": readable.with_unit(opportunity, "GBP") if opportunity else "",
        "worth": opportunity,
        "adds_over": row["adds_over"],
        "complete": readable.incomplete(row["completeness"]),
        "reason": row["reason"] or "",
        "is_sample": row["is_sample"],
    }  # fmt: skip


def _moved(row: Row, before: Row | None) -> str:
    """'better', 'worse', or '' where it did not move, or neither is better."""
    if before is None or None in (row["value"], before["value"]) or row["value"] == before["value"]:
        return ""
    up = row["value"] > before["value"]
    return {"higher_better": ("worse", "better"), "lower_better": ("better", "worse")}.get(row["polarity"], ("", ""))[
        up
    ]


def _trend(row: Row, before: Row | None) -> str:
    if row["value"] is None:
        return ""
    if before is None or before["value"] is None:
        return "no figure a year before"
    was = readable.with_unit(before["value"], row["unit"])
    if row["value"] == before["value"]:
        return f"as a year before ({was})"
    way = "up" if row["value"] > before["value"] else "down"
    moved = _moved(row, before)
    return f"{way} from {was} a year before" + (f", {moved}" if moved else "")


def _sections(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures by the recommendation that they serve; those that serve none come last."""
    known = reference.load()
    serves = {metric.metric_id: metric.carter_rec for metric in known.metrics}
    found = []
    for one in known.recommendations:
        mine = [row for row in shown if one.number in serves.get(row["metric_id"], ())]
        if mine:
            found.append({"number": one.number, "area": one.area, "asks": one.summary, "figures": mine})
    rest = [row for row in shown if not serves.get(row["metric_id"])]
    return [*found, {"number": None, "area": "Other figures", "asks": "", "figures": rest}] if rest else found


def _summary(shown: list[dict[str, Any]], returns: Sequence[Row], about: Half) -> list[str]:
    if not shown and not returns:
        return [f"Nothing is published of this trust for {about.words}, and no return of it is expected."]
    places = Counter(row["quartile"] for row in shown if row["quartile"])
    moved = Counter(row["moved"] for row in shown)
    has_value = sum(row["value"] != "not shown" for row in shown)
    said = [f"{has_value} of {readable.counted(len(shown), 'figure')} can be shown. " + _in_places(places)]
    if moved["better"] or moved["worse"]:
        said.append(
            f"Of those that can be compared with a year before, {moved['better']} got better and {moved['worse']} worse."
        )
    totals: dict[str, float] = {}
    for row in shown:
        if row["adds_over"] and row["worth"]:
            totals[row["adds_over"]] = totals.get(row["adds_over"], 0) + row["worth"]
    for span, total in sorted(totals.items()):
        said.append(f"Reaching the benchmarks would be worth {readable.with_unit(total, 'GBP')} over {_span(span)}.")
    if returns:
        came = [row for row in returns if row["first_received_at"] is not None]
        late = [row for row in came if row["due"] is not None and row["first_received_at"] > row["due"]]
        again = sum(row["versions"] > 1 for row in came)
        said.append(
            f"{len(came)} of {readable.counted(len(returns), 'return')} came, {len(came) - len(late)} on time; {again} "
            f"{'was' if again == 1 else 'were'} sent more than once."
        )
    return said


def _in_places(places: Counter[int | None]) -> str:
    ranked = sum(count for quartile, count in places.items() if quartile)
    if not ranked:
        return "None of them is ranked."
    return f"{ranked} of them {'is' if ranked == 1 else 'are'} ranked: {places[4]} in the best quarter of the trust's peers, {places[1]} in the worst."


def _span(text: str) -> str:
    first, _, last = text.partition("..")
    return f"{readable.period(first)} to {readable.period(last)}" if last else readable.period(first)


def _return(row: Row) -> dict[str, str]:
    due, came = row["due"], row["first_received_at"]
    late = came is not None and due is not None and came > due
    return {
        "what": readable.title(row["collection"]) + (f", {harmless(row['part'])}" if row["part"] else ""),
        "period": readable.period(row["period"]),
        "due": readable.day(due) or "no date",
        "came": (readable.day(came) + (", late" if late else "")) if came else "not yet",
        "versions": str(row["versions"]),
        "state": STATES.get(str(row["state"]), str(row["state"])),
    }


def _reason(row: Row) -> str:
    """The coded reason of a trust's answer, as a sentence of its own."""
    known = reply_reasons.reasons().get(row.get("reason_code") or "")
    return f"{known.says}. " if known else ""


def _action(row: Row) -> dict[str, str]:
    about = f"{readable.title(row['collection'])}, {readable.period(row['period'])}"
    return {
        "at": readable.day(row["at"]),
        "what": DID.get(str(row["what"]), str(row["what"])),
        "about": about + (f", {row['rule_id']}" if row["rule_id"] else ""),
        "words": harmless(" ".join(f"{_reason(row)}{row['words'] or ''}".split()), None),
    }


def _caveats(newest: list[tuple[Row, Row | None]]) -> list[str]:
    """What a reader must know of the figures: each reason once, with the metrics that it holds for."""
    reasons: dict[str, list[str]] = {}
    for row, _ in newest:
        if row["reason"]:
            reasons.setdefault(row["reason"], []).append(row["metric_id"])
        if row["value"] is not None and (part := readable.incomplete(row["completeness"])):
            part += f" ({row['rows_used']} of {row['rows_sent']} rows, {row['months_covered']} of {row['months_expected']} months)."
            reasons.setdefault(part, []).append(row["metric_id"])
        if row["quality_flag"] == "B":
            reasons.setdefault("Accepted with warnings that nobody has explained.", []).append(row["metric_id"])
        if row["quality_flag"] == "C":
            reasons.setdefault("The return came late.", []).append(row["metric_id"])
    return [f"{', '.join(metrics)}: {reason}" for reason, metrics in reasons.items()]

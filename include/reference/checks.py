"""Finds what is wrong with the reference tables, in sentences that say what to mend."""

from collections import Counter
from itertools import pairwise

from trust_benchmarks import catalogue
from trust_benchmarks.reference.tables import Metric, Name, Tables, starts, within

KINDS = ("trust", "care_trust", "social_enterprise")
SECTORS = (
    "community",
    "mental_health",
    "combined",
    "integrated",
    "acute",
    "acute_specialist",
    "ambulance",
    "social_enterprise",
    "other",
)
SUCCESSION_TYPES = ("rename", "acquisition", "merger", "service_transfer")
VERIFIED = ("yes", "partial", "no")
EVERY_COLLECTION = "all"
POLARITIES = ("higher_better", "lower_better", "neutral", "target_100")
DISCLOSURE_CLASSES = ("organisational", "persons")
FUNNELS = ("proportion", "rate")
SERIES = ("flow", "stock", "seasonal", "rare", "to_date")
PRECISIONS = ("day", "week", "month", "quarter", "season", "year")
STATUSES = ("actual", "planned", "inferred", "deadline")
CONFIDENCES = ("high", "medium", "low")
PLANS = ("planned", "deadline")
COVERAGES = ("covered", "not covered", "not applicable")
WHOLE_COHORT = "ALL23"
COHORT_SIZE = 23
RECOMMENDATIONS = 16


def check(tables: Tables) -> list[str]:
    """What is wrong with the tables, a sentence each that says what to mend; an empty list when nothing is."""
    return [
        *_check_providers(tables),
        *_check_names(tables),
        *_check_successions(tables),
        *_check_cohort(tables),
        *_check_lists(tables),
        *_check_timeline(tables),
        *_check_metrics(tables),
        *_check_series(tables),
        *_repeats("reasons.csv", "code", [one.code for one in tables.reasons]),
    ]


def _check_providers(tables: Tables) -> list[str]:
    problems = _repeats("providers.csv", "code", [p.code for p in tables.providers])
    for p in tables.providers:
        for value, known, column in (
            (p.sector, SECTORS, "sector"),
            (p.kind, KINDS, "kind"),
            (p.verified, VERIFIED, "verified"),
        ):
            problems += _unknown(f"providers.csv: {p.code}", column, value, known)
        if p.open_from and p.open_to and p.open_to < p.open_from:
            problems.append(
                f"providers.csv: {p.code} closed on {p.open_to}, before it opened on {p.open_from}. Correct one."
            )
        if p.kind == "social_enterprise" and p.sector != "social_enterprise":
            problems.append(
                f"providers.csv: {p.code} is a social enterprise in sector '{p.sector}'. Set the sector to match."
            )
    return problems


def _check_names(tables: Tables) -> list[str]:
    problems: list[str] = []
    by_code: dict[str, list[Name]] = {}
    for name in tables.names:
        by_code.setdefault(name.code, []).append(name)
        if name.valid_from and name.valid_to and name.valid_to < name.valid_from:
            problems.append(
                f"provider_names.csv: '{name.name}' of {name.code} ends on {name.valid_to}, before it starts on "
                f"{name.valid_from}. Correct one."
            )
    for code, names in sorted(by_code.items()):
        if not tables.knows(code):
            problems.append(f"provider_names.csv: {code} is not in providers.csv. Add the provider or remove the name.")
        names.sort(key=starts)
        for earlier, later in pairwise(names):
            if later.valid_from is None or earlier.valid_to is None or later.valid_from <= earlier.valid_to:
                problems.append(
                    f"provider_names.csv: two names of {code} overlap, '{earlier.name}' and '{later.name}'. "
                    "End the first the day before the second starts."
                )
    missing = sorted(p.code for p in tables.providers if p.code not in by_code)
    return problems + [f"provider_names.csv: {code} has no name. Add one." for code in missing]


def _check_successions(tables: Tables) -> list[str]:
    problems: list[str] = []
    links: dict[str, list[str]] = {}
    for s in tables.successions:
        where = f"successions.csv: {s.from_code} to {s.to_code} on {s.legal_date}"
        problems += _unknown(where, "type", s.type, SUCCESSION_TYPES) + _unknown(
            where, "verified", s.verified, VERIFIED
        )
        unknown = [code for code in (s.from_code, s.to_code) if not tables.knows(code)]
        problems += [
            f"{where}: {code} is not in providers.csv. Add the provider or correct the code." for code in unknown
        ]
        if (s.type == "rename") != (s.from_code == s.to_code):
            problems.append(
                f"{where}: type '{s.type}' does not fit. A rename keeps its code; any other change has two codes."
            )
        if s.type == "rename" or unknown:
            continue
        links.setdefault(s.from_code, []).append(s.to_code)
        giver, taker = tables.provider(s.from_code), tables.provider(s.to_code)
        if s.type != "service_transfer" and giver.open_to is None:
            problems.append(
                f"{where}: {giver.code} has no closing date. Add it to providers.csv, or make it a service_transfer."
            )
        # ODS dates some successions on the giver's last day and others on the day after.
        if s.type != "service_transfer" and giver.open_to and abs((s.legal_date - giver.open_to).days) > 1:
            problems.append(
                f"{where}: {giver.code} closed on {giver.open_to}. The dates should be at most a day apart."
            )
        if not within(s.legal_date, taker.open_from, taker.open_to):
            problems.append(f"{where}: {taker.code} was not open on that date. Correct the date or the successor.")
    problems += _repeats(
        "successions.csv", "pair", [f"{s.from_code}-{s.to_code} {s.legal_date}" for s in tables.successions]
    )
    circles = _circles(links)
    for circle in circles:
        problems.append(f"successions.csv: {' to '.join(circle)} is a circle. Remove the link that is wrong.")
    all_known = all(tables.knows(s.from_code) and tables.knows(s.to_code) for s in tables.successions)
    for code in sorted(links) if all_known and not circles else []:
        if tables.knows(code) and not tables.final_successors(code):
            problems.append(f"successions.csv: the chain from {code} ends at a closed provider. Add what followed it.")
    return problems


def _check_cohort(tables: Tables) -> list[str]:
    codes = [member.code for member in tables.cohort]
    problems = _repeats("cohort.csv", "code", codes)
    if len(codes) != COHORT_SIZE:
        problems.append(f"cohort.csv: {len(codes)} trusts; the cohort is {COHORT_SIZE}. Add or remove.")
    for member in tables.cohort:
        if not tables.knows(member.code):
            problems.append(f"cohort.csv: {member.code} is not in providers.csv. Add the provider or correct the code.")
        problems += _unknown(f"cohort.csv: {member.code}", "sector", member.sector, SECTORS)
    return problems


def _check_lists(tables: Tables) -> list[str]:
    problems = _repeats("holidays.csv", "date", [str(h.date) for h in tables.holidays])
    numbers = sorted(r.number for r in tables.recommendations)
    if numbers != list(range(1, RECOMMENDATIONS + 1)):
        problems.append(
            f"recommendations.csv: numbers are {numbers}; expected 1 to {RECOMMENDATIONS}, each once. Correct them."
        )
    problems += _repeats("programme_events.csv", "event_id", [e.event_id for e in tables.programme_events])
    for event in tables.programme_events:
        where = f"programme_events.csv: {event.event_id}"
        if event.trust_ods not in ("", WHOLE_COHORT) and not tables.knows(event.trust_ods):
            problems.append(
                f"{where}: {event.trust_ods} is not in providers.csv. Add the provider or correct the code."
            )
        if event.recommendation_no is not None and event.recommendation_no not in numbers:
            problems.append(
                f"{where}: there is no recommendation {event.recommendation_no}. Expected 1 to {RECOMMENDATIONS}."
            )
        if event.date_end and event.date_end < event.date:
            problems.append(f"{where}: it ends on {event.date_end}, before {event.date}. Correct one.")
        for value, known, column in (
            (event.date_precision, PRECISIONS, "date_precision"),
            (event.status, STATUSES, "status"),
            (event.confidence, CONFIDENCES, "confidence"),
        ):
            problems += _unknown(where, column, value, known)
    return problems


def _check_timeline(tables: Tables) -> list[str]:
    """What is said about the programme's events in tables of their own must name events that are there."""
    events = {event.event_id: event for event in tables.programme_events}
    named = [("plan_outcomes.csv", pair.plan_id) for pair in tables.plan_outcomes]
    named += [("plan_outcomes.csv", pair.outcome_id) for pair in tables.plan_outcomes]
    named += [("recurring_events.csv", one.event_id) for one in tables.recurring_events]
    named += [("contradictions.csv", one.event_id) for one in tables.contradictions if one.event_id]
    named += [("board_coverage.csv", one.event_id) for one in tables.board_coverage]
    problems = [
        f"{file}: {event_id} is no event of programme_events.csv. Correct it, or add the event."
        for file, event_id in dict.fromkeys(named)
        if event_id not in events
    ]
    for pair in tables.plan_outcomes:
        plan, outcome = events.get(pair.plan_id), events.get(pair.outcome_id)
        if plan and outcome and (plan.status not in PLANS or outcome.status in PLANS):
            problems.append(
                f"plan_outcomes.csv: {pair.plan_id} is {plan.status} and {pair.outcome_id} is {outcome.status}. "
                "Expected a plan or a deadline, and what happened."
            )
    problems += _repeats("plan_outcomes.csv", "plan_id", [pair.plan_id for pair in tables.plan_outcomes])
    for one in tables.recurring_events:
        if one.every_months < 1:
            problems.append(
                f"recurring_events.csv: {one.event_id} comes every {one.every_months} months. Give 1 or more."
            )
    topics = Counter(one.topic for one in tables.contradictions)
    problems += [
        f"contradictions.csv: '{topic}' has one claim. A contradiction has two or more; add the other."
        for topic, n in topics.items()
        if n == 1
    ]
    problems += _repeats("contradictions.csv", "claim", [f"{c.topic}: {c.claim}" for c in tables.contradictions])
    numbers = {r.number for r in tables.recommendations}
    for said in tables.board_coverage:
        where = f"board_coverage.csv: {said.event_id}, recommendation {said.recommendation_number}"
        problems += _unknown(where, "said", said.said, COVERAGES)
        if said.recommendation_number not in numbers:
            problems.append(f"{where}: there is no such recommendation. Expected 1 to {RECOMMENDATIONS}.")
    for claim in tables.contradictions:
        problems += _unknown(f"contradictions.csv: {claim.claim}", "verified", claim.verified, VERIFIED)
    return problems


def _check_metrics(tables: Tables) -> list[str]:
    problems: list[str] = []
    versions: dict[str, list[Metric]] = {}
    numbers = {r.number for r in tables.recommendations}
    for metric in tables.metric_versions:
        where = f"{metric.collection}/metrics.toml: {metric.metric_id}"
        versions.setdefault(metric.metric_id, []).append(metric)
        for number in metric.carter_rec:
            if number not in numbers:
                problems.append(f"{where}: there is no recommendation {number}. Expected 1 to {RECOMMENDATIONS}.")
        for feeder in metric.fed_by:
            problems += _unknown(where, "fed_by", feeder, (*catalogue.all(), EVERY_COLLECTION))
        problems += _unknown(where, "polarity", metric.polarity, POLARITIES)
        problems += _unknown(where, "disclosure_class", metric.disclosure_class, DISCLOSURE_CLASSES)
        if metric.interval and (metric.interval != "none" or not metric.funnel):
            problems.append(f"{where}: interval is '{metric.interval}'. Expected 'none', and only beside a funnel.")
        if metric.counts and metric.polarity == "target_100":
            problems.append(
                f"{where}: a value that should be 100 cannot be compared by an interval. Add interval = 'none'."
            )
        problems += _unknown(where, "series", metric.series, SERIES)
        if metric.funnel:
            problems += _unknown(where, "funnel", metric.funnel, FUNNELS)
        if bool(metric.fed_by) == bool(metric.not_fed_because):
            problems.append(
                f"{where}: needs either fed_by or not_fed_because, and not both. Fill in one and empty the other."
            )
        if not metric.question.endswith("?"):
            problems.append(
                f"{where}: question is '{metric.question}'. Expected what a board would ask, ending in '?'."
            )
        if metric.check_again_by <= metric.checked_on:
            problems.append(
                f"{where}: to be checked again by {metric.check_again_by}, not after {metric.checked_on}. Correct one."
            )
    return problems + [problem for metrics in versions.values() for problem in _check_versions(metrics)]


def _check_versions(metrics: list[Metric]) -> list[str]:
    """The versions of one metric stand in one file, from 1 on; all but the first say from which day they hold."""
    where = f"{metrics[0].collection}/metrics.toml: {metrics[0].metric_id}"
    problems = []
    if len({metric.collection for metric in metrics}) > 1:
        files = ", ".join(sorted({f"{metric.collection}/metrics.toml" for metric in metrics}))
        problems.append(f"{where} is defined in {files}. Keep one home; the others name it in feeds.")
    if (numbers := [metric.version for metric in metrics]) != list(range(1, len(metrics) + 1)):
        problems.append(f"{where}: versions are {numbers}. Expected 1, 2, and so on, each once and in this order.")
    since = [metric.valid_from for metric in metrics]
    if since[0] is not None or None in since[1:] or since[1:] != sorted(set(since[1:]), key=str):
        problems.append(
            f"{where}: valid_from is {', '.join(map(str, since))}. Expected none for version 1, and a later day for each after it."
        )
    return problems


def _check_series(tables: Tables) -> list[str]:
    """Declared breaks of series and trusts' own lists of peers."""
    problems, metrics = [], {metric.metric_id for metric in tables.metrics}
    for one in tables.series_breaks:
        where = f"series_breaks.csv: {one.metric_id or 'every metric'} of {one.provider_code or 'every provider'} on {one.day}"
        if one.metric_id and one.metric_id not in metrics:
            problems.append(
                f"{where}: {one.metric_id} has no record in catalogue/*/metrics.toml. Correct it, or leave it empty for all."
            )
        if one.provider_code and not tables.knows(one.provider_code):
            problems.append(
                f"{where}: {one.provider_code} is not in providers.csv. Correct it, or leave it empty for all."
            )
        if not one.reason:
            problems.append(f"{where}: no reason is given. Say what changed.")
    for choice in tables.peer_lists:
        where = f"peer_lists.csv: {choice.peer_code} on the list of {choice.provider_code}"
        unknown = [code for code in (choice.provider_code, choice.peer_code) if not tables.knows(code)]
        problems += [f"{where}: {code} is not in providers.csv. Correct or remove it." for code in unknown]
        if choice.provider_code == choice.peer_code:
            problems.append(f"{where}: a trust is no peer of itself. Remove the line.")
    pairs = [f"{one.provider_code}-{one.peer_code}" for one in tables.peer_lists]
    return problems + _repeats("peer_lists.csv", "pair", pairs)


def _circles(links: dict[str, list[str]]) -> list[list[str]]:
    """Each circle among the links once, as the codes along it with the first repeated at the end."""
    found: dict[frozenset[str], list[str]] = {}

    def walk(code: str, path: list[str]) -> None:
        if code in path:
            circle = path[path.index(code) :]
            found.setdefault(frozenset(circle), [*circle, code])
            return
        for after in links.get(code, []):
            walk(after, [*path, code])

    for start in sorted(links):
        walk(start, [])
    return list(found.values())


def _repeats(file: str, what: str, values: list[str]) -> list[str]:
    return [f"{file}: {what} {value} is there {n} times. Keep one." for value, n in Counter(values).items() if n > 1]


def _unknown(where: str, column: str, value: str, known: tuple[str, ...]) -> list[str]:
    return [] if value in known else [f"{where}: {column} '{value}' is not known. Expected one of {', '.join(known)}."]

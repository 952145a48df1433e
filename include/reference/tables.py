"""What the reference tables hold: one frozen dataclass a table, and the questions asked of them all."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

Day = date  # for classes that have a field of that name


class ReferenceDataError(ValueError):
    """Reference data that cannot be used; the message says which file and line, what was found and what to do."""


@dataclass(frozen=True)
class Provider:
    """One body that provides care, by ODS code. `open_to` is its last day; None means open.

    `name` is its latest name (from provider_names.csv). `verified` is about code, sector and dates together.
    """

    code: str
    name: str
    sector: str
    region: str
    kind: str
    open_from: date | None
    open_to: date | None
    source: str = ""
    verified: str = "no"


@dataclass(frozen=True)
class Name:
    """One name of one provider, valid from the first day to the last; None means unbounded."""

    code: str
    name: str
    valid_from: date | None
    valid_to: date | None
    source: str


@dataclass(frozen=True)
class Succession:
    """What became of a provider on a legal date. A rename has the same code on both sides.

    A service transfer moves a part; the provider that gave it may stay open.
    """

    from_code: str
    to_code: str
    legal_date: date
    type: str
    source: str
    verified: str


@dataclass(frozen=True)
class CohortMember:
    """One of the 23 trusts chosen in 2017, with its name and regions of then and from 2019."""

    code: str
    name_2017: str
    sector: str
    region: str
    region_2017: str
    source: str


@dataclass(frozen=True)
class Holiday:
    """One bank holiday of England."""

    date: date
    title: str
    source: str


@dataclass(frozen=True)
class Recommendation:
    """One of the sixteen recommendations of the review."""

    number: int
    area: str
    summary: str
    owner: str
    deadline: str
    deadline_end_date: tuple[date, ...]
    collections: str
    board_paper_status_sept2018: str
    source: str


@dataclass(frozen=True)
class ProgrammeEvent:
    """One event of the programme's own log; where `date_precision` is not 'day', `date` is where that month, season or year
    starts. `trust_ods` is a provider's code, 'ALL23' for the whole cohort, or empty.
    """

    event_id: str
    date: date
    date_precision: str
    date_end: Day | None
    kind: str
    scope: str
    trust_ods: str
    actor: str
    audience: str
    description: str
    source: str
    status: str
    recommendation_no: int | None
    confidence: str


@dataclass(frozen=True)
class PlanOutcome:
    """Which event of the programme's log is the outcome of which planned one, where a source gives both."""

    plan_id: str
    outcome_id: str
    source: str


@dataclass(frozen=True)
class RecurringEvent:
    """A planned event of the programme's log that is to come again, every so many months."""

    event_id: str
    every_months: int
    source: str


@dataclass(frozen=True)
class Contradiction:
    """One of the claims that sources make about a topic; `event_id` is the event it bears on, or empty."""

    topic: str
    claim: str
    source: str
    event_id: str
    verified: str
    note: str


@dataclass(frozen=True)
class BoardCoverage:
    """What a board's paper said about a recommendation: 'covered', 'not covered' or 'not applicable'."""

    event_id: str
    recommendation_number: int
    said: str
    source: str


@dataclass(frozen=True)
class Metric:
    """One version of a metric's definition: a reviewed record (catalogue/README.md tells every entry).

    `fed_by` are the collections that feed it now (`not_fed_because` says why, where none does). `valid_from` is the first day
    of the first period that this version defines; None for the first version, which defines every period before the second.
    `missing_rows` says what becomes of a figure when rows of its trust were rejected ('withhold', 'mark' or 'none': it is not made of
    rows), beyond the share `tolerates_missing`; `window` what becomes of one that covers fewer than `window_months` ('whole': it is
    withheld; 'mark': it is shown and marked). `funnel` ('proportion' or 'rate') says that it has a funnel, and of which kind;
    `interval` 'none' that what it counts is not independent, so that its values have a funnel and no interval;
    `series` whether a control chart holds for its series: 'flow' (each period counts anew), or 'stock', 'seasonal', 'rare' or 'to_date'
    (none is drawn); `adjust_for_size` that its numerator is a cost and its denominator a size, so that its cost is adjusted for size.
    """

    metric_id: str
    name: str
    question: str
    collection: str
    numerator: str
    denominator: str
    formula: str
    unit: str
    polarity: str
    lens: str
    compartment: str
    sof_theme: str
    carter_rec: tuple[int, ...]
    period: str
    peer_group_basis: str
    benchmark_default: str
    min_peers_median: int
    monetised: str
    opportunity_root: bool
    disclosure_class: str
    basis: str
    version: int
    checked_by: str
    checked_on: date
    check_again_by: date
    missing_rows: str
    tolerates_missing: float = 0.0
    window_months: int = 1
    window: str = "whole"
    valid_from: date | None = None
    fed_by: tuple[str, ...] = ()
    not_fed_because: str = ""
    funnel: str = ""
    interval: str = ""
    series: str = "flow"
    adjust_for_size: bool = False

    @property
    def counts(self) -> str:
        """What chance moves its values by: 'proportion', 'rate', or '' where they have no interval."""
        return "" if self.interval == "none" else self.funnel

    @property
    def no_interval(self) -> str | None:
        """The code of why its values have no interval; None where they have."""
        if self.counts:
            return None
        return "NOT_INDEPENDENT" if self.funnel else "NO_COUNT"


@dataclass(frozen=True)
class SeriesBreak:
    """A day from which a series must not be read on from before, such as a new way of counting; empty: every metric or provider."""

    metric_id: str
    provider_code: str
    day: date
    reason: str
    source: str


@dataclass(frozen=True)
class PeerChoice:
    """One trust that another one has chosen to be compared with: its own list."""

    provider_code: str
    peer_code: str
    source: str


@dataclass(frozen=True)
class Reason:
    """Why a figure is not there, or is there and is not whole: a code that tables hold, and the sentence to print for it."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Tables:
    """All reference tables; the lists keep the order of the files. `metric_versions` holds every version of every metric."""

    providers: list[Provider]
    names: list[Name]
    successions: list[Succession]
    cohort: list[CohortMember]
    holidays: list[Holiday]
    recommendations: list[Recommendation]
    programme_events: list[ProgrammeEvent]
    metric_versions: list[Metric]
    plan_outcomes: list[PlanOutcome] = field(default_factory=list)
    recurring_events: list[RecurringEvent] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    board_coverage: list[BoardCoverage] = field(default_factory=list)
    series_breaks: list[SeriesBreak] = field(default_factory=list)
    peer_lists: list[PeerChoice] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @cached_property
    def metrics(self) -> list[Metric]:
        """The newest version of each metric."""
        return self._one_each(self.metric_versions)

    def metrics_in(self, period_start: date) -> list[Metric]:
        """The version of each metric that defines its figures in the period that starts on that day."""
        return self._one_each(
            [
                metric
                for metric in self.metric_versions
                if metric.valid_from is None or metric.valid_from <= period_start
            ]
        )

    @staticmethod
    def _one_each(versions: list[Metric]) -> list[Metric]:
        newest: dict[str, Metric] = {}
        for metric in versions:
            if metric.metric_id not in newest or metric.version > newest[metric.metric_id].version:
                newest[metric.metric_id] = metric
        return list(newest.values())

    @cached_property
    def _by_code(self) -> dict[str, Provider]:
        return {provider.code: provider for provider in self.providers}

    def knows(self, code: str) -> bool:
        """Whether the code is a provider's."""
        return code in self._by_code

    def provider(self, code: str) -> Provider:
        """The provider of that ODS code.

        Raises:
            ReferenceDataError: when there is none.
        """
        try:
            return self._by_code[code]
        except KeyError:
            raise ReferenceDataError(
                f"'{code}' is not a provider's ODS code in providers.csv. Check the code, or add the provider there."
            ) from None

    def is_open(self, code: str, on: date) -> bool:
        """Whether the provider was open on that day (first and last day included)."""
        return within(on, self.provider(code).open_from, self.provider(code).open_to)

    def successors(self, code: str, on: date) -> list[Succession]:
        """The immediate successions from this provider whose legal date was reached by that day, renames left out."""
        self.provider(code)
        return [s for s in self._changes.get(code, []) if s.legal_date <= on]

    def final_successors(self, code: str) -> list[str]:
        """The open providers a provider's work is with now, walked along the chain, in alphabetical order.

        A provider that is open is its own; a closed one without a known successor has none. A service transfer is followed
        only from a provider that closed: from an open one it took a part away.

        Raises:
            ReferenceDataError: for an unknown code.
        """
        found, seen, ahead = set(), set(), [self.provider(code).code]
        while ahead:
            current = ahead.pop()
            if current in seen:
                continue
            seen.add(current)
            if self.provider(current).open_to is None:
                found.add(current)
            else:
                ahead.extend(s.to_code for s in self._changes.get(current, []))
        return sorted(found)

    def name_on(self, code: str, on: date) -> str:
        """The provider's name on that day; before its first name the first, after its last the last."""
        names = sorted((n for n in self.names if n.code == self.provider(code).code), key=starts)
        if not names:
            return self.provider(code).name
        return next((n.name for n in reversed(names) if n.valid_from is None or n.valid_from <= on), names[0].name)

    def expected(self, sectors: tuple[str, ...] | list[str], on: date) -> list[str]:
        """Codes of the providers of these sectors that were open on that day, in alphabetical order."""
        return sorted(p.code for p in self.providers if p.sector in sectors and within(on, p.open_from, p.open_to))

    @cached_property
    def _changes(self) -> dict[str, list[Succession]]:
        """Successions by the code they start at, without renames, in order of date."""
        changes: dict[str, list[Succession]] = {}
        for s in sorted(self.successions, key=lambda s: (s.legal_date, s.to_code)):
            if s.type != "rename":
                changes.setdefault(s.from_code, []).append(s)
        return changes


def within(on: date, first: date | None, last: date | None) -> bool:
    """Whether a day lies between two, both included; None is unbounded."""
    return (first is None or first <= on) and (last is None or on <= last)


def starts(name: Name) -> date:
    """The first day of a name, for putting names in order."""
    return name.valid_from or date.min

"""What a sample is made of: providers, months, a seed, and random numbers that depend on names alone."""

import calendar
import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from trust_benchmarks.reference.tables import Provider, Tables

T = TypeVar("T")

SECTORS = ("community", "mental_health", "combined", "integrated")
# Full-time equivalent staff of a trust: lowest and highest by sector, of the order of published figures.
SIZES = {
    "community": (1400, 4200),
    "mental_health": (2300, 6500),
    "combined": (3500, 8500),
    "integrated": (3500, 8500),
}


@dataclass(frozen=True)
class Organisation:
    """A provider of the sample: a real code and name, an invented size, and the sample's months in which it is open."""

    code: str
    name: str
    sector: str
    region: str
    size: float
    periods: tuple[str, ...]

    @property
    def is_london(self) -> bool:
        """Whether its pay carries the London weighting."""
        return self.region == "London"


@dataclass(frozen=True, eq=False)
class World:
    """Everything that the files of a sample follow from.

    Attributes:
        periods: consecutive months 'YYYY-MM'.
        lines: mean number of procurement lines a trust and month.
        shocks: jumps in staff that a plant asks for, by provider: (month, staff group or '' for all, share).
    """

    seed: int
    organisations: tuple[Organisation, ...]
    periods: tuple[str, ...]
    lines: int
    shocks: dict[str, tuple[tuple[int, str, float], ...]] = field(default_factory=dict)
    memo: dict[object, Any] = field(default_factory=dict, repr=False)

    def rng(self, *names: object) -> np.random.Generator:
        """Random numbers for a thing named so: the same on every machine, whatever else is generated."""
        return generator(self.seed, *names)

    def once(self, key: object, make: Callable[[], T]) -> T:
        """The value that `make` gives, made once a world."""
        if key not in self.memo:
            self.memo[key] = make()
        made: T = self.memo[key]
        return made


def generator(seed: int, *names: object) -> np.random.Generator:
    """A random generator seeded by a number and names."""
    digest = hashlib.sha256("|".join(map(str, (seed, *names))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def months(first: str, count: int) -> tuple[str, ...]:
    """`count` consecutive months from `first` ('YYYY-MM')."""
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return tuple(f"{n // 12}-{n % 12 + 1:02d}" for n in range(start, start + count))


def days_in(period: str) -> int:
    """Calendar days in a month."""
    return calendar.monthrange(int(period[:4]), int(period[5:]))[1]


def last_day(period: str) -> dt.date:
    """The last day of a month."""
    return dt.date(int(period[:4]), int(period[5:]), days_in(period))


def organisations(tables: Tables, count: int | None, periods: tuple[str, ...], seed: int) -> tuple[Organisation, ...]:
    """Providers that are expected to send: today's successors of the cohort first, those that close on the way last.

    Args:
        tables: the reference data (`reference.load()`).
        count: how many; None or more than there are gives all.
    """
    expected = {period: set(tables.expected(SECTORS, last_day(period))) for period in periods}
    throughout = set.intersection(*expected.values())
    followed = {code for trust in tables.cohort for code in tables.final_successors(trust.code)}
    some = set.union(*expected.values())
    codes = sorted(followed & throughout) + sorted(throughout - followed) + sorted(some - throughout)
    return tuple(
        _organisation(tables.provider(code), seed, tuple(p for p in periods if code in expected[p]))
        for code in codes[:count]
    )


def _organisation(provider: Provider, seed: int, periods: tuple[str, ...]) -> Organisation:
    low, high = SIZES[provider.sector]
    size = float(generator(seed, "size", provider.code).uniform(low, high))
    return Organisation(provider.code, provider.name, provider.sector, provider.region, size, periods)

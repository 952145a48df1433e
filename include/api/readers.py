"""Who asks: the public without a key, or a holder of a key; what each may see, and how often they may ask."""

import hashlib
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fastapi import Request

from ..stores.settings import Unconfigured
from .problems import Problem

KEYS, SAMPLES, PUBLIC_RATE, KEY_RATE = "TB_API_KEYS", "TB_API_PUBLIC_SAMPLES", "TB_API_PUBLIC_RATE", "TB_API_KEY_RATE"
REMEMBERED = 10_000  # readers whose last requests are remembered
ONE_KEY = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,60}):(?P<sha256>[0-9a-f]{64})(?P<commercial>:commercial)?")


@dataclass(frozen=True)
class Reader:
    """Who asks.

    Attributes:
        name: of the key's holder; 'public' without a key.
        samples: whether rows that rest on sample returns are shown.
        words: whether columns of free text are shown.
        commercial: whether tables of commercial data may be asked for.
        rate: requests a minute.
    """

    name: str
    samples: bool
    words: bool
    commercial: bool
    rate: int


@dataclass(frozen=True)
class Readers:
    """Everybody who may ask: the public, and holders of keys by the SHA-256 of their key."""

    public: Reader
    by_digest: Mapping[str, Reader]

    def of(self, authorization: str | None) -> Reader:
        """Who sends this header.

        Raises:
            Problem: it holds no key that is known here.
        """
        if authorization is None:
            return self.public
        scheme, _, key = authorization.partition(" ")
        found = self.by_digest.get(digest(key.strip())) if scheme.lower() == "bearer" else None
        if found is None:
            raise Problem(
                401,
                "unknown_key",
                "The header Authorization holds no key that is known here.",
                "Expected: Authorization: Bearer KEY, with a key that was given out and not withdrawn.",
                "Ask the operators for a key, or leave the header out to read what is public.",
                {"WWW-Authenticate": 'Bearer realm="trust-benchmarks"'},
            )
        return found


def digest(key: str) -> str:
    """What is kept of a key. Keys are long and random, so that a plain hash is enough."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def new_key() -> str:
    """A key for somebody: 32 random bytes."""
    return "tb_" + secrets.token_urlsafe(32)


def from_environment() -> Readers:
    """Everybody who may ask, as the environment says.

    Raises:
        Unconfigured: a setting cannot be read; the message says what it must look like.
    """
    public_rate, key_rate = _number(PUBLIC_RATE, 120), _number(KEY_RATE, 1200)
    by_digest = {}
    for one in filter(None, re.split(r"[,\s]+", os.environ.get(KEYS, ""))):
        found = ONE_KEY.fullmatch(one)
        if not found:
            raise Unconfigured(
                f"{KEYS} holds '{one[:20]}', which is no key. Expected name:sha256 or name:sha256:commercial, several with commas "
                "between; `trust-benchmarks api-key NAME` makes one."
            )
        by_digest[found["sha256"]] = Reader(found["name"], True, True, bool(found["commercial"]), key_rate)
    samples = os.environ.get(SAMPLES, "") == "1"
    return Readers(Reader("public", samples, False, False, public_rate), by_digest)


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name) or str(otherwise)
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise Unconfigured(f"{name} is '{text}'. Expected requests a minute: a whole number from 1 to 9999999.")
    return int(text)


class Allowance(NamedTuple):
    """What a reader has left: requests, and the moment that was counted at (seconds of a clock that only goes forward)."""

    left: float
    at: float


class Limiter:
    """Counts requests in this process: a reader may ask `rate` times at once, and that often a minute from then on."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, Allowance] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str, rate: int) -> None:
        """Counts one request.

        Args:
            who: the key's holder, or the address of somebody without one.
            rate: requests a minute.

        Raises:
            Problem: there were too many.
        """
        now = time.monotonic()
        with self._lock:
            had = self._left.pop(who, Allowance(rate, now))
            left = min(rate, had.left + (now - had.at) * rate / 60)
            self._left[who] = Allowance(left - 1 if left >= 1 else left, now)
            if len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            seconds = max(1, round((1 - left) * 60 / rate + 0.5))
            raise Problem(
                429,
                "too_many_requests",
                f"There were more than {rate} requests a minute.",
                f"Expected: at most {rate} a minute.",
                f"Wait {seconds} seconds. Ask for more rows at once (limit), or send If-None-Match; a key allows more.",
                {"Retry-After": str(seconds)},
            )


class Gate:
    """Who asks, and whether they have asked too often; settings are read once."""

    def __init__(self) -> None:
        self.readers = from_environment()
        self.limiter = Limiter()

    def reader(self, request: Request) -> Reader:
        """Who asks.

        Raises:
            Problem: a key that is not known here, or too many requests.
        """
        host = request.client.host if request.client else "unknown"
        try:
            reader = self.readers.of(request.headers.get("authorization"))
        except Problem:
            self.limiter.take(f"address {host}", self.readers.public.rate)
            raise
        who = f"address {host}" if reader is self.readers.public else f"key {reader.name}"
        self.limiter.take(who, reader.rate)
        return reader

"""Requests to publishers: polite, bounded, checked.

One request at a time to a host, over all processes that share the warehouse, with a pause before each; robots.txt is kept to; failures
that may pass are tried again with growing waits, a body that broke off goes on where it stopped; redirects are followed by hand, never
to this machine, a private network or plain http; certificates are always checked; sizes and times have limits.
"""

import contextlib
import hashlib
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import IO, Any, Self
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies

import httpx
import protego
import tenacity

from ..stores import warehouse
from . import settings
from .outcomes import BROKEN, MOVED, REFUSED, UNREACHABLE, Stopped

SECONDS = 300.0  # for one address, all attempts together
SILENCE = 30.0  # seconds without a byte, after which an attempt is given up
MOST_FILE, MOST_PAGE = 128 << 20, 8 << 20  # bytes
ATTEMPTS = 4
REDIRECTS = 5
LONGEST_DELAY = 60.0  # seconds; of a Crawl-delay and between attempts


@dataclass
class Answer:
    """What came from an address, with what the server said of it.

    Attributes:
        body: the bytes, at their beginning; None where the server said that nothing changed.
        url: the address after redirects.
    """

    url: str
    status: int
    etag: str | None
    last_modified: str | None
    body: IO[bytes] | None
    bytes: int = 0
    sha256: str = ""

    def text(self) -> str:
        """The whole body as text; for pages and answers, which are small."""
        assert self.body is not None
        self.body.seek(0)
        return self.body.read().decode("utf-8", "replace")


class _TryAgain(Exception):
    """A failure that may pass; `after` is how many seconds the server asked for."""

    def __init__(self, found: str, after: float | None = None) -> None:
        super().__init__(found)
        self.after = after


@dataclass
class _Body:
    """What has come of a file so far, over attempts."""

    most: int
    out: io.BytesIO = field(default_factory=io.BytesIO)
    count: int = 0
    validator: str | None = None  # with which the rest may be asked for
    hash: Any = field(default_factory=hashlib.sha256)

    def start(self) -> None:
        self.out.seek(0)
        self.out.truncate()
        self.count, self.hash = 0, hashlib.sha256()

    def add(self, piece: bytes, url: str) -> None:
        self.out.write(piece)
        self.hash.update(piece)
        self.count += len(piece)
        if self.count > self.most:
            raise Stopped(BROKEN, f"{url} has more than the {self.most:,} bytes that are taken.")


class Web:
    """A client for one look. Use it as a context manager."""

    def __init__(self, manners: settings.Manners | None = None, seconds: float = SECONDS, wait: float = 1.0) -> None:
        self.manners = manners or settings.load()
        self.seconds, self.wait = seconds, wait
        self._clients: dict[bool, httpx.Client] = {}
        self._robots: dict[str, protego.Protego | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def page(self, address: str) -> Answer:
        """A page or an API's answer.

        Raises:
            Stopped: it could not be had; `outcome` says how.
        """
        return self._get(self.manners.address(address), None, None, MOST_PAGE, MOVED)

    def file(
        self, address: str, etag: str | None = None, last_modified: str | None = None, missing: str = BROKEN
    ) -> Answer:
        """A file.

        Args:
            missing: what it comes to where nothing is at the address: a broken link, or not yet published.

        Raises:
            Stopped: it could not be had; `outcome` says how.
        """
        return self._get(self.manners.address(address), etag, last_modified, MOST_FILE, missing)

    def _get(
        self, url: str, etag: str | None, last_modified: str | None, most: int, missing: str, ask_robots: bool = True
    ) -> Answer:
        known = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        conditions = {name: value for name, value in known.items() if value}
        deadline, body = time.monotonic() + self.seconds, _Body(most)
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS) | tenacity.stop_before_delay(self.seconds),
            wait=self._pause_before_retry,
            retry=tenacity.retry_if_exception_type(_TryAgain),
        )
        try:
            return tries(self._try, url, conditions, body, deadline, ask_robots)
        except Stopped as stopped:
            if stopped.status == 404:
                stopped.outcome = missing
            raise
        except tenacity.RetryError as failed:
            last = failed.last_attempt.exception()
            raise Stopped(
                UNREACHABLE, f"{url} could not be fetched in {failed.last_attempt.attempt_number} attempts: {last}."
            ) from last

    def _pause_before_retry(self, state: tenacity.RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        asked = problem.after if isinstance(problem, _TryAgain) else None
        if asked is not None:
            return asked
        return tenacity.wait_exponential(multiplier=self.wait, max=LONGEST_DELAY)(state) + tenacity.wait_random(
            0, self.wait / 2
        )(state)

    def _try(self, url: str, conditions: dict[str, str], body: _Body, deadline: float, ask_robots: bool) -> Answer:
        """One attempt, over redirects."""
        at = url
        for _ in range(REDIRECTS + 1):
            self._check_address(at, url)
            delay = self._check_robots(at) if ask_robots else 0.0
            with _one_at_a_time(httpx.URL(at).netloc.decode("ascii"), deadline):
                time.sleep(max(self.manners.pause, delay))
                led = self._ask(at, url, conditions, body, deadline)
            if isinstance(led, Answer):
                return led
            at = led
        raise Stopped(MOVED, f"{url} was sent on more than {REDIRECTS} times, last to {at}.")

    def _ask(self, at: str, url: str, conditions: dict[str, str], body: _Body, deadline: float) -> Answer | str:
        """One request: the answer, or the address that it leads to."""
        headers = {"User-Agent": self.manners.agent, "Accept-Encoding": "identity"}
        if body.count and body.validator:
            headers |= {"Range": f"bytes={body.count}-", "If-Range": body.validator}
        else:
            headers |= conditions
        try:
            with self._client(at).stream("GET", at, headers=headers, timeout=_patience(deadline)) as answer:
                if answer.has_redirect_location:
                    return urljoin(at, answer.headers["location"])
                _check_peer(answer, bool(self.manners.played))
                said = Answer(
                    at, answer.status_code, answer.headers.get("etag"), answer.headers.get("last-modified"), None
                )
                if answer.status_code == 304 and conditions:
                    return said
                _check_status(answer, url)
                _take(answer, body, url, deadline)
        except httpx.TimeoutException:
            raise _TryAgain("the server did not answer in time") from None
        except httpx.TransportError as problem:
            if "CERTIFICATE_VERIFY_FAILED" in str(problem):
                raise Stopped(REFUSED, f"{at} has a certificate that cannot be checked ({problem}).") from None
            raise _TryAgain(f"the connection failed or broke off ({str(problem) or type(problem).__name__})") from None
        except (httpx.InvalidURL, httpx.DecodingError) as problem:
            raise Stopped(BROKEN, f"{at} cannot be read ({problem}).") from problem
        if not body.count:
            raise Stopped(BROKEN, f"{url} is empty (0 bytes).")
        body.out.seek(0)
        said.status, said.body, said.bytes, said.sha256 = 200, body.out, body.count, body.hash.hexdigest()
        return said

    def _client(self, url: str) -> httpx.Client:
        local = _is_own(urlsplit(url).hostname or "")  # a proxy cannot reach this machine
        if local not in self._clients:
            self._clients[local] = httpx.Client(verify=_certificates(), trust_env=not local, follow_redirects=False)
        return self._clients[local]

    def _check_address(self, at: str, first: str) -> None:
        """Refuses what is not public https; a server that a test plays may be on this machine, and nothing else may."""
        try:
            asked = httpx.URL(at)  # as the client itself reads it
        except httpx.InvalidURL as problem:
            raise Stopped(MOVED, f"{first} leads to an address that cannot be read ({problem}).") from problem
        host = asked.host
        led = "" if at == first else f"{first} leads to "
        if self.manners.played and _is_own(host):
            return
        if asked.scheme != "https" or not host:
            raise Stopped(MOVED, f"{led}{at}, which is not an address that is fetched from. Expected https://.")
        proxied = bool(getproxies().get("https"))
        if found := [one for one in _addresses(host, proxied) if not one.is_global]:
            raise Stopped(MOVED, f"{led}{at}, and {host} is {found[0]}: this machine or a private network.")

    def _check_robots(self, at: str) -> float:
        """The seconds that robots.txt asks to wait between requests; what it forbids is refused."""
        parts = urlsplit(at)
        base = f"{parts.scheme}://{parts.netloc}"
        if base not in self._robots:
            try:
                self._robots[base] = protego.Protego.parse(
                    self._get(f"{base}/robots.txt", None, None, 1 << 19, MOVED, False).text()
                )
            except Stopped as stopped:
                # By RFC 9309 a file that is not there allows everything, and one that cannot be reached nothing.
                if stopped.outcome == UNREACHABLE:
                    raise
                self._robots[base] = None
        rules = self._robots[base]
        if rules is None:
            return 0.0
        if not rules.can_fetch(at, self.manners.product):
            raise Stopped(REFUSED, f"{base}/robots.txt forbids {at}.")
        return min(float(rules.crawl_delay(self.manners.product) or 0), LONGEST_DELAY)


@cache
def _certificates() -> ssl.SSLContext:
    """What certificates are checked against; reading them takes a tenth of a second, so a process does it once."""
    return httpx.create_ssl_context()


@contextlib.contextmanager
def _one_at_a_time(host: str, deadline: float) -> Iterator[None]:
    """Waits until no other process asks this host."""
    with warehouse.connect() as connection:
        lock = f"host {host}"
        while connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [lock]).fetchone() == (False,):
            connection.commit()
            _patience(deadline)
            time.sleep(0.2)
        connection.commit()  # the lock is the session's: no transaction stays open during the request
        try:
            yield
        finally:
            connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", [lock])


def _patience(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _TryAgain("the time limit was reached")
    return min(left, SILENCE)


def _check_status(answer: httpx.Response, url: str) -> None:
    status = answer.status_code
    if status in (200, 206):
        return
    said = f"the server answered {status} {answer.reason_phrase}".rstrip()
    if status in (408, 425, 429) or status >= 500:
        raise _TryAgain(said, _retry_after(answer.headers.get("retry-after")))
    outcome = {401: REFUSED, 403: REFUSED, 451: REFUSED, 404: MOVED, 410: MOVED}.get(status, BROKEN)
    raise Stopped(outcome, f"{url}: {said}.", status)


def _take(answer: httpx.Response, body: _Body, url: str, deadline: float) -> None:
    """Takes the body, or its rest."""
    part = answer.headers.get("content-range", "")
    if answer.status_code == 206 and not part.startswith(f"bytes {body.count}-"):
        body.start()
        raise _TryAgain(f"the server sent another part than was asked for ({part or 'without Content-Range'})")
    if answer.status_code == 200:
        body.start()
        tag = answer.headers.get("etag", "")
        plain = answer.headers.get("content-encoding", "identity") == "identity"
        # A weak tag does not promise equal bytes.
        body.validator = (tag if tag and not tag.startswith("W/") else None) if plain else None
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and int(announced) + body.count > body.most:
        raise Stopped(BROKEN, f"{url} has more than the {body.most:,} bytes that are taken.")
    for piece in answer.iter_bytes():
        body.add(piece, url)
        _patience(deadline)  # a server that sends a byte now and then is never silent


def _retry_after(said: str | None) -> float | None:
    """Seconds of a Retry-After header, which gives seconds or a date."""
    if not said:
        return None
    if said.strip().isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _addresses(host: str, proxied: bool) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """What a host's name stands for; behind a proxy, which looks names up itself, only what it says."""
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
            return [ipaddress.ip_address("127.0.0.1")]
    if proxied:
        return []
    try:
        found = socket.getaddrinfo(host, 443, proto=socket.IPPROTO_TCP)
    except OSError as problem:
        raise _TryAgain(f"the name {host} was not found ({problem})") from None
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _check_peer(answer: httpx.Response, played: bool) -> None:
    """Refuses an answer from a private address: a name may stand for another address by the time it is asked."""
    stream = answer.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream else None
    if played or not peer or getproxies().get("https"):
        return
    if not ipaddress.ip_address(str(peer[0]).partition("%")[0]).is_global:
        raise Stopped(MOVED, f"{answer.url} was answered by {peer[0]}: this machine or a private network.")

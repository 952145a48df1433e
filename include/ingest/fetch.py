"""Fetches a publisher's file over HTTP into the inbox, once for each new content: a conditional request, tried again with care."""

import hashlib
import ipaddress
import re
import time
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import tenacity
from botocore.exceptions import ClientError

from .. import catalogue, sql
from ..stores import objects, settings, warehouse

SECONDS = 300  # for all attempts together
MOST_BYTES = 256 * 1024 * 1024
ATTEMPTS = 5
REDIRECTS = 5
PAUSE = 1.0  # before the second attempt, in seconds; doubled each time
SILENCE = 30  # seconds without a byte, after which an attempt is given up
LONGEST_NAME = 120


class FetchError(RuntimeError):
    """A file that could not be fetched: one sentence that says what was found and what to do."""


class _TryAgain(Exception):
    """A failure that may pass; `after` is how many seconds the server asked for."""

    def __init__(self, found: str, after: float | None = None) -> None:
        super().__init__(found)
        self.after = after


def fetch(
    url: str,
    collection: str,
    file_name: str | None = None,
    *,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
    attempts: int = ATTEMPTS,
    pause: float = PAUSE,
) -> dict[str, Any]:
    """Puts what a URL serves into the inbox, where `receive` takes it as any other file.

    Args:
        url: https, or http to this machine itself.
        collection: a collection of the catalogue.
        file_name: what to call the file; None takes the name that the server or the URL gives.
        seconds: time limit, for all attempts together.
        most_bytes: size limit.

    Returns:
        {"key": key in the inbox, "bytes": size or None, "new": bool}: new is False, and nothing was written, when the
        server says that the file has not changed, or sends the same bytes again.

    Raises:
        FetchError: when the file could not be had; nothing was written.
        UnknownCollection: when the catalogue has no such collection.
    """
    collection = catalogue.load(collection).name
    _check(url, url)
    remembered = _remembered(url, collection, _safe(file_name))
    deadline = time.monotonic() + seconds
    tries = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(attempts) | tenacity.stop_before_delay(seconds),
        wait=lambda state: _wait(state, pause),
        retry=tenacity.retry_if_exception_type(_TryAgain),
    )
    try:
        answer = tries(_get, url, remembered, deadline, most_bytes)
    except tenacity.RetryError as failed:
        last, count = failed.last_attempt.exception(), failed.last_attempt.attempt_number
        raise FetchError(
            f"{url} could not be fetched in {count} attempt{'s' if count > 1 else ''}: {last}. "
            "Run this again later; if that does not help, ask the publisher or put the file into the inbox by hand."
        ) from last
    if answer is None:
        return {"key": remembered["key"], "bytes": None, "new": False}
    content, headers, last_url = answer
    key = f"{collection}/{_safe(file_name) or _name(headers, last_url, collection)}"
    new = _put(key, content)
    _remember(url, headers, key)
    return {"key": key, "bytes": len(content), "new": new}


def _check(url: str, first: str) -> str:
    """The URL if it may be asked: https, or http where both it and the first URL are on this machine."""
    parts = urlsplit(url)
    on_this_machine = _is_loopback(parts.hostname)
    allowed = parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and on_this_machine))
    # A server elsewhere must not send us to what only this machine can reach.
    if not allowed or (on_this_machine and not _is_loopback(urlsplit(first).hostname)):
        led = "" if url == first else f"{first} leads to "
        raise FetchError(
            f"{led}{url} is not an address that is fetched from. Expected one that starts with https://: correct the url in the catalogue."
        )
    return url


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _get(
    url: str, remembered: dict[str, str], deadline: float, most_bytes: int
) -> tuple[bytes, httpx.Headers, str] | None:
    """One attempt: bytes, headers and the last URL; None when the file has not changed."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "trust-benchmarks"}
    if remembered.get("etag"):
        headers["If-None-Match"] = remembered["etag"]
    if remembered.get("last_modified"):
        headers["If-Modified-Since"] = remembered["last_modified"]
    local = _is_loopback(urlsplit(url).hostname)  # a proxy cannot reach this machine
    try:
        with httpx.Client(trust_env=not local, follow_redirects=False) as client:
            at = url
            for _ in range(REDIRECTS + 1):
                with client.stream("GET", at, headers=headers, timeout=_patience(deadline)) as answer:
                    if not answer.has_redirect_location:
                        if answer.status_code == 304 and remembered:
                            return None
                        _check_status(answer, url)
                        return _body(answer, url, deadline, most_bytes), answer.headers, at
                    at = _check(urljoin(at, answer.headers["location"]), url)
    except httpx.TimeoutException:
        raise _TryAgain("the server did not answer in time") from None
    except httpx.TransportError as error:
        raise _TryAgain(f"the connection failed or broke off ({str(error) or type(error).__name__})") from None
    except (httpx.InvalidURL, httpx.DecodingError, ValueError) as error:
        raise FetchError(f"{url} cannot be fetched ({error}). Correct the url in the catalogue.") from error
    raise FetchError(
        f"{url} was sent on more than {REDIRECTS} times, last to {at}. Open it in a browser and put the address that it ends at into the catalogue."
    )


def _patience(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _TryAgain("the time limit was reached")
    return min(left, SILENCE)


def _check_status(answer: httpx.Response, url: str) -> None:
    status = answer.status_code
    if status == 200:
        return
    said = f"the server answered {status} {answer.reason_phrase}".rstrip()
    if status == 429 or status >= 500:
        raise _TryAgain(said, _retry_after(answer.headers.get("retry-after")))
    raise FetchError(
        f"{url} could not be fetched: {said}. Expected 200: look for the file's new address and correct the url in the catalogue."
    )


def _body(answer: httpx.Response, url: str, deadline: float, most_bytes: int) -> bytes:
    """The whole body, within the limits of size and time."""
    announced = answer.headers.get("content-length", "")
    content = bytearray()
    if not (announced.isdigit() and int(announced) > most_bytes):
        for piece in answer.iter_bytes():
            content += piece
            _patience(deadline)  # a server that sends a byte now and then is never silent
            if len(content) > most_bytes:
                break
        else:
            if not content:
                raise FetchError(f"{url} is empty (0 bytes). Ask the publisher for the file.")
            return bytes(content)
    raise FetchError(
        f"{url} has more than the {most_bytes:,} bytes that are taken. If that is right for this file, put it into the inbox by hand."
    )


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


def _wait(state: tenacity.RetryCallState, pause: float) -> float:
    problem = state.outcome.exception() if state.outcome else None
    asked = problem.after if isinstance(problem, _TryAgain) else None
    usual = tenacity.wait_exponential(multiplier=pause, max=60)(state) + tenacity.wait_random(0, pause / 2)(state)
    return usual if asked is None else asked


def _name(headers: httpx.Headers, url: str, collection: str) -> str:
    """A file name from Content-Disposition, else from the URL's path."""
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    offered = (message.get_filename(), unquote(urlsplit(url).path))
    return next((name for name in map(_safe, offered) if name), collection)


def _safe(name: str | None) -> str:
    """A name without folders and without anything but letters, digits, '.', '-' and '_'; '' if nothing is left."""
    last = re.split(r"[/\\]", name or "")[-1]
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", last).strip("._-")
    return kept[-LONGEST_NAME:].lstrip("._-")  # the end holds the period and the kind of file


def _put(key: str, content: bytes) -> bool:
    """Writes the bytes to the inbox unless they lie there already."""
    bucket, sha256 = settings.load().inbox, hashlib.sha256(content).hexdigest()
    try:
        there = objects.client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
    else:
        if there["Metadata"].get("sha256") == sha256:
            return False
    objects.client().put_object(
        Bucket=bucket, Key=key, Body=content, Metadata={"sha256": sha256}, ContentType=objects.BYTES
    )
    return True


def _remembered(url: str, collection: str, name: str) -> dict[str, str]:
    """What the server said last of this URL, if its file went where it is to go now; else {}."""
    with warehouse.connect() as connection:
        row = connection.execute(
            "SELECT etag, last_modified, submission_key FROM core.fetch WHERE url = %s", [url]
        ).fetchone()
    if not row or (row[2] != f"{collection}/{name}" if name else not row[2].startswith(f"{collection}/")):
        return {}
    return dict(zip(("etag", "last_modified", "key"), row, strict=True))


def _remember(url: str, headers: httpx.Headers, key: str) -> None:
    said = {"url": url, "etag": headers.get("etag"), "last_modified": headers.get("last-modified"), "key": key}
    with warehouse.connect() as connection:
        connection.execute(sql.text("ingest/remember_fetch.sql"), said)

"""Kind `s3`: a partner's bucket, s3://BUCKET/PREFIX; the key comes from an Airflow connection or is ours."""

import hashlib
import io
from functools import cache
from urllib.parse import urlsplit

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from ..stores import objects
from ..stores.faults import status
from .declared import Source
from .offers import Discovered, Offer, edition_of, is_meant, name_of, period_of
from .outcomes import BROKEN, MOVED, PAGE_CHANGED, REFUSED, UNREACHABLE, Stopped
from .web import MOST_FILE, Answer

MOST_LISTED = 100_000


def discover(source: Source) -> Discovered:
    """The objects below the prefix that are meant.

    Raises:
        Stopped: the bucket could not be listed.
    """
    bucket, prefix = _place(source.address)
    found, listed = Discovered(page=source.address), 0
    try:
        for page in _client(source.connection).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", []):
                listed += 1
                _add(found, source, bucket, one["Key"], f"{one['ETag']} {one['LastModified']:%Y-%m-%dT%H:%M:%S}")
            if listed > MOST_LISTED:
                raise Stopped(
                    PAGE_CHANGED, f"{source.address} holds more than {MOST_LISTED:,} objects. Give a longer prefix."
                )
    except (ClientError, BotoCoreError) as problem:
        raise _stopped(problem, source.address) from problem
    if listed and not found.offers and not found.problems:
        found.problems.append(
            (PAGE_CHANGED, f"{source.address} holds {listed:,} objects, and none of them fits '{source.link}'.")
        )
    return found


def get(source: Source, offer: Offer) -> Answer:
    """One object, if it is still the one that was listed.

    Raises:
        Stopped: it could not be had.
    """
    bucket, key = _place(offer.link)
    etag = offer.published.split()[0]
    try:
        answer = _client(source.connection).get_object(Bucket=bucket, Key=key, IfMatch=etag)
        if answer["ContentLength"] > MOST_FILE:
            raise Stopped(BROKEN, f"{offer.link} has more than the {MOST_FILE:,} bytes that are taken.")
        body = answer["Body"].read()
    except (ClientError, BotoCoreError) as problem:
        raise _stopped(problem, offer.link) from problem
    modified = answer["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT")
    return Answer(offer.link, 200, etag, modified, io.BytesIO(body), len(body), hashlib.sha256(body).hexdigest())


def _add(found: Discovered, source: Source, bucket: str, key: str, published: str) -> None:
    name = name_of(f"s3://{bucket}/{key}")
    match = is_meant(source, key, name)
    if not match:
        return
    period, how = (
        (None, "") if source.title_decides else period_of(source.frequency, ("file name", name), ("folder", key))
    )
    if not period and not source.title_decides:
        found.problems.append((PAGE_CHANGED, f"The object {key} in {bucket} does not say its period."))
        return
    link = f"s3://{bucket}/{key}"
    found.offers.append(Offer(link, key, source.address, period, how, edition_of(source, match), published))


def _place(address: str) -> tuple[str, str]:
    parts = urlsplit(address.replace("#", "%23").replace("?", "%3F"))
    return parts.netloc, parts.path.lstrip("/").replace("%23", "#").replace("%3F", "?")


@cache
def _client(connection: str) -> BaseClient:
    return objects.client_of(connection) if connection else objects.client()


def _stopped(problem: ClientError | BotoCoreError, what: str) -> Stopped:
    if not isinstance(problem, ClientError):
        return Stopped(UNREACHABLE, f"{what} could not be had ({problem}).")
    code = status(problem)
    outcome = REFUSED if code in (401, 403) else MOVED if code == 404 else UNREACHABLE
    return Stopped(outcome, f"{what} could not be had ({problem}).", code)

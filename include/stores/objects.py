"""The object store: the inbox, the write-once archive, the records and the exports, over S3 with boto3."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import IO, TypeVar

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError

from . import airflow_connections, settings
from .faults import status

# S3's own name for bytes. SeaweedFS squeezes an object without a type on every write, which takes longer than the rest.
BYTES = "binary/octet-stream"
CHUNK = 1024 * 1024  # bytes of an object at a time, where all of it would be too many
# An answer that stopped in the middle.
_CUT_OFF = (IncompleteReadError, ResponseStreamingError)
HEAL = "`trust-benchmarks heal` (docs/runbooks/lost-objects.md)"
CHANGED = "is not what was recorded: its bytes have changed"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412")

MOST = 256 * 1024 * 1024  # bytes of an object; the largest that belongs here are records, of a tenth of that
Had = TypeVar("Had")


class Harmed(RuntimeError):
    """An object is gone, cannot be read, or is not what was recorded; the store itself is up."""

    def __init__(self, bucket: str, key: str, reason: str) -> None:
        super().__init__(f"Object {key} in bucket {bucket} {reason.rstrip('.')}. Nothing was computed from it.")
        self.bucket, self.key, self.reason = bucket, key, reason


class TooLarge(Exception):
    """An object has more bytes than are had in memory."""


@dataclass(frozen=True)
class Listed:
    """One object of a listing."""

    key: str
    etag: str
    size: int
    modified: datetime


@cache
def client() -> BaseClient:
    """The S3 client of this process, with time limits and retries."""
    return _client(settings.load().s3)


def client_of(connection: str) -> BaseClient:
    """An S3 client for a partner's buckets, by the name of an Airflow connection (type Amazon Web Services).

    Raises:
        Unconfigured: Airflow has no such connection, or does not run here.
    """
    found = airflow_connections.s3(connection)
    if found is None:
        raise settings.Unconfigured(
            f"There is no Airflow connection '{connection}' here. Make one of the type Amazon Web Services, or set AIRFLOW_CONN_{connection.upper()}."
        )
    return _client(found)


def _client(of: airflow_connections.S3Connection) -> BaseClient:
    return boto3.client(
        "s3",
        endpoint_url=of.endpoint or None,
        # Without a key boto3 looks for one: a profile, the role of the machine, of the container or of the service account.
        aws_access_key_id=of.key,
        aws_secret_access_key=of.secret,
        aws_session_token=of.session_token,
        region_name=of.region or os.environ.get("AWS_REGION") or "us-east-1",
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"max_attempts": 5, "mode": "standard"},
            max_pool_connections=16,
            s3={"addressing_style": "path"},
            # The servers in use check integrity by MD5/SHA-256; trailing checksums are not known to all of them.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def listing(bucket: str, prefix: str = "") -> Iterator[Listed]:
    """Every object below a prefix, in the order of keys."""
    for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield Listed(entry["Key"], entry["ETag"].strip('"'), entry["Size"], entry["LastModified"])


def get(bucket: str, key: str, etag: str | None = None) -> tuple[bytes, dict[str, str]]:
    """An object's bytes and metadata; with `etag`, only if it is still that one.

    Raises:
        botocore.exceptions.ClientError: NoSuchKey, PreconditionFailed and the like.
        TooLarge: it has more than `MOST` bytes; none was read.
    """
    answer = client().get_object(Bucket=bucket, Key=key, **({"IfMatch": etag} if etag else {}))
    if answer["ContentLength"] > MOST:
        answer["Body"].close()
        raise TooLarge(f"Object {key} in bucket {bucket} has more than {MOST >> 20} MB.")
    return answer["Body"].read(), answer.get("Metadata", {})


@dataclass(frozen=True)
class Looked:
    """What an object is, seen a part at a time.

    Attributes:
        first: the first of its bytes.
    """

    sha256: str
    size: int
    first: bytes
    metadata: dict[str, str]


def look(bucket: str, key: str, etag: str | None = None, *, first: int = 0, copy: IO[bytes] | None = None) -> Looked:
    """What an object is, without having it in memory; its bytes are written to `copy`, if there is one.

    Raises:
        botocore.exceptions.ClientError: as `get`.
        OSError: the copy cannot be written.
    """
    answer = client().get_object(Bucket=bucket, Key=key, **({"IfMatch": etag} if etag else {}))
    made, size, start = hashlib.sha256(), 0, b""
    for chunk in answer["Body"].iter_chunks(CHUNK):
        made.update(chunk)
        start += chunk[: first - len(start)]
        size += len(chunk)
        if copy:
            copy.write(chunk)
    return Looked(made.hexdigest(), size, start, answer.get("Metadata", {}))


def parts(bucket: str, key: str) -> Iterator[bytes]:
    """An object's bytes, a part at a time."""
    yield from client().get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK)


def stream(source: str, key: str, etag: str | None, bucket: str, new_key: str) -> None:
    """Copies an object, of that ETag if one is named, through here, a part at a time, in place of what is there."""
    answer = client().get_object(Bucket=source, Key=key, **({"IfMatch": etag} if etag else {}))
    client().upload_fileobj(answer["Body"], bucket, new_key, ExtraArgs={"ContentType": BYTES})


def put_once(bucket: str, key: str, content: bytes | IO[bytes], metadata: dict[str, str] | None = None) -> bool:
    """Writes an object unless one of that key is there; False when there was one. Two writers cannot both win."""
    try:
        client().put_object(
            Bucket=bucket, Key=key, Body=content, IfNoneMatch="*", Metadata=metadata or {}, ContentType=BYTES
        )
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] in _TAKEN:
            return False
        raise


def put_back(bucket: str, key: str, content: bytes) -> None:
    """Writes an object in place of one that is gone or has changed; the caller knows that these are its bytes."""
    client().put_object(Bucket=bucket, Key=key, Body=content, ContentType=BYTES)


def copy_once(source: str, key: str, etag: str, bucket: str, new_key: str) -> bool:
    """Has the store copy an object of that ETag, unless one of the new key is there; False when there was one.

    The bytes do not pass through here a second time, which takes half of the time of writing them.

    Raises:
        botocore.exceptions.ClientError: PreconditionFailed when the source is no longer what was listed, NoSuchKey and the like.
    """
    try:
        client().copy_object(
            Bucket=bucket,
            Key=new_key,
            CopySource={"Bucket": source, "Key": key},
            CopySourceIfMatch=etag,
            IfNoneMatch="*",
            MetadataDirective="REPLACE",
            ContentType=BYTES,
        )
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] in _TAKEN and _is_there(bucket, new_key):
            return False
        raise


def _is_there(bucket: str, key: str) -> bool:
    try:
        client().head_object(Bucket=bucket, Key=key)
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return False
        raise


def reason_for_one(problem: BaseException, bucket: str) -> str | None:
    """What is wrong with an object that could not be had, where the bucket itself answers; None where the store is at fault.

    A server that finds an object damaged on its disk answers as if it were down itself, or stops in the middle.
    """
    code = problem.response["Error"]["Code"] if isinstance(problem, ClientError) else ""
    if code in ("NoSuchKey", "404"):
        return "is gone"
    if status(problem) < 500 if isinstance(problem, ClientError) else not isinstance(problem, _CUT_OFF):
        return None
    try:
        client().list_objects_v2(Bucket=bucket, MaxKeys=1)
    except (ClientError, HTTPClientError):
        return None
    return "cannot be read: the object store has it and does not give it"


def whole(bucket: str, key: str, sha256: str) -> bytes:
    """An object's bytes, which have this hash.

    Raises:
        Harmed: it is gone, cannot be read, or its bytes have changed.
    """
    content = _tried(bucket, key, lambda: get(bucket, key)[0])
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Harmed(bucket, key, CHANGED)
    return content


def check(bucket: str, key: str, sha256: str) -> None:
    """Reads an object, a part at a time, and sees that it has this hash.

    Raises:
        Harmed: as `whole`.
    """
    if _tried(bucket, key, lambda: look(bucket, key).sha256) != sha256:
        raise Harmed(bucket, key, CHANGED)


def _tried(bucket: str, key: str, have: Callable[[], Had]) -> Had:
    try:
        try:
            return have()
        except _CUT_OFF:  # as a network does now and then; boto3 tries again only what was not begun
            return have()
    except (ClientError, *_CUT_OFF) as problem:
        if reason := reason_for_one(problem, bucket):
            raise Harmed(bucket, key, reason) from problem
        raise


def delete(bucket: str, keys: list[str]) -> None:
    """Removes objects, a thousand at a time."""
    for start in range(0, len(keys), 1000):
        chunk = [{"Key": key} for key in keys[start : start + 1000]]
        client().delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})

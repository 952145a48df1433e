"""The object store: the inbox, the write-once archive, the records and the exports, over S3 with boto3."""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from . import airflow_connections, settings

# S3's own name for bytes. SeaweedFS squeezes an object without a type on every write, which takes longer than the rest.
BYTES = "binary/octet-stream"


_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412")


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
    """
    answer = client().get_object(Bucket=bucket, Key=key, **({"IfMatch": etag} if etag else {}))
    return answer["Body"].read(), answer.get("Metadata", {})


def put_once(bucket: str, key: str, content: bytes, metadata: dict[str, str] | None = None) -> bool:
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


def cached(bucket: str, key: str, sha256: str) -> Path:
    """A local copy of an object, kept by its hash; a copy whose bytes do not match is never used but fetched anew.

    Raises:
        RuntimeError: the object itself is not what was recorded.
    """
    path = _place(sha256)
    if _is_whole(path, sha256):
        return path
    content, _ = get(bucket, key)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RuntimeError(
            f"Object {key} in bucket {bucket} is not what was recorded: its bytes have changed. Restore it from a backup."
        )
    return keep(content, sha256)


def content(bucket: str, key: str, sha256: str) -> bytes:
    """An object's bytes, from the cache if they are there unharmed."""
    return cached(bucket, key, sha256).read_bytes()


def kept_under(name: str) -> Path | None:
    """The local file that was made under a name (see `keep_under`), if it is there unharmed."""
    for path in _place(name).parent.glob(f"{name}.*"):
        if _is_whole(path, path.suffix[1:]):
            return path
    return None


def keep_under(name: str, content: bytes) -> Path:
    """Puts bytes that were made here into the cache under a name: the hash of what they were made of."""
    return _keep(content, _place(f"{name}.{hashlib.sha256(content).hexdigest()}"))


def keep(content: bytes, sha256: str) -> Path:
    """Puts bytes into the cache under their hash."""
    return _keep(content, _place(sha256))


def _place(name: str) -> Path:
    return settings.load().cache / name[:2] / name


def _is_whole(path: Path, sha256: str) -> bool:
    """Whether a local copy is there with the bytes that it should have; it counts as used then, so that `forget` leaves it."""
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return False
    except FileNotFoundError:
        return False
    with contextlib.suppress(OSError):  # a cache that can only be read serves all the same
        os.utime(path)
    return True


def _keep(content: bytes, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise
    return path


def forget(seconds: float) -> int:
    """Removes local copies that nobody has used for so long; returns how many. They come back when they are asked for."""
    before, removed = time.time() - seconds, 0
    for path in settings.load().cache.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


def delete(bucket: str, keys: list[str]) -> None:
    """Removes objects, a thousand at a time."""
    for start in range(0, len(keys), 1000):
        chunk = [{"Key": key} for key in keys[start : start + 1000]]
        client().delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})

"""Where the services are: environment variables, or connections of Airflow where they are not set."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import airflow_connections

MOST_MB = 64  # of a file; the largest that is published has 18


class Unconfigured(RuntimeError):
    """A setting is missing; the message names it and says where it comes from."""


@dataclass(frozen=True)
class Settings:
    """Addresses and names of the services in use."""

    warehouse_url: str
    warehouse_owner_url: str
    s3: airflow_connections.S3Connection
    inbox: str
    archive: str
    records: str
    exports: str
    cache: Path


def load() -> Settings:
    """The settings of this process.

    Raises:
        Unconfigured: when a needed variable is not set.
    """
    warehouse_url = (
        os.environ.get("TB_WAREHOUSE_URL") or airflow_connections.warehouse_url() or _need("TB_WAREHOUSE_URL")
    )
    return Settings(
        warehouse_url=warehouse_url,
        # Only `prepare` and `restore` need it. Where one role is owner and pipeline, one address is enough.
        warehouse_owner_url=os.environ.get("TB_WAREHOUSE_OWNER_URL") or warehouse_url,
        s3=_s3(),
        inbox=os.environ.get("TB_BUCKET_INBOX", "inbox"),
        archive=os.environ.get("TB_BUCKET_ARCHIVE", "archive"),
        records=os.environ.get("TB_BUCKET_RECORDS", "records"),
        exports=os.environ.get("TB_BUCKET_EXPORTS", "exports"),
        cache=Path(_need("TB_CACHE")),
    )


def largest_file() -> int:
    """How many bytes a file from outside may have; a larger one is held without being read (TB_LARGEST_FILE_MB).

    Raises:
        Unconfigured: it is not a number from 1 to `MOST_MB`, beyond which no file can be read in the memory that reading has.
    """
    given = os.environ.get("TB_LARGEST_FILE_MB") or str(MOST_MB)
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= MOST_MB:
        raise Unconfigured(f"TB_LARGEST_FILE_MB is '{given[:20]}'. Expected a whole number from 1 to {MOST_MB}.")
    return int(given) * 1024 * 1024


def _s3() -> airflow_connections.S3Connection:
    """TB_S3_ENDPOINT (empty: AWS itself) and TB_S3_KEY; else Airflow's connection; else AWS with what boto3 finds."""
    endpoint, key = os.environ.get("TB_S3_ENDPOINT", ""), os.environ.get("TB_S3_KEY")
    region = os.environ.get("TB_S3_REGION")
    if endpoint or key:
        secret = _need("TB_S3_SECRET") if key else None
        return airflow_connections.S3Connection(endpoint, key, secret, region=region)
    return airflow_connections.s3() or airflow_connections.S3Connection(region=region)


def _need(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Unconfigured(
            f"{name} is not set. `make run` sets it for the embedded services; elsewhere set it in the environment."
        )
    return value

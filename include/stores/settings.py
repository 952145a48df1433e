"""Where the services are: environment variables, or what `make run` wrote to the state folder (standard library only)."""

import os
from dataclasses import dataclass
from pathlib import Path


class Unconfigured(RuntimeError):
    """A setting is missing; the message names it and says where it comes from."""


@dataclass(frozen=True)
class Settings:
    """Addresses and names of the services in use."""

    warehouse_url: str
    s3_endpoint: str
    s3_key: str
    s3_secret: str
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
    return Settings(
        warehouse_url=_need("TB_WAREHOUSE_URL"),
        s3_endpoint=os.environ.get("TB_S3_ENDPOINT", ""),  # empty: AWS itself
        s3_key=_need("TB_S3_KEY"),
        s3_secret=_need("TB_S3_SECRET"),
        inbox=os.environ.get("TB_BUCKET_INBOX", "inbox"),
        archive=os.environ.get("TB_BUCKET_ARCHIVE", "archive"),
        records=os.environ.get("TB_BUCKET_RECORDS", "records"),
        exports=os.environ.get("TB_BUCKET_EXPORTS", "exports"),
        cache=Path(_need("TB_CACHE")),
    )


def _need(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Unconfigured(
            f"{name} is not set. `make run` sets it for the embedded services; elsewhere set it in the environment."
        )
    return value

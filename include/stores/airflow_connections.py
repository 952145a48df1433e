"""The stores by Airflow's connections, for processes of Airflow whose environment does not name them.

A connection may stand in Airflow's database, in AIRFLOW_CONN_* or in any secrets back end; Airflow looks them up.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from airflow.sdk import Connection

WAREHOUSE = "trust_benchmarks_warehouse"
S3 = "trust_benchmarks_s3"


@dataclass(frozen=True)
class S3Connection:
    """Where the object store is and who asks; without a key boto3 finds one, such as the role of the machine."""

    endpoint: str = ""
    key: str | None = None
    secret: str | None = None
    session_token: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class SftpConnection:
    """Who asks a partner's SFTP server, and the key that the server must show."""

    host: str = ""
    port: int | None = None
    login: str | None = None
    password: str | None = None
    private_key: str | None = None
    passphrase: str | None = None
    key_file: str | None = None
    host_key: str = ""


def warehouse_url() -> str | None:
    """The connection `trust_benchmarks_warehouse` (type Postgres) as a URL for libpq; None where there is none."""
    found = _connection(WAREHOUSE)
    if found is None:
        return None
    who = ":".join(quote(part, safe="") for part in (found.login, found.password) if part)
    options = {name: value for name, value in found.extra_dejson.items() if isinstance(value, str)}
    port = f":{found.port}" if found.port else ""
    address = f"postgresql://{who}{'@' if who else ''}{found.host or ''}{port}/{quote(found.schema or '', safe='')}"
    return f"{address}?{urlencode(options)}" if options else address


def s3(name: str = S3) -> S3Connection | None:
    """A connection of the type Amazon Web Services, with its extras; None where there is none."""
    found = _connection(name)
    if found is None:
        return None
    extra = found.extra_dejson
    return S3Connection(
        endpoint=extra.get("endpoint_url") or "",
        key=found.login or extra.get("aws_access_key_id") or None,
        secret=found.password or extra.get("aws_secret_access_key") or None,
        session_token=extra.get("aws_session_token") or None,
        region=extra.get("region_name") or None,
    )


def sftp(name: str) -> SftpConnection | None:
    """A connection of the type SFTP, with its extras as Airflow names them; None where there is none."""
    found = _connection(name)
    if found is None:
        return None
    extra = found.extra_dejson
    return SftpConnection(
        host=found.host or "",
        port=found.port,
        login=found.login or None,
        password=found.password or None,
        private_key=extra.get("private_key") or None,
        passphrase=extra.get("private_key_passphrase") or None,
        key_file=extra.get("key_file") or None,
        host_key=extra.get("host_key") or "",
    )


def _connection(conn_id: str) -> "Connection | None":
    if "airflow" not in sys.modules:  # it takes seconds to load, and has no connections where it does not run
        return None
    # Only where Airflow runs, which has loaded it already.
    from airflow.sdk import BaseHook  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None

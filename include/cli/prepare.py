"""What an installation needs once, and again after an upgrade: databases and roles, buckets, schemas, reference data, pools.

Every step leaves as it is what is there already, so that it may run at each start.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import Refused

if TYPE_CHECKING:
    import psycopg

# Database, and the role of the same name that owns it: where its password is.
DATABASES = {"airflow": "TB_AIRFLOW_DATABASE_PASSWORD", "warehouse": "TB_WAREHOUSE_PASSWORD"}
BUCKETS = {
    "TB_BUCKET_INBOX": "inbox",
    "TB_BUCKET_ARCHIVE": "archive",
    "TB_BUCKET_RECORDS": "records",
    "TB_BUCKET_EXPORTS": "exports",
}
# Who may sign in by Airflow's simple log in: the role, and where the password is. On the desk a user decides and an op approves.
USERS = {
    "admin": ("admin", "TB_AIRFLOW_PASSWORD"),
    "viewer": ("viewer", "TB_AIRFLOW_VIEWER_PASSWORD"),
    "steward": ("user", "TB_AIRFLOW_STEWARD_PASSWORD"),
    "approver": ("op", "TB_AIRFLOW_APPROVER_PASSWORD"),
}
# The pools that the DAGs name: slots, and what they are for.
POOLS = {
    "warehouse": (4, "Tasks that write figures or lists into the warehouse."),
    "fetching": (2, "Looks at publishers; they wait most of the time."),
    "reading": (4, "Tasks that read and validate files; they take processor and memory."),
}


def run() -> None:
    """Prepares the services that the environment names (docker-compose.yml shows how).

    Raises:
        Refused: when a setting is missing; the text names it.
    """
    import psycopg

    from ..ingest import reference_load
    from ..stores import objects, warehouse

    with psycopg.connect(_need("TB_POSTGRES_URL"), autocommit=True) as superuser:
        create_databases(superuser, {name: _need(secret) for name, secret in DATABASES.items()})
    create_buckets(objects.client(), [os.environ.get(variable, name) for variable, name in BUCKETS.items()])
    _airflow("db", "migrate")
    warehouse.migrate()
    reference_load.refresh()
    _make_pools()
    passwords = {variable: _need(variable) for _, variable in USERS.values()}
    write_passwords(_need("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"), passwords)
    print("Prepared: databases, buckets, schemas, reference data, pools.")


def create_databases(superuser: "psycopg.Connection[Any]", passwords: Mapping[str, str]) -> None:
    """Creates the databases and the roles of the same names that own them, where they are missing.

    Args:
        superuser: a connection with autocommit.
        passwords: by the name of the database.
    """
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import make_conninfo

    from ..sql import text
    from ..stores import warehouse

    roles = {row[0] for row in superuser.execute("SELECT rolname FROM pg_roles")}
    have = {row[0] for row in superuser.execute("SELECT datname FROM pg_database")}
    for name, password in passwords.items():
        role = sql.Identifier(name)
        if name not in roles:
            superuser.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(role))
            warehouse.set_password(superuser, name, password)
        if name not in have:
            superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
    address = make_conninfo(superuser.info.dsn, password=superuser.info.password, dbname="warehouse")
    with psycopg.connect(address, autocommit=True) as in_warehouse:
        in_warehouse.execute(text("prepare/reserve_functions"))
    # Readers of the warehouse have no business in Airflow's own database.
    superuser.execute("REVOKE CONNECT ON DATABASE airflow, postgres FROM PUBLIC")
    # What Airflow notes about its tasks may lag the disk by a moment: every task can run twice anyway.
    superuser.execute("ALTER ROLE airflow SET synchronous_commit = off")


def create_buckets(s3: Any, names: list[str]) -> None:
    """Creates the buckets that are missing, through a boto3 S3 client."""
    have = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for name in set(names) - have:
        s3.create_bucket(Bucket=name)


def write_passwords(file: Path | str, settings: Mapping[str, str]) -> None:
    """Writes the file from which Airflow's simple log in reads its users' passwords; nobody else may read it."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({name: settings[variable] for name, (_, variable) in USERS.items()}, out)


def _make_pools() -> None:
    """Makes the pools that are missing, all in one start of Airflow; the others keep the size that somebody gave them."""
    import psycopg

    with psycopg.connect(_need("TB_POSTGRES_URL"), dbname="airflow") as database:
        have = {name for (name,) in database.execute("SELECT pool FROM slot_pool")}
    missing = {
        name: {"slots": slots, "description": words} for name, (slots, words) in POOLS.items() if name not in have
    }
    if missing:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(missing, file)
            file.flush()
            _airflow("pools", "import", file.name)


def _airflow(*command: str) -> None:
    subprocess.run([sys.executable, "-m", "airflow", *command], check=True)


def _need(name: str) -> str:
    if not os.environ.get(name):
        raise Refused(f"{name} is not set; docker-compose.yml shows what it is.")
    return os.environ[name]

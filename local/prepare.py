"""Prepares services that somebody else runs (docker-compose.yml, a cluster): everything that is needed once, safe to repeat.

`python -m trust_benchmarks_local.prepare`: the databases and their roles, the buckets, Airflow's schema and the warehouse's,
the reference data, the pools, and the file with the passwords of Airflow's users. Reads the environment; see docker-compose.yml.
"""

import os
import subprocess
import sys

from trust_benchmarks_local import Trouble, airflow, objects, postgres


def main() -> None:
    import psycopg
    from trust_benchmarks.ingest import reference_load
    from trust_benchmarks.stores import warehouse

    with psycopg.connect(_need("TB_POSTGRES_URL"), autocommit=True) as superuser:
        postgres.create_databases(superuser, {name: _need(secret) for name, secret in postgres.DATABASES.items()})
    objects.create_buckets({**objects.BUCKETS, **os.environ})
    _airflow("db", "migrate")
    warehouse.migrate()
    reference_load.refresh()
    for name, (slots, description) in airflow.POOLS.items():
        _airflow("pools", "set", name, str(slots), description)
    passwords = {variable: _need(variable) for _, variable in airflow.USERS.values()}
    airflow.write_passwords(_need("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"), passwords)
    print("Prepared: databases, buckets, schemas, reference data, pools.")


def _airflow(*command: str) -> None:
    subprocess.run([sys.executable, "-m", "airflow", *command], check=True)


def _need(name: str) -> str:
    if not os.environ.get(name):
        raise Trouble(f"{name} is not set; docker-compose.yml shows what it is.")
    return os.environ[name]


if __name__ == "__main__":
    try:
        main()
    except Trouble as problem:
        sys.exit(str(problem))

"""Prepares services that somebody else runs (docker-compose.yml, a cluster): everything that is needed once, safe to repeat.

`python -m trust_benchmarks.local.prepare`: the databases and their roles, the buckets, Airflow's schema and the warehouse's,
the reference data, the pools, and the file with the password of Airflow's user. Reads the environment; see docker-compose.yml.
"""

import json
import os
import subprocess
import sys

from trust_benchmarks.local import Trouble, airflow, objects, postgres


def main() -> None:
    import psycopg
    from trust_benchmarks.pipeline import reference_load
    from trust_benchmarks.stores import warehouse

    with psycopg.connect(_need("TB_POSTGRES_URL"), autocommit=True) as superuser:
        postgres.create_databases(superuser, {name: _need(secret) for name, secret in postgres.DATABASES.items()})
    objects.create_buckets({**objects.BUCKETS, **os.environ})
    _airflow("db", "migrate")
    warehouse.migrate()
    reference_load.refresh()
    for name, (slots, description) in airflow.POOLS.items():
        _airflow("pools", "set", name, str(slots), description)
    file = _need("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({airflow.USER: _need("TB_AIRFLOW_PASSWORD")}, out)
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

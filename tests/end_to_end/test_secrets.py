"""After a whole run no secret is where others can read it: logs, the list of processes, the databases, files that are not the owner's alone."""

import mmap

import psycopg
import pytest
from psycopg import sql as pgsql
from trust_benchmarks_local import services
from trust_benchmarks_local.state import SECRETS, State

pytestmark = [pytest.mark.timeout(1200)]
OTHERS = ("TB_AIRFLOW_FERNET_KEY",)


@pytest.fixture(scope="module")
def secrets(sampled) -> dict[str, str]:
    """What is secret in this run, by its name."""
    settings = State(sampled[0].state).read()
    found = {name: settings[name] for name in (*SECRETS, *OTHERS)}
    assert len(set(found.values())) == len(found) > 15 and min(map(len, found.values())) >= 20
    return found


def held(secrets: dict[str, str], content) -> set[str]:
    """The names of secrets that some bytes hold."""
    return {name for name, secret in secrets.items() if content.find(secret.encode()) >= 0}


def in_file(secrets: dict[str, str], path) -> set[str]:
    if not path.stat().st_size:
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return held(secrets, content)


def test_no_log_holds_one(sampled, secrets):
    logs = [path for path in (sampled[0].state / "logs").rglob("*") if path.is_file()]
    assert len(logs) > 50 and sum(path.stat().st_size for path in logs) > 100_000
    assert {str(path): found for path in logs if (found := in_file(secrets, path))} == {}


def test_no_command_line_held_one(sampled, secrets):
    commands = sampled[0].commands
    assert any("postgres" in one for one in commands) and any("weed" in one for one in commands)
    assert any("airflow" in one for one in commands)
    assert {one[:80]: found for one in commands if (found := held(secrets, one.encode()))} == {}


def test_what_holds_one_is_for_its_owner_alone(sampled, secrets):
    """Every file below the state folder, the databases' and the object store's own among them."""
    state = sampled[0].state
    assert state.stat().st_mode & 0o077 == 0
    holding = {path: found for path in state.rglob("*") if path.is_file() and (found := in_file(secrets, path))}
    assert {path.name for path in holding} >= {"settings.env", "s3.json", "passwords.json"}
    assert {str(path): oct(path.stat().st_mode) for path in holding if path.stat().st_mode & 0o077} == {}
    assert {str(path.relative_to(state)) for path in holding} <= {
        "settings.env",
        "identities/s3.json",
        "airflow/passwords.json",
    }


def test_no_row_of_a_database_holds_one(sampled, secrets):
    """Neither the warehouse nor Airflow's own: no variable, connection, note or rendered argument."""
    with services.running(sampled[0].state) as settings:
        looked = 0
        for name in ("TB_WAREHOUSE_OWNER_URL", "TB_AIRFLOW_DATABASE_URL"):
            with psycopg.connect(State(sampled[0].state).read()[name]) as connection:
                tables = connection.execute(
                    "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
                ).fetchall()
                for table in tables:
                    query = pgsql.SQL("SELECT t::text FROM {} t WHERE t::text LIKE ANY (%s) LIMIT 1").format(
                        pgsql.Identifier(*table)
                    )
                    assert connection.execute(query, [[f"%{one}%" for one in secrets.values()]]).fetchall() == [], table
                looked += len(tables)
        assert looked > 100 and settings["TB_WAREHOUSE_URL"]

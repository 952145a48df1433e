"""What each role of the warehouse may do, tried as that role, and the list of rights against what the code writes."""

import re
from pathlib import Path

import flow
import psycopg
import pytest
import trust_benchmarks
from psycopg import errors
from trust_benchmarks.cli import prepare
from trust_benchmarks.measures import measure
from trust_benchmarks.stores import warehouse

pytestmark = pytest.mark.usefixtures("shared_world")
CODE = Path(trust_benchmarks.__file__).parent
MOVE = {"counting", "current_release"}  # pointers
REPLACED = {
    "board_coverage", "cohort", "contradiction", "holiday", "metric", "plan_outcome", "programme_event", "provider", "provider_name",
    "reason", "recommendation", "recurring_event", "succession", "timeline",
}  # fmt: skip
COMPUTED = {"fingerprint", "fingerprint_change"}
# Written by triggers, by functions that run with their owner's rights, or by migrations.
NOT_BY_HAND = {
    "audit", "counting_log", "decision_kind", "decision_move", "decision_possible", "event", "event_kind", "event_withdrawal", "history",
    "message_waiting", "published_version", "release_log", "rule_limit", "fingerprint_change",
    "contact", "contact_provider", "room_action", "room_ask", "room_draft", "room_link", "room_link_use", "room_receipt", "room_sending",
    "preview_response", "reply_refusal", "reply_taken", "room_sending_lost", "room_sending_reply", "room_session", "room_session_end", "saved_filter",
}  # fmt: skip
BY_COLUMN = {"decision", "verdict"}
TABLES = """SELECT c.relname::text, has_table_privilege('pipeline', c.oid, 'INSERT'), has_table_privilege('pipeline', c.oid, 'UPDATE'),
    has_table_privilege('pipeline', c.oid, 'DELETE'), has_table_privilege('pipeline', c.oid, 'TRUNCATE'),
    has_table_privilege('pipeline', c.oid, 'TRIGGER'), has_any_column_privilege('pipeline', c.oid, 'INSERT'),
    EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'facts')
  FROM pg_class c WHERE c.relnamespace = 'core'::regnamespace AND c.relkind IN ('r', 'p')"""


@pytest.fixture(scope="module")
def tables(shared_world) -> list[tuple]:
    with warehouse.connect() as connection:
        return connection.execute(TABLES).fetchall()


def test_the_pipeline_connects_as_its_own_role_which_owns_nothing_and_is_in_no_other():
    assert flow.rows("SELECT current_user::text, session_user::text") == [("pipeline", "pipeline")]
    owned = """SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
               WHERE d.deptype = 'o' AND r.rolname = 'pipeline'"""
    assert flow.value(owned) == 0
    member = "SELECT rolname::text FROM pg_roles WHERE rolname <> 'pipeline' AND pg_has_role('pipeline', oid, 'MEMBER')"
    assert flow.rows(member) == [("published_commercial",)]
    can = "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = 'pipeline'"
    assert flow.rows(can) == [(False,) * 5]


def test_facts_are_added_pointers_move_and_nothing_else_changes(tables):
    assert len(tables) > 60
    assert {name for name, *_, truncate, trigger, _, _ in tables if truncate or trigger} == set()
    assert {name for name, _, update, *_ in tables if update} == MOVE | {"fingerprint"}
    assert {name for name, _, _, delete, *_ in tables if delete} == MOVE | REPLACED | COMPUTED
    facts = {name for name, *_, is_fact in tables if is_fact}
    assert len(facts) > 45 and not facts & (MOVE | REPLACED | COMPUTED)
    assert {name for name, insert, *_ in tables if not insert} == NOT_BY_HAND | BY_COLUMN
    assert {name for name, *_, column, _ in tables if column and name in BY_COLUMN} == BY_COLUMN


def test_every_table_that_the_pipeline_may_write_is_written_by_it(tables):
    """A right that nothing uses is one too many; a table that code writes without the right fails in the tests of that code."""
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in [*CODE.rglob("*.py"), *CODE.rglob("*.sql")]
        if path.parent.name not in ("migrations", "rights")
    )
    results = {"cross_findings": "cross_finding", "prices_position": "price_position", "prices_spread": "price_spread"}
    made = {results.get(name, name) for name in measure.OUTPUTS} | {name.removesuffix("s") for name in measure.OUTPUTS}
    for name, insert, update, delete, *_ in tables:
        into = rf"INSERT INTO core\.{name}\b|[\"']{name}[\"']"
        assert not insert or name in made | COMPUTED or re.search(into, text), name
        if name in MOVE:
            assert re.search(rf"(DELETE FROM|UPDATE) core\.{name}\b", text) and update and delete, name
    of_the_desk = {"saved_filter"}  # by its own role
    assert set(re.findall(r"DELETE FROM core\.(\w+)", text)) <= MOVE | REPLACED | of_the_desk
    assert re.findall(r"\bTRUNCATE (\S+)", text) == ['{}").format(every))'], "only a restore may, as the owner"


def test_the_pipeline_may_take_the_locks_that_its_code_takes_and_no_others():
    named = {
        one
        for path in [*CODE.rglob("*.py"), *CODE.rglob("*.sql")]
        if path.parent.name not in ("migrations", "rights", "prepare")
        for one in re.findall(r"\bpg_(?:try_)?advisory_\w+", path.read_text(encoding="utf-8"))
    }
    may = """SELECT proname::text FROM pg_proc WHERE proname ~ '^pg_(try_)?advisory_' AND pronamespace = 'pg_catalog'::regnamespace
             AND has_function_privilege('pipeline', oid, 'EXECUTE')"""
    assert {name for (name,) in flow.rows(may)} == named


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE core.submission",
        "TRUNCATE core.counting",
        "ALTER TABLE core.submission DISABLE TRIGGER facts",
        "ALTER TABLE core.current_release DISABLE TRIGGER ALL",
        "DROP TRIGGER facts ON core.decision",
        "DROP TABLE core.measure",
        "ALTER TABLE core.measure ADD COLUMN more text",
        "SET session_replication_role = 'replica'",
        "CREATE TABLE published.mine (x int)",
        "CREATE TABLE core.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE VIEW published.mine AS SELECT 1",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "ALTER ROLE dashboard_reader PASSWORD 'x'",
        "ALTER FUNCTION core.today() OWNER TO pipeline",
        "CREATE OR REPLACE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET ROLE warehouse",
        "SET ROLE steward_desk",
        "SET ROLE release_pruner",
        "UPDATE core.history SET valid_to = now()",
        "INSERT INTO core.counting_log (since) VALUES (now())",
        "INSERT INTO core.release_log (collection, period, published_at) VALUES ('workforce', '2025-06', now())",
        "INSERT INTO core.event SELECT * FROM core.event",
        "SELECT core.add_event('x', '{}'::jsonb)",
        "UPDATE public.migration SET sha256 = 'x'",
        "SELECT lo_create(0)",
        "COPY core.submission TO PROGRAM 'true'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_the_pipeline_is_refused(statement):
    with pytest.raises((errors.InsufficientPrivilege, errors.WrongObjectType)), warehouse.connect() as connection:
        connection.execute(statement)


def test_no_fact_is_changed_or_removed_by_the_pipeline(tables):
    for name, *_, is_fact in tables:
        if not is_fact:
            continue
        (column,) = flow.rows(
            "SELECT column_name::text FROM information_schema.columns WHERE (table_schema, table_name, is_identity) = ('core', %s, 'NO') LIMIT 1", [name]
        )[0]  # fmt: skip
        for statement in (f"DELETE FROM core.{name}", f"UPDATE core.{name} SET {column} = {column}"):
            if name == "collection" and statement.startswith("UPDATE"):
                continue  # its title may be another
            with pytest.raises(errors.InsufficientPrivilege), warehouse.connect() as connection:
                connection.execute(statement)


@pytest.fixture(scope="module")
def held(shared_world) -> str:
    """A return that waits for a decision."""

    def break_it(rows):
        rows[0]["headcount"] = "many"

    flow.put_return("RA9", "2025-06", flow.workforce("RA9", "2025-06", change=break_it))
    flow.take_in()
    return flow.value("SELECT submission_id FROM core.submission")


DECIDE = "INSERT INTO core.decision (kind, author, submission_id, reason) VALUES ('comment', 'amy', %s, 'Words.')"


def test_the_pipeline_tries_a_decision_and_cannot_keep_it(held):
    with warehouse.connect() as connection:
        connection.execute(DECIDE, [held])
        assert connection.execute("SELECT count(*) FROM core.decision").fetchone() == (1,)
        connection.rollback()
    with (
        pytest.raises(errors.InsufficientPrivilege, match="previews decisions and keeps none"),
        warehouse.connect() as connection,
    ):
        connection.execute(DECIDE, [held])
    with pytest.raises(errors.InsufficientPrivilege, match="keeps none"), warehouse.connect() as connection:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        connection.execute(DECIDE, [held])
    assert flow.value("SELECT count(*) FROM core.decision") == 0
    with flow.as_desk() as connection:
        connection.execute(DECIDE, [held])
    assert flow.value("SELECT count(*) FROM core.decision") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO core.measure SELECT * FROM core.measure",
        "INSERT INTO core.submission SELECT * FROM core.submission",
        "DELETE FROM core.counting",
        "UPDATE core.counting SET rules_version = 'x'",
        "DELETE FROM core.current_release",
        "INSERT INTO core.release_verdict (release_key, verdict, person, reason) VALUES (1, 'released', 'x', 'y')",
        "DELETE FROM core.decision",
        "ALTER TABLE core.decision DISABLE TRIGGER ALL",
        "TRUNCATE core.decision",
        "SET ROLE pipeline",
        "SELECT pg_advisory_lock(1)",
        "CREATE TABLE published.mine (x int)",
    ],
)
def test_the_desk_is_refused(statement):
    with pytest.raises(errors.InsufficientPrivilege), flow.as_desk() as connection:
        connection.execute(statement)


def test_every_role_that_logs_in_has_limits():
    found = dict(
        flow.rows("SELECT rolname::text, rolconnlimit FROM pg_roles WHERE rolname = ANY(%s)", [list(warehouse.ROLES)])
    )
    assert found.keys() == set(warehouse.ROLES) and all(0 < limit <= 120 for limit in found.values())
    asked = "SELECT current_setting(n) FROM unnest(ARRAY['statement_timeout', 'idle_in_transaction_session_timeout']) n"
    for role in warehouse.ROLES:
        with warehouse.connect(role) as connection:
            assert all(value != "0" for (value,) in connection.execute(asked)), role


def test_rights_are_given_anew_after_migrations_and_another_right_is_taken_back():
    with flow.as_owner() as connection:
        connection.execute("GRANT UPDATE, TRUNCATE ON core.submission TO pipeline")
        connection.execute("GRANT CREATE ON SCHEMA published TO pipeline")
    assert flow.value("SELECT has_table_privilege('pipeline', 'core.submission', 'TRUNCATE')")
    assert warehouse.migrate() == []
    assert not flow.value("SELECT has_table_privilege('pipeline', 'core.submission', 'TRUNCATE')")
    assert not flow.value("SELECT has_schema_privilege('pipeline', 'published', 'CREATE')")


def test_one_address_is_enough_where_one_role_is_owner_and_pipeline(shared_world, monkeypatch):
    """As before there were roles: the owner's address in TB_WAREHOUSE_URL, and no other."""
    monkeypatch.setenv("TB_WAREHOUSE_URL", shared_world["TB_WAREHOUSE_OWNER_URL"])
    monkeypatch.delenv("TB_WAREHOUSE_OWNER_URL")
    assert warehouse.migrate() == []
    with warehouse.connect(warehouse.OWNER) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("warehouse",)


def test_a_password_is_in_no_statement(shared_world):
    """What a server logs of its statements has the hash that it keeps, never the password."""
    seen = []
    with flow.as_owner() as connection:
        execute = connection.execute
        connection.execute = lambda query, *rest: (seen.append(query.as_string(connection)), execute(query, *rest))[1]
        warehouse.set_password(connection, "pipeline", shared_world["TB_PIPELINE_PASSWORD"])
        del connection.execute
    assert len(seen) == 1 and "SCRAM-SHA-256" in seen[0] and shared_world["TB_PIPELINE_PASSWORD"] not in seen[0]
    with psycopg.connect(shared_world["TB_WAREHOUSE_URL"]) as connection:
        connection.execute("SELECT 1")


def test_the_owner_is_named_where_tables_are_made_and_nowhere_else():
    named = {
        path.relative_to(CODE).as_posix()
        for path in CODE.rglob("*.py")
        if re.search(r"\bOWNER\)|TB_WAREHOUSE_OWNER_URL", path.read_text(encoding="utf-8"))
    }
    assert named == {"stores/settings.py", "stores/warehouse.py", "operations/restore.py", "operations/doctor.py"}
    assert "TB_PIPELINE_PASSWORD" not in {variable for _, variable in prepare.USERS.values()}

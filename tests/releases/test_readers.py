"""What readers of schema published are promised: versions that stay as they are, and prices of single trusts for those who may see them."""

import contextlib

import flow
import psycopg
import pytest
from psycopg import errors
from test_as_at import MADE, make
from trust_benchmarks.releases import export
from trust_benchmarks.sql import text, versions
from trust_benchmarks.stores import objects, settings, warehouse

PRICES = "SELECT provider_code, unit_price_gbp FROM {}"
COMMERCIAL = (
    "published.price_comparison",
    "published_v1.price_comparison",
)
SPREAD = (
    "published.price_spread",
    "published_v1.price_spread",
)


@pytest.fixture(scope="module", autouse=True)
def made(shared_world):
    """A made-up release with a row in every table."""
    with warehouse.connect() as connection:
        make(connection, "made_up-1", 4.5)
        flow.point(connection, *MADE, "made_up-1")
    return shared_world


@contextlib.contextmanager
def superuser(world):
    """A superuser's connection whose work is rolled back: rights belong to the whole server, which other tests use too."""
    url = f"postgresql://postgres:{world['TB_POSTGRES_PASSWORD']}@127.0.0.1:{world['TB_PORT_POSTGRES']}"
    with psycopg.connect(f"{url}/{world['TB_WAREHOUSE_URL'].rpartition('/')[2]}") as connection:
        yield connection
        connection.rollback()


# Commercial data ----------------------------------------------------------------------------------------------------


def test_the_readers_we_make_see_each_trusts_prices(made):
    for role in ("dashboard_reader", "steward_reader", "steward_desk"):
        with flow.connect_as(role, warehouse.ROLES[role]) as reader:
            assert [reader.execute(PRICES.format(one)).fetchall() for one in COMMERCIAL] == [[("P", 4.5)]] * 2


@pytest.mark.parametrize("how", ["SET LOCAL SESSION AUTHORIZATION dashboard_reader", "SET LOCAL ROLE dashboard_reader"])
def test_who_is_no_member_any_more_sees_the_spread_alone(made, how):
    with superuser(made) as connection:
        connection.execute("REVOKE published_commercial FROM dashboard_reader GRANTED BY warehouse")
        connection.execute(how)
        for one in COMMERCIAL:
            assert connection.execute(PRICES.format(one)).fetchall() == [], one
        for one in SPREAD:
            assert connection.execute(f"SELECT product_code, median FROM {one}").fetchall() == [("1", 4.5)], one
        # Nothing else is kept from them, and what is kept is not to be had by asking below.
        assert connection.execute("SELECT count(*) FROM published.measures").fetchone() == (1,)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM core.price_position")


def test_the_owner_can_take_it_and_give_it_back(made):
    member = "SELECT pg_has_role('dashboard_reader', 'published_commercial', 'MEMBER')"
    with flow.as_owner() as connection:
        for change, expected in (("REVOKE {} FROM", False), ("GRANT {} TO", True)):
            connection.execute(change.format("published_commercial") + " dashboard_reader")
            assert connection.execute(member).fetchone() == (expected,)
        connection.rollback()


def test_exports_keep_commercial_tables_apart(made):
    with warehouse.connect() as connection:
        make(connection, "workforce-made", 1.0, "workforce", "2025-05")
        flow.point(connection, "workforce", "2025-05", "workforce-made")
    export.export("workforce", "2025-05")
    keys = {one.key for one in objects.listing(settings.load().exports, "workforce-made/")}
    apart = {f"workforce-made/commercial/price_comparison.{form}" for form in ("csv", "parquet")}
    assert {key for key in keys if "commercial" in key or "price_comparison" in key} == apart
    assert "workforce-made/price_spread.csv" in keys


# Versions side by side ------------------------------------------------------------------------------------------------


def test_version_1_is_written_from_the_contract_and_the_warehouse_has_it(made):
    with warehouse.connect() as connection:
        promised = versions.promised(connection)[1]
        now = versions.text(connection, 2)
    described = {name: [c.name for c in view.columns] for name, view in flow.published_views().items()}
    assert now.count("CREATE VIEW published_v2.") == len(described) - 1  # all but published.versions
    sql = text("migrations/11_published_v1")
    for view, columns in promised.items():
        assert set(columns) <= set(described[view]), f"version 1 promises columns that published.{view} no longer has"
        assert versions.of_view(1, view, columns) in sql
    columns = """SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position), array_agg(data_type::text ORDER BY ordinal_position)
                 FROM information_schema.columns WHERE table_schema = %s GROUP BY 1"""
    kept = {name: (names, types) for name, names, types in flow.rows(columns, ["published_v1"])}
    newest = {name: dict(zip(names, types, strict=True)) for name, names, types in flow.rows(columns, ["published"])}
    assert {name: names for name, (names, _) in kept.items()} == promised and len(promised) > 15
    for name, (names, types) in kept.items():
        assert [newest[name][column] for column in names] == types, name


def test_what_the_contract_says_is_never_null_is_not(made):
    for view in flow.published_views().values():
        required = [column.name for column in view.columns if column.required]
        empty = " OR ".join(f"{column} IS NULL" for column in required) or "false"
        assert flow.value(f"SELECT count(*) FROM published.{view.name} WHERE {empty}") == 0, view.name
        if view.key:
            named = f"SELECT count(*), count(DISTINCT ({', '.join(view.key)})) FROM published.{view.name}"
            ((rows, different),) = flow.rows(named)
            assert rows == different, view.name


def test_a_reader_reads_version_1_and_which_versions_there_are(made):
    with flow.connect_as("dashboard_reader", "TB_READER_PASSWORD") as reader:
        asked = "SELECT metric_id, value, suppressed FROM {}.measures WHERE collection = 'made_up'"
        assert reader.execute(asked.format("published_v1")).fetchall() == [("M", 4.5, False)]
        found = reader.execute("SELECT version, schema_name, ends_on FROM published.versions").fetchall()
        assert found == [(number, versions.schema(number), None) for number in versions.promised(reader)]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("DROP VIEW published.successions", errors.DependentObjectsStillExist),
        ("ALTER TABLE core.cohort DROP COLUMN region", errors.DependentObjectsStillExist),
        ("ALTER TABLE core.cohort ALTER COLUMN region TYPE varchar(9)", errors.FeatureNotSupported),
        ("CREATE OR REPLACE VIEW published.cohort AS SELECT code FROM core.cohort", errors.InvalidTableDefinition),
        (
            "CREATE OR REPLACE VIEW published.cohort AS SELECT code, name_2017, sector, 1 AS region FROM core.cohort",
            errors.InvalidTableDefinition,
        ),
    ],
)
def test_a_breaking_change_is_refused_while_version_1_needs_it(made, change, refused):
    with flow.as_owner() as connection:
        with pytest.raises(refused):
            connection.execute(change)
        connection.rollback()


def test_a_view_taken_away_and_made_again_needs_version_1_to_go_first(made):
    with flow.as_owner() as connection:
        connection.execute("DROP FUNCTION published.successions_as_at")
        with pytest.raises(psycopg.errors.DependentObjectsStillExist), connection.transaction():
            connection.execute("DROP VIEW published.successions")
        connection.execute("DROP SCHEMA published_v1 CASCADE")
        connection.execute("DROP VIEW published.successions")
        connection.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE OR REPLACE VIEW published.cohort AS SELECT code, name_2017, sector, region, 1 AS more FROM core.cohort",
        "ALTER VIEW published.cohort RENAME COLUMN region TO area",
    ],
)
def test_a_new_column_or_name_leaves_version_1_as_it_is(made, change):
    asked = "SELECT * FROM published_v1.cohort ORDER BY code"
    with flow.as_owner() as connection:
        before = connection.execute(asked)
        names, rows = [column.name for column in before.description], before.fetchall()
        connection.execute(change)
        after = connection.execute(asked)
        assert [column.name for column in after.description] == names == ["code", "name_2017", "sector", "region"]
        assert after.fetchall() == rows and len(rows) == 23
        connection.rollback()


def test_the_end_of_a_version_is_one_more_statement(made):
    with flow.as_owner() as connection:
        connection.execute(
            """INSERT INTO core.published_version (version, schema_name, since, ends_on, what_changed)
               SELECT version, schema_name, since, '2027-12-31', what_changed FROM published.versions WHERE version = 1"""
        )
        ((end,),) = connection.execute("SELECT ends_on::text FROM published.versions WHERE version = 1").fetchall()
        assert end == "2027-12-31"
        with pytest.raises(errors.RaiseException, match="never changed"):
            connection.execute("UPDATE core.published_version SET ends_on = NULL")
        connection.rollback()

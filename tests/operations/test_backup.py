"""Everything is destroyed, and what is restored is what was backed up: every view, every row, every object, every sequence."""

import os
import random
import shutil
import stat

import flow
import psycopg
import pytest
from psycopg import sql as pgsql
from trust_benchmarks import sql
from trust_benchmarks.operations import backup, folder, restore, tables
from trust_benchmarks.reference import known_collections
from trust_benchmarks.stores import objects, pool, settings, warehouse


def destroy(world) -> None:
    """Drops the database, empties the buckets and removes the cache; an empty database of that name is left."""
    name = world["TB_WAREHOUSE_URL"].rpartition("/")[2]
    port, password = world["TB_PORT_POSTGRES"], world["TB_POSTGRES_PASSWORD"]
    pool.close()
    with psycopg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
        superuser.execute(f"CREATE DATABASE {name} OWNER warehouse")
    for bucket in backup.BUCKETS:
        of = getattr(settings.load(), bucket)
        objects.delete(of, [one.key for one in objects.listing(of)])
    shutil.rmtree(world["TB_CACHE"])
    os.mkdir(world["TB_CACHE"])


def views() -> dict[str, list[str]]:
    """Every row of every view that anybody reads, as text."""
    with warehouse.connect() as connection:
        names = connection.execute(
            "SELECT schemaname, viewname FROM pg_views WHERE schemaname IN ('published', 'published_v1', 'intake') ORDER BY 1, 2"
        ).fetchall()
        return {
            ".".join(name): sorted(
                row[0]
                for row in connection.execute(pgsql.SQL("SELECT t::text FROM {} t").format(pgsql.Identifier(*name)))
            )
            for name in names
        }


def catalogue() -> list[tuple]:
    """Triggers and whether they are on, sequences, rights on relations and functions, and their owners."""
    return flow.rows(
        """SELECT 'trigger', tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
           UNION ALL SELECT 'sequence', schemaname::text, sequencename::text, last_value::text FROM pg_sequences
           UNION ALL SELECT 'relation', c.oid::regclass::text, pg_get_userbyid(relowner)::text, relacl::text FROM pg_class c
             JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information_schema)'
           UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_userbyid(proowner)::text, proacl::text FROM pg_proc p
             JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1, 2, 3"""
    )


def stored() -> dict[tuple[str, str], tuple]:
    """Every object: its bytes and metadata."""
    of = settings.load()
    return {
        (bucket, one.key): objects.get(getattr(of, bucket), one.key)
        for bucket in backup.BUCKETS
        for one in objects.listing(getattr(of, bucket))
    }


def everything():
    return views(), catalogue(), stored()


def fill() -> None:
    """Two months of two trusts, one with an error and its decision, one sample, published and exported."""
    from trust_benchmarks.releases import export

    for ods in ("RA9", "RNU"):
        flow.put_return(ods, "2025-05", flow.workforce(ods, "2025-05"))
    flow.put_return(
        "RHA", "2025-05", flow.workforce("RHA", "2025-05", change=lambda rows: rows[0].update(headcount="x\\y\t"))
    )
    flow.put("workforce/workforce_RT5_2025-05_v1.csv", flow.workforce("RT5", "2025-05"), "2025-06-03T10:00:00", True)
    flow.put("workforce/strange name é.csv", b"nothing\n\x00of ours")
    flow.take_in()
    with flow.as_desk() as connection:
        connection.execute(
            "INSERT INTO core.decision (kind, author, submission_id, reason) "
            "SELECT 'comment', 'amy', submission_id, 'They were asked.' FROM intake.submissions WHERE sender = 'RHA'"
        )
    flow.release()
    export.export_missing()


def test_what_is_destroyed_is_restored_without_a_difference(world, tmp_path):
    fill()
    first = backup.back_up(tmp_path / "backups")
    assert first.harmed == [] and first.new_bytes == first.bytes > 0

    flow.put_return("RA9", "2025-06", flow.workforce("RA9", "2025-06"))
    flow.take_in()
    flow.release()
    expected = everything()
    second = backup.back_up(tmp_path / "backups", read_all=False)
    assert 0 < second.new_bytes < first.bytes / 2  # only what is new
    assert backup.verify(tmp_path / "backups") == []
    for path in (tmp_path / "backups").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077 or path.name == "lock", path

    destroy(world)
    done = restore.restore(tmp_path / "backups")
    assert (done.name, done.rows, done.migrated) == (second.name, second.rows, [])
    # The audit of decisions is whole, and goes on after it.
    assert flow.rows("SELECT place FROM core.audit") == [(1,)] and flow.rows(sql.text("operations/audit")) == []
    found = everything()
    assert found[2] == expected[2]
    assert found[1] == expected[1]
    assert flow.differences(expected[0], found[0]) == {}
    assert len(found[0]) > 40 and sum(map(len, found[0].values())) > 1000

    # It goes on where it was: nothing is received, validated or published again, and what comes next is.
    assert flow.take_in() == {"received": 0, "again": 0} and flow.release() == []
    flow.put_return("RNU", "2025-06", flow.workforce("RNU", "2025-06"))
    assert flow.take_in()["accepted"] == 1 and flow.release() == [("workforce", "2025-06")]
    # And the backup before it is there as well.
    destroy(world)
    warehouse.migrate()
    assert restore.restore(tmp_path / "backups", first.name).rows == first.rows
    assert flow.value("SELECT count(*) FROM intake.submissions WHERE period = '2025-06'") == 0


def test_nothing_is_written_over_and_what_is_damaged_is_not_restored(world, tmp_path):
    flow.put_return("RA9", "2025-05", flow.workforce("RA9", "2025-05"))
    flow.take_in()
    expected = everything()
    of = settings.load()
    place = folder.Folder(tmp_path)
    backup.back_up(tmp_path)
    with pytest.raises(folder.Unusable, match=r"is not empty: core\.[a-z_]+ has rows"):
        restore.restore(tmp_path)
    destroy(world)
    objects.put_once(of.exports, "another", b"x")
    with pytest.raises(folder.Unusable, match="holds another, which this backup does not"):
        restore.restore(tmp_path)
    objects.delete(of.exports, ["another"])
    with pytest.raises(folder.Unusable, match="holds no backup nothing"):
        restore.restore(tmp_path, "nothing")

    # Any bit of any file: it is found before anything is written.
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"]
    chance = random.Random(12)
    for path in chance.sample(files, 12):
        sound = path.read_bytes()
        if not sound:
            continue
        harmed = bytearray(sound)
        harmed[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path.write_bytes(harmed)
        with pytest.raises(folder.Unusable, match="damaged"):
            restore.restore(tmp_path)
        path.write_bytes(sound)
    assert flow.value("SELECT to_regclass('core.submission')") is None and stored() == {}

    # One that was killed half-way is begun again.
    backed_up = place.read()
    one = next(one for one in backed_up["objects"] if one["bucket"] == "records")
    objects.put_once(of.records, one["key"], place.place(one["sha256"]).read_bytes())
    restore.restore(tmp_path)
    assert everything() == expected
    with place.held(), pytest.raises(folder.Unusable, match="Another backup or restore"):
        backup.back_up(tmp_path)

    # Whoever writes to the warehouse while the buckets are restored loses nothing.
    def write(step: str) -> None:
        if "warehouse" in step:
            warehouse.migrate()
            with warehouse.connect() as connection:
                known_collections.note(connection)
                connection.execute(
                    "INSERT INTO core.source_look (look_id, collection, source, began_at, outcome, said, offered, fetched, reached) "
                    "VALUES ('x', 'workforce', 'page', now(), 'new', '', 0, 0, true)"
                )

    destroy(world)
    with pytest.raises(folder.Unusable, match=r"is not empty: core\.source_look has rows"):
        restore.restore(tmp_path, tell=write)
    assert flow.value("SELECT count(*) FROM core.source_look") == 1


def test_old_backups_go_with_what_only_they_need(world, tmp_path):
    flow.put("workforce/a.csv", b"one")
    for content in (b"two", b"three"):
        backup.back_up(tmp_path)
        flow.put("workforce/a.csv", content)
    assert backup.back_up(tmp_path, keep=2).forgotten == 1
    place = folder.Folder(tmp_path)
    assert len(place.names()) == 2
    (oldest, _) = place.names()
    sound = (tmp_path / "backups" / oldest).read_bytes()
    (tmp_path / "backups" / oldest).write_bytes(sound[:-9])
    damaged = backup.back_up(
        tmp_path, keep=1
    )  # it is made, it is said, and nothing is removed that the damaged one may need
    assert damaged.forgotten == 0 and len(damaged.harmed) == 1 and oldest in damaged.harmed[0]
    (tmp_path / "backups" / oldest).write_bytes(sound)
    (tmp_path / "backups" / damaged.name).unlink()
    assert backup.verify(tmp_path, place.names()[0]) == []
    kept = {one["sha256"] for name in place.names() for one in place.read(name)["objects"]}
    assert len(kept) == 2
    assert {path.name for path in (tmp_path / "content").glob("*/*")} == {
        sha256 for name in place.names() for sha256 in folder.contents(place.read(name))
    }


def test_a_prepared_warehouse_is_empty_and_no_other(world):
    """Whatever `prepare` fills is named; a table that is added and filled must be added there, or no backup could be restored."""
    with warehouse.connect() as connection:
        filled = {
            table.full_name
            for table in tables.all_tables(connection)
            if connection.execute(pgsql.SQL("SELECT EXISTS (SELECT FROM {})").format(table.identifier)).fetchone()[0]
        }
        names = [table.full_name for table in tables.all_tables(connection)]
    assert filled == set(tables.PREPARED)
    assert names.index("core.submission") < names.index("core.validation") < names.index("core.finding")


def test_a_newer_version_restores_an_older_backup_and_brings_it_up_to_date(world, tmp_path, monkeypatch):
    flow.put_return("RA9", "2025-05", flow.workforce("RA9", "2025-05"))
    flow.take_in()
    backup.back_up(tmp_path / "backups")
    before = views()
    destroy(world)
    newer = tmp_path / "sql"
    shutil.copytree(sql.FOLDER, newer)
    (newer / "migrations" / "99_newer.sql").write_text(
        "CREATE TABLE core.newer (what text); INSERT INTO core.newer VALUES ('x')"
    )
    monkeypatch.setattr(sql, "FOLDER", newer)
    with pytest.raises(folder.Unusable, match="Run `trust-benchmarks prepare`, then back up"):
        backup.back_up(tmp_path / "backups")
    assert restore.restore(tmp_path / "backups").migrated == ["99_newer.sql"]
    assert views() == before and flow.rows("SELECT * FROM core.newer") == [("x",)]


def test_the_commands_say_what_was_done(world, tmp_path, run):
    flow.put_return("RA9", "2025-05", flow.workforce("RA9", "2025-05"))
    flow.take_in()
    assert run("backup").code == 2 and "No folder of backups is named" in run("backup").err
    made = run("backup", str(tmp_path / "b"), "--keep", "3")
    assert made.code == 0 and "new" in made.err
    assert "The backup is whole" in run("restore", str(tmp_path / "b"), "--check").err
    refused = run("restore", str(tmp_path / "b"))
    assert refused.code == 2 and "is not empty" in refused.err
    destroy(world)
    assert "was restored" in run("restore", str(tmp_path / "b")).err
    (tmp_path / "file").write_text("x")
    assert run("backup", str(tmp_path / "file")).code == 2

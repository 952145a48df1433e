"""What is not kept for ever goes after its days, and nothing else does."""

import os
from datetime import timedelta

import flow
import pytest
from trust_benchmarks.operations import retention
from trust_benchmarks.releases import export, pointers
from trust_benchmarks.stores import objects, settings, warehouse


def exported() -> set[str]:
    return {one.key.split("/")[0] for one in objects.listing(settings.load().exports)}


def test_exports_go_when_another_release_has_long_taken_their_place(world, monkeypatch):
    released = []
    for version, scale in ((1, 1.0), (2, 1.1), (3, 1.2)):
        flow.put_return("RA9", "2025-05", flow.workforce("RA9", "2025-05", scale), version)
        flow.take_in()
        flow.release()
        export.export_missing()
        released.append(flow.value("SELECT release_id FROM core.current_release JOIN core.release USING (release_key)"))
    first, second, third = released
    objects.put_once(settings.load().exports, "unknown-1/measures.csv", b"of a release that was deleted")
    with flow.as_owner() as connection:  # the first was published 600 days ago and replaced 500 days ago
        connection.execute("ALTER TABLE core.release_log DISABLE TRIGGER facts")
        for release_id, days in ((first, 600), (second, 500)):
            connection.execute(
                "UPDATE core.release_log SET published_at = now() - make_interval(days => %s) WHERE release_key = core.key_of(%s)",
                [days, release_id],
            )
        connection.execute("ALTER TABLE core.release_log ENABLE TRIGGER facts")
    everything = exported()
    assert everything == {first, second, third, "unknown-1"}
    assert retention.forget_exports(400) == 0 and exported() == everything  # written just now
    monkeypatch.setattr(retention, "YOUNG", timedelta(0))
    assert retention.forget_exports(0) == 0 and retention.forget_exports(550) == 1
    assert exported() == {first, second, third}
    assert retention.forget_exports(400) == 1 and exported() == {second, third}
    with warehouse.connect() as connection:
        pointers.move(connection, {("workforce", "2025-05"): first})
    export.export_missing()
    assert exported() == {first, second, third}


def test_logs_that_are_old_go_and_whatever_else_is_there_stays(tmp_path):
    old, young, other = tmp_path / "dag" / "run" / "old.log", tmp_path / "dag" / "young.log", tmp_path / "notes.txt"
    for path in (old, young, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "link.log").symlink_to(other)
    for path in (old, other, old.parent):
        os.utime(path, (0, 0))
    assert retention.remove_logs(tmp_path, 0) == 0
    assert retention.remove_logs(tmp_path, 30) == 1
    assert not old.exists() and young.exists() and other.exists() and (tmp_path / "link.log").is_symlink()


def test_days_are_a_setting(monkeypatch):
    assert retention.days("TB_KEEP_LOGS_DAYS") == 30
    monkeypatch.setenv("TB_KEEP_LOGS_DAYS", "7")
    assert retention.days("TB_KEEP_LOGS_DAYS") == 7
    monkeypatch.setenv("TB_KEEP_LOGS_DAYS", "a week")
    with pytest.raises(ValueError, match=r"is 'a week'\. Expected a number of days, such as 30"):
        retention.days("TB_KEEP_LOGS_DAYS")


@pytest.mark.full
def test_what_airflow_cannot_do_is_said():
    with pytest.raises(RuntimeError, match="did not succeed"):
        retention.clean_airflow("postgresql+psycopg2://nobody:x@127.0.0.1:9/airflow", 90)

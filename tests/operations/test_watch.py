"""What is not well is told once, again after a day, and anew when it comes back; a monitor outside hears of what goes on."""

from datetime import UTC, datetime, timedelta

import flow
import pytest
import receivers
from trust_benchmarks.operations import watch
from trust_benchmarks.operations.doctor import Finding

NOW = datetime(2026, 7, 1, 9, 5, tzinfo=UTC)


def finding(about="space", of="cache", says="12% is free."):
    return Finding(about, False, says, "Make room.", "space.md", of)


def test_what_lasts_is_told_once_a_day_and_anew_when_it_comes_back():
    new, told = watch.to_tell([finding()], {}, NOW)
    assert [watch.sentence(one) for one in new] == ["space (docs/runbooks/space.md): 12% is free. Make room."]
    new, told = watch.to_tell([finding(says="11% is free.")], told, NOW + timedelta(hours=1))
    assert new == []
    other = finding("collections", "workforce 2026-05", "nothing has come for workforce 2026-05.")
    new, told = watch.to_tell([finding(), other], told, NOW + timedelta(hours=2))
    assert new == [other]
    new, told = watch.to_tell([finding(), other], told, NOW + timedelta(hours=24))
    assert new == [finding()]
    new, told = watch.to_tell([other], told, NOW + timedelta(hours=24, minutes=30))
    new, told = watch.to_tell([finding(), other], told, NOW + timedelta(hours=25))
    assert new == [finding()]


def test_a_deadline_that_passed_without_every_return_is_told(world, monkeypatch):
    flow.put_return("RA9", "2025-06", flow.workforce("RA9", "2025-06"))
    flow.take_in()
    due = flow.value("SELECT min(due) FROM core.expected WHERE collection = 'workforce' AND period = '2025-06'")
    expected = flow.value("SELECT count(*) FROM core.expected WHERE collection = 'workforce' AND period = '2025-06'")
    assert list(watch._passed(due - timedelta(minutes=1))) == list(watch._passed(due + timedelta(days=3))) == []
    [one] = watch._passed(due + timedelta(hours=1))
    assert one.says.startswith(
        f"{expected - 1} of {expected} returns of workforce 2025-06 have not come by the deadline of"
    )
    assert (one.about, one.runbook, one.of) == ("returns", "late-collections.md", "workforce 2025-06")


def test_backups_are_no_matter_where_no_folder_is_named(world, monkeypatch):
    for name in ("TB_AIRFLOW_URL", "TB_BACKUP"):
        monkeypatch.delenv(name, raising=False)
    assert "backup" not in {one.about for one in watch.examine()}
    monkeypatch.setenv("TB_BACKUP", world["TB_CACHE"])
    assert "backup" in {one.about for one in watch.examine()}


def test_a_heartbeat_reaches_the_monitor_or_fails_without_its_address(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.delenv(watch.ADDRESS, raising=False)
    assert watch.heartbeat() is False
    with receivers.receiver() as monitor:
        monkeypatch.setenv(watch.ADDRESS, f"{monitor.url}/secret")
        assert watch.heartbeat() is True
        assert monitor.asked == ["/secret"]
        monkeypatch.setenv(watch.ADDRESS, f"{monitor.url}/broken")
        with pytest.raises(RuntimeError, match="status 500") as failed:
            watch.heartbeat()
        assert "/broken" not in str(failed.value)
    with pytest.raises(RuntimeError, match="ConnectError") as failed:
        watch.heartbeat()
    assert "/broken" not in str(failed.value) and "secret" not in caplog.text

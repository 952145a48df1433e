"""What is read is what was recorded: what is harmed is made anew, or is named and stops nobody else."""

import ctypes
import io
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import flow
import polars as pl
import pytest
from sizes import FULL
from trust_benchmarks.operations import backup, heal
from trust_benchmarks.reading.read import read
from trust_benchmarks.records import healing, record_objects, sweep
from trust_benchmarks.releases import build, candidates, figures, inputs, switch
from trust_benchmarks.stores import objects, settings, warehouse
from trust_benchmarks.validation import profile
from trust_benchmarks.validation.validate import validate
from trust_benchmarks_local.sample import bench_lines

FLIPS = 1000 if FULL else 100
TRUSTS = ("RA9", "RNU", "RHA")


def fill() -> None:
    for ods in TRUSTS:
        for period in ("2025-04", "2025-05"):
            flow.put_return(ods, period, flow.workforce(ods, period))
    flow.take_in()
    flow.release()


def copies() -> list[Path]:
    return sorted(Path(settings.load().cache).glob("*/*"))


def no_copies() -> None:
    for path in copies():
        path.unlink()


def stored() -> list[tuple[str, str]]:
    of = settings.load()
    return [(bucket, one.key) for bucket in (of.archive, of.records) for one in objects.listing(bucket)]


def bytes_of(bucket: str, key: str) -> bytes:
    return objects.get(bucket, key)[0]


def replace(bucket: str, key: str, content: bytes) -> None:
    objects.client().put_object(Bucket=bucket, Key=key, Body=content)


def flipped(content: bytes, chance: random.Random) -> bytes:
    harmed = bytearray(content)
    harmed[chance.randrange(len(harmed))] ^= 1 << chance.randrange(8)
    return bytes(harmed)


def wanted() -> list[record_objects.Wanted]:
    query = "SELECT submission_id, records_key, records_bytes, records_together FROM core.validation ORDER BY 1"
    return [record_objects.Wanted(*row) for row in flow.rows(query)]


def computed(period: str = "2025-05") -> dict:
    """The figures of a release computed now, from the records as they are read."""
    with warehouse.connect() as connection:
        given = inputs.load(connection, "workforce", period)
    return {name: frame.rows() for name, frame in figures.figures(given).items()}


@pytest.mark.full
def test_no_flipped_bit_comes_to_a_figure(world):
    """Bits of local copies and of stored objects: nothing is read that was not recorded, and what was harmed is made anew."""
    fill()
    sound = {one: bytes_of(*one) for one in stored()}
    expected = flow.snapshot()

    def read() -> list[bytes]:
        with warehouse.connect() as connection:
            return [path.read_bytes() for part in (every, every[:2]) for path in healing.files(connection, part)]

    every = wanted()
    rows, figures, chance = read(), computed(), random.Random(7)
    for number in range(FLIPS):
        if number % 3:  # one in three is in the store, and no copy hides it
            path = chance.choice(copies())
            path.write_bytes(flipped(path.read_bytes(), chance))
        else:
            one = chance.choice(list(sound))
            replace(*one, flipped(sound[one], chance))
            no_copies()
        assert read() == rows, number
        if not number % 25:
            assert computed() == figures, number
    heal.heal()  # archived files too, which no figure reads while the records are sound
    assert {one: bytes_of(*one) for one in stored()} == sound
    assert flow.release() == [] and flow.differences(expected, flow.snapshot()) == {}


def test_a_lost_object_is_made_anew_of_the_archive_and_that_of_the_inbox(world):
    fill()
    sound, figures = {one: bytes_of(*one) for one in stored()}, computed()
    no_copies()
    for one in sound:
        objects.delete(one[0], [one[1]])
    with flow.logged() as lines:
        assert computed() == figures
    assert {line["source"].split()[0] for line in lines if line["event"] == "healed"} == {"inbox", "the"}
    assert {one: bytes_of(*one) for one in stored()} == sound and heal.heal().healed == []


def test_many_rows_leave_the_child_process_as_they_are_stored_and_come_to_the_same(world, in_child_process, tmp_path):
    """A file of more rows than are stored with others: read in the child process, in this one, and made anew."""
    (path,) = bench_lines.write(record_objects.MANY + 500, trusts=1, folder=tmp_path)
    flow.put(f"procurement_prices/{path.name}", path.read_bytes())
    assert flow.take_in()["accepted_with_warnings"] == 1
    (one,) = wanted()
    outcome = validate(read(path.read_bytes(), path.name, "procurement_prices"))
    assert outcome.records.height > record_objects.MANY
    stored_bytes = bytes_of(settings.load().records, one.key)
    assert stored_bytes == record_objects.as_parquet({one.submission_id: outcome.records})
    assert flow.value("SELECT records_sha256 FROM core.validation") == record_objects.hash_of(
        one.submission_id, outcome.records
    )
    names = [name for name in profile.COLUMNS if name != "patterns"]
    looks = profile.of(outcome.records, "procurement_prices").sort("column_name").select(names)
    assert flow.rows(f'SELECT {", ".join(names)} FROM core.profile ORDER BY column_name COLLATE "C"') == looks.rows()
    no_copies()
    objects.delete(settings.load().records, [one.key])
    with warehouse.connect() as connection:
        assert [found.read_bytes() for found in healing.files(connection, [one])] == [stored_bytes]


def test_rows_that_are_written_as_other_bytes_have_a_name_of_their_own(world, monkeypatch, tmp_path):
    """As by another version of the library: the same rows, by their hash, are read, and stay when the store is swept."""
    fill()
    figures, lost = computed(), min(record_objects.stands_for(key) for _, key in stored() if "parquet" in key)
    no_copies()
    of = settings.load()
    key = next(key for bucket, key in stored() if lost in key)
    objects.delete(of.records, [key])
    of_before = record_objects.as_parquet

    def otherwise(rows):
        out = io.BytesIO()
        pl.read_parquet(of_before(rows)).write_parquet(out, compression="zstd")
        return out.getvalue()

    monkeypatch.setattr(record_objects, "as_parquet", otherwise)
    period = key.split("/")[1]
    before = computed(period)
    monkeypatch.undo()
    (beside,) = (key for bucket, key in stored() if key.startswith("healed/"))
    assert record_objects.stands_for(beside) == lost
    no_copies()
    assert sweep.sweep(timedelta(0))["removed"] == 0
    assert computed(period) == before and computed() == figures
    looked = heal.heal(only_look=True)
    assert (looked.healed, looked.lost, backup.back_up(tmp_path).harmed) == ([], [], [])
    replace(of.records, beside, b"harmed too")
    no_copies()
    assert computed(period) == before


def test_what_cannot_be_made_anew_is_named_and_stops_only_its_own_release(world, tmp_path, run):
    fill()
    backup.back_up(tmp_path)
    of = settings.load()
    (key,) = (
        key
        for (key,) in flow.rows(
            "SELECT DISTINCT records_key FROM core.validation v JOIN core.submission USING (submission_id) WHERE period = '2025-05'"
        )
    )
    names = {one for (one,) in flow.rows("SELECT submission_id FROM core.submission WHERE period = '2025-05'")}
    objects.delete(of.inbox, [one.key for one in objects.listing(of.inbox) if "2025-05" in one.key])
    archive_keys = [k for (k,) in flow.rows("SELECT archive_key FROM core.submission WHERE period = '2025-05'")]
    objects.delete(of.archive, archive_keys)
    objects.delete(of.records, [key])
    no_copies()
    # Something new for both months and for a neighbour.
    for period in ("2025-04", "2025-05"):
        flow.put_return("RT5", period, flow.workforce("RT5", period))
    flow.take_in()
    pairs = candidates.stale()
    assert {("workforce", "2025-04"), ("workforce", "2025-05")} <= set(pairs)
    failed = build.make_each(pairs)
    assert [pair for pair, _ in failed] == [("workforce", "2025-05")]
    said = str(failed[0][1])
    assert key in said and of.records in said and "is gone" in said and "trust-benchmarks heal" in said
    assert all(name in said for name in names)
    switch.switch()
    assert (
        flow.value(
            "SELECT count(*) FROM published.measures WHERE period = '2025-04' AND provider_code = 'RT5' AND value > 0"
        )
        > 0
    )
    assert (
        flow.value(
            "SELECT count(*) FROM published.measures WHERE period = '2025-05' AND provider_code = 'RT5' AND value > 0"
        )
        == 0
    )

    # The backup names them too, and has them.
    again = backup.back_up(tmp_path)
    assert len(again.harmed) == 4 and all("an earlier backup is kept" in one for one in again.harmed)
    looked = run("heal", "--check")
    assert looked.code == 1 and "4 are lost or harmed" in looked.err and key in looked.err
    assert run("heal").code == 1
    assert run("heal", str(tmp_path)).code == 0 and "0 objects" not in run("heal").err
    assert flow.release() == [("workforce", "2025-05")]
    assert (
        flow.value(
            "SELECT count(*) FROM published.measures WHERE period = '2025-05' AND provider_code = 'RT5' AND value > 0"
        )
        > 0
    )


READ = """
import sys
from trust_benchmarks.records.record_objects import Wanted, files
for wanted in ({wanted}, {wanted}[:2]):
    for path in files(wanted):
        print(len(path.read_bytes()))
"""


def without_rights(tmp_path, prepare: str = "") -> subprocess.CompletedProcess:
    """Reads the records in a process for which a file's mode counts, root or not; `prepare` is done before in a shell."""

    def obey_modes() -> None:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE

    python = [sys.executable, "-c", READ.format(wanted=wanted())]
    command = ["unshare", "-Urm", "sh", "-c", f'{prepare} && exec "$@"', "sh", *python] if prepare else python
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}
    obey = None if prepare or os.geteuid() else obey_modes
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, preexec_fn=obey)


@pytest.mark.parametrize("what", ["empty", pytest.param("filled", marks=pytest.mark.full)])
def test_a_cache_that_can_only_be_read_is_no_failure(world, what, tmp_path):
    fill()
    expected = [str(path.stat().st_size) for part in (wanted(), wanted()[:2]) for path in record_objects.files(part)]
    if what == "empty":
        no_copies()
    cache = Path(world["TB_CACHE"])
    there = {path: path.read_bytes() for path in copies()}
    every = [cache, *cache.rglob("*")]
    for path in every:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = without_rights(tmp_path)
    for path in every:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert (done.returncode, done.stdout.split()) == (0, expected), done.stderr
    assert ("cache_not_written" in done.stderr) == (what == "empty")
    assert {path: path.read_bytes() for path in copies()} == there


@pytest.mark.full
def test_a_full_cache_is_no_failure(world, tmp_path):
    fill()
    no_copies()
    full = f"mount -t tmpfs -o size=16k none {world['TB_CACHE']}"
    if subprocess.run(["unshare", "-Urm", "sh", "-c", full], check=False, capture_output=True).returncode:
        pytest.skip("This machine lets nobody mount a small disk of their own.")
    done = without_rights(tmp_path, f"{full} && head -c 16384 /dev/zero > {world['TB_CACHE']}/filled")
    assert done.returncode == 0, done.stderr
    assert "cache_not_written" in done.stderr and "No space left" in done.stderr

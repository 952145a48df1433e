"""A job that is killed again and again and then left alone ends as one that nobody disturbed; twice changes nothing."""

import csv
import os
import random
from datetime import timedelta

import flow
import pytest
from sizes import size
from trust_benchmarks.records import sweep
from trust_benchmarks.stores import objects, settings
from trust_benchmarks_local import sample
from worlds import new_world

KILLS = int(os.environ.get("TB_TEST_KILLS", size(3, 10)))


@pytest.fixture(scope="module")
def returns(tmp_path_factory):
    """A small sample with its faults, files of every collection, and one that is no return: (key, path, arrival)."""
    folder = tmp_path_factory.mktemp("sample")
    *_, last = sample.write(folder, providers=6, periods=2, lines=80).periods
    with (folder / "arrivals.csv").open(newline="") as lines:
        found = [(row["path"], folder / row["path"], row["arrived_at"]) for row in csv.DictReader(lines)]
    strange = folder / "strange"
    strange.write_text("this is\nno return\n")
    found = [file for file in found if last in file[0] or file[0].startswith(("workforce", "estates"))]
    # The version in its name puts it last: else its place would depend on whether it was put in the same second as the others.
    return [*found, ("workforce/sample_strange_RA9_2025-03_v9.csv", strange, found[-1][2])]


def fill(returns):
    for key, path, arrived in returns:
        flow.put(key, path.read_bytes(), arrived=arrived)


def run(world, kill_at=None, seconds=None, steps=None) -> int:
    """One run in a process of its own, killed from within or from without; its exit code (-9 if it was killed)."""
    worker = flow.start(world, flow.whole_run, kill_at, steps)
    worker.join(seconds)
    if worker.is_alive():
        worker.kill()
    worker.join(180)
    return worker.exitcode


@pytest.fixture(scope="module")
def undisturbed(services, returns):
    """What one run leaves, and how many words with the stores it took; a second run of it was seen to change nothing."""
    with new_world(services) as world:
        fill(returns)
        steps = flow.SPAWN.Value("i", 0)
        assert run(world, steps=steps) == 0
        first = flow.snapshot()
        submissions = flow.value("SELECT count(*) FROM core.submission")
        assert run(world) == 0
        assert flow.differences(first, flow.snapshot()) == {}
        assert (
            flow.value("SELECT count(*) FROM core.submission")
            == submissions
            == len({p.read_bytes() for _, p, _ in returns})
        )
        assert flow.value("SELECT count(*) FROM core.release") == flow.value(
            "SELECT count(*) FROM core.current_release"
        )
        yield first, steps.value


def test_the_whole_job_leaves_something_of_everything(undisturbed):
    first, _ = undisturbed
    empty = {view for view, rows in first.items() if not rows}
    assert empty <= {
        "intake.revalidations",  # nobody asked for one
        "intake.waiting",
        "intake.sources",  # nobody looked at a publisher
        "intake.source_looks",
        "intake.source_files",
        "intake.decisions",
        "intake.digests",
        "intake.messages",  # no trust has a contact
        "intake.message_preferences",
        "intake.room_actions",
        "intake.room_sendings",
        "intake.answers",
        "intake.events",
        "intake.previews",  # no release is on offer
        "intake.preview_trusts",
        "intake.replies",  # no trust answered a finding
        "intake.reply_reasons",
    }  # nobody decided anything
    assert any("held" in row for row in first["intake.submissions"])


def test_killed_at_random_moments_it_ends_the_same(services, returns, undisturbed):
    first, steps = undisturbed
    seed = os.environ.get("TB_TEST_SEED") or random.SystemRandom().randrange(1_000_000)
    moments, ends = random.Random(int(seed)), []
    with new_world(services) as world:
        fill(returns)
        for number in range(KILLS):
            if number % 2:
                ends.append(run(world, seconds=moments.uniform(0.1, 1.5)))
            else:
                ends.append(run(world, kill_at=moments.randint(1, steps // 4)))
        assert set(ends) <= {0, -9}, (seed, ends)
        assert ends.count(-9) >= KILLS / 3, (seed, ends)
        assert run(world) == 0
        assert flow.differences(first, flow.snapshot()) == {}, f"TB_TEST_SEED={seed}"
        sweep.sweep(grace=timedelta(seconds=-5))
        named = {key for (key,) in flow.rows("SELECT records_key FROM core.validation WHERE records_key IS NOT NULL")}
        assert named == {found.key for found in objects.listing(settings.load().records)}
        archived = {key for (key,) in flow.rows("SELECT archive_key FROM core.submission")}
        assert archived == {found.key for found in objects.listing(settings.load().archive)}

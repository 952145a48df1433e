"""Files made to take a machine down: each gets a verdict, within the limits of memory and time, and harms no other."""

import gzip
import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import flow
import hostile_files
import pytest
from sizes import FULL, size
from trust_benchmarks.records import read_and_validate
from trust_benchmarks.records.submission import Submission
from trust_benchmarks.stores import child_process, objects, settings
from trust_benchmarks.validation.validate import ACCEPTED, HELD, Outcome

SOME = [
    "nothing.csv", "brackets.csv", "wrong rows.csv", "two million columns.csv", "a number of a million digits.csv",
    "20,000 parts.csv.gz", "another method.csv.gz", "cut off at 50 percent.csv.gz", "10,000 sheets on one part.xlsx",
    "entities in shared strings.xlsx", "a cell in the last corner.xlsx", "one member again and again.xlsx",
    "a shared string that is not there.xlsx", "records that lie.xls", "sectors in a ring.xls",
]  # fmt: skip


class Watch:
    """The most memory that a child of this process had, looked at every 10 ms; use it as a context."""

    def __init__(self):
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.01):
            if child := child_process._child:
                self.most = max(self.most, memory(child.pid, "VmHWM"))


def memory(pid: int, kind: str) -> int:
    """Bytes of memory of a process; nought when it has ended."""
    try:
        found = re.search(rf"{kind}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def about(path: Path, collection: str = "workforce") -> Submission:
    """What the ledger would say of a file."""
    received = datetime(2025, 7, 20, tzinfo=UTC)
    return Submission("x", collection, "2025-06", "RA9", "", "", "", path.stat().st_size, path.name, received, None)


def judge(path: Path, collection: str = "workforce") -> Outcome:
    """What a file comes to; raises what our own code raises."""
    known = about(path, collection)
    return read_and_validate.outcome_or_raise(read_and_validate.begin_at(None if known.too_large else path, known, []))


def cpu() -> float:
    """Processor time of the children of this process that have ended, and of the one that runs."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = child_process._ticks(child_process._child.pid) if child_process._child else 0
    return ended.ru_utime + ended.ru_stime + (ticks or 0) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def sound(tmp_path, in_child_process):
    """A sound file, which the child has read; it rests now."""
    path = tmp_path / "workforce_RA9_2025-06_v1.csv"
    path.write_bytes(flow.workforce())
    assert judge(path).state == ACCEPTED
    return path


def tell(name: str, lines: list[str]) -> None:
    """Writes what was measured to the folder that TB_TEST_REPORTS names, if it does."""
    if folder := os.environ.get("TB_TEST_REPORTS"):
        (Path(folder) / name).write_text("\n".join(lines) + "\n")


def test_each_hostile_file_gets_a_verdict_within_the_limits(tmp_path, sound):
    names = list(hostile_files.FILES) if FULL else SOME
    assert len(names) >= size(15, 150)
    rest = memory(child_process._child.pid, "VmRSS")
    wrong, measured = [], []
    for name in names:
        path = tmp_path / name
        path.write_bytes(hostile_files.FILES[name]())
        before, began = cpu(), time.monotonic()
        with Watch() as watch:
            try:
                outcome = judge(path, "workforce")
                state, rules = outcome.state, sorted(set(outcome.findings["rule_id"]))
                if state == HELD and not all(words.strip() for words in outcome.findings["message"]):
                    wrong.append(f"{name}: held without a sentence")
            except Exception as problem:
                state, rules = f"{type(problem).__name__}: {problem}", []
                wrong.append(f"{name}: {state}")
        used, more = cpu() - before, watch.most - rest
        measured.append(
            f"{name}\t{state}\t{used:.1f} s\t{time.monotonic() - began:.1f} s by the clock\t{more >> 20} MB\t{' '.join(rules)}"
        )
        if more > child_process.MEMORY:
            wrong.append(f"{name}: {more >> 20} MB more than at rest")
        if used > 2 * child_process.SECONDS:
            wrong.append(f"{name}: {used:.0f} s of processor time")
        assert judge(sound).state == ACCEPTED, f"after {name}"
        path.unlink()
    tell("hostile_files.tsv", measured)
    assert not wrong, "\n".join(wrong)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A file with some bytes changed, left out, doubled, or moved."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 30, 300])):
        at = rng.randrange(len(changed) or 1)
        length = rng.choice([1, 1, 2, 4, 16, 512])
        kind = rng.randrange(6)
        if kind == 0:
            changed[at : at + length] = rng.randbytes(length)
        elif kind == 1:
            changed[at : at + length] = rng.choice([b"\xff", b"\x00", b"9", b",", b'"', b"\n", b"<"]) * length
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length] * rng.choice([1, 2, 50])
        elif kind == 4:
            changed[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00"]
            )
        else:
            changed = changed[: max(1, at)] if rng.random() < 0.2 else changed
    return bytes(changed)


def seeds(shared_data: Path | None) -> list[tuple[str, str, bytes]]:
    """(collection, file name, content) of sound files: made-up ones of every container, and small ones as published."""
    sent = flow.workforce()
    found = [
        ("workforce", "workforce_RA9_2025-06_v1.csv", sent),
        ("workforce", "workforce_RA9_2025-06_v1.csv.gz", gzip.compress(sent)),
        ("workforce", "workforce_RA9_2025-06_v1.csv", sent.decode().encode("utf-16")),
        ("workforce", "workforce_RA9_2025-06_v1.xlsx", hostile_files.book()),
        ("workforce", "workforce_RA9_2025-06_v1.xlsx", hostile_files.zipped(hostile_files.parts(), zipfile.ZIP_STORED, None)),
        ("workforce", "workforce_RA9_2025-06_v1.xls", hostile_files.old(b"")),
    ]  # fmt: skip
    if shared_data:
        published = sorted(
            (
                path
                for path in shared_data.rglob("*.*")
                if path.suffix in (".csv", ".xlsx", ".xls", ".gz") and path.stat().st_size < 300_000
            ),
            key=lambda path: path.name,
        )
        names = {"workforce": "staff_turnover", "estates_eric": "estates", "medicines": "medicines_stock"}
        found += [
            (names.get(path.parent.name, "procurement_prices"), path.name, path.read_bytes()) for path in published
        ]
    return found


def test_mutated_files_get_a_verdict_within_the_limits(tmp_path, sound, shared_data):
    rest, wrong, states = memory(child_process._child.pid, "VmRSS"), [], Counter()
    folder = tmp_path / "mutated"
    folder.mkdir()
    kinds = seeds(shared_data)
    longest, stop = 0.0, time.monotonic() + float(os.environ.get("TB_TEST_SECONDS", "3600"))
    with Watch() as watch:
        for number in range(size(100, 10_000)):
            rng = random.Random(number)
            collection, name, content = kinds[number % len(kinds)]
            path = folder / name
            path.write_bytes(mutated(content, rng))
            before = cpu()
            try:
                states[judge(path, collection).state] += 1
            except Exception as problem:
                wrong.append(f"{number} ({name}): {type(problem).__name__}: {problem}")
            longest = max(longest, cpu() - before)
            if time.monotonic() > stop:
                break
    assert judge(sound).state == ACCEPTED
    more = watch.most - rest
    tell(
        "mutated_files.txt",
        [
            f"{number + 1} files: {dict(states)}",
            f"{more >> 20} MB more than at rest",
            f"{longest:.1f} s at most",
            *wrong,
        ],
    )
    assert not wrong, "\n".join(wrong[:20])
    assert more <= child_process.MEMORY
    assert longest <= 2 * child_process.SECONDS


def test_a_hostile_file_harms_no_other_of_its_batch_and_one_too_large_is_never_read(
    world, in_child_process, monkeypatch
):
    for name in ("a cell in the last corner.xlsx", "a line of 300 MB.csv.gz", "sectors in a ring.xls"):
        flow.put(f"workforce/workforce_RHA_2025-06_v1 {name}", hostile_files.FILES[name]())
    flow.put_return("RA9", "2025-06", flow.workforce())
    flow.put_return("RNU", "2025-06", flow.workforce("RNU", scale=1.4))
    monkeypatch.setenv("TB_LARGEST_FILE_MB", "1")
    flow.put_return("RP7", "2025-06", flow.workforce("RP7") + b"\n" * 2_000_000)
    had = []
    get = objects.get
    monkeypatch.setattr(objects, "get", lambda bucket, key, etag=None: had.append(key) or get(bucket, key, etag))
    said = flow.take_in()
    assert (said["accepted"], said["held"]) == (2, 4), said
    assert not any("RP7" in key for key in had)
    found = dict(
        flow.rows(
            "SELECT sender, message FROM intake.findings JOIN intake.submissions USING (submission_id) WHERE sender = 'RP7' AND rule_id = 'FIL-SIZE'"
        )
    )
    assert "is larger than 1 MB" in found["RP7"]
    key, sha256 = flow.rows("SELECT archive_key, sha256 FROM core.submission WHERE sender = 'RP7'")[0]
    assert objects.look(settings.load().archive, key).sha256 == sha256
    assert not flow.rows("SELECT 1 FROM intake.findings WHERE rule_id = 'SYS-ERROR'")


def test_what_a_call_comes_to_that_ends_the_child(in_child_process):
    for function, argument, reason in (
        (bytearray, 600 << 20, "memory"),
        (signal.raise_signal, signal.SIGABRT, "broke"),
    ):
        with pytest.raises(child_process.Ended) as ended:
            child_process.run(function, argument)
        assert ended.value.reason == reason, ended.value
    with pytest.raises(FileNotFoundError):
        child_process.run(os.stat, "/nowhere")
    assert child_process.run(int, "7") == 7


def test_what_was_asked_first_is_kept_while_something_else_is_asked(in_child_process):
    number, nothing, late = (child_process.ask(*one) for one in ((int, "7"), (os.stat, "/nowhere"), (int, "8")))
    assert child_process.run(int, "9") == 9
    assert (late.result(), number.result(), number.result()) == (8, 7, 7)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            nothing.result()
    child_process.ask(os.abort)  # nobody waits for it
    assert child_process.run(int, "7") == 7


def test_a_fresh_process_is_copied_and_one_where_polars_works_is_not():
    """A task of Airflow is fresh. Were it not copied, each would import everything twice."""
    script = """if True:
        import trust_benchmarks.ingest.receive, trust_benchmarks.records.validate_and_record
        from trust_benchmarks.stores import child_process
        print(child_process.can_be_copied())
        import polars
        polars.DataFrame({"a": [1, 2] * 1000}).group_by("a").len()
        print(child_process.can_be_copied(), child_process.run(int, "7"))
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "7"]


def test_a_call_that_takes_too_much_processor_time_ends_the_child_and_the_next_gets_a_new_one():
    """In a fresh process: its child is a copy, so a shorter limit holds there too."""
    script = """if True:
        from trust_benchmarks.stores import child_process
        child_process.SECONDS = 1
        try:
            child_process.run(sum, range(10**12))
        except child_process.Ended as ended:
            print(ended.reason, ended, sep=": ")
        print(child_process.run(int, "7"))
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == ["time: it took more than 1 seconds of processor time", "7"]


def test_a_child_ends_with_its_parent(tmp_path):
    script = "import os, trust_benchmarks.stores.child_process as c; c.run(os.getpid); print(c._child.pid, flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}/stat").exists() or ") Z" in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the child lives on")

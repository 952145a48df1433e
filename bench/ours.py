"""This pipeline's way: the real stages on the real services, as Airflow's tasks call them."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from trust_benchmarks.ingest import receive, waiting
from trust_benchmarks.records.validate_and_record import validate_and_record
from trust_benchmarks.releases import switch
from trust_benchmarks.stores import objects, settings
from watch import Watch, peak_mb

COLLECTION, PERIOD = "procurement_prices", "2025-06"


def send(paths: list[Path]) -> None:
    """What trusts do: puts their files into the inbox."""
    for path in paths:
        key, kind = f"{COLLECTION}/{path.name}", {"ContentType": objects.BYTES}
        objects.client().upload_file(str(path), settings.load().inbox, key, ExtraArgs=kind)


def run(paths: list[Path], workers: int, watch: Watch) -> float:
    """From files in the inbox to the published benchmark, each step timed; returns the most memory a worker held (MB)."""
    with watch("send"):
        send(paths)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_meet, initargs=(spawn.Barrier(workers),)) as pool:
        list(pool.map(_warm, range(workers)))  # starts and imports; process start is left out of both ways
        _start_child()
        with watch("receive"):
            receive.receive(COLLECTION)
        with watch("process"):
            done = list(pool.map(validate_and_record, waiting.batches(COLLECTION, PERIOD)))
        peak = max(pool.map(_peak, range(workers)))
    if any(counts["held"] for counts in done):
        raise SystemExit("A file was held; the generated files should all be accepted. See intake.findings.")
    with watch("publish"):
        switch.refresh(COLLECTION, PERIOD)
    return peak


def again(path: Path, folder: Path, watch: Watch) -> None:
    """One trust sends its file once more, with a line left out: from archive to published."""
    lines = path.read_bytes().splitlines(keepends=True)
    second = folder / path.name.replace("_v1", "_v2")
    second.write_bytes(b"".join(lines[:2] + lines[3:]))
    send([second])
    receive.receive(COLLECTION)
    with watch("again"):
        for batch in waiting.batches(COLLECTION, PERIOD):
            validate_and_record(batch)
        switch.refresh(COLLECTION, PERIOD)
    second.unlink()


def one_by_one(paths: list[Path], watch: Watch) -> None:
    """Single files from the archive to accepted records, each timed as a step."""
    send(paths)
    receive.receive(COLLECTION)
    listed = [one for batch in waiting.batches(COLLECTION, PERIOD) for one in batch]
    for submission_id in listed:
        with watch(submission_id):
            validate_and_record([submission_id])


def _meet(barrier) -> None:
    """Keeps a worker's barrier and waits for the others to have started."""
    global _all
    _all = barrier
    _all.wait()


def _warm(_) -> None:
    _start_child()
    _all.wait()


def _start_child() -> None:
    """Starts the child process that opens files, which a task of Airflow's gets as a copy of itself in milliseconds."""
    from trust_benchmarks.records import read_and_validate
    from trust_benchmarks.stores import child_process

    child_process.run(read_and_validate.Plain, False, "", 0, 0)


def _peak(_) -> float:
    _all.wait()  # so that every worker answers once
    return peak_mb()

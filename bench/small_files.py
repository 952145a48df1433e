"""`make bench-small`: a thousand small returns from the inbox to published figures, on fresh services; a line a step.

The files are sound sample returns of workforce (10 rows) and e-rostering (a row a ward). Compare two versions of the
pipeline by running this in both checkouts, one after the other, and quote the ratio.
"""

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from watch import Watch

COLLECTIONS = ("workforce", "e_rostering")


def main() -> None:
    """Runs the stages and prints seconds and processor seconds of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-bench-small-") as folder:
        watch = run(Path(folder), asked.files)
    for step, seconds in watch.steps.items():
        print(f"{step:8} {seconds:7.1f} s  {watch.cpu[step]:7.1f} s of processor time, servers included", flush=True)
    print(f"{'all':8} {sum(watch.steps.values()):7.1f} s  {sum(watch.cpu.values()):7.1f} s")


def run(folder: Path, files: int) -> Watch:
    """Sends `files` sample returns, takes them in with two workers, and publishes every period."""
    from trust_benchmarks.ingest import receive, reference_load, waiting
    from trust_benchmarks.records.validate_and_record import validate_and_record
    from trust_benchmarks.releases import build, candidates, switch
    from trust_benchmarks.stores import objects, settings, warehouse
    from trust_benchmarks_local import sample, services

    months = -(-files // (2 * 60))
    sample.write(folder / "sample", providers=60, periods=months, lines=12, faults=False)
    paths = sorted(path for name in COLLECTIONS for path in (folder / "sample" / name).glob("*.*"))
    paths = sorted(paths, key=lambda path: path.name.rsplit("_", 2)[1:])[:files]
    watch = Watch()
    with services.running(folder / "state"):
        warehouse.migrate()
        reference_load.refresh()
        for path in paths:
            objects.client().put_object(
                Bucket=settings.load().inbox, Key=f"{path.parent.name}/{path.name}", Body=path.read_bytes()
            )
        print(f"{time.strftime('%H:%M:%S')}  {len(paths)} files in the inbox", flush=True)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, spawn) as pool:
            list(pool.map(_warm, range(2)))
            _warm(0)
            with watch("receive"):
                pairs = [pair for name in COLLECTIONS for pair in receive.receive(name)["waiting"]]
            with watch("process"):
                batches = [batch for pair in pairs for batch in waiting.batches(*pair)]
                done = list(pool.map(validate_and_record, batches))
        with watch("publish"):
            for collection, period in candidates.stale():
                build.make(collection, period)
            switch.switch()
    print(f"accepted {sum(one['accepted'] + one['accepted_with_warnings'] for one in done)} of {len(paths)}")
    return watch


def _warm(_: int) -> None:
    """Imports what the work needs and starts the child process that opens files, so that this is not timed."""
    from trust_benchmarks.records import read_and_validate
    from trust_benchmarks.stores import child_process

    child_process.run(read_and_validate.Plain, False, "", 0, 0)
    time.sleep(0.5)


if __name__ == "__main__":
    main()

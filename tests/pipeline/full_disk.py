"""In a mount namespace: the pipeline on a small disk that is filled to its last byte half-way (run by test_pipeline_full_disk.py).

full_disk.py FOLDER SAMPLE TABLES: a disk is mounted on FOLDER, the files of SAMPLE are collected; every row of every view goes to TABLES.
"""

import csv
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def main(folder: Path, sample: Path, tables: Path) -> None:
    import flow
    from trust_benchmarks.ingest import receive, reference_load, waiting
    from trust_benchmarks.stores import objects, pool, warehouse
    from trust_benchmarks_local import services

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", folder], check=True)
    broke = []
    with services.running(folder / "state"):
        warehouse.migrate()
        reference_load.refresh()
        with open(sample / "arrivals.csv", newline="") as lines:
            for row in csv.DictReader(lines):
                flow.put(row["path"], (sample / row["path"]).read_bytes(), arrived=row["arrived_at"])
        batches = [one for pair in receive.receive()["waiting"] for one in waiting.batches(*pair)]
        for number, batch in enumerate(batches):
            if number == len(batches) // 2:
                size = shutil.disk_usage(folder).free
                subprocess.run(["fallocate", "-l", str(size), folder / "filled"], check=True)
            try:
                flow.validate_and_record(batch)
            except Exception as problem:
                broke.append(type(problem).__name__)
        try:
            flow.release()
        except Exception as problem:
            broke.append(type(problem).__name__)
        pool.close()
    (folder / "filled").unlink()
    objects.client.cache_clear()
    with services.running(folder / "state"):
        flow.take_in()
        flow.release()
        tables.write_bytes(pickle.dumps(flow.snapshot()))
        pool.close()
    print("\nENDED " + json.dumps({"batches": len(batches), "broke": broke}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""A disk that was full to its last byte half-way leaves the same tables, when there is room again, as one that never was."""

import csv
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import flow
import pytest
from trust_benchmarks_local import sample
from worlds import new_world


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_the_same_tables_after_the_disk_was_full(tmp_path, services):
    (tmp_path / "disk").mkdir()
    given = tmp_path / "sample"
    sample.write(given, providers=6, periods=2, lines=80)
    script = Path(__file__).with_name("full_disk.py")
    ran = subprocess.run(
        ["unshare", "--mount", sys.executable, script, tmp_path / "disk", given, tmp_path / "tables"],
        env={name: value for name, value in os.environ.items() if not name.startswith("TB_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    ended = json.loads(ran.stdout.rpartition("ENDED ")[2])
    assert ended["batches"] > 5 and ended["broke"], ended
    with new_world(services), open(given / "arrivals.csv", newline="") as lines:
        for row in csv.DictReader(lines):
            flow.put(row["path"], (given / row["path"]).read_bytes(), arrived=row["arrived_at"])
        flow.take_in()
        flow.release()
        undisturbed = flow.snapshot()
    assert len(undisturbed["published.measures"]) > 100
    assert flow.differences(pickle.loads((tmp_path / "tables").read_bytes()), undisturbed) == {}

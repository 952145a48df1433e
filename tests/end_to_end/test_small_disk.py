"""The whole job on a disk of 1 GB which is filled half-way: a sentence at once, and the same tables when there is room again."""

import csv
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import flow
import pytest
from worlds import new_world

pytestmark = [pytest.mark.full, pytest.mark.timeout(1200)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_filled_half_way_changes_no_table(tmp_path, services):
    (tmp_path / "disk").mkdir()
    command = ["unshare", "--mount", sys.executable, Path(__file__).with_name("fill_disk.py")]
    ran = subprocess.run(
        [*command, tmp_path / "disk", tmp_path / "tables"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    ended = json.loads(ran.stdout.rpartition("ENDED ")[2])
    assert ended["status"] == 1 and (ended["seconds"] or 99) < 10 and "Traceback" not in ended["said"], ended
    assert ended["left"] == [] and ended["used"] < 400
    with new_world(services), open(tmp_path / "sample" / "arrivals.csv", newline="") as lines:
        for row in csv.DictReader(lines):
            flow.put(row["path"], (tmp_path / "sample" / row["path"]).read_bytes(), arrived=row["arrived_at"])
        flow.take_in()
        flow.release()
        undisturbed = flow.snapshot()
    assert len(undisturbed["intake.submissions"]) > 100
    assert flow.differences(pickle.loads((tmp_path / "tables").read_bytes()), undisturbed) == {}

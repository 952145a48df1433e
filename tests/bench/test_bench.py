"""The benchmark itself: on a few lines, the plain way and this pipeline give the same, and a difference is noticed."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def bench():
    """The modules of bench/, which is a folder of scripts and no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("run", "compare")}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def done(bench, tmp_path_factory):
    """Both ways over 4,000 lines: the folder, the figures and the counts."""
    folder = tmp_path_factory.mktemp("bench")
    figures, counts = bench["run"].bench(folder, 4_000, ["copy", "ours-2"], singles=())
    return folder, figures, counts


@pytest.mark.full
def test_both_ways_give_the_same(done):
    # That they do is checked by the benchmark; here only that there was something to compare.
    _, figures, counts = done
    assert set(figures) == {"copy", "ours-2"}
    assert counts["findings"] >= 15 and counts["measures"] == 8
    assert counts["spread"] > 20 and counts["position"] > 60


def test_table_tells_what_was_measured(bench):
    ours = {"receive": 1.0, "process": 3.0, "publish": 1.0, "send": 9.0, "again": 2.0}
    steps = {
        "plain": {"read": 10.0, "store": 40.0},
        "ours-1": ours,
        "ours-2": ours | {"process": 2.0},
        "plain-one": {"a": 9.0, "b": 2.0, "c": 2.0},
        "ours-one": {"a": 3.0, "b": 0.5, "c": 0.4},
    }
    figures = {way: [{"steps": of, "cpu": of, "peak_mb": 400.0}] for way, of in steps.items()}
    counts = {"findings": 7, "spread": 5, "position": 9, "measures": 6}
    table = bench["run"].table(figures, counts, 1_000_000, 1)
    assert "| 8 | 12.5 |" in table and "| 3 | 4.0 (2.00 s : 0.50 s) |" in table
    assert "1 : 2.0 (2.0 s : 4.0 s)" in table and "400 MB" in table


@pytest.mark.full
def test_every_fault_that_was_planted_is_found(done):
    folder, _, _ = done
    planted = (folder / "files" / "planted.csv").read_text().splitlines()[1:]
    found = {
        tuple(line.split(",")[:2]) for line in (folder / "out-copy-0" / "findings.csv").read_text().splitlines()[1:]
    }
    # An outlier among too few prices of a product is none.
    missed = [line for line in planted if tuple(line.split(",")[:2]) not in found and "outlier" not in line]
    assert planted and not missed


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("findings", lambda lines: lines[:-1]),
        ("findings", lambda lines: [*lines[:-1], lines[-1].replace(lines[-1].split(",")[2], "XX-R9")]),
        ("measures", lambda lines: [*lines[:-1], ",".join([*lines[-1].split(",")[:-1], "0.123"])]),
        ("position", lambda lines: [*lines, lines[-1].replace("9520", "9529")]),
    ],
)
def test_difference_is_noticed(bench, done, tmp_path, name, change):
    folder = done[0] / "out-copy-0"
    for path in folder.glob("*.csv"):
        lines = path.read_text().splitlines()
        (tmp_path / path.name).write_text("\n".join(change(lines) if path.stem == name else lines) + "\n")
    differences, _ = bench["compare"].folders(folder, tmp_path)
    assert len(differences) == 1 and differences[0].startswith(name)


def test_processor_time_counts_children():
    code = "import subprocess, sys, watch; w = watch.Watch()\n"
    code += "with w('a'): subprocess.run([sys.executable, '-c', 'sum(range(20_000_000))'])\nprint(w.cpu['a'])"
    told = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert float(told.stdout) > 0.05


def test_memory_is_the_process_own():
    told = subprocess.run(
        [sys.executable, "-c", "import json, watch; print(json.dumps(watch.peak_mb()))"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 1 < json.loads(told.stdout) < 60

"""The declared version of a collection's rules rises when results change, and only then."""

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

import golden_findings
import pytest
import trust_benchmarks
from trust_benchmarks import catalogue
from trust_benchmarks.validation import limits, versions


@pytest.fixture(scope="module")
def now():
    return golden_findings.now()


def test_results_and_numbers_are_those_written_down(now):
    """When this fails: raise the number that it names, and run `python tests/validation/golden_findings.py`."""
    before = golden_findings.read_golden()
    assert golden_findings.complaints(before, now) == []
    assert now == before, "Run python tests/validation/golden_findings.py, which writes them down."


def test_every_collection_with_files_has_some_that_are_refused(now):
    assert {"workforce", "procurement_prices", "e_rostering", "estates", "sickness_absence"} <= now.keys()


def test_changed_rule_without_a_raised_number_is_told(now, monkeypatch):
    monkeypatch.setattr(limits, "rejected_lines", lambda faults: faults["line"].drop_nulls().unique())
    changed = copy.deepcopy(now)
    changed["workforce"]["results"] = golden_findings.digest("workforce")
    assert changed["workforce"]["results"] != now["workforce"]["results"]
    (complaint,) = golden_findings.complaints(now, changed)
    assert complaint.startswith("workforce: its results changed")
    changed["workforce"]["version"] += 1
    assert golden_findings.complaints(now, changed) == []


def test_raised_number_without_a_change_is_told(now):
    raised = copy.deepcopy(now)
    raised["estates"]["version"] += 1
    (complaint,) = golden_findings.complaints(now, raised)
    assert complaint.startswith("estates: its rules_version was raised")
    raised = {name: one | {"common": one["common"] + 1} for name, one in now.items()}
    (complaint,) = golden_findings.complaints(now, raised)
    assert complaint.startswith("versions.COMMON was raised")


def test_changed_data_needs_no_raised_number(now):
    changed = copy.deepcopy(now)
    changed["workforce"] |= {"results": "other", "data": "other"}
    assert golden_findings.complaints(now, changed) == []


def test_version_names_the_numbers_and_the_data():
    found = versions.version("workforce")
    numbers = f"{versions.COMMON}-{catalogue.load('workforce').rules_version}-"
    assert found.startswith(numbers) and len(found) == len(numbers) + 12
    assert "." not in found  # what follows a point names decisions


def test_comment_in_any_module_makes_nothing_stale(tmp_path):
    package = Path(trust_benchmarks.__file__).parent
    copied = tmp_path / "trust_benchmarks"
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copied.rglob("*.py"):
        path.write_text(path.read_text(encoding="utf-8") + "# A comment.\n", encoding="utf-8")
    for path in copied.rglob("*.toml"):
        path.write_text(path.read_text(encoding="utf-8") + "# A comment.\n", encoding="utf-8")
    asked = "\n".join((
        "import trust_benchmarks",
        "from trust_benchmarks import catalogue",
        "from trust_benchmarks.validation.versions import version",
        "print(trust_benchmarks.__file__, *map(version, catalogue.all()))",
    ))  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )  # fmt: skip
    where, *found = run.stdout.split()
    assert Path(where).parent == copied
    assert found == [versions.version(name) for name in catalogue.all()]

"""What validation makes of fixed small files, one digest a collection; written beside the version it was made under.

Run `python tests/validation/golden_findings.py` to write golden_findings.toml after raising a number (include/validation/versions.py says which).
"""

import hashlib
import sys
import tomllib
from pathlib import Path

from trust_benchmarks import catalogue
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation import versions
from trust_benchmarks.validation.validate import validate

TESTS = Path(__file__).parents[1]
GOLDEN = Path(__file__).with_name("golden_findings.toml")


def files(collection: str) -> list[Path]:
    """Small files of a collection, sound and faulty, by name."""
    folders = (TESTS / "cases" / "files" / collection, TESTS / "collections" / collection)
    return sorted(
        path for folder in folders for path in folder.glob("*.*") if path.name not in ("README.md", "real_files.csv") and path.suffix != ".py"
    )  # fmt: skip


def digest(collection: str) -> str:
    """12 hexadecimal digits over the findings and records of all files of a collection, in the order of the files."""
    found = hashlib.sha256()
    for path in files(collection):
        outcome = validate(read(path.read_bytes(), path.name, collection))
        counts = (
            outcome.rows_read,
            outcome.rows_recorded,
            outcome.rows_rejected,
            outcome.cells_expected,
            outcome.cells_valid,
        )
        found.update(repr((path.name, outcome.state, outcome.identified, counts)).encode())
        found.update(outcome.findings.write_csv().encode())
        found.update(outcome.records.write_csv().encode())
        found.update(outcome.provider_rows.write_csv().encode())
    return found.hexdigest()[:12]


def now() -> dict[str, dict]:
    """The version numbers, the reviewed data and the results of each collection that has files."""
    return {
        name: {
            "common": versions.COMMON,
            "version": declared.rules_version,
            "data": versions.data_hash(name),
            "results": digest(name),
        }
        for name, declared in catalogue.all().items()
        if files(name)
    }


def complaints(before: dict[str, dict], after: dict[str, dict]) -> list[str]:
    """What is wrong with the version numbers, a sentence a collection; nothing when results and numbers changed together."""
    found = []
    changed = {name for name in after if name in before and before[name]["results"] != after[name]["results"]}
    for name in sorted(before.keys() & after.keys()):
        was, new = before[name], after[name]
        same_numbers = (was["common"], was["version"]) == (new["common"], new["version"])
        if name in changed and same_numbers and was["data"] == new["data"]:
            found.append(
                f"{name}: its results changed and no number was raised. Raise its rules_version, or versions.COMMON."
            )
        if was["version"] != new["version"] and name not in changed:
            found.append(
                f"{name}: its rules_version was raised and its results are the same. Set it back, or add a file that shows the change."
            )
    if any(before[name]["common"] != after[name]["common"] for name in before.keys() & after.keys()) and not changed:
        found.append(
            "versions.COMMON was raised and all results are the same. Set it back, or add a file that shows the change."
        )
    return found


def write(results: dict[str, dict]) -> None:
    """Writes the golden file."""
    lines = [
        "# Written by tests/validation/golden_findings.py. What each collection's fixed files came to, and under which numbers."
    ]
    for name, one in results.items():
        lines.append(
            f'\n[{name}]\ncommon = {one["common"]}\nversion = {one["version"]}\ndata = "{one["data"]}"\nresults = "{one["results"]}"'
        )
    GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_golden() -> dict[str, dict]:
    """What was written last."""
    return tomllib.loads(GOLDEN.read_text(encoding="utf-8"))


if __name__ == "__main__":
    results = now()
    if GOLDEN.exists() and (wrong := complaints(read_golden(), results)):
        sys.exit("\n".join(wrong))
    write(results)

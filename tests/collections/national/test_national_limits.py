"""The largest published files are read and validated within what `check` promises: 10 seconds and 1 GiB."""

import json
import subprocess
import sys

import pytest

PROGRAM = r"""
import json, re, sys, time
start = time.monotonic()
from pathlib import Path
from trust_benchmarks.reading import read
from trust_benchmarks.validation import validate
path = Path(sys.argv[2])
outcome = validate.validate(read.read(path.read_bytes(), path.name, sys.argv[1]))
# Not getrusage: that also counts what the process that started this one held.
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"seconds": time.monotonic() - start, "mebibytes": peak, "rows": outcome.rows_read}))
"""


@pytest.mark.parametrize(
    ("collection", "path", "rows"),
    [
        ("drug_tariff", "procurement/price_list/drug_tariff_ix_2026-05_derived.csv.gz", 66_208),
        ("estates", "estates_eric/eric_2016-17_workbook.xls", 1_449),
        ("estates", "estates_eric/eric_2019-20_site.csv", 1_261),
    ],
)
def test_largest_files_are_checked_in_time(shared_data, collection, path, rows):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, collection, str(shared_data / path)], capture_output=True, text=True, check=True
    )
    used = json.loads(done.stdout)
    assert used["rows"] == rows
    assert used["seconds"] < 10
    assert used["mebibytes"] < 1024


def test_a_million_blank_rows_below_the_table_cost_nothing(shared_data, made_up):
    """Made up of a real month and what spreadsheets save below it."""
    content = (shared_data / "workforce/sickness_absence_2024-04.csv").read_bytes() + b",,,,,,,,,,\r\n" * 1_000_000
    result = made_up("sickness_absence", "made_up.csv", content)
    assert (result.outcome.rows_read, result.outcome.rows_recorded) == (285, 285)


def test_a_file_that_is_too_long_is_refused_before_it_is_read(made_up):
    header = b"drug_name,pack_size,unit_of_measure,basic_price,vmpp_snomed_code\n"
    result = made_up("drug_tariff", "made_up_2025-07.csv", header + b"a,1,b,2,3\n" * 700_000)
    assert result.counts() == {("FIL-SIZE", "hold"): 1}
    assert "700,000 rows by 5 columns" in result.of("FIL-SIZE")[0]["message"]

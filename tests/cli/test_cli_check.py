"""`check`: a verdict for every file, findings that can be read and are harmless, within time and memory."""

import csv
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sizes import size

COLLECTIONS = Path(__file__).resolve().parents[1] / "collections"


def real_files() -> dict[str, tuple[int, str]]:
    """How each real file of a collection must come out, as tests/collections/<collection>/real_files.csv says: (exit status, collection)."""
    found = {}
    for path in COLLECTIONS.glob("*/real_files.csv"):
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            found[row["file"]] = ({"accepted": 0, "held": 1}[row["state"]], path.parent.name)
    return found


def verdict(path, collection=None):
    """The verdict as told in JSON, without a new process."""
    from trust_benchmarks.cli import check, output

    found, out, kept = check.check(path, collection), io.StringIO(), sys.stdout
    sys.stdout = out
    try:
        check.show(found, output.Format.json)
    finally:
        sys.stdout = kept
    return json.loads(out.getvalue())


def test_a_sound_return_is_accepted(tb_process, workforce_file):
    ran = tb_process("check", workforce_file(), "--format", "json")
    told = json.loads(ran.out)
    assert (ran.code, told["state"], told["collection"], told["period"], told["sender"]) == (
        0,
        "accepted",
        "workforce",
        "2025-06",
        "RY8",
    )
    assert (told["rows_read"], told["rows_recorded"], told["rows_rejected"], told["rows_held"]) == (10, 10, 0, 0)
    assert told["findings"] == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_records_are_written_as_they_were_understood(tb, workforce_file, tmp_path, ending):
    import polars as pl

    target = tmp_path / f"understood.{ending}"
    ran = tb(
        "check", workforce_file({(2, "bank_pay_gbp"): "12,345.60", (2, "ods_code"): "ry8"}), "--records", str(target)
    )
    assert ran.code == 0 and "Wrote 10 accepted rows" in ran.err
    found = pl.read_csv(target) if ending == "csv" else pl.read_parquet(target)
    assert {"sheet", "line", "provider_code"} < set(found.columns)
    assert found.select("line", "ods_code", "bank_pay_gbp").row(0) == (2, "RY8", 12345.6)
    again = tb("check", workforce_file(), "--records", str(target))
    assert again.code == 2 and "already exists and was not changed" in again.err


def test_of_a_held_file_no_records_are_written(tb, workforce_file, tmp_path):
    target = tmp_path / "understood.csv"
    ran = tb("check", workforce_file({(2, "headcount"): "many"}), "--records", str(target))
    assert ran.code == 1 and not target.exists()
    assert "no rows recorded" in ran.err


def test_records_go_to_csv_or_parquet_only(tb, workforce_file, tmp_path):
    ran = tb("check", workforce_file(), "--records", str(tmp_path / "understood.xlsx"))
    assert ran.code == 2 and ".csv or .parquet" in ran.err


def test_a_warning_does_not_hold(tb, workforce_file):
    ran = tb("check", workforce_file({(2, "fte_days_available"): "2000"}))
    assert ran.code == 0
    assert "would be accepted with warnings" in ran.out and "WF-R5" in ran.out


def test_a_fault_holds_and_stands_at_its_place(tb, workforce_file):
    path = workforce_file({(4, "fte"): "lots", (6, "fte"): "200", (6, "fte_days_available"): "6000"})
    ran = tb("check", path, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert ran.code == 1 and "would be held" in ran.err
    assert [(r["rule_id"], r["line"], r["column_name"], r["raw_value"]) for r in rows] == [
        ("CEILING", "", "", ""),
        ("VAL-TYPE", "4", "fte", "lots"),
        ("WF-R1", "6", "fte", "200"),
    ]
    assert "line 4, fte" in tb("check", path).out


def test_hostile_cells_are_shown_harmless(tb, workforce_file):
    evil = '=HYPERLINK("http://x")\x1b[31m\x07[bold]x[/bold][link=http://x]y[/link]\u202e\x9b2J'
    path = workforce_file({(3, "headcount"): evil})
    for form in ("table", "csv", "json"):
        ran = tb("check", path, "--format", form)
        assert ran.code == 1
        assert not set(ran.out) & {"\x1b", "\x07", "\u202e", "\x9b"}, form
    cell = next(
        r["raw_value"] for r in csv.DictReader(io.StringIO(tb("check", path, "-f", "csv").out)) if r["line"] == "3"
    )
    assert cell.startswith("'=HYPERLINK")
    told = json.loads(tb("check", path, "-f", "json").out)
    assert [f["raw_value"] for f in told["findings"] if f["line"] == 3] == [evil], "JSON holds the text as sent"
    assert "[bold]" in tb("check", path).out.replace("\n", "").replace(" ", "")


def test_file_names_are_shown_harmless(tb, tb_process, workforce_file):
    path = workforce_file(name="[red]\x1b[31m\nworkforce.csv")
    os.rename(path, path.parent / b"\xff\x1b[31mx.csv".decode("utf-8", "surrogateescape"))
    for run, form in ((tb_process, "table"), (tb, "json")):
        ran = run(
            "check",
            os.fsencode(path.parent).decode() + "/" + b"\xff\x1b[31mx.csv".decode("utf-8", "surrogateescape"),
            "-f",
            form,
        )
        assert ran.code in (0, 1) and "\x1b" not in ran.out + ran.err


def test_of_thousands_of_findings_200_are_shown_and_all_can_be_had(tb, tmp_path):
    from trust_benchmarks import schemas

    names = list(schemas.load("procurement_prices").fields)
    path = tmp_path / "procurement_prices_RY8_2025-06.csv"
    path.write_text(",".join(names) + "\n" + ("x," * (len(names) - 1) + "x\n") * 500)
    table, rows = tb("check", path), list(csv.DictReader(io.StringIO(tb("check", path, "-f", "csv").out)))
    assert len(rows) > 3000
    assert f"{len(rows) - 200:,} more findings are not shown here" in table.out and "--format csv" in table.out


@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "collection", "format"])
def test_what_cannot_be_asked_is_said_in_a_sentence(tb, tmp_path, workforce_file, what):
    os.mkfifo(tmp_path / "pipe")
    arguments, says = {
        "missing": ([tmp_path / "no.csv"], "There is no file"),
        "folder": ([tmp_path], "is a folder"),
        "pipe": ([tmp_path / "pipe"], "not a plain file"),
        "collection": ([workforce_file(), "--collection", "nope"], "There is no collection 'nope'"),
        "format": ([workforce_file(), "--format", "xml"], "Invalid value"),
    }[what]
    ran = tb("check", *arguments)
    assert ran.code == 2 and ran.out == "" and says in ran.err


def test_an_unreadable_file_is_said(monkeypatch, workforce_file):
    """Told here as the system would tell it: the superuser, as whom tests may run, may read everything."""
    from trust_benchmarks.cli import Refused, check

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = workforce_file()
    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(Refused, match="may not be read by this user"):
        check.check(path)


def test_every_real_file_gets_a_verdict(shared_data):
    seen = {}
    for path in sorted(p for p in shared_data.rglob("*") if p.is_file()):
        told = verdict(path)
        held = told["state"] == "held"
        assert held == any(f["severity"] == "hold" for f in told["findings"]), path.name
        assert told["rows_read"] == told["rows_recorded"] + told["rows_rejected"] + told["rows_held"]
        seen[path.name] = (int(held), told["collection"])
    assert len(seen) > 50
    declared = real_files()
    assert {name: seen[name] for name in declared} == declared
    # A file that is accepted and that no collection expects is one too many.
    assert {name for name, (held, _) in seen.items() if not held} == {
        name for name, (held, _) in declared.items() if not held
    }
    assert len(declared) > 20


@pytest.mark.parametrize(
    "name", ["sickness_absence_2024-04.csv", "eric_2016-17_workbook.xls", "tac_illustrative_2021-22.xlsx"]
)
@pytest.mark.parametrize("damage", ["cut", "renamed", "noise", "doubled", "empty"])
def test_a_damaged_real_file_gets_a_verdict(shared_data, tmp_path, name, damage):
    content, chance = next(shared_data.rglob(name)).read_bytes(), random.Random(name + damage)
    noisy = bytearray(content)
    for _ in range(200):
        noisy[chance.randrange(len(noisy))] = chance.randrange(256)
    made, called = {
        "cut": (content[: len(content) // 3], name),
        "renamed": (content, name.rsplit(".", 1)[0] + (".csv" if "csv" not in name else ".xlsx")),
        "noise": (bytes(noisy), name),
        "doubled": (content + content, name),
        "empty": (b"", name),
    }[damage]
    path = tmp_path / called
    path.write_bytes(made)
    told = verdict(path)
    if damage == "empty":
        assert told["state"] == "held" and told["findings"][0]["rule_id"] == "FIL-EMPTY"
    if damage == "renamed":  # it is read for what it is
        assert told["rows_read"] > 0 or name.startswith("tac")


def test_a_name_is_believed_less_than_the_content(shared_data, tmp_path):
    source = next(shared_data.rglob("sickness_absence_2024-05.csv"))
    folder = tmp_path / "estates"
    folder.mkdir()
    path = folder / "workforce_return_2024-05.csv"
    path.write_bytes(source.read_bytes())
    told = verdict(path)
    assert told["collection"] == "sickness_absence" and "in sickness_absence/" in told["note"]
    assert verdict(path, "workforce")["collection"] == "workforce"
    assert verdict(path, "workforce")["state"] == "held"


LINES, LONG = size(60_000, 150_000), size(8_000_000, 20_000_000)


def large_files(folder):
    """Files (of up to 20 MB in full size) that ask for much: sound, wrong throughout, compressed and hostile."""
    from trust_benchmarks import schemas

    names = list(schemas.load("procurement_prices").fields)
    head = ",".join(names) + "\n"
    row = "RY8,2025-06,PO{:06d},1,2025-06-12,Example Medical Ltd,S1,NPC{:06d},npc,Nitrile gloves medium,X1,box,100,2,3.50,7.00,order,C1,yes\n"
    bad = "RY8,2025-06,PO{:06d},1,soon,Example Medical Ltd,S1,NPC{:06d},npc,Nitrile gloves medium,X1,box,x,-2,3.50,lots,order,C1,maybe\n"
    sound = head + "".join(row.format(n, n) for n in range(LINES))
    made = {
        "sound.csv": sound.encode(),
        "wrong.csv": (head + "".join(bad.format(n, n) for n in range(LINES))).encode(),
        "ragged.csv": (head + ",".join("1" * 18) + "\n" + "a,b\n" * LINES).encode(),
        "random.csv": random.Random(1).randbytes(LONG),
        "one_line.csv": b"a," * (LONG // 2),
        "bomb.csv.gz": gzip.compress(head.encode() + b"a" * 100_000_000, 1),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 200_000_000)
    import xlsxwriter

    with xlsxwriter.Workbook(folder / "sound.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet("return")
        for n, line in enumerate(sound.splitlines()[:30_000]):
            sheet.write_row(n, 0, line.split(","))
    with xlsxwriter.Workbook(folder / "far.xlsx") as book:
        sheet = book.add_worksheet("return")
        sheet.write_row(0, 0, names)
        sheet.write(1_048_575, 16_383, "x")
    return sorted(folder.iterdir())


# Runs a command and writes its processor time and peak memory. In between, because a process is charged with the
# memory of the one that started it, and this one has made large files.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "wb"), stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


@pytest.mark.full
def test_large_and_hostile_files_stay_within_time_and_memory(tmp_path):
    """Ten seconds of processor time (a busy machine must not fail this) and 1 GiB, each."""
    states, out = {}, tmp_path.parent / "out.json"
    for path in large_files(tmp_path):
        asked = [sys.executable, "-m", "trust_benchmarks.cli.main", "check", str(path), "--format", "json"]
        done = subprocess.run([sys.executable, "-c", MEASURE, out, *asked], capture_output=True, text=True, check=True)
        code, seconds, mebibytes = map(float, done.stdout.split())
        assert seconds < 10 and mebibytes < 1024, (path.name, seconds, mebibytes)
        with out.open(encoding="utf-8") as file:
            states[path.name] = re.search(r'"state": "(\w+)"', file.read(2000))[1]
        assert code == (states[path.name] == "held"), path.name
    assert {name for name, state in states.items() if state != "held"} == {"sound.csv", "sound.xlsx"}


def test_the_help_loads_nothing_heavy_and_says_what_a_newcomer_needs(tb, tb_process):
    ran = tb_process("--help")
    for word in (
        "check",
        "query",
        "submissions",
        "findings",
        "template",
        "new-collection",
        "make run",
        "data-dictionary",
    ):
        assert word in ran.out
    for name in ("check", "query", "submissions", "findings", "template", "new-collection", "dictionary"):
        said = tb(name, "--help")
        assert said.code == 0 and f"trust-benchmarks {name}" in said.out, name
    heavy = "import sys, trust_benchmarks.cli.main; print([m for m in ('polars', 'pandera', 'psycopg', 'duckdb') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_reader_that_goes_away_is_no_trouble(workforce_file):
    line = f"{sys.executable} -m trust_benchmarks.cli.main check {workforce_file({(4, 'fte'): 'lots'})} --format csv | head -c 10"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.stdout == "rule_id,se" and "Traceback" not in done.stderr

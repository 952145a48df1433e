"""Rows as table, CSV and JSON: exact where a program reads them, harmless where a person or a spreadsheet does."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import polars as pl
import pytest
from trust_benchmarks.cli import output
from trust_benchmarks.cli.output import Format
from trust_benchmarks.reading.harmless import csv_safe

NAMES = ["a", "b", "c", "d", "a"]
ROWS = [(1, 0.1 + 0.2, Decimal("1.10"), dt.date(2025, 6, 1), None), (2**70, 1e-300, Decimal("-0"), None, 'x, "y"\nz')]


def written(capsys, form, rows=ROWS, names=NAMES, **more):
    output.write(rows, names, form, **more)
    return capsys.readouterr()


def test_json_keeps_numbers_and_nothing(capsys):
    told = json.loads(written(capsys, Format.json).out, parse_float=Decimal)
    assert told == [
        {"a": 1, "b": Decimal("0.30000000000000004"), "c": Decimal("1.10"), "d": "2025-06-01", "a_2": None},
        {"a": 2**70, "b": Decimal("1E-300"), "c": 0, "d": None, "a_2": 'x, "y"\nz'},
    ]
    assert json.loads(written(capsys, Format.json, rows=[]).out) == []
    assert json.loads(written(capsys, Format.json, rows=[(float("nan"),)], names=["x"]).out) == [{"x": None}]


def test_csv_keeps_full_precision(capsys):
    rows = list(csv.reader(io.StringIO(written(capsys, Format.csv).out)))
    assert rows == [
        ["a", "b", "c", "d", "a_2"],
        ["1", "0.30000000000000004", "1.10", "2025-06-01", ""],
        [str(2**70), "1e-300", "-0", "", 'x, "y"\nz'],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1+cmd", "-1+1", "@SUM(A1)", "\t=1", "\n=1", " =1", "＝1", "-x", "+A1"])
def test_what_a_spreadsheet_would_run_is_quoted(text):
    assert csv_safe(text) == "'" + text


@pytest.mark.parametrize("text", ["-5", "+5.5", "-1e5", "-", "", "a=b", "5%", "-.5", "RY8", "3-4", "£5"])
def test_ordinary_texts_and_numbers_are_left_alone(text):
    assert csv_safe(text) == text


@pytest.mark.parametrize("form", list(Format))
def test_no_control_character_gets_through(capsys, form):
    text = "".join(map(chr, (*range(32), *range(127, 160), 0x202E, 0x2066, 0x200F, 0xD800)))
    out = written(capsys, form, rows=[(text,)], names=[text]).out
    assert not [letter for letter in out if letter != "\n" and letter != "\t" and not letter.isprintable()]
    assert "␛" in out or "\\u001b" in out


@pytest.mark.parametrize("form", [Format.csv, Format.json])
def test_a_frame_is_written_as_rows_are(capsys, form):
    texts = ["=1+1", "-5", None, "", "a\nb", 'q"q', "\x1b[31m", "\u202e", "é£", " =x", "\x9b", "plain", "a,b", "\t"]
    frame = pl.DataFrame({"text": texts, "line": list(range(len(texts)))}, schema={"text": pl.String, "line": pl.Int64})
    output.write_frame(frame, form)
    fast = capsys.readouterr().out
    slow = written(capsys, form, rows=frame.rows(), names=frame.columns).out
    read = json.loads if form is Format.json else lambda text: list(csv.reader(io.StringIO(text)))
    assert read(fast) == read(slow)
    assert not [letter for letter in fast if letter not in "\n\t" and not letter.isprintable()]
    output.write_frame(frame.clear(), form)
    assert read(capsys.readouterr().out) == ([] if form is Format.json else [["text", "line"]])


def test_a_table_shows_200_rows_unless_told(capsys):
    many = [(n,) for n in range(1, 1001)]
    told = written(capsys, Format.table, many, ["n"], more="Do this.")
    assert "200" in told.out and "201" not in told.out
    assert told.err == "Only the first 200 rows are shown. Do this.\n"
    assert "1000" in written(capsys, Format.table, many, ["n"], limit=1000).out
    assert len(written(capsys, Format.csv, many, ["n"]).out.splitlines()) == 1001
    assert json.loads(written(capsys, Format.json, many, ["n"], limit=2).out) == [{"n": 1}, {"n": 2}]


def test_markup_in_a_table_is_text(capsys):
    assert "[bold]x[/bold]" in written(capsys, Format.table, [("[bold]x[/bold]",)], ["[red]n"]).out

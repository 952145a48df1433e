"""A collection's model refuses by itself what a return must not contain, and lists the same cells for polars and for pandas."""

import datetime as dt
import random
import re
import warnings
from pathlib import Path

import pandas as pd
import pandera.pandas
import pandera.polars
import polars as pl
import pytest
from sizes import size
from trust_benchmarks import catalogue, schemas
from trust_benchmarks.schemas import workforce
from trust_benchmarks.schemas.models import Cell, failing_cells

SOUND = Path(__file__).parents[1] / "cases/files/workforce/base_sample_workforce_RA9_2025-06_v1.csv"
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::pandera.errors.SchemaWarning")


def sound() -> pl.DataFrame:
    return pl.read_csv(SOUND, schema_overrides=schemas.load("workforce").dtypes)


def cells(schema, frame) -> list[Cell]:
    try:
        schema.validate(frame, lazy=True)
    except (pandera.polars.errors.SchemaErrors, pandera.pandas.errors.SchemaErrors) as errors:
        return failing_cells(errors)
    return []


def both(collection: str, frame: pl.DataFrame) -> list[Cell]:
    """The failing cells, which must be the same ones on both."""
    schema = schemas.load(collection)
    on_polars = cells(schema.polars(), frame)
    on_pandas = cells(schema.pandas(), frame.to_pandas())
    assert [as_number(cell) for cell in on_polars] == [as_number(cell) for cell in on_pandas]
    return on_polars


def as_number(cell: Cell) -> tuple:
    """polars and Python write long numbers in other ways."""
    try:
        return (*cell[:3], float(cell.value))
    except (TypeError, ValueError):
        return tuple(cell)


def made_up(collection: str, rng: random.Random, rows: int = 12) -> pl.DataFrame:
    """Rows with every kind of fault: blanks, values out of range or on no list, texts of the wrong form, rows repeated."""
    columns = {}
    for name, spec in schemas.load(collection).fields.items():
        if spec.kind == "choice":
            values = [*spec.options, "no such choice"]
        elif spec.kind == "text":
            values = ["RY8", "2025-06", "2024-25", "Word 1", "word 1", "x" * 501, "123456", "9520000003005", ""]
        elif spec.kind == "date":
            values = [dt.date(2025, 6, 1), dt.date(2025, 6, 30), dt.date(1999, 12, 31)]
        elif spec.kind == "yes_no":
            values = [True, False]
        else:
            values = [-3, 0, 1, 2, 5, 101, 100_000] if spec.kind == "whole" else [-0.5, 0.0, 1.5, 12.25, 99.0, 1e6]
        drawn = [rng.choice(values) if rng.random() > 0.1 else None for _ in range(rows)]
        columns[name] = pl.Series(name, drawn + drawn[:2], spec.dtype)  # two rows are repeated
    return pl.DataFrame(columns)


@pytest.mark.parametrize("collection", catalogue.all())
def test_polars_and_pandas_list_the_same_cells(collection):
    seen = set()
    for seed in range(size(3, 8)):
        found = both(collection, made_up(collection, random.Random(f"{collection} {seed}")))
        assert all(cell.column and cell.check for cell in found)
        seen |= {cell.check for cell in found}
    schema = schemas.load(collection)
    assert {"not_nullable", "STR03"} <= seen
    # Every rule that rejects a row by itself is met with, but those that need whole files to be broken.
    hard = {rule.id for rule in schema.row_rules if rule.severity in ("hold", "reject") and rule.scope == "row"}
    assert len(hard & seen) >= len(hard) / 2, hard - seen
    assert any(re.match(r"isin|str_matches|greater|str_length", check) for check in seen)


def test_model_accepts_a_sound_return():
    assert both("workforce", sound()) == []
    assert workforce.Row.validate(sound()).height == sound().height


def test_model_alone_refuses_two_identical_rows():
    frame = pl.concat([sound(), sound()[3:4]])
    assert both("workforce", frame) == [Cell("STR03", "staff_group", n, frame["staff_group"][3]) for n in (3, 10)]
    with pytest.raises(pandera.polars.errors.SchemaError, match="STR03"):
        workforce.Row.validate(frame)


def test_model_alone_refuses_a_null_in_a_required_field():
    frame = sound().with_columns(joiners_hc=pl.when(pl.int_range(pl.len()) == 4).then(None).otherwise("joiners_hc"))
    assert both("workforce", frame) == [Cell("not_nullable", "joiners_hc", 4, None)]
    with pytest.raises(pandera.polars.errors.SchemaError, match="joiners_hc"):
        workforce.Row.validate(frame)


def test_model_alone_refuses_fte_above_headcount():
    frame = sound().with_columns(fte=pl.when(pl.int_range(pl.len()) == 2).then(9000.0).otherwise("fte"))
    found = both("workforce", frame)
    assert Cell("WF-R1", "fte", 2, "9000.0") in found
    assert {cell.check for cell in found} == {"WF-R1"}
    with pytest.raises(pandera.polars.errors.SchemaError, match="WF-R1"):
        workforce.Row.validate(frame)


def test_keys_that_differ_in_capitals_and_blanks_are_one_key():
    ward = made_up("e_rostering", random.Random(1), rows=2)[:1]
    ward = ward.with_columns(ods_code=pl.lit("RY8"), period=pl.lit("2025-06"))
    frame = pl.concat([ward.with_columns(ward_id=pl.lit(one)) for one in ("W01", "w 01", "W02")])
    assert [cell.row for cell in both("e_rostering", frame) if cell.check == "STR03"] == [0, 1]


def test_rule_about_a_whole_return_stands_at_its_first_row():
    found = both("out_of_area_placements", made_up("out_of_area_placements", random.Random(2)))
    assert [(cell.column, cell.row) for cell in found if cell.check == "OAP-R7"] == [("org_type", 0)]


def test_rules_that_warn_are_warnings():
    frame = sound().with_columns(fte=pl.col("fte") / 2)  # far less than 0.7 FTE a head
    with pytest.warns(pandera.errors.SchemaWarning, match="WF-R2"):
        workforce.Row.validate(frame, lazy=True)
    with pytest.warns(pandera.errors.SchemaWarning, match="WF-R2"):
        schemas.load("workforce").pandas().validate(frame.to_pandas(), lazy=True)


def test_frame_as_pandas_reads_it_is_converted():
    frame = pd.read_csv(SOUND)
    frame.loc[4, "joiners_hc"] = float("nan")  # the column becomes one of decimal numbers
    assert cells(schemas.load("workforce").pandas(), frame) == [Cell("not_nullable", "joiners_hc", 4, None)]


def test_documented_example_says_what_comes_out(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "check-a-frame.md").read_text(encoding="utf-8")
    monkeypatch.chdir(ROOT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names: dict = {}
        for code, printed in re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", page, re.S):
            exec(code, names)
            assert capsys.readouterr().out == printed
    assert "failing_cells" in page

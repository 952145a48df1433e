"""`template`: a blank return that, filled in, passes."""

import io

import openpyxl
import pytest
from trust_benchmarks import catalogue, schemas
from trust_benchmarks.cli import template
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation.validate import validate

EACH_TRUST = [name for name, one in catalogue.all().items() if not one.is_national]
NATIONAL = [name for name, one in catalogue.all().items() if one.is_national]


@pytest.mark.parametrize("collection", EACH_TRUST)
def test_a_blank_return_has_the_right_headings(tb, collection):
    ran = tb("template", collection)
    assert (ran.code, ran.out) == (0, ",".join(schemas.load(collection).fields) + "\n")
    for content, name in ((ran.out.encode(), "x.csv"), (template.blank_xlsx(collection), "x.xlsx")):
        period = {"month": "2025-06", "financial_year": "2024-25"}[catalogue.load(collection).frequency]
        reading = read(content, f"{collection}_RY8_{period}_{name}", collection)
        found = validate(reading)
        assert reading.layout.canonical and found.rows_read == 0
        ids = set(found.findings["rule_id"])
        assert "FLOOR" in ids and not [i for i in ids if i.startswith(("FIL", "STR01", "STR02"))], (
            "only rows are missing"
        )


def test_a_filled_in_workbook_passes(tb, tmp_path, workforce_rows):
    path = tmp_path / "workforce.xlsx"
    assert tb("template", "workforce", "--output", path).code == 0
    book = openpyxl.load_workbook(path)
    fields = list(schemas.load("workforce").fields.values())
    for row in workforce_rows[1:]:
        numbers = {"whole": int, "number": float}
        book["return"].append(
            [numbers.get(f.kind, str)(cell) if cell else None for f, cell in zip(fields, row, strict=True)]
        )
    book.save(path)
    ran = tb("check", path, "--collection", "workforce")
    assert ran.code == 0 and "would be accepted" in ran.out and "No errors or warnings were found" in ran.out


@pytest.mark.parametrize("collection", EACH_TRUST)
def test_the_notes_explain_every_field_and_rule(collection):
    from trust_benchmarks.validation import rule_wording

    book = openpyxl.load_workbook(io.BytesIO(template.blank_xlsx(collection)))
    assert book.sheetnames == ["return", "notes"]
    lines = [[cell or "" for cell in row] for row in book["notes"].iter_rows(values_only=True)]
    told = {line[0]: line for line in lines}
    for spec in schemas.load(collection).fields.values():
        required = "yes" if spec.required else "no"
        assert told[spec.name][1:5] == [spec.title, spec.unit or "", required, spec.expected()]
    assert {(line[0], line[1]) for line in lines} >= {(rule.id, rule.says) for rule in rule_wording.of(collection)}
    assert not [cell for line in lines for cell in line if "{" in str(cell)]
    periods = [f for f in schemas.load(collection).fields.values() if f.kind in ("text", "choice", "date")]
    widths = book["return"].column_dimensions
    names = list(schemas.load(collection).fields)
    letters = {name: openpyxl.utils.get_column_letter(names.index(name) + 1) for name in names}
    assert all(widths[letters[f.name]].number_format == "@" for f in periods if letters[f.name] in widths)


@pytest.mark.parametrize("collection", NATIONAL)
def test_a_national_collection_has_none(tb, collection):
    ran = tb("template", collection)
    assert (ran.code, ran.out) == (2, "")
    assert f"published by {catalogue.load(collection).publisher}" in ran.err and "no template" in ran.err


def test_what_cannot_be_written_is_said(tb, tmp_path):
    there = tmp_path / "there.xlsx"
    there.write_text("mine")
    cases = {
        ("workforce", "-o", there): "exists and is left",
        ("workforce", "-o", tmp_path / "no" / "x.csv"): "cannot be written",
        ("workforce", "-o", tmp_path / "x.csv", "-f", "xlsx"): "does not end in .xlsx",
        ("workforce", "-f", "pdf"): "not a format of a template",
        ("nope",): "There is no collection",
    }
    for arguments, says in cases.items():
        ran = tb("template", *arguments)
        assert ran.code == 2 and says in ran.err, arguments
    assert there.read_text() == "mine" and list(tmp_path.iterdir()) == [there]


def test_a_workbook_without_a_name_gets_the_collections(tb, tmp_path):
    assert tb("template", "workforce", "--format", "xlsx", cwd=tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["workforce.xlsx"]

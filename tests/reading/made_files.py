"""Sound files of several collections, to be written in other containers and with other troubles."""

import csv
import io
from functools import cache
from pathlib import Path

import openpyxl
import polars as pl
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation.validate import Outcome, validate

FILES = Path(__file__).parents[1] / "cases" / "files"
COLLECTIONS = (
    "workforce", "procurement_prices", "sickness_absence", "e_rostering", "corporate_services", "finance_oversight",
    "medicines_pharmacy", "estates",
)  # fmt: skip


@cache
def _base(collection: str) -> tuple[str, tuple[tuple[str, ...], ...]]:
    with (FILES / "cases.csv").open(encoding="utf-8") as cases:
        (name,) = (
            row["file"] for row in csv.DictReader(cases) if (row["collection"], row["kind"]) == (collection, "base")
        )
    text = (FILES / collection / name).read_text("utf-8-sig")
    return name.removesuffix(".csv"), tuple(map(tuple, csv.reader(io.StringIO(text))))


def name_of(collection: str) -> str:
    """The base file's name without its ending."""
    return _base(collection)[0]


def rows_of(collection: str) -> list[list[str]]:
    """The base file's rows, headings first; to be changed."""
    return [list(row) for row in _base(collection)[1]]


def as_text(rows, delimiter=",", end="\n", encoding="utf-8", quoting=csv.QUOTE_MINIMAL) -> bytes:
    """Rows as a text file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue().encode(encoding)


def as_book(sheets: dict[str, list], states: dict[str, str] | None = None) -> bytes:
    """Sheets of rows as a workbook; `states` may hide some. Numbers are numbers, as somebody who types them gets them."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.sheet_state = (states or {}).get(title, "visible")
        for row in rows:
            sheet.append([_typed(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _typed(cell):
    if isinstance(cell, str) and len(cell) < 12 and not cell.startswith("0"):
        try:
            return float(cell) if "." in cell else int(cell)
        except ValueError:
            return cell
    return cell or None


def outcome(collection: str, content: bytes, ending: str = ".csv") -> Outcome:
    """What comes of a file that is named as the base file is."""
    return validate(read(content, name_of(collection) + ending, collection))


@cache
def base_outcome(collection: str) -> Outcome:
    """What comes of the base file."""
    return outcome(collection, as_text(rows_of(collection)))


def records(found: Outcome) -> pl.DataFrame:
    """Its records without their places, in an order of their own."""
    kept = found.records.drop("sheet", "line")
    return kept.sort(kept.columns)


def told(found: Outcome) -> str:
    """What was found, to be shown when a test fails."""
    return f"{found.state}\n" + "\n".join(
        map(str, found.findings.select("rule_id", "severity", "sheet", "line", "message").rows())
    )


def assert_same(collection: str, found: Outcome, noted: str | None = None) -> None:
    """It is accepted with the base file's records, and only infos say so; `noted` stands in one of them."""
    base = base_outcome(collection)
    assert found.state == base.state, told(found)
    assert records(found).equals(records(base)), told(found)
    new = found.findings.filter(~pl.col("rule_id").is_in(base.findings["rule_id"].implode()))
    assert set(new["severity"]) <= {"info"}, told(found)
    if noted is None:
        assert not new.height, told(found)
    else:
        assert any(noted in message for message in new["message"]), told(found)


def assert_held(found: Outcome, rule_id: str, *words: str) -> None:
    """It is held by a finding of that rule whose sentence has all these words."""
    assert found.state == "held", told(found)
    says = found.findings.filter((pl.col("rule_id") == rule_id) & (pl.col("severity") == "hold"))["message"].to_list()
    assert any(all(word in one for word in words) for one in says), told(found)

"""Small tables of text, as a return is typed: a header, rows of cells, and how both become the bytes of a file."""

import csv
import datetime as dt
import gzip
import io
from dataclasses import dataclass

import xlsxwriter

SHEET = "return"
CODES = {"ods_code", "period", "financial_year", "site_code", "ward_id", "po_number", "product_code", "supplier_id"}


@dataclass
class Table:
    """A header and rows of text cells; lines are numbered as in the file, the header is line 1."""

    columns: list[str]
    rows: list[list[str]]

    def copy(self) -> "Table":
        """The same cells in new lists."""
        return Table(list(self.columns), [list(row) for row in self.rows])

    def get(self, line: int, column: str) -> str:
        """The text of a cell."""
        return self.rows[line - 2][self.columns.index(column)]

    def number(self, line: int, column: str) -> float:
        """The number in a cell (blank counts as 0)."""
        return float(self.get(line, column) or 0)

    def put(self, line: int, **cells: object) -> None:
        """Writes texts or numbers into cells of a line."""
        for column, value in cells.items():
            self.rows[line - 2][self.columns.index(column)] = text(value)

    def lines(self, **where: str) -> list[int]:
        """The lines whose cells equal all of `where`."""
        wanted = [(self.columns.index(column), value) for column, value in where.items()]
        return [n for n, row in enumerate(self.rows, 2) if all(row[i] == value for i, value in wanted)]

    def total(self, column: str) -> float:
        """The sum of a column."""
        at = self.columns.index(column)
        return sum(float(row[at] or 0) for row in self.rows)


def text(value: object) -> str:
    """A value as it stands in a file; numbers have at most two decimals."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)


def to_csv(table: Table) -> bytes:
    """UTF-8, comma, one header row, line feeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return out.getvalue().encode("utf-8")


def from_csv(content: bytes) -> Table:
    """The table in a clean CSV file of ours."""
    columns, *rows = csv.reader(io.StringIO(content.decode("utf-8")))
    return Table(columns, rows)


def to_xlsx(table: Table) -> bytes:
    """One sheet named `return`; numbers as numbers, codes as text; the same bytes for the same table."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": dt.datetime(2025, 1, 1), "title": "Sample return: invented figures"})
    sheet = book.add_worksheet(SHEET)
    sheet.write_row(0, 0, table.columns)
    for r, row in enumerate(table.rows, 1):
        for c, cell in enumerate(row):
            if cell == "":
                continue
            if c < len(table.columns) and table.columns[c] not in CODES and _is_number(cell):
                sheet.write_number(r, c, float(cell))
            else:
                sheet.write_string(r, c, cell)
    book.close()
    return out.getvalue()


def to_gzip(content: bytes) -> bytes:
    """Compressed without a time stamp, so that the same content gives the same bytes."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell[:1] in "-0123456789"

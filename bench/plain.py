"""The plain way, as one writes it first: read_csv, a pandera schema with lazy=True, to_sql, one SQL refresh.

The rules are those of include/schemas/procurement_prices.py, written again for pandas; bench/refresh.sql is the plain
way's copy of the price benchmark, for PostgreSQL. Nothing of the pipeline is imported here but what opens the warehouse.
"""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import sqlalchemy as sa
from watch import Watch

PERIOD = "2025-06"
KEY = ["sender", "ods_code", "po_number", "po_line", "line_type"]
NUMBERS = ["po_line", "units_per_issue", "quantity", "unit_price_gbp", "line_value_gbp"]
UNITS = ["each", "box", "pack", "case", "roll", "pair", "set", "other"]
ORDER = ["ods_code", "period", "po_number", "order_date", "line_type", "contract_ref", "national_contract"]
ITEM = ["supplier_name", "supplier_id", "product_code", "code_type", "description", "category_code", "unit_of_issue"]
TEXTS = dict.fromkeys([*ORDER, *ITEM], "str")
WARNINGS = {"VAL-UNUSUAL"}
CHUNK = 100_000  # to_sql makes a Python object of every cell of a chunk


def text(shortest=0, longest=500, pattern=None, required=True):
    """A text column."""
    checks = [pa.Check.str_length(shortest, longest, error="VAL-FORM")]
    if pattern:
        checks.append(pa.Check.str_matches(pattern, error="VAL-FORM"))
    return pa.Column(checks=checks, nullable=not required)


def choice(*options):
    """A column with one of some texts."""
    return pa.Column(checks=pa.Check.isin(options, error="VAL-LIST"))


def unusual(low, high):
    """A bound that warns; what is wrong (not above 0) is not called unusual as well."""
    return pa.Check(lambda cells: (cells <= 0) | cells.between(low, high), error="VAL-UNUSUAL")


def row(rule, check):
    """A rule over several columns; `check` gives a boolean for each row."""
    return pa.Check(check, error=rule, ignore_na=False)


def gtin_is_valid(codes: pd.Series) -> pd.Series:
    """Whether each text is a GTIN with a right check digit."""
    digits = codes.str.fullmatch(r"\d{8}|\d{12,14}").fillna(False).astype(bool)
    number = pd.to_numeric(codes.where(digits, "0")).astype("int64")
    total = sum((number // 10**i % 10) * (3 if i % 2 else 1) for i in range(14))
    return digits & (total % 10 == 0)


def adds_up(d):
    """PP-R1: quantity times price is the value, within a penny or 0.5 percent."""
    allowed = np.maximum(0.01, 0.005 * d.line_value_gbp.abs()) + 1e-9
    return ~((d.quantity * d.unit_price_gbp - d.line_value_gbp).abs() > allowed)


SCHEMA = pa.DataFrameSchema(
    {
        "ods_code": text(pattern=r"^([A-Z0-9]{3}|[A-Z0-9]{5})$"),
        "period": text(pattern=r"^\d{4}-(0[1-9]|1[0-2])$"),
        "po_number": text(longest=40),
        "po_line": pa.Column(checks=pa.Check.ge(1, error="VAL-RANGE")),
        "order_date": pa.Column(),
        "supplier_name": text(longest=200),
        "supplier_id": text(longest=40, required=False),
        "product_code": text(longest=40, required=False),
        "code_type": choice("gtin", "npc", "mpc", "local", "none"),
        "description": text(shortest=3),
        "category_code": text(longest=20, required=False),
        "unit_of_issue": choice(*UNITS),
        "units_per_issue": pa.Column(checks=[pa.Check.gt(0, error="VAL-RANGE"), unusual(1, 10000)]),
        "quantity": pa.Column(),
        "unit_price_gbp": pa.Column(checks=[pa.Check.gt(0, error="VAL-RANGE"), unusual(0.001, 250000)]),
        "line_value_gbp": pa.Column(),
        "line_type": choice("order", "credit", "adjustment"),
        "contract_ref": text(longest=60, required=False),
        "national_contract": pa.Column(nullable=True),
    },
    checks=[
        row("STR03", lambda d: ~(d.duplicated(KEY, keep=False) & d[KEY].notna().all(axis=1))),
        row("STR04", lambda d: d.ods_code.isna() | (d.ods_code == d.sender)),
        row("VAL-PERIOD", lambda d: d.period.isna() | (d.period == PERIOD)),
        row("PP-R1", adds_up),
        row(
            "PP-R2",
            lambda d: ~((d.quantity == 0) | ((d.quantity < 0) & d.line_type.notna() & (d.line_type != "credit"))),
        ),
        row("PP-R5", lambda d: (d.code_type != "gtin") | d.product_code.isna() | gtin_is_valid(d.product_code)),
        row("PP-DATE", lambda d: d.order_date.isna() | d.order_date.between("2025-06-01", "2025-06-30")),
        row("PP-CODE", lambda d: d.code_type.isna() | (d.code_type == "none") | d.product_code.notna()),
    ],
)


def read(paths: list[Path]) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """All files as one typed frame with file, line and sender, and the columns as sent of those with unreadable cells."""
    frames = []
    for path in paths:
        frame = pd.read_csv(path, dtype=TEXTS, keep_default_na=False, na_values=[""])
        frame.insert(0, "file", path.name)
        frame.insert(1, "line", np.arange(2, len(frame) + 2))
        frame.insert(2, "sender", re.search(r"_([A-Z0-9]+)_\d{4}-\d{2}_", path.name)[1])
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True)
    sent = {"order_date": frame.order_date}
    frame["order_date"] = pd.to_datetime(frame.order_date, format="%Y-%m-%d", errors="coerce")
    frame["national_contract"] = frame.national_contract.str.lower().map({"yes": True, "no": False})
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            sent[name] = frame[name]
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame, sent


def validate(frame: pd.DataFrame, sent: dict[str, pd.Series]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accepted rows, and every finding: file, line, rule, column, value."""
    try:
        SCHEMA.validate(frame, lazy=True)
        return frame, pd.DataFrame(columns=["file", "line", "rule_id", "column_name", "raw_value"])
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    # A rule over several columns is listed once for each column of the frame.
    whole_row = cases.schema_context == "DataFrameSchema"
    cases = pd.concat([cases[~whole_row], cases[whole_row].drop_duplicates(["index", "check"]).assign(column=None)])
    at = cases["index"].astype("int64").to_numpy()
    rule = cases.check.to_numpy(dtype=object)
    missing = rule == "not_nullable"
    rule[missing] = "VAL-MISSING"
    raw = cases.failure_case.astype("string").to_numpy(dtype=object)
    for name, texts in sent.items():
        unreadable = missing & (cases.column == name).to_numpy() & texts.iloc[at].notna().to_numpy()
        rule[unreadable], raw[unreadable] = "VAL-TYPE", texts.iloc[at[unreadable]]
    findings = pd.DataFrame(
        {
            "file": frame.file.to_numpy()[at],
            "line": frame.line.to_numpy()[at],
            "rule_id": rule,
            "column_name": cases.column.to_numpy(),
            "raw_value": raw,
        }
    )
    rejected = at[~np.isin(rule.astype(str), list(WARNINGS))]
    return frame.drop(index=np.unique(rejected)), findings


def copy(table, connection, keys, rows) -> None:
    """A `method` for to_sql that loads by COPY, after the example in pandas' documentation."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    names = ", ".join(f'"{key}"' for key in keys)
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f'COPY {table.schema}."{table.name}" ({names}) FROM STDIN (FORMAT csv)') as stream,
    ):
        stream.write(buffer.getvalue())


def run(paths: list[Path], engine: sa.Engine, method, watch: Watch, refresh: bool = True) -> None:
    """From files to the published benchmark (or to the stored rows), each step timed."""
    with watch("read"):
        frame, sent = read(paths)
    with watch("validate"):
        accepted, findings = validate(frame, sent)
        del frame, sent
    with watch("store"), engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS plain"))
        for name, table in (("lines", accepted), ("findings", findings)):
            table.to_sql(
                name, connection, schema="plain", if_exists="append", index=False, chunksize=CHUNK, method=method
            )
    if refresh:
        with watch("refresh"), engine.begin() as connection:
            connection.exec_driver_sql(Path(__file__).with_name("refresh.sql").read_text())

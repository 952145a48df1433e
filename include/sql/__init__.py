"""SQL in files: migrations and queries of the ledger for PostgreSQL; measures, benchmarks and rules between returns for DuckDB."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def text(name: str) -> str:
    """The text of a SQL file, named from this folder with or without its ending: 'timeline/derived', 'timeline/derived.sql'."""
    return (FOLDER / name).with_suffix(".sql").read_text(encoding="utf-8")

"""SQL in files: migrations, timeline and published views for PostgreSQL; measures, benchmarks and cross rules for DuckDB."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def text(name: str) -> str:
    """The text of a SQL file, named from this folder: 'timeline/returns'."""
    return (FOLDER / name).with_suffix(".sql").read_text(encoding="utf-8")

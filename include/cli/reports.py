"""Board reports at the terminal."""

from pathlib import Path

from ..reports import board as boards
from ..reports import documents
from ..stores import warehouse
from . import Refused, desk, embedded
from .output import note


def board(trust: str, half: str, out: Path) -> None:
    """Writes the report of a trust and half-year to a folder, as HTML, PDF and CSV.

    Raises:
        Refused: no such trust or half-year, or the folder cannot be written to.
    """
    try:
        about = boards.half(half)
    except boards.NotAHalf as problem:
        raise Refused(str(problem)) from None
    with embedded.stores(), desk.told():
        with warehouse.connect() as connection:
            rows = boards.load(connection, trust.upper(), about)
        report = boards.make(rows, about)
    written = {
        "html": documents.html(report).encode(),
        "pdf": documents.pdf(report),
        "csv": documents.table(report).encode(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for ending, content in written.items():
            path = out / documents.name_of(report, ending)
            path.write_bytes(content)
            note(f"Written: {path}")
    except OSError as problem:
        raise Refused(f"{out} cannot be written to ({problem.strerror}). Name another folder with --out.") from None

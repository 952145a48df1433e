"""Opens an old workbook (.xls) in a process of its own, because a damaged one can make its reader take the process down."""

import pickle
import subprocess
import sys
from dataclasses import dataclass

MOST_MEMORY = 1 << 30  # bytes of address space; a table that is asked for needs a tenth
SECONDS = 60


@dataclass
class Sheet:
    """A sheet as python_calamine's: its last row and column counted from nought, and its cells (None: too many)."""

    total_height: int
    total_width: int
    cells: list[list] | None

    def to_python(self, skip_empty_area: bool = False) -> list[list]:
        """All rows from the first line."""
        return self.cells


class Workbook:
    """Every sheet of an old workbook, read whole at once.

    Raises:
        ValueError: when the reader fails, takes too much memory or too long.
    """

    def __init__(self, content: bytes, most_cells: int):
        command = [sys.executable, "-I", __file__, str(most_cells)]
        try:
            done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ValueError(f"it was not read in {SECONDS} seconds") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            # A reader that was stopped for want of memory leaves no sentence of its own.
            raise ValueError(said[-1] if said and done.returncode == 1 else "its reader broke down")
        sheets = pickle.loads(done.stdout)
        self.sheet_names = list(sheets)
        self._sheets = {name: Sheet(*found) for name, found in sheets.items()}

    def get_sheet_by_name(self, name: str) -> Sheet:
        """One sheet."""
        return self._sheets[name]


def _main() -> None:
    import resource
    from io import BytesIO

    from python_calamine import CalamineWorkbook

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    book, most = CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read())), int(sys.argv[1])
    found = {}
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        size = sheet.total_height, sheet.total_width
        fits = (size[0] + 1) * (size[1] + 1) <= most
        found[name] = (*size, sheet.to_python(skip_empty_area=False) if fits else None)
    pickle.dump(found, sys.stdout.buffer)


if __name__ == "__main__":
    _main()

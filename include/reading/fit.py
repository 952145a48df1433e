"""How well a table's header fits a layout: which column is which field, what is missing, what is too much."""

from dataclasses import dataclass

from .. import schemas
from ..layouts import Layout, TableLayout, plain


@dataclass
class Fit:
    """How well a table's header fits a layout."""

    layout: Layout
    table: TableLayout
    header_line: int
    header_end: int
    headings: list[str]
    positions: dict[str, int]
    missing: list[str]
    extra: list[str]

    @property
    def fits(self) -> bool:
        return not self.missing and not self.extra

    @property
    def score(self) -> float:
        return len(self.positions) - len(self.missing) - 0.5 * len(self.extra)


def wanted(layout: Layout, table: TableLayout) -> tuple[dict[str, str], dict[str, str]]:
    """heading -> field that must be there, and heading -> field that may be."""
    if layout.canonical:
        return {name: name for name in schemas.load(layout.collection).fields}, {}
    return table.columns, table.optional


def compare(layout: Layout, table: TableLayout, head: list[tuple[int, list[str]]]) -> Fit:
    """How a table fits, by its first rows, each (line, cells)."""
    must, may = wanted(layout, table)
    index = (
        next((i for i, (line, _) in enumerate(head) if line >= table.header_line), len(head)) + table.header_rows - 1
    )
    line, cells = head[index] if index < len(head) else (table.header_line, [])
    cells = list(cells)
    while cells and not cells[-1].strip():
        cells.pop()
    known = _keys(cells, head[index - 1][1] if table.header_rows == 2 and 0 < index < len(head) else None)
    positions, missing = {}, []
    for heading, name in must.items():
        if (at := known.get(plain(heading))) is None:
            missing.append(heading)
        else:
            positions[name] = at
    for heading, name in may.items():
        if (at := known.get(plain(heading))) is not None:
            positions[name] = at
    taken = set(positions.values())
    extra = (
        [cell.strip() or "(no heading)" for i, cell in enumerate(cells) if i not in taken]
        if table.others == "refuse"
        else []
    )
    end = head[index + 1][0] - 1 if index + 1 < len(head) else line
    return Fit(layout, table, line, end, cells, positions, missing, extra)


def _keys(cells: list[str], sections: list[str] | None) -> dict[str, int]:
    """Every way to name a column: its heading, its n-th occurrence, and its section with it."""
    keys, counts, section = {}, {}, ""
    for i, cell in enumerate(cells):
        name = plain(cell)
        counts[name] = counts.get(name, 0) + 1
        keys.setdefault(name, i)
        keys[f"{name}#{counts[name]}"] = i
        if sections is not None:
            section = plain(sections[i]) if i < len(sections) and sections[i].strip() else section
            keys.setdefault(f"{section} :: {name}", i)
    return keys

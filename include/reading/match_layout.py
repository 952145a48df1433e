"""Where a table's headings stand and how well they fit a layout: which column is which field, what is missing, what is too much."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property

from .. import schemas
from ..catalogue.layouts import Layout, TableLayout, heading_key, plain

TITLE_CELLS = 3  # a line above the headings with at least so many filled cells may be a row of data
ROWS_TRIED = 3  # lines with the most known headings that are compared in full


class Head:
    """The first rows of a table, each (line, cells), with what is needed to compare their cells with headings."""

    def __init__(self, rows: Iterable[tuple[int, list[str]]]) -> None:
        self.rows = list(rows)
        self._names: dict[tuple[int, bool], Names] = {}

    @cached_property
    def keys(self) -> list[set[str]]:
        """The cells of every row as headings are compared."""
        return [{heading_key(cell) for cell in cells if cell} for _, cells in self.rows]

    def names(self, index: int, with_section: bool) -> "Names":
        """The ways to name the columns of one row; with those of its section if the row above holds sections."""
        at = index, with_section
        if at not in self._names:
            sections = self.rows[index - 1][1] if with_section and index > 0 else None
            self._names[at] = Names(self.rows[index][1], sections)
        return self._names[at]


class Names:
    """Every way to name a column of a heading row: its heading, its n-th occurrence, and its section with it."""

    def __init__(self, cells: list[str], sections: list[str] | None) -> None:
        self._near = _keys(cells, sections, plain)
        self._far: dict[str, int] | None = None
        self._counts: dict[str, int] = {}
        self._cells, self._sections = cells, sections

    def find(self, heading: str) -> int | None:
        """The column of a heading; one that is spelt in another way counts only where no other column could be meant."""
        if (at := self._near.get(plain(heading))) is not None:
            return at
        if self._far is None:
            self._far = _keys(self._cells, self._sections, heading_key)
            for cell in self._cells:
                self._counts[heading_key(cell)] = self._counts.get(heading_key(cell), 0) + 1
        key = " :: ".join(heading_key(part) for part in heading.split(" :: "))
        own = key.rsplit(" :: ", 1)[-1]
        at = self._far.get(key)
        return at if "#" in own or self._counts.get(own, 0) == 1 or " :: " in key else None


@dataclass
class Fit:
    """How well a table fits a layout.

    Attributes:
        header_line, header_end: the first and the last line of the (lower) heading row.
        headings: its cells as sent, without the blank ones at its end.
        positions: field -> column, counted from nought.
        missing: headings of the layout that are not there; extra: headings that the layout does not have.
        spelt: (as sent, as the layout has it) for headings that are spelt in another way.
        blank: columns without a heading; no row of the table may have anything there.
        above: lines above the headings that hold something, each (line, cells).
        sections: the cells of the row of sections above the headings, where the layout has one.
        usual: whether the headings stand where the layout has them.
    """

    layout: Layout
    table: TableLayout
    header_line: int
    header_end: int
    headings: list[str]
    positions: dict[str, int]
    missing: list[str]
    extra: list[str]
    spelt: list[tuple[str, str]] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    above: list[tuple[int, list[str]]] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    usual: bool = True

    @property
    def fits(self) -> bool:
        """Whether every heading is there, and no other."""
        return not self.missing and not self.extra

    @property
    def score(self) -> float:
        """More is a better fit."""
        return len(self.positions) - len(self.missing) - 0.5 * len(self.extra)


def wanted(layout: Layout, table: TableLayout) -> tuple[dict[str, str], dict[str, str]]:
    """Heading -> field that must be there, and heading -> field that may be."""
    if layout.canonical:
        return {name: name for name in schemas.load(layout.collection).fields}, {}
    return table.columns, table.optional


def locate(layout: Layout, table: TableLayout, head: Head) -> Fit:
    """How a table fits, looked for where the layout has its headings and then on every line of its head."""
    fit = compare(layout, table, head, _usual_index(table, head))
    if fit.fits:
        return fit
    keys = _known_keys(layout, table)
    counts = [len(row & keys) for row in head.keys]
    likely = sorted(
        (i for i, count in enumerate(counts) if 2 * count >= len(keys) or count > 2), key=lambda i: -counts[i]
    )
    for index in likely[:ROWS_TRIED]:
        other = compare(layout, table, head, index)
        if other.fits:
            return other
        if other.score > fit.score:
            fit = other
    return fit


def compare(layout: Layout, table: TableLayout, head: Head, index: int) -> Fit:
    """How a table fits if the (lower) row of its headings is that row of the head."""
    must, may = wanted(layout, table)
    line, cells = head.rows[index] if index < len(head.rows) else (table.header_line, [])
    cells = list(cells)
    while cells and not cells[-1].strip():
        cells.pop()
    names = head.names(index, table.header_rows == 2) if cells else Names([], None)
    positions: dict[str, int] = {}
    missing: list[str] = []
    spelt: list[tuple[str, str]] = []
    for heading, name in (must | may).items():
        at = names.find(heading)
        if at is not None:
            positions[name] = at
            if cells[at:] and cells[at] != heading:
                _note_spelling(spelt, cells[at], heading)
        elif heading in must:
            missing.append(heading)
    missing += [" or ".join(several) for name, several in _alternatives(may) if name not in positions]
    taken = set(positions.values())
    blank = [i for i, cell in enumerate(cells) if i not in taken and not cell.strip()]
    filled = {
        i for i in blank for _, row in head.rows[index + 1 :] if i < len(row) and row[i].strip() and _cells(row) > 1
    }
    extra = []
    if table.others == "refuse":
        extra = [
            cell.strip() or "(no heading)"
            for i, cell in enumerate(cells)
            if i not in taken and (cell.strip() or i in filled)
        ]
    end = (
        head.rows[index + 1][0] - 1
        if index + 1 < len(head.rows)
        else line + max((_breaks(cell) for cell in cells), default=0)
    )
    above = [row for row in head.rows[: max(0, index - table.header_rows + 1)] if _cells(row[1])]
    fit = Fit(layout, table, line, end, cells, positions, missing, extra, spelt, blank, above)
    fit.sections = head.rows[index - 1][1] if table.header_rows == 2 and index > 0 else []
    fit.usual = index == _usual_index(table, head) and not above
    return fit


def _alternatives(may: dict[str, str]) -> list[tuple[str, list[str]]]:
    """Fields that several optional headings name: one of these must be there."""
    by_field: dict[str, list[str]] = {}
    for heading, name in may.items():
        by_field.setdefault(name, []).append(heading)
    return [(name, several) for name, several in by_field.items() if len(several) > 1]


def rows_above(fit: Fit, head: Head) -> list[tuple[int, list[str]]]:
    """Lines above the headings that look like rows of the table: filled like those below."""
    below = sorted(_cells(cells) for line, cells in head.rows if line > fit.header_end and _cells(cells) > 1)
    usual = below[len(below) // 2] if below else len(fit.positions) / 2
    return [(line, cells) for line, cells in fit.above if _cells(cells) >= max(TITLE_CELLS, 0.6 * usual)]


def _usual_index(table: TableLayout, head: Head) -> int:
    first = next((i for i, (line, _) in enumerate(head.rows) if line >= table.header_line), len(head.rows))
    return first + table.header_rows - 1


@cache
def _known_keys_of(layout: str, collection: str, headings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(heading_key(heading.rsplit(" :: ", 1)[-1].split("#")[0]) for heading in headings)


def _known_keys(layout: Layout, table: TableLayout) -> frozenset[str]:
    return _known_keys_of(layout.name, layout.collection, tuple(wanted(layout, table)[0])) - {""}


def _note_spelling(spelt: list[tuple[str, str]], sent: str, heading: str) -> None:
    """Adds a heading that is spelt in another way; blanks around it and more of them between words are none."""
    bare = heading.rsplit(" :: ", 1)[-1]
    said = " ".join(sent.replace("\ufeff", "").split())
    if said not in (bare, heading) and said != bare.split("#")[0]:
        spelt.append((sent.strip(), bare.split("#")[0]))


def _keys(cells: list[str], sections: list[str] | None, key: Callable[[str], str]) -> dict[str, int]:
    keys: dict[str, int] = {}
    counts: dict[str, int] = {}
    section = ""
    for i, cell in enumerate(cells):
        name = key(cell)
        counts[name] = counts.get(name, 0) + 1
        keys.setdefault(name, i)
        keys[f"{name}#{counts[name]}"] = i
        if sections is not None:
            section = key(sections[i]) if i < len(sections) and sections[i].strip() else section
            keys.setdefault(f"{section} :: {name}", i)
    return keys


def _cells(cells: list[str]) -> int:
    return sum(1 for cell in cells if cell and not cell.isspace())


def _breaks(cell: str) -> int:
    return len(cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1

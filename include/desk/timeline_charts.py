"""The charts of the timeline page: events in lanes, and a grid of what became of returns."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from ..pages import readable
from . import svg
from .database import Row
from .svg import BLUE, LINE, ORANGE, PURPLE, QUIET, TEXT

STATUS = {  # colour, marker, whether it is filled, legend
    "actual": (BLUE, "o", True, "happened"),
    "inferred": (BLUE, "o", False, "happened, date inferred"),
    "planned": (ORANGE, "D", False, "planned"),
    "deadline": (PURPLE, "v", True, "deadline"),
}
KINDS = (  # rows of a collection in the grid, in this order; more of the bad ones is worse
    "due", "received", "late", "missing_at_close", "held", "resubmitted", "decided", "accepted", "published", "in_benchmarks",
)  # fmt: skip
BAD = ("late", "missing_at_close", "held")
ROW = 23  # pixels between events of a lane
LETTER = 6.4  # pixels, about


@dataclass(frozen=True)
class _Placed:
    """An event in its lane and row, with its outcome if it is a plan; its label is at the left where the right has no room."""

    event: Row
    outcome: Row | None
    lane: str
    row: int
    at_left: bool


@dataclass(frozen=True)
class _Axis:
    """A time axis of `across` pixels from day `low` to day `high` (ordinals)."""

    low: int
    high: int
    across: int

    @property
    def per_day(self) -> float:
        """Pixels."""
        return self.across / (self.high - self.low)

    def clipped(self, day: date) -> int:
        """A day as an ordinal within the axis."""
        return min(max(day.toordinal(), self.low), self.high)

    def x(self, day: date) -> float:
        """The position of a day in pixels."""
        return (self.clipped(day) - self.low) * self.per_day

    def ticks(self) -> list[tuple[int, str]]:
        """Ticks of months, quarters or years, whichever fit."""
        first, last = date.fromordinal(self.low), date.fromordinal(self.high)
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        sizes = ((1, 62), (3, 62), (6, 62), (12, 38), (24, 38))
        step = next((step for step, wide in sizes if months / step * wide <= self.across), 60)
        found = []
        for number in range(first.year * 12, last.year * 12 + 13, step):
            year, month = divmod(number, 12)
            day = date(year, month + 1, 1)
            if first <= day <= last:
                found.append((day.toordinal(), str(year) if step >= 12 else f"{year}-{month + 1:02}"))
        return found


def _label(event: Row) -> str:
    many = f" × {len(event['trusts'])}" if len(event["trusts"]) > 1 else ""
    whom = f" {event['provider_code']}" if event["provider_code"] and not many else ""
    whom += f", {event['times']} times" if event.get("times", 0) > 1 else ""
    entered = " (entered)" if event["layer"] == "entered" else ""
    return f"{event['number']} {event['kind'].replace('_', ' ')}{whom}{many}{entered}"


def _lane(event: Row, chosen: str) -> tuple[int, str]:
    """The order and name of an event's lane: the programme, then the selected trust and its ancestors, or all trusts as one."""
    code = event["provider_code"]
    return (0, "Programme") if not code else (1 if code == chosen else 2, code if chosen else "Trusts")


def _placed(asked: Row, found: list[Row], fulfils: dict[str, str], axis: _Axis) -> list[_Placed]:
    """Places events so that no labels overlap. A plan is joined to its outcome if that came after it."""
    by_id = {event["event_id"]: event for event in found}
    joined = {
        plan: by_id[outcome]
        for plan, outcome in fulfils.items()
        if plan in by_id and outcome in by_id and by_id[outcome]["reach"][0] >= by_id[plan]["reach"][1]
    }
    outcomes = {event["event_id"] for event in joined.values()}
    taken: dict[str, list[list[tuple[float, float]]]] = {}
    placed = []
    chosen = asked["provider"]
    for event in sorted(found, key=lambda e: (_lane(e, chosen), e["reach"][0], e["number"])):
        if event["event_id"] in outcomes:
            continue  # drawn with its plan
        outcome = joined.get(event["event_id"])
        start, end = axis.x(event["reach"][0]) - 9, axis.x((outcome or event)["reach"][1]) + 9
        wide = LETTER * len(_label(outcome or event)) + 10
        before = LETTER * len(_label(event)) + 10 if outcome else 0
        at_left = not outcome and end + wide > axis.across
        start, end = (start - wide - before, end) if at_left else (start - before, end + wide)
        lane = _lane(event, chosen)[1]
        rows = taken.setdefault(lane, [])
        row = next((i for i, spans in enumerate(rows) if all(end < a or start > b for a, b in spans)), len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append((start, end))
        placed.append(_Placed(event, outcome, lane, row, at_left))
    return placed


@svg.cached
def engagement(asked: Row, found: list[Row], fulfils: dict[str, str], width: int) -> bytes:
    """Lanes of events: the mark shows the status, a bar the length of an event or how uncertain its date is.

    Args:
        asked: see `timeline_data.offered`.
        found: see `timeline_data.together`, with the first and last possible day in `reach`.
        fulfils: see `timeline_data.outcomes`.
        width: in pixels.
    """
    width = svg.fitting(width)
    if not found:
        return svg.drawn(width, 120, lambda figure: _nothing(figure, "No event fits these choices."))
    left, right, top, bottom = 96, 20, 14, 62 if width > 760 else 82
    first, last = min(event["reach"][0] for event in found), max(event["reach"][1] for event in found)
    if asked["year"]:
        first, last = date(int(asked["year"]), 1, 1), date(int(asked["year"]), 12, 31)
    room = max(20, (last - first).days // 40)
    axis = _Axis(first.toordinal() - room, last.toordinal() + room, width - left - right)
    placed = _placed(asked, found, fulfils, axis)
    depth = {lane: max(one.row for one in group) + 1 for lane, group in groupby(placed, key=lambda one: one.lane)}
    height = top + bottom + sum(rows * ROW + 16 for rows in depth.values())

    def draw(figure: Figure) -> None:
        axes = _axes(figure, (left, right, top, bottom), (width, height), ("top", "right", "left"))
        axes.set_xlim(axis.low, axis.high)
        ticks = axis.ticks()
        axes.set_xticks([at for at, _ in ticks], [text for _, text in ticks], fontsize=9.5)
        axes.grid(axis="x", color=LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        tops, y = {}, 0
        for number, (lane, rows) in enumerate(depth.items()):
            tops[lane] = y
            if number % 2 == 0:
                axes.axhspan(y, y + rows * ROW + 16, color="#f4f7f8", zorder=0, lw=0)
            figure.text(8 / width, 1 - (top + y + 18) / height, lane, fontsize=10.5, fontweight="bold", va="center")
            y += rows * ROW + 16
        today = date.today().toordinal()
        if axis.low < today < axis.high:
            axes.axvline(today, color=TEXT, lw=1, ls=(0, (4, 3)), zorder=1)
            axes.text(today, 2, "today ", fontsize=8.5, va="top", ha="right", color=TEXT)
        for one in placed:
            _draw_event(axes, one, tops[one.lane] + one.row * ROW + 19, axis)
        _legend(figure, axes, found, left, width)

    return svg.drawn(width, height, draw)


def _axes(figure: Figure, margins: tuple[int, int, int, int], size: tuple[int, int], hidden: tuple[str, ...]) -> Axes:
    """Axes of pixels from the top, with margins left, right, top and bottom, without ticks at the left."""
    (left, right, top, bottom), (width, height) = margins, size
    inside = ((width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes((left / width, bottom / height, *inside))
    axes.set_ylim(height - top - bottom, 0)
    for side in hidden:
        axes.spines[side].set_visible(False)
    axes.set_yticks([])
    return axes


def _nothing(figure: Figure, why: str) -> None:
    figure.text(0.5, 0.5, why, ha="center", va="center", color=QUIET)


def _draw_event(axes: Axes, one: _Placed, at: float, axis: _Axis) -> None:
    """Draws an event with its label, and its outcome if it has one."""
    event, outcome = one.event, one.outcome
    for drawn in filter(None, (event, outcome)):
        _mark(axes, drawn, at, axis)
    if outcome:
        a, b = event["reach"][1].toordinal(), outcome["reach"][0].toordinal()
        arrow = {"arrowstyle": "->", "color": TEXT, "lw": 1.2}
        axes.annotate("", xy=(b - 6 / axis.per_day, at), xytext=(a, at), arrowprops=arrow, zorder=2)
        text = f"{b - a} days" + ("" if outcome["date_precision"] == "day" else " or more")
        axes.text((a + b) / 2, at - 8, text, ha="center", fontsize=8.5, va="center", fontweight="bold", zorder=5)
    labels = []
    if outcome or one.at_left:
        labels.append((event, axis.x(event["reach"][0]) - 9, "right"))
    if not one.at_left:
        last = outcome or event
        labels.append((last, axis.x(last["reach"][1]) + 9, "left"))
    for labelled, x, side in labels:
        axes.text(
            axis.low + x / axis.per_day, at, _label(labelled), ha=side, va="center", fontsize=9, zorder=4, clip_on=False
        )  # fmt: skip


def _mark(axes: Axes, event: Row, at: float, axis: _Axis) -> None:
    colour, marker, is_filled, _ = STATUS.get(event["status"], STATUS["actual"])
    first, last = (axis.clipped(day) for day in event["reach"])
    if last > first:
        axes.plot([first, last], [at, at], color=colour, lw=6, alpha=0.35, solid_capstyle="butt", zorder=2)
    middle: float
    if event["status"] == "deadline" and event["occurred_to"]:
        middle = last  # it is due by the end of its span
    elif event["occurred_to"] or event["date_precision"] in ("day", "year"):
        middle = axis.clipped(event["occurred_from"])  # the day that the source gives
    else:
        middle = (first + last) / 2
    fill = colour if is_filled else "white"
    axes.plot([middle], [at], marker, ms=7.5, mfc=fill, mec=colour, mew=1.5, zorder=3)


def _legend(figure: Figure, axes: Axes, found: list[Row], left: int, width: int) -> None:
    shown = {event["status"] for event in found}
    handles = [
        axes.plot(
            [], [], marker, ls="", ms=7.5, mfc=colour if is_filled else "white", mec=colour, mew=1.5, label=name
        )[0]
        for status, (colour, marker, is_filled, name) in STATUS.items()
        if status in shown
    ]  # fmt: skip
    handles += axes.plot([], [], color=QUIET, lw=6, alpha=0.35, label="its length, or the uncertainty of its date")
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(left / width, 0),
        ncols=len(handles) if width > 760 else 3,
        frameon=False,
        fontsize=9,
        handletextpad=0.4,
        columnspacing=1.4,
        borderpad=0.3,
    )


@svg.cached
def returns(asked: Row, counts: list[Row], width: int) -> bytes:
    """A grid of collections and what became of their returns, with the number of events in each month, quarter or year.

    Args:
        asked: see `timeline_data.offered`.
        counts: see `timeline_data.counts`.
        width: in pixels.
    """
    width = svg.fitting(width)
    if not counts:
        return svg.drawn(width, 120, lambda figure: _nothing(figure, "No event of a return fits these choices."))
    left, right, top, bottom, row_height = (190, 14, 14, 40, 20) if width > 760 else (160, 8, 14, 40, 19)
    across = width - left - right
    months = [row["month"].year * 12 + row["month"].month - 1 for row in counts]
    last = max(months)
    step = next((step for step in (1, 3, 12) if (last - min(months) + 1) / step * 22 <= across), 12)
    first = min(months) // step * step
    cells: Counter[tuple[str, str, int]] = Counter()
    for row, month in zip(counts, months, strict=True):
        cells[row["collection"], row["kind"], (month - first) // step] += row["events"]
    columns = (last - first) // step + 1
    kinds: dict[str, list[str]] = {}
    for collection in sorted({row["collection"] for row in counts}):
        own = {kind for name, kind, _ in cells if name == collection}
        kinds[collection] = [kind for kind in KINDS if kind in own] + sorted(own - set(KINDS))
    height = top + bottom + sum(len(names) * row_height + 34 for names in kinds.values())
    wide = across / columns

    def draw(figure: Figure) -> None:
        axes = _axes(figure, (left, right, top, bottom), (width, height), ("top", "right", "left", "bottom"))
        axes.set_xlim(0, columns)
        every = next((n for n in (1, 2, 3, 4, 6, 12) if wide * n >= (34 if step == 12 else 52)), 12)
        at = range(0, columns, every)
        starts = [divmod(first + i * step, 12) for i in at]
        names = [str(year) if step == 12 else f"{year}-{month + 1:02}" for year, month in starts]
        axes.set_xticks([i + 0.5 for i in at], names, fontsize=9)
        axes.tick_params(length=0)
        y, edge = 0, (8 - left) / wide
        for collection, rows in kinds.items():
            title = readable.title(collection)
            axes.text(edge, y + 14, title, fontsize=10.5, fontweight="bold", va="center", clip_on=False)
            axes.plot([edge, columns], [y + 26, y + 26], color=QUIET, lw=0.8, clip_on=False)
            for number, kind in enumerate(rows):
                counted = [cells[collection, kind, column] for column in range(columns)]
                _draw_row(axes, kind, counted, y + 28 + row_height * (number + 0.5), row_height * 0.43, wide)
            y += len(rows) * row_height + 34
        unit = {1: "month", 3: "quarter, named by its first month", 12: "year"}[step]
        text = f"Events by {unit}; an empty cell means none."
        figure.text(left / width, 9 / height, text, fontsize=9, color=QUIET, va="center")

    return svg.drawn(width, height, draw)


def _draw_row(axes: Axes, kind: str, counted: list[int], middle: float, half: float, wide: float) -> None:
    """Draws the cells of a kind of event; bad ones are orange, bold and marked with '!'."""
    is_bad = kind in BAD
    weight = "bold" if is_bad else "normal"
    name = kind.replace("_", " ") + (" !" if is_bad else "")
    common = {"va": "center", "fontweight": weight}
    axes.text(-8 / wide, middle, name, ha="right", fontsize=9, clip_on=False, **common)  # type: ignore[arg-type]  # text keywords
    boxes = []
    for column, count in enumerate(counted):
        if count:
            low, high = column + 0.06, column + 0.94
            boxes.append([(low, middle - half), (high, middle - half), (high, middle + half), (low, middle + half)])
            size = 8 if wide > 21 else 7
            axes.text(column + 0.5, middle, f"{count:,}", ha="center", fontsize=size, **common)  # type: ignore[arg-type]  # text keywords
    colour = ORANGE if is_bad else BLUE
    axes.add_collection(PolyCollection(boxes, facecolor=colour, alpha=0.18, linewidth=0, zorder=0), autolim=False)
    empty = [column + 0.5 for column, count in enumerate(counted) if not count]
    axes.plot(empty, [middle] * len(empty), ls="", marker=".", ms=1.5, color="#b5c0c7")

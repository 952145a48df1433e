"""Pictures of the engagement timeline: lanes of the programme and its trusts, and a grid of what became of returns."""

from datetime import date

from . import charts, formatting
from .charts import BLUE, LINE, ORANGE, PURPLE, QUIET, TEXT

STATUS = {  # colour, marker, filled, words
    "actual": (BLUE, "o", True, "happened"),
    "inferred": (BLUE, "o", False, "happened, date inferred"),
    "planned": (ORANGE, "D", False, "planned"),
    "deadline": (PURPLE, "v", True, "deadline"),
}
ROW = 23  # pixels between events of a lane
# Rows of a collection's lane, and whether more of it is worse.
KINDS = {
    "due": False,
    "received": False,
    "late": True,
    "missing_at_close": True,
    "held": True,
    "resubmitted": False,
    "decided": False,
    "accepted": False,
    "published": False,
    "in_benchmarks": False,
}
LETTER = 6.4  # pixels, about


def _label(event: dict) -> str:
    many = f" × {len(event['trusts'])}" if len(event["trusts"]) > 1 else ""
    whom = f" {event['provider_code']}" if event["provider_code"] and not many else ""
    whom += f", {event['times']} times" if event.get("times", 0) > 1 else ""
    by_hand = " (entered)" if event["layer"] == "entered" else ""
    return f"{event['number']} {event['kind'].replace('_', ' ')}{whom}{many}{by_hand}"


def _place(event: dict, chosen: str) -> tuple[int, str]:
    """Which lane an event is drawn in: the programme's first, then the chosen trust's, then its ancestors' (or all trusts' as one)."""
    code = event["provider_code"]
    return (0, "Programme") if not code else (1 if code == chosen else 2, code if chosen else "")


def _axis(first: date, last: date, span: int) -> list[tuple[int, str]]:
    """Ticks of a time axis: months, quarters or years, whichever fit into so many pixels."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    step = next(
        (step for step, wide in ((1, 62), (3, 62), (6, 62), (12, 38), (24, 38)) if months / step * wide <= span), 60
    )
    found = []
    for number in range(first.year * 12, last.year * 12 + 13, step):
        year, month = divmod(number, 12)
        day = date(year, month + 1, 1)
        if first <= day <= last:
            found.append((day.toordinal(), str(year) if step >= 12 else f"{year}-{month + 1:02}"))
    return found


@charts.remembered
def engagement(asked: dict, found: list[dict], fulfils: dict[str, str], width: int) -> bytes:
    """Lanes of events with their precision: a mark says what sort it is, a bar how long it was or how unsure its date is."""
    width = charts.fitting(width)
    left, right = 96, 20
    across = width - left - right
    ids = {event["event_id"]: event for event in found}
    if found:
        first = min(event["reach"][0] for event in found)
        last = max(event["reach"][1] for event in found)
        if asked["year"]:
            first, last = date(int(asked["year"]), 1, 1), date(int(asked["year"]), 12, 31)
        room = max(20, (last - first).days // 40)
        low, high = first.toordinal() - room, last.toordinal() + room
    else:
        low, high = 0, 1
    per_day = across / (high - low)

    def x(day: date) -> float:
        return (min(max(day.toordinal(), low), high) - low) * per_day

    laid = []  # (lane, row, event, outcome or None, label at the left)
    depth: dict[str, int] = {}
    taken: dict[str, list[list[tuple[float, float]]]] = {}
    # A plan is joined to its outcome where that came after it; one that came earlier stands for itself.
    fulfils = {
        plan: outcome for plan, outcome in fulfils.items()
        if plan in ids and outcome in ids and ids[outcome]["reach"][0] >= ids[plan]["reach"][1]
    }  # fmt: skip
    outcomes = set(fulfils.values())
    chosen = asked["provider"]  # of which each ancestor has a lane too
    for event in sorted(found, key=lambda e: (_place(e, chosen), e["reach"][0], e["number"])):
        if event["event_id"] in outcomes:
            continue  # drawn with its plan
        outcome = ids.get(fulfils.get(event["event_id"], ""))
        lane = _place(event, chosen)[-1] or "Trusts"
        start, end = x(event["reach"][0]) - 9, x((outcome or event)["reach"][1]) + 9
        wide = LETTER * len(_label(outcome or event)) + 10
        before = LETTER * len(_label(event)) + 10 if outcome else 0
        at_left = not outcome and end + wide > across
        start, end = (start - wide - before, end) if at_left else (start - before, end + wide)
        rows = taken.setdefault(lane, [])
        row = next((i for i, row in enumerate(rows) if all(end < a or start > b for a, b in row)), len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append((start, end))
        depth[lane] = len(rows)
        laid.append((lane, row, event, outcome, at_left))
    top, bottom = 14, 62 if width > 760 else 82
    height = top + bottom + sum(rows * ROW + 16 for rows in depth.values()) if found else 120

    def draw(figure) -> None:
        if not found:
            figure.text(0.5, 0.5, "No event fits these choices.", ha="center", va="center", color=QUIET)
            return
        axes = figure.add_axes((left / width, bottom / height, across / width, (height - top - bottom) / height))
        axes.set_xlim(low, high)
        axes.set_ylim(height - top - bottom, 0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.set_yticks([])
        marks = _axis(date.fromordinal(low), date.fromordinal(high), across)
        axes.set_xticks([at for at, _ in marks], [said for _, said in marks], fontsize=9.5)
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
        if low < today < high:
            axes.axvline(today, color=TEXT, lw=1, ls=(0, (4, 3)), zorder=1)
            axes.text(today, 2, "today ", fontsize=8.5, va="top", ha="right", color=TEXT)
        for lane, row, event, outcome, at_left in laid:
            at = tops[lane] + row * ROW + 19
            _mark(axes, event, at, low, high)
            said = {"va": "center", "fontsize": 9, "zorder": 4, "clip_on": False}
            if outcome:
                _mark(axes, outcome, at, low, high)
                a, b = event["reach"][1].toordinal(), outcome["reach"][0].toordinal()
                axes.annotate(
                    "",
                    xy=(b - 6 / per_day, at),
                    xytext=(a, at),
                    arrowprops={"arrowstyle": "->", "color": TEXT, "lw": 1.2},
                    zorder=2,
                )
                axes.text(
                    (a + b) / 2,
                    at - 8,
                    f"{b - a} days" if outcome["date_precision"] == "day" else f"{b - a} days or more",
                    ha="center",
                    fontsize=8.5,
                    va="center",
                    fontweight="bold",
                    zorder=5,
                )
                axes.text(low + (x(event["reach"][0]) - 9) / per_day, at, _label(event), ha="right", **said)
                axes.text(low + (x(outcome["reach"][1]) + 9) / per_day, at, _label(outcome), ha="left", **said)
            elif at_left:
                axes.text(low + (x(event["reach"][0]) - 9) / per_day, at, _label(event), ha="right", **said)
            else:
                axes.text(low + (x(event["reach"][1]) + 9) / per_day, at, _label(event), ha="left", **said)
        shown = {event["status"] for event in found}
        handles = [
            axes.plot([], [], marker, ls="", ms=7.5, mfc=colour if full else "white", mec=colour, mew=1.5, label=name)[0]
            for status, (colour, marker, full, name) in STATUS.items() if status in shown
        ]  # fmt: skip
        handles.append(
            axes.plot([], [], color=QUIET, lw=6, alpha=0.35, label="its span, or what its date leaves open")[0]
        )
        figure.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(left / width, 0), ncols=len(handles) if width > 760 else 3, frameon=False, fontsize=9,
            handletextpad=0.4, columnspacing=1.4, borderpad=0.3,
        )  # fmt: skip

    return charts.drawn(width, height, draw)


def _mark(axes, event: dict, at: float, low: int, high: int) -> None:
    colour, marker, full, _ = STATUS.get(event["status"], STATUS["actual"])
    first, last = (min(max(day.toordinal(), low), high) for day in event["reach"])
    if last > first:
        axes.plot([first, last], [at, at], color=colour, lw=6, alpha=0.35, solid_capstyle="butt", zorder=2)
    if event["status"] == "deadline" and event["occurred_to"]:
        middle = last  # it is due by the end of its span
    elif event["occurred_to"] or event["date_precision"] in ("day", "year"):
        middle = min(max(event["occurred_from"].toordinal(), low), high)  # the day that the source gives
    else:
        middle = (first + last) / 2
    axes.plot([middle], [at], marker, ms=7.5, mfc=colour if full else "white", mec=colour, mew=1.5, zorder=3)


@charts.remembered
def returns(asked: dict, counts: list[dict], width: int) -> bytes:
    """A grid: collections and what became of their returns, by month (or quarter, or year), with the number of events in each."""
    width = charts.fitting(width)
    left, right, top, bottom, row_height = (190, 14, 14, 40, 20) if width > 760 else (160, 8, 14, 40, 19)
    across = width - left - right
    months = [row["month"].year * 12 + row["month"].month - 1 for row in counts]
    first, last = (min(months), max(months)) if months else (0, 0)
    step = next((step for step in (1, 3, 12) if (last - first + 1) / step * 22 <= across), 12)
    first = first // step * step
    cells: dict[tuple[str, str, int], int] = {}
    for row, month in zip(counts, months, strict=True):
        key = (row["collection"], row["kind"], (month - first) // step)
        cells[key] = cells.get(key, 0) + row["events"]
    columns = (last - first) // step + 1
    lanes = {}
    for collection in sorted({row["collection"] for row in counts}):
        own = {kind for name, kind, _ in cells if name == collection}
        lanes[collection] = [kind for kind in KINDS if kind in own] + sorted(own - set(KINDS))
    height = top + bottom + sum(len(kinds) * row_height + 34 for kinds in lanes.values()) if counts else 120

    def draw(figure) -> None:
        from matplotlib.collections import PolyCollection

        if not counts:
            figure.text(0.5, 0.5, "No event of a return fits these choices.", ha="center", va="center", color=QUIET)
            return
        axes = figure.add_axes((left / width, bottom / height, across / width, (height - top - bottom) / height))
        axes.set_xlim(0, columns)
        axes.set_ylim(height - top - bottom, 0)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_yticks([])
        wide = across / columns
        every = next((n for n in (1, 2, 3, 4, 6, 12) if wide * n >= (34 if step == 12 else 52)), 12)
        at = range(0, columns, every)
        names = [
            str((first + i * step) // 12)
            if step == 12
            else f"{(first + i * step) // 12}-{(first + i * step) % 12 + 1:02}"
            for i in at
        ]
        axes.set_xticks([i + 0.5 for i in at], names, fontsize=9)
        axes.tick_params(length=0)
        y = 0
        boxes: dict[str, list] = {BLUE: [], ORANGE: []}
        empty: list[tuple[float, float]] = []
        for collection, kinds in lanes.items():
            axes.text(
                -left / wide + 8 / wide,
                y + 14,
                formatting.title(collection),
                fontsize=10.5,
                fontweight="bold",
                va="center",
                clip_on=False,
            )
            axes.plot([-left / wide + 8 / wide, columns], [y + 26, y + 26], color=QUIET, lw=0.8, clip_on=False)
            for number, kind in enumerate(kinds):
                middle = y + 28 + row_height * (number + 0.5)
                bad = KINDS.get(kind, False)
                colour = ORANGE if bad else BLUE
                axes.text(
                    -8 / wide, middle, kind.replace("_", " ") + (" !" if bad else ""), ha="right", va="center", fontsize=9, clip_on=False,
                    fontweight="bold" if bad else "normal",
                )  # fmt: skip
                for column in range(columns):
                    count = cells.get((collection, kind, column), 0)
                    if not count:
                        empty.append((column + 0.5, middle))
                        continue
                    half = row_height * 0.43
                    boxes[colour].append(
                        [
                            (column + 0.06, middle - half),
                            (column + 0.94, middle - half),
                            (column + 0.94, middle + half),
                            (column + 0.06, middle + half),
                        ]
                    )
                    axes.text(
                        column + 0.5, middle, f"{count:,}", ha="center", va="center", fontsize=8 if wide > 21 else 7,
                        fontweight="bold" if bad else "normal",
                    )  # fmt: skip
            y += len(kinds) * row_height + 34
        for colour, corners in boxes.items():
            axes.add_collection(
                PolyCollection(corners, facecolor=colour, alpha=0.18, linewidth=0, zorder=0), autolim=False
            )
        axes.plot([x for x, _ in empty], [y for _, y in empty], ls="", marker=".", ms=1.5, color="#b5c0c7")
        unit = {1: "month", 3: "quarter, named by its first month", 12: "year"}[step]
        figure.text(
            left / width, 9 / height, f"Events by {unit}; an empty cell is none.", fontsize=9, color=QUIET, va="center"
        )

    return charts.drawn(width, height, draw)

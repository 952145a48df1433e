"""The charts of the page of figures: spread, series and opportunity. A missing value is never drawn as zero."""

import itertools
import textwrap
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from . import svg
from .database import Row
from .figure_text import POLARITIES, figure_number
from .svg import BLUE, CHOSEN, LINE, ORANGE, PEER, PURPLE, QUIET, TEXT

ASSESSED = {  # colour, marker, legend
    "improvement": (BLUE, "^", "Signal: improvement"),
    "concern": (ORANGE, "s", "Signal: concern"),
    "neutral": (PURPLE, "D", "Signal: change, neither good nor bad"),
}
RIGHT = 190  # pixels to the right of the axes, for labels
DASHED = (0, (6, 3))

Label = tuple[float, str, str, str]  # y, text, colour, font weight


class _Chart:
    """The frame of a chart: title, lines of smaller text under it, axes, and their margins in pixels."""

    def __init__(self, title: str, under: list[str], found: Row, width: int, body: int) -> None:
        self.width = svg.fitting(width)
        most = int(self.width / 8)
        self.title = title if len(title) <= most else title[: most - 1].rstrip() + "…"
        if found["is_sample"]:
            under = [*under, "SAMPLE: real trust codes, invented figures."]
        warns = ("THIN", "SAMPLE", "No limits")
        letters = max(40, int((self.width - 20) / 6.9))  # a bold letter has about 7 pixels
        self.under = [(part, line.startswith(warns)) for line in under for part in textwrap.wrap(line, letters)]
        self.height = body + 19 * len(self.under)

    def across(self, left: int = 70) -> int:
        """The width of the axes."""
        return self.width - left - RIGHT

    def axes(self, figure: Figure, bottom: int, left: int = 70) -> Axes:
        """Draws the frame and returns its axes."""
        top = 42 + 19 * len(self.under)
        size = (self.across(left) / self.width, (self.height - top - bottom) / self.height)
        axes = figure.add_axes((left / self.width, bottom / self.height, *size))
        x = 10 / self.width
        figure.text(x, 1 - 20 / self.height, self.title, fontsize=12, fontweight="bold", va="center")
        for number, (line, warns) in enumerate(self.under):
            y = 1 - (42 + 19 * number) / self.height
            look = ("#8a0b0b", "bold") if warns else (QUIET, "normal")
            figure.text(x, y, line, fontsize=9.5, va="center", color=look[0], fontweight=look[1])
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        return axes

    def nothing(self, figure: Figure, why: str) -> None:
        """Draws the title and why there is nothing else."""
        figure.text(0.01, 0.8, self.title, fontsize=12, fontweight="bold", va="center")
        figure.text(0.5, 0.4, why, ha="center", va="center", color=QUIET)

    def beside(self, axes: Axes, labels: Iterable[Label]) -> None:
        """Writes labels to the right of the axes at their heights, moved apart where they would overlap."""
        low, high = axes.get_ylim()
        gap = 17 / (axes.get_position().height * self.height) * (high - low)
        labels = sorted(labels)
        at = [label[0] for label in labels]
        for _ in range(200):  # each pair that is too close moves apart by half of what is missing
            close = [i for i, (a, b) in enumerate(itertools.pairwise(at)) if b - a < gap * 0.999]
            for i in close:
                middle = (at[i] + at[i + 1]) / 2
                at[i], at[i + 1] = middle - gap / 2, middle + gap / 2
            if not close:
                break
        for place, (y, text, colour, weight) in zip(at, labels, strict=True):
            line = {"arrowstyle": "-", "color": colour, "lw": 0.5, "shrinkA": 0, "shrinkB": 0}
            axes.annotate(
                text,
                xy=(1, y),
                xycoords=("axes fraction", "data"),
                xytext=(1.012, place),
                textcoords=("axes fraction", "data"),
                va="center",
                fontsize=9.5,
                color=colour,
                fontweight=weight,
                annotation_clip=False,
                arrowprops=line if abs(place - y) > gap / 20 else None,
            )

    def legend(self, figure: Figure, axes: Axes) -> None:
        """Writes what the marks mean, at the lower right, on one line if it fits."""
        handles, labels = axes.get_legend_handles_labels()
        known = dict(zip(labels, handles, strict=True))
        if known:
            figure.legend(
                list(known.values()),
                list(known),
                loc="lower right",
                bbox_to_anchor=(1 - 6 / self.width, 0),
                ncols=1 if self.width < 600 else len(known),
                frameon=False,
                fontsize=9,
                handletextpad=0.3,
                columnspacing=1.4,
                borderpad=0.4,
            )


def _values_axis(axes: Axes, values: list[float], unit: str) -> None:
    """Sets limits with room above and below, from zero where the values come near it anyway; ticks and unit."""
    low, high = min(values), max(values)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 1
    from_zero = 0 <= low <= (high - low) * 0.5
    axes.set_ylim(-room * 0.4 if from_zero else low - room, high + room)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.tick_params(length=3, labelsize=9.5)
    axes.set_ylabel(unit, fontsize=9.5)


def _thin(found: Row) -> list[str]:
    return [f"THIN DATA. {' '.join(found['thin'])}"] if found["thin"] else []


@svg.cached
def spread(asked: Row, found: Row, width: int) -> bytes:
    """Every trust of the peer group that has a complete value, in order, with quartile lines and the selected trust highlighted.

    Args:
        asked: see `figure_data.chosen`.
        found: see `figure_data.spread`.
        width: in pixels.
    """
    about, own, mark, valued = asked["about"], found["own"], found["benchmark"], found["valued"]
    under = _thin(found)
    if found["silent"]:
        codes = ", ".join(row["provider_code"] for row in found["silent"][:12])
        more = len(found["silent"]) - 12
        under.append(f"No complete value, not drawn: {codes}{f' and {more} more' if more > 0 else ''}.")
    chart = _Chart(f"{about['name']}, {asked['period']}: {found['group_words']}", under, found, width, 360)
    few, across = len(valued), chart.across()
    is_labelled, is_upright = few * 13 <= across, few * 40 > across
    own_code = own["provider_code"] if own else None

    def draw(figure: Figure) -> None:
        if not valued:
            return chart.nothing(figure, "No trust has a value, so nothing is drawn.")
        axes = chart.axes(figure, 78 if is_labelled and is_upright else 62)
        lines = [mark[n] for n in ("lower_quartile", "median", "upper_quartile") if mark and mark[n] is not None]
        _values_axis(axes, [row["value"] for row in valued] + lines, about["unit"])
        axes.set_xlim(-0.8, few - 0.2)
        size = max(3.0, min(8.0, across / few * 0.45))
        if found["thin"]:
            axes.axhspan(*axes.get_ylim(), facecolor="#fafbfb", edgecolor="#e3e8ea", hatch="//", linewidth=0, zorder=0)
        others = [(i, row) for i, row in enumerate(valued) if row["provider_code"] != own_code]
        _peers(axes, others, size)
        labels = _quartiles(axes, mark)
        if own and own["value"] is not None and not own.get("withheld"):
            at = next(i for i, row in enumerate(valued) if row["provider_code"] == own_code)
            look = ("white", CHOSEN, 2) if own["quality_flag"] == "C" else (CHOSEN, "white", 1)
            name = f"{own_code}, the selected trust"
            big = max(9, size * 1.3)
            axes.plot([at], [own["value"]], "D", ms=big, mfc=look[0], mec=look[1], mew=look[2], zorder=5, label=name)
            axes.axvline(at, color=CHOSEN, lw=0.8, ls=":", zorder=1)
            labels.append((own["value"], f"{own_code} {figure_number(own['value'])}", CHOSEN, "bold"))
        chart.beside(axes, labels)
        axes.set_xticks(
            range(few) if is_labelled else [], [row["provider_code"] for row in valued] if is_labelled else []
        )
        for row, tick in zip(valued, axes.get_xticklabels(), strict=False):
            tick.set(rotation=90 if is_upright else 0, fontsize=8)
            if row["provider_code"] == own_code:
                tick.set(fontweight="bold", color=CHOSEN)
        order = f"{few} trusts in order of their values" if few > 1 else "1 trust"
        direction = POLARITIES.get(about["polarity"], POLARITIES["neutral"])
        y = 13 / chart.height
        figure.text(70 / chart.width, y, f"{order}; {direction}", fontsize=9.5, color=QUIET, va="center")
        return chart.legend(figure, axes)

    return svg.drawn(chart.width, chart.height, draw)


def _peers(axes: Axes, rows: list[tuple[int, Row]], size: float) -> None:
    """Marks of the other trusts; hollow where the return was received late."""
    looks = ((False, PEER, 0.5, "A trust"), (True, "white", 1.2, "Received late (quality C)"))
    for is_late, fill, edge, label in looks:
        some = [(i, row["value"]) for i, row in rows if (row["quality_flag"] == "C") is is_late]
        if some:
            axes.plot(*zip(*some, strict=True), "o", ms=size, mfc=fill, mec=QUIET, mew=edge, label=label)


def _quartiles(axes: Axes, mark: Row | None) -> list[Label]:
    """Draws the lines of a benchmark; returns their labels."""
    labels: list[Label] = []
    lines = (("lower_quartile", "Lower quartile"), ("upper_quartile", "Upper quartile"), ("median", "Median"))
    for name, title in lines:
        if mark and mark[name] is not None:
            colour = TEXT if name == "median" else BLUE
            style = {"lw": 1.6} if name == "median" else {"lw": 1.3, "ls": DASHED}
            axes.axhline(mark[name], color=colour, zorder=1, **style)
            labels.append((mark[name], f"{title} {figure_number(mark[name])}", colour, "normal"))
    return labels


@svg.cached
def series(asked: Row, found: Row, width: int) -> bytes:
    """One trust's values over time: an XmR chart with its signals, or a line with its median where there are no limits.

    Args:
        asked: see `figure_data.chosen`.
        found: see `figure_data.series`.
        width: in pixels.
    """
    about, points = asked["about"], found["points"]
    under = [f"No limits. {found['reason']}"] if found["reason"] else []
    trial = [section for section in found["sections"] if section["is_trial"] and not section["reason"]]
    if trial:
        under.append(f"Trial limits ({trial[-1]['values']} values; 13 make them firm).")
    chart = _Chart(f"{about['name']}: {asked['provider']} over time", under, found, width, 350)
    values = [point["value"] for point in points]
    known = [value for value in values if value is not None]

    def draw(figure: Figure) -> None:
        if not known:
            return chart.nothing(figure, "No period has a value, so nothing is drawn.")
        axes = chart.axes(figure, 72)
        limits = [p[name] for p in points for name in ("lower_limit", "upper_limit") if p.get(name) is not None]
        _values_axis(axes, known + limits, about["unit"])
        axes.set_xlim(-0.6, len(points) - 0.4)
        _gaps(axes, values)
        axes.plot(range(len(points)), [float("nan") if v is None else v for v in values], color=QUIET, lw=1.2, zorder=2)
        labels = _lines(axes, points, found)
        _points(axes, points)
        here = next((i for i, point in enumerate(points) if point["period"] == asked["period"]), None)
        if here is not None:
            axes.axvline(here, color=CHOSEN, lw=0.8, ls=":", zorder=1)
        for restart in found["restarts"]:
            at = next(i for i, point in enumerate(points) if point["period"] == restart) - 0.5
            axes.axvline(at, color=TEXT, lw=1.2, ls=(0, (2, 2)))
            text = " break in the series: new limits"
            axes.text(at, 1.0, text, fontsize=8.5, va="bottom", transform=axes.get_xaxis_transform())
        last = max(i for i, value in enumerate(values) if value is not None)
        label = f"{points[last]['period']}: {figure_number(values[last])}"
        chart.beside(axes, [*labels, (values[last], label, CHOSEN, "bold")])
        step = max(1, -(-len(points) * 62 // (chart.width - 260)))
        shown = list(range(len(points) - 1, -1, -step))
        axes.set_xticks(shown, [points[i]["period"] for i in shown])
        for i, tick in zip(shown, axes.get_xticklabels(), strict=True):
            tick.set_fontsize(9)
            if i == here:
                tick.set(fontweight="bold", color=CHOSEN)
        return chart.legend(figure, axes)

    return svg.drawn(chart.width, chart.height, draw)


def _gaps(axes: Axes, values: list[float | None]) -> None:
    """Hatches the periods without a value."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    common = {"ha": "center", "va": "center", "fontsize": 8.5, "color": QUIET, "bbox": box}
    for i in [i for i, value in enumerate(values) if value is None]:
        axes.axvspan(i - 0.45, i + 0.45, facecolor="#f4f6f7", edgecolor="#c5ced4", hatch="///", linewidth=0, zorder=0)
        axes.text(i, 0.5, "no value", rotation=90, transform=axes.get_xaxis_transform(), **common)  # type: ignore[arg-type]  # text keywords


def _points(axes: Axes, points: list[Row]) -> None:
    """Marks of the values by their assessment; hollow where the return was received late."""
    kinds = {None: (QUIET, "o", "A value")} | ASSESSED
    for name, (colour, marker, label) in kinds.items():
        is_signal = name is not None
        for is_late in (False, True):
            some = [
                (i, p["value"])
                for i, p in enumerate(points)
                if p["value"] is not None
                and (p.get("assessment") if p.get("assessment") in ASSESSED else None) == name
                and (p["quality_flag"] == "C") is is_late
            ]
            if some:
                edge = colour if is_late or not is_signal else "white"
                axes.plot(
                    *zip(*some, strict=True),
                    marker,
                    ls="",
                    ms=8.5 if is_signal else 6,
                    mfc="white" if is_late else colour,
                    mec=edge,
                    mew=1.5 if is_late and is_signal else 0.8 if is_signal else 1.0,
                    zorder=4 if is_signal else 3,
                    label=label if is_signal or not is_late else "Received late (quality C)",
                )


def _lines(axes: Axes, points: list[Row], found: Row) -> list[Label]:
    """Draws the mean and limits of each section, or the median; returns the labels of the last."""
    labels: list[Label] = []
    kinds = (("upper_limit", "Upper limit"), ("centre", "Mean"), ("lower_limit", "Lower limit"))
    for section in [section for section in found["sections"] if not section["reason"]]:
        at = [i for i, point in enumerate(points) if point.get("section") == section["section"]]
        ends, labels = [at[0] - 0.5, at[-1] + 0.5], []
        for name, title in kinds:
            colour = TEXT if name == "centre" else BLUE
            style = {"lw": 1.4} if name == "centre" else {"lw": 1.3, "ls": DASHED}
            axes.plot(ends, [section[name]] * 2, color=colour, zorder=1, **style)
            labels.append((section[name], f"{title} {figure_number(section[name])}", colour, "normal"))
        if at[-1] != len(points) - 1:
            labels = []
    if found["reason"] and found["median"] is not None:
        axes.axhline(found["median"], color=TEXT, lw=1.4, zorder=1)
        labels.append((found["median"], f"Median {figure_number(found['median'])}", TEXT, "normal"))
    return labels


@svg.cached
def opportunity(asked: Row, found: Row, width: int) -> bytes:
    """The selected trust's value against each benchmark, one line for each, and what reaching it is worth.

    Args:
        asked: see `figure_data.chosen`.
        found: own, thin and is_sample as in `figure_data.spread`, and rows of published.comparisons with the benchmark in `words`.
        width: in pixels.
    """
    about, own = asked["about"], found["own"]
    rows = [row for row in found["rows"] if row["benchmark_value"] is not None]
    title = f"{about['name']}, {asked['period']}: {asked['provider']} against each benchmark"
    chart = _Chart(title, _thin(found), found, width, 120 + 34 * max(2, len(rows)))

    def draw(figure: Figure) -> None:
        if not rows or own is None or own["value"] is None:
            return chart.nothing(figure, "There is nothing to compare, so nothing is drawn.")
        axes = chart.axes(figure, 66, left=190)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color=LINE, linewidth=0.7)
        value = own["value"]
        for at, row in enumerate(rows):
            colour, marker, label = {
                True: (*ASSESSED["improvement"][:2], "The trust is better"),
                False: (*ASSESSED["concern"][:2], "The trust is worse"),
            }.get(row["is_better"], (QUIET, "o", "Equal, or neither"))
            axes.plot([row["benchmark_value"], value], [at, at], color=colour, lw=2.2, solid_capstyle="butt", zorder=2)
            axes.plot(
                [row["benchmark_value"]], [at], marker, ms=8, mfc=colour, mec="white", mew=0.8, ls="", zorder=3, label=label
            )  # fmt: skip
            worth = f"£{row['opportunity_gbp']:,.0f}" if row["opportunity_gbp"] is not None else "not priced"
            axes.annotate(
                worth + (", can be added" if row["adds_to_total"] else ""),
                xy=(1.012, at),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=9.5,
                color=TEXT if row["opportunity_gbp"] else QUIET,
                annotation_clip=False,
            )
        axes.axvline(value, color=CHOSEN, lw=1.6, zorder=1, label=f"The trust: {figure_number(value)} {about['unit']}")
        axes.set_yticks(range(len(rows)), [row["words"] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.margins(x=0.08)
        axes.tick_params(length=0, labelsize=9.5)
        return chart.legend(figure, axes)

    return svg.drawn(chart.width, chart.height, draw)

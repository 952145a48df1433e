"""Charts as SVG: drawn the same way every time, text as text, nothing from elsewhere, and never a zero where there is no value."""

import functools
import hashlib
import io
import itertools
import re
import threading

WIDE, NARROW, WIDEST = 1180, 700, 2000  # pixels

# Colours that stay apart for colour-blind readers (after Okabe and Ito), each with a shape of its own.
TEXT, QUIET, LINE = "#212b32", "#4c6272", "#d8dde0"
PEER, CHOSEN, BLUE, ORANGE, PURPLE = "#7c93a3", "#003087", "#0072b2", "#d55e00", "#8a3b8f"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "trust-benchmarks",
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Liberation Sans", "Helvetica", "DejaVu Sans", "sans-serif"],
    "font.size": 10.5,
    "text.color": TEXT,
    "text.parse_math": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": TEXT,
    "axes.unicode_minus": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "hatch.linewidth": 0.6,
    "hatch.color": "#9aa7b0",
}
ASSESSED = {  # colour, marker, words
    "improvement": (BLUE, "^", "Signal: improvement"),
    "concern": (ORANGE, "s", "Signal: concern"),
    "neutral": (PURPLE, "D", "Signal: change, neither good nor bad"),
}
KEPT = 48  # pictures of each sort
_keeping = threading.Lock()
_drawing = threading.Lock()  # matplotlib's settings are the process's own


def remembered(make):
    """Keeps the last pictures that a function drew: drawing takes a second, and the same facts give the same picture."""
    kept: dict[bytes, bytes] = {}

    @functools.wraps(make)
    def picture(*about):
        key = hashlib.sha256(repr(about).encode()).digest()
        found = kept.get(key)
        if found is None:
            found = make(*about)
            with _keeping:
                kept[key] = found
                while len(kept) > KEPT:
                    kept.pop(next(iter(kept)))
        return found

    return picture


def drawn(width: int, height: int, draw) -> bytes:
    """An SVG of so many pixels, on which `draw(figure)` has drawn."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _drawing, mpl.rc_context(STYLE):
        figure = Figure(figsize=(width / 96, height / 96), dpi=72, facecolor="white")
        canvas = FigureCanvasSVG(figure)
        draw(figure)
        out = io.BytesIO()
        canvas.print_svg(out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _bare(out.getvalue().decode()).encode()


def _bare(text: str) -> str:
    """Without what names other places: the document type and the metadata, which no picture needs."""
    text = re.sub(r"<!DOCTYPE[^>]*>\s*", "", text)
    return re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)


def fitting(width: int) -> int:
    """A width that somebody asked for, within bounds."""
    return min(max(width, 320), WIDEST)


def brief(value: float) -> str:
    """A value as a label: four significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def shortened(text: str, most: int) -> str:
    """A text that fits."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _frame(figure, width: int, height: int, *, title: str, under: list[str], right: int, bottom: int, left: int = 70):
    """Axes with a heading, lines of smaller text under it, and margins in pixels."""
    top = 30 + 19 * len(under) + 12
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    figure.text(10 / width, 1 - 20 / height, title, fontsize=12, fontweight="bold", va="center")
    for number, line in enumerate(under):
        warns = line.startswith(("THIN", "SAMPLE", "No limits"))
        figure.text(
            10 / width, 1 - (42 + 19 * number) / height, line, fontsize=9.5, va="center",
            color="#8a0b0b" if warns else QUIET, fontweight="bold" if warns else "normal",
        )  # fmt: skip
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def _wrapped(lines: list[str], width: int) -> list[str]:
    """Lines broken where they would be wider than the picture (about 6 pixels a letter)."""
    import textwrap

    return [part for line in lines for part in textwrap.wrap(line, max(40, int((width - 20) / 6.1)))]


def _beside(axes, labels: list[tuple[float, str, str, str]], height: int) -> None:
    """Labels to the right of the axes at their heights, pushed apart where they would overlap: (y, text, colour, weight)."""
    low, high = axes.get_ylim()
    gap = 17 / (axes.get_position().height * height) * (high - low)
    placed = [[y, y, text, colour, weight] for y, text, colour, weight in sorted(labels)]
    for _ in range(200):  # each pair that is too close gives way by half
        close = [(a, b) for a, b in itertools.pairwise(placed) if b[0] - a[0] < gap * 0.999]
        for a, b in close:
            middle = (a[0] + b[0]) / 2
            a[0], b[0] = middle - gap / 2, middle + gap / 2
        if not close:
            break
    for at, y, text, colour, weight in placed:
        axes.annotate(
            text, xy=(1, y), xycoords=("axes fraction", "data"), xytext=(1.012, at), textcoords=("axes fraction", "data"),
            va="center", fontsize=9.5, color=colour, fontweight=weight, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5, "shrinkA": 0, "shrinkB": 0} if abs(at - y) > gap / 20 else None,
        )  # fmt: skip


def _limits(axes, values: list[float]) -> None:
    """Room above and below; from zero where the values come near it anyway."""
    low, high = min(values), max(values)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 1
    bottom = low - room
    if 0 <= low <= (high - low) * 0.5:
        bottom = min(0, low) - room * 0.4
    axes.set_ylim(bottom, high + room)


def _ticks(axes) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.tick_params(length=3, labelsize=9.5)


def _nothing(figure, title: str, said: str) -> None:
    figure.text(0.01, 0.8, title, fontsize=12, fontweight="bold", va="center")
    figure.text(0.5, 0.4, said, ha="center", va="center", color=QUIET)


@remembered
def spread(asked: dict, found: dict, width: int) -> bytes:
    """Every trust of the peer group that has a value, in order, with quartile lines and the chosen trust picked out."""
    width = fitting(width)
    about, own, mark, valued = asked["about"], found["own"], found["benchmark"], found["valued"]
    title = shortened(f"{about['name']}, {asked['period']}: {found['group_words']}", int(width / 8))
    under = [f"THIN DATA. {' '.join(found['thin'])}"] if found["thin"] else []
    if found["is_sample"]:
        under.append("SAMPLE: real trust codes, invented figures.")
    if found["silent"]:
        codes = ", ".join(row["provider_code"] for row in found["silent"][:12])
        more = len(found["silent"]) - 12
        under.append(f"Without a whole value, not drawn: {codes}{f' and {more} more' if more > 0 else ''}.")
    under = _wrapped(under, width)
    height = 360 + 19 * len(under)

    def draw(figure) -> None:
        if not valued:
            return _nothing(figure, title, "No trust has a value, so nothing is drawn.")
        few = len(valued)
        across = width - 70 - 190
        labelled = few * 13 <= across
        axes = _frame(
            figure,
            width,
            height,
            title=title,
            under=under,
            right=190,
            bottom=78 if labelled and few * 40 > across else 62,
        )
        values = [row["value"] for row in valued]
        _limits(
            axes,
            values + [mark[n] for n in ("lower_quartile", "median", "upper_quartile") if mark and mark[n] is not None],
        )
        axes.set_xlim(-0.8, few - 0.2)
        size = max(3.0, min(8.0, across / few * 0.45))
        if found["thin"]:
            axes.axhspan(*axes.get_ylim(), facecolor="#fafbfb", edgecolor="#e3e8ea", hatch="//", linewidth=0, zorder=0)
        own_code = own["provider_code"] if own else None
        for hollow in (False, True):
            at = [
                i
                for i, row in enumerate(valued)
                if (row["quality_flag"] == "C") is hollow and row["provider_code"] != own_code
            ]
            if at:
                axes.plot(
                    at, [values[i] for i in at], "o", ms=size, mfc="white" if hollow else PEER, mec=QUIET, mew=1.2 if hollow else 0.5,
                    label="Came late (quality C)" if hollow else "A trust",
                )  # fmt: skip
        labels = []
        if mark and mark["lower_quartile"] is not None:
            for name, said in (("lower_quartile", "Lower quartile"), ("upper_quartile", "Upper quartile")):
                axes.axhline(mark[name], color=BLUE, lw=1.3, ls=(0, (6, 3)), zorder=1)
                labels.append((mark[name], f"{said} {brief(mark[name])}", BLUE, "normal"))
        if mark and mark["median"] is not None:
            axes.axhline(mark["median"], color=TEXT, lw=1.6, zorder=1)
            labels.append((mark["median"], f"Median {brief(mark['median'])}", TEXT, "normal"))
        if own and own["value"] is not None and not own.get("withheld"):
            i = next(i for i, row in enumerate(valued) if row["provider_code"] == own_code)
            late = own["quality_flag"] == "C"
            axes.plot(
                [i], [own["value"]], "D", ms=max(9, size * 1.3), mfc="white" if late else CHOSEN, mec=CHOSEN if late else "white",
                mew=2 if late else 1, zorder=5, label=f"{own_code}, the chosen trust",
            )  # fmt: skip
            axes.axvline(i, color=CHOSEN, lw=0.8, ls=":", zorder=1)
            labels.append((own["value"], f"{own_code} {brief(own['value'])}", CHOSEN, "bold"))
        _beside(axes, labels, height)
        _ticks(axes)
        axes.set_ylabel(about["unit"], fontsize=9.5)
        if labelled:
            axes.set_xticks(range(few), [row["provider_code"] for row in valued])
            upright = few * 40 > across
            for row, tick in zip(valued, axes.get_xticklabels(), strict=True):
                tick.set(rotation=90 if upright else 0, fontsize=8)
                if row["provider_code"] == own_code:
                    tick.set(fontweight="bold", color=CHOSEN)
        else:
            axes.set_xticks([])
        direction = {
            "higher_better": "higher is better",
            "lower_better": "lower is better",
            "target_100": "nearer to 100 is better",
        }
        said = f"{few} trusts in order of their values" if few > 1 else "1 trust"
        said += (
            f"; {direction[about['polarity']]}"
            if about["polarity"] in direction
            else "; neither high nor low is better"
        )
        figure.text(70 / width, 13 / height, said, fontsize=9.5, color=QUIET, va="center")
        _legend(figure, axes, width, height)
        return None

    return drawn(width, height, draw)


def _legend(figure, axes, width: int, height: int) -> None:
    """What the marks mean, at the lower right, on one line."""
    handles, labels = axes.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    if known:
        figure.legend(
            list(known.values()), list(known), loc="lower right", bbox_to_anchor=(1 - 6 / width, 0), ncols=1 if width < 600 else len(known),
            frameon=False, fontsize=9, handletextpad=0.3, columnspacing=1.4, borderpad=0.4,
        )  # fmt: skip


@remembered
def series(asked: dict, found: dict, width: int) -> bytes:
    """One trust's values over the periods: an XmR chart with its signals, or a line with its median where there are no limits."""
    width = fitting(width)
    about, points = asked["about"], found["points"]
    title = shortened(f"{about['name']}: {asked['provider']} over time", int(width / 8))
    under = [f"No limits. {found['reason']}"] if found["reason"] else []
    trial = [s for s in found["sections"] if s["is_trial"] and not s["reason"]]
    if trial:
        under.append(f"Trial limits ({trial[-1]['values']} values; 13 make them firm).")
    if found["is_sample"]:
        under.append("SAMPLE: real trust codes, invented figures.")
    under = _wrapped(under, width)
    height = 350 + 19 * len(under)
    values = [point["value"] for point in points]
    known = [value for value in values if value is not None]

    def draw(figure) -> None:
        if not known:
            return _nothing(figure, title, "No period has a value, so nothing is drawn.")
        axes = _frame(figure, width, height, title=title, under=under, right=190, bottom=72)
        lines = [
            point[name] for point in points for name in ("lower_limit", "upper_limit") if point.get(name) is not None
        ]
        _limits(axes, known + lines)
        axes.set_xlim(-0.6, len(points) - 0.4)
        for i, value in enumerate(values):
            if value is None:
                axes.axvspan(
                    i - 0.45, i + 0.45, facecolor="#f4f6f7", edgecolor="#c5ced4", hatch="///", linewidth=0, zorder=0
                )
                axes.text(
                    i, 0.5, "no value", rotation=90, ha="center", va="center", fontsize=8.5, color=QUIET, transform=axes.get_xaxis_transform(),
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                )  # fmt: skip
        line = [float("nan") if value is None else value for value in values]
        axes.plot(range(len(points)), line, color=QUIET, lw=1.2, zorder=2)
        labels = _lines(axes, points, found)
        common = [i for i, p in enumerate(points) if p["value"] is not None and p.get("assessment") not in ASSESSED]
        for hollow in (False, True):
            at = [i for i in common if (points[i]["quality_flag"] == "C") is hollow]
            if at:
                axes.plot(
                    at, [values[i] for i in at], "o", ms=6, mfc="white" if hollow else QUIET, mec=QUIET, zorder=3,
                    label="Came late (quality C)" if hollow else "A value",
                )  # fmt: skip
        for name, (colour, marker, said) in ASSESSED.items():
            at = [i for i, p in enumerate(points) if p["value"] is not None and p.get("assessment") == name]
            if at:
                late = [points[i]["quality_flag"] == "C" for i in at]
                axes.plot(
                    at,
                    [values[i] for i in at],
                    marker,
                    ms=8.5,
                    mfc=colour,
                    mec="white",
                    mew=0.8,
                    ls="",
                    zorder=4,
                    label=said,
                )
                again = [i for i, hollow in zip(at, late, strict=True) if hollow]
                axes.plot(
                    again, [values[i] for i in again], marker, ms=8.5, mfc="white", mec=colour, mew=1.5, ls="", zorder=4
                )
        here = next((i for i, point in enumerate(points) if point["period"] == asked["period"]), None)
        if here is not None:
            axes.axvline(here, color=CHOSEN, lw=0.8, ls=":", zorder=1)
        for mark in found["restarts"]:
            at = next(i for i, point in enumerate(points) if point["period"] == mark) - 0.5
            axes.axvline(at, color=TEXT, lw=1.2, ls=(0, (2, 2)))
            axes.text(
                at,
                1.0,
                " the series breaks: limits anew",
                fontsize=8.5,
                va="bottom",
                transform=axes.get_xaxis_transform(),
            )
        last = max(i for i, value in enumerate(values) if value is not None)
        labels.append((values[last], f"{points[last]['period']}: {brief(values[last])}", CHOSEN, "bold"))
        _beside(axes, labels, height)
        _ticks(axes)
        axes.set_ylabel(about["unit"], fontsize=9.5)
        step = max(1, -(-len(points) * 62 // (width - 260)))
        shown = list(range(len(points) - 1, -1, -step))
        axes.set_xticks(shown, [points[i]["period"] for i in shown])
        for i, tick in zip(shown, axes.get_xticklabels(), strict=True):
            tick.set_fontsize(9)
            if i == here:
                tick.set(fontweight="bold", color=CHOSEN)
        _legend(figure, axes, width, height)
        return None

    return drawn(width, height, draw)


def _lines(axes, points: list[dict], found: dict) -> list[tuple[float, str, str, str]]:
    """Draws mean and limits of each section, or the median; the labels that go beside them."""
    labels = []
    for section in found["sections"]:
        if section["reason"]:
            continue
        at = [i for i, point in enumerate(points) if point.get("section") == section["section"]]
        ends = [at[0] - 0.5, at[-1] + 0.5]
        axes.plot(ends, [section["centre"]] * 2, color=TEXT, lw=1.4, zorder=1)
        for name in ("lower_limit", "upper_limit"):
            axes.plot(ends, [section[name]] * 2, color=BLUE, lw=1.3, ls=(0, (6, 3)), zorder=1)
        if at[-1] == len(points) - 1:
            labels = [
                (section["upper_limit"], f"Upper limit {brief(section['upper_limit'])}", BLUE, "normal"),
                (section["centre"], f"Mean {brief(section['centre'])}", TEXT, "normal"),
                (section["lower_limit"], f"Lower limit {brief(section['lower_limit'])}", BLUE, "normal"),
            ]
    if found["reason"] and found["median"] is not None:
        axes.axhline(found["median"], color=TEXT, lw=1.4, zorder=1)
        labels.append((found["median"], f"Median {brief(found['median'])}", TEXT, "normal"))
    return labels


@remembered
def opportunity(asked: dict, found: dict, width: int) -> bytes:
    """The chosen trust's value against each benchmark, one line a benchmark, and what reaching it would be worth.

    `found` is what the spread found (own, thin, is_sample) with `rows` of published.comparisons, each with its benchmark in `words`.
    """
    width = fitting(width)
    about, own, rows = asked["about"], found["own"], found["rows"]
    title = shortened(f"{about['name']}, {asked['period']}: {asked['provider']} against each benchmark", int(width / 8))
    under = [f"THIN DATA. {' '.join(found['thin'])}"] if found["thin"] else []
    if found["is_sample"]:
        under.append("SAMPLE: real trust codes, invented figures.")
    under = _wrapped(under, width)
    rows = [row for row in rows if row["benchmark_value"] is not None]
    height = 120 + 19 * len(under) + 34 * max(2, len(rows))

    def draw(figure) -> None:
        if not rows or own is None or own["value"] is None:
            return _nothing(figure, title, "There is nothing to compare, so nothing is drawn.")
        axes = _frame(figure, width, height, title=title, under=under, right=190, bottom=66, left=190)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color=LINE, linewidth=0.7)
        value = own["value"]
        for at, row in enumerate(rows):
            name = {True: "improvement", False: "concern"}.get(row["is_better"])
            colour, marker = ASSESSED[name][:2] if name else (QUIET, "o")
            axes.plot([row["benchmark_value"], value], [at, at], color=colour, lw=2.2, solid_capstyle="butt", zorder=2)
            said = {True: "The trust is better", False: "The trust is worse"}.get(row["is_better"])
            axes.plot(
                row["benchmark_value"], at, marker, ms=8, mfc=colour, mec="white", mew=0.8, ls="", zorder=3,
                label=said or "Equal, or neither",
            )  # fmt: skip
            worth = f"£{row['opportunity_gbp']:,.0f}" if row["opportunity_gbp"] is not None else "not priced"
            axes.annotate(
                worth + (", may be added" if row["adds_to_total"] else ""), xy=(1.012, at), xycoords=("axes fraction", "data"),
                va="center", fontsize=9.5, color=TEXT if row["opportunity_gbp"] else QUIET, annotation_clip=False,
            )  # fmt: skip
        axes.axvline(value, color=CHOSEN, lw=1.6, zorder=1, label=f"The trust: {brief(value)} {about['unit']}")
        axes.set_yticks(range(len(rows)), [row["words"] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.margins(x=0.08)
        axes.tick_params(length=0, labelsize=9.5)
        _legend(figure, axes, width, height)

    return drawn(width, height, draw)

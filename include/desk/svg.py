"""Charts as SVG: the same input gives the same bytes, text stays text, and nothing refers to another place."""

import functools
import hashlib
import io
import re
import threading
from collections.abc import Callable
from typing import ParamSpec

import matplotlib as mpl
from fastapi.responses import Response
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDE, WIDEST = 1180, 2000  # pixels

# Colours that colour-blind readers can tell apart (after Okabe and Ito); each is used with a shape of its own.
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
CACHED = 48  # charts of each kind
_caching = threading.Lock()
_drawing = threading.Lock()  # matplotlib's settings are global to the process

P = ParamSpec("P")


def cached(make: Callable[P, bytes]) -> Callable[P, bytes]:
    """Keeps the last charts of a function: drawing takes a second, and the same facts give the same chart."""
    kept: dict[bytes, bytes] = {}

    @functools.wraps(make)
    def chart(*args: P.args, **kwargs: P.kwargs) -> bytes:
        key = hashlib.sha256(repr((args, kwargs)).encode()).digest()
        found = kept.get(key)
        if found is None:
            found = make(*args, **kwargs)
            with _caching:
                kept[key] = found
                while len(kept) > CACHED:
                    kept.pop(next(iter(kept)))
        return found

    return chart


def drawn(width: int, height: int, draw: Callable[[Figure], None]) -> bytes:
    """An SVG of this size in pixels, on which `draw(figure)` has drawn."""
    with _drawing, mpl.rc_context(STYLE):  # type: ignore[arg-type]  # the stubs list every setting as a literal
        figure = Figure(figsize=(width / 96, height / 96), dpi=72, facecolor="white")
        draw(figure)
        out = io.BytesIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        FigureCanvasSVG(figure).print_svg(out, metadata=metadata)  # type: ignore[no-untyped-call]  # no stub
    # The document type and the metadata name other places, and no chart needs them.
    text = re.sub(r"<!DOCTYPE[^>]*>\s*", "", out.getvalue().decode())
    return re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL).encode()


def fitting(width: int) -> int:
    """A requested width, within bounds."""
    return min(max(width, 320), WIDEST)


def response(content: bytes) -> Response:
    """An SVG, which may style itself and do nothing else, even when it is opened by its own address."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
    return Response(content, media_type="image/svg+xml", headers={"Content-Security-Policy": policy})

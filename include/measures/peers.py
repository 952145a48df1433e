"""Says whom a trust is compared with: its sector, region, size band, nearest neighbours, or a list of its own.

Source: the project's domain brief (Model Hospital's peer lists by region, size and cost drivers, reference R29; minimum counts,
section 4, method 10, are proposals of this project). Nearest neighbours: Euclidean distance over standardised features.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy import special  # scipy.stats and scipy.spatial take seconds to load
from trust_benchmarks.measures.methods import MethodError, once, require

FEWEST = 5  # peers, itself not counted: what a median needs
KINDS = ("sector", "region", "size", "nearest", "own_list")


@dataclass(frozen=True)
class Group:
    """Whom one trust is compared with.

    Attributes:
        kind: how they were chosen, of `KINDS`.
        provider_code: the trust, which is never a member.
        value: what they share ('mental_health', 'band 2 of 4'), or None.
        members: codes, nearest first for 'nearest', else in order.
        distances: as long as members for 'nearest', else empty.
        left_out: trusts or features not used, with why.
        reason: why the group must not be compared with, or None; members are given all the same.
    """

    kind: str
    provider_code: str
    value: str | None
    members: tuple[str, ...]
    distances: tuple[float, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    reason: str | None = None


def alike(providers: pl.DataFrame, code: str, column: str, *, fewest: int = FEWEST) -> Group:
    """Trusts with the same sector or region.

    Args:
        providers: columns provider_code and `column`, one row a trust.
        code: the trust.
        column: 'sector' or 'region'.

    Raises:
        MethodError: for a missing column, a trust twice, or a trust that is not there.
    """
    own = _own(providers, code, column)
    if own is None:
        return Group(column, code, None, (), reason=f"{code} has no {column}.")
    same = providers.filter((pl.col(column) == own) & (pl.col("provider_code") != code))
    return _group(column, code, str(own), sorted(same["provider_code"]), fewest)


def size_band(sizes: pl.DataFrame, code: str, *, bands: int = 4, fewest: int = FEWEST) -> Group:
    """Trusts in the same band of size; bands are cut at quantiles (linear, R type 7) of all trusts, itself included.

    Args:
        sizes: columns provider_code and size, one row a trust. Equal sizes share a band: a size on a cut is below it.
        bands: how many, 2 to 10.

    Raises:
        MethodError: for a missing column, a trust twice, a trust that is not there, or another number of bands.
    """
    if not 2 <= bands <= 10:
        raise MethodError(f"{bands} bands of size were asked for. Expected 2 to 10.")
    _own(sizes, code, "size")
    known = sizes.select("provider_code", pl.col("size").cast(pl.Float64).fill_nan(None)).drop_nulls()
    left_out = {c: "no size" for c in sorted(set(sizes["provider_code"]) - set(known["provider_code"]))}
    if code in left_out:
        return Group("size", code, None, (), left_out=left_out, reason=f"{code} has no size.")
    of = size_bands(known, bands)
    same = sorted(c for c, b in of.items() if b == of[code] and c != code)
    return _group("size", code, f"band {of[code]} of {bands}", same, fewest, left_out=left_out)


def size_bands(sizes: pl.DataFrame, bands: int) -> dict[str, int]:
    """The band of every trust with a size (columns provider_code and size, no nulls), 1 the smallest, cut as `size_band` says."""
    size = sizes["size"].to_numpy()
    band = 1 + np.searchsorted(np.quantile(size, np.arange(1, bands) / bands), size, side="left")
    return dict(zip(sizes["provider_code"], band.tolist(), strict=True))


def nearest(
    features: pl.DataFrame,
    code: str,
    names: Sequence[str],
    *,
    count: int = 10,
    scale: str = "mad",
    fewest: int = FEWEST,
) -> Group:
    """The trusts most like one on named features.

    Args:
        features: columns provider_code and `names`, one row a trust.
        code: the trust.
        names: features; each is standardised over the trusts that have all of them, by median and MAD (times 1.4826) or
            mean and standard deviation. A feature without spread tells nobody apart and is left out.
        count: how many neighbours at most. Equal distances are ordered by code.
        scale: 'mad' or 'z'.

    Raises:
        MethodError: for a missing column, a trust twice or not there, no feature named, or another scale.
    """
    codes, points, used, left_out = _points(features, names, scale)
    _own(features, code, "provider_code")
    if code in left_out:
        return Group("nearest", code, None, (), left_out=left_out, reason=f"{code} has {left_out[code]}.")
    if not used:
        return Group("nearest", code, None, (), left_out=left_out, reason="No feature tells the trusts apart.")
    at = codes.index(code)
    away = np.linalg.norm(points - points[at], axis=1)
    order = _order(away, at)[:count]
    members, distances = [codes[i] for i in order], tuple(float(away[i]) for i in order)
    return _group("nearest", code, ", ".join(used), members, fewest, distances, left_out)


def neighbours(
    features: pl.DataFrame, names: Sequence[str], *, count: int = 10, scale: str = "mad"
) -> tuple[pl.DataFrame, list[str], dict[str, str]]:
    """The nearest of every trust at once, as `nearest` has them for one.

    Returns:
        (provider_code, peer_code, distance), nearest first for each trust in order; the features that tell trusts apart; and
        trusts and features not used, with why.

    Raises:
        MethodError: as `nearest`.
    """
    codes, points, used, left_out = _points(features, names, scale)
    rows = []
    for at, point in enumerate(points if used else ()):
        away = np.linalg.norm(points - point, axis=1)
        rows += [(codes[at], codes[i], float(away[i])) for i in _order(away, at)[:count]]
    schema = {"provider_code": pl.String, "peer_code": pl.String, "distance": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row"), used, left_out


def _points(features, names, scale):
    """Codes in order, their standardised features, the names of these, and what is left out."""
    if not names:
        raise MethodError("Nearest neighbours need features. Name at least one, such as income or beds.")
    if scale not in ("mad", "z"):
        raise MethodError(f"'{scale}' is no scale. Expected mad or z.")
    require(features, " ".join(["provider_code", *names]), "Nearest neighbours")
    once(features["provider_code"], "provider_code", "Nearest neighbours")
    frame = features.select("provider_code", pl.col(*names).cast(pl.Float64).fill_nan(None)).sort("provider_code")
    left_out = {
        row["provider_code"]: "no " + ", ".join(name for name in names if row[name] is None)
        for row in frame.iter_rows(named=True)
        if any(row[name] is None for name in names)
    }
    known = frame.drop_nulls()
    if not known.height:
        return [], np.empty((0, 0)), [], left_out
    values = known.select(names).to_numpy()
    centre = np.median(values, axis=0) if scale == "mad" else values.mean(axis=0)
    # Scaled, the median absolute deviation is as wide as the standard deviation where values are normal.
    deviation = np.median(np.abs(values - centre), axis=0) / special.ndtri(0.75)
    spread = deviation if scale == "mad" else values.std(axis=0)
    used = spread > 1e-12 * np.maximum(1, np.abs(centre))
    left_out |= {name: "does not tell trusts apart" for name, is_used in zip(names, used, strict=True) if not is_used}
    points = (values[:, used] - centre[used]) / spread[used]
    return known["provider_code"].to_list(), points, [n for n, u in zip(names, used, strict=True) if u], left_out


def _order(away, at):
    """The others by distance, rounded so that distances equal but for the last bit tie; ties by code."""
    return [int(i) for i in np.argsort(np.round(away, 9), kind="stable") if i != at]


def own_list(providers: pl.DataFrame, code: str, chosen: Iterable[str], *, fewest: int = FEWEST) -> Group:
    """The trusts one has chosen itself; unknown codes are left out with a reason, and so is itself.

    Raises:
        MethodError: for a missing column, a trust twice, or a trust that is not there.
    """
    _own(providers, code, "provider_code")
    known = set(providers["provider_code"])
    chosen = set(chosen)
    left_out = {c: "not a known trust" for c in sorted(chosen - known)}
    if code in chosen:
        left_out[code] = "itself"
    return _group("own_list", code, None, sorted((chosen & known) - {code}), fewest, left_out=left_out)


def _own(frame, code, column):
    require(frame, f"provider_code {column}", "A peer group")
    once(frame["provider_code"], "provider_code", "A peer group")
    own = frame.filter(pl.col("provider_code") == code)
    if not own.height:
        raise MethodError(f"{code} is not among the {frame.height} trusts given. Expected its row among them.")
    return own[column][0]


def _group(kind, code, value, members, fewest, distances=(), left_out=None):
    reason = None
    if len(members) < fewest:
        reason = f"{len(members)} peers of {code} by {kind.replace('_', ' ')}; {fewest} are needed."
    return Group(kind, code, value, tuple(members), distances, left_out or {}, reason)

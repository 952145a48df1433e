"""Peer groups: whom each trust is compared with, by sector, region, size, likeness, or a list of its own.

Source: the project's domain brief (Model Hospital's peer lists by region, size and cost drivers, reference R29). Nearest neighbours:
Euclidean distance over standardised features. Which metrics tell size and likeness is declared by the collection (`size`, `alike`).
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
from trust_benchmarks import catalogue
from trust_benchmarks.measures.input_tables import Types, table
from trust_benchmarks.measures.methods import MethodError, once, require
from trust_benchmarks.reference import tables

BANDS = 4
FEWEST_WITH_A_SIZE = 20  # trusts, for bands: five a band
NEIGHBOURS = 10
MAD_OF_ONE = 0.6744897501960817  # of normal values with a standard deviation of 1: the normal's upper quartile

PEER_GROUP: Types = {"provider_code": pl.String, "basis": pl.String, "peer_group": pl.String, "features": pl.String}
PEER: Types = {
    "provider_code": pl.String,
    "basis": pl.String,
    "peer_code": pl.String,
    "distance": pl.Float64,
    "features": pl.String,
}
NEIGHBOUR: Types = {"provider_code": pl.String, "peer_code": pl.String, "distance": pl.Float64}


# Parts of measures that are whole; nobody is compared with a part of a figure.
WHOLE = """SELECT metric_id, provider_code, CASE WHEN withheld IS NULL THEN numerator END AS numerator,
                  CASE WHEN withheld IS NULL THEN denominator END AS denominator, CASE WHEN withheld IS NULL THEN value END AS value
           FROM measured"""


def load(db: duckdb.DuckDBPyConnection, collection: str, known: tables.Tables) -> None:
    """Makes the tables peer_group and peer from the table measured."""
    measures = db.sql(WHOLE).pl()
    table(db, "peer_group", groups(measures, collection, known), PEER_GROUP)
    table(db, "peer", peers(measures, collection, known), PEER)


def groups(measures: pl.DataFrame, collection: str, known: tables.Tables) -> pl.DataFrame:
    """The groups that each trust is in together with others: its sector, its region and its band of size.

    Args:
        measures: metric_id, provider_code, numerator, denominator and value, null where a figure is not whole.
        collection: its name in the catalogue.
        known: the reference data.

    Returns:
        Columns of `PEER_GROUP`; peer_group such as 'region:London' or 'size:3' (1 the smallest).
    """
    codes = set(measures["provider_code"])
    rows = [
        (one.code, basis, f"{basis}:{value}", basis)
        for one in known.providers
        if one.code in codes
        for basis, value in (("sector", one.sector), ("region", one.region))
        if value
    ]
    if part := catalogue.load(collection).size:
        sizes = _part(measures, part).filter(pl.col(part) > 0)
        if sizes.height >= FEWEST_WITH_A_SIZE:
            bands = size_bands(sizes[part].to_numpy(), BANDS)
            rows += [
                (code, "size", f"size:{band}", _name(part, known))
                for code, band in zip(sizes["provider_code"], bands, strict=True)
            ]
    return pl.DataFrame(rows, schema=PEER_GROUP, orient="row").sort("basis", "provider_code")


def peers(measures: pl.DataFrame, collection: str, known: tables.Tables) -> pl.DataFrame:
    """The peers that are a trust's own: its nearest neighbours, and those it has chosen itself.

    Args:
        measures, collection, known: as for `groups`.

    Returns:
        Columns of `PEER`; distance and features (in words) tell why a neighbour is near.
    """
    codes, rows = set(measures["provider_code"]), []
    if parts := catalogue.load(collection).alike:
        features = _part(measures, parts[0])
        for part in parts[1:]:
            features = features.join(_part(measures, part), on="provider_code", how="inner")
        near, used = neighbours(features, parts, NEIGHBOURS)
        words = "; ".join(_name(part, known) for part in used)
        rows += [(code, "nearest", peer, distance, words) for code, peer, distance in near.rows()]
    rows += [
        (one.provider_code, "own_list", one.peer_code, None, "own choice")
        for one in known.peer_lists
        if one.provider_code in codes and one.peer_code in codes - {one.provider_code}
    ]
    return pl.DataFrame(rows, schema=PEER, orient="row")


def size_bands(sizes: npt.NDArray[np.float64], bands: int) -> list[int]:
    """The band of each size, 1 the smallest: cut at quantiles (linear, R type 7); a size on a cut is below it, so equal sizes share a band."""
    cuts = np.quantile(sizes, np.arange(1, bands) / bands)
    return [int(band) for band in 1 + np.searchsorted(cuts, sizes, side="left")]


def neighbours(features: pl.DataFrame, names: Sequence[str], count: int) -> tuple[pl.DataFrame, list[str]]:
    """The nearest of every trust.

    Args:
        features: columns provider_code and `names`, one row a trust; trusts that lack a feature are left out.
        names: features; each is standardised by median and MAD (times 1.4826). One without spread does not tell trusts
            apart and is left out.
        count: how many neighbours a trust has at most. Equal distances are ordered by code.

    Returns:
        Columns of `NEIGHBOUR`, nearest first for each trust in order; and the features that tell trusts apart.

    Raises:
        MethodError: for a missing column, a trust twice, or no feature named.
    """
    if not names:
        raise MethodError("Nearest neighbours need features. Name at least one, such as income or beds.")
    require(features, " ".join(["provider_code", *names]), "Nearest neighbours")
    once(features["provider_code"], "provider_code", "Nearest neighbours")
    frame = features.select("provider_code", pl.col(*names).cast(pl.Float64).fill_nan(None))
    complete = frame.drop_nulls().sort("provider_code")
    codes, values = complete["provider_code"].to_list(), complete.select(names).to_numpy()
    if not codes:
        return pl.DataFrame(schema=NEIGHBOUR), []
    centre = np.median(values, axis=0)
    spread = np.median(np.abs(values - centre), axis=0) / MAD_OF_ONE
    used = spread > 1e-12 * np.maximum(1, np.abs(centre))
    points, rows = (values[:, used] - centre[used]) / spread[used], []
    for at, point in enumerate(points if used.any() else ()):
        away = np.linalg.norm(points - point, axis=1)
        # Rounded, so that distances that are equal but for the last bit tie, and are ordered by code.
        order = [int(i) for i in np.argsort(np.round(away, 9), kind="stable") if i != at]
        rows += [(codes[at], codes[i], float(away[i])) for i in order[:count]]
    return pl.DataFrame(rows, schema=NEIGHBOUR, orient="row"), [n for n, u in zip(names, used, strict=True) if u]


def _part(measures: pl.DataFrame, part: str) -> pl.DataFrame:
    """provider_code and one part of a metric, such as 'WF01.value', named like that, where there is one."""
    metric_id, column = part.split(".")
    own = measures.filter(pl.col("metric_id") == metric_id).sort("provider_code")
    return own.select("provider_code", pl.col(column).alias(part)).drop_nulls()


def _name(part: str, known: tables.Tables) -> str:
    """A part of a metric in the words of its definition."""
    metric_id, column = part.split(".")
    metric = next(one for one in known.metrics if one.metric_id == metric_id)
    return str(getattr(metric, "name" if column == "value" else column))

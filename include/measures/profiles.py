"""What the files `_profiles` of sql/cross read beside profiles: thresholds, and the totals and ratios of single providers in national files."""

import polars as pl

from .. import catalogue, schemas
from ..validation import profile

PROFILES = {"submission_id": pl.String} | profile.COLUMNS
NUMBERS = ("near_factor", "min_rows", "steady_periods", "steady_ratio", "peer_ratio", "min_peers", "swap_near", "swap_apart",
           "swap_codes", "fewer", "fewer_of_trust", "same_rows", "same_least", "shared_least", "shared_of")  # fmt: skip
TOTALS = {
    "provider_code": pl.String,
    "period": pl.String,
    "submission_id": pl.String,
    "column_name": pl.String,
    "total": pl.Float64,
}
RATIOS = {
    "provider_code": pl.String,
    "submission_id": pl.String,
    "column_name": pl.String,
    "per": pl.String,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "times_below": pl.Float64,
    "times_above": pl.Float64,
    "usual": pl.String,
}


def empty() -> pl.DataFrame:
    """No profiles."""
    return pl.DataFrame(schema=PROFILES)


def load(db, collection: str, profiles: pl.DataFrame) -> None:
    """Makes the tables profiles, profile_settings, profile_factors, profile_skipped, provider_totals, provider_counts and provider_ratios.

    Needs the views records and history.
    """
    asked = profile.settings(collection)
    _put(db, "profiles", profiles.select(pl.col(name).cast(dtype) for name, dtype in PROFILES.items()))
    _put(db, "profile_settings", pl.DataFrame({name: [float(asked[name])] for name in NUMBERS}))
    factors = [factor for one in asked["factors"] for factor in (one, 1 / one)]
    _put(db, "profile_factors", pl.DataFrame({"factor": factors}, schema={"factor": pl.Float64}))
    _put(db, "profile_skipped", pl.DataFrame({"column_name": asked["not_compared"]}, schema={"column_name": pl.String}))
    of_providers = "body = 'provider' AND provider_code IS NOT NULL"
    if asked["only"]:
        field, value = asked["only"]
        of_providers += f" AND {field} = '{value}'"
    national = _names_providers(collection)
    counted = "SELECT provider_code, period, submission_id, count(*) AS rows FROM history WHERE {} GROUP BY ALL"
    db.execute(f"CREATE TEMP TABLE provider_counts AS {counted.format(of_providers if national else 'FALSE')}")
    totals = [
        f"SELECT provider_code, period, min(submission_id), '{name}', total({name}) FROM history WHERE {of_providers} GROUP BY provider_code, period"
        for name in asked["trust_totals"]
    ]
    _fill(db, "provider_totals", TOTALS, totals)
    ratios = [_ratio(*one[:2], of_providers, one[2], one[3], None, None, one[4]) for one in asked["ratios"]]
    ratios += [_ratio(*one[:2], of_providers, None, None, one[2], one[3], None) for one in asked["peer_ratios"]]
    _fill(db, "provider_ratios", RATIOS, ratios)


def by_provider(collection: str) -> bool:
    """Whether anything is asked of single providers, so that `sql/cross/_profiles_by_provider.sql` may find something."""
    asked = profile.settings(collection)
    return _names_providers(collection) or any(asked[name] for name in ("trust_totals", "ratios", "peer_ratios"))


def _names_providers(collection: str) -> bool:
    return catalogue.load(collection).is_national and "ods_code" in schemas.load(collection).fields


def _ratio(numerator: str, denominator: str, where: str, low, high, below, above, usual) -> str:
    words = "NULL" if usual is None else "'" + usual.replace("'", "''") + "'"
    bounds = ", ".join("NULL" if one is None else str(float(one)) for one in (low, high, below, above))
    return (
        f"SELECT provider_code, min(submission_id), '{numerator}', '{denominator}', total(given({numerator}, {denominator})), "
        f"total(given({denominator}, {numerator})), {bounds}, {words} FROM records WHERE {where} GROUP BY provider_code"
    )


def _fill(db, table: str, types: dict, queries: list[str]) -> None:
    _put(db, table, pl.DataFrame(schema=types))
    for query in queries:
        db.execute(f"INSERT INTO {table} {query}")


def _put(db, table: str, frame: pl.DataFrame) -> None:
    db.register("incoming", frame.to_arrow())
    db.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM incoming")
    db.unregister("incoming")

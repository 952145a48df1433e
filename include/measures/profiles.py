"""What the files `_profiles` of sql/cross read beside profiles: thresholds, and the totals and ratios of single providers in national files."""

import duckdb
import polars as pl
from trust_benchmarks import catalogue, schemas
from trust_benchmarks.measures.input_tables import Types, table, types
from trust_benchmarks.validation import profile

PROFILES: Types = {"submission_id": pl.String} | profile.COLUMNS
SETTINGS = types(
    number="near_factor min_rows steady_periods steady_ratio peer_ratio min_peers swap_near swap_apart swap_codes fewer fewer_of_trust "
    "same_rows same_least shared_least shared_of"
)
TOTALS = types("provider_code period submission_id column_name", "total")
RATIOS = types("provider_code submission_id column_name per", "numerator denominator low high times_below times_above")
RATIOS |= types("usual")


def empty() -> pl.DataFrame:
    """No profiles."""
    return pl.DataFrame(schema=PROFILES)


def load(db: duckdb.DuckDBPyConnection, collection: str, profiles: pl.DataFrame) -> None:
    """Makes the tables profiles, profile_settings, profile_factors, profile_skipped, provider_totals, provider_counts and provider_ratios.

    Needs the views records and history.
    """
    asked = profile.settings(collection)
    table(db, "profiles", profiles, PROFILES)
    table(db, "profile_settings", [{name: float(asked[name]) for name in SETTINGS}], SETTINGS)
    table(
        db,
        "profile_factors",
        [(factor,) for one in asked["factors"] for factor in (one, 1 / one)],
        types(number="factor"),
    )
    table(db, "profile_skipped", [(name,) for name in asked["not_compared"]], types("column_name"))
    of_providers = "body = 'provider' AND provider_code IS NOT NULL"
    if asked["only"]:
        field, value = asked["only"]
        of_providers += f" AND {field} = '{value}'"
    national = _names_providers(collection)
    db.execute(
        "CREATE TEMP TABLE provider_counts AS SELECT provider_code, period, submission_id, count(*) AS rows FROM history "
        f"WHERE {of_providers if national else 'FALSE'} GROUP BY ALL"
    )
    table(db, "provider_totals", [], TOTALS)
    for name in asked["trust_totals"]:
        db.execute(
            f"INSERT INTO provider_totals SELECT provider_code, period, min(submission_id), '{name}', total({name}) FROM history "
            f"WHERE {of_providers} GROUP BY provider_code, period"
        )
    ratios = [(top, bottom, low, high, None, None, usual) for top, bottom, low, high, usual in asked["ratios"]]
    ratios += [(top, bottom, None, None, below, above, None) for top, bottom, below, above in asked["peer_ratios"]]
    table(db, "provider_ratios", [], RATIOS)
    for top, bottom, *about in ratios:
        db.execute(
            f"""INSERT INTO provider_ratios
                SELECT provider_code, min(submission_id), '{top}', '{bottom}', total(given({top}, {bottom})),
                       total(given({bottom}, {top})), ?, ?, ?, ?, ?
                FROM records WHERE {of_providers} GROUP BY provider_code""",
            about,
        )


def by_provider(collection: str) -> bool:
    """Whether anything is asked of single providers, so that `sql/cross/_profiles_by_provider.sql` may find something."""
    asked = profile.settings(collection)
    return _names_providers(collection) or any(asked[name] for name in ("trust_totals", "ratios", "peer_ratios"))


def _names_providers(collection: str) -> bool:
    return catalogue.load(collection).is_national and "ods_code" in schemas.load(collection).fields

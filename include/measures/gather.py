"""Gathers what a release of a collection and period rests on, as it stands now, and names the release by it."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import psycopg

from .. import catalogue, reference, sql
from ..pipeline import explain
from ..reference import calendar
from ..stores import objects, settings
from ..validation import profile
from . import measure, profiles

NEAR = 4  # periods of each return whose sketches are compared, its own among them; of those before, numbers are enough
LOG_MONTHS = 11  # data quality measures read twelve months of the submission log
PROFILES_BACK = {
    "month": 1,
    "financial_year": 3,
}  # periods whose profiles a new one is compared with: a year may be missing in between


@cache
def code_version() -> str:
    """Names the code that computes figures: a hash over the SQL files, the modules that run them, and what is protected."""
    digest = hashlib.sha256()
    files = [p for folder in ("measures", "cross", "benchmarks") for p in sorted((sql.FOLDER / folder).glob("*.sql"))]
    files += sorted(Path(__file__).parent.glob("*.py"))
    files += sorted(p for p in (sql.FOLDER.parent / "methods").iterdir() if p.suffix in (".py", ".toml"))
    files += [Path(profile.__file__), profile.SETTINGS]
    for path in files:
        digest.update(path.read_bytes())
    digest.update(repr([(one.name, one.disclosure, one.people_parts) for one in catalogue.all().values()]).encode())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Gathered:
    """What a release will be made of.

    Attributes:
        release_id, inputs_hash: its name, made of what it rests on.
        inputs: for `measure.compute`.
        own: the submissions of its collection and period that count.
        decided: for each submission of the window that counts because of decisions: their ids, the provider that each is
            about (None: whoever sent it), and the records (None: it would not count) and rows by provider that it would
            have without them.
        rests: the validated submissions of the window, under which rules and decisions, and whether each counts.
    """

    collection: str
    period: str
    release_id: str
    inputs_hash: str
    inputs: measure.Inputs
    own: pl.DataFrame
    decided: list[dict]
    rests: explain.Rests


def next_release(connection: psycopg.Connection, collection: str, period: str) -> tuple[str, str]:
    """The name that a release of what counts now has, and the hash of all that it rests on."""
    rests = rests_on(collection, period)
    made_of = inputs_hash(fingerprints(connection, rests), rests)
    return f"{collection}-{period}-{made_of[:10]}", made_of


def gather(connection: psycopg.Connection, collection: str, period: str) -> Gathered:
    """All that the figures of a collection and period rest on, as it stands now in the caller's transaction."""
    release_id, made_of = next_release(connection, collection, period)
    rests = _rests_now(connection, collection, period)
    inputs, records = inputs_of(connection, collection, period, rests)
    decided = [_decided(connection, *one) for one in records if one[2]]
    own = inputs.submissions.filter(
        (pl.col("collection") == collection) & (pl.col("period") == period) & pl.col("is_current")
    )
    return Gathered(collection, period, release_id, made_of, inputs, own, decided, rests)


def fingerprints(
    connection: psycopg.Connection, pairs: list[tuple[str, str]] | None = None
) -> dict[tuple[str, str], tuple[bool, str]]:
    """(collection, period) -> whether anything counts, and the hash of what figures rest on.

    Args:
        pairs: those that are asked for (others may be given too); None: all.
    """
    query, given = "SELECT collection, period, counts, hash FROM core.inputs", []
    if pairs is not None:
        query += " WHERE collection = ANY(%s) AND period = ANY(%s)"
        given = [sorted({collection for collection, _ in pairs}), sorted({period for _, period in pairs})]
    return {(c, p): (counts, h) for c, p, counts, h in connection.execute(query, given)}


def _back(period: str, count: int) -> list[str]:
    """A period and up to `count` before it, oldest first; years before 2012-13 cannot be told from months, and nobody collects them."""
    periods = [period]
    for _ in range(count):
        try:
            periods.append(calendar.previous_period(periods[-1]))
        except calendar.PeriodError:
            break
    return periods[::-1]


def _used(collection: str, period: str) -> list[tuple[str, str]]:
    """The other collections' periods that this one's figures and cross rules read."""
    declared = catalogue.load(collection)
    months = [period] if declared.frequency == "month" else _months(period)
    months = _back(months[0], declared.uses_back) + months[1:]
    return [(other, month) for other in declared.uses for month in months]


def _months(year: str) -> list[str]:
    first, last = calendar.period_start(year), calendar.period_end(year)
    return calendar.periods(f"{first:%Y-%m}", f"{last:%Y-%m}")


def rests_on(collection: str, period: str) -> list[tuple[str, str]]:
    declared = catalogue.load(collection)
    # Of a national file, whoever was in the one before and is not in this one is missed; and every return looks like the one before.
    back = max(declared.looks_back, PROFILES_BACK[declared.frequency])
    back = back if declared.is_national else max(back, LOG_MONTHS)
    return [(collection, p) for p in _back(period, back)] + _used(collection, period)


def inputs_hash(prints: dict, rests_on: list[tuple[str, str]]) -> str:
    facts = [f"{c}|{p}|{prints[c, p][1]}" for c, p in rests_on if (c, p) in prints]
    return hashlib.sha256("\n".join([reference.version(), code_version(), *facts]).encode()).hexdigest()


def _rests_now(connection, collection: str, period: str) -> explain.Rests:
    """The validated submissions of the window, under which rules, and whether each counts."""
    wanted = rests_on(collection, period)
    rows = connection.execute(
        """SELECT s.submission_id, v.rules_version, c.submission_id IS NOT NULL
           FROM core.submission s JOIN intake.validations v USING (submission_id)
           LEFT JOIN core.counting c ON c.submission_id = s.submission_id AND c.rules_version = v.rules_version
           WHERE (s.collection, s.period) IN (SELECT * FROM unnest(%s::text[], %s::text[]))""",
        [[c for c, _ in wanted], [p for _, p in wanted]],
    )
    return {submission_id: (rules_version, counts) for submission_id, rules_version, counts in rows}


def inputs_of(connection, collection: str, period: str, rests: explain.Rests) -> tuple[measure.Inputs, list[tuple]]:
    """What figures are computed from, if they rest on these submissions; and (submission, decisions, path) of the records read."""
    declared, wanted = catalogue.load(collection), rests_on(collection, period)
    given = [list(rests), [rules for rules, _ in rests.values()], [counts for _, counts in rests.values()]]
    log = as_frame(
        connection,
        """SELECT s.collection, s.period, CASE WHEN %s THEN NULL ELSE s.sender END AS provider_code, s.sender, s.part, s.submission_id,
                  s.version, v.outcome AS state, r.counts AS is_current, s.is_sample,
                  coalesce(s.received_at <= e.due, true) AS on_time, v.rows_read, v.rows_recorded, v.rows_rejected,
                  v.cells_expected, v.cells_valid, coalesce(v.identified, v.layout IS NOT NULL AND v.rows_read > 0) AS identified,
                  coalesce(v.plain_outcome, u.outcome, CASE WHEN v.decisions = '{}' THEN v.outcome ELSE 'held' END) AS plain_state,
                  CASE WHEN v.plain_outcome IS NOT NULL THEN v.plain_cells_expected ELSE coalesce(u.cells_expected, v.cells_expected) END
                    AS plain_cells_expected,
                  CASE WHEN v.plain_outcome IS NOT NULL THEN v.plain_cells_valid ELSE coalesce(u.cells_valid, v.cells_valid) END
                    AS plain_cells_valid
           FROM unnest(%s::text[], %s::text[], %s::boolean[]) AS r (submission_id, rules_version, counts)
           JOIN core.submission s USING (submission_id) JOIN core.validation v USING (submission_id, rules_version)
           LEFT JOIN core.expected e ON (e.collection, e.period, e.sender, e.part) = (s.collection, s.period, s.sender, s.part)
           LEFT JOIN LATERAL (  -- of those validated before it was kept what they are without decisions
             SELECT p.outcome, p.cells_expected, p.cells_valid FROM core.validation p
             WHERE v.plain_outcome IS NULL AND v.decisions <> '{}' AND p.submission_id = v.submission_id AND p.decisions = '{}'
             ORDER BY p.validated_at, p.rules_version LIMIT 1) u ON true
           ORDER BY s.collection, s.period, s.sender, s.part, s.version""",
        [declared.is_national, *given],
        measure.SUBMISSIONS,
    )
    read = set(_back(period, declared.looks_back))
    counting = connection.execute(
        """SELECT s.collection, s.period, v.records_key, v.records_sha256, submission_id, v.decisions
           FROM unnest(%s::text[], %s::text[], %s::boolean[]) AS r (submission_id, rules_version, counts)
           JOIN core.submission s USING (submission_id) JOIN core.validation v USING (submission_id, rules_version)
           WHERE r.counts ORDER BY 1, 2, 3""",
        given,
    ).fetchall()
    paths, records = {declared.name: [], **{other: [] for other in declared.uses}}, []
    for own, month, key, sha256, submission_id, decisions in counting:
        if own != declared.name or month in read:
            path = objects.cached(settings.load().records, key, sha256)
            paths[own].append(path)
            records.append((own, submission_id, decisions, path))
    expected = as_frame(
        connection,
        "SELECT collection, period, sender FROM core.expected WHERE collection = %s AND period = ANY(%s) ORDER BY 1, 2, 3",
        [collection, [p for c, p in wanted if c == collection]],
        measure.EXPECTED,
    )
    counted = as_frame(
        connection,
        """SELECT submission_id, p.provider_code, p.rows_sent, p.rows_used, p.rows_warned
           FROM unnest(%s::text[], %s::text[]) AS r (submission_id, rules_version) JOIN core.provider_rows p USING (submission_id, rules_version)
           ORDER BY submission_id, p.provider_code""",
        given[:2],
        measure.PROVIDER_ROWS,
    )
    in_file = as_frame(
        connection,
        "SELECT collection, period, provider_code FROM core.expected_provider WHERE collection = %s AND period = %s ORDER BY 3",
        [collection, period],
        measure.EXPECTED_IN_FILE,
    )
    looks = as_frame(
        connection,
        """WITH r AS (
             SELECT r.submission_id, r.rules_version, s.period = %s OR (r.counts AND
                      dense_rank() OVER (PARTITION BY r.counts, s.sender, coalesce(s.part, '') ORDER BY s.period DESC) <= %s) AS is_near
             FROM unnest(%s::text[], %s::text[], %s::boolean[]) AS r (submission_id, rules_version, counts)
             JOIN core.submission s USING (submission_id) WHERE s.collection = %s)
           SELECT submission_id, p.column_name, p.rows, p.filled, p.distinct_values, p.minimum, p.lower_quartile, p.median, p.upper_quartile,
                  p.maximum, p.total, p.patterns, p.recognised, CASE WHEN r.is_near THEN p.sketch END AS sketch
           FROM r JOIN core.profile p USING (submission_id, rules_version)
           WHERE r.is_near OR p.median IS NOT NULL ORDER BY submission_id, p.column_name""",
        [period, NEAR, *given, collection],
        profiles.PROFILES,
    )
    inputs = measure.Inputs(collection, period, paths, log, expected, reference.load(), counted, in_file, looks)
    return inputs, records


def _decided(connection, collection: str, submission_id: str, decisions: list[int], path) -> dict:
    """One entry of `Gathered.decided`."""
    providers = dict(
        connection.execute(
            "SELECT decision_id, provider_code FROM core.decision WHERE decision_id = ANY(%s)", [decisions]
        ).fetchall()
    )
    sender = connection.execute("SELECT sender FROM core.submission WHERE submission_id = %s", [submission_id])
    plain_path, plain_rows = _without_decisions(connection, submission_id)
    return {
        "collection": collection,
        "submission_id": submission_id,
        "provider_code": None if catalogue.load(collection).is_national else sender.fetchone()[0],
        "decisions": decisions,
        "providers": [providers[one] for one in decisions],
        "path": path,
        "plain_path": plain_path,
        "plain_rows": plain_rows,
    }


def _without_decisions(connection, submission_id: str):
    """What a submission has when nobody decided anything: a local copy of its records (None: it is held then), and its rows by provider."""
    row = connection.execute(
        """SELECT records_key, records_sha256, rules_version FROM core.validation WHERE submission_id = %s AND decisions = '{}'
           ORDER BY validated_at DESC LIMIT 1""",
        [submission_id],
    ).fetchone()
    if row is None:  # decisions on an earlier version were in force when it came
        from ..records import process

        path, counted = process.without_decisions(connection, submission_id)
        named = counted.select(pl.lit(submission_id).alias("submission_id"), *list(measure.PROVIDER_ROWS)[1:])
        return path, named
    key, sha256, rules_version = row
    counted = as_frame(
        connection,
        """SELECT submission_id, provider_code, rows_sent, rows_used, rows_warned FROM core.provider_rows
           WHERE submission_id = %s AND rules_version = %s ORDER BY provider_code""",
        [submission_id, rules_version],
        measure.PROVIDER_ROWS,
    )
    return objects.cached(settings.load().records, key, sha256) if key else None, counted


def as_frame(connection, query, parameters, schema) -> pl.DataFrame:
    cursor = connection.execute(query, parameters)
    columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(schema)
    return pl.DataFrame(
        {
            column.name: pl.Series(values, dtype=schema[column.name])
            for column, values in zip(cursor.description, columns, strict=True)
        }
    )

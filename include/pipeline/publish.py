"""Publishes figures: finds what changed, computes it from what counts, stores it as a release and moves the pointer to it."""

import hashlib
from dataclasses import dataclass, replace
from functools import cache

import polars as pl
import psycopg

from .. import catalogue, reference, sql
from ..reference import calendar
from ..stores import objects, settings, warehouse
from . import explain, measure
from .calendar_load import expect

LOG_MONTHS = 11  # data quality measures read twelve months of the submission log


@cache
def code_version() -> str:
    """Names the code that computes figures: a hash over the SQL files and the modules that run them."""
    digest = hashlib.sha256()
    files = [p for folder in ("measures", "cross", "benchmarks") for p in sorted((sql.FOLDER / folder).glob("*.sql"))]
    files += [sql.FOLDER.parent / "pipeline" / name for name in ("measure.py", "publish.py")]
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def stale(connection: psycopg.Connection | None = None) -> list[list[str]]:
    """The (collection, period) pairs whose figures do not rest on what counts now, oldest period first.

    A period that has submissions which were received in the last hour and wait for validation is left for
    when they are done, so that a month is not published once for every file.

    Args:
        connection: to look in the caller's transaction.
    """
    if connection is None:
        with warehouse.connect() as own:
            return stale(own)
    current = _published(connection)
    busy = set(
        connection.execute(
            "SELECT DISTINCT collection, period FROM intake.waiting WHERE registered_at > now() - interval '1 hour'"
        ).fetchall()
    )
    found = [
        [collection, period]
        for (collection, period), inputs_hash in due(connection).items()
        if inputs_hash != current.get((collection, period)) and not busy & set(_rests_on(collection, period))
    ]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


def due(connection: psycopg.Connection) -> dict[tuple[str, str], str]:
    """(collection, period) -> the hash of what its release should rest on now, for all that is or should be published."""
    prints, current = _fingerprints(connection), _published(connection)
    # What was published is made anew also when nothing counts any more, so that it does not stay.
    shown = [pair for pair, (counts, _) in prints.items() if counts or pair in current]
    return {pair: _inputs_hash(prints, _rests_on(*pair)) for pair in shown}


def _published(connection: psycopg.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "SELECT r.collection, r.period, r.inputs_hash FROM core.current_release JOIN core.release r USING (release_id)"
    )
    return {(collection, period): inputs_hash for collection, period, inputs_hash in rows}


@dataclass(frozen=True)
class Gathered:
    """What a release will be made of.

    Attributes:
        release_id, inputs_hash: its name, made of what it rests on.
        inputs: for `measure.compute`.
        own: the submissions of its collection and period that count.
        decided: for each submission of the window that counts because of decisions: their ids, the provider that each is
            about (None: whoever sent it), and the records that it would have without them (None: it would not count).
    """

    collection: str
    period: str
    release_id: str
    inputs_hash: str
    inputs: measure.Inputs
    own: pl.DataFrame
    decided: list[dict]
    rests: explain.Rests


def refresh(collection: str, period: str) -> dict:
    """Computes and publishes the figures of one collection and period.

    Returns:
        {"release_id", "measures", "new"}: new is False when this release was there already or inputs moved meanwhile.
    """
    expect(collection, {period})
    with warehouse.connect() as connection:
        release_id, _ = next_release(connection, collection, period)
        if _switch(connection, collection, period, release_id):
            return {"release_id": release_id, "measures": None, "new": False}
        gathered = gather(connection, collection, period)
        previous = _current(connection, collection, period)
        before, steps = _moves(connection, gathered, previous)
    tables, own = figures(gathered), gathered.own
    moved = explain.movements(before, steps, tables["measure"].select("metric_id", "provider_code", "value"))
    with warehouse.connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"release {collection} {period}"])
        if next_release(connection, collection, period)[1] != gathered.inputs_hash:
            return {"release_id": gathered.release_id, "measures": None, "new": False}
        added = connection.execute(
            """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            [
                gathered.release_id,
                collection,
                period,
                gathered.inputs_hash,
                reference.version(),
                code_version(),
                own["submission_id"].sort().to_list(),
                bool(own["is_sample"].any()),
            ],
        ).rowcount
        if added:
            for table, frame in tables.items():
                warehouse.copy(connection, table, frame, release_id=gathered.release_id)
            _keep_reasons(connection, gathered, moved, previous)
        _switch(connection, collection, period, gathered.release_id)
    return {"release_id": gathered.release_id, "measures": tables["measure"].height, "new": bool(added)}


def _current(connection: psycopg.Connection, collection: str, period: str) -> str | None:
    row = connection.execute(
        "SELECT release_id FROM core.current_release WHERE collection = %s AND period = %s", [collection, period]
    ).fetchone()
    return row[0] if row else None


def _moves(connection, gathered: Gathered, previous: str | None) -> tuple[pl.DataFrame, list[explain.Step]]:
    """The values of the current release, and the steps from it to the one that is being made; nothing at the first."""
    nothing = {"metric_id": pl.String, "provider_code": pl.String, "value": pl.Float64}
    known = "SELECT metric_id, provider_code, value FROM core.measure WHERE release_id = %s"
    explained = "SELECT EXISTS (SELECT FROM core.release_input WHERE release_id = %s)"
    if previous is None or not connection.execute(explained, [previous]).fetchone()[0]:
        return pl.DataFrame(schema=nothing), []
    collection, period = gathered.collection, gathered.period
    steps = explain.plan(
        connection,
        previous,
        gathered.rests,
        (code_version(), reference.version()),
        lambda rests: _inputs(connection, collection, period, rests)[0],
    )
    return _frame(connection, known, [previous], nothing), steps


def _keep_reasons(connection, gathered: Gathered, moved: pl.DataFrame, previous: str | None) -> None:
    """Stores what a new release rests on, and why its figures are not those of the release before it."""
    rests = [(one, rules, counts) for one, (rules, counts) in gathered.rests.items()]
    schema = {"submission_id": pl.String, "rules_version": pl.String, "counts": pl.Boolean}
    frame = pl.DataFrame(rests, schema=schema, orient="row")
    warehouse.copy(connection, "release_input", frame, release_id=gathered.release_id)
    warehouse.copy(connection, "movement", moved, release_id=gathered.release_id, previous_release_id=previous)


def next_release(connection: psycopg.Connection, collection: str, period: str) -> tuple[str, str]:
    """The name that a release of what counts now has, and the hash of all that it rests on."""
    inputs_hash = _inputs_hash(_fingerprints(connection), _rests_on(collection, period))
    return f"{collection}-{period}-{inputs_hash[:10]}", inputs_hash


def gather(connection: psycopg.Connection, collection: str, period: str) -> Gathered:
    """All that the figures of a collection and period rest on, as it stands now in the caller's transaction."""
    release_id, inputs_hash = next_release(connection, collection, period)
    rests = _rests_now(connection, collection, period)
    inputs, records = _inputs(connection, collection, period, rests)
    decided = [_decided(connection, *one) for one in records if one[2]]
    own = inputs.submissions.filter(
        (pl.col("collection") == collection) & (pl.col("period") == period) & pl.col("is_current")
    )
    return Gathered(collection, period, release_id, inputs_hash, inputs, own, decided, rests)


def figures(gathered: Gathered) -> dict[str, pl.DataFrame]:
    """The rows of a release, by the table of schema core that they go to, without release_id."""
    results = measure.compute(gathered.inputs)
    apart = _kept_apart(gathered.inputs.records[gathered.collection], gathered.own)
    tables = _tables(results, gathered.period, apart)
    if gathered.decided:
        without = measure.compute(_undecided(gathered)).measures
        tables["measure"] = _marked(tables["measure"], without, gathered.decided)
    return tables


def _undecided(gathered: Gathered) -> measure.Inputs:
    """The inputs as they would be if nobody had accepted, waived or corrected anything."""
    inputs, gone = gathered.inputs, []
    records = {name: list(paths) for name, paths in inputs.records.items()}
    for one in gathered.decided:
        records[one["collection"]].remove(one["path"])
        if one["plain_path"]:
            records[one["collection"]].append(one["plain_path"])
        else:
            gone.append(one["submission_id"])
    counts = pl.col("is_current") & ~pl.col("submission_id").is_in(gone)
    return replace(inputs, records=records, submissions=inputs.submissions.with_columns(is_current=counts))


def _marked(measures: pl.DataFrame, without: pl.DataFrame, decided: list[dict]) -> pl.DataFrame:
    """Measures with the decisions that they rest on: those about the provider where its figure would else be another."""
    about: dict[str, set[int]] = {}
    national: set[int] = set()
    for one in decided:
        for decision_id, provider in zip(one["decisions"], one["providers"], strict=True):
            code = provider or one["provider_code"]
            national.add(decision_id) if code is None else about.setdefault(code, set()).add(decision_id)
    keys, values = ["metric_id", "provider_code"], ["numerator", "denominator", "value"]
    other = without.select(*keys, *(pl.col(name).alias(f"{name}_without") for name in values))
    joined = measures.join(other, on=keys, how="left", maintain_order="left")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_without")) for name in values)
    marks = {
        code: "{" + ",".join(map(str, sorted(about.get(code, set()) | national))) + "}"
        for code in measures["provider_code"].unique()
    }
    mark = pl.col("provider_code").replace_strict(marks, default="{}", return_dtype=pl.String)
    return joined.select(*measures.columns, decisions=pl.when(differs).then(mark).otherwise(pl.lit("{}")))


def _fingerprints(connection: psycopg.Connection) -> dict[tuple[str, str], tuple[bool, str]]:
    return {
        (c, p): (counts, h)
        for c, p, counts, h in connection.execute("SELECT collection, period, counts, hash FROM core.inputs")
    }


def _back(period: str, count: int) -> list[str]:
    """A period and the `count` before it, oldest first."""
    periods = [period]
    for _ in range(count):
        periods.append(calendar.previous_period(periods[-1]))
    return periods[::-1]


def _used(collection: str, period: str) -> list[tuple[str, str]]:
    """The other collections' periods that this one's figures and cross rules read."""
    months = [period] if catalogue.load(collection).frequency == "month" else _months(period)
    return [(other, month) for other in catalogue.load(collection).uses for month in months]


def _months(year: str) -> list[str]:
    first, last = calendar.period_start(year), calendar.period_end(year)
    return calendar.periods(f"{first:%Y-%m}", f"{last:%Y-%m}")


def _rests_on(collection: str, period: str) -> list[tuple[str, str]]:
    declared = catalogue.load(collection)
    back = declared.looks_back if declared.is_national else max(declared.looks_back, LOG_MONTHS)
    return [(collection, p) for p in _back(period, back)] + _used(collection, period)


def _inputs_hash(prints: dict, rests_on: list[tuple[str, str]]) -> str:
    facts = [f"{c}|{p}|{prints[c, p][1]}" for c, p in rests_on if (c, p) in prints]
    return hashlib.sha256("\n".join([reference.version(), code_version(), *facts]).encode()).hexdigest()


def _rests_now(connection, collection: str, period: str) -> explain.Rests:
    """The validated submissions of the window, under which rules, and whether each counts."""
    wanted = _rests_on(collection, period)
    rows = connection.execute(
        """SELECT s.submission_id, v.rules_version, c.submission_id IS NOT NULL
           FROM core.submission s JOIN intake.validations v USING (submission_id)
           LEFT JOIN core.counting c ON c.submission_id = s.submission_id AND c.rules_version = v.rules_version
           WHERE (s.collection, s.period) IN (SELECT * FROM unnest(%s::text[], %s::text[]))""",
        [[c for c, _ in wanted], [p for _, p in wanted]],
    )
    return {submission_id: (rules_version, counts) for submission_id, rules_version, counts in rows}


def _inputs(connection, collection: str, period: str, rests: explain.Rests) -> tuple[measure.Inputs, list[tuple]]:
    """What figures are computed from, if they rest on these submissions; and (submission, decisions, path) of the records read."""
    declared, wanted = catalogue.load(collection), _rests_on(collection, period)
    given = [list(rests), [rules for rules, _ in rests.values()], [counts for _, counts in rests.values()]]
    log = _frame(
        connection,
        """SELECT s.collection, s.period, CASE WHEN %s THEN NULL ELSE s.sender END AS provider_code, s.sender, s.part, s.submission_id,
                  s.version, v.outcome AS state, r.counts AS is_current, s.is_sample,
                  coalesce(s.received_at <= e.due, true) AS on_time, v.rows_read, v.rows_recorded, v.rows_rejected,
                  v.cells_expected, v.cells_valid
           FROM unnest(%s::text[], %s::text[], %s::boolean[]) AS r (submission_id, rules_version, counts)
           JOIN core.submission s USING (submission_id) JOIN core.validation v USING (submission_id, rules_version)
           LEFT JOIN core.expected e ON (e.collection, e.period, e.sender, e.part) = (s.collection, s.period, s.sender, s.part)
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
    expected = _frame(
        connection,
        "SELECT collection, period, sender FROM core.expected WHERE collection = %s AND period = ANY(%s) ORDER BY 1, 2, 3",
        [collection, [p for c, p in wanted if c == collection]],
        measure.EXPECTED,
    )
    return measure.Inputs(collection, period, paths, log, expected, reference.load()), records


def _decided(connection, collection: str, submission_id: str, decisions: list[int], path) -> dict:
    """One entry of `Gathered.decided`."""
    providers = dict(
        connection.execute(
            "SELECT decision_id, provider_code FROM core.decision WHERE decision_id = ANY(%s)", [decisions]
        ).fetchall()
    )
    sender = connection.execute("SELECT sender FROM core.submission WHERE submission_id = %s", [submission_id])
    return {
        "collection": collection,
        "submission_id": submission_id,
        "provider_code": None if catalogue.load(collection).is_national else sender.fetchone()[0],
        "decisions": decisions,
        "providers": [providers[one] for one in decisions],
        "path": path,
        "plain_path": _without_decisions(connection, submission_id),
    }


def _without_decisions(connection, submission_id: str):
    """A local copy of the records that a submission has when nobody decided anything; None if it is held then."""
    row = connection.execute(
        """SELECT records_key, records_sha256 FROM core.validation WHERE submission_id = %s AND decisions = '{}'
           ORDER BY validated_at DESC LIMIT 1""",
        [submission_id],
    ).fetchone()
    if row is None:  # decisions on an earlier version were in force when it came
        from . import process

        return process.records_without_decisions(connection, submission_id)
    return objects.cached(settings.load().records, *row) if row[0] else None


def _frame(connection, query, parameters, schema) -> pl.DataFrame:
    cursor = connection.execute(query, parameters)
    columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(schema)
    return pl.DataFrame(
        {
            column.name: pl.Series(values, dtype=schema[column.name])
            for column, values in zip(cursor.description, columns, strict=True)
        }
    )


def _kept_apart(paths, own: pl.DataFrame) -> pl.DataFrame:
    """Rows of this period that are about bodies other than providers, counted by body."""
    schema = {"body_code": pl.String, "body_name": pl.String, "body_type": pl.String, "rows": pl.Int64}
    names = pl.scan_parquet(paths).collect_schema().names() if paths else []
    if "org_type" not in names:
        return pl.DataFrame(schema=schema)
    other = pl.scan_parquet(paths).filter(
        (pl.col("body") != "provider") & pl.col("submission_id").is_in(own["submission_id"].implode())
    )
    counted = other.group_by(body_code="ods_code", body_name="org_name", body_type="org_type").agg(
        rows=pl.len().cast(pl.Int64)
    )
    return counted.sort("body_code").collect().cast(schema)


def _tables(results: measure.Results, period: str, kept_apart: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Result frames by the table of schema core that they go to, with the names and units that were true in the period."""
    known, end = reference.load(), calendar.period_end(period)
    units = {metric.metric_id: metric.unit for metric in known.metrics}
    codes = results.measures["provider_code"].unique().to_list()
    names = {code: known.name_on(code, end) for code in codes if known.knows(code)}
    measures = results.measures.with_columns(
        provider_name=pl.col("provider_code").replace_strict(names, default=None, return_dtype=pl.String),
        unit=pl.col("metric_id").replace_strict(units, default=None, return_dtype=pl.String),
    )
    return {
        "measure": measures,
        "benchmark": results.benchmarks,
        "comparison": results.comparisons,
        "price_spread": results.prices_spread,
        "price_position": results.prices_position,
        "price_list": results.price_list,
        "cross_finding": results.cross_findings,
        "kept_apart": kept_apart,
    }


def _switch(connection, collection, period, release_id) -> bool:
    """Points to a release if it is there; a pointer that stands there already does not move. False if it is not there."""
    if not connection.execute("SELECT 1 FROM core.release WHERE release_id = %s", [release_id]).fetchone():
        return False
    connection.execute(
        """INSERT INTO core.current_release AS c (collection, period, release_id) VALUES (%s, %s, %s)
           ON CONFLICT (collection, period) DO UPDATE SET release_id = excluded.release_id, published_at = clock_timestamp()
           WHERE c.release_id <> excluded.release_id""",
        [collection, period, release_id],
    )
    return True

"""Replays the archive: what the rules, layouts and methods of this checkout would change in what is recorded and published.

Files are read and validated as `records.read_and_validate` does, and figures are computed as a release does; nothing is written to the
archive or the ledger. Changes that the pipeline would make by itself (it validates again what new rules concern) are told apart from
changes that it would make on request.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import class_row, dict_row

from .. import catalogue, reference, sql
from ..ingest.expected_returns import who_is_expected
from ..measures import measure, versions
from ..reading import findings
from ..records import (
    all_findings,
    findings_kept,
    healing,
    identify_again,
    read_and_validate,
    record_objects,
    rules_in_force,
    submission,
)
from ..reference import calendar
from ..releases import inputs as release_inputs
from ..releases.dependencies import rests_on
from ..releases.figures import figures
from ..releases.ledger import frame
from ..stores import cache, settings, warehouse
from ..validation import decisions_applied
from ..validation.validate import HELD, Outcome

BATCH = 200  # submissions whose facts are read at once; files are read one after the other
MOST_FIGURES = 2_000  # figures that are listed, the largest changes first; all are counted
COMPARED = ("value", "percentile_rank", "quality_flag", "withheld")  # of a figure, where releases have it
FINDING = ("rule_id", "severity", "sheet", "line", "column_name", "raw_value", "message")
BY_ITSELF, ON_REQUEST = "by itself", "on request"

Connection = psycopg.Connection[Any]
Row = dict[str, Any]  # of the lists of `Replay`, or of the ledger
Chain = tuple[str, str, str]  # period, sender, part
Plain = tuple[bool, str, int, int]  # identified, state, cells expected and valid, without decisions
Kinds = dict[tuple[str, str, str], Row]  # (rule, severity, change) -> a row of Replay.rules


@dataclass
class Replay:
    """What this checkout would change.

    Attributes:
        read, same, broke: submissions read, those that come to the same, and those that our code broke on, with the reason.
        submissions: those that change state: submission_id, file_name, collection, period, sender, part, version, before, after, when
            ('by itself', or 'on request': accepted ones are validated again only if somebody asks for it).
        rules: findings that appear or go, by rule: rule_id, severity, change ('appears' or 'goes'), by_itself and on_request (how many
            findings), submissions, example.
        releases: what is published anew: collection, period, release_id (None: nothing stands), figures, moved, appear, go.
        figures: figures that move: collection, period, metric_id, provider_code, and <name>_before and <name>_after of `COMPARED`.
    """

    collection: str
    since: str | None
    accepted_too: bool
    read: int = 0
    same: int = 0
    broke: list[Row] = field(default_factory=list)
    submissions: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    releases: list[Row] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)
    figures_moved: int = 0
    seconds: float = 0.0


@dataclass
class _Changed:
    """A submission as it would be: a row of the log of submissions, where its records are, and its rows by provider."""

    row: Row
    path: Path | None
    provider_rows: pl.DataFrame


def replay(
    collection: str,
    since: str | None = None,
    *,
    accepted_too: bool = False,
    keep: Path | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Replay:
    """Runs the rules, layouts and methods of this checkout over what was received, beside what stands.

    Args:
        collection: its name.
        since: the first period; None: all. Files of no known period are looked at in any case.
        accepted_too: compute figures as if accepted submissions had been validated again too; else as they follow by themselves.
        keep: a folder for the records that would be new, as Parquet; None keeps nothing.
        report: is told how many submissions have been read, now and then.
    """
    began = time.monotonic()
    catalogue.load(collection)
    found = Replay(collection, since, accepted_too)
    with tempfile.TemporaryDirectory() as spare, warehouse.connect() as connection:
        connection.isolation_level = (
            psycopg.IsolationLevel.REPEATABLE_READ
        )  # the same ledger from the first file to the last figure
        try:
            connection.execute("SELECT 1")  # one transaction for all, which is rolled back
            changed = _files(connection, found, keep or Path(spare), report)
            _figures(connection, found, changed)
        finally:
            connection.rollback()
    found.seconds = time.monotonic() - began
    return found


# Submissions ----------------------------------------------------------------------------------------------------------


def _files(connection: Connection, found: Replay, folder: Path, report: Callable[[int], None]) -> dict[str, _Changed]:
    """Reads every submission again; returns those that what counts would rest on differently."""
    changed: dict[str, _Changed] = {}
    rules: Kinds = {}
    concerned = _concerned(connection, found.collection)
    for one in _submissions(connection, found.collection, found.since):
        found.read += 1
        when = BY_ITSELF if one["outcome"] is None or one["submission_id"] in concerned else ON_REQUEST
        try:
            is_new, outcome, plain = _again(connection, one, found.collection, when, changed)
        except Exception as problem:  # one bad file must not end the whole
            found.broke.append(one | {"problem": f"{type(problem).__name__}: {str(problem)[:300]}"})
            continue
        state = outcome.state
        before = _found_before(connection, one)
        differs = _compare_findings(rules, before, outcome.findings, when, one)
        differs |= is_new or state != one["outcome"] or _other_records(one, outcome)
        if state != (one["outcome"] or "received"):
            about = ("submission_id", "file_name", "period", "sender", "part", "version")
            told = {"collection": found.collection} | {name: one[name] for name in about}
            found.submissions.append(told | {"before": one["outcome"] or "received", "after": state, "when": when})
        found.same += not differs
        if differs and one["period"] and one["sender"] and (when == BY_ITSELF or found.accepted_too):
            path = None
            if state != HELD:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{one['submission_id']}.parquet"
                path.write_bytes(
                    record_objects.as_parquet(
                        {one["submission_id"]: record_objects.rows_of(one["submission_id"], outcome)}
                    )
                )
            rows = outcome.provider_rows.with_columns(submission_id=pl.lit(one["submission_id"]))
            changed[one["submission_id"]] = _Changed(_log_row(connection, one, found, outcome, plain), path, rows)
        if found.read % BATCH == 0:
            report(found.read)
    found.rules = sorted(rules.values(), key=lambda one: (one["rule_id"], one["severity"], one["change"]))
    for one in found.rules:
        one["submissions"] = len(one["submissions"])
    return changed


def _concerned(connection: Connection, collection: str) -> set[str]:
    """Which submissions the pipeline would validate again by itself: asked of the ledger as it would be with these rules in force."""
    with connection.transaction(force_rollback=True):
        rules_in_force.note_rules(connection, [collection])
        rows = connection.execute(
            "SELECT k.submission_id FROM core.concerned k JOIN core.submission s USING (submission_id) WHERE s.collection = %s",
            [collection],
        ).fetchall()
    return {submission_id for (submission_id,) in rows}


def _submissions(connection: Connection, collection: str, since: str | None) -> Iterator[Row]:
    """What was received, in the order in which files of no known period are looked at, then by period and version."""
    ids = connection.execute(sql.text("stewardship/submissions_to_replay"), {"collection": collection}).fetchall()
    first = calendar.period_start(since) if since else None
    wanted = [i for i, period in ids if first is None or period is None or calendar.period_start(period) >= first]
    for start in range(0, len(wanted), BATCH):
        cursor = connection.cursor(row_factory=dict_row)
        batch = {"submission_ids": wanted[start : start + BATCH]}
        cursor.execute(sql.text("stewardship/submissions_with_validation"), batch)
        yield from cursor.fetchall()


def _again(
    connection: Connection, one: Row, collection: str, when: str, changed: dict[str, _Changed]
) -> tuple[bool, Outcome, read_and_validate.Plain]:
    """Whether the file is another submission by these rules (`one` is changed into that then), the outcome, and that without decisions."""
    if one["outcome"] == HELD and when == BY_ITSELF and one["bytes"] <= settings.largest_file():
        local = cache.cached(settings.load().archive, one["archive_key"], one["sha256"])
        chain = identify_again.identity(local, one["file_name"], collection, one["received_at"])
        if chain and chain != (one["period"], one["sender"], one["part"]):
            version = _next_version(connection, one, chain, changed)
            if version is not None:
                about = dict(zip(("period", "sender", "part"), chain, strict=True))
                new_id = identify_again.new_id(one["submission_id"], *chain)
                known = submission.load(connection, one["submission_id"])._replace(
                    submission_id=new_id, period=chain[0], sender=chain[1], part=chain[2]
                )
                outcome = read_and_validate.outcome_of(connection, one["submission_id"], [], known)
                one |= {"submission_id": new_id, "version": version} | about
                return True, outcome, read_and_validate.plain_of(connection, one["submission_id"], outcome, [])
    decisions = decisions_applied.in_force(connection, one["submission_id"])
    outcome = read_and_validate.outcome_of(connection, one["submission_id"], decisions)
    return False, outcome, read_and_validate.plain_of(connection, one["submission_id"], outcome, decisions)


def _next_version(connection: Connection, one: Row, chain: Chain, changed: dict[str, _Changed]) -> int | None:
    """Its place in its return, after the files that would be registered anew before it."""
    version = identify_again.next_version(connection, one["submission_id"], *chain)
    before = [c.row for c in changed.values() if (c.row["period"], c.row["sender"], c.row["part"]) == chain]
    if version is not None and before:
        version = max(version, *(row["version"] + 1 for row in before))
    return version


def _other_records(one: Row, outcome: Outcome) -> bool:
    counted = ("rows_read", "rows_recorded", "rows_rejected", "cells_expected", "cells_valid")
    sha256 = (
        None
        if outcome.state == HELD
        else record_objects.hash_of(one["submission_id"], record_objects.rows_of(one["submission_id"], outcome))
    )
    return sha256 != one["records_sha256"] or any(getattr(outcome, name) != one[name] for name in counted)


def _log_row(connection: Connection, one: Row, found: Replay, outcome: Outcome, plain: read_and_validate.Plain) -> Row:
    """The row of `measure.SUBMISSIONS` that it would be, without whether it counts."""
    declared = catalogue.load(found.collection)
    due = connection.execute(
        "SELECT due FROM core.expected WHERE (collection, period, sender, part) = (%s, %s, %s, %s)",
        [found.collection, one["period"], one["sender"], one["part"]],
    ).fetchone()
    if due is None:  # of a period that nothing had come of, or a trust that was not known
        senders, _ = who_is_expected(found.collection, one["period"])
        due = (_due(found.collection, one["period"]) if (one["sender"], one["part"]) in senders else None,)
    counted = ("rows_read", "rows_recorded", "rows_rejected", "cells_expected", "cells_valid")
    return {
        "plain_state": plain.state,
        "plain_cells_expected": plain.cells_expected,
        "plain_cells_valid": plain.cells_valid,
        "identified": plain.identified,
        "collection": found.collection,
        "provider_code": None if declared.is_national else one["sender"],
        "state": outcome.state,
        "on_time": due[0] is None or one["received_at"] <= due[0],
        **{name: one[name] for name in ("period", "sender", "part", "submission_id", "version", "is_sample")},
        **{name: getattr(outcome, name) for name in counted},
    }


def _due(collection: str, period: str) -> datetime | None:
    try:
        return calendar.due(collection, period)
    except ValueError:  # the bank holidays that are known end too early
        return None


def _found_before(connection: Connection, one: Row) -> pl.DataFrame:
    """The findings of a submission as it was validated last, columns as in `FINDING`."""
    path = all_findings.file(connection, one["submission_id"])
    if path:
        return pl.read_parquet(path, columns=list(FINDING)).select(FINDING)
    where = {"submission_id": one["submission_id"], "rules_version": one["rules_version"]}
    rows = connection.execute(sql.text("stewardship/findings_under_rules"), where).fetchall()
    return pl.DataFrame(rows, schema={name: findings.COLUMNS[name] for name in FINDING}, orient="row")


def _compare_findings(rules: Kinds, before: pl.DataFrame, now: pl.DataFrame, when: str, one: Row) -> bool:
    """Counts findings that appear and go by rule, with one example each; whether there are any."""
    after = findings_kept.numbered(now).select(FINDING)
    each = pl.concat([before.with_columns(change=pl.lit(-1)), after.with_columns(change=pl.lit(1))])
    moved = each.group_by(FINDING, maintain_order=True).agg(pl.col("change").sum()).filter(pl.col("change") != 0)
    first = pl.col("sheet", "line", "column_name", "message").first()
    by_kind = moved.group_by("rule_id", "severity", appears=pl.col("change") > 0, maintain_order=True)
    for kind in by_kind.agg(pl.col("change").abs().sum(), first).iter_rows(named=True):
        change = "appears" if kind["appears"] else "goes"
        entry = rules.setdefault(
            (kind["rule_id"], kind["severity"], change),
            {"rule_id": kind["rule_id"], "severity": kind["severity"], "change": change, "by_itself": 0, "on_request": 0, "submissions": set(), "example": ""},
        )  # fmt: skip
        entry["by_itself" if when == BY_ITSELF else "on_request"] += kind["change"]
        entry["submissions"].add(one["submission_id"])
        sheet, line, column = kind["sheet"], kind["line"], kind["column_name"]
        place = ", ".join(
            str(part) for part in (sheet, line and f"line {line}", column and f"column '{column}'") if part
        )
        said = f"{one['file_name']}{', ' + place if place else ''}: {kind['message']}"
        entry["example"] = entry["example"] or said[:500]
    return moved.height > 0


# Figures --------------------------------------------------------------------------------------------------------------


def _figures(connection: Connection, found: Replay, changed: dict[str, _Changed]) -> None:
    """Computes what would be published anew, and how it differs from what is published."""
    touched = {(one.row["collection"], one.row["period"]) for one in changed.values()}
    listed: list[pl.DataFrame] = []
    for collection, period, release_id in _pairs(connection, found, touched):
        before, after = _published(connection, release_id), _computed(connection, collection, period, changed)
        names = [name for name in COMPARED if name in after.columns]
        keys = ["metric_id", "provider_code"]
        after = after.select(*keys, *(pl.col(name).alias(f"{name}_after") for name in names))
        before = before.select(*keys, *(pl.col(name).alias(f"{name}_before") for name in names))
        both = before.with_columns(was=True).join(after.with_columns(will=True), on=keys, how="full", coalesce=True)
        differs = pl.any_horizontal(pl.col(f"{name}_before").ne_missing(pl.col(f"{name}_after")) for name in names)
        moved = both.filter(differs | pl.col("was").is_null() | pl.col("will").is_null()).sort(keys)
        if not moved.height:
            continue
        appear, go = moved["was"].null_count(), moved["will"].null_count()
        found.figures_moved += moved.height
        about = {"collection": collection, "period": period}
        counts = {"figures": both.height, "moved": moved.height - appear - go, "appear": appear, "go": go}
        found.releases.append(about | {"release_id": release_id} | counts)
        listed = [
            _largest([*listed, moved.drop("was", "will").with_columns(pl.lit(v).alias(k) for k, v in about.items())])
        ]
    found.figures = listed[0].to_dicts() if listed else []


def _largest(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The figures that move most, relatively; one that appears or goes comes first."""
    all_of = pl.concat(frames, how="diagonal")
    before, after = pl.col("value_before"), pl.col("value_after")
    size = ((after - before).abs() / pl.max_horizontal(before.abs(), after.abs())).fill_nan(0.0)
    one_sided = before.is_null() != after.is_null()
    ordered = all_of.with_columns(size=pl.when(one_sided).then(float("inf")).otherwise(size.fill_null(0.0)))
    order = ["size", "collection", "period", "metric_id", "provider_code"]
    ordered = ordered.sort(order, descending=[True, False, False, False, False]).head(MOST_FIGURES)
    first = ["collection", "period", "metric_id", "provider_code"]
    return ordered.select(*first, pl.exclude(*first, "size"))


def _pairs(connection: Connection, found: Replay, touched: set[tuple[str, str]]) -> list[tuple[str, str, str | None]]:
    """(collection, period, current release) of what may be another: what rests on touched periods, and releases of other methods."""
    rows = connection.execute(
        """SELECT c.collection, c.period, c.release_id, (r.code_version, r.reference_version) <> (%s, %s)
           FROM core.standing c JOIN core.release r USING (release_key)""",
        [versions.method_version(found.collection), reference.version()],
    ).fetchall()
    first = calendar.period_start(found.since) if found.since else None
    wanted = {
        (collection, period): release_id
        for collection, period, release_id, other in rows
        if touched & set(rests_on(collection, period))
        or (other and collection == found.collection and (first is None or calendar.period_start(period) >= first))
    }
    for pair in touched - {row[:2] for row in rows}:
        wanted[pair] = None
    return [(*pair, release_id) for pair, release_id in sorted(wanted.items())]


def _published(connection: Connection, release_id: str | None) -> pl.DataFrame:
    types = {"metric_id": pl.String, "provider_code": pl.String, "value": pl.Float64, "percentile_rank": pl.Float64}
    types |= {"quality_flag": pl.String, "withheld": pl.String}
    return frame(connection, sql.text("stewardship/release_figures"), {"release_id": release_id}, types)


def _computed(connection: Connection, collection: str, period: str, changed: dict[str, _Changed]) -> pl.DataFrame:
    """The figures as a release of what would count has them."""
    given = release_inputs.load(connection, collection, period)
    window = set(rests_on(collection, period))
    mine = [one for one in changed.values() if (one.row["collection"], one.row["period"]) in window]
    inputs = _with(connection, given, mine) if mine else given.inputs
    # A release is made when it has been put down who is expected, newly known trusts among them.
    senders, providers = who_is_expected(collection, period)
    due = pl.DataFrame([(collection, period, sender) for sender, _ in senders], schema=measure.EXPECTED, orient="row")
    known = inputs.expected.select(pl.struct(due.columns)).to_series().implode()
    expected = pl.concat([inputs.expected, due.filter(~pl.struct(due.columns).is_in(known))]).sort(due.columns)
    in_file = inputs.expected_in_file
    if not in_file.height:
        in_file = pl.DataFrame(
            [(collection, period, code) for code in providers], schema=measure.EXPECTED_IN_FILE, orient="row"
        )
    inputs = replace(inputs, expected=expected, expected_in_file=in_file)
    own = inputs.submissions.filter(
        (pl.col("collection") == collection) & (pl.col("period") == period) & pl.col("is_current")
    )
    return figures(replace(given, inputs=inputs, own=own, decided=[]))["measure"]


def _with(connection: Connection, given: release_inputs.ReleaseInputs, mine: list[_Changed]) -> measure.Inputs:
    """Inputs in which these submissions are as they would be, and count or do not accordingly."""
    inputs, collection = given.inputs, given.collection
    new = pl.DataFrame([one.row | {"is_current": False} for one in mine], schema=measure.SUBMISSIONS)
    ids = new["submission_id"].implode()
    log = pl.concat(
        [inputs.submissions.filter(~pl.col("submission_id").is_in(ids)), new.select(inputs.submissions.columns)]
    )
    # As records/pointer.py has it: of each return the newest version that stands accepted, a real one before a sample.
    chain = ["collection", "period", "sender", "part"]
    of_mine = pl.struct(chain).is_in(new.select(pl.struct(chain)).to_series().implode())
    best = (
        log.filter(of_mine & (pl.col("state") != HELD))
        .sort("is_sample", "version", descending=[False, True])
        .group_by(chain, maintain_order=True)
        .first()
    )
    counts = pl.col("submission_id").is_in(best["submission_id"].implode())
    log = log.with_columns(is_current=pl.when(of_mine).then(counts).otherwise("is_current"))
    log = log.sort("collection", "period", "sender", "part", "version")
    declared = catalogue.load(collection)
    read_back = {given.period}
    for _ in range(declared.looks_back):
        read_back.add(calendar.previous_period(min(read_back)))
    current = log.filter(
        pl.col("is_current") & ((pl.col("collection") != collection) | pl.col("period").is_in(list(read_back)))
    )
    files = {one.row["submission_id"]: one.path for one in mine}
    records: dict[str, list[Path]] = {name: [] for name in inputs.records}
    for name in records:
        for _, month in current.filter(pl.col("collection") == name).group_by("period", maintain_order=True):
            now = month["submission_id"].to_list()
            records[name] += [path for one in now if (path := files.get(one))]
            records[name] += _stored(connection, [one for one in now if one not in files])
    others = inputs.provider_rows.filter(~pl.col("submission_id").is_in(ids))
    rows = pl.concat([others, *(one.provider_rows.select(others.columns) for one in mine)])
    return replace(inputs, records=records, submissions=log, provider_rows=rows)


def _stored(connection: Connection, submission_ids: list[str]) -> list[Path]:
    """Local files of the records of these submissions as they stand."""
    with connection.cursor(row_factory=class_row(record_objects.Wanted)) as cursor:
        query = sql.text("stewardship/records_standing")
        found = cursor.execute(query, {"submissions": submission_ids}).fetchall()
    if lacking := set(submission_ids) - {one.submission_id for one in found}:
        raise LookupError(f"No accepted rows are recorded of {', '.join(sorted(lacking))}.")
    return healing.files(connection, found)

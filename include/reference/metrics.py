"""Reads the metrics' definitions: catalogue/<collection>/metrics.toml, each metric a reviewed record, each change of it a version."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from trust_benchmarks.reference.tables import Metric, ReferenceDataError

# Entries of a file besides its metrics; `collection` is the file's own name.
SHARED, METRICS, FEEDS = "every", "metric", "feeds"
# What becomes of a figure when rows of its trust were rejected, and when it covers fewer months than it should.
MISSING_ROWS = {
    "withhold": "it is not shown",
    "mark": "it is shown and marked, and compared with nothing",
    "none": "it is not made of rows",
}
WINDOWS = {"whole": "it is not shown", "mark": "it is shown and marked, and compared with nothing"}
KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text", lambda value: isinstance(value, str) and value == value.strip()),
    int: ("a whole number", lambda value: type(value) is int),
    float: ("a number such as 0.02", lambda value: type(value) in (int, float)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    date: ("a date such as 2026-04-01, without quotes", lambda value: type(value) is date),
    date | None: ("a date such as 2026-04-01, without quotes", lambda value: type(value) is date),
    tuple[int, ...]: (
        "whole numbers such as [6, 7]",
        lambda value: isinstance(value, list) and all(type(number) is int for number in value),
    ),
    tuple[str, ...]: (
        'texts such as ["workforce"]',
        lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value),
    ),
}


def read(folder: Path) -> list[Metric]:
    """Every version of every metric, in the order of the files and of their entries.

    `fed_by` is the collection whose file it is, unless the entry names others or says `not_fed_because`, and every collection
    whose file has the metric in `feeds`. A metric that another collection feeds needs no reason why it is not fed.

    Raises:
        ReferenceDataError: for a file that cannot be read, an unknown or missing entry, or one of the wrong kind.
    """
    files = {path.parent.name: _load(path) for path in sorted(folder.glob("*/metrics.toml"))}
    if not files:
        raise ReferenceDataError(
            f"The folder {folder.name} holds no definitions of metrics (*/metrics.toml). Put them back."
        )
    feeders: dict[str, list[str]] = {}
    for collection, content in files.items():
        for metric_id in content.get(FEEDS, []):
            feeders.setdefault(metric_id, []).append(collection)
    found = [
        _metric(collection, content.get(SHARED, {}), entry)
        for collection, content in files.items()
        for entry in content.get(METRICS, [])
    ]
    known = {metric.metric_id: metric.collection for metric in found}
    for metric_id, collections in feeders.items():
        for collection in collections:
            if known.get(metric_id) in (None, collection):
                why = "which no file defines" if metric_id not in known else "which it defines itself"
                raise ReferenceDataError(
                    f"{collection}/metrics.toml: feeds names {metric_id}, {why}. "
                    "Expected metrics that another collection's file defines: correct the id, or take it out."
                )
    return [_fed(metric, feeders.get(metric.metric_id, [])) for metric in found]


def _load(path: Path) -> dict[str, Any]:
    where = f"{path.parent.name}/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ReferenceDataError(f"{where} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ReferenceDataError(f"{where} is not TOML: {error}. Correct that line.") from None
    if strange := sorted(set(content) - {SHARED, METRICS, FEEDS}):
        raise ReferenceDataError(
            f"{where}: unknown entries {', '.join(strange)}. Expected {FEEDS}, [{SHARED}] and [[{METRICS}]]: correct or remove them."
        )
    _kind(where, FEEDS, tuple[str, ...], content.get(FEEDS, []))
    return content


def _metric(collection: str, shared: dict[str, Any], entry: dict[str, Any]) -> Metric:
    where = f"{collection}/metrics.toml: {entry.get('metric_id', 'a metric without metric_id')}"
    given = shared | entry
    expected = {field.name: field for field in fields(Metric) if field.name != "collection"}
    if strange := sorted(set(given) - set(expected)):
        raise ReferenceDataError(
            f"{where}: unknown entries {', '.join(strange)}. Expected some of {', '.join(expected)}."
        )
    needed = [name for name, field in expected.items() if field.default is MISSING]
    if lacking := [name for name in needed if name not in given]:
        raise ReferenceDataError(
            f"{where}: {', '.join(lacking)} missing. Add them, or to [{SHARED}] for the whole file."
        )
    for name, value in given.items():
        _kind(where, name, expected[name].type, value)
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    made = Metric(collection=collection, **values)
    _rests_on(where, made)
    return made


def _rests_on(where: str, metric: Metric) -> None:
    """What is said about rows and months that are missing must be possible, and agree with `period`."""
    for name, known in (("missing_rows", MISSING_ROWS), ("window", WINDOWS)):
        if (value := getattr(metric, name)) not in known:
            raise ReferenceDataError(
                f"{where}: {name} is {value!r}; expected one of {', '.join(known)}: "
                + "; ".join(f"{one}: {says}" for one, says in known.items())
                + ". Correct it."
            )
    if not 0 <= metric.tolerates_missing < 1:
        raise ReferenceDataError(
            f"{where}: tolerates_missing is {metric.tolerates_missing}; expected a share of the rows, from 0 to below 1. Correct it."
        )
    if metric.tolerates_missing and metric.missing_rows == "none":
        raise ReferenceDataError(
            f"{where}: tolerates_missing is {metric.tolerates_missing} and missing_rows is 'none'. A figure that is not made of rows "
            "tolerates nothing: remove one."
        )
    rolling = re.fullmatch(r"rolling (\d+)m", metric.period)
    months = int(rolling[1]) if rolling else 1
    if metric.window_months != months:
        raise ReferenceDataError(
            f"{where}: window_months is {metric.window_months} and period is '{metric.period}'; expected {months}. Correct one of them."
        )


def _kind(where: str, name: str, kind: Any, value: object) -> None:
    wanted, fits = KINDS[kind]
    if not fits(value):
        raise ReferenceDataError(f"{where}: {name} is {value!r}; expected {wanted}. Correct it.")


def _fed(metric: Metric, others: list[str]) -> Metric:
    own = metric.fed_by or (() if metric.not_fed_because else (metric.collection,))
    fed_by = (*own, *(one for one in others if one not in own))
    # A reason beside a fed_by of the metric's own is a contradiction, which checks.py says.
    return replace(metric, fed_by=fed_by, not_fed_because=metric.not_fed_because if own or not fed_by else "")

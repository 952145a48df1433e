"""What the statistical methods ask of their input. docs/methods.md describes the methods."""

from collections.abc import Iterable

import polars as pl


class MethodError(ValueError):
    """Input that a method cannot read at all; the message says what was found, what was expected and what to do.

    Too little data is no error: results then carry a `reason` in words, and no figures.
    """


def require(frame: pl.DataFrame, columns: str, method: str) -> None:
    """Raises MethodError unless the frame has these columns (names separated by blanks)."""
    missing = [name for name in columns.split() if name not in frame.columns]
    if missing:
        raise MethodError(
            f"{method} needs the columns {', '.join(columns.split())}. Missing: {', '.join(missing)}. "
            "Rename or add them."
        )


def once(values: Iterable[str | None], what: str, method: str) -> None:
    """Raises MethodError where a value comes twice, or is missing."""
    seen = set()
    for value in values:
        if value is None:
            raise MethodError(f"{method} needs a {what} on every row; one has none. Leave that row out or name it.")
        if value in seen:
            raise MethodError(f"{method} found the {what} {value} twice. Expected one row each; add them up first.")
        seen.add(value)


def why_no_value(own: pl.DataFrame) -> dict[str, str]:
    """Provider -> the code of why it has no whole value.

    Args:
        own: provider_code, value (null where it is not whole) and withheld of one metric.
    """
    none = own.filter(pl.col("value").is_null()).select("provider_code", pl.col("withheld").fill_null("NOT_REPORTED"))
    return dict(none.iter_rows())

"""Statistical methods as pure functions over polars frames: no services, nothing kept. docs/methods.md tells them in words."""


class MethodError(ValueError):
    """Input that a method cannot read at all; the message says what was found, what was expected and what to do.

    Too little data is no error: results then carry a `reason` in words, and no figures.
    """


def require(frame, columns: str, method: str) -> None:
    """Raises MethodError unless the frame has these columns (names separated by blanks)."""
    missing = [name for name in columns.split() if name not in frame.columns]
    if missing:
        raise MethodError(
            f"{method} needs the columns {', '.join(columns.split())}. Missing: {', '.join(missing)}. "
            "Rename or add them."
        )


def once(values, what: str, method: str) -> None:
    """Raises MethodError where a value comes twice, or is missing."""
    seen = set()
    for value in values:
        if value is None:
            raise MethodError(f"{method} needs a {what} on every row; one has none. Leave that row out or name it.")
        if value in seen:
            raise MethodError(f"{method} found the {what} {value} twice. Expected one row each; add them up first.")
        seen.add(value)

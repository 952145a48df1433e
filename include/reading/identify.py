"""What a file is about: its period, its sender and its part, from its content, its name or its layout."""

import re

from .. import catalogue, layouts
from ..layouts import Layout
from .reading import Reading


def identify(reading: Reading) -> None:
    """Finds period, sender and part from the content, the name or the layout, and holds what contradicts itself."""
    declared = catalogue.load(reading.collection)
    layout = reading.layout
    candidates = [layout] if layout else list(layouts.load(reading.collection))
    reading.part = layout.part if layout else ""
    by_content = {_period_in_column(reading)} - {None}
    by_name = {period_in_name(one, reading.file_name, declared.frequency) for one in candidates} - {None}
    always = {layout.period["always"]} if layout and "always" in layout.period else set()
    seen = always or by_content or by_name
    reading.period = min(seen) if seen else None
    if reading.period is None and layout:
        reading.found(
            "FIL-PERIOD",
            f"It cannot be told what period {reading.file_name} is about. Expected it "
            + ("in the column 'period' or " if declared.kind == "each_trust" else "")
            + "in the file's name, for example "
            + ("2025-06." if declared.frequency == "month" else "2016-17."),
        )
    elif layout and by_name and by_name != {reading.period} and "name" in layout.period:
        reading.found(
            "FIL-PERIOD",
            f"The name says {min(by_name)} but the content is about {reading.period}. Rename the file or send the right one.",
        )
    if declared.is_national:
        reading.sender = declared.publisher
    else:
        _identify_trust(reading, candidates)


def _identify_trust(reading: Reading, candidates) -> None:
    named = next((code for one in candidates if (code := trust_in_name(one, reading.file_name))), None)
    column = reading.layout.sender.get("column") if reading.layout else None
    inside = _most_common(reading, column)
    reading.sender = named or inside
    if reading.sender is None and reading.layout:
        reading.found(
            "FIL-SENDER",
            f"It cannot be told which trust sent {reading.file_name}. Expected its ODS code in the column 'ods_code'.",
        )


def trust_in_name(layout: Layout, file_name: str) -> str | None:
    """The trust that a file's name tells, by the layout's expression."""
    match = re.search(layout.sender.get("name", "(?!)"), file_name)
    return match["code"] if match else None


def _most_common(reading: Reading, column: str | None) -> str | None:
    for table in reading.tables:
        if column in table.frame.columns and table.frame.height:
            values = table.frame[column].str.strip_chars()
            values = values.filter(values.str.contains(r"^[A-Z0-9]{3,5}$").fill_null(False))
            if values.len():
                return values.value_counts(sort=True, name="n").sort(["n", column], descending=[True, False])[column][0]
    return None


def _period_in_column(reading: Reading) -> str | None:
    rule = reading.layout.period if reading.layout else {}
    column = rule.get("column")
    for table in reading.tables:
        if column in table.frame.columns and table.frame.height:
            values = table.frame[column].str.strip_chars()
            if "pattern" in rule:
                found = values.str.extract_groups(rule["pattern"]).struct
                values = found.field("year") + "-" + found.field("next" if "(?P<next>" in rule["pattern"] else "month")
            elif "format" in rule:
                values = values.str.to_date(rule["format"], strict=False).dt.strftime("%Y-%m")
            frequency = catalogue.load(reading.collection).frequency
            periods = [value for value in values.drop_nulls().unique() if _is_period(value, frequency)]
            values = values.filter(values.is_in(periods).fill_null(False))
            if values.len():
                return (
                    values.alias("v")
                    .value_counts(sort=True, name="n")
                    .sort(["n", "v"], descending=[True, False])["v"][0]
                )
    return None


def _is_period(text: str, frequency: str) -> bool:
    """Whether a text is a period of that frequency: 2025-13 is none, and 2016-17 is no month."""
    if frequency == "month":
        return bool(re.fullmatch(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])", text))
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
    return bool(match) and 1 <= int(match[1]) < 9999 and int(match[2]) == (int(match[1]) + 1) % 100


def period_in_name(layout: Layout, file_name: str, frequency: str) -> str | None:
    """The period that a file's name tells, by the layout's expression."""
    match = re.search(layout.period.get("name", "(?!)"), file_name)
    if not match:
        return None
    if frequency == "month":
        return f"{match['year']}-{match['month']}"
    if int(match["next"]) != (int(match["year"]) + 1) % 100:
        return None  # 2016-04 in a name is a month, not a financial year
    return f"{match['year']}-{match['next']}"

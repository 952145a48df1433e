"""Headings that fit no layout, told so that whoever sent them can put them right."""

from .fit import Fit, wanted
from .reading import Reading
from .suggest import near_misses

MOST_NAMED = 12  # headings named in one message; the finding's count tells how many there are


def report_misfit(reading: Reading, fit: Fit, sheet: str | None) -> None:
    """Says which headings are missing or not expected, and which of them may be meant by which."""
    found = [heading for heading in fit.headings if heading.strip()]
    must, _ = wanted(fit.layout, fit.table)
    if not fit.positions:
        what = f"The header on line {fit.header_line} matches no known template: it reads {listed(found) or 'nothing'}."
    else:
        taken = set(fit.positions.values())
        free = [heading for at, heading in enumerate(fit.headings) if at not in taken]
        near = near_misses(fit.missing, free)
        parts = []
        if fit.missing:
            parts.append(f"missing: {listed(fit.missing)}")
        if fit.extra:
            parts.append(f"not expected: {listed(fit.extra)}")
        what = f"The header on line {fit.header_line} does not fit template {fit.layout.name}: {'; '.join(parts)}."
        for sent, meant in list(near.items())[:MOST_NAMED]:
            what += f" Did you mean '{meant}' by '{sent}'?"
    reading.closeness = max(reading.closeness, min(0.99, 1 - len(fit.missing) / max(len(must), 1)))
    reading.found(
        "STR01",
        f"{what} Expected the headings of template {fit.layout.name}: {listed(must)}. Use the template as published, with its headings unchanged.",
        sheet=sheet,
        line=fit.header_line,
        raw_value=reading.delimiter.join(fit.headings),
    )


def listed(names) -> str:
    """Names in quotation marks, the first twelve and how many more."""
    names = sorted(names) if isinstance(names, set) else list(names)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMED]) + more

"""Headings that fit no layout, told so that whoever sent them can put them right."""

from collections.abc import Iterable

from ..catalogue.layouts import heading_key
from .match_layout import Fit, wanted
from .reading import Reading

CLOSE = 80  # of 100, by the share of letters that need no change
MOST_LETTERS, MOST_HEADINGS = 200, 300  # longer cells and wider tables are not compared
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


def listed(names: Iterable[str]) -> str:
    """Names in quotation marks, the first twelve and how many more."""
    names = sorted(names) if isinstance(names, set) else list(names)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMED]) + more


def near_misses(missing: list[str], found: list[str]) -> dict[str, str]:
    """Heading as sent -> the missing heading that it may stand for; each of both at most once, the closest first."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 (only a file that fits no layout needs it)

    sent = [heading for heading in found if heading.strip() and len(heading) <= MOST_LETTERS][:MOST_HEADINGS]
    bare = [heading.rsplit(" :: ", 1)[-1].split("#")[0] for heading in missing[:MOST_HEADINGS]]
    if not sent or not bare:
        return {}
    scores = process.cdist([heading_key(one) for one in sent], [heading_key(one) for one in bare], scorer=fuzz.ratio)
    ranked = sorted((-scores[i][j], i, j) for i in range(len(sent)) for j in range(len(bare)) if scores[i][j] >= CLOSE)
    named: dict[str, str] = {}
    taken: set[int] = set()
    for _, i, j in ranked:
        if sent[i].strip() not in named and j not in taken:
            named[sent[i].strip()] = bare[j]
            taken.add(j)
    return named

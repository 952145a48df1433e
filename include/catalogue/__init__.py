"""What is collected: one folder a collection, read into plain dataclasses (standard library only, so DAG files may import it)."""

import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# What is done about small numbers of people, once, before benchmarks are made (include/sql/measures/_small_numbers.sql).
REGIMES = {
    "hes": "1 to 7 are withheld, larger counts rounded to the nearest 5, 0 is shown",
    "mhsds": "counts under 5, 0 among them, are withheld, larger ones rounded to the nearest 5",
    "as_published": "the publisher has applied his own control; his figures are shown as he gave them",
    "none": "the collection counts no people",
}
# A rule for a date, such as {"working_day": 10, "months_after": 1}: see `reference.calendar.deadline`.
Rule = dict[str, Any]
MOST_PREVIEW_DAYS = 60  # working days that trusts see figures before they are published, at most
PARTS = ("both", "numerator", "denominator", "neither")


@dataclass(frozen=True)
class Collection:
    """One named return: who sends it, when it is due, and the bounds its submissions must keep to.

    Attributes:
        kind: ``each_trust`` (a file a provider) or ``national`` (one publisher's file, perhaps in parts).
        frequency: ``month`` or ``financial_year``: what a period is.
        first_period: the first that was ever collected; a file about an earlier one is held.
        rules_version: raised when its schema comes to another result for the same file (see `validation.versions`).
        periods_ahead: how many periods after the present one a file may be about; None: only periods that have ended.
        sectors: whose open trusts must each send it, or be in a national file; a national file without sectors misses nobody.
        due, closes: rules for the soft deadline and the hard close, read by `reference.calendar.deadline`;
            empty means that there is none.
        final: from when the figures of a period change in numbered revisions only; `final_rule` says what holds when it is left out.
        preview: how long the trusts see a release before it is published, such as ``{"working_days": 5, "at": "09:30"}``: until that time of
            the fifth working day after it was offered to them; empty: it is published at once.
        embargo: a rule like `due`: nothing of a period is published before; only for collections that have a preview.
        min_rows: fewer rows than this hold a submission (a floor, by part where parts differ).
        max_rejected_share: a larger share of rejected rows holds a submission (a ceiling), 0 to 1.
        max_warned_share: a larger share of rows with a warning holds a submission, too, 0 to 1.
        looks_back: how many earlier periods its measures and cross-period rules read.
        uses: other collections whose records its measures or cross-collection rules read, of the same period or its months.
        uses_back: how many months before those they read of them, too.
        disclosure: one of `REGIMES`: how counts of people are protected before they are published.
        also_called: other words that names of its files begin with.
        size: what the size of a trust is in bands of size: a part of one of its own metrics, such as ``WF01.value``; empty: no bands.
        alike: what makes trusts alike, for nearest neighbours: size and kind of work, never how well it is done; empty: none.
        real_files: the published files that tests read, in words; empty: none are published.
        people_parts: metric -> one of `PARTS`: which of its parts count people, where that is not both of a metric of
            class persons and neither of any other.
        measures_version: raised when the same records give other measures, prices or cross findings than before.
    """

    name: str
    title: str
    description: str
    owner: str
    kind: str
    frequency: str
    first_period: str
    rules_version: int
    periods_ahead: int | None = None
    publisher: str = ""
    parts: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    due: Rule = field(default_factory=dict, hash=False)
    closes: Rule = field(default_factory=dict, hash=False)
    final: Rule = field(default_factory=dict, hash=False)
    preview: Rule = field(default_factory=dict, hash=False)
    embargo: Rule = field(default_factory=dict, hash=False)
    min_rows: dict[str, int] = field(default_factory=dict, hash=False)
    max_rejected_share: float = 0.0
    max_warned_share: float = 0.5
    looks_back: int = 0
    uses: tuple[str, ...] = ()
    uses_back: int = 0
    disclosure: str = "hes"
    people_parts: dict[str, str] = field(default_factory=dict, hash=False)
    measures_version: int = 1
    tags: tuple[str, ...] = ()
    also_called: tuple[str, ...] = ()
    size: str = ""
    alike: tuple[str, ...] = ()
    real_files: str = ""

    @property
    def is_national(self) -> bool:
        """Whether one publisher sends it for all organisations."""
        return self.kind == "national"

    @property
    def final_rule(self) -> Rule:
        """When a period becomes final: as declared, else a month after it closes, else (nothing closes) half a year or a year after it ended."""
        if self.final:
            return self.final
        if not self.closes:
            return {"months_after": 6 if self.frequency == "month" else 12, "day": 31}
        if "month" in self.closes:
            later = self.closes["month"] % 12 + 1
            return self.closes | {"month": later, "years_after": self.closes.get("years_after", 0) + (later == 1)}
        return self.closes | {"months_after": self.closes.get("months_after", 0) + 1}

    def floor(self, part: str) -> int:
        """The fewest rows a submission of this part may have."""
        return self.min_rows.get(part, self.min_rows.get("", 1))


class UnknownCollection(ValueError):
    """A name that is not in the catalogue; the message lists those that are."""


@cache
def all() -> dict[str, Collection]:
    """Every collection by name, in alphabetical order."""
    return {path.parent.name: _read(path) for path in sorted(FOLDER.glob("*/collection.toml"))}


def load(name: str) -> Collection:
    """The collection of that name.

    Raises:
        UnknownCollection: when the catalogue has none.
    """
    try:
        return all()[name]
    except KeyError:
        raise UnknownCollection(f"There is no collection '{name}'. Known: {', '.join(all())}.") from None


def entries(collection: str, file: str) -> dict[str, Any]:
    """What a TOML file of a collection's folder says, such as ``units.toml``; nothing where the collection has no such file."""
    path = FOLDER / collection / file
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _read(path: Path) -> Collection:
    declared = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {f.name for f in fields(Collection)}
    unknown = sorted(set(declared) - known)
    if unknown:
        raise ValueError(
            f"{path.parent.name}/{path.name}: unknown entries {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
        )
    if declared.get("disclosure", "hes") not in REGIMES:
        raise ValueError(
            f"{path.parent.name}/{path.name}: disclosure is '{declared['disclosure']}'. Expected one of {', '.join(REGIMES)}: "
            + "; ".join(f"{name}: {says}" for name, says in REGIMES.items())
            + "."
        )
    if strange := sorted(set(declared.get("people_parts", {}).values()) - set(PARTS)):
        raise ValueError(
            f"{path.parent.name}/{path.name}: people_parts has {', '.join(strange)}. Expected {', '.join(PARTS)}."
        )
    days = declared.get("preview", {"working_days": 1}).get("working_days")
    if (
        type(days) is not int
        or not 1 <= days <= MOST_PREVIEW_DAYS
        or ("embargo" in declared and "preview" not in declared)
    ):
        raise ValueError(
            f"{path.parent.name}/{path.name}: preview needs working_days from 1 to {MOST_PREVIEW_DAYS}, and an embargo needs a preview. "
            'Expected: preview = { working_days = 5, at = "09:30" }.'
        )
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in declared.items()
    }
    return Collection(name=path.parent.name, **values)

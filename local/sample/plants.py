"""The table of plants: which fault goes into which collection, month and provider, and how the file is sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from trust_benchmarks.reference.tables import Tables

from . import spoil
from .spoil import Case
from .world import Organisation, World

COLLECTIONS = ("workforce", "e_rostering", "procurement_prices")


@dataclass(frozen=True)
class Plant:
    """One spoiled return.

    Attributes:
        rules: what it breaks.
        spoil: the function that spoils it.
        send: how it is sent: '' on time; 'late' after the deadline; 'closed' after the close; 'missing' not at all;
            'again' with the same bytes once more; 'copy' is last month's file under this month's name; 'mended' is
            followed by a sound second version; 'worse' follows a sound first version.
        month: which of the sample's months, from the end (-2 is the last but one).
        gap: the month before is not sent, so that no rule compares with it.
        shock: a jump in staff (staff group or '' for all, share) that starts in the month and stays.
        suits: whether a provider can carry it.
        mend: whether a sound second version can be made of it.
    """

    collection: str
    rules: tuple[str, ...]
    spoil: Callable[[Case], None] = spoil.none
    send: str = ""
    ending: str = "csv"
    month: int = -2
    gap: bool = False
    shock: tuple[str, float] | None = None
    suits: Callable[[World, Tables, Organisation, str], bool] | None = None
    mend: bool = True


@dataclass(frozen=True)
class Placed:
    """A plant with its provider's code and its month."""

    plant: Plant
    code: str
    period: str


def _has_predecessor(world: World, reference: Tables, org: Organisation, period: str) -> bool:
    return bool(spoil.predecessors(reference, org.code, period))


def _has_large_roster(world: World, reference: Tables, org: Organisation, period: str) -> bool:
    """Whether its hours can exceed its staff while every ward stays inside the usual care hours."""
    return spoil.most_hours(world, org, period)[1] > 1.2


def _has_big_hotel_services(world: World, reference: Tables, org: Organisation, period: str) -> bool:
    return org.size > 2000


WF, ER, PP = COLLECTIONS
PLANTS = (
    # Those that only some providers can carry come first.
    Plant(WF, ("STR04",), spoil.closed_trust, suits=_has_predecessor),
    Plant(WF, ("WF-R7",), spoil.group_jump, shock=("hotel_property_estates", 0.35), suits=_has_big_hotel_services, mend=False),
    Plant(WF, ("WF-R7",), spoil.trust_jump, shock=("", 0.08), mend=False),
    Plant(WF, ("WF-R1", "WF-R3", "WF-R4", "WF-R5"), spoil.workforce_rows),
    Plant(WF, ("WF-R2",), spoil.low_ratio, month=-1, gap=True),
    Plant(WF, ("WF-R5",), spoil.availability),
    Plant(WF, ("WF-R6",), spoil.unexplained_joiners),
    Plant(WF, ("WF-R8",), spoil.much_sickness),
    Plant(WF, ("STR01",), spoil.old_template),
    Plant(WF, ("VAL-READ-AS",), spoil.thousands_commas, mend=False),
    Plant(WF, ("STR03",), spoil.repeated_key),
    Plant(WF, ("STR04",), spoil.other_trust),
    Plant(WF, ("STR04",), spoil.unknown_trust),
    Plant(WF, ("STR05", "FLOOR"), spoil.missing_group),
    Plant(WF, ("STR06",), spoil.words_for_numbers),
    Plant(WF, ("VAL-MISSING",), spoil.word_that_must_be_a_number),
    Plant(WF, ("VAL-LIST", "STR05"), spoil.unknown_group),
    Plant(WF, ("SUB01",), send="late", mend=False),
    Plant(WF, ("SUB02",), send="closed", mend=False),
    Plant(WF, ("SUB03",), send="again", mend=False),
    Plant(WF, ("SUB03", "FIL-PERIOD"), send="copy"),
    Plant(WF, ("",), send="missing", mend=False),
    Plant(WF, ("STR05", "FLOOR"), spoil.missing_group, send="mended", mend=False),
    Plant(WF, ("STR05", "FLOOR"), spoil.missing_group, send="worse", mend=False),
    Plant(WF, ("STR02",), spoil.open_quote),
    Plant(ER, ("STR02",), spoil.ragged_row),
    Plant(WF, ("STR03",), spoil.repeated_key, ending="xlsx"),
    Plant(WF, ("ROW-ASIDE",), spoil.total_and_notes, mend=False),
    Plant(WF, ("FIL-KIND",), spoil.random_bytes),
    Plant(WF, ("FIL-DAMAGED",), spoil.cut_off_workbook, ending="xlsx"),
    Plant(WF, ("FIL-EMPTY",), spoil.empty_file),
    Plant(WF, ("FIL-READ-AS",), spoil.workbook_named_csv),
    Plant(ER, ("ER-R7",), spoil.too_many_hours, suits=_has_large_roster),
    Plant(ER, ("ER-R1", "ER-R2", "ER-R3", "ER-R4", "ER-R5"), spoil.roster_rows),
    Plant(ER, ("ER-R6",), spoil.patient_jump),
    Plant(ER, ("ER-R1",), spoil.no_patients),
    Plant(ER, ("ER-R2",), spoil.wrong_chppd),
    Plant(ER, ("ER-R3",), spoil.high_chppd),
    Plant(ER, ("ER-R4",), spoil.overfilled),
    Plant(ER, ("ER-R5",), spoil.too_much_bank),
    Plant(ER, ("STR01",), spoil.old_template),
    Plant(ER, ("VAL-READ-AS",), spoil.thousands_commas, mend=False),
    Plant(ER, ("STR03",), spoil.repeated_key),
    Plant(ER, ("STR04",), spoil.other_trust),
    Plant(ER, ("STR05",), spoil.missing_ward),
    Plant(ER, ("STR06",), spoil.words_for_numbers),
    Plant(ER, ("SUB01",), send="late", mend=False),
    Plant(ER, ("SUB02",), send="closed", mend=False),
    Plant(ER, ("SUB03",), send="again", mend=False),
    Plant(ER, ("",), send="missing", mend=False),
    Plant(PP, ("PP-R1", "PP-R2", "PP-R5"), spoil.price_rows),
    Plant(PP, ("PP-R3",), spoil.pack_for_unit),
    Plant(PP, ("PP-R4",), spoil.subset),
    Plant(PP, ("PP-R1",), spoil.wrong_value),
    Plant(PP, ("PP-R2",), spoil.negative_order),
    Plant(PP, ("PP-R5",), spoil.wrong_gtin),
    Plant(PP, ("STR01",), spoil.old_template),
    Plant(PP, ("FIL-READ-AS",), spoil.windows_1252),
    Plant(PP, ("STR02",), spoil.open_quote),
    Plant(PP, ("STR03",), spoil.repeated_key),
    Plant(PP, ("STR04",), spoil.other_trust),
    Plant(PP, ("VAL-LIST", "PP-DATE"), spoil.odd_lines),
    Plant(PP, ("",), spoil.formula_like, mend=False),
    Plant(PP, ("SUB01",), send="late", mend=False),
    Plant(PP, ("SUB02",), send="closed", mend=False),
    Plant(PP, ("SUB03",), send="again", mend=False),
    Plant(PP, ("",), send="missing", mend=False),
)  # fmt: skip


def place(world: World, reference: Tables) -> tuple[World, tuple[Placed, ...]]:
    """Gives every plant a provider and a month.

    A provider carries one plant a collection; when providers run out, plants go to a month three earlier.
    The month before and after a plant stay clean, so that rules between months find nothing but what is meant.

    Returns:
        The world with the jumps in staff, and the placed plants.
    """
    taken: dict[tuple[str, str], set[int]] = {}
    placed = []
    for plant in PLANTS:
        found = _find(world, reference, plant, taken)
        if found is None:
            continue  # a small sample has no place for it
        org, month = found
        taken.setdefault((plant.collection, org.code), set()).update({month, month - 1} if plant.gap else {month})
        placed.append(Placed(plant, org.code, world.periods[month]))
        if plant.shock:
            jump = (month, *plant.shock)
            world = replace(world, shocks={**world.shocks, org.code: (*world.shocks.get(org.code, ()), jump)}, memo={})
    return world, tuple(placed)


def _find(
    world: World, reference: Tables, plant: Plant, taken: dict[tuple[str, str], set[int]]
) -> tuple[Organisation, int] | None:
    orders = world.once(("order", plant.collection), lambda: _order(world, plant.collection))
    last = len(world.periods) + plant.month
    for month in range(last, 0, -3):
        # Rules over three months back need months to look back to.
        if month < (4 if plant.rules == ("PP-R4",) else 2 if plant.gap else 1):
            break
        for org in orders:
            own = taken.get((plant.collection, org.code), set())
            near = {month - 2, month - 1, month, month + 1, month + 2}
            # A roster is compared with the workforce return of its month, which must stand.
            other = taken.get((WF, org.code), set()) if plant.collection == ER else set()
            if own & near or (month in other and plant.rules == ("ER-R7",)):
                continue
            if plant.suits is None or plant.suits(world, reference, org, world.periods[month]):
                return org, month
    return None


def _order(world: World, collection: str) -> list[Organisation]:
    """The providers in an order of the collection's own, so that one trust does not carry everything."""
    orgs = [org for org in world.organisations if org.periods == world.periods]
    world.rng("plants", collection).shuffle(orgs)
    return orgs


OURS = ("FIL-", "ROW-", "FLOO", "VAL-", "PP-D")  # rules that the brief does not number


def every_rule() -> set[str]:
    """The rules of the brief that a full sample breaks (national files included)."""
    estates = {f"ES-R{n}" for n in range(1, 9)}
    return {rule for plant in PLANTS for rule in plant.rules if rule and rule[:4] not in OURS} | estates

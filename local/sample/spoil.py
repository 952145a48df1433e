"""How a clean return is spoiled: one function a fault, which changes cells or bytes and notes where the fault then stands."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from trust_benchmarks.reference.tables import Tables

from . import e_rostering, estates, workforce
from .tables import SHEET, Table, to_csv, to_xlsx
from .world import Organisation, World, last_day


@dataclass(frozen=True)
class Mark:
    """One planted fault: the rule it breaks and where it stands (empty for a fault of the whole submission)."""

    rule: str
    line: int | None = None
    column: str = ""
    note: str = ""


@dataclass
class Case:
    """One file that is being spoiled.

    Attributes:
        table: its cells; `content` replaces the bytes made from them.
        code: the trust code under which it is sent (in the name).
    """

    world: World
    reference: Tables
    organisation: Organisation | None  # None for a national file
    period: str
    table: Table
    ending: str = "csv"
    code: str = ""
    content: bytes | None = None
    marks: list[Mark] = field(default_factory=list)

    def mark(self, rule: str, line: int | None = None, column: str = "", note: str = "") -> None:
        """Notes a fault."""
        self.marks.append(Mark(rule, line, column, note))

    def bytes(self) -> bytes:
        """The file as it is sent."""
        if self.content is not None:
            return self.content
        return to_xlsx(self.table) if self.ending == "xlsx" else to_csv(self.table)

    @property
    def org(self) -> Organisation:
        """The trust whose return it is."""
        assert self.organisation is not None, "A national file is no trust's."
        return self.organisation

    @property
    def sheet(self) -> str:
        """The sheet that its marks stand on."""
        return SHEET if self.ending == "xlsx" else ""


def _join(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8")


def _text_lines(case: Case) -> list[str]:
    return to_csv(case.table).decode("utf-8").splitlines()


# --- the file as a whole -------------------------------------------------------------------------------------------


def old_template(case: Case) -> None:
    """A heading of an older template, so that one column is missing and another is not known."""
    was, now = case.table.columns[-1], f"old_{case.table.columns[-1]}"
    case.table.columns[-1] = now
    case.mark("STR01", 1, "", f"{was} is missing, {now} is not known")


def random_bytes(case: Case) -> None:
    """Noise under the name of a CSV file."""
    case.content = case.world.rng("noise", case.code, case.period).bytes(4096)
    case.mark("FIL-KIND", note="4096 random bytes named .csv")


def cut_off_workbook(case: Case) -> None:
    """A workbook that lost its second half on the way."""
    whole = to_xlsx(case.table)
    case.content = whole[: len(whole) // 2]
    case.mark("FIL-DAMAGED", note="a workbook cut off in the middle")


def empty_file(case: Case) -> None:
    """No bytes at all."""
    case.content = b""
    case.mark("FIL-EMPTY", note="an empty file")


def workbook_named_csv(case: Case) -> None:
    """A sound workbook with the wrong ending, which is read for what it is."""
    case.content = to_xlsx(case.table)
    case.mark("FIL-READ-AS", 1, "", "a workbook named .csv")


def windows_1252(case: Case) -> None:
    """Text saved in the old Windows encoding; only its one accented letter shows it. It is read and noted."""
    line = 3
    case.table.put(line, description=case.table.get(line, "description").replace("sample", "échantillon"))
    case.content = to_csv(case.table).decode("utf-8").encode("cp1252")
    case.mark("FIL-READ-AS", 1, "", "Windows-1252 where UTF-8 is usual")


def open_quote(case: Case) -> None:
    """A quotation mark that nobody closes."""
    lines = _text_lines(case)
    at = len(lines) // 2
    cells = lines[at].split(",")
    cells[2] = '"' + cells[2]
    lines[at] = ",".join(cells)
    case.content = _join(lines)
    case.mark("STR02", at + 1, "", "a quotation mark that is not closed")


def ragged_row(case: Case) -> None:
    """One row with a cell too many."""
    lines = _text_lines(case)
    lines[2] += ",surplus"
    case.content = _join(lines)
    case.mark("STR02", 3, "", "a row with one cell more than the header")


def thousands_commas(case: Case) -> None:
    """A number written with thousands separators, in quotes: read, and noted."""
    line = 3
    column = "substantive_pay_gbp" if "substantive_pay_gbp" in case.table.columns else "ward_pay_gbp"
    case.table.put(line, **{column: f"{case.table.number(line, column):,.2f}"})
    case.mark("VAL-READ-AS", line, column, "a thousands separator inside a number")


KEY_COLUMN = {
    "staff_group": "staff_group",
    "ward_id": "ward_id",
    "po_line": "line_type",
}  # where a repeated key is told


def repeated_key(case: Case) -> None:
    """The second row once more at the end; both rows are told."""
    case.table.rows.append(list(case.table.rows[1]))
    column = next(told for key, told in KEY_COLUMN.items() if key in case.table.columns)
    last = len(case.table.rows) + 1
    case.mark("STR03", 3, column, f"the key that comes again on line {last}")
    case.mark("STR03", last, column, "the key of line 3 once more")


def other_trust(case: Case) -> None:
    """One row carries another trust's code."""
    others = [org.code for org in case.world.organisations if org.code != case.org.code]
    case.table.put(4, ods_code=others[0])
    case.mark("STR04", 4, "ods_code", f"the code of another trust ({others[0]})")


def closed_trust(case: Case) -> None:
    """The whole return under the code of a predecessor that has closed."""
    code = predecessors(case.reference, case.org.code, case.period)[0]
    _recode(case, code, f"{code} closed before the month; its successor is {case.org.code}")


def unknown_trust(case: Case) -> None:
    """The whole return under a code that no trust has."""
    _recode(case, "ZZ9", "no trust has the code ZZ9")


def predecessors(reference: Tables, code: str, period: str) -> list[str]:
    """Codes of trusts that closed before the end of a month and live on in `code` alone."""
    day = last_day(period)
    return [
        trust.code
        for trust in reference.cohort
        if trust.code != code
        and not reference.is_open(trust.code, day)
        and list(reference.final_successors(trust.code)) == [code]
    ]


def _recode(case: Case, code: str, note: str) -> None:
    case.code = code
    for line in range(2, len(case.table.rows) + 2):
        case.table.put(line, ods_code=code)
    case.mark("STR04", note=note)


def missing_group(case: Case) -> None:
    """The last staff group is not there."""
    group = case.table.rows.pop()[case.table.columns.index("staff_group")]
    case.mark("STR05", note=f"no row for {group}")
    case.mark("FLOOR", note="nine rows where ten are the least")


def words_for_numbers(case: Case) -> None:
    """Words in cells that may be empty."""
    columns = ("bank_fte", "agency_fte") if "bank_fte" in case.table.columns else ("bank_hours", "agency_hours")
    case.table.put(3, **{columns[0]: "Not Applicable"})
    case.table.put(4, **{columns[1]: "N/A"})
    case.mark("STR06", 3, columns[0], "words in a number cell that may be empty")
    case.mark("STR06", 4, columns[1], "words in a number cell that may be empty")


def word_that_must_be_a_number(case: Case) -> None:
    """A word in a cell that must hold a number."""
    case.table.put(5, joiners_hc="N/A")
    case.mark("VAL-MISSING", 5, "joiners_hc", "a word where a number must stand")


def unknown_group(case: Case) -> None:
    """A staff group that is not on the list, so that one of the list is missing."""
    line = case.table.lines(staff_group="central_functions")[0]
    case.table.put(line, staff_group="admin_and_clerical")
    case.mark("VAL-LIST", line, "staff_group", "not one of the ten staff groups")
    case.mark("STR05", note="no row for central_functions")


def total_and_notes(case: Case) -> None:
    """A totals row and notes under the table, which are no data."""
    columns = case.table.columns
    sums = ["Total" if n == 0 else "" for n in range(len(columns))]
    sums[columns.index("headcount")] = str(int(case.table.total("headcount")))
    sums[columns.index("fte")] = f"{case.table.total('fte'):.2f}"
    lines = _text_lines(case)
    case.content = _join([*lines, ",".join(sums), "", "Note: figures as at the last day of the month"])
    case.mark("ROW-ASIDE", len(lines) + 1, "", "a totals row and a note under the table: set aside, nothing wrong")


def formula_like(case: Case) -> None:
    """Text that a spreadsheet would run."""
    case.table.put(5, description='=HYPERLINK("http://example.invalid","sample")')
    case.mark("", 5, "description", "text that looks like a formula: kept as text, nothing wrong")


# --- workforce -----------------------------------------------------------------------------------------------------


def _days(case: Case, line: int, fte: float) -> dict[str, float]:
    """FTE and the availability that goes with it, so that no other rule breaks."""
    days = last_day(case.period).day
    return {"fte": float(fte), "fte_days_available": round(fte * days * 0.99, 2)}


def workforce_rows(case: Case) -> None:
    """Four rows of one return, each against another rule."""
    table = case.table
    line = table.lines(staff_group="other")[0]
    table.put(line, **_days(case, line, round(table.number(line, "headcount") * 1.25, 2)))
    case.mark("WF-R1", line, "fte", "FTE is 1.25 times the headcount")
    line = table.lines(staff_group="managers")[0]
    table.put(line, role_count=int(table.number(line, "headcount")) - 3)
    case.mark("WF-R3", line, "role_count", "three roles fewer than people")
    line = table.lines(staff_group="senior_managers")[0]
    table.put(line, fte_days_lost=round(table.number(line, "fte_days_available") * 1.1, 2))
    case.mark("WF-R4", line, "fte_days_lost", "more days lost than available")
    line = table.lines(staff_group="central_functions")[0]
    table.put(line, fte_days_available=round(table.number(line, "fte_days_available") * 0.8, 2))
    case.mark("WF-R5", line, "fte_days_available", "a fifth of the days is missing")


def availability(case: Case) -> None:
    """Availability of one group for a shorter month."""
    line = case.table.lines(staff_group="scientific_therapeutic_technical")[0]
    case.table.put(line, fte_days_available=round(case.table.number(line, "fte_days_available") * 0.9, 2))
    case.mark("WF-R5", line, "fte_days_available", "a tenth of the days is missing")


def low_ratio(case: Case) -> None:
    """FTE far too low for the people, in every group."""
    for line in range(2, len(case.table.rows) + 2):
        available = case.table.number(line, "fte_days_available") * 0.7
        fte = round(case.table.number(line, "fte") * 0.7, 2)
        case.table.put(
            line,
            fte=fte,
            fte_days_available=round(available, 2),
            fte_days_lost=round(case.table.number(line, "fte_days_lost") * 0.7, 2),
        )
    case.mark("WF-R2", note="FTE per head is about 0.61")


def unexplained_joiners(case: Case) -> None:
    """Joiners that the headcount does not show."""
    line = case.table.lines(staff_group="nurses_health_visitors")[0]
    people = case.table.number(line, "headcount")
    more = math.ceil(max(30, people * 0.06))
    case.table.put(line, joiners_hc=int(case.table.number(line, "joiners_hc")) + more)
    case.mark("WF-R6", line, "headcount", f"{more} joiners more than the headcount shows")


def group_jump(case: Case) -> None:
    """One staff group grows by a third in the month (the figures carry on from there)."""
    line = case.table.lines(staff_group="hotel_property_estates")[0]
    case.mark("WF-R7", line, "fte", "a staff group grows by more than 15 percent and 20 FTE")


def trust_jump(case: Case) -> None:
    """Every staff group grows by eight percent in the month (the figures carry on from there)."""
    case.mark("WF-R7", note="the trust grows by more than 5 percent, no group by 15")


def much_sickness(case: Case) -> None:
    """Sickness of three times the usual."""
    for line in range(2, len(case.table.rows) + 2):
        case.table.put(line, fte_days_lost=round(case.table.number(line, "fte_days_available") * 0.151, 2))
    case.mark("WF-R8", note="a sickness rate of 15 percent")


# --- e-rostering ---------------------------------------------------------------------------------------------------


def _ward(case: Case, rank: int) -> int:
    """The line of the ward with the fewest patient days (rank 0), the next one (1), and so on."""
    lines = sorted(range(2, len(case.table.rows) + 2), key=lambda line: case.table.number(line, "patient_days"))
    return lines[rank]


def roster_rows(case: Case) -> None:
    """Five wards of one return, each against another rule."""
    for rank, spoil in enumerate((high_chppd, no_patients, wrong_chppd, overfilled, too_much_bank)):
        spoil(case, rank)


def missing_ward(case: Case) -> None:
    """An open ward of last month is left out."""
    gone = case.table.rows.pop(_ward(case, 0) - 2)
    case.mark("STR05", note=f"ward {gone[case.table.columns.index('ward_id')]} of last month is not in the return")


def no_patients(case: Case, rank: int = 1) -> None:
    """Hours on a ward without patients."""
    line = _ward(case, rank)
    case.table.put(line, patient_days="0", chppd_submitted="")
    case.mark("ER-R1", line, "patient_days", "hours without patient days")


def wrong_chppd(case: Case, rank: int = 2) -> None:
    """Care hours that the hours and patient days do not make."""
    line = _ward(case, rank)
    case.table.put(line, chppd_submitted=round(case.table.number(line, "chppd_submitted") + 0.6, 2))
    case.mark("ER-R2", line, "chppd_submitted", "0.6 above the recomputed figure")


def high_chppd(case: Case, rank: int = 0) -> None:
    """Planned and actual hours of several wards on the smallest one."""
    line = _ward(case, rank)
    _grow(case.table, line, 36 / case.table.number(line, "chppd_submitted"))
    case.mark("ER-R3", line, "chppd_submitted", "36 care hours a patient day")


def overfilled(case: Case, rank: int = 3) -> None:
    """Planned hours of one week for worked hours of a month."""
    line = _ward(case, rank)
    for shift in e_rostering.SHIFTS:
        planned = case.table.number(line, f"{shift}_planned_h")
        case.table.put(line, **{f"{shift}_planned_h": round(planned / 4, 2)})
    case.mark("ER-R4", line, "reg_day_actual_h", "four times the planned hours")


def too_much_bank(case: Case, rank: int = 4) -> None:
    """More bank hours than hours."""
    line = _ward(case, rank)
    case.table.put(line, bank_hours=round(e_rostering.actual_hours(case.table, line) * 1.2, 2))
    case.mark("ER-R5", line, "bank_hours", "bank hours exceed all hours")


def _grow(table: Table, line: int, factor: float) -> None:
    """Planned and actual hours of a ward times a factor, with the care hours that follow."""
    for column in table.columns:
        if column.endswith("_h") or column in ("contracted_hours", "ward_pay_gbp"):
            table.put(line, **{column: round(table.number(line, column) * factor, 2)})
    hours = e_rostering.actual_hours(table, line)
    table.put(line, chppd_submitted=round(hours / table.number(line, "patient_days"), 2))


def patient_jump(case: Case) -> None:
    """Half as many patients again on one ward, with the hours that go with them."""
    line, before = _ward(case, 0), e_rostering.tables(case.world, case.org)[_before(case)]
    factor = 1.5 * before.number(line, "patient_days") / case.table.number(line, "patient_days")
    case.table.put(line, patient_days=str(round(case.table.number(line, "patient_days") * factor)))
    for column in ("bank_hours", "agency_hours"):
        case.table.put(line, **{column: round(case.table.number(line, column) * factor, 2)})
    _grow(case.table, line, factor)
    case.mark("ER-R6", line, "patient_days", "half as many patient days again as last month")


def most_hours(world: World, org: Organisation, period: str) -> tuple[Table, float]:
    """The roster with as many hours on every ward as the usual bounds allow, and its FTE over the workforce return's."""
    table = e_rostering.tables(world, org)[period].copy()
    for line in range(2, len(table.rows) + 2):
        largest = max(table.number(line, f"{s}_{kind}_h") for s in e_rostering.SHIFTS for kind in ("planned", "actual"))
        factor = min(28.5 / table.number(line, "chppd_submitted"), 5900 / largest)
        _grow(table, line, factor)
    nursing = workforce.nursing_fte(workforce.tables(world, org)[period])
    return table, e_rostering.substantive_fte(table) / nursing


def too_many_hours(case: Case) -> None:
    """More nursing hours on the rosters than the trust has nurses, over all wards."""
    case.table, share = most_hours(case.world, case.org, case.period)
    case.mark("ER-R7", note=f"roster FTE is {share:.2f} times the nursing and support FTE of the workforce return")


def _before(case: Case) -> str:
    return case.world.periods[case.world.periods.index(case.period) - 1]


# --- procurement prices --------------------------------------------------------------------------------------------


def _orders(case: Case, **where: str) -> list[int]:
    """Lines of ordinary orders."""
    return case.table.lines(line_type="order", **where)


def price_rows(case: Case) -> None:
    """Three lines of one return, each against another rule."""
    wrong_value(case, 0)
    negative_order(case, 5)
    wrong_gtin(case)


def wrong_value(case: Case, at: int = 2) -> None:
    """A value ten percent off."""
    line = _orders(case)[at]
    case.table.put(line, line_value_gbp=round(case.table.number(line, "line_value_gbp") * 1.1 + 1, 2))
    case.mark("PP-R1", line, "line_value_gbp", "ten percent above quantity times price")


def negative_order(case: Case, at: int = 3) -> None:
    """A negative quantity on an order."""
    line = _orders(case)[at]
    for column in ("quantity", "line_value_gbp"):
        case.table.put(line, **{column: "-" + case.table.get(line, column)})
    case.mark("PP-R2", line, "quantity", "a negative quantity on an order")


def wrong_gtin(case: Case) -> None:
    """Two digits of a barcode changed places with another."""
    line = _orders(case, code_type="gtin")[8]
    code = case.table.get(line, "product_code")
    case.table.put(line, product_code=code[:-1] + str((int(code[-1]) + 3) % 10))
    case.mark("PP-R5", line, "product_code", "a wrong check digit")


def odd_lines(case: Case) -> None:
    """A unit that is not on the list, and an order of another month."""
    unit, late = _orders(case)[1], _orders(case)[4]
    case.table.put(unit, unit_of_issue="bucket")
    case.mark("VAL-LIST", unit, "unit_of_issue", "not one of the units of issue")
    case.table.put(late, order_date="2024-12-24")
    case.mark("PP-DATE", late, "order_date", "a day outside the month")


def pack_for_unit(case: Case) -> None:
    """The price of a whole pack, entered with one unit an issue."""
    line = next(n for n in _orders(case, code_type="gtin") if case.table.number(n, "units_per_issue") >= 20)
    case.table.put(line, units_per_issue="1")
    case.mark("PP-R3", line, "unit_price_gbp", "the price of a pack with one base unit in it")


def subset(case: Case) -> None:
    """A quarter of the lines only."""
    keep = len(case.table.rows) // 4
    case.table.rows = case.table.rows[:keep]
    case.mark("PP-R4", note="a quarter of the usual lines")


# --- national files ------------------------------------------------------------------------------------------------


def _trust_line(case: Case, code: str) -> int:
    return case.table.lines(level="trust", ods_code=code)[0]


def estates_rows(case: Case) -> None:
    """One fault in each of several trusts; the site is the last of its trust, so small that no total moves."""
    codes = [org.code for org in case.world.organisations]
    faults = (_es1, _es2, _es3, _es4, _es5, _es6, _es7, _es8, _es_words)
    count = min(len(faults), len(codes))
    for n, spoil in enumerate(faults[:count]):
        spoil(case, _trust_line(case, codes[n * len(codes) // count]))


def _es1(case: Case, trust: int) -> None:
    line, gia = trust - 1, case.table.number(trust - 1, "gia_m2")
    # Clinical and non-clinical fill the gross area, so that only the occupied area is too large.
    case.table.put(
        line, occupied_m2=f"{gia * 1.006:.1f}", clinical_m2=f"{gia * 0.7:.1f}", non_clinical_m2=f"{gia * 0.299:.1f}"
    )
    case.mark("ES-R1", line, "occupied_m2", "more occupied than gross area")


def _es2(case: Case, trust: int) -> None:
    line = trust - 1
    case.table.put(line, clinical_m2=f"{case.table.number(line, 'clinical_m2') * 0.85:.1f}")
    case.mark("ES-R2", line, "clinical_m2", "clinical and non-clinical fall short of occupied")


def _es3(case: Case, trust: int) -> None:
    line, gia = trust - 1, case.table.number(trust - 1, "gia_m2")
    case.table.put(line, occupied_m2=f"{gia:.1f}", clinical_m2=f"{gia * 0.7:.1f}", non_clinical_m2=f"{gia * 0.307:.1f}")
    case.mark("ES-R3", line, "clinical_m2", "clinical and non-clinical exceed the gross area")


def _es4(case: Case, trust: int) -> None:
    line = trust - 1
    case.table.put(line, backlog_total_gbp=case.table.number(line, "backlog_total_gbp") + 25.0)
    case.mark("ES-R4", line, "backlog_total_gbp", "25 GBP above the four bands")


def _es5(case: Case, trust: int) -> None:
    case.table.put(trust - 1, age_profile_total_pct="96.0")
    case.mark("ES-R5", trust - 1, "age_profile_total_pct", "age bands sum to 96")


def _es6(case: Case, trust: int) -> None:
    case.table.put(trust, gia_m2=f"{case.table.number(trust, 'gia_m2') * 1.03:.1f}")
    case.mark("ES-R6", trust, "gia_m2", "three percent above the sum of the sites")


def _scale(case: Case, trust: int, columns: Iterable[str], factor: float) -> None:
    """The same factor on columns of all rows of a trust, so that totals stay sums."""
    code = case.table.get(trust, "ods_code")
    for line in case.table.lines(ods_code=code):
        for column in columns:
            places = 1 if column.endswith(("_m2", "_kwh")) else 0 if column == "meal_days" else 2
            if case.table.get(line, column):
                case.table.put(line, **{column: f"{case.table.number(line, column) * factor:.{places}f}"})
        bands = sum(case.table.number(line, band) for band in estates.BACKLOG)
        case.table.put(line, backlog_total_gbp=bands)


def _es7(case: Case, trust: int) -> None:
    _scale(case, trust, ("energy_gbp",), 2.6)
    case.mark("ES-R7", note=f"energy cost of {case.table.get(trust, 'ods_code')} is 2.6 times the usual")


def _es8(case: Case, trust: int) -> None:
    _scale(case, trust, estates.SUMMED, 1.2)
    case.mark("ES-R8", note=f"areas and costs of {case.table.get(trust, 'ods_code')} are a fifth above last year's")


def _es_words(case: Case, trust: int) -> None:
    case.table.put(trust - 1, food_gbp="Not Applicable", meal_days="Not Applicable")
    case.mark("STR06", trust - 1, "food_gbp", "words in a number cell")
    case.mark("STR06", trust - 1, "meal_days", "words in a number cell")


def sickness_rows(case: Case) -> None:
    """What a spreadsheet leaves where a reference broke."""
    case.table.put(22, FTE_DAYS_LOST="#REF!")
    case.mark("VAL-DAMAGED", 22, "FTE_DAYS_LOST", "an error of a spreadsheet")


def tariff_rows(case: Case) -> None:
    """A price that is no number."""
    case.table.put(12, basic_price="see note")
    case.mark("VAL-TYPE", 12, "basic_price", "no number")


def none(case: Case) -> None:
    """Nothing is wrong with the content."""

"""Each provider of a national file answers for its own rows; one that must be in it and is not is missed, in its row and in coverage."""

import flow
import pytest
from trust_benchmarks.stewardship.decisions import Draft
from trust_benchmarks.stewardship.preview import preview

COLLECTION = "sickness_absence"
STATUS = """SELECT coverage, providers_expected, providers_missing, received, accepted, missing FROM published.data_status
            WHERE collection = %s AND period = %s"""


def changed(text: str) -> str:
    """RA9 is left out, RHA's days are no number, and RP7's rate is unusual; RQY's row is marked as it was."""
    lines = []
    for line in text.splitlines():
        cells = line.split(",")
        if "RA9" in cells:
            continue
        if "RHA" in cells:
            cells[-3] = "plenty"
        if "RP7" in cells:
            cells[-1], cells[-3] = "40.00", f"{0.4 * float(cells[-2]):.5f}"
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", autouse=True)
def published(shared_world, shared_data):
    """A month as published, and the month after it with three trusts in trouble."""
    for month, change in (("2024-04", str), ("2024-05", changed)):
        source = shared_data / f"workforce/sickness_absence_{month}.csv"
        flow.put(f"{COLLECTION}/{source.name}", change(source.read_text(encoding="utf-8")).encode())
    flow.take_in()
    flow.release()


def flags(period: str) -> dict[str, tuple]:
    rows = flow.rows(
        "SELECT provider_code, quality_flag, value FROM published.measures WHERE collection = %s AND period = %s AND metric_id = 'WF04'",
        [COLLECTION, period],
    )
    return {code: (flag, value is None) for code, flag, value in rows}


def test_a_sound_month_is_whole():
    assert flow.rows(STATUS, [COLLECTION, "2024-04"]) == [(1.0, 229, 0, 1, 1, 0)]
    assert set(flags("2024-04").values()) == {("A", False)}


def test_a_faulty_row_flags_its_trust_and_a_missing_one_is_d():
    found = flags("2024-05")
    assert found.keys() == flags("2024-04").keys()
    assert (found["RA9"], found["RHA"], found["RP7"]) == (("D", True), ("D", True), ("B", False))
    others = {code: flag for code, flag in found.items() if code not in ("RA9", "RHA", "RP7")}
    assert set(others.values()) == {("A", False)}


def test_coverage_counts_trusts_now_and_as_at():
    ((coverage, expected, missing, *files),) = flow.rows(STATUS, [COLLECTION, "2024-05"])
    assert (expected, missing, files) == (229, 2, [1, 1, 0]) and coverage == pytest.approx(227 / 229)
    assert flow.rows("SELECT * FROM published.data_status_as_at(now()) ORDER BY collection, period") == flow.rows(
        "SELECT * FROM published.data_status ORDER BY collection, period"
    )


def test_nobody_is_missed_who_closed_or_whose_code_is_no_providers():
    expected = {
        code for (code,) in flow.rows("SELECT provider_code FROM core.expected_provider WHERE period = '2024-05'")
    }
    assert expected == {code for code in flags("2024-04")}
    assert "R1C" in expected and "0AR" not in expected, "R1C closed in September"


def test_a_year_of_which_the_part_with_the_figures_never_came_is_covered_by_nobody(shared_data):
    source = shared_data / "estates_eric/eric_2015-16_trust.csv"
    flow.put(f"estates/{source.name}", source.read_bytes())
    flow.take_in()
    flow.release()
    ((coverage, expected, missing, *_),) = flow.rows(STATUS, ["estates", "2015-16"])
    assert coverage == 0 and expected == missing > 200


def test_a_held_file_covers_nobody_and_a_preview_says_whom_accepting_it_would_leave_out(shared_data):
    source = shared_data / f"workforce/{COLLECTION}_2024-06.csv"
    lines, spoilt = source.read_text(encoding="utf-8").splitlines(), []
    for number, line in enumerate(lines):
        cells = line.split(",")
        if len(spoilt) < 12 and len(cells) > 7 and cells[5].startswith("RX"):
            spoilt.append(cells[5])
            cells[-3] = "plenty"
            lines[number] = ",".join(cells)
    flow.put(f"{COLLECTION}/{source.name}", ("\n".join(lines) + "\n").encode())
    flow.take_in()
    flow.release()
    ((held, state),) = flow.rows("SELECT submission_id, state FROM intake.submissions WHERE period = '2024-06'")
    assert state == "held"
    assert flow.rows(STATUS, [COLLECTION, "2024-06"]) == [(0.0, 229, 229, 1, 0, 0)]
    rows, trusts, figures = preview(Draft("accept", held, "The publisher puts the rest right next month.")).missing
    assert rows.startswith("12 of 285 rows would be left out: line ") and rows.endswith("; and 2 more.")
    assert spoilt[0] in rows
    assert trusts == f"12 trusts would have no rows at all: {'; '.join(sorted(spoilt)[:10])}; and 2 more."
    assert figures.startswith("12 figures would not be shown: WF04 ")

"""Headings are the same across case, blanks, hyphens and signs that cannot be seen; near misses are asked about."""

import pytest
from made_files import as_book, as_text, assert_held, assert_same, outcome, rows_of
from trust_benchmarks import catalogue
from trust_benchmarks.catalogue import layouts
from trust_benchmarks.catalogue.layouts import heading_key
from trust_benchmarks.reading.match_layout import wanted

SOME = ["workforce", "procurement_prices", "sickness_absence", "medicines_pharmacy", "estates"]
SPELLINGS = {
    "upper case": lambda h: h.upper() if h.upper() != h else h.lower(),
    "title": lambda h: h.replace("_", " ").title(),
    "blanks": lambda h: h.replace("_", " "),
    "no-break blanks": lambda h: h.replace("_", "\u00a0"),
    "hyphens": lambda h: h.replace("_", "-"),
    "no-break hyphens": lambda h: h.replace("_", "\u2011"),
    "zero width": lambda h: h[:2] + "\u200b" + h[2:],
    "joined": lambda h: h.replace("_", ""),
    "two lines": lambda h: h.replace("_", "\n", 1),
}


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_is_read_and_noted_once(collection, spelling):
    rows = rows_of(collection)
    rows[0] = [SPELLINGS[spelling](heading) for heading in rows[0]]
    for sent in (as_text(rows), as_book({"A": rows})) if collection != "sickness_absence" else (as_text(rows),):
        found = outcome(collection, sent, ".csv" if sent[:2] != b"PK" else ".xlsx")
        assert_same(collection, found, "spelt in another way")
        assert found.findings["rule_id"].to_list() == ["STR-HEADING"]


@pytest.mark.parametrize("collection", SOME)
def test_blanks_around_headings_need_no_note(collection):
    rows = rows_of(collection)
    rows[0] = [f"  {heading} " for heading in rows[0]]
    assert_same(collection, outcome(collection, as_text(rows)))


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize(
    "change", [lambda h: h[:-1], lambda h: h[:3] + h[4:], lambda h: h + "s", lambda h: h[0] + h[2] + h[1] + h[3:]]
)
def test_a_near_miss_is_asked_about_and_never_taken(collection, change):
    rows = rows_of(collection)
    at = max(range(len(rows[0])), key=lambda i: len(rows[0][i]))
    meant, rows[0][at] = rows[0][at], change(rows[0][at])
    assert_held(outcome(collection, as_text(rows)), "STR01", f"Did you mean '{meant}' by '{rows[0][at]}'?")


@pytest.mark.parametrize("collection", SOME)
def test_something_else_is_not_suggested(collection):
    rows = rows_of(collection)
    rows[0][3] = "zzzzzz"
    found = outcome(collection, as_text(rows))
    assert_held(found, "STR01", "not expected: 'zzzzzz'")
    assert not any("Did you mean" in message for message in found.findings["message"])


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("spell", [str, str.upper, lambda h: h.replace("_", " ")])
def test_a_heading_that_stands_twice_is_refused(collection, spell):
    rows = [[*row, row[4]] for row in rows_of(collection)]
    rows[0][-1] = spell(rows[0][4])
    assert_held(outcome(collection, as_text(rows)), "STR01", f"not expected: '{rows[0][-1]}'")


def test_no_layout_has_two_headings_that_are_the_same():
    for collection in catalogue.all():
        for layout in layouts.load(collection):
            for table in layout.tables:
                must, may = wanted(layout, table)
                keys = [heading_key(heading) for heading in (*must, *may)]
                assert len(keys) == len(set(keys)), layout.name


@pytest.mark.parametrize("collection", SOME)
@pytest.mark.parametrize("times", [1, 3])
def test_headings_repeated_between_the_rows_are_set_aside(collection, times):
    rows = rows_of(collection)
    for _ in range(times):
        rows.insert(2, list(rows[0]))
    note = f"headings stand again on {times} line"
    assert_same(collection, outcome(collection, as_text(rows)), note)
    rows[2] = [heading.upper() + " " for heading in rows[0]]
    assert_same(collection, outcome(collection, as_text(rows)), note)
    rows[2] = [*rows[0], "", ""]
    assert_same(collection, outcome(collection, as_text(rows)), note)
    if collection != "sickness_absence":
        assert_same(collection, outcome(collection, as_book({"A": rows}), ".xlsx"), note)


@pytest.mark.parametrize(
    "collection", ["workforce", "procurement_prices", "medicines_pharmacy", "e_rostering", "finance_oversight"]
)
@pytest.mark.parametrize("label", ["Total", "TOTAL:", "Grand total", "Sub-total", "Subtotal", "Sum", "Totals for RA9"])
@pytest.mark.parametrize("at", [0, 2])
def test_total_rows_are_set_aside(collection, label, at):
    rows = rows_of(collection)
    total = ["" if i < 5 else "9" for i in range(len(rows[0]))]
    total[at] = label
    found = outcome(collection, as_text([*rows, total]))
    assert_same(collection, found, "totals or notes")

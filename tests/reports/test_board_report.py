"""A board report of made-up rows: what it says, that it keeps every number, and that no text is read as markup."""

import csv
import io
import re
from datetime import UTC, date, datetime

import pytest
from trust_benchmarks import reference
from trust_benchmarks.reference import good_practice
from trust_benchmarks.reports import board, documents

HOSTILE = '<script>x</script> #read("/etc/passwd") *b* $x$ @c \\ =1+1 \u202e'
HALF = board.half("2025-04")


def figure(metric_id, value, period="2025-06", **more):
    start = (
        date.fromisoformat(f"{period}-01")
        if len(period) == 7 and int(period[5:]) <= 12
        else date(int(period[:4]), 4, 1)
    )
    row = {
        "collection": "workforce", "metric_id": metric_id, "metric_name": f"Metric {metric_id}", "period": period, "period_start": start,
        "period_end": date(start.year, start.month, 28), "value": value, "unit": "%", "polarity": "lower_better", "peers": 9,
        "lower_quartile": 3.0, "median": 4.123456789012345, "upper_quartile": 6.0, "percentile_rank": 20.0, "quartile": 1,
        "opportunity_gbp": None, "adds_over": None, "quality_flag": "A", "completeness": 1.0, "rows_sent": 10, "rows_used": 10,
        "months_covered": 1, "months_expected": 1, "suppressed": False, "withheld": None, "reason": None,
        "release_id": f"workforce-{period}-0123456789", "published_at": datetime(2025, 8, 1, 6, tzinfo=UTC), "is_sample": False,
    }  # fmt: skip
    return row | more


def made(figures=(), returns=(), actions=(), name="Torbay"):
    return board.make(
        board.Rows("RA9", name, list(figures), list(returns), list(actions)), HALF, datetime(2025, 10, 1, tzinfo=UTC)
    )


FIGURES = [
    figure("WF04", 4.0, "2024-06"),
    figure("WF04", 5.0, "2025-05"),
    figure("WF04", 5.123456789012345, "2025-06"),
    figure(
        "WF05", None, "2025-06", reason="The figure is about several months.", withheld="PARTIAL_MONTHS", quartile=None
    ),
    figure("WF01", 10.0, "2025-06", polarity="neutral", completeness=0.9, rows_used=9),
    figure(
        "ER11", 400.0, "2025-06", unit="GBP", opportunity_gbp=66123.4, adds_over="2025-06", quartile=2, quality_flag="B"
    ),
    figure("ES03", 40.0, "2025-06", quartile=4),
    figure("WF03", 1.0, "2025-10"),
]
RETURNS = [
    {"collection": "workforce", "period": "2025-06", "part": "", "due": datetime(2025, 7, 14, 16, tzinfo=UTC),
     "first_received_at": datetime(2025, 7, 15, 9, tzinfo=UTC), "versions": 2, "state": "accepted"},
    {"collection": "estates", "period": "2024-25", "part": "", "due": None, "first_received_at": None, "versions": 0, "state": "missing"},
]  # fmt: skip
ACTIONS = [
    {"what": "waive", "collection": "workforce", "period": "2025-06", "rule_id": "WF-R2", "words": HOSTILE, "at": datetime(2025, 7, 20, tzinfo=UTC)},
]  # fmt: skip


@pytest.fixture(scope="module")
def report():
    return made(FIGURES, RETURNS, ACTIONS, name=HOSTILE)


def test_a_half_year_begins_in_april_or_october():
    assert (HALF.since, HALF.until, HALF.words) == (date(2025, 4, 1), date(2025, 9, 30), "April to September 2025")
    winter = board.half("2025-10")
    assert (winter.since, winter.until) == (date(2025, 10, 1), date(2026, 3, 31))
    assert [one.name for one in board.halves(date(2026, 2, 3), 3)] == ["2025-10", "2025-04", "2024-10"]
    for wrong in ("2025-05", "2025", "H1", "2025-4", "2025-04-01", ""):
        with pytest.raises(board.NotAHalf, match="Give its first month"):
            board.half(wrong)


def test_it_says_where_the_trust_stands_and_what_that_rests_on(report):
    figures = {row["metric_id"]: row for section in report.sections for row in section["figures"]}
    assert figures.keys() == {"WF04", "WF05", "WF01", "ER11", "ES03"}, "of each the newest of the half-year"
    assert figures["WF04"]["trend"] == "up from 4% a year before, worse" and figures["WF04"]["value"] == "5.12%"
    assert figures["ES03"]["trend"] == "no figure a year before" and figures["WF05"]["value"] == "not shown"
    assert figures["WF01"]["complete"] == "90% complete" and figures["ER11"]["opportunity"] == "£66,100"
    served = {metric.metric_id: metric.carter_rec for metric in reference.load().metrics}
    for section in report.sections:
        assert all(
            (section["number"] in served[row["metric_id"]]) or not section["number"] for row in section["figures"]
        )
    said = " ".join(report.summary)
    assert (
        "4 of 5 figures can be shown. 3 of them are ranked: 1 in the best quarter" in said
        and "0 got better and 1 worse" in said
    )
    assert (
        "worth £66,100 over June 2025" in said and "1 of 2 returns came, 0 on time; 1 was sent more than once" in said
    )
    caveats = " ".join(report.caveats)
    for words in (
        "WF05: The figure is about several months.",
        "WF01: 90% complete (9 of 10 rows, 1 of 1 months).",
        "ER11: Accepted with warnings",
    ):
        assert words in caveats
    assert report.releases == [("workforce-2025-06-0123456789", "1 Aug 2025, 07:00")]
    assert [note.name for note in report.notes] == ["non_clinical_space"]


def test_no_number_is_lost_to_rounding(report):
    rows = list(csv.DictReader(io.StringIO(documents.table(report))))
    assert [(row["metric_id"], row["value"]) for row in rows if row["metric_id"] == "WF04"] == [
        ("WF04", "5.0"), ("WF04", "5.123456789012345")]  # fmt: skip
    assert rows[0]["median"] == "4.123456789012345" and len(rows) == 6


def test_no_text_is_read_as_markup(report):
    page = documents.html(report)
    assert "&lt;script&gt;x" in page and "<script" not in page and "\u202e" not in page
    assert not re.search(r"(src|href)=", page), "it fetches nothing"
    made_pdf = documents.pdf(report)
    assert made_pdf.startswith(b"%PDF") and documents.pdf(report) == made_pdf, "the same report is the same file"


def test_a_trust_of_which_nothing_is_known_has_a_report_that_says_so():
    empty = made()
    early = board.make(board.Rows("RA9", "Torbay", [], [], []), HALF, datetime(2025, 9, 30, 12, tzinfo=UTC))
    assert early.summary[0].startswith("This half-year is not over")
    assert empty.summary == [
        "Nothing is published of this trust for April to September 2025, and no return of it is expected."
    ]
    assert documents.pdf(empty).startswith(b"%PDF") and "No return of this half-year" in documents.html(empty)


def test_a_sample_says_so_and_a_real_figure_comes_before_it():
    mixed = made([figure("WF04", 1.0, "2025-06"), figure("WF04", 2.0, "2025-07", is_sample=True)])
    assert mixed.sections[0]["figures"][0]["value"] == "1%" and mixed.is_sample
    assert "SAMPLE" in documents.html(mixed)


def test_each_good_practice_note_names_metrics_that_exist_and_a_source():
    known = {metric.metric_id for metric in reference.load().metrics}
    notes = good_practice.load()
    assert len(notes) >= 5
    for note in notes:
        assert note.metrics and set(note.metrics) <= known, note.name
        assert re.match(r"(R\d+|S\d): \S", note.source), note.name
        assert note.reviewed_by and note.reviewed_on <= date.today() and note.paragraphs[0], note.name
        assert good_practice.of(note.metrics[0]), note.name

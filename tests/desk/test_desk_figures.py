"""The pages of figures and of the timeline: what they show is what is published, to the last digit, and no picture can do harm."""

import html
import re
from datetime import date
from xml.etree import ElementTree

import flow
import pytest
from browser import serious
from desk_world import HOSTILE, PERIOD, SUPPRESSED
from sizes import FULL
from test_desk_browser import WIDTHS
from trust_benchmarks.desk import figure_charts, figure_text, formatting, timeline_charts, timeline_data
from trust_benchmarks.pages import readable

FIGURES = f"/figures?collection=workforce&period={PERIOD}&metric=WF03"
PICTURES = (
    f"/figures/spread.svg?collection=workforce&period={PERIOD}&metric=WF03&provider=RX4",
    f"/figures/series.svg?collection=workforce&period={PERIOD}&metric=WF03&provider=RX4",
    f"/figures/opportunity.svg?collection=workforce&period={PERIOD}&metric=WF03&provider=RX4",
    "/timeline/engagement.svg",
    "/timeline/engagement.svg?provider=RTQ",
    "/timeline/returns.svg?collection=workforce",
)


@pytest.fixture
def look(desk, returns):
    """Answers by their path, as somebody who may only read gets them."""
    with desk.client("viewer") as client:

        def get(path: str, status: int = 200):
            answer = client.get(f"/steward{path}")
            assert answer.status_code == status, answer.text
            return answer

        yield get


def rows_of(page: str, name: str) -> dict[str, list[str]]:
    """Table rows that carry data-<name>: its value -> the texts of their cells."""
    found = {}
    for key, inside in re.findall(rf'<tr[^>]* data-{name}="([^"]*)"[^>]*>(.*?)</tr>', page, re.DOTALL):
        cells = re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", inside, re.DOTALL)
        found[html.unescape(key)] = [" ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)).split()) for cell in cells]
    return found


def exact(page: str) -> set[str]:
    """Every exact value that the page carries behind what it shows."""
    return set(re.findall(r'<data value="([^"]+)"', page))


def test_values_of_trusts_are_the_published_ones(look):
    page = look(f"{FIGURES}&provider=RX4&peers=national").text
    shown = rows_of(page, "provider")
    published = flow.rows(
        """SELECT provider_code, sentence, value, numerator, denominator, percentile_rank FROM published.measures
           LEFT JOIN published.reasons ON code = withheld WHERE collection = 'workforce' AND period = %s AND metric_id = 'WF03'""",
        [PERIOD],
    )
    assert len(published) == len(shown) > 50
    valued = 0
    for code, sentence, *numbers in published:
        for cell, number, lacking in zip(shown[code][1:5], numbers, (sentence, "none", "none", "none"), strict=True):
            assert cell == (lacking if number is None else formatting.number(number)), code
            valued += number is not None
        assert all(str(number) in exact(page) for number in numbers if number is not None)
    assert valued >= 7 * 3


def sentence(code):
    return flow.value("SELECT sentence FROM published.reasons WHERE code = %s", [code])


def test_what_is_suppressed_is_said_and_not_shown(look):
    page = look(f"/figures?collection=workforce&period={PERIOD}&metric=WF12&provider={SUPPRESSED}").text
    assert rows_of(page, "provider")[SUPPRESSED][1:5] == ["suppressed", "suppressed", "20", "none"]
    assert rows_of(page, "period")[PERIOD][1] == "suppressed"
    assert "suppressed: too few people" in page and "because it counts very few people" in page
    assert "4.0" not in exact(page)
    others = rows_of(page, "provider").items()
    assert {cells[1] for code, cells in others if code != SUPPRESSED} == {
        sentence("NOT_REPORTED"),
        sentence("NOT_ANSWERED"),
    }


def test_the_benchmark_and_what_is_withheld(look):
    page = look(f"{FIGURES}&peers=national").text
    published = flow.rows(
        """SELECT providers, minimum, lower_quartile, median, upper_quartile, maximum FROM published.benchmarks
           WHERE collection = 'workforce' AND period = %s AND metric_id = 'WF03' AND peer_group = 'national'""",
        [PERIOD],
    )[0]
    assert rows_of(page, "benchmark")["national"] == [
        "withheld" if n is None else formatting.number(n) for n in published
    ]
    assert published[2] is None, "so few trusts are too few for quartiles over the whole country"
    assert "too few for quartiles" in page
    assert "Thin data." in page


def test_comparisons_are_the_published_ones(look):
    page = look(f"/figures?collection=workforce&period={PERIOD}&metric=WF04&provider=RX4").text
    shown = rows_of(page, "kind")
    published = flow.rows(
        """SELECT benchmark_kind, benchmark_value, variance, opportunity_gbp, stretch_opportunity_gbp FROM published.comparisons
           WHERE collection = 'workforce' AND period = %s AND metric_id = 'WF04' AND provider_code = 'RX4'""",
        [PERIOD],
    )
    assert {row[0] for row in published} == set(shown) != set()
    for kind, value, variance, opportunity, stretch in published:
        cells = shown[kind]
        assert cells[1:3] == [formatting.number(value), formatting.number(variance)]
        if opportunity is not None:
            assert cells[4:6] == [formatting.number(opportunity), formatting.number(stretch)]


def test_a_series_without_limits_says_why(look):
    page = look(f"{FIGURES}&provider=RA9").text
    published = dict(
        flow.rows(
            "SELECT period, value FROM published.measures WHERE collection = 'workforce' AND metric_id = 'WF03' AND provider_code = 'RA9'"
        )
    )
    shown = rows_of(page, "period")
    assert {period: cells[1] for period, cells in shown.items()} == {
        period: formatting.number(value) if value is not None else sentence("NOT_REPORTED")
        for period, value in published.items()
    }
    assert "The value is a level that mostly repeats the one before" in page
    assert "are not drawn" in page


def test_the_picture_of_the_opportunity_says_what_the_table_says(look):
    # The comparison that has most to say.
    ((collection, period, metric, provider),) = flow.rows(
        """SELECT collection, period, metric_id, provider_code FROM published.comparisons WHERE is_better IS NOT NULL
           GROUP BY 1, 2, 3, 4 ORDER BY count(opportunity_gbp) DESC, count(*) DESC, 1, 2, 3, 4 LIMIT 1"""
    )
    address = f"collection={collection}&period={period}&metric={metric}&provider={provider}"
    page = look(f"/figures?{address}").text
    table = rows_of(page, "kind")
    published = flow.rows(
        """SELECT benchmark_kind, is_better, opportunity_gbp FROM published.comparisons
           WHERE collection = %s AND period = %s AND metric_id = %s AND provider_code = %s""",
        [collection, period, metric, provider],
    )
    assert {kind for kind, _, _ in published} == set(table) != set()
    drawn = html.unescape(look(f"/figures/opportunity.svg?{address}").text)
    for kind, is_better, worth in published:
        assert figure_text.BENCHMARKS[kind] in drawn
        assert f"The trust is {'better' if is_better else 'worse'}" in drawn or is_better is None
        assert (f"£{worth:,.0f}" if worth is not None else "not priced") in drawn
    alternative = re.search(r'<img src="[^"]*opportunity.svg[^"]*" alt="([^"]*)"', page)[1]
    assert f"against {readable.counted(len(table), 'benchmark')}." in alternative
    assert all(figure_text.BENCHMARKS[kind] in alternative for kind in table)


def test_a_trust_without_a_value_has_none(look):
    page = look(f"{FIGURES}&provider=R1L").text
    assert rows_of(page, "provider")["R1L"][1] == sentence("NOT_REPORTED")
    assert f"The selected trust (quality D): {sentence('NOT_REPORTED')}" in html.unescape(page)
    picture = look(f"/figures/spread.svg?collection=workforce&period={PERIOD}&metric=WF03&provider=R1L").text
    assert "the selected trust" not in picture
    assert "THIN DATA" in picture


@pytest.mark.parametrize("name", ["metric", "provider", "period", "collection", "peers"])
@pytest.mark.parametrize("text", [*HOSTILE.values(), "\x00", "'; DROP TABLE core.measure; --", "ǅ" * 300])
def test_hostile_addresses_of_figures(desk, name, text):
    with desk.client("viewer") as client:
        for path in ("/figures", "/figures/spread.svg", "/figures/series.svg", "/figures/opportunity.svg"):
            answer = client.get(f"/steward{path}", params={name: text[:1500]})
            assert answer.status_code == 404, (path, answer.text)
            assert text not in answer.text


@pytest.mark.parametrize("name", ["provider", "collection", "kind", "year"])
@pytest.mark.parametrize("text", [HOSTILE["script"], HOSTILE["template"], "\x00", "٢٠١٧", "' OR 1=1 --"])
def test_hostile_addresses_of_the_timeline(desk, name, text):
    with desk.client("viewer") as client:
        for path in ("/timeline", "/timeline/engagement.svg", "/timeline/returns.svg"):
            answer = client.get(f"/steward{path}", params={name: text})
            assert answer.status_code == 404, (path, answer.text)
            assert text not in answer.text


def test_what_does_not_fit_together_is_said_and_not_an_error(look):
    page = look(f"/figures?collection=workforce&period={PERIOD}&metric=ES01").text
    assert "has no figures of ES01 (Running cost per square metre)" in html.unescape(page)
    assert look("/figures/series.svg", 404) and look("/figures/opportunity.svg", 404)
    assert look(f"{FIGURES}&provider=R0A").text.count("was not expected to report") == 1
    for width in ("-5", "0", "99999999"):
        assert look(f"{PICTURES[0]}&width={width}").headers["content-type"] == "image/svg+xml"
    look(f"{PICTURES[0]}&width=many", 400)


@pytest.mark.parametrize("path", PICTURES)
def test_a_picture_has_no_script_and_nothing_from_elsewhere(look, path):
    answer = look(path)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "script" not in answer.headers["content-security-policy"]
    tree = ElementTree.fromstring(answer.content)
    assert not re.search(r"<!DOCTYPE|<metadata|<script|<foreignObject|<image|javascript:|@import", answer.text)
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}text"))) > 5, "text must stay text"
    for element in tree.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), name
            if name.endswith("href"):
                assert value.startswith("#"), value
            assert all(inside.startswith("#") for inside in re.findall(r"url\(([^)]*)\)", value)), value
    assert answer.content == look(path).content


def test_a_name_with_markup_stays_text_in_a_picture():
    evil = '</text><script>alert(1)</script>$x^2$ & "'
    about = {"name": evil, "unit": "%", "polarity": "neutral"}
    asked = {"about": about, "period": "2025-06", "provider": "RX4"}
    own = {"provider_code": "RX4", "value": 1.5, "quality_flag": "C"}
    found = {
        "own": own, "group_words": evil, "benchmark": None, "valued": [own], "silent": [], "thin": [evil], "is_sample": True,
    }  # fmt: skip
    picture = figure_charts.spread(asked, found, 700)
    ElementTree.fromstring(picture)
    assert b"<script" not in picture
    assert b"$x^2$" in picture
    assert picture == figure_charts.spread.__wrapped__(asked, found, 700)


def test_nothing_is_drawn_where_nothing_is_known():
    about = {"name": "A rate", "unit": "%", "polarity": "lower_better"}
    asked = {"about": about, "period": "2025-06", "provider": "RX4"}
    points = [
        {"period": f"2025-0{n}", "value": value, "quality_flag": "D"} for n, value in ((1, 5.0), (2, None), (3, 5.2))
    ]
    line = {
        "points": points,
        "sections": [],
        "median": 5.1,
        "reason": "Too few points.",
        "restarts": [],
        "is_sample": False,
    }
    picture = figure_charts.series(asked, line, 1180).decode()
    assert picture.count(">no value<") == 1
    assert ">0<" not in picture, "the axis reaches to 0 only if something was drawn there"
    nothing = figure_charts.series(
        asked, line | {"points": [p | {"value": None} for p in points], "median": None}, 1180
    ).decode()
    assert "nothing is drawn" in nothing
    assert "nothing is drawn" in figure_charts.spread(
        asked, {"own": None, "group_words": "all trusts", "benchmark": None, "valued": [], "silent": [], "thin": [], "is_sample": False}, 700
    ).decode()  # fmt: skip
    assert "No event" in timeline_charts.engagement({"year": "", "provider": ""}, [], {}, 700).decode()
    assert "No event" in timeline_charts.returns({}, [], 700).decode()


def test_values_with_their_unit():
    assert [figure_text.with_unit(v, u) for v, u in ((8.57056, "%"), (-3.5, "GBP"), (1234.5, "GBP/m2"), (0.0, "days"), (None, "%"))] == [
        "8.571 %", "-£3.5", "£1,234 per m2", "0 days", "none",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "precision", "said"),
    [
        ((2018, 5, 24), None, "day", "24 May 2018"),
        ((2017, 2, 8), (2017, 8, 8), "day", "8 Feb 2017 to 8 Aug 2017"),
        ((2019, 3, 12), None, "month", "Mar 2019"),
        ((2019, 4, 1), (2019, 4, 30), "month", "Apr 2019"),
        ((2017, 2, 2), None, "week", "about 2 Feb 2017 (to the week)"),
        ((2018, 10, 1), (2018, 12, 31), "quarter", "Oct to Dec 2018 (to the quarter)"),
        ((2018, 4, 1), (2019, 3, 31), "year", "Apr 2018 to Mar 2019 (to the year)"),
        ((2021, 3, 31), None, "year", "2021 (to the year)"),
        ((2018, 11, 1), None, "quarter", "Nov 2018 (to the quarter)"),
    ],
)
def test_a_month_is_not_a_day(shared_world, first, last, precision, said):
    event = {"occurred_from": date(*first), "occurred_to": last and date(*last), "date_precision": precision}
    assert timeline_data.dated(event) == said
    assert (
        timeline_data.reach(event)
        == flow.rows(
            "SELECT core.reach_from(%(a)s::date, %(b)s::date, %(c)s::text), core.reach_to(%(a)s::date, %(b)s::date, %(c)s::text)",
            {"a": event["occurred_from"], "b": event["occurred_to"], "c": precision},
        )[0]
    ), "the page and the warehouse mean the same days"
    assert timeline_data.reach(event)[0] <= event["occurred_from"] <= timeline_data.reach(event)[1]


def test_plans_and_outcomes_of_the_programme(look):
    shown = rows_of(look("/timeline").text, "plan")
    assert shown["EV020"][0] == "Sep to Nov 2017 (to the season)"
    assert shown["EV020"][2] == "24 May 2018"
    assert shown["EV020"][4] == "+175"
    # A plan for the whole cohort is one row, and so are those that come every six months.
    assert {plan.split("+")[0] for plan in shown} == {
        one.split("-")[0].split("+")[0] for (one,) in flow.rows("SELECT plan_id FROM published.programme_plan")
    }
    again = shown["EV030+1"]
    assert again[0] == "Sep 2019 to Mar 2026"
    assert "14 times" in again[1] and "low confidence" in again[1]
    assert "deadline" in shown["EV034"][0]
    assert shown["EV044"][2:] == ["not yet", "", "too early to say"] or date.today() > date(2027, 4, 1)
    assert all(cells[4] == "not known" for event, cells in shown.items() if event not in ("EV020", "EV044"))


def test_sources_that_disagree_stand_side_by_side(look):
    page = look("/timeline").text
    events = rows_of(page, "event")
    assert "20 while listing 23" in events["EV010"][5]
    assert "seed 001" in events["EV020"][6]
    assert {"EV010", "EV020", "EV024", "EV025"} <= set(events)
    assert "low confidence" in events["EV044"][2], "what is not sure is marked"
    claims = rows_of(page, "claim")
    assert len(claims) == flow.value("SELECT count(*) FROM published.contradictions") > 10
    for claim, source in (
        ("20 trusts", "seed 000"),
        ("23 trusts", "seed 001"),
        ("just over 20 trusts", "not verified"),
    ):
        assert source in " ".join(claims[f"Size of the cohort: {claim}"]), claim


def test_a_trust_and_its_ancestors(look):
    own = rows_of(look("/timeline?provider=RW4").text, "event")
    assert "EV041" in own, "what happened to RTV stays with RW4, which took it over"
    assert "EV008-RTV" in own, "and so does all that was before"
    assert "It was taken over by" in look("/timeline?provider=RTV").text
    assert ">RTV</text>" in look("/timeline/engagement.svg?provider=RW4").text, "in a lane of its own"


def test_how_trusts_fared_and_what_it_is_too_early_for(look):
    own = rows_of(look("/timeline?provider=RX4").text, "fact")["RX4 workforce"]
    days = flow.value(
        "SELECT days_to_first_accepted FROM published.engagement_facts WHERE provider_code = 'RX4' AND collection = 'workforce'"
    )
    assert own[1] == formatting.number(days)
    assert own[2] == "too early to say (1 of 3)"
    assert own[3] == "too early to say (2 of 6)"
    cohort = rows_of(look("/timeline").text, "fact")
    assert len(cohort) == flow.value("SELECT count(DISTINCT provider_code) FROM published.engagement_facts f JOIN published.cohort c ON c.code = f.provider_code")  # fmt: skip


FORM = {
    "summary": "Told the board of <b>rostering</b>.", "date": "12/9/2018", "date_precision": "day", "kind": "board_report", "status": "actual",
    "provider": "RRP", "recommendation": "9", "source": "board paper, made up", "confidence": "medium",
}  # fmt: skip


def test_an_event_from_the_form_is_shown_at_once_and_withdrawn(desk, look):
    assert desk.post("viewer", "/timeline/add", **FORM).status_code == 403
    assert "Add an event" not in look("/timeline").text, "who may only read is not offered it"
    answer = desk.post("steward", "/timeline/add", **FORM)
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"].split("?")[0].removeprefix("/steward")
    event_id = path.split("/")[-1]
    for address in ("/timeline", "/timeline?provider=G6V2S"):
        shown = rows_of(look(address).text, "event")[event_id]
        assert shown[1] == "12 Sep 2018"
        assert "entered by people" in shown[2] and "medium confidence" in shown[2]
        assert "<b>rostering</b>" in shown[5]
    nine = re.search(r'<tr id="rec-9">(.*?)</tr>', look("/timeline").text, re.DOTALL)[1]
    assert 'title="Barnet, Enfield and Haringey Mental Health NHS Trust">RRP</a>' in nine
    assert "by sam" in " ".join(look(path).text.split())
    same = desk.post("steward", "/timeline/add", **FORM)
    assert same.status_code == 409 and "on the timeline already" in same.text
    assert desk.post("viewer", f"{path}/withdraw", reason="No.").status_code == 403
    assert desk.post("other steward", f"{path}/withdraw", reason="").status_code == 409
    assert desk.post("other steward", f"{path}/withdraw", reason="It was another trust.").status_code == 303
    assert event_id not in rows_of(look("/timeline").text, "event")
    page = look(path).text
    assert "It was another trust." in page and "by stella" in page


def test_a_form_that_is_not_right_says_all_of_it_and_keeps_what_was_typed(desk):
    wrong = FORM | {
        "date": "31/2/2018",
        "summary": "Ring 0161 496 0000",
        "source": "",
        "provider": "ZZZ",
        "recommendation": "",
    }
    answer = desk.post("steward", "/timeline/add", **wrong)
    assert answer.status_code == 400
    for says in ("a day such as 2018-09-12", "telephone number", "Source of the information is missing", "ODS code of a known provider", "A board report needs the recommendation"):  # fmt: skip
        assert says in html.unescape(answer.text), says
    assert "Ring 0161 496 0000" in answer.text
    assert flow.value("SELECT count(*) FROM core.event WHERE summary LIKE 'Ring%'") == 0


PASTED = ("date", "date_precision", "kind", "status", "provider", "summary", "source", "confidence")
TWO = [
    ("12/9/2018", "day", "visit", "actual", "RNU", "Pasted, the first.", "made up", "high"),
    ("2018-10", "month", "meeting", "planned", "", 'Pasted: the "second".', "made up", "low"),
]


def paste(desk, rows, between="\t", role="steward"):
    """Rows as a spreadsheet gives them: with tabs between cells, and quotes as they are."""
    return desk.post(role, "/timeline/paste", rows="\r\n".join(between.join(row) for row in [PASTED, *rows]))


def test_rows_that_are_pasted_are_added_all_or_none(desk, look):
    there = "SELECT count(*) FROM published.engagement_timeline WHERE summary LIKE 'Pasted%'"
    assert paste(desk, TWO, role="viewer").status_code == 403
    wrong = paste(desk, [TWO[0], ("31/2/2018", "day", "fete", *TWO[1][3:])])
    said = html.unescape(re.sub(r"\s+", " ", wrong.text))
    assert wrong.status_code == 400 and "2 errors" in said
    assert "a day such as 2018-09-12" in said and ">fete<" in said and "<td>3</td>" in said
    assert "Pasted, the first." in wrong.text, "what was pasted is kept"
    assert flow.value(there) == 0
    for between, counts in (
        ("\t", "2 events added."),
        (",", "0 events added; 2 rows already on the timeline."),
    ):
        rows = TWO if between == "\t" else [[f'"{cell.replace(chr(34), 2 * chr(34))}"' for cell in row] for row in TWO]
        done = paste(desk, rows, between)
        assert done.status_code == 303
        with desk.client("steward") as client:
            assert counts in client.get(done.headers["location"]).text
        assert flow.value(there) == 2
    entered = flow.rows(
        "SELECT occurred_from, summary, entered_by, file_name FROM intake.events WHERE summary LIKE 'Pasted%' ORDER BY 1"
    )
    assert entered == [
        (date(2018, 9, 12), "Pasted, the first.", "sam", "rows pasted on the desk"),
        (date(2018, 10, 1), 'Pasted: the "second".', "sam", "rows pasted on the desk"),
    ]


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        ('"First" visit', "quotation mark"),
        ('"Right first time', "quotation mark"),
        ('"' + "x" * 200_000, "quotation mark"),
    ],
)
def test_quotes_of_a_spreadsheet_lose_no_row(desk, summary, says):
    """A cell that begins with a quotation mark comes out of some spreadsheets as it is, which reads as an open quote."""
    before = flow.value("SELECT count(*) FROM core.event")
    rows = [[*TWO[0][:5], summary, *TWO[0][6:]], [*TWO[1][:5], '"Getting it right', *TWO[1][6:]]]
    answer = paste(desk, rows)
    assert answer.status_code == 400 and says in answer.text
    assert flow.value("SELECT count(*) FROM core.event") == before


def test_hostile_texts_of_events_are_text(desk, look):
    texts = [f"{kind}: {text[:130]}".replace("\x00", "") for kind, text in HOSTILE.items()]
    paths = []
    for at in range(0, len(texts), 3):
        said = " ".join(texts[at : at + 3])
        answer = desk.post(
            "steward", "/timeline/add", **FORM | {"summary": said, "source": said[:300], "kind": "visit"}
        )
        assert answer.status_code == 303, answer.text
        paths.append(answer.headers["location"].split("?")[0].removeprefix("/steward"))
    for path in ("/timeline", *paths):
        page = look(path).text
        for markup in ("<script>alert", "<img src=x", "<svg/", "<iframe", "<style>body", "<h1>taken", "\u202e", "\x1b"):
            assert markup not in page, (path, markup)
    for path in paths:
        assert desk.post("steward", f"{path}/withdraw", reason="The test is over.").status_code == 303


def test_due_beside_received(look):
    shown = rows_of(look("/timeline?collection=workforce&provider=RX4").text, "return")
    due, received = flow.rows(
        """SELECT min(occurred_from) FILTER (WHERE kind = 'due'), min(occurred_from) FILTER (WHERE kind = 'received')
           FROM published.engagement_timeline WHERE collection = 'workforce' AND period = %s AND provider_code = 'RX4'""",
        [PERIOD],
    )[0]
    cells = shown[f"workforce {PERIOD}"]
    assert cells[1:3] == [readable.day(due), readable.day(received)]
    assert cells[-1] == formatting.number((received - due).days)


def test_the_sixteen_recommendations(look):
    page = look("/timeline").text
    assert len(re.findall(r'<tr id="rec-\d+">', page)) == 16
    five = re.search(r'<tr id="rec-5">(.*?)</tr>', page, re.DOTALL)[1]
    coverage = flow.value(
        "SELECT coverage FROM published.data_status WHERE collection = 'workforce' AND period = %s", [PERIOD]
    )
    assert figure_text.percent(coverage) in five
    assert "Too early to say" in five
    assert "no linked metrics" in re.search(r'<tr id="rec-3">(.*?)</tr>', page, re.DOTALL)[1]


@pytest.mark.parametrize("width", WIDTHS if FULL else WIDTHS[:1])
@pytest.mark.parametrize(
    "path",
    [
        "/figures",
        f"{FIGURES}&provider=RX4",
        "/timeline",
        "/timeline?provider=RTQ&collection=workforce",
        "/timeline/add",
        "/timeline/paste",
        "one event",
    ],
)
def test_in_a_browser(signed_in, desk, returns, path, width):
    if path == "one event":
        answer = desk.post("steward", "/timeline/add", **FORM | {"summary": f"Looked at, {width} pixels wide."})
        path = answer.headers["location"].removeprefix("/steward")
    tab, problems = signed_in("sam").new_page(), []
    tab.set_viewport_size({"width": width, "height": 900})
    tab.on(
        "console", lambda said: problems.append(said.text) if said.type == "error" and "404" not in said.text else None
    )
    tab.goto(desk.url + "/steward" + path)
    for picture in tab.locator("main img").all():
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") > 300
        assert len(picture.get_attribute("alt")) > 30
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    if FULL or width == WIDTHS[0]:
        assert serious(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("h1").count() == 1
    assert problems == []
    tab.close()

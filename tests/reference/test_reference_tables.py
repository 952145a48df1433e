"""The tables' own behaviour, on small made-up ones: chains, openness, names, checks and unreadable files."""

import shutil
from dataclasses import replace
from datetime import date

import pytest
from trust_benchmarks import catalogue, reference
from trust_benchmarks.reference import Name, Provider, ReferenceDataError, Succession, Tables

START, END = date(2015, 4, 1), date(2020, 3, 31)
NEXT = date(2020, 4, 1)


def provider(code, open_to=None, open_from=START, sector="community", kind="trust"):
    return Provider(code, f"{code} NHS Trust", sector, "London", kind, open_from, open_to, "made up", "no")


def link(from_code, to_code, on=NEXT, kind="acquisition"):
    return Succession(from_code, to_code, on, kind, "made up", "no")


def tables(providers, successions=(), names=None):
    names = names if names is not None else [Name(p.code, p.name, None, None, "made up") for p in providers]
    real = reference.load()
    events = [replace(e, trust_ods="") for e in real.programme_events]
    return replace(
        real, providers=providers, successions=list(successions), names=names, cohort=[], programme_events=events
    )


def problems(made: Tables) -> list[str]:
    """What is wrong, apart from the cohort, which the made-up tables leave out."""
    return [p for p in reference.check(made) if not p.startswith("cohort.csv: 0 trusts")]


def test_a_chain_is_walked_to_its_end():
    made = tables([provider("AAA", END), provider("BBB", date(2022, 3, 31)), provider("CCC")])
    made = replace(made, successions=[link("AAA", "BBB"), link("BBB", "CCC", date(2022, 4, 1))])
    assert made.final_successors("AAA") == ["CCC"]
    assert [s.to_code for s in made.successors("AAA", NEXT)] == ["BBB"]
    assert made.successors("AAA", END) == []
    assert problems(made) == []


def test_many_to_many():
    providers = [provider("AAA", END), provider("BBB", END), provider("CCC"), provider("DDD")]
    made = tables(providers, [link("AAA", "CCC"), link("AAA", "DDD"), link("BBB", "DDD")])
    assert made.final_successors("AAA") == ["CCC", "DDD"]
    assert made.final_successors("BBB") == ["DDD"]
    assert problems(made) == []


def test_a_service_transfer_from_an_open_provider_is_not_followed():
    made = tables([provider("AAA"), provider("BBB")], [link("AAA", "BBB", kind="service_transfer")])
    assert made.final_successors("AAA") == ["AAA"]
    assert [s.to_code for s in made.successors("AAA", NEXT)] == ["BBB"]
    assert problems(made) == []


def test_a_rename_is_not_a_successor():
    made = tables([provider("AAA")], [link("AAA", "AAA", kind="rename")])
    assert made.successors("AAA", NEXT) == []
    assert made.final_successors("AAA") == ["AAA"]
    assert problems(made) == []


def test_a_closed_provider_without_successor_has_none():
    made = tables([provider("AAA", END)])
    assert made.final_successors("AAA") == []
    assert problems(made) == []


def test_circles_are_found_and_do_not_hang():
    made = tables([provider(code, END) for code in ("AAA", "BBB", "CCC")])
    made = replace(made, successions=[link("AAA", "BBB"), link("BBB", "CCC"), link("CCC", "AAA")])
    assert made.final_successors("AAA") == []
    found = [p for p in problems(made) if "circle" in p]
    assert found == ["successions.csv: AAA to BBB to CCC to AAA is a circle. Remove the link that is wrong."]


def test_a_chain_that_ends_at_a_closed_provider_is_found():
    made = tables([provider("AAA", END), provider("BBB", date(2022, 3, 31))], [link("AAA", "BBB")])
    assert problems(made) == ["successions.csv: the chain from AAA ends at a closed provider. Add what followed it."]


@pytest.mark.parametrize(
    ("successions", "expected"),
    [
        ([link("AAA", "ZZZ")], "ZZZ is not in providers.csv"),
        ([link("AAA", "BBB", date(2021, 1, 1))], "AAA closed on 2020-03-31. The dates should be at most a day apart."),
        ([link("BBB", "AAA", date(2016, 1, 1))], "BBB has no closing date"),
        ([link("AAA", "BBB", kind="rename")], "A rename keeps its code"),
        ([link("AAA", "AAA", kind="merger")], "type 'merger' does not fit"),
        ([link("AAA", "BBB", kind="takeover")], "type 'takeover' is not known"),
        ([link("AAA", "CCC")], "CCC was not open on that date"),
        ([link("AAA", "BBB"), link("AAA", "BBB")], "is there 2 times"),
    ],
)
def test_faulty_successions_are_found(successions, expected):
    made = tables([provider("AAA", END), provider("BBB"), provider("CCC", open_from=date(2023, 1, 1))], successions)
    assert any(expected in problem for problem in problems(made)), problems(made)


@pytest.mark.parametrize(
    ("faulty", "expected"),
    [
        (provider("AAA", date(2014, 1, 1)), "before it opened"),
        (provider("AAA", sector="dental"), "sector 'dental' is not known. Expected one of community"),
        (provider("AAA", kind="charity"), "kind 'charity' is not known"),
        (provider("AAA", kind="social_enterprise"), "Set the sector to match"),
    ],
)
def test_faulty_providers_are_found(faulty, expected):
    found = problems(tables([faulty]))
    assert any(expected in problem for problem in found), found


def test_repeated_and_nameless_providers_are_found():
    found = problems(
        tables([provider("AAA"), provider("AAA"), provider("BBB")], names=[Name("AAA", "A", None, None, "")])
    )
    assert "providers.csv: code AAA is there 2 times. Keep one." in found
    assert "provider_names.csv: BBB has no name. Add one." in found


@pytest.mark.parametrize(
    ("first_to", "second_from", "overlap"),
    [(END, NEXT, False), (END, END, True), (None, NEXT, True), (END, None, True), (END, date(2020, 6, 1), False)],
)
def test_overlapping_names_are_found(first_to, second_from, overlap):
    names = [Name("AAA", "Old", None, first_to, ""), Name("AAA", "New", second_from, None, "")]
    found = problems(tables([provider("AAA")], names=names))
    assert any("overlap" in problem for problem in found) == overlap, found


def test_a_name_that_ends_before_it_starts_and_a_stranger_are_found():
    names = [Name("AAA", "A", NEXT, END, ""), Name("ZZZ", "Z", None, None, "")]
    found = problems(tables([provider("AAA")], names=names))
    assert any("before it starts" in problem for problem in found)
    assert any("ZZZ is not in providers.csv" in problem for problem in found)


def test_names_by_day():
    names = [Name("AAA", "New", NEXT, None, ""), Name("AAA", "Old", date(2016, 1, 1), END, "")]
    made = tables([provider("AAA")], names=names)
    assert made.name_on("AAA", END) == "Old"
    assert made.name_on("AAA", NEXT) == "New"
    assert made.name_on("AAA", date(2000, 1, 1)) == "Old"
    assert made.name_on("AAA", date(2099, 1, 1)) == "New"


def test_open_on_the_first_and_last_day():
    made = tables([provider("AAA", END), provider("BBB", open_from=None)])
    assert made.is_open("AAA", START) and made.is_open("AAA", END)
    assert not made.is_open("AAA", NEXT) and not made.is_open("AAA", date(2015, 3, 31))
    assert made.is_open("BBB", date(1948, 7, 5))
    assert made.expected(["community"], END) == ["AAA", "BBB"]
    assert made.expected(["community"], NEXT) == ["BBB"]
    assert made.expected([], END) == []


def test_an_unknown_code_is_an_error_in_words():
    made = tables([provider("AAA")])
    for ask in (made.provider, made.final_successors):
        with pytest.raises(ReferenceDataError, match=r"'ZZZ' is not a provider's ODS code in providers\.csv"):
            ask("ZZZ")
    with pytest.raises(ReferenceDataError):
        made.successors("ZZZ", NEXT)
    with pytest.raises(ReferenceDataError):
        made.name_on("ZZZ", NEXT)


def test_faulty_lists_are_found():
    real = reference.load()
    made = replace(
        real,
        cohort=real.cohort[1:],
        recommendations=real.recommendations[:-1],
        holidays=[*real.holidays, real.holidays[0]],
        programme_events=[
            replace(
                real.programme_events[0],
                trust_ods="ZZZ",
                recommendation_no=99,
                status="hoped",
                date_end=date(1999, 1, 1),
            )
        ],
        metric_versions=[
            replace(
                real.metrics[0],
                metric_id="XX01",
                carter_rec=(77,),
                fed_by=("moon",),
                not_fed_because="It is far.",
                question="How many",
                polarity="up",
                disclosure_class="secret",
                check_again_by=date(2020, 1, 1),
            )
        ],
    )
    found = reference.check(made)
    for expected in (
        "cohort.csv: 22 trusts; the cohort is 23.",
        "expected 1 to 16, each once",
        f"date {real.holidays[0].date} is there 2 times",
        "EV001: ZZZ is not in providers.csv",
        "EV001: there is no recommendation 99",
        "EV001: status 'hoped' is not known",
        "EV001: it ends on 1999-01-01, before",
        "XX01: there is no recommendation 77",
        "XX01: fed_by 'moon' is not known",
        "XX01: needs either fed_by or not_fed_because",
        "XX01: question is 'How many'. Expected what a board would ask",
        "XX01: polarity 'up' is not known",
        "XX01: disclosure_class 'secret' is not known",
        "XX01: to be checked again by 2020-01-01, not after 2026-11-22",
    ):
        assert any(expected in problem for problem in found), (expected, found)


@pytest.fixture
def folder(tmp_path):
    for path in reference.FOLDER.glob("*.csv"):
        shutil.copy(path, tmp_path)
    for path in catalogue.FOLDER.glob("*/metrics.toml"):
        (tmp_path / path.parent.name).mkdir()
        shutil.copy(path, tmp_path / path.parent.name)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "providers.csv",
            "code,sector",
            "code,sektor",
            r"providers\.csv has columns code, sektor.*expected code, sector",
        ),
        (
            "providers.csv",
            "2017-10-01",
            "2017-13-01",
            r"providers\.csv line \d+, open_from: '2017-13-01' is not a date",
        ),
        ("successions.csv", "2024-11-01", "", r"legal_date: '' is not a date"),
        ("cohort.csv", "mental_health,", "", r"cohort\.csv line 2 has 5 cells; expected 6"),
        ("recommendations.csv", "\n1,", "\none,", r"number: 'one' is not a whole number"),
        ("workforce/metrics.toml", "opportunity_root = false", 'opportunity_root = "maybe"', "expected true or false"),
        ("workforce/metrics.toml", "[6, 7]", '"6+7"', r"WF15: carter_rec is '6\+7'; expected whole numbers"),
        (
            "workforce/metrics.toml",
            'question = "How many staff',
            'qestion = "How many staff',
            "unknown entries qestion",
        ),
        ("workforce/metrics.toml", 'name = "Staff in post"', "", r"workforce/metrics\.toml: WF01: name missing"),
        ("workforce/metrics.toml", "[every]", "[evry]", "unknown entries evry"),
        ("workforce/metrics.toml", "checked_on = 2026-11-22", "checked_on = 2026-11-32", "is not TOML"),
        (
            "workforce/metrics.toml",
            'missing_rows = "withhold"',
            'missing_rows = "drop"',
            r"WF01: missing_rows is 'drop'; expected one of withhold, mark, none: withhold: it is not shown",
        ),
        ("workforce/metrics.toml", 'missing_rows = "withhold"', "", r"WF01: missing_rows missing"),
        (
            "procurement_prices/metrics.toml",
            "tolerates_missing = 0.02",
            "tolerates_missing = 2",
            r"PP01: tolerates_missing is 2; expected a share of the rows, from 0 to below 1",
        ),
        (
            "all/metrics.toml",
            'missing_rows = "none"',
            'missing_rows = "none"\ntolerates_missing = 0.1',
            r"DQ01: tolerates_missing is 0\.1 and missing_rows is 'none'",
        ),
        (
            "out_of_area_placements/metrics.toml",
            'window_months = 3\nwindow = "mark"\nbenchmark_default = "peer_median"\nmonetised = "yes',
            'window_months = 1\nwindow = "mark"\nbenchmark_default = "peer_median"\nmonetised = "yes',
            r"OA05: window_months is 1 and period is 'rolling 3m'; expected 3",
        ),
        (
            "all/metrics.toml",
            'window = "mark"',
            'window = "some"',
            r"DQ04: window is 'some'; expected one of whole, mark",
        ),
        ("sickness_absence/metrics.toml", "WF04", "WF99", "feeds names WF99, which no file defines"),
        (
            "workforce/metrics.toml",
            "\n# What",
            '\nfeeds = ["WF01"]\n# What',
            "feeds names WF01, which it defines itself",
        ),
    ],
)
def test_an_unreadable_file_is_an_error_in_words(folder, file, old, new, expected):
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ReferenceDataError, match=expected):
        reference.read(folder, folder)


def test_a_missing_or_wrongly_saved_file_is_an_error_in_words(folder):
    (folder / "holidays.csv").write_bytes(b"date,title,source\n2017-04-17,P\xe2ques,x\n")
    with pytest.raises(ReferenceDataError, match=r"holidays\.csv is not UTF-8"):
        reference.read(folder, folder)
    (folder / "holidays.csv").unlink()
    with pytest.raises(ReferenceDataError, match=r"holidays\.csv is missing"):
        reference.read(folder, folder)


def test_a_copy_saved_by_a_spreadsheet_reads_the_same(folder):
    for path in folder.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert reference.read(folder, folder).successions == reference.load().successions
    assert reference.read(folder, folder).providers == reference.load().providers


def version(metric_id="WF04", **changes):
    return replace(next(m for m in reference.load().metrics if m.metric_id == metric_id), **changes)


def test_a_metric_has_one_version_a_period():
    versions = [version(), version(version=2, valid_from=date(2026, 4, 1), unit="per 1,000")]
    made = replace(reference.load(), metric_versions=versions)
    assert reference.check(made) == []
    assert [m.version for m in made.metrics] == [2]
    assert [m.version for m in made.metrics_in(date(2026, 3, 1))] == [1]
    assert [m.version for m in made.metrics_in(date(2025, 4, 1))] == [1]
    assert [m.unit for m in made.metrics_in(date(2026, 4, 1))] == ["per 1,000"]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([{}, {"version": 3, "valid_from": date(2026, 4, 1)}], "versions are [1, 3]"),
        ([{}, {"version": 2}], "valid_from is None, None"),
        ([{"valid_from": date(2025, 4, 1)}], "valid_from is 2025-04-01. Expected none for version 1"),
        ([{}, {"version": 2, "valid_from": date(2026, 4, 1)}, {"version": 3, "valid_from": date(2026, 4, 1)}], "later day"),
        ([{}, {"version": 2, "valid_from": date(2026, 4, 1), "collection": "estates"}], "is defined in estates/metrics.toml, workforce/metrics.toml"),
    ],
)  # fmt: skip
def test_versions_that_contradict_each_other_are_found(versions, expected):
    found = reference.check(replace(reference.load(), metric_versions=[version(**changes) for changes in versions]))
    assert any(expected in problem for problem in found), found


def test_who_feeds_a_metric_is_said_in_the_feeders_own_file(folder):
    """A reason not to be fed is over once somebody feeds it, so that no line elsewhere has to go."""
    (folder / "staff_survey").mkdir()
    (folder / "staff_survey" / "metrics.toml").write_text('feeds = ["WF14", "WF04"]\n')
    metrics = {m.metric_id: m for m in reference.read(folder, folder).metrics}
    assert (metrics["WF14"].fed_by, metrics["WF14"].not_fed_because) == (("staff_survey",), "")
    assert metrics["WF04"].fed_by == ("workforce", "sickness_absence", "staff_survey")
    assert (metrics["WF06"].fed_by, bool(metrics["WF06"].not_fed_because)) == ((), True)


def test_breaks_of_series_and_own_peers_are_checked():
    tables = reference.load()
    assert reference.check(tables) == []
    wrong = replace(
        tables,
        series_breaks=[reference.SeriesBreak("XX01", "R99", date(2024, 4, 1), "", "made up")],
        peer_lists=[reference.PeerChoice("RX4", "RX4", ""), reference.PeerChoice("RX4", "R99", "")],
    )
    said = reference.check(wrong)
    assert [words.split(": ", 2)[2] for words in said] == [
        "XX01 has no record in catalogue/*/metrics.toml. Correct it, or leave it empty for all.",
        "R99 is not in providers.csv. Correct it, or leave it empty for all.",
        "no reason is given. Say what changed.",
        "a trust is no peer of itself. Remove the line.",
        "R99 is not in providers.csv. Correct or remove it.",
    ]

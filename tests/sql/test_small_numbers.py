"""Each regime of small numbers over the same return; the case workforce/small_numbers shows the regime that workforce has."""

import dataclasses

import pytest
import sql_cases
from trust_benchmarks import catalogue
from trust_benchmarks.measures import measure

EXACT = {
    ("WF02", "BBB"): (6.5, 7, 6.5 / 7, False),
    ("WF12", "AAA"): (7, 13, 700 / 13, False),
    ("WF12", "BBB"): (8, 12, 800 / 12, False),
    ("WF13", "BBB"): (0, 7, 0, False),
    ("WF16", "AAA"): (3, 7, 300 / 7, False),
    ("WF16", "BBB"): (0, 0, None, False),
}
REGIMES = {
    "hes": {
        ("WF02", "BBB"): (6.5, None, None, True),
        ("WF12", "AAA"): (None, 15, None, True),
        ("WF12", "BBB"): (10, 10, 100, False),
        ("WF13", "BBB"): (0, None, None, True),
        ("WF16", "AAA"): (None, None, None, True),
        ("WF16", "BBB"): (0, 0, None, False),
    },
    "mhsds": {  # 0 is withheld too, and 5 to 7 are not
        ("WF02", "BBB"): (6.5, 5, 1.3, False),
        ("WF12", "AAA"): (5, 15, 100 / 3, False),
        ("WF12", "BBB"): (10, 10, 100, False),
        ("WF13", "BBB"): (None, 5, None, True),
        ("WF16", "AAA"): (None, 5, None, True),
        ("WF16", "BBB"): (None, None, None, True),
    },
    "as_published": EXACT,
    "none": EXACT,
}


def test_every_regime_is_tried():
    assert list(REGIMES) == list(catalogue.REGIMES)


@pytest.mark.parametrize("regime", REGIMES)
def test_a_regime(regime, tmp_path, monkeypatch):
    inputs = sql_cases.inputs(sql_cases.FOLDER / "workforce" / "small_numbers", tmp_path)
    declared = dataclasses.replace(catalogue.load("workforce"), disclosure=regime)
    monkeypatch.setattr(catalogue, "load", lambda name: declared)
    rows = measure.compute(inputs).measures.to_dicts()
    found = {
        key: (row["numerator"], row["denominator"], row["value"], row["suppressed"])
        for row in rows
        if (key := (row["metric_id"], row["provider_code"])) in EXACT
    }
    assert found == {
        key: tuple(pytest.approx(x, rel=1e-12) if isinstance(x, float) else x for x in parts)
        for key, parts in REGIMES[regime].items()
    }


def test_a_regime_that_is_not_known_is_refused(tmp_path):
    text = (
        (catalogue.FOLDER / "workforce" / "collection.toml")
        .read_text()
        .replace('disclosure = "hes"', 'disclosure = "some"')
    )
    (tmp_path / "collection.toml").write_text(text)
    with pytest.raises(ValueError, match=r"disclosure is 'some'\. Expected one of hes, mhsds, as_published, none"):
        catalogue._read(tmp_path / "collection.toml")

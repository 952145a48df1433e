"""`dictionary`: the document is what the code declares, and a gap in either is found."""

import itertools
import re

import pytest
from trust_benchmarks import catalogue, reference, schemas, sql
from trust_benchmarks.cli import Refused, dictionary
from trust_benchmarks.sql import views
from trust_benchmarks.validation import rules


def test_the_data_dictionary_is_up_to_date(tb):
    ran = tb("dictionary", "--check")
    assert (ran.code, ran.err) == (0, ""), "Run: trust-benchmarks dictionary"


def test_drift_is_found(monkeypatch, tmp_path, capsys):
    page, contract = tmp_path / "docs" / "data-dictionary.md", tmp_path / "docs" / "contract" / "x.odcs.yaml"
    monkeypatch.setattr(dictionary, "DOCUMENT", page)
    monkeypatch.setattr(dictionary, "CONTRACT", contract)
    monkeypatch.setattr(dictionary, "_short", lambda path: path.name)
    assert dictionary.run(check=True) == 1
    assert dictionary.run(check=False) == 0 and dictionary.run(check=True) == 0
    page.write_text(page.read_text().replace("Headcount", "Heads").replace("WF-R1", "WF-R0"))
    capsys.readouterr()
    assert dictionary.run(check=True) == 1
    assert "WF-R1" in capsys.readouterr().err
    dictionary.run(check=False)
    contract.write_text(contract.read_text().replace("physicalType: text", "physicalType: varchar"))
    capsys.readouterr()
    assert dictionary.run(check=True) == 1
    assert re.search(r"x\.odcs\.yaml is out of date .*physicalType: text", capsys.readouterr().err)


def test_everything_is_in_it():
    text = dictionary.document()
    for name in catalogue.all():
        section = text.split(f"\n### {name}\n")[1].split("\n##")[0]
        fields = re.findall(r"^\| `(\w+)` ", section, re.M)
        assert fields == list(schemas.load(name).fields)
        assert set(re.findall(r"^\| ([A-Z]+-\w+) ", section, re.M)) == {rule.id for rule in rules.of(name)}
    assert {m.metric_id for m in reference.load().metrics} <= set(re.findall(r"^\| (\w+) \|", text, re.M))
    for view, columns in views.columns().items():
        section = text.split(f"\n### {view}\n")[1].split("\n### ")[0]
        assert re.findall(r"^\| `(\w+)` ", section, re.M) == columns


def test_the_rules_that_compare_periods_are_told_in_words():
    told = {rule.id: rule.says for name in catalogue.all() for rule in rules.across(name)}
    # Those that the head of each file of sql/cross names, but for STR05, which is a rule of every collection.
    files = [path.read_text(encoding="utf-8") for path in (sql.FOLDER / "cross").glob("[!_]*.sql")]
    heads = ["".join(itertools.takewhile(lambda line: line.startswith("--"), text.splitlines())) for text in files]
    named = {rule for head in heads for rule in re.findall(r"\b([A-Z]{2,}-R\d+):", head)}
    assert set(told) == named >= {"WF-R6", "FN-R2"} and all(re.search(r"-R\d+:", head) for head in heads)
    assert all(len(says) > 60 and "{" not in says and "Expected" in says for says in told.values())


@pytest.mark.parametrize("gap", ["rule", "view", "column"])
def test_a_gap_is_refused(monkeypatch, gap):
    real = views.columns()
    if gap == "rule":
        monkeypatch.setattr(dictionary, "_rules_in_code", lambda: {"VAL-NEW"})
    elif gap == "view":
        monkeypatch.setattr(views, "columns", lambda: real | {"published.new": ["x"]})
    else:
        more = {view: [*columns, "brand_new"] for view, columns in real.items()}
        monkeypatch.setattr(views, "columns", lambda: more)
    with pytest.raises(Refused, match=r"VAL-NEW|published\.new|brand_new"):
        dictionary.document()


def test_columns_are_read_from_sql_as_it_is_written():
    select = "SELECT DISTINCT ON (a, b) t.a, max(b, c) AS b, 'x, y' AS c, t.d::date AS \"d\" FROM core.t t"
    assert views._of_select(select.replace('"d"', "d"), {}) == ["a", "b", "c", "d"]
    star = "WITH x AS (SELECT 1 AS hidden FROM y) SELECT s.*, 1 AS one FROM core.s s JOIN core.u u ON true"
    assert views._of_select(star, {"core.s": ["p", "q"]}) == ["p", "q", "one"]

"""`dictionary`: the document is what the code declares, and a gap in either is found."""

import itertools
import re

import flow
import pytest
from trust_benchmarks import catalogue, reference, schemas, sql
from trust_benchmarks.cli import Refused, dictionary
from trust_benchmarks.sql import published
from trust_benchmarks.sql.published import Undescribed
from trust_benchmarks.stores import warehouse
from trust_benchmarks.validation import rule_wording


def test_the_data_dictionary_is_up_to_date(tb, services):
    ran = tb("dictionary", "--check", env=services)
    assert (ran.code, ran.err) == (0, ""), "Run: trust-benchmarks dictionary"


def test_drift_is_found(monkeypatch, tmp_path, capsys, services):
    page, contract = tmp_path / "docs" / "data-dictionary.md", tmp_path / "docs" / "contract" / "x.odcs.yaml"
    monkeypatch.setattr(dictionary, "DOCUMENT", page)
    monkeypatch.setattr(dictionary, "CONTRACT", contract)
    monkeypatch.setattr(dictionary, "MESSAGES", tmp_path / "docs" / "messages.md")
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


def test_everything_is_in_it(services):
    with warehouse.connect() as connection:
        text = dictionary.document(connection)
        described = published.described(connection)
    for name in catalogue.all():
        section = text.split(f"\n### {name}\n")[1].split("\n##")[0]
        fields = re.findall(r"^\| `(\w+)` ", section, re.M)
        assert fields == list(schemas.load(name).fields)
        assert set(re.findall(r"^\| ([A-Z]+-\w+) ", section, re.M)) == {rule.id for rule in rule_wording.of(name)}
    assert {m.metric_id for m in reference.load().metrics} <= set(re.findall(r"^\| (\w+) \|", text, re.M))
    for view in {(one.schema, one.view) for one in described}:
        section = text.split(f"\n### {'.'.join(view)}\n")[1].split("\n### ")[0]
        columns = [one.column for one in described if (one.schema, one.view) == view]
        assert re.findall(r"^\| `(\w+)` ", section, re.M) == columns


def test_the_rules_that_compare_periods_are_told_in_words():
    told = {rule.id: rule.says for name in catalogue.all() for rule in rule_wording.across(name)}
    # Those that the head of each file of sql/cross names, but for STR05, which is a rule of every collection.
    files = [path.read_text(encoding="utf-8") for path in (sql.FOLDER / "cross").glob("[!_]*.sql")]
    heads = ["".join(itertools.takewhile(lambda line: line.startswith("--"), text.splitlines())) for text in files]
    named = {rule for head in heads for rule in re.findall(r"\b([A-Z]{2,}-R\d+):", head)}
    assert set(told) == named >= {"WF-R6", "FN-R2"} and all(re.search(r"-R\d+:", head) for head in heads)
    assert all(len(says) > 60 and "{" not in says and "Expected" in says for says in told.values())


def test_a_rule_without_words_is_refused(monkeypatch, services):
    monkeypatch.setattr(dictionary, "_rules_in_code", lambda: {"VAL-NEW"})
    with pytest.raises(Refused, match="VAL-NEW"), warehouse.connect() as connection:
        dictionary.document(connection)


@pytest.mark.parametrize(
    "gap",
    [
        "CREATE VIEW published.brand_new AS SELECT 1 AS one",
        "CREATE VIEW intake.brand_new AS SELECT 1 AS one; COMMENT ON VIEW intake.brand_new IS 'Words.'",
        "CREATE FUNCTION published.brand_new() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_what_has_no_comment_is_refused(services, gap):
    with pytest.raises(Undescribed, match=r"without a comment: .*brand_new"), flow.as_owner() as connection:
        connection.execute(gap)
        dictionary.document(connection)


def test_a_warehouse_of_other_migrations_is_not_described(tb, world):
    with flow.as_owner() as connection:
        connection.execute("DELETE FROM public.migration WHERE name LIKE '01%'")
    ran = tb("dictionary", "--check", env=world)
    assert ran.code == 2 and "made by other migrations (01_basis.sql differ)" in ran.err

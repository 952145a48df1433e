"""The client against the real API: frames equal SQL, with types, of one edition; the example of its README runs."""

import datetime
import re
from pathlib import Path

import flow
import httpx
import pandas as pd
import pytest
import trust_benchmarks_client
from served import KEY, served
from test_as_at import MADE, make
from trust_benchmarks.stores import warehouse
from trust_benchmarks_client import Client, Refused

README = Path(__file__).parents[2] / "client" / "README.md"


@pytest.fixture(scope="module", autouse=True)
def address(shared_world):
    for month in ("2025-05", "2025-06"):
        for number, ods in enumerate(flow.TRUSTS[:6]):
            flow.put_return(ods, month, flow.workforce(ods, month, scale=1 + number / 10))
    flow.take_in()
    flow.release()
    with served() as url:
        yield url


@pytest.fixture
def tb(address):
    return Client(address, KEY)


def test_a_frame_has_the_rows_and_values_of_sql(tb):
    names = "metric_id, period, provider_code, value, percentile_rank, rows_sent, suppressed, withheld, decisions, period_start, published_at"
    expected = flow.rows(
        f"SELECT {names} FROM published.figures WHERE metric_id IN ('WF01', 'WF12') ORDER BY period, metric_id, provider_code"
    )
    frame = tb.figures(["WF01", "WF12"], fields=names.split(", "))
    assert len(frame) == len(expected) > 100
    for place, name in enumerate(names.split(", ")):
        found = [None if not isinstance(value, list) and pd.isna(value) else value for value in frame[name]]
        if name == "period_start":
            found = [value.date() for value in found]
        assert found == [row[place] for row in expected], name
    types = frame.dtypes.astype(str).to_dict()
    assert types["rows_sent"] == "Int64" and types["suppressed"] == "boolean" and types["value"] == "float64"
    assert (
        types["period_start"].startswith("datetime64")
        and types["published_at"].endswith("UTC]")
        and types["metric_id"].startswith("str")
    )
    assert frame.attrs == {
        "table": "figures",
        "edition": flow.value("SELECT edition_id FROM published.editions ORDER BY number DESC LIMIT 1"),
    }
    assert list(tb.figures("WF01").columns) == [column.name for column in flow.published_views()["figures"].columns]


def test_nothing_found_is_a_frame_with_the_same_columns_and_types(tb):
    some, none = tb.figures("WF01"), tb.figures("WF01", trust="XXX")
    assert len(none) == 0 and list(none.columns) == list(some.columns)
    kinds = {name: str(some[name].dtype) for name in some.columns if some[name].notna().any()}
    differing = {name for name in kinds if str(none[name].dtype)[:10] != kinds[name][:10]}
    assert not differing


def test_pages_make_one_frame_of_one_edition(tb, monkeypatch):
    whole = tb.latest()
    monkeypatch.setattr(trust_benchmarks_client, "PAGE", 500)
    pd.testing.assert_frame_equal(tb.latest(), whole)
    assert len(whole) > 1000
    # An edition is published after the first page: the client begins again.
    read, asked = tb._get, []

    def slow(url, parameters):
        asked.append(url)
        if len(asked) == 2:
            with warehouse.connect() as connection:
                make(connection, "made_up-1", 4.5)
                flow.point(connection, *MADE, "made_up-1")
        return read(url, parameters)

    monkeypatch.setattr(tb, "_get", slow)
    again = tb.latest(collection=["workforce", "made_up"])
    assert again.attrs["edition"] == flow.value(
        "SELECT edition_id FROM published.editions ORDER BY number DESC LIMIT 1"
    )
    assert len(again) == flow.value("SELECT count(*) FROM published.latest") and set(again["collection"]) == {
        "workforce",
        "made_up",
    }


def test_as_at_and_empty_columns_and_dates(tb):
    moment = flow.value("SELECT min(switched_at) FROM published.editions")
    then = tb.as_at(moment).figures("WF01", period="2025-06")
    assert then.equals(tb.figures("WF01", period="2025-06")) and len(then) > 0
    assert tb.as_at(moment - datetime.timedelta(seconds=1)).figures().empty
    assert len(tb.measures(value=None)) == flow.value("SELECT count(*) FROM published.measures WHERE value IS NULL")
    since = tb.figures("WF01", since=datetime.date(2025, 6, 1))
    assert set(since["period"]) == {"2025-06"}
    with pytest.raises(Refused, match="figures and latest have"):
        tb.as_at("2026-01-31").movements("WF01")


def test_refusals_are_in_words(tb, address, monkeypatch):
    with pytest.raises(Refused, match="The parameter 'colour' is not known for figures") as told:
        tb.figures(colour="blue")
    assert told.value.status == 400 and told.value.problem["to_do"]
    with pytest.raises(Refused, match="no key that is known"):
        Client(address, "tb_wrong").metrics()
    with pytest.raises(httpx.TransportError):
        Client("http://127.0.0.1:1/api/v1").metrics()
    monkeypatch.delenv("TB_API_URL", raising=False)
    with pytest.raises(ValueError, match="TB_API_URL"):
        Client()


def test_the_example_of_the_readme_runs(address, monkeypatch, capsys):
    monkeypatch.setenv("TB_API_URL", address)
    monkeypatch.setenv("TB_API_KEY", KEY)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    exec(code, names)
    assert (
        len(names["series"]) == 2
        and len(names["profile"]) > 10
        and len(names["spread"]) == 2
        and not names["gaps"].empty
    )
    assert "'colour' is not known for figures" in capsys.readouterr().out

"""The HTTP API over a real warehouse: what it answers equals SQL, one edition at a time, and nothing more than may be seen."""

import csv
import html
import io
import itertools
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import flow
import httpx
import psycopg
import pyarrow as pa
import pytest
import sizes
from served import COMMERCIAL, KEY, served
from test_as_at import MADE, make
from trust_benchmarks.api import answer, app, question, readers, tables
from trust_benchmarks.api.problems import Problem
from trust_benchmarks.pages import readable
from trust_benchmarks.reference import calendar
from trust_benchmarks.stores import warehouse
from trust_benchmarks_local import http_api
from trust_benchmarks_local.state import State

HERE = Path(__file__).parents[2]
MONTHS = calendar.periods("2025-03", "2025-06")
TABLES = {"metrics", "providers", "figures", "latest", "benchmarks", "comparisons", "movements", "timeline", "editions"}
TABLES |= {"data_status", "measures", "reasons", "signals", "price_comparison"}


@pytest.fixture(scope="module", autouse=True)
def address(shared_world):
    """The API over four months of eight trusts, and a made-up release with prices that rests on samples."""
    for month in MONTHS:
        for number, ods in enumerate(flow.TRUSTS):
            flow.put_return(ods, month, flow.workforce(ods, month, scale=1 + number / 10))
    flow.take_in()
    flow.release()
    with warehouse.connect() as connection:
        make(connection, "made_up-1", 4.5)
        flow.point(connection, *MADE, "made_up-1")
    with served() as url:
        yield url


@pytest.fixture(scope="module")
def ask(address):
    """GET of a path with parameters, by somebody with the ordinary key unless another or no key is given."""
    with httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as client:

        def get(path, key=KEY, headers=None, **parameters):
            allowed = {"Authorization": f"Bearer {key}"} if key else {}
            return client.get(path, params=parameters or None, headers=allowed | (headers or {}))

        yield get


def pages(ask, path, **parameters):
    """All rows over all pages."""
    found, cursor = [], {}
    while True:
        page = ask(path, **parameters, **cursor).raise_for_status().json()
        found += page["data"]
        if not page["next"]:
            return found
        cursor = {"cursor": dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page["next"]).query))["cursor"]}


def values(page, *names):
    return [tuple(row[name] for name in names) for row in page]


# What is asked for is what SQL finds -------------------------------------------------------------------------------------


def test_every_table_gives_every_row_of_its_view_in_pages_of_any_size(ask):
    described = {table["name"]: table for table in ask("").json()["tables"]}
    assert described.keys() >= TABLES
    filled = set()
    for name, table in described.items():
        if name == "price_comparison":
            continue
        key = ", ".join(f"t.{column}::text" for column in table["key"])
        # The key as text, in the order of the key's own types.
        expected = flow.rows(
            f"SELECT {key} FROM {table['view']} t ORDER BY {', '.join('t.' + one for one in table['key'])}"
        )
        filled |= {name} if expected else set()
        size = max(3, len(expected) // 3 + 1)
        plain = [row for row in pages(ask, name, fields=",".join(table["key"]), limit=size)]
        assert len(plain) == len(expected), name
        texts = [
            c for c in table["key"] if all(isinstance(row[c], str | int) and "T" not in str(row[c]) for row in plain)
        ]
        places = [table["key"].index(column) for column in texts]
        assert [tuple(str(row[column]) for column in texts) for row in plain] == [
            tuple(row[place] for place in places) for row in expected
        ], name
    assert filled >= TABLES - {"price_comparison", "movements"}


@pytest.mark.parametrize(
    ("table", "asked", "where"),
    [
        ("figures", {"metric": "WF04", "trust": "RA9"}, "metric_id = 'WF04' AND provider_code = 'RA9'"),
        ("figures", {"metric_id": ["WF01", "WF04"], "period": "2025-06"}, "metric_id IN ('WF01', 'WF04') AND period = '2025-06'"),
        ("figures", {"since": "2025-05", "metric": "WF04"}, "period IN ('2025-05', '2025-06') AND metric_id = 'WF04'"),
        ("figures", {"until": "2025-04-01", "metric": "WF04"}, "period IN ('2025-03', '2025-04') AND metric_id = 'WF04'"),
        ("figures", {"until": "2024-25", "metric": "WF04"}, "period = '2025-03' AND metric_id = 'WF04'"),
        ("figures", {"withheld": "", "metric": "WF01"}, "withheld IS NULL AND metric_id = 'WF01'"),
        ("figures", {"suppressed": "true"}, "suppressed"),
        ("figures", {"quartile": ["", "1"], "metric": "WF04"}, "(quartile IS NULL OR quartile = 1) AND metric_id = 'WF04'"),
        ("benchmarks", {"since": "2025-06", "collection": "workforce"}, "period = '2025-06' AND collection = 'workforce'"),
        ("providers", {"in_cohort": "false", "sector": "acute"}, "NOT in_cohort AND sector = 'acute'"),
        ("timeline", {"since": "2018-01-01", "until": "2018-06-30"}, "occurred_from BETWEEN '2018-01-01' AND '2018-06-30'"),
        ("latest", {"collection": "workforce", "trust": "RP7"}, "collection = 'workforce' AND provider_code = 'RP7'"),
    ],
)  # fmt: skip
def test_filters_choose_the_rows_that_sql_chooses(ask, table, asked, where):
    view = {"timeline": "engagement_timeline"}.get(table, table)
    key = {"providers": "provider_code", "timeline": "event_id", "benchmarks": "period, metric_id, peer_group"}
    columns = key.get(table, "period, metric_id, provider_code")
    expected = flow.rows(f"SELECT {columns} FROM published.{view} WHERE {where}")
    found = values(pages(ask, table, limit=23, **asked), *columns.split(", "))
    assert sorted(found) == sorted(expected)
    assert found or "suppressed" in asked
    assert len(expected) < flow.value(f"SELECT count(*) FROM published.{view}")


def test_the_three_formats_hold_the_same_rows_with_the_same_types(ask):
    most = "SELECT metric_id FROM published.figures GROUP BY 1 ORDER BY count(DISTINCT value) DESC LIMIT 1"
    asked = {"metric": flow.value(most), "period": "2025-06"}
    plain = ask("figures", **asked).json()["data"]
    lines = list(csv.DictReader(io.StringIO(ask("figures", format="csv", **asked).text)))
    table = pa.ipc.open_stream(
        ask("figures", headers={"Accept": "application/vnd.apache.arrow.stream"}, **asked).content
    ).read_all()
    described = flow.published_views()["figures"].columns
    assert [*plain[0]] == [*lines[0]] == table.column_names == [column.name for column in described]
    expected = flow.value(
        "SELECT count(*) FROM published.figures WHERE (metric_id, period) = (%s, %s)", list(asked.values())
    )
    assert len(plain) == len(lines) == table.num_rows == expected
    assert values(plain, "value", "quartile", "suppressed") == values(
        table.to_pylist(), "value", "quartile", "suppressed"
    )
    numbers = [float(line["value"]) if line["value"] else None for line in lines]
    assert numbers == [row["value"] for row in plain] and len(set(numbers)) > 3
    types = dict(zip(table.column_names, map(str, table.schema.types), strict=True))
    assert types["period_start"] == "date32[day]" and types["published_at"] == "timestamp[us, tz=UTC]"
    assert types["decisions"] == "list<item: int64>" and types["value"] == "double"
    ((moment, value),) = flow.rows(
        "SELECT published_at, value FROM published.figures WHERE (metric_id, period, provider_code) = (%s, %s, 'RA9')",
        list(asked.values()),
    )
    (row,) = [row for row in table.to_pylist() if row["provider_code"] == "RA9"]
    assert (row["published_at"], row["value"]) == (moment, value)


def test_the_format_is_chosen_by_the_header_too(ask):
    kinds = {
        "text/csv": "text/csv; charset=utf-8",
        "text/*;q=0.1, application/json;q=0.9": "application/json",
        "*/*": "application/json",
    }
    for accept, expected in kinds.items():
        assert ask("reasons", headers={"Accept": accept}).headers["content-type"] == expected
    refused = ask("reasons", headers={"Accept": "image/png"})
    assert refused.status_code == 406 and "text/csv" in refused.json()["expected"]


def test_as_at_says_what_the_table_said_at_the_moment(ask):
    ((first, before),) = flow.rows(
        "SELECT min(switched_at), min(switched_at) - interval '1 second' FROM published.editions"
    )
    asked = {"collection": "workforce", "period": "2025-06", "limit": 20_000}
    then = ask("measures", as_at=first.isoformat(), **asked).json()
    assert len(then["data"]) == flow.value(
        "SELECT count(*) FROM published.measures WHERE collection = 'workforce' AND period = '2025-06'"
    )
    assert then["edition"] == flow.value("SELECT edition_id FROM published.editions ORDER BY number LIMIT 1")
    nothing = ask("measures", as_at=before.isoformat(), **asked).json()
    assert (nothing["data"], nothing["edition"]) == ([], "none")
    refused = ask("movements", as_at="2026-01-01")
    assert refused.status_code == 400 and refused.json()["type"].endswith(":no_as_at")
    assert ask("measures", as_at="2999-01-01").status_code == 400


def test_the_ten_questions_of_the_documentation_are_one_call_each(ask):
    calls = re.findall(r"^\| .*\? \| `\$API/([^`]+)` \|$", (HERE / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)
    assert len(calls) == 10
    rows = {call: ask("/" + call).raise_for_status().json()["data"] for call in calls}
    # Nothing has been released twice here, and not every trust is in a worst quarter.
    may_be_empty = {call for call in calls if call.startswith("movements") or "quartile=1" in call}
    assert {call for call, found in rows.items() if not found} <= may_be_empty
    worst = "SELECT count(*) FROM published.latest WHERE provider_code = 'RP7' AND quartile = 1"
    assert [len(found) for call, found in rows.items() if "quartile=1" in call] == [flow.value(worst)]
    (series,) = [found for call, found in rows.items() if call.startswith("figures") and "since" in call]
    assert [row["value"] for row in series] == [
        value
        for (value,) in flow.rows(
            "SELECT value FROM published.figures WHERE (metric_id, provider_code) = ('WF04', 'RP7') ORDER BY period"
        )
    ]


# Editions --------------------------------------------------------------------------------------------------------------


def test_the_tag_is_the_editions_and_spares_what_the_asker_has(ask):
    current = flow.value("SELECT edition_id FROM published.editions ORDER BY number DESC LIMIT 1")
    first = ask("figures", metric="WF04")
    assert first.headers["etag"].startswith(f'"{current}.') and first.headers["x-edition"] == current
    again = ask("figures", metric="WF04", headers={"If-None-Match": f'W/"x", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (
        ask("figures", metric="WF04", format="csv", headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    )


def test_while_editions_switch_every_answer_is_of_one_and_its_tag_says_which(ask, address):
    """A made-up collection whose every value is the release's number: an answer with two numbers would be half of each."""
    numbers = range(2, 14)
    with warehouse.connect() as connection:
        for number in numbers:
            make(connection, f"made_up-{number}", float(number))
    seen, stop = [], threading.Event()

    def read():
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client:
            while not stop.is_set():
                found = client.get("measures", params={"collection": "made_up"})
                seen.append((found.headers["etag"], found.json()["edition"], found.json()["data"]))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    editions = {}
    for number in numbers:
        with warehouse.connect() as connection:
            flow.point(connection, *MADE, f"made_up-{number}")
        editions[flow.value("SELECT edition_id FROM published.editions ORDER BY number DESC LIMIT 1")] = float(number)
        enough, until = len(seen) + 4, time.monotonic() + 5
        while len(seen) < enough and time.monotonic() < until:  # a busy machine must have read before the next switch
            time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    of_ours = [one for one in seen if one[1] in editions]
    assert len({edition for _, edition, _ in of_ours}) > 2
    for tag, edition, rows in of_ours:
        assert tag.startswith(f'"{edition}.') and {row["value"] for row in rows} == {editions[edition]}
        assert {row["release_id"] for row in rows} == {f"made_up-{int(editions[edition])}"}


def test_pages_of_two_editions_are_not_put_together(ask):
    page = ask("figures", limit=5, metric="WF04").json()
    cursor = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page["next"]).query))["cursor"]
    with warehouse.connect() as connection:
        flow.point(connection, *MADE, "made_up-1")
    refused = ask("figures", limit=5, metric="WF04", cursor=cursor)
    assert refused.status_code == 409 and refused.json()["to_do"] == "Begin again without cursor."


# Who sees what ---------------------------------------------------------------------------------------------------------


def test_the_public_sees_no_samples_no_prices_of_trusts_and_nobodys_words(ask):
    flow_of_samples = "SELECT count(*) FROM published.measures WHERE is_sample"
    samples = flow.value(flow_of_samples)
    assert samples > 0
    asked = {"fields": "is_sample", "limit": 20_000}
    assert sum(row["is_sample"] for row in ask("measures", **asked).json()["data"]) == samples
    public = ask("measures", key=None, **asked).json()["data"]
    assert public and not any(row["is_sample"] for row in public)
    assert ask("price_comparison", key=None).status_code == ask("price_comparison").status_code == 403
    assert ask("price_comparison", key=COMMERCIAL).json()["data"][0]["unit_price_gbp"] == 4.5
    assert "reason" in ask("editions").json()["data"][0] and "reason" not in ask("editions", key=None).json()["data"][0]
    for name in ("editions", "revisions"):
        assert ask(name, key=None, fields="reason").status_code == ask(name, key=None, reason="x").status_code == 400


def test_what_the_role_may_not_see_the_api_does_not_show_either(shared_world, ask):
    """The right to commercial tables is the database's too: without it a key finds none."""
    url = f"postgresql://postgres:{shared_world['TB_POSTGRES_PASSWORD']}@127.0.0.1:{shared_world['TB_PORT_POSTGRES']}/postgres"
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("REVOKE published_commercial FROM dashboard_reader GRANTED BY warehouse")
        try:
            assert ask("price_comparison", key=COMMERCIAL).json()["data"] == []
        finally:
            superuser.execute("GRANT published_commercial TO dashboard_reader GRANTED BY warehouse")
    with answer.reading() as connection:
        for statement in (
            "SELECT * FROM core.measure",
            "SELECT * FROM intake.submissions",
            "CREATE TEMP TABLE x (y int)",
        ):
            with (
                pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)),
                connection.transaction(),
            ):
                connection.execute(statement)
        settings = "SELECT current_user, current_setting('transaction_isolation'), current_setting('statement_timeout')"
        assert connection.execute(settings).fetchone() == ("dashboard_reader", "repeatable read", "10s")


def test_a_key_that_is_not_known_is_refused_and_counted(ask):
    refused = ask("figures", key="tb_guessed")
    assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Bearer")
    assert ask("figures", key=None, headers={"Authorization": f"Basic {KEY}"}).status_code == 401


def test_too_many_requests_are_told_when_to_come_back():
    with served(TB_API_PUBLIC_RATE="5") as url, httpx.Client(trust_env=False) as client:
        found = [client.get(f"{url}/reasons") for _ in range(7)]
        assert [one.status_code for one in found] == [200] * 5 + [429] * 2
        assert 1 <= int(found[-1].headers["retry-after"]) <= 13
        with_key = client.get(f"{url}/reasons", headers={"Authorization": f"Bearer {KEY}"})
        assert with_key.status_code == 200
        assert client.get(f"{url}/reasons", headers={"Authorization": "Bearer tb_guessed"}).status_code == 429


# What goes wrong -------------------------------------------------------------------------------------------------------


HOSTILE = (
    "'; DROP TABLE core.measure; --",
    '" OR 1=1',
    "\0",
    "%s",
    "{}",
    "\ud800",
    "x" * 5000,
    "-1",
    "NaN",
    "1e999",
    "９",
    "9" * 40,
)


def test_hostile_values_are_refused_or_find_nothing(ask, address):
    before = flow.value("SELECT count(*) FROM core.measure")
    columns = ("metric_id", "value", "suppressed", "percentile_rank", "decisions", "rows_sent")
    asked = [*itertools.product((*columns, *tables.RESERVED, "core.measure"), HOSTILE)]
    asked += [(name, "1") for name in ("1; --", "value)", "*", "ctid", "t.value", "")]
    with httpx.Client(trust_env=False) as client:
        for name, value in asked:
            text = urllib.parse.quote(value) if value != "\ud800" else "%ED%A0%80"
            response = client.get(f"{address}/measures?collection=none&{urllib.parse.quote(name)}={text}")
            assert response.status_code in ((400, 409) if name == "cursor" else (200, 400)), (
                name,
                value,
                response.text,
            )
            if response.status_code != 200:
                problem = response.json()
                assert response.headers["content-type"] == "application/problem+json"
                assert problem["found"] and problem["expected"] and problem["to_do"] and len(problem["found"]) < 300
            else:
                assert response.json()["data"] == [], (name, value)
    assert flow.value("SELECT count(*) FROM core.measure") == before


@pytest.mark.parametrize(
    ("path", "asked", "status", "told"),
    [
        ("figure", {}, 404, "Expected one of: measures"),
        ("figures", {"metrik": "WF04"}, 400, "metric_id"),
        ("figures", {"fields": "value,colour"}, 400, "'colour'"),
        ("figures", {"limit": "0"}, 400, "1 to 20000"),
        ("figures", {"since": "June 2025"}, 400, "a month such as 2025-06"),
        ("reasons", {"since": "2025-06"}, 400, "does not fit reasons"),
        ("figures", {"since": ["2025-05", "2025-06"]}, 400, "comes 2 times"),
        ("figures", {"quartile": "best"}, 400, "a whole number"),
        ("figures", {"metric": ["WF01"] * 201}, 400, "at most 200"),
    ],
)
def test_problems_say_what_was_found_and_what_to_do(ask, path, asked, status, told):
    response = ask(path, **asked)
    assert response.status_code == status and told in response.json()["detail"]


def test_cursors_of_other_questions_and_made_up_ones_are_refused(ask, address):
    cursor = dict(urllib.parse.parse_qsl(ask("figures", metric="WF04", limit=2).json()["next"].partition("?")[2]))[
        "cursor"
    ]
    assert ask("figures", metric="WF04", cursor=cursor).status_code == 200
    for wrong in ({"metric": "WF01"}, {}, {"metric": "WF04", "since": "2025-05"}):
        assert ask("figures", cursor=cursor, **wrong).status_code == 409
    for made in ("AAAA", cursor[:-3], cursor + "AAAA", "W10", "W251bGxd"):
        assert ask("figures", metric="WF04", cursor=made).status_code == 409, made
    for made in ("", "a b", "+/==", "x" * 20_001):
        assert ask("figures", metric="WF04", cursor=made).status_code == 400, made


def test_nothing_is_written_over_http(address):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = httpx.request(method, f"{address}/figures", trust_env=False)
        assert (
            response.status_code == 405 and response.json()["found"] == f"'/api/v1/figures' was asked with '{method}'."
        )
    head = httpx.head(f"{address}/reasons", trust_env=False)
    assert head.status_code == 200 and head.headers["etag"] and not head.content


def test_a_question_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(answer, "SECONDS", 0.05)
    with pytest.raises(Problem) as told, answer.reading() as connection:
        connection.execute("SELECT pg_sleep(5)")
    assert (told.value.status, told.value.code) == (503, "too_much_at_once")


def test_a_warehouse_that_is_away_is_a_problem_and_no_secret(ask, shared_world, monkeypatch):
    monkeypatch.setenv("TB_WAREHOUSE_URL", "postgresql://warehouse@127.0.0.1:1/warehouse")
    response = ask("reasons")
    assert response.status_code == 503 and "postgresql" not in response.text and response.headers["retry-after"]


def test_questions_wait_for_a_place_and_then_are_told_to_come_back(ask, monkeypatch):
    monkeypatch.setattr(answer, "AT_ONCE", threading.BoundedSemaphore(1))
    monkeypatch.setattr(answer, "WAIT", 0.05)
    with answer.slot():
        assert ask("reasons").json()["found"] == "Too many requests are being answered at the moment."
    assert ask("reasons").status_code == 200


# The description ---------------------------------------------------------------------------------------------------------


def test_the_description_is_made_of_the_views_and_what_is_answered_fits_it(ask):
    description = ask("openapi.json").json()
    assert description["openapi"] == "3.1.0"
    views = flow.published_views()
    for name, table in {table["name"]: table for table in ask("").json()["tables"]}.items():
        view = views[table["view"].partition(".")[2]]
        schema = description["components"]["schemas"][f"{name}_row"]["properties"]
        assert [*schema] == [column.name for column in view.columns]
        assert all(schema[column.name]["description"].startswith(column.words) for column in view.columns)
        if name == "price_comparison":
            continue
        for row in ask(name, limit=200).json()["data"]:
            for column, value in row.items():
                assert fits(value, schema[column]), (name, column, value)


def fits(value, schema):
    kinds = {"string": str, "integer": int, "number": int | float, "boolean": bool, "null": type(None), "array": list}
    named = schema.get("type", [*kinds])
    expected = [named] if isinstance(named, str) else named
    return any(isinstance(value, kinds[kind]) for kind in expected) and (
        "enum" not in schema or value in schema["enum"]
    )


def test_a_new_column_and_a_new_view_with_a_key_appear_by_themselves():
    with flow.as_owner() as connection:
        connection.execute(
            "CREATE OR REPLACE VIEW published.reasons AS SELECT code, sentence, length(sentence) AS letters FROM core.reason"
        )
        connection.execute("COMMENT ON COLUMN published.reasons.letters IS 'Letters of the sentence.'")
        found = tables.read(connection)["reasons"]
        asked = question.read(found, [("letters", "40"), ("fields", "letters")])
        statement, parameters = answer.statement_for(asked, False)
        assert {row[0] for row in connection.execute(statement, parameters)} <= {40}
        assert tables.row_schema(found)["properties"]["letters"]["type"] == ["integer", "null"]
        connection.rollback()


def test_the_examples_of_the_documentation_are_answered(ask):
    examples = re.findall(r'^curl (?:-i )?"\$API(/?[^"]*)"', (HERE / "docs" / "api.md").read_text(), re.MULTILINE)
    assert len(examples) > 8
    for example in examples:
        response = ask(example)
        assert response.status_code == (400 if "metrik" in example else 200), (example, response.text)


@pytest.mark.full  # a start of the command takes seconds
def test_make_run_starts_the_command_with_a_key_and_ends_it(shared_world, tmp_path):
    state = State(tmp_path / "state").open()
    state.keep(**shared_world | {"TB_PORT_AIRFLOW": "1"})
    child = http_api.start(state)
    try:
        transport = httpx.HTTPTransport(retries=8)  # with waits that double, from half a second on
        with httpx.Client(transport=transport, trust_env=False) as client:
            key = {"Authorization": f"Bearer {state.settings['TB_API_KEY']}"}
            address = http_api.address(state)
            assert client.get(f"{address}/price_comparison", headers=key).json()["data"]
            assert any(row["is_sample"] for row in client.get(f"{address}/measures?collection=made_up").json()["data"])
        assert child.alive() and address in child.log.read_text()
    finally:
        child.stop()
    assert child.process.returncode in (0, -signal.SIGTERM)


def test_settings_that_cannot_be_read_say_what_is_expected(monkeypatch):
    for name, value in ((readers.KEYS, "reader:secret"), (readers.PUBLIC_RATE, "many"), (readers.KEY_RATE, "0")):
        with monkeypatch.context() as patch, pytest.raises(readers.Unconfigured, match="Expected"):
            patch.setenv(name, value)
            app.create()


# The front page -------------------------------------------------------------------------------------------------------


def test_every_link_of_the_front_page_leads_on_and_pages_show_what_the_api_answers(ask, address):
    root = address.removesuffix(app.ROOT)
    waiting, seen = ["/"], {}
    with httpx.Client(base_url=root, trust_env=False) as client:
        while waiting:
            path = waiting.pop()
            found = client.get(path)
            assert found.status_code == 200, (path, found.text[:300])
            seen[path] = found
            if "html" in found.headers["Content-Type"]:
                assert found.headers["Content-Security-Policy"].startswith("default-src 'none'")
                links = {html.unescape(one) for one in re.findall(r'(?:href)="(/[^"#]*)"', found.text)}
                waiting += sorted(links - seen.keys() - set(waiting))
        again = client.get("/", headers={"If-None-Match": seen["/"].headers["ETag"]})
    assert again.status_code == 304
    trusts = {path for path in seen if path.startswith("/trusts/")}
    public = ask("latest", key=None, limit=20000).json()["data"]  # no samples
    assert trusts == {f"/trusts/{row['provider_code']}" for row in public}
    rows = ask("figures", key=None, metric="WF04", period="2025-06").json()["data"]
    page = seen["/metrics/WF04"].text
    assert rows
    assert all(f'href="/trusts/{row["provider_code"]}"' in page for row in rows)
    values = [row["value"] for row in sorted(rows, key=lambda row: -(row["value"] or 0)) if row["value"] is not None]
    shown = re.findall(r'<td class="number">([^<]+)</td>\s*<td class="bar"><svg', page)
    assert shown == [readable.with_unit(value, rows[0]["unit"]) for value in values]
    assert "invented figures" not in page


@pytest.mark.parametrize(
    "path", ["/trusts/%3Cscript%3E", "/metrics/WF99", "/nowhere", "/trusts/%00", "/metrics/WF04?period=%27"]
)
def test_pages_that_are_not_there_say_so_harmlessly(address, path):
    found = httpx.get(address.removesuffix(app.ROOT) + path, trust_env=False)
    assert found.status_code in ((200,) if "period" in path else (404, 400)), found.text
    assert "<script" not in found.text
    assert "<h1>" in found.text


def test_the_feed_has_every_edition_with_what_changed_in_it(ask, address):
    found = httpx.get(address.removesuffix(app.ROOT) + "/feed.atom", trust_env=False)
    atom = "{http://www.w3.org/2005/Atom}"
    entries = ElementTree.fromstring(found.content).findall(f"{atom}entry")
    editions = ask("editions").json()["data"][::-1]
    assert [one.findtext(f"{atom}id") for one in entries] == [
        f"urn:trust-benchmarks:edition:{one['number']}" for one in editions
    ]
    for entry, edition in zip(entries, editions, strict=True):
        assert datetime.fromisoformat(entry.findtext(f"{atom}updated")) == datetime.fromisoformat(
            edition["switched_at"]
        ).replace(microsecond=0)
        assert entry.findtext(f"{atom}content").count("(release ") == edition["changed"]


# What tools make of the description -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [COMMERCIAL, None] if sizes.FULL else [COMMERCIAL], ids=lambda key: "with a key" if key else "public"
)
def test_schemathesis_finds_nothing_between_the_description_and_the_answers(address, tmp_path, key):
    """Every table with values that its description allows and values that it does not; in full form many more of them."""
    # Moments that are yet to come are refused, which a description cannot say.
    (tmp_path / "schemathesis.toml").write_text('[parameters]\n"query.as_at" = "2026-01-31"\n')
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{address}/openapi.json", "--no-color"]
    command += ["--url", address.removesuffix(app.ROOT), "--seed=14", "--no-shrink", "--generation-database=none"]
    command += ["--checks=all", "--workers=2", "--continue-on-failure"]
    command += (
        ["--phases=examples,coverage,fuzzing", "--max-examples=5"]
        if sizes.FULL
        else ["--phases=fuzzing", "--max-examples=2"]
    )
    command += ["--header", f"Authorization: Bearer {key}"] if key else []
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1200 if sizes.FULL else 100)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert re.search(r"[1-9][0-9]* passed", done.stdout), done.stdout[-2000:]

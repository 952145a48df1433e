"""The dashboard as `make dashboard` sets it up, in a real browser: every chart shows what SQL says. `make test-dashboard` runs this."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "dashboard"
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

pytestmark = pytest.mark.skipif(
    not os.environ.get("TB_TEST_DASHBOARD"), reason="sets Superset up, which takes minutes: make test-dashboard"
)

CHARTS = {
    chart["slice_name"]: chart for chart in (yaml.safe_load(p.read_text()) for p in FOLDER.glob("assets/charts/*.yaml"))
}
SAMPLE = {"TB_SAMPLE_PROVIDERS": "16", "TB_SAMPLE_PERIODS": "4", "TB_SAMPLE_LINES": "40"}
COLLECTIONS = ("workforce", "estates", "procurement_prices")


@pytest.fixture(scope="module")
def folder():
    """A state folder in which sample returns of three collections were published; nothing runs in it."""
    from flow import release, take_in
    from trust_benchmarks.ingest import reference_load
    from trust_benchmarks.stores import objects, warehouse
    from trust_benchmarks_local import inbox, services
    from trust_benchmarks_local.state import State

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="trust-benchmarks-") as parent:
        for name, value in SAMPLE.items():
            patch.setenv(name, value)
        folder = Path(parent) / "state"
        with services.running(folder):
            objects.client.cache_clear()
            warehouse.migrate()
            reference_load.refresh()
            state = State(folder).open()
            files = [file for file in inbox.sample_files(state) if file.key.split("/")[0] in COLLECTIONS]
            inbox.upload(state.settings, files, lambda: None)
            take_in()
            assert release()
        objects.client.cache_clear()
        yield folder
        assert not left_running(folder)


def left_running(folder: Path) -> list:
    """Processes of this state folder that still live."""
    from trust_benchmarks_local import postgres, processes

    return [
        *processes.marked(folder),
        *processes.marked(folder / "dashboard"),
        *postgres.servers(folder / "data/postgres"),
    ]


class Started:
    """`make dashboard` without make: what it printed so far, and where it is."""

    def __init__(self, folder: Path):
        self.log = folder.parent / f"dashboard-{time.monotonic_ns()}.log"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, FOLDER / "run.py"],
                env=os.environ | {"TB_STATE": str(folder)},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        give_up = time.monotonic() + 400
        while "It stays up until Ctrl-C." not in self.said():
            assert self.process.poll() is None and time.monotonic() < give_up, self.said()
            time.sleep(0.5)
        self.url = re.search(r"Dashboard +(http://127\.0\.0\.1:\d+)(/\S+)\n", self.said())[1]
        self.page = re.search(r"Dashboard +(http://127\.0\.0\.1:\d+)(/\S+)\n", self.said())[2]
        self.user, self.password = re.search(r"user (\w+), password (\S+)\n", self.said()).groups()

    def said(self) -> str:
        return self.log.read_text()

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextlib.contextmanager
def started(folder: Path):
    run = Started(folder)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.stop()


def settings_of(folder: Path) -> dict[str, str]:
    from trust_benchmarks_local.state import State

    return State(folder).read()


@contextlib.contextmanager
def reader(folder: Path):
    """The warehouse as the dashboard's own role."""
    kept = settings_of(folder)
    host = kept["TB_WAREHOUSE_URL"].rpartition("@")[2]
    with psycopg.connect(f"postgresql://dashboard_reader:{kept['TB_READER_PASSWORD']}@{host}") as connection:
        yield connection


class Watched:
    """What a page asked for and got: the newest answer for each chart, and every request that left for elsewhere."""

    def __init__(self, page, url: str):
        self.page, self.url = page, url
        self.asked: list[tuple[int, dict, dict]] = []
        self.elsewhere: dict[str, str] = {}
        page.on("response", self._response)
        page.on("request", self._request)
        page.on("requestfailed", self._failed)

    def _request(self, request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.elsewhere[request.url] = "sent"

    def _failed(self, request) -> None:
        if request.url in self.elsewhere:
            self.elsewhere[request.url] = request.failure

    def _response(self, response) -> None:
        words = urlsplit(response.url)
        if words.path == "/api/v1/chart/data" and "form_data" in parse_qs(words.query):
            chart = json.loads(parse_qs(words.query)["form_data"][0])["slice_id"]
            assert response.status == 200, response.text()
            self.asked.append((chart, response.request.post_data_json, response.json()))

    def wait(self, seconds: float, charts: dict[int, str], since: int = 0) -> dict[str, tuple[dict, dict]]:
        """Chart's name -> (what was asked, what was answered), when each of these charts has an answer."""
        give_up = time.monotonic() + seconds
        while missing := set(charts) - {chart for chart, _, _ in self.asked[since:]}:
            assert time.monotonic() < give_up, f"no data came for {[charts[one] for one in missing]}"
            self.page.wait_for_timeout(500)
        return {charts[chart]: (asked, got) for chart, asked, got in self.asked[since:] if chart in charts}


def chosen(asked: dict) -> dict[str, str]:
    """The filters that a chart was asked with, by column."""
    return {one["col"]: one["val"][0] for one in asked["queries"][0]["filters"] if one["op"] == "IN"}


def rows(got: dict, query: int = 0) -> list[dict]:
    return got["result"][query]["data"]


SPREAD = "The metric over trusts, with the national median and quartiles"
TREND = "One trust over time, with the national quartiles"
OPPORTUNITY = "Opportunity by trust, £: newest period of each collection"
EVENTS = "Engagement timeline: events by year and layer"
STATUS = "May I show this? Every collection and period"
COVERAGE = "Coverage by collection and period"


def check_spread(connection, shown: dict) -> dict:
    """The spread and its table against the published tables; what was chosen."""
    picked = chosen(shown[SPREAD][0])
    metric = picked["metric"].split()[0]
    where = [picked["collection"], picked["period"], metric]
    expected = connection.execute(
        """SELECT value, provider_code, release_id, withheld FROM published.measures
           WHERE collection = %s AND period = %s AND metric_id = %s ORDER BY value, provider_code""",
        where,
    ).fetchall()
    valued = [row[:3] for row in expected if row[3] is None]
    expected = [row[:3] for row in expected]
    assert len(valued) >= 10
    bars = sorted(rows(shown[SPREAD][1]), key=lambda row: row["place"])
    assert [row["sample"] for row in bars] == [value for value, _, _ in valued]
    assert [row["place"].split() for row in bars] == [[str(n), code] for n, (_, code, _) in enumerate(valued, 1)]
    (benchmark,) = connection.execute(
        """SELECT lower_quartile, median, upper_quartile, providers FROM published.benchmarks
           WHERE collection = %s AND period = %s AND metric_id = %s AND peer_group = 'national'""",
        where,
    ).fetchall()
    lines = {
        tuple(row[f"National {name}"] for name in ("lower quartile", "median", "upper quartile"))
        for row in rows(shown[SPREAD][1], 1)
    }
    assert lines == {benchmark[:3]} and None not in benchmark
    behind = rows(shown["The table behind the spread"][1])
    assert sorted((row["value"] is None, row["value"] or 0) for row in behind) == [
        (value is None, value or 0) for value, _, _ in expected
    ]
    assert {(row["release_id"], row["sample_or_real"], row["providers"]) for row in behind} == {
        (expected[0][2], "sample", len(valued))
    }
    ((coverage,),) = connection.execute(
        "SELECT coverage FROM published.data_status WHERE collection = %s AND period = %s", where[:2]
    ).fetchall()
    assert {row["coverage"] for row in behind} == {coverage}
    return picked


def check_trend(connection, shown: dict) -> None:
    picked = chosen(shown[TREND][0])
    provider = re.search(r"\((\w+)\)$", picked["provider"])[1]
    expected = connection.execute(
        """SELECT m.period, m.value, b.median FROM published.measures m JOIN published.benchmarks b
           USING (collection, period, metric_id) WHERE b.peer_group = 'national' AND collection = %s AND metric_id = %s
           AND provider_code = %s ORDER BY period""",
        [picked["collection"], picked["metric"].split()[0], provider],
    ).fetchall()
    assert len(expected) >= 4 and any(value is not None for _, value, _ in expected)
    points = [(row["period"], row["Trust, sample"], row["National median, sample"]) for row in rows(shown[TREND][1])]
    assert points == expected
    behind = rows(shown["The table behind the trend"][1])
    assert [(row["period"], row["value"], row["median"]) for row in reversed(behind)] == expected


def check_the_rest(connection, shown: dict) -> None:
    """What no filter touches: status, coverage, opportunities, events."""
    status = connection.execute(
        """SELECT collection, period, coverage, expected, accepted, held, missing, release_id FROM published.data_status
           ORDER BY period DESC, collection"""
    ).fetchall()
    names = ("collection", "period", "coverage", "expected", "accepted", "held", "missing", "release_id")
    assert [tuple(row[name] for name in names) for row in rows(shown[STATUS][1])] == status
    assert {row["sample_or_real"] for row in rows(shown[STATUS][1]) if row["release_id"]} == {"sample"}
    cells = {(row["collection"], row["period"]): row["Coverage"] for row in rows(shown[COVERAGE][1])}
    assert cells == {row[:2]: row[2] for row in status}
    worth = connection.execute(
        """SELECT collection, provider_code, sum(opportunity_gbp) FROM published.comparisons c
           WHERE adds_to_total AND opportunity_gbp IS NOT NULL AND period = (
             SELECT max(period) FROM published.comparisons n
             WHERE n.collection = c.collection AND n.adds_to_total AND n.opportunity_gbp IS NOT NULL)
           GROUP BY 1, 2"""
    ).fetchall()
    # Prices over twelve months are not shown in four.
    assert {collection for collection, _, _ in worth} == {"estates"}
    drawn = {
        (series.partition(",")[0], row["provider_code"]): value
        for row in rows(shown[OPPORTUNITY][1])
        for series, value in row.items()
        if series != "provider_code" and value is not None
    }
    assert drawn == {(collection, code): pytest.approx(gbp, rel=1e-9) for collection, code, gbp in worth}
    behind = rows(shown["The table behind the opportunities"][1])
    assert sum(row["Opportunity, £"] for row in behind) == pytest.approx(sum(row[2] for row in worth), rel=1e-9)
    assert all(row["coverage"] is not None and row["sample_or_real"] == "sample" for row in behind)
    events = connection.execute(
        "SELECT to_char(occurred_from, 'YYYY'), layer, count(*) FROM published.engagement_timeline GROUP BY 1, 2"
    ).fetchall()
    counted: dict[tuple[str, str], int] = {}
    for row in rows(shown[EVENTS][1]):
        for series, value in row.items():
            if series != "year" and value is not None:
                key = (row["year"], series.partition(",")[0])
                counted[key] = counted.get(key, 0) + value
    assert counted == {(year, layer): count for year, layer, count in events}
    kinds = rows(shown["The table behind the timeline, by kind"][1])
    assert sum(row["Events"] for row in kinds) == sum(count for _, _, count in events)
    assert {row["sample_or_real"] for row in kinds} == {"sample", "record"}


DRAWN = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
  return seen.size;
}"""


def drawn_within(page, seconds: float) -> int:
    """How many pictures have something on them, once it is five or the time is over."""
    give_up = time.monotonic() + seconds
    while True:
        full = [size for size in (one.evaluate(DRAWN) for one in page.query_selector_all("canvas")) if size > 3]
        if len(full) >= 5 or time.monotonic() > give_up:
            return len(full)
        page.wait_for_timeout(500)


@pytest.mark.timeout(1500)
def test_the_dashboard_shows_what_sql_says(folder, browser):
    with started(folder) as run:
        assert "prepared; the declared dashboard is in it" in run.said() and "started here" in run.said()
        assert re.search(r"\d+ of them SAMPLE", run.said())
        context = browser.new_context(viewport={"width": 1600, "height": 3000})
        page = context.new_page()
        page.set_default_timeout(120_000)
        watched = Watched(page, run.url)
        # Nobody who is not signed in sees anything.
        answer = context.request.get(f"{run.url}/api/v1/dashboard/", max_redirects=0)
        assert answer.status in (401, 403) or not answer.json()["result"]
        page.goto(run.url + run.page)
        page.wait_for_url("**/login/**")
        page.fill("#username", run.user)
        page.fill("#password", run.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: urlsplit(url).path == run.page)
        found = context.request.get(f"{run.url}/api/v1/dashboard/trust-benchmarks/charts").json()["result"]
        charts = {one["id"]: one["slice_name"] for one in found}
        assert set(charts.values()) == set(CHARTS)
        shown = watched.wait(240, charts)
        with reader(folder) as connection:
            newest = connection.execute(
                "SELECT max(period) FROM published.measures WHERE collection = 'workforce'"
            ).fetchone()[0]
            picked = check_spread(connection, shown)
            assert (picked["collection"], picked["period"]) == ("workforce", newest)
            check_trend(connection, shown)
            check_the_rest(connection, shown)
            # What people read: pictures are drawn, tables say sample and the release, no chart shows an error.
            assert drawn_within(page, 60) == 5
            assert page.locator("[role=alert]:visible").count() == 0
            for name in CHARTS:
                assert page.get_by_text(name, exact=True).first.is_visible(), name
            first = rows(shown["The table behind the spread"][1])[0]
            line = page.locator("tr", has_text=first["provider"]).first.inner_text()
            assert "sample" in line and first["release_id"] in line and f"{first['value']:,.6g}"[:4] in line
            if os.environ.get("TB_PICTURES"):
                page.screenshot(path=PICTURES / "dashboard.png", clip={"x": 0, "y": 0, "width": 1600, "height": 2900})
            # Another period, by hand.
            before = len(watched.asked)
            field = page.locator("[data-test=form-item-value]").nth(1)
            field.click()
            other = connection.execute(
                "SELECT min(period) FROM published.measures WHERE collection = 'workforce'"
            ).fetchone()[0]
            page.locator(f".ant-select-item-option[title='{other}']").click()
            page.get_by_role("button", name="Apply").click()
            some = {key: name for key, name in charts.items() if name in (SPREAD, "The table behind the spread")}
            again = shown | watched.wait(120, some, before)
            assert check_spread(connection, again)["period"] == other
        # The pixel of Superset's telemetry is the only thing that any page asks others for, and the page's policy stops it.
        assert all(failure == "csp" for failure in watched.elsewhere.values()), watched.elsewhere
        context.close()
        kept = settings_of(folder)["TB_READER_PASSWORD"].encode()
        for path in (folder / "dashboard").glob("superset.*"):
            assert kept not in path.read_bytes(), f"{path.name} holds the reader's password"
        assert run.stop() == 0
        assert run.said().endswith("Stopped; nothing was left running.\n")
    assert not left_running(folder)


@pytest.mark.timeout(600)
def test_a_second_start_continues_and_uses_what_already_runs(folder):
    from trust_benchmarks_local import postgres, services
    from trust_benchmarks_local.state import State

    before = State(folder / "dashboard").read()
    with services.running(folder):
        with started(folder) as run:
            assert "of the run that is up" in run.said() and "as it was" in run.said()
            assert run.password == before["TB_DASHBOARD_PASSWORD"]
            third = subprocess.run(
                [sys.executable, FOLDER / "run.py"],
                env=os.environ | {"TB_STATE": str(folder)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert third.returncode == 1 and "Another run (make dashboard, process" in third.stdout
            assert run.stop() == 0
        state = State(folder)
        state.settings = state.read()
        assert postgres.answers(state)
    assert not left_running(folder)


@pytest.mark.timeout(600)
def test_a_killed_one_leaves_nothing_that_hinders(folder):
    with started(folder) as run:
        run.process.kill()
        run.process.wait(10)
    with started(folder) as run:
        assert run.stop() == 0
    assert not left_running(folder)

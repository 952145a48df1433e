"""The declared dashboard without Superset: it names what is published, fits together, holds no secret and no address of others."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from flow import connect_as
from trust_benchmarks.sql import published

FOLDER = Path(__file__).parents[2] / "dashboard"
FILES = {
    path.relative_to(FOLDER / "assets").as_posix(): yaml.safe_load(path.read_text())
    for path in sorted((FOLDER / "assets").rglob("*.yaml"))
}
# As PostgreSQL names a type -> as the datasets declare it.
TYPES = {
    "text": "TEXT",
    "int4": "BIGINT",
    "int8": "BIGINT",
    "float8": "DOUBLE PRECISION",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
}


def of(kind: str) -> dict[str, dict]:
    """The declared files of one kind, by their uuid."""
    return {content["uuid"]: content for path, content in FILES.items() if path.startswith(f"{kind}/")}


DATASETS = {one["table_name"]: one for one in of("datasets").values()}


@pytest.fixture(scope="module")
def reader(services):
    """The warehouse (migrated, with reference data) as the role that dashboards read as."""
    with connect_as("dashboard_reader", "TB_READER_PASSWORD") as connection:
        yield connection


def test_the_lock_names_versions_and_hashes_and_no_index():
    lines = [line for line in (FOLDER / "requirements.lock").read_text().splitlines() if line]
    packages = [line for line in lines if not line.startswith(" ")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==\S+( ; .+)? \\", line) for line in packages)
    hashes = [line for line in lines if line.startswith(" ")]
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert line.startswith(" ") or following.startswith("    --hash="), f"{line} has no hash"
    wanted = (FOLDER / "requirements.in").read_text().splitlines()
    named = {line.split("==")[0] for line in packages}
    assert {re.split(r"[=<]", line)[0] for line in wanted if not line.startswith("#")} <= named
    assert "apache-superset==6.1.0 \\" in packages and "apache-superset==6.1.0" in wanted


def test_no_secret_is_declared():
    (database,) = of("databases").values()
    assert database["sqlalchemy_uri"] == "postgresql+psycopg2://dashboard_reader@127.0.0.1/warehouse"
    assert not any(database[right] for right in ("allow_dml", "allow_ctas", "allow_cvas", "allow_csv_upload"))
    for path in FOLDER.joinpath("assets").rglob("*.yaml"):
        assert not re.search(r"password\w*:|secret|token|://[^/\s]*:[^/\s]*@", path.read_text(), re.I), path.name


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_made_of_published_views_and_has_the_columns_that_it_declares(reader, name):
    dataset, views = DATASETS[name], published.views_by_name(reader)
    declared = {one["column_name"]: one for one in dataset["columns"]}
    plain = {column: one["type"] for column, one in declared.items() if not one.get("expression")}
    assert dataset["schema"] == "published" and dataset["database_uuid"] in of("databases")
    if dataset["sql"]:
        named = set(re.findall(r"(?:FROM|JOIN)\s+(\w+\.\w+)", dataset["sql"]))
        assert named and named <= {f"published.{view}" for view in views}
        source = f"({dataset['sql']}) made"
    else:
        assert set(plain) <= {column.name for column in views[name].columns}
        source = f"(SELECT {', '.join(plain)} FROM published.{name}) made"
    found = reader.execute(f"SELECT * FROM {source} LIMIT 0").description
    types = {column.name: TYPES[reader.adapters.types[column.type_code].name] for column in found}
    assert types == plain
    computed = [one["expression"] for one in declared.values() if one.get("expression")]
    for expression in computed:
        reader.execute(f"SELECT {expression} FROM {source} LIMIT 0")
    for metric in dataset["metrics"]:
        reader.execute(f"SELECT {metric['expression']} FROM {source}")


def _named(params: dict) -> tuple[set, set]:
    """Columns and metrics that a chart's settings name."""
    columns = {params.get("x_axis")} | {
        re.sub(r'\["(.*)", \w+\]', r"\1", order) for order in params.get("order_by_cols", [])
    }
    for key in ("all_columns", "groupby", "groupby_b"):
        columns |= {params[key]} if isinstance(params.get(key), str) else set(params.get(key, []))
    metrics = {params.get("metric"), params.get("timeseries_limit_metric")}
    metrics |= {*params.get("metrics", []), *params.get("metrics_b", [])}
    ordered = params.get("x_axis_sort")
    (metrics if ordered not in columns else columns).add(ordered)
    return columns - {None}, metrics - {None}


def test_charts_name_what_their_dataset_has_and_the_dashboard_shows_every_chart():
    charts, datasets = of("charts"), of("datasets")
    for chart in charts.values():
        dataset = datasets[chart["dataset_uuid"]]
        columns, metrics = _named(chart["params"])
        assert columns and columns <= {one["column_name"] for one in dataset["columns"]}, chart["slice_name"]
        assert metrics <= {one["metric_name"] for one in dataset["metrics"]}, chart["slice_name"]
    (dashboard,) = of("dashboards").values()
    placed = [one["meta"] for one in dashboard["position"].values() if isinstance(one, dict) and one["type"] == "CHART"]
    assert {meta["uuid"]: meta["sliceName"] for meta in placed} == {
        key: one["slice_name"] for key, one in charts.items()
    }
    ids = {meta["chartId"] for meta in placed}
    assert len(ids) == len(placed) == 10
    filters = dashboard["metadata"]["native_filter_configuration"]
    assert [one["name"] for one in filters] == ["Collection", "Period", "Metric", "Trust"]
    for one in filters:
        (target,) = one["targets"]
        dataset = datasets[target["datasetUuid"]]
        assert target["column"]["name"] in {column["column_name"] for column in dataset["columns"]}
        assert one["sortMetric"] in {metric["metric_name"] for metric in dataset["metrics"]}
        assert set(one["scope"]["excluded"]) < ids


def test_every_picture_has_a_table_that_says_sample_coverage_and_release():
    tables = {one["slice_name"]: one for one in of("charts").values() if one["viz_type"] == "table"}
    pictures = [one for one in of("charts").values() if one["viz_type"] != "table"]
    assert len(tables) == len(pictures) == 5
    assert {one["dataset_uuid"] for one in pictures} == {one["dataset_uuid"] for one in tables.values()}
    for name, one in tables.items():
        shown, _ = _named(one["params"])
        wanted = {"sample_or_real", "coverage", "release_id"} if "timeline" not in name else {"sample_or_real"}
        assert wanted <= shown, name


def test_superset_loads_no_setting_without_a_secret_and_no_page_from_elsewhere(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TB_DASHBOARD_")]:
        monkeypatch.delenv(name)
    with pytest.raises(KeyError, match="TB_DASHBOARD_SECRET_KEY"):
        runpy.run_path(str(FOLDER / "superset_config.py"))
    monkeypatch.setenv("TB_DASHBOARD_SECRET_KEY", "made up for a test")
    monkeypatch.setenv("TB_DASHBOARD_DATABASE", "/nowhere/superset.db")
    settings = runpy.run_path(str(FOLDER / "superset_config.py"))
    assert settings["SQLALCHEMY_DATABASE_URI"] == "sqlite:////nowhere/superset.db"
    policy = settings["TALISMAN_CONFIG"]["content_security_policy"]
    allowed = {word for words in policy.values() for word in ([words] if isinstance(words, str) else words)}
    assert allowed == {"'self'", "'none'", "'unsafe-inline'", "'strict-dynamic'", "blob:", "data:"}
    assert "'unsafe-inline'" not in policy["script-src"] and settings["TALISMAN_ENABLED"]


def test_where_nothing_was_run_it_says_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, FOLDER / "run.py"],
        env=os.environ | {"TB_STATE": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and not (tmp_path / "empty").exists() and not done.stderr
    assert done.stdout.endswith("no run has been there. First: make run\n")

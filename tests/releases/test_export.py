"""Exports: what is published, as files that say what they hold, once a release, whatever is killed in between."""

import csv
import hashlib
import io
import json

import flow
import polars as pl
import pytest
from sizes import size
from test_as_at import MADE, make
from trust_benchmarks.records import sweep
from trust_benchmarks.releases import export
from trust_benchmarks.stores import objects, settings, warehouse

NASTY = ["=1+1", "+44", "-x", "@cmd", "\t=2", 'a "b", c', "", None, "two\nlines", "£ é"]
DIGITS = [0.1 + 0.2, 1e300, -5e-324, 123456789.123456789, -0.5, None, 0.0, 1.0, 2.0, 3.0]


@pytest.fixture(scope="module", autouse=True)
def released(shared_world):
    """A month of workforce, and one made-up release with texts and numbers that files are known to spoil."""
    for ods in flow.TRUSTS:
        flow.put_return(ods, "2025-06", flow.workforce(ods, "2025-06"))
    flow.take_in()
    flow.release()
    with warehouse.connect() as connection:
        make(connection, "workforce-nasty", 1.0, "workforce", "2025-05")
        for number, (text, value) in enumerate(zip(NASTY, DIGITS, strict=True)):
            connection.execute(
                """INSERT INTO core.measure (release_key, metric_id, provider_code, provider_name, value, quality_flag, is_sample, decisions)
                   VALUES (core.key_of('workforce-nasty'), 'N', %s, %s, %s, 'A', true, %s)""",
                [f"N{number}", text, value, [1, 2] if number else []],
            )
        flow.point(connection, "workforce", "2025-05", "workforce-nasty")


def release_of(period):
    return flow.value("SELECT release_id FROM core.standing WHERE (collection, period) = ('workforce', %s)", [period])


def stored(folder="") -> dict[str, bytes]:
    bucket = settings.load().exports
    return {one.key: objects.get(bucket, one.key)[0] for one in objects.listing(bucket, folder)}


def package(release_id) -> dict:
    return json.loads(objects.get(settings.load().exports, f"{release_id}/datapackage.json")[0])


def test_a_release_is_exported_once(released):
    release_id = release_of("2025-06")
    assert export.missing() == [["workforce", "2025-06"], ["workforce", "2025-05"]]
    said = export.export("workforce", "2025-06")
    assert (said["release_id"], said["new"], said["files"]) == (release_id, True, 2 * 7 + 1)
    tables = {"measures", "benchmarks", "comparisons", "definitions_used", "funnel", "peers", "measures_restated"}
    expected = {f"{release_id}/{view}.{form}" for view in tables for form in ("csv", "parquet")}
    before = stored()
    assert set(before) == expected | {f"{release_id}/datapackage.json"}
    assert export.export("workforce", "2025-06")["new"] is False
    assert stored() == before
    assert export.missing() == [["workforce", "2025-05"]]
    assert export.export("workforce", "1999-01")["release_id"] is None


def test_the_rest_is_found_and_exported(released):
    assert export.export_missing(budget=-1) == {"exported": 0, "left": 1, "failed": []}
    assert export.export_missing() == {"exported": 1, "left": 0, "failed": []}
    assert export.export_missing() == {"exported": 0, "left": 0, "failed": []}


def test_files_hold_what_is_published_and_the_package_says_so(released):
    for period in ("2025-06", "2025-05"):
        described = package(release_of(period))
        assert described["sample"] is (period == "2025-05") and "licenses" not in described
        assert ("(sample)" in described["title"]) is described["sample"]
        files = stored(f"{described['name']}/")
        views = flow.published_views()
        for resource in described["resources"]:
            content = files[f"{described['name']}/{resource['path']}"]
            assert resource["bytes"] == len(content)
            assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            view = views[resource["path"].removeprefix("commercial/").split(".")[0]]
            assert resource["path"].startswith("commercial/") is view.commercial
            fields = resource["schema"]["fields"]
            assert [field["name"] for field in fields] == [column.name for column in view.columns]
            assert all(field["description"] and field["type"] for field in fields)
            assert resource["schema"].get("primaryKey", []) == view.key
            there = flow.rows(
                f"SELECT {', '.join(field['name'] for field in fields)} FROM published.{view.name} WHERE release_id = %s",
                [described["name"]],
            )
            assert resource["rows"] == len(there) > 0
            if resource["format"] == "parquet":
                assert sorted(map(repr, pl.read_parquet(io.BytesIO(content)).rows())) == sorted(map(repr, there))
            else:
                assert (
                    content.count(b"\r") == 0 and len(list(csv.reader(io.StringIO(content.decode())))) == len(there) + 1
                )


def test_cells_are_safe_and_numbers_whole_in_csv(released):
    text = objects.get(settings.load().exports, "workforce-nasty/measures.csv")[0].decode()
    rows = {row["provider_code"]: row for row in csv.DictReader(io.StringIO(text)) if row["metric_id"] == "N"}
    names = [rows[f"N{number}"]["provider_name"] for number in range(len(NASTY))]
    assert names[:5] == ["'=1+1", "+44", "'-x", "'@cmd", "'\t=2"]  # +44 is a number, which a spreadsheet does not run
    assert names[5:] == ['a "b", c', "", "", "two\nlines", "£ é"]
    values = [rows[f"N{number}"]["value"] for number in range(len(DIGITS))]
    assert [float(value) if value else None for value in values] == DIGITS
    assert ',N6,"",' in text and ",N7,," in text  # an empty text, and none
    assert (rows["N0"]["decisions"], rows["N1"]["decisions"]) == ("[]", "[1,2]")


def test_an_export_that_was_killed_is_taken_up(released, monkeypatch):
    bucket, original = settings.load().exports, objects.put_once
    whole, keys = stored("workforce-nasty/"), sorted(one for one in stored("workforce-nasty/"))
    for survives in sorted({0, 1, len(keys) - 1, *range(0, len(keys), size(6, 1))}):
        objects.delete(bucket, keys)
        left = iter(range(survives))

        def dies(*given, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return original(*given)

        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr(objects, "put_once", dies)
            export.export("workforce", "2025-05")
        assert len(stored("workforce-nasty/")) == survives
        assert "workforce-nasty/datapackage.json" not in stored("workforce-nasty/")
        assert export.missing() == [["workforce", "2025-05"]]
        if survives == 1:  # and what was left is of other code
            objects.delete(bucket, keys)
            original(bucket, "workforce-nasty/measures.csv", b"other")
        assert export.export("workforce", "2025-05")["new"] is True
        assert stored("workforce-nasty/") == whole


def test_two_at_once_make_one_export(released, shared_world):
    whole = stored("workforce-nasty/")
    objects.delete(settings.load().exports, list(whole))
    workers = [flow.start(shared_world, export.export, "workforce", "2025-05") for _ in range(2)]
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert stored("workforce-nasty/") == whole


def test_one_that_fails_does_not_keep_the_others_back(released, monkeypatch):
    with warehouse.connect() as connection:  # a collection that the catalogue does not know
        make(connection, "made_up-x", 1.0)
        flow.point(connection, *MADE, "made_up-x")
    objects.delete(settings.load().exports, ["workforce-nasty/datapackage.json"])
    said = export.export_missing()
    assert said["exported"] == 1 and len(said["failed"]) == 1 and "made_up 2025-06" in said["failed"][0]


def test_sweeping_leaves_exports_alone(released):
    from datetime import timedelta

    before = stored()
    sweep.sweep(timedelta(0))
    assert before and stored() == before

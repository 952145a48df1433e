"""`revalidate` and `replay` at the terminal: who may, what is said, and the files that are written."""

import flow
import pytest
from test_cli_decide import PERIOD, as_user, door, month, released  # noqa: F401 (fixtures)
from trust_benchmarks import catalogue
from trust_benchmarks.validation import versions


@pytest.fixture
def milder(tmp_path, monkeypatch):
    """The catalogue of a checkout in which a workforce return may have a wrong row."""
    import shutil

    copy = tmp_path / "catalogue"
    shutil.copytree(catalogue.FOLDER, copy)
    path = copy / "workforce" / "collection.toml"
    path.write_text(path.read_text().replace("max_rejected_share = 0.0", "max_rejected_share = 0.2"))
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "FOLDER", copy)
        yield lambda: (catalogue.all.cache_clear(), versions.version.cache_clear())
    catalogue.all.cache_clear(), versions.version.cache_clear()


def spoiled(rows):
    rows[3]["fte"] = "many"


def test_asking_for_returns_to_be_validated_again(as_user, month):  # noqa: F811
    ask = ("revalidate", "--collection", "workforce")
    refused = [
        ((*ask, "--yes"), "steward", "A reason is missing"),
        ((*ask, "--reason", "x", "--yes"), "viewer", "Ask a steward"),
        ((*ask, "--all", "--reason", "x", "--yes"), "steward", "Ask an approver"),
        ((*ask, "--period", "June", "--reason", "x"), "steward", "'June' is not a period"),
        (("revalidate", "--collection", "ward", "--reason", "x"), "steward", "There is no collection 'ward'"),
    ]
    for arguments, user, says in refused:
        ran = as_user(user, *arguments)
        assert (ran.code, says in ran.err) == (2, True), (arguments, ran.err)
    ran = as_user("steward", *ask, "--reason", "To be sure.", "--yes")
    assert ran.code == 0 and "0 held submissions will be validated again" in ran.err and "nothing to do" in ran.err
    assert flow.rows("SELECT * FROM intake.revalidations") == []


def test_a_replay_is_told_as_tables_and_as_a_page(as_user, month, milder, tmp_path):  # noqa: F811
    flow.put_return("RYG", PERIOD, flow.workforce("RYG", change=spoiled))
    flow.take_in()
    milder()
    page = tmp_path / "replay.html"
    ran = as_user(
        "viewer",
        "replay",
        "--collection",
        "workforce",
        "--since",
        PERIOD,
        "--html",
        str(page),
        "--keep",
        str(tmp_path / "kept"),
    )
    assert ran.code == 0, ran.err
    assert "accepted_with_warnings" in ran.out and "by itself" in ran.out and "CEILING" in ran.out
    assert "RYG" in page.read_text() and "<script" not in page.read_text()
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {
        "submissions.csv",
        "rules.csv",
        "figures.csv",
        "records",
    }
    ran = as_user("viewer", "replay", "--collection", "workforce", "--since", "June")
    assert ran.code == 2 and "'June' is not a period" in ran.err
    ran = as_user("viewer", "replay", "--collection", "workforce", "--html", str(tmp_path / "no" / "page.html"))
    assert ran.code == 2 and "cannot be written" in ran.err

"""`event`: a blank, a check without services, adding as a steward, listing and withdrawing. The events are made up."""

import csv
import io
import json

import flow
import pytest
from test_cli_decide import Door
from trust_benchmarks.timeline.event_checks import FIELDS
from trust_benchmarks_local.services import exported

ROWS = (
    {"date": "2018-09", "date_precision": "month", "kind": "visit", "status": "actual", "provider": "RY8", "summary": "A visit, made up.",
     "source": "a test", "confidence": "low"},
    {"date": "2018", "date_precision": "year", "kind": "letter", "status": "planned", "summary": "=1+1, a letter", "source": "a test",
     "confidence": "low"},
)  # fmt: skip


@pytest.fixture(scope="module")
def door():
    door = Door()
    yield door
    door.close()


def written(path, *rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(FIELDS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_from_a_blank_to_events_that_are_taken_back(tb, shared_world, door, tmp_path):
    def ran(user, *arguments):
        env = exported(shared_world) | {
            "TB_AIRFLOW_URL": door.url, "TB_USER": user, "TB_USER_PASSWORD": f"password of {user}",
        }  # fmt: skip
        return tb("event", *arguments, env=env)

    blank = tmp_path / "blank.csv"
    assert ran("steward", "template", "-o", blank).code == 0
    assert blank.read_text().strip().split(",") == list(FIELDS)
    again = ran("steward", "template", "-o", blank)
    assert again.code == 2 and "was not changed" in again.err
    empty = ran("steward", "add", blank)
    assert empty.code == 1 and "has headings but no events" in " ".join(empty.out.split())

    file = written(tmp_path / "events.csv", *ROWS)
    refused = ran("viewer", "add", file)
    assert refused.code == 2 and "cannot add events" in refused.err
    first, second = ran("steward", "add", file), ran("second", "add", file)
    assert (first.code, first.out) == (0, "2 events were added.\n")
    assert (second.code, second.out) == (0, "0 events were added. 2 were already on the timeline.\n")
    listed = json.loads(ran("viewer", "list", "-f", "json").out)
    assert {(one["kind"], one["entered_by"], one["file_name"]) for one in listed} == {
        ("visit", "steward", "events.csv"), ("letter", "steward", "events.csv"),
    }  # fmt: skip
    table = list(csv.reader(io.StringIO(ran("viewer", "list", "--kind", "letter", "-f", "csv").out)))
    assert "'=1+1, a letter" in table[1], "a spreadsheet must not run it"
    (visit,) = (one["event_id"] for one in listed if one["kind"] == "visit")
    assert ran("steward", "withdraw", visit).code == 2, "a reason is needed"
    assert ran("viewer", "withdraw", visit, "--reason", "No.").code == 2
    assert ran("steward", "withdraw", visit, "--reason", "It was another trust.").code == 0
    assert flow.value("SELECT count(*) FROM published.engagement_timeline WHERE layer = 'entered'") == 1
    unknown = ran("steward", "withdraw", "EV025", "--reason", "No.")
    assert unknown.code == 2 and "reference data" in unknown.err


def test_a_check_needs_no_services_and_names_every_cell(tb, tmp_path):
    file = written(tmp_path / "events.csv", ROWS[0], ROWS[1] | {"kind": "party", "source": "jo@example.org"})
    ran = tb("event", "add", file, "--check", "-f", "json")
    assert ran.code == 1
    said = json.loads(ran.out)
    assert (said["state"], said["rows_read"], said["rows_recorded"]) == ("held", 2, 0)
    assert [(one["rule_id"], one["line"], one["column_name"]) for one in said["findings"]] == [
        ("VAL-TYPE", 3, "kind"), ("EVT-CONTACT", 3, "source"),
    ]  # fmt: skip
    sound = tb("event", "add", written(tmp_path / "sound.csv", *ROWS), "--check")
    assert sound.code == 0 and "would be accepted" in sound.out
    missing = tb("event", "add", tmp_path / "nothing.csv", "--check")
    assert missing.code == 2 and "There is no file" in missing.err

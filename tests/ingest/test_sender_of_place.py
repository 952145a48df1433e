"""A file below one trust's code in the inbox that says that it is another's: held, and in nobody's way."""

import flow
import pytest
from trust_benchmarks.records import identify_again
from trust_benchmarks.stores import warehouse

pytestmark = pytest.mark.usefixtures("shared_world")
PLACE = "workforce/RA9/0123456789abcdef01234567/"


def sent(where="true"):
    return flow.rows(
        f"SELECT sender, version, state, submission_id FROM intake.submissions WHERE {where} ORDER BY received_at, sender"
    )


def test_a_trust_cannot_send_for_another_and_the_other_can_still_send_the_same_bytes():
    bad = flow.workforce("RX4", "2025-06")
    flow.put(PLACE + "f.csv", bad)
    flow.put(PLACE.replace("0123", "9999") + "again.csv", bad)
    flow.put("workforce/RA9/aaaaaaaaaaaaaaaaaaaaaaaa/own.csv", flow.workforce("RA9", "2025-06"))
    flow.put("workforce/2025/file.csv", flow.workforce("RNU", "2025-06"))  # a folder that is no trust's binds nobody
    flow.take_in()
    ((_, _, state, held),) = sent("sender IS NULL")
    assert state == "held"
    says = flow.rows(
        "SELECT rule_id, message FROM intake.findings WHERE submission_id = %s AND severity = 'hold'", [held]
    )
    assert [rule for rule, _ in says] == ["FIL-SENDER"]
    assert "came from RA9, but its content is about RX4" in says[0][1]
    assert flow.value("SELECT count(*) FROM core.receipt WHERE submission_id = %s", [held]) == 2
    assert {row[:3] for row in sent("sender IS NOT NULL")} == {("RA9", 1, "accepted"), ("RNU", 1, "accepted")}
    assert flow.rows("SELECT sent_by, says FROM core.sent_for_another") == [("RA9", "RX4")]
    # Later rules do not make it RX4's either.
    with warehouse.connect() as connection:
        assert identify_again.identify_again(connection, held) is None
    flow.put("workforce/RX4/bbbbbbbbbbbbbbbbbbbbbbbb/f.csv", bad)
    flow.take_in()
    assert [row[:3] for row in sent("sender = 'RX4'")] == [("RX4", 1, "accepted")]
    with flow.as_desk() as connection, pytest.raises(Exception, match="cannot be accepted because of FIL-SENDER"):
        connection.execute(
            "INSERT INTO core.decision (kind, author, submission_id, reason) VALUES ('accept', 'sam', %s, 'Fine.')",
            [held],
        )

"""Bar 6: when a provider, a layout or a rule is added, the held returns concerned are accepted without a hand, others untouched."""

import flow
import pytest
from trust_benchmarks.ingest import receive
from trust_benchmarks.records import read_and_validate, revalidation_requests
from trust_benchmarks.records.validate_and_record import validate_and_record
from trust_benchmarks.stores import warehouse

pytestmark = pytest.mark.usefixtures("world")
PERIOD = "2025-06"
NOTHING = {"received": 0, "again": 0}
TABLE = """
[[layout]]
name = "workforce-other-headings"
period = { column = "period", name = '(?P<year>\\d{4})-(?P<month>\\d{2})' }
sender = { column = "ods_code", name = '_(?P<code>[A-Z0-9]{3}|[A-Z0-9]{5})_\\d{4}-\\d{2}' }
[[layout.table]]
[layout.table.columns]
"""


def states() -> list[tuple]:
    return flow.rows(
        "SELECT sender, version, state, is_current FROM intake.submissions WHERE became IS NULL ORDER BY sender, version"
    )


def validations() -> list[tuple]:
    return flow.rows("SELECT submission_id, rules_version, outcome, validated_at FROM core.validation ORDER BY 1, 2")


def spoiled(rows):
    rows[3]["fte"] = "many"


def other_headings(content: bytes) -> bytes:
    head, rest = content.split(b"\n", 1)
    return b",".join(b"my " + name for name in head.split(b",")) + b"\n" + rest


def other_layout() -> str:
    names = list(flow.workforce_rows()[0])
    return TABLE + "".join(f'"my {name}" = "{name}"\n' for name in names)


def test_a_new_provider_frees_what_was_held_for_it_and_nothing_else(learned):
    flow.put_return("RZ9", PERIOD, flow.workforce("RZ9"))
    flow.put_return("RA9", PERIOD, flow.workforce("RA9"))
    flow.put_return("RHA", PERIOD, flow.workforce("RHA", change=spoiled))
    flow.take_in()
    flow.release()
    assert states() == [("RA9", 1, "accepted", True), ("RHA", 1, "held", False), ("RZ9", 1, "held", False)]
    before, moves = validations(), flow.value("SELECT count(*) FROM core.counting_log")
    learned.provider("RZ9")
    assert flow.take_in() == NOTHING | {"accepted": 1, "held": 1}
    assert states() == [("RA9", 1, "accepted", True), ("RHA", 1, "held", False), ("RZ9", 1, "accepted", True)]
    assert set(before) < set(validations()) and len(validations()) == len(before) + 1
    assert flow.value("SELECT count(*) FROM core.counting_log") == moves + 1
    assert flow.release() == [("workforce", PERIOD)]
    assert (
        flow.value("SELECT value FROM published.measures WHERE metric_id = 'WF01' AND provider_code = 'RZ9'")
        is not None
    )
    moved = "SELECT DISTINCT cause FROM published.movements WHERE metric_id = 'WF01' AND provider_code = 'RZ9'"
    assert flow.rows(moved) == [("rule change",)]
    after = flow.snapshot()
    assert (flow.take_in(), flow.release()) == (NOTHING, [])
    assert flow.snapshot() == after


def test_a_new_layout_frees_files_of_which_nothing_was_known(learned):
    """They were received without period and sender, so they are registered again; the first registration stays as it was."""
    flow.put("workforce/return.csv", other_headings(flow.workforce("RA9")))
    flow.put_return("RHA", PERIOD, flow.workforce("RHA"))
    flow.put_return("RNU", PERIOD, b"these,are\nnot,it\n")
    flow.take_in()
    old = flow.value("SELECT submission_id FROM core.submission WHERE period IS NULL")
    learned.layout("workforce", other_layout())
    said = receive.receive("workforce")
    assert said["waiting"] == [["workforce", PERIOD]]
    flow.take_in()
    assert states() == [("RA9", 1, "accepted", True), ("RHA", 1, "accepted", True), ("RNU", 1, "held", False)]
    assert flow.rows("SELECT submission_id, state, is_newest FROM intake.submissions WHERE became IS NOT NULL") == [
        (old, "held", False)
    ]
    assert flow.value("SELECT count(*) FROM intake.tasks WHERE submission_id = %s", [old]) == 0
    assert flow.value("SELECT count(*) FROM intake.waiting") == 0
    assert flow.take_in() == NOTHING
    # The same bytes once more are known.
    flow.put("workforce/return_again.csv", other_headings(flow.workforce("RA9")))
    assert flow.take_in() == {"received": 0, "again": 1}


def test_a_file_that_a_later_one_has_taken_the_place_of_stays_held(learned):
    flow.put("workforce/return.csv", other_headings(flow.workforce("RA9")))
    flow.take_in()
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", scale=1.2))
    flow.take_in()
    learned.layout("workforce", other_layout())
    flow.take_in()
    assert states() == [("RA9", 1, "accepted", True), (None, 1, "held", False)]
    assert flow.take_in() == NOTHING


SICKNESS = "DATE,NHSE_REGION_CODE,NHSE_REGION_NAME,ICS_CODE,ICS_NAME,ORG_CODE,ORG_NAME,ORG_TYPE,FTE_DAYS_LOST,FTE_DAYS_AVAILABLE,SICKNESS_ABSENCE_RATE_PERCENT"


def sickness(codes, heading=SICKNESS) -> bytes:
    lines = [f"30/04/2024,Y63,North,QWO,Yorkshire,{code},Name of {code},Acute,5000,100000,5.00" for code in codes]
    return "\n".join([heading, *lines, ""]).encode()


def known(count: int) -> list[str]:
    from trust_benchmarks import reference

    return [one.code for one in reference.load().providers if one.sector == "acute" and one.open_to is None][:count]


def test_a_national_file_becomes_whole_when_its_unknown_provider_is_added(learned):
    flow.put("sickness_absence/sickness_absence_2024-04.csv", sickness([*known(60), "RZ9"]))
    flow.take_in()
    flow.release()
    warned = "SELECT count(*) FROM intake.findings WHERE rule_id = 'STR04'"
    assert flow.value(warned) == 1
    learned.provider("RZ8")  # another one: the file is not concerned
    assert flow.take_in() == NOTHING
    learned.provider("RZ9")
    assert flow.take_in() == NOTHING | {"accepted": 1}
    assert flow.value(warned) == 0
    assert flow.value("SELECT count(*) FROM core.validation") == 2
    assert flow.take_in() == NOTHING


def test_a_national_file_of_no_known_layout_finds_its_part(learned):
    flow.put(
        "sickness_absence/sickness_absence_2024-04.csv", sickness(known(60), SICKNESS.replace("ORG_CODE", "PROVIDER"))
    )
    flow.take_in()
    assert flow.rows("SELECT period, part, state FROM intake.submissions") == [("2024-04", "", "held")]
    from trust_benchmarks import catalogue

    text = (catalogue.FOLDER / "sickness_absence" / "layouts.toml").read_text(encoding="utf-8")
    learned.layout(
        "sickness_absence", text.replace('"ORG_CODE"', '"PROVIDER"').replace("nhse-sickness-absence-2024", "newer")
    )
    flow.take_in()
    assert flow.rows("SELECT period, part, state, is_current FROM intake.submissions WHERE became IS NULL") == [
        ("2024-04", "all", "accepted", True)
    ]
    assert flow.take_in() == NOTHING


def test_a_milder_rule_frees_the_newest_version_and_an_accepted_one_is_left(learned):
    flow.put_return("RA9", PERIOD, flow.workforce("RA9"))
    flow.put_return("RHA", PERIOD, flow.workforce("RHA", change=spoiled))
    flow.put_return("RNU", PERIOD, flow.workforce("RNU", change=spoiled))
    flow.take_in()
    flow.put_return("RNU", PERIOD, flow.workforce("RNU", scale=1.1), version=2)
    flow.take_in()
    accepted = [row for row in validations() if row[2] != "held"]
    learned.entry("workforce", "max_rejected_share = 0.0", "max_rejected_share = 0.2")
    assert flow.take_in() == NOTHING | {"accepted_with_warnings": 1}
    assert [row for row in states() if row[0] == "RHA"] == [("RHA", 1, "accepted_with_warnings", True)]
    assert [row for row in states() if row[0] == "RNU"] == [("RNU", 1, "held", False), ("RNU", 2, "accepted", True)]
    assert set(accepted) <= set(validations())


def test_rules_that_go_back_take_nothing_back(learned):
    flow.put_return("RZ9", PERIOD, flow.workforce("RZ9"))
    flow.take_in()
    learned.provider("RZ9")
    flow.take_in()
    assert states() == [("RZ9", 1, "accepted", True)]
    with warehouse.connect() as connection:  # the rules of before are in force again
        connection.execute(
            """INSERT INTO core.rules_in_force (collection, rules_version, reference_part, providers)
               SELECT collection, rules_version, reference_part, providers FROM core.rules_in_force
               WHERE collection = 'workforce' ORDER BY number LIMIT 1"""
        )
    assert flow.value("SELECT count(*) FROM intake.waiting") == 0
    assert states() == [("RZ9", 1, "accepted", True)]


def test_asked_for_accepted_returns_are_validated_again_and_equal_ones_move_nothing(learned):
    flow.put_return("RA9", PERIOD, flow.workforce("RA9"))
    flow.put_return("RHA", PERIOD, flow.workforce("RHA"))
    flow.take_in()
    flow.release()
    learned.provider("RZ9")
    assert flow.take_in() == NOTHING
    before, moves = flow.snapshot("published"), flow.value("SELECT count(*) FROM core.counting_log")
    flow.release()  # reference data is part of what releases rest on
    before = flow.snapshot("published")
    with warehouse.connect() as connection:
        assert revalidation_requests.planned(connection, "workforce", PERIOD, True) == {
            "held": 0,
            "accepted": 2,
            "current": 0,
        }
        assert revalidation_requests.ask(connection, "workforce", PERIOD, True, "amy", "To see.")
        assert not revalidation_requests.ask(connection, "workforce", PERIOD, True, "ben", "Once more.")
    assert flow.take_in() == NOTHING | {"accepted": 2}
    assert flow.value("SELECT count(*) FROM core.found_again") == 2
    assert flow.value("SELECT count(*) FROM core.validation") == 2
    assert flow.value("SELECT count(*) FROM core.counting_log") == moves
    assert flow.release() == []
    assert flow.snapshot("published") == before
    assert flow.take_in() == NOTHING


def test_asked_for_a_stricter_rule_takes_an_accepted_return_out(learned):
    flow.put_return("RA9", PERIOD, flow.workforce("RA9"))
    flow.take_in()
    learned.entry("workforce", '"" = 10', '"" = 11')
    assert flow.take_in() == NOTHING, "accepted returns are not judged again by themselves"
    with warehouse.connect() as connection:
        revalidation_requests.ask(connection, "workforce", None, False, "amy", "Only held ones.")
    assert flow.take_in() == NOTHING
    with warehouse.connect() as connection:
        revalidation_requests.ask(connection, "workforce", None, True, "amy", "All.")
    assert flow.take_in() == NOTHING | {"held": 1}
    assert states() == [("RA9", 1, "held", False)]
    assert flow.rows("SELECT person, reason FROM intake.revalidations ORDER BY revalidation_id")[-1] == ("amy", "All.")


def test_two_at_once_and_again_free_once(learned, monkeypatch):
    """A worker that comes late finds it done; one that validated meanwhile adds nothing."""
    flow.put_return("RZ9", PERIOD, flow.workforce("RZ9"))
    flow.put("workforce/return.csv", other_headings(flow.workforce("RA9")))
    flow.take_in()
    learned.provider("RZ9")
    learned.layout("workforce", other_layout())
    receive.receive()
    ids = [row[0] for row in flow.rows("SELECT submission_id FROM core.submission ORDER BY 1")]
    real, nested = read_and_validate.outcome_of, []

    def late(connection, submission_id, *given):
        made = real(connection, submission_id, *given)
        if not nested:
            nested.append(submission_id)
            validate_and_record([submission_id])  # another worker, meanwhile
        return made

    monkeypatch.setattr(read_and_validate, "outcome_of", late)
    validate_and_record(ids)
    counts = "SELECT (SELECT count(*) FROM core.validation), (SELECT count(*) FROM core.submission), (SELECT count(*) FROM core.counting_log)"
    made = flow.rows(counts)
    assert states() == [("RA9", 1, "accepted", True), ("RZ9", 1, "accepted", True)]
    validate_and_record(ids)
    assert flow.take_in() == NOTHING
    assert flow.rows(counts) == made

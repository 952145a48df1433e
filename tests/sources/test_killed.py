"""A look that is killed anywhere, and made again: nothing is lost and nothing is doubled."""

import itertools
import os
import traceback
from datetime import UTC, datetime

import flow
import made
import publisher
import pytest
from nation import Nation
from sizes import FULL
from trust_benchmarks.sources import fetch, ledger, web
from trust_benchmarks.stores import objects, settings

NOW = datetime(2026, 9, 3, 10, tzinfo=UTC)


def killed(point) -> int:
    """Looks in a process of its own that dies at its N-th step, as a killed worker would; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        objects.client.cache_clear()
        steps = itertools.count(1)

        def around(owner, name):
            wrapped = getattr(owner, name)

            def run(*args, **kwargs):
                if next(steps) == point:
                    os._exit(9)
                result = wrapped(*args, **kwargs)
                if next(steps) == point:
                    os._exit(9)
                return result

            setattr(owner, name, run)

        around(web.Web, "_ask")
        around(objects, "put_once")
        around(ledger.Recorder, "file")
        around(ledger.Recorder, "look")
        fetch.look("drug_tariff/viii_a", now=NOW)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def publish(nation, corrected):
    nation.put_tariff("viii_a", "2026-08", made.tariff_viii_a("2026-08"))
    nation.put_tariff(
        "viii_a",
        "2026-09",
        made.tariff_viii_a("2026-09", seed=corrected),
        plan=publisher.serve(made.tariff_viii_a("2026-09", seed=corrected), f'"{corrected}"'),
    )


@pytest.mark.timeout(300)
def test_a_look_killed_anywhere_loses_and_doubles_nothing(world, playing):
    nation = Nation(playing)
    publish(nation, 0)
    # One look after another dies a little further on, on what the ones before it left.
    point, ends = 1, []
    while True:
        code = killed(point)
        assert code in (0, 9)
        ends.append(code)
        if code == 0:
            break
        if point == 9:  # between two kills: what came is received, and the month is corrected at the publisher's
            flow.take_in()
            publish(nation, 1)
        point += 1 if FULL else 4
    assert ends.count(9) >= (10 if FULL else 3)
    assert fetch.look("drug_tariff/viii_a", now=NOW).fetched == []
    flow.take_in()
    got = flow.rows(
        "SELECT period, version, sha256 FROM intake.submissions WHERE collection = 'drug_tariff' ORDER BY period, version"
    )
    submitted = [(period, version) for period, version, _ in got]
    assert submitted in ([("2026-08", 1), ("2026-09", 1)], [("2026-08", 1), ("2026-09", 1), ("2026-09", 2)])
    facts = flow.rows("SELECT period, sha256 FROM intake.source_files WHERE inbox_key IS NOT NULL ORDER BY file_id")
    assert facts[-1][1] == max((one for one in got if one[0] == "2026-09"), key=lambda one: one[1])[2]
    assert len(facts) == len(set(facts)), "no file is noted twice"
    in_inbox = [one.key for one in objects.listing(settings.load().inbox)]
    assert len(in_inbox) == len(got), "no file is in the inbox twice"

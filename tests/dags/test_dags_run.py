"""DAGs that the run of the whole job (tests/end_to_end) does not come to are run here, on real stores, by dag.test()."""

import json
import re
import socket
import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy

import flow
import pytest
from aiosmtpd.controller import Controller
from trust_benchmarks import messages
from trust_benchmarks.messages import words
from trust_benchmarks.operations import alerts
from trust_benchmarks.sources import declared
from trust_benchmarks.stores import warehouse

from . import scripts
from .scripts import CHECKOUT, airflow_environment

sys.path.append(str(CHECKOUT / "tests" / "sources"))
import made
import publisher

# tests/end_to_end/test_job.py makes sure that the others were run by a real scheduler.
RUN_HERE = {
    "refresh_reference": None,
    "send_digests": None,
    "send_messages": None,
    "housekeeping": None,
    "fetch_published": {"collection": "medicines_stock"},
    "watch_installation": None,  # after it: a publisher's page has moved then
}
pytestmark = pytest.mark.timeout(300)


class Post:
    """A mail server on a free port of 127.0.0.1 that keeps what it is sent."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"


@pytest.fixture(scope="module")
def post():
    handler, listening = Post(), socket.create_server(("127.0.0.1", 0))
    handler.port = listening.getsockname()[1]

    class Server(Controller):
        def _create_server(self):
            return self.loop.create_server(self._factory_invoker, sock=listening)

    controller = Server(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture(scope="module")
def ended(shared_world, tmp_path_factory, post) -> dict:
    """How the tasks of each DAG ended, on a warehouse that has a submission."""
    flow.put("workforce/workforce_RA9_2025-06_v1.csv", flow.workforce("RA9", "2025-06"))
    flow.take_in()
    with warehouse.connect() as connection:
        said = words.Text("Your return is due", "Send it.\n", "<p>Send it.</p>")
        messages.queue(connection, "due_today", "x", "trust@example.org", said)
    with publisher.hosts("opendata.nhsbsa.net") as (playing, setting):
        portal = publisher.Portal(playing["opendata.nhsbsa.net"])
        month = declared.named("medicines_stock/provisional").newest_due(datetime.now(UTC))
        name = f"SCMD_PROVISIONAL_{month.replace('-', '')}"
        portal.put("secondary-care-medicines-data-indicative-price", name, made.scmd(month))
        manners = {"TB_FETCH_CONTACT": "data@example.org", "TB_FETCH_PLAYED": setting, "TB_FETCH_PAUSE": "0.001"}
        own = airflow_environment(tmp_path_factory.mktemp("airflow"))
        extra = {"from_email": "airflow@example.org", "disable_ssl": True, "disable_tls": True}
        server = {"conn_type": "smtp", "host": "127.0.0.1", "port": post.port, "extra": extra}
        manners["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(server)
        manners["TB_ALERT_MAIL"] = "anna@example.org, ben@example.org"
        other = {"to": "pager@example.org", "subject": "{{ ti.task_id }} is red", "html_content": "x"}
        notifiers = [{"class": "no.such.Notifier"}, {"class": alerts.MAIL, "arguments": other}]
        manners["TB_ALERT_NOTIFIERS"] = json.dumps(notifiers)
        manners["TB_AIRFLOW_DATABASE_URL"] = own["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        return scripts.run(
            "ENDED",
            "run_dags.py",
            CHECKOUT / "dags",
            json.dumps(RUN_HERE),
            environment={**own, **shared_world, **manners},
            seconds=240,
        )


def test_reference_data_is_loaded(ended):
    assert ended["refresh_reference"] == {"run": "success", "tasks": {"refresh": "success"}, "looks": {}}


def test_housekeeping_sweeps_and_airflow_forgets_what_is_old(ended):
    tasks = dict.fromkeys(("sweep", "prune", "exports", "logs", "runs"), "success")
    assert ended["housekeeping"] == {"run": "success", "tasks": tasks, "looks": {}}
    assert ended["log"] == ["new"]


def test_nobody_gets_a_digest_where_no_people_are_named(ended):
    assert ended["send_digests"]["run"] == "success"
    assert set(ended["send_digests"]["tasks"].values()) == {"skipped"}


def test_a_message_that_waits_is_sent(ended, post):
    assert ended["send_messages"] == {
        "run": "success",
        "tasks": dict.fromkeys(("write", "send", "given_up", "complete"), "success"),
        "looks": {},
    }
    (mail,) = [message for to, message in post.mails if to == ["trust@example.org"]]
    assert mail["Subject"] == "Your return is due" and mail["From"] == "airflow@example.org"
    assert flow.value("SELECT state FROM intake.messages") == "sent"


def test_publishers_are_looked_at_and_a_look_is_red_where_a_person_must_act(ended):
    # The portal has no package of final months: that look is red, and the other one fetched.
    found = ended["fetch_published"]
    assert found["run"] == "failed"
    assert found["looks"] == {"medicines_stock/final": "failed", "medicines_stock/provisional": "success"}
    looks = flow.rows("SELECT source, outcome, fetched FROM intake.source_looks ORDER BY 1")
    assert [(one[0], one[2]) for one in looks] == [("final", 0), ("provisional", 1)]
    assert looks[0][1] == "moved"


def test_who_is_named_hears_of_a_task_that_failed_and_of_no_other(ended, post):
    """The look at a publisher is red; everything else went well. A notifier that is no such class keeps no other from it."""
    failed = sum(state == "failed" for state in ended["fetch_published"]["looks"].values())
    # A notifier's address is the key; what was told of the installation is looked at below.
    by_address = {tuple(to): message for to, message in reversed(post.mails) if to != ["trust@example.org"]}
    told = [one for one in ended["watch_installation"]["looks"].values() if one == "failed"]
    assert failed == 1 and len(post.mails) == 1 + 2 * (1 + len(told))  # and the message to a trust
    mail, other = by_address["anna@example.org", "ben@example.org"], by_address["pager@example.org",]
    assert mail["Subject"] == "Trust Benchmarks: look of fetch_published failed" and other["Subject"] == "look is red"
    text = mail.get_body(("html",)).get_content()
    for said in (
        "moved:",
        "docs/runbooks/README.md#a-publisher-needs-a-look",
        "trust-benchmarks doctor",
        "<b>fetch_published</b>",
    ):
        assert said in text, said


def test_what_is_not_well_reaches_a_person_and_fails_no_run(ended, post):
    found = ended["watch_installation"]
    assert found["run"] == "success" and found["tasks"]["look"] == found["tasks"]["end"] == "success"
    assert found["looks"] and set(found["looks"].values()) == {"failed"}
    mails = [one for to, one in post.mails if one["Subject"] == "Trust Benchmarks: tell of watch_installation failed"]
    texts = [one.get_body(("html",)).get_content() for one in mails]
    assert len(texts) == len(found["looks"]), [(to, str(one["Subject"])) for to, one in post.mails]
    [moved] = [text for text in texts if "medicines_stock (final)" in text]
    for said in ("docs/runbooks/late-collections.md", "docs/runbooks/README.md#something-is-not-well"):
        assert said in moved, said


def test_each_part_of_the_runbooks_that_a_mail_names_is_there():
    """By the name that GitHub gives a heading: small letters, a hyphen for each space, nothing but letters, digits and those."""
    text = (CHECKOUT / "docs" / "runbooks" / "README.md").read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    names = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}
    assert {*alerts.RUNBOOKS.values(), alerts.COLLECTION_FAILED} <= names

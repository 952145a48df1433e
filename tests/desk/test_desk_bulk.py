"""The same fault in fifteen returns: decided together within ten clicks, approved once, and each return has a decision of its own."""

import html
import re
import time

import flow
import pytest
from desk_world import PERIOD
from trust_benchmarks.ingest import expected_returns
from worlds import new_world

MANY = 15


@pytest.fixture(scope="module")
def shared_world(services):
    """Fifteen returns of a month with the same fault, which warns, and one sound one."""
    with new_world(services) as world:
        senders = [sender for sender, _ in expected_returns.who_is_expected("workforce", PERIOD)[0]]
        for number, ods in enumerate(senders[: MANY + 1]):
            change = too_many_hours if number < MANY else lambda rows: None
            flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 10, change=change))
        flow.take_in()
        flow.release()
        yield world


@pytest.fixture(scope="module")
def returns():
    """None that is named."""
    return {}


def too_many_hours(rows) -> None:
    """More full-time equivalents in a staff group than it has people."""
    rows[2]["fte"] = "99999"


class Pages:
    """A person who only uses what pages offer, and whose clicks are counted."""

    def __init__(self, desk, role: str) -> None:
        self.client, self.clicks, self.seconds = desk.client(role), 0, []

    def open(self, path: str) -> None:
        self.text = self._sent(self.client.get(f"/steward{path}"))

    def follow(self, words: str) -> None:
        """Clicks a link."""
        links = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', self.text, re.S)
        at = next(html.unescape(to) for to, label in links if re.search(words, re.sub("<[^>]*>", "", label)))
        self.clicks += 1
        self.text = self._sent(self.client.get(at.partition("#")[0]))

    def press(self, words: str, typed: dict[str, str] | None = None, untick: str = "") -> None:
        """Types into fields (a click each), unticks a return, and presses a button of the form that posts."""
        (form,) = [one for one in re.findall(r"<form method=\"post\".*?</form>", self.text, re.S) if words in one]
        fields = {}
        for tag in re.findall(r"<input[^>]*>", form):
            about = {name: html.unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}
            if about.get("type") not in ("radio", "checkbox") or " checked" in tag:
                fields[about["name"]] = about.get("value", "on")
        fields |= {
            name: html.unescape(value)
            for name, value in re.findall(r'<textarea[^>]*name="([a-z]+)"[^>]*>(.*?)</textarea>', form)
        }
        if untick:
            del fields[untick]
            self.clicks += 1
        fields |= typed or {}
        self.clicks += 1 + len(typed or {})
        button = next(one for one in re.findall(r"<button[^>]*>[^<]*", form) if words in one)
        pressed = dict(re.findall(r'([a-z]+)="([^"]*)"', button))
        if "name" in pressed:
            fields[pressed["name"]] = pressed["value"]
        action = html.unescape(pressed.get("formaction") or re.search(r'action="([^"]*)"', form)[1])
        self.text = self._sent(self.client.post(action, data=fields))

    def _sent(self, answer) -> str:
        self.seconds.append(answer.elapsed.total_seconds())
        while answer.status_code == 303:
            answer = self.client.get(answer.headers["location"])
        self.status = answer.status_code
        return answer.text


def test_fifteen_same_faults_take_ten_clicks_and_one_approval(desk):
    began = time.monotonic()
    steward, approver = Pages(desk, "steward"), Pages(desk, "approver")
    steward.open("/")
    steward.follow("^Queue$")
    steward.follow(f"WF-R2.* in {MANY} returns")
    steward.press(
        "Preview together", {"until": "31/12/2026", "reason": "The establishment file was shared late; known."}
    )
    assert steward.status == 200, steward.text
    assert f"in {MANY} returns" in steward.text
    out = sorted(re.findall(r'name="(take-[^"]+)"', steward.text))
    assert len(out) == MANY
    steward.press("Waive the rule in these returns", untick=out[0])
    assert "Your decisions have been saved." in steward.text
    approver.open("/")
    approver.follow("awaiting approval|14 decisions")
    approver.follow("made together")
    approver.follow("Preview and approve")
    assert approver.status == 200
    approver.press("Approve those included")
    assert "You have approved these decisions." in approver.text
    assert steward.clicks + approver.clicks - 1 <= 10, (steward.clicks, approver.clicks)  # one was to take a return out
    decided = flow.rows(
        "SELECT kind, state, submission_id, author, verdict_by FROM intake.decisions WHERE batch IS NOT NULL"
    )
    assert len({row[2] for row in decided}) == len(decided) == MANY - 1
    assert {row[:2] + row[3:] for row in decided} == {("waive", "in_force", "sam", "olga")}
    assert out[0].removeprefix("take-") not in {row[2] for row in decided}
    assert flow.value("SELECT count(*) FROM intake.task_turns WHERE rule_id = 'WF-R2' AND turn = 'us'") == 1
    flow.take_in()
    assert flow.value("SELECT count(*) FROM intake.tasks WHERE rule_id = 'WF-R2'") == 1
    print(
        f"steward {steward.clicks} clicks {steward.seconds}, approver {approver.clicks} clicks {approver.seconds}, {time.monotonic() - began:.1f} s"
    )

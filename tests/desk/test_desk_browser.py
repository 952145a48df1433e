"""The desk in a real browser: nothing that axe calls serious, no page wider than its window, and all of it by keyboard."""

from datetime import date

import flow
import pytest
from browser import serious
from desk_world import NEXT_YEAR, PERIOD, batch_of
from sizes import FULL
from trust_benchmarks.stores import warehouse

WIDTHS = (1280, 320)
PAGES = {
    "board": "/",
    "period": f"/?collection=workforce&period={PERIOD}",
    "queue": "/queue",
    "queue without tasks": "/queue?collection=estates",
    "held submission": "/submissions/{RX4 v2}",
    "hostile submission": "/submissions/{RTQ v1}",
    "sample submission": "/submissions/{RT5 v1}",
    "changes": "/submissions/{RX4 v2}/changes?what=new",
    "changed cells": "/submissions/{RX4 v2}/changes?what=changed",
    "rows taken out": "/submissions/{RX4 v2}/changes?what=removed",
    "accept": "/decide?submission={RX4 v2}&kind=accept",
    "waive": "/decide?submission={RX4 v2}&kind=waive&rule=WF-R2",
    "correct": "/decide?submission={RX4 v2}&kind=correct&finding={finding}",
    "decisions": "/decisions",
    "decision": "/decisions/{decision}",
    "decision with preview": "/decisions/{decision}?preview=1",
    "same fault": f"/fault?collection=workforce&period={PERIOD}&rule=VAL-TYPE&column=fte",
    "answers": "/replies?state=all",
    "batch": "/batches/{batch}",
    "batch with preview": "/batches/{batch}?preview=1",
    "trust": "/trusts/RX4",
    "rule": "/rules/WF-R2",
    "search": "/search?q=WF-R2",
    "figures before publication": "/previews",
    "one preview": "/previews/{preview}",
    "no page": "/nothing-here",
}


@pytest.fixture(scope="module")
def known(desk, returns):
    """What the addresses above name; with a decision that waits for approval."""
    held = returns["RX4 v2"]
    finding = flow.value(
        "SELECT finding_id FROM intake.findings WHERE submission_id = %s AND rule_id = 'VAL-TYPE'", [held]
    )
    answered = """INSERT INTO core.reply (submission_id, kind, rule_id, sheet, line, column_name, raw_value, message, reason_code, note)
        SELECT submission_id, 'confirm', rule_id, sheet, line, column_name, raw_value, message, 'new_ward', 'Opened in <b>May</b>.'
        FROM intake.findings WHERE submission_id = %s AND severity IN ('warn', 'hold')"""
    with warehouse.connect() as connection:
        connection.execute(answered, [held])
    fields = {"new_value": "117", "value_source": "Mail of 3 July", "reason": "Typing slip."}
    answer = desk.post("other steward", "/decide", submission=held, kind="correct", finding=finding, **fields)
    number = answer.headers["location"].split("/")[-1].split("?")[0]
    return returns | {
        "finding": finding,
        "decision": number,
        "batch": batch_of(held, "stella"),
        "preview": flow.offer("2025-08"),
    }


@pytest.fixture
def tab(signed_in, request):
    """A tab in which an approver is signed in, at the width that the test asks for."""
    tab = signed_in("olga").new_page()
    tab.set_viewport_size({"width": getattr(request, "param", 1280), "height": 900})
    yield tab
    tab.close()


def test_every_page_that_shows_something_is_looked_at(desk):
    shown = {
        path
        for methods, path in desk.routes
        if "GET" in methods and not path.startswith("/submissions/{submission_id}/")
    }
    shown -= {
        path for path in shown if path.startswith(("/figures", "/timeline"))
    }  # test_desk_figures.py looks at these
    shown -= {"/queue.csv", "/me", "/desk.css", "/desk.js", "/decisions/{decision_id}/effect", "/{path:path}"}
    assert shown == {
        "/",
        "/queue",
        "/fault",
        "/replies",
        "/batches/{batch}",
        "/trusts/{code}",
        "/rules/{rule}",
        "/search",
        "/previews",
        "/previews/{preview_id}",
        "/submissions/{submission_id}",
        "/decide",
        "/decisions",
        "/decisions/{decision_id}",
    }


@pytest.mark.parametrize("tab", WIDTHS if FULL else WIDTHS[:1], indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_and_nothing_overflows(tab, desk, known, name):
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on(
        "console", lambda said: problems.append(said.text) if said.type == "error" and "404" not in said.text else None
    )
    tab.on("dialog", lambda dialog: problems.append(f"a dialog: {dialog.message}"))
    tab.goto(desk.url + "/steward" + PAGES[name].format(**known))
    if FULL or tab.viewport_size["width"] == WIDTHS[0]:
        assert serious(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    assert tab.locator("h1").count() == 1
    assert problems == []


def test_the_page_of_who_is_not_signed_in(browser, desk):
    tab = browser.new_page()
    tab.goto(desk.url + "/steward/queue")
    assert serious(tab) == []
    tab.get_by_role("link", name="Sign in to Airflow").click()
    tab.get_by_label("Username").fill("sam")
    tab.get_by_label("Password").fill("sam")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/steward/queue")
    assert tab.get_by_role("heading", name="Your queue").is_visible()
    tab.close()


def tab_to(tab, name: str, role: str = "", most: int = 120) -> None:
    """Presses Tab until what has the focus has this text; every stop must be visible."""
    for _ in range(most):
        tab.keyboard.press("Tab")
        said = tab.evaluate(
            """() => { const e = document.activeElement, box = e.getBoundingClientRect(), s = getComputedStyle(e);
               return {text: (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || e.value || '').trim(),
                       tag: e.tagName.toLowerCase(), seen: box.width > 0 && box.height > 0, outline: s.outlineStyle} }"""
        )
        assert said["seen"] and said["outline"] != "none", f"The focus cannot be seen on {said}"
        if said["text"].startswith(name) and said["tag"].startswith(role):
            return
    raise AssertionError(f"'{name}' was not reached by keyboard.")


@pytest.mark.parametrize(
    # In this order: with script it ends at the preview, and the decision without script takes the task out of the queue.
    "script",
    [pytest.param(True, marks=pytest.mark.full), False],
    ids=["with script", "without script"],
)
def test_from_the_queue_to_a_decision_by_keyboard(browser, desk, known, script):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "_token", "value": desk.tokens["sam"], "url": desk.url}])
    if not script:
        context.route("**/desk.js*", lambda route: route.abort())
    tab = context.new_page()
    tab.goto(desk.url + "/steward/queue?provider=RX4&severity=warn")
    tab_to(tab, "Skip to main content")
    tab.keyboard.press("Enter")
    tab_to(tab, "WF-R5", "a")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/submissions/**")
    tab_to(tab, "Waive this finding", "a")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/decide**")
    tab_to(tab, "Last day of the waiver", "input")
    tab.keyboard.type(date.fromisoformat(NEXT_YEAR).strftime("%d/%m/%Y"))
    tab_to(tab, "Reason", "textarea")
    tab.keyboard.type("Known to the trust; mends with the next return.")
    tab_to(tab, "Preview", "button")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/preview")
    assert serious(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280
    assert tab.get_by_role("heading", name="What would change").is_visible()
    if script:
        context.close()
        return
    tab_to(tab, "Waive the rule", "button")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/decisions/**")
    assert "Your decision has been saved." in tab.locator(".done").inner_text()
    assert "Awaiting approval" in tab.locator("main").inner_text()
    context.close()


def test_filters_are_kept_under_a_name_by_each_person(tab, desk, known):
    tab.goto(desk.url + "/steward/queue?provider=RX4&severity=warn&turn=")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_role("link", name="Give these filters a name.").click()
    assert tab.evaluate("document.activeElement.name") == "name" and serious(tab) == []
    assert tab.get_by_label("Provider").input_value() == "RX4", "nothing that was chosen is lost"
    tab.get_by_label("Save these filters as").fill("RX4 <b>warnings</b>")
    tab.get_by_role("button", name="Save").click()
    tab.goto(desk.url + "/steward/queue")
    tab.get_by_role("link", name="RX4 <b>warnings</b>").click()
    assert tab.get_by_label("Provider").input_value() == "RX4" and tab.get_by_label("Whose turn").input_value() == ""
    assert serious(tab) == []
    assert "warnings" not in desk.client("other steward").get("/steward/queue").text
    tab.get_by_role("button", name="Remove the saved filters RX4").click()
    assert tab.get_by_role("link", name="RX4 <b>warnings</b>").count() == 0


def test_keys_lead_to_pages_and_rows_are_listed_and_can_be_turned_off(tab, desk, known):
    tab.goto(desk.url + "/steward/")
    tab.keyboard.type("gq")
    tab.wait_for_url("**/queue")
    tab.keyboard.press("j")
    first = tab.evaluate("document.activeElement.textContent")
    tab.keyboard.press("j")
    assert tab.evaluate("document.activeElement.textContent") != first
    tab.keyboard.press("k")
    assert tab.evaluate("document.activeElement.textContent") == first
    tab.keyboard.press("/")
    tab.keyboard.type("gd?")
    assert tab.locator("#find").input_value() == "gd?", "in a field, keys are letters"
    tab.get_by_role("heading", name="Your queue").click()
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("?")
    assert tab.get_by_role("heading", name="Keyboard shortcuts").is_visible() and serious(tab) == []
    tab.get_by_role("button", name="Turn shortcuts off").click()
    tab.get_by_role("button", name="Close").click()
    tab.keyboard.type("gb?")
    assert tab.url.endswith("/queue") and not tab.get_by_role("heading", name="Keyboard shortcuts").is_visible()
    tab.get_by_role("button", name="Keyboard shortcuts").click()
    tab.get_by_role("button", name="Turn shortcuts on").click()
    tab.keyboard.press("Escape")
    tab.keyboard.type("gb")
    tab.wait_for_url("**/steward/")


def test_what_is_wrong_gets_the_focus(tab, desk, known):
    tab.goto(desk.url + f"/steward/decide?submission={known['RX4 v2']}&kind=accept")
    tab.evaluate("document.querySelector('textarea').required = false")
    tab.get_by_role("button", name="Preview").click()
    assert "Enter a reason" in tab.evaluate("document.activeElement.textContent")
    assert serious(tab) == []
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#f-reason"


def test_a_page_that_waits_says_when_it_is_published(tab, desk, known):
    answer = desk.post("approver", f"/decisions/{known['decision']}/verdict", verdict="approve")
    assert answer.status_code == 303, answer.text
    tab.goto(desk.url + f"/steward/decisions/{known['decision']}")
    assert "Queued" in tab.locator("#effect").inner_text()
    flow.take_in()
    flow.release()
    tab.wait_for_selector("#effect[data-state=published]", timeout=20_000)
    assert "Published as release" in tab.locator("#effect").inner_text()

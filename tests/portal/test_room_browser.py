"""The room in a real browser, without script: sign in by link, check a faulty file, send a sound one, see receipt and state."""

import os
import re
from pathlib import Path

import flow
import pytest
from browser import serious
from served_room import ANN, link_of
from sizes import FULL

WIDTHS = (1280, 320)
PICTURES = os.environ.get("TB_PICTURES")  # a folder, for who wants to look


@pytest.fixture(scope="module")
def look(browser, room, returns):
    """Looks at a page at both widths: nothing that axe calls serious, nothing wider than the window, one heading."""
    contexts = {width: browser.new_context(viewport={"width": width, "height": 900}) for width in WIDTHS}
    tabs = {width: context.new_page() for width, context in contexts.items()}
    problems = []

    def note(words):
        # axe loads style sheets in a way of its own, which the policy refuses, and a font with them.
        if not re.search("connect-src|FrutigerLTW01" if axe_ran else "none", words):
            problems.append(words)

    axe_ran = []
    for tab in tabs.values():
        tab.on(
            "console", lambda said: note(said.text) if said.type == "error" and "status of 4" not in said.text else None
        )
        tab.on("requestfailed", lambda asked: note(asked.url))
        tab.goto(room + "/help", wait_until="networkidle")
        assert problems == [], "nothing is fetched from elsewhere, also no font"
    axe_ran.append(True)

    def look(name, path, widths=WIDTHS if FULL else WIDTHS[1:]):
        for width in widths:
            tab = tabs[width]
            tab.context.add_cookies(tabs[WIDTHS[0]].context.cookies())
            if path and tab.url != room + path:
                tab.goto(room + path)
            if PICTURES:
                tab.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
            assert problems == []
            assert serious(tab) == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width}"
            assert tab.locator("h1").count() == 1

    yield tabs[WIDTHS[0]], look
    for context in contexts.values():
        context.close()


def answer_two_findings(tab, look, room):
    """Corrects a cell and confirms a finding in one form; first with a mistake, of which nothing typed is lost."""
    cell = tab.locator(".room-finding", has_text="rule VAL-TYPE").filter(has_text="headcount").first
    cell.get_by_text("Answer this finding").click()
    cell.get_by_label("It should be corrected").check()
    cell.get_by_label("Correct value").fill("lots")
    other = tab.locator(".room-finding", has_text="rule STR05")
    other.get_by_text("Answer this finding").click()
    other.get_by_label("It is right as it is").check()
    other.get_by_label("Why it is right").select_option(label="A ward, team or site closed")
    other.get_by_label("Note").fill("Closed in May.")
    tab.get_by_role("button", name="Send your answers").click()
    tab.get_by_role("heading", name="There is a problem").wait_for()
    look("answers-wrong", "", WIDTHS[:1])
    tab.get_by_role("link", name="is not a valid value").click()
    assert tab.evaluate("document.activeElement.value") == "lots"
    tab.keyboard.press("Control+A")
    tab.keyboard.type("100")
    assert other.get_by_label("Note").input_value() == "Closed in May."
    tab.get_by_role("button", name="Send your answers").click()
    tab.get_by_text("We have your answers. A steward will look at them.").wait_for()
    look("answered", tab.url.removeprefix(room), WIDTHS)
    assert tab.locator("strong", has_text="Your answer:").count() == 2


def test_a_morning_of_a_contact(look, room, returns, tmp_path):
    tab, look = look
    look("sign-in", "/sign-in")
    tab.goto(f"{room}/link/{link_of(ANN)}")
    look("link", "", WIDTHS[:1])
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("heading", name="Your returns").wait_for()
    look("returns", "/", WIDTHS)
    tab.get_by_role("link", name="Workforce, June 2025").click()
    look("return", tab.url.removeprefix(room))
    tab.get_by_role("link", name="Version 2").click()
    look("submission", tab.url.removeprefix(room))
    answer_two_findings(tab, look, room)

    def spoil(rows):
        rows[0]["headcount"] = "many"
        rows[1]["fte"] = "about ninety"

    bad, good = tmp_path / "faulty.csv", tmp_path / "sound.csv"
    bad.write_bytes(flow.workforce("RA9", "2025-06", change=spoil))
    good.write_bytes(flow.workforce("RA9", "2025-06", scale=1.02))
    tab.get_by_role("link", name="Check and send").first.click()
    tab.get_by_role("button", name="Check this file").click()
    look("send-without-file", "", WIDTHS[:1])
    tab.get_by_role("link", name="Choose a file").click()
    assert tab.evaluate("document.activeElement.id") == "file"
    look("send", "/send")
    tab.get_by_label("Your file").set_input_files(bad)
    tab.get_by_role("button", name="Check this file").click()
    tab.get_by_role("heading", name="Something would stop it").wait_for()
    look("checked", tab.url.removeprefix(room), WIDTHS)
    assert tab.locator(".room-here", has_text="many").count() == 1
    tab.get_by_role("link", name="Choose another file").click()
    tab.get_by_label("Your file").set_input_files(good)
    tab.get_by_role("button", name="Check this file").click()
    look("checked-sound", "", WIDTHS[:1])
    tab.get_by_role("button", name="Send").click()
    tab.get_by_role("heading", name="We have your file").wait_for()
    look("receipt", tab.url.removeprefix(room))
    flow.take_in()
    tab.get_by_role("link", name="the return").click()
    assert tab.get_by_text("It will be in the next release.").is_visible()
    for name in ("receipts", "figures", "messages", "account", "help"):
        look(name, f"/{name}")
    look("series", "/figures/RA9/WF02")
    look("report", "/reports/RA9/2025-04")
    preview = f"/previews/{flow.offer('2025-08')}/RA9"
    look("previews", "/previews")
    look("preview", preview, WIDTHS)
    tab.get_by_role("button", name="Ask for a correction").click()
    look("preview-without-words", "", WIDTHS[:1])
    tab.get_by_label("What you want to say").fill("Agency staff of one ward are missing.")
    tab.get_by_role("button", name="Ask for a correction").click()
    tab.get_by_text("Check and send a new file").wait_for()
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("heading", name="Sign in").wait_for()

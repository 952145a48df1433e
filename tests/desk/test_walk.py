"""One return from a faulty file to the board's report, in a real browser and on pages and in mails alone: contact, steward, approver, contact."""

import os
import re
from datetime import datetime
from pathlib import Path

import flow
import pytest
import served_room
from browser import serious
from mail_server import text
from served_desk import served
from served_room import ANN
from sizes import FULL
from trust_benchmarks import messages
from trust_benchmarks.messages import occasions
from trust_benchmarks.pages import readable
from trust_benchmarks.reference.calendar import LONDON
from trust_benchmarks.reports import board
from trust_benchmarks.stores import warehouse
from worlds import new_world

NEWEST = next(half for half in board.halves() if half.until < datetime.now(LONDON).date())  # that is over
PERIOD = f"{NEWEST.since:%Y}-07" if NEWEST.since.month == 4 else f"{NEWEST.until:%Y}-01"
SAID = readable.period(PERIOD)
PICTURES = os.environ.get("TB_PICTURES")  # a folder, for who wants to look


@pytest.fixture(scope="module")
def shared_world(services):
    """A month that all trusts but one have sent, and the contact of that one, who is its named officer."""
    with new_world(services) as world:
        for number, ods in enumerate(one for one in flow.TRUSTS if one != "RA9"):
            flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 10))
        flow.take_in()
        served_room.add_contacts()
        with warehouse.connect() as connection:
            connection.execute("SELECT core.set_signer(%s, 'RA9', true, 'a test')", [ANN])
        yield world


@pytest.fixture(scope="module")
def returns():
    return {}


class Walker:
    """A person at a browser, whose every page is looked at."""

    def __init__(self, browser, name: str):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        self.tab, self.name, self.pages = self.context.new_page(), name, 0
        self.tab.set_default_timeout(60_000)

    def look(self) -> None:
        """One heading, nothing that axe calls serious; a picture where somebody wants one."""
        assert self.tab.locator("h1").count() == 1, self.tab.content()
        self.pages += 1
        for width in (1280, 320) if FULL or PICTURES else (1280,):
            self.tab.set_viewport_size({"width": width, "height": 900})
            if PICTURES:
                self.tab.screenshot(path=Path(PICTURES) / f"{self.name}-{self.pages:02}-{width}.png", full_page=True)
            assert self.tab.evaluate("document.documentElement.scrollWidth") <= width
        self.tab.set_viewport_size({"width": 1280, "height": 900})
        if FULL:
            assert serious(self.tab) == []

    def press(self, words: str, heading: str = "") -> None:
        """Presses a button; the next page has this heading."""
        self.tab.get_by_role("button", name=words).first.click()
        self._arrived(heading)

    def follow(self, words: str | re.Pattern, heading: str = "") -> None:
        """Follows a link."""
        self.tab.get_by_role("link", name=words).first.click()
        self._arrived(heading)

    def _arrived(self, heading: str) -> None:
        self.tab.wait_for_load_state()
        if heading:
            self.tab.get_by_role("heading", name=heading).first.wait_for()
        self.look()

    def sees(self, *words: str) -> None:
        for one in words:
            assert self.tab.get_by_text(one).first.is_visible(), (
                f"'{one}' is not on the page:\n{self.tab.inner_text('main')}"
            )


def sent(post, subject: str) -> str:
    """Sends what waits; the text of the one new mail to the contact about this."""
    before = len(post.mails(ANN))
    assert occasions.queue().failed == []
    messages.send(by=post.deliver)
    (found,) = [mail for mail in post.mails(ANN)[before:] if re.search(subject, " ".join(mail["Subject"].split()))]
    return text(found)


def two_faults(rows) -> None:
    rows[0]["headcount"] = "10O"  # an O for a nought
    for row in rows[1:]:
        row["headcount"] = row["role_count"] = str(int(int(row["headcount"]) * 1.5))


@pytest.mark.full
def test_from_a_faulty_file_to_the_board_report(browser, airflow, shared_world, post, tmp_path):
    with served_room.served() as room, served(airflow, shared_world) as desk:
        ann, sam, olga = (Walker(browser, name) for name in ("contact", "steward", "approver"))
        for walker, name in ((sam, "sam"), (olga, "olga")):
            walker.context.add_cookies([{"name": "_token", "value": desk.tokens[name], "url": desk.url}])
        sign_in(ann, room, post)
        check_and_send(ann, post, tmp_path)
        accept_answers(sam, desk)
        approve(olga, desk)
        flow.take_in()
        see_first(ann, post)
        publish(olga, desk)
        take_report(ann, post)
        for walker in (ann, sam, olga):
            walker.context.close()


def sign_in(ann, room, post):
    ann.tab.goto(room)
    ann.tab.get_by_label("Work email address").fill(ANN)
    ann.press("Send me a link", "Check your email")
    link = re.search(r"http://\S+/link/\w+", sent(post, "link|[Ss]ign in"))[0]
    ann.tab.goto(link)
    ann.press("Sign in", "Your returns")


def check_and_send(ann, post, folder):
    """Corrects one cell and confirms one finding before sending; what is mistyped is told at its field."""
    file = folder / "workforce august.csv"
    file.write_bytes(flow.workforce("RA9", PERIOD, change=two_faults))
    ann.follow("Check and send", "Check")
    ann.tab.get_by_label("Your file").set_input_files(file)
    ann.press("Check this file", "Something would stop it")
    ann.sees("10O")
    word = ann.tab.locator(".room-finding", has_text="10O").first
    word.get_by_text("Answer this finding").click()
    word.get_by_label("It should be corrected").check()
    word.get_by_label("Correct value").fill("many")
    limit = ann.tab.locator(".room-finding", has_text="WF-R2")
    limit.get_by_text("Answer this finding").click()
    limit.get_by_label("It is right as it is").check()
    limit.get_by_label("Why it is right").select_option(label="A ward, team or site opened")
    limit.get_by_label("Note").fill("Opened in August.")
    ann.press("Send this file", "There is a problem")
    assert word.get_by_label("Correct value").input_value() == "many"
    word.get_by_label("Correct value").fill("100")
    ann.press("Send this file", "We have your file")
    ann.sees("2 answers sent with it")
    receipt = sent(post, "We have your file")
    assert re.search(r"SHA-256 +[0-9a-f]{64}", receipt) and "workforce august.csv" in receipt
    assert "2 answers sent with it" in receipt
    flow.take_in()
    ann.follow("the return", f"Workforce, {SAID}")
    ann.sees("A steward is looking at your answers.")
    ann.follow("Version 1", "Version 1")
    ann.sees("The value should be '100'.", "Opened in August.", "A steward will look at it.")


def accept_answers(sam, desk):
    sam.tab.goto(desk.url + "/steward/")
    sam.look()
    sam.follow("Queue", "Your queue")
    sam.follow("2 answers from trusts", "Answers of trusts")
    sam.sees("10O", "100", "WF-R2")
    sam.press("Preview together", "Preview: accept 2 answers of trusts")
    sam.sees("Held now, accepted with warnings after.")
    sam.press("Accept the answers", "2 decisions made together")
    sam.sees("Your decisions have been saved.")


def approve(olga, desk):
    olga.tab.goto(desk.url + "/steward/")
    olga.look()
    olga.follow(re.compile("awaiting approval|2 decisions"), "Decisions")
    olga.follow(re.compile("made together"), "2 decisions made together")
    olga.follow("Preview and approve", "2 decisions made together")
    olga.press("Approve those included", "2 decisions made together")
    olga.sees("You have approved these decisions.")


def see_first(ann, post):
    flow.offer(PERIOD, trusts=())
    assert "/previews" in sent(post, "See your figures before publication")
    ann.follow("Your returns", "Your returns")
    ann.follow(re.compile(f"Workforce, {SAID} .RA9."), f"Workforce, {SAID}")
    ann.tab.get_by_label("What you want to say").fill("Agency staff came back in July; the rest is as we expected.")
    ann.press("Comment", f"Workforce, {SAID}")
    ann.sees("Your comment has been sent", "Agency staff came back in July")
    ann.tab.get_by_label("I am the named officer").check()
    ann.press("Sign off", f"Workforce, {SAID}")
    ann.sees("You have signed off these figures")


def publish(olga, desk):
    olga.follow("Board", "Returns")
    olga.follow(re.compile("1 release"), "Figures before publication")
    olga.follow(re.compile("Workforce"), f"Workforce {PERIOD}, before publication")
    olga.sees("Signed off", "Agency staff came back in July")
    olga.tab.get_by_label("Reason").fill("The trust that had most to look at has signed off.")
    olga.press("Publish now", f"Workforce {PERIOD}, before publication")


def take_report(ann, post):
    sent(post, "[Pp]ublished")
    ann.follow("Your figures", "Your figures")
    ann.sees(SAID)
    ann.follow(NEWEST.words, f"Board report, {NEWEST.words}")
    ann.sees("The trust confirmed what was found", "A ward, team or site opened")
    with ann.tab.expect_download() as waiting:
        ann.tab.get_by_role("link", name=re.compile("PDF")).first.click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF")

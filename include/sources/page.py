"""Kind `page`: links on a publisher's page, or on the pages of its issues that a series page leads to."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from .declared import Source
from .offers import Discovered, Offer, edition_of, is_meant, name_of, period_of
from .outcomes import NOT_YET, PAGE_CHANGED, REFUSED, UNREACHABLE, Stopped
from .web import Answer, Web

MOST_ISSUES = 400  # pages of one series that are looked at for a backfill
LONGEST_TEXT, LONGEST_ADDRESS = 500, 2_000  # characters of a link that patterns are tried on
# Not any "forthcoming", which a menu may say.
_UPCOMING = re.compile(r"upcoming, not yet published|this publication is (?:forthcoming|upcoming)|coming soon", re.I)
_DATE = re.compile(r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* 20\d{2}\b")


@dataclass(frozen=True)
class Link:
    """A link: its text and whole address."""

    text: str
    address: str

    @property
    def name(self) -> str:
        """The last piece of its path: a file's name, or the slug of an issue."""
        return name_of(self.address)


def discover(source: Source, web: Web, had_from: set[str], everything: bool) -> Discovered:
    """The links that are meant.

    Args:
        had_from: pages of issues from which a file was had; they are asked again only while they are among the newest.
        everything: look at the pages of all issues, not only of the newest ones.

    Raises:
        Stopped: the page could not be had.
    """
    answer = web.page(source.address)
    found = Discovered(
        page=answer.url,
        status=answer.status,
        etag=answer.etag,
        last_modified=answer.last_modified,
        sha256=answer.sha256,
    )
    links, text = _links(answer)
    if not source.issue:
        _offer(found, source, links, text, Link("", found.page))
        return found
    found.whole = False
    issues = _issues(source, links)
    if not issues:
        found.problems.append(
            (PAGE_CHANGED, f"{answer.url} has {len(links)} links, and none leads to an issue ('{source.issue}').")
        )
    for issue in _wanted(source, issues, had_from, everything):
        try:
            _read_issue(found, source, web, issue)
        except Stopped as stopped:
            found.problems.append((stopped.outcome, stopped.found))
            if stopped.outcome in (UNREACHABLE, REFUSED):
                break
    return found


def _read_issue(found: Discovered, source: Source, web: Web, issue: Link) -> None:
    answer = web.page(issue.address)
    links, text = _links(answer)
    _offer(found, source, links, text, issue)


def _offer(found: Discovered, source: Source, links: list[Link], text: str, issue: Link) -> None:
    """Adds the links of one page that are meant, and what is wrong with it."""
    page = issue.address
    meant = [(one, match) for one in links if (match := is_meant(source, one.text, one.name))]
    if not meant:
        if _UPCOMING.search(text):
            found.problems.append((NOT_YET, f"{page} says that it is not published yet."))
        else:
            found.problems.append(
                (PAGE_CHANGED, f"{page} has {len(links)} links, and none of them fits '{source.link}'.")
            )
        return
    dates = _DATE.findall(text)
    for one, match in meant:
        period, how = period_of(
            source.frequency, ("link text", one.text), ("file name", one.name), ("issue", issue.text), ("issue", issue.name)
        )  # fmt: skip
        if source.title_decides:
            period, how = None, ""
        elif not period:
            found.problems.append(
                (PAGE_CHANGED, f"The link '{one.text}' to {one.address} on {page} does not say its period.")
            )
            continue
        is_provisional = "provisional" in f"{one.text} {one.name} {issue.text} {issue.name}".casefold()
        edition = "provisional" if is_provisional and "provisional" in source.editions else edition_of(source, match)
        found.offers.append(
            Offer(one.address, one.text, page, period, how, edition, stated=dates[0] if len(dates) == 1 else "")
        )


def _wanted(source: Source, issues: list[Link], had_from: set[str], everything: bool) -> list[Link]:
    """The newest issues, and those shortly before them from which no file was had yet; the newest is first."""
    if everything:
        return issues[:MOST_ISSUES]
    had = [at for at, one in enumerate(issues) if one.address in had_from]
    return [
        one for at, one in enumerate(issues)
        if at < source.recheck or (had and at < min(max(had), 2 * source.recheck) and one.address not in had_from)
    ]  # fmt: skip


def _issues(source: Source, links: list[Link]) -> list[Link]:
    """Links that lead to issues, each address once, newest period first; those without a period in the page's order before them."""
    found = {
        one.address.partition("#")[0]: one
        for one in reversed(links)
        if re.search(source.issue, urlsplit(one.address).path)
    }
    issues = [Link(one.text, address) for address, one in reversed(list(found.items()))]

    def period(one: Link) -> str:
        return period_of(source.frequency, ("", one.text), ("", one.name.replace("-", " ")))[0] or "9999"

    return sorted(issues, key=period, reverse=True)


def _links(answer: Answer) -> tuple[list[Link], str]:
    """Every link of a page, in its order, and the page's text."""
    tree = LexborHTMLParser(answer.text())
    for node in tree.css("script, style, template"):
        node.decompose()
    found = []
    for node in tree.css("a[href]"):
        href = (node.attributes.get("href") or "").strip()
        if href and len(href) <= LONGEST_ADDRESS and not href.startswith(("#", "mailto:", "javascript:", "tel:")):
            text = " ".join(node.text().split())[:LONGEST_TEXT]
            found.append(Link(text, urljoin(answer.url, href)))
    body = tree.body
    return found, " ".join(body.text(separator=" ").split()) if body else ""

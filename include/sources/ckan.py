"""Kind `ckan`: a package of an open data portal, one resource a period."""

import json
from typing import Any
from urllib.parse import quote, urljoin

from .declared import Source
from .offers import Discovered, Offer, edition_of, is_meant, name_of, period_of
from .outcomes import MOVED, PAGE_CHANGED, Stopped
from .web import Answer, Web

LONGEST = 2_000  # characters of a name or address


def discover(source: Source, web: Web) -> Discovered:
    """The resources of the package that are meant.

    Raises:
        Stopped: the package could not be had or understood.
    """
    address = f"{source.address.rstrip('/')}/api/3/action/package_show?id={quote(source.package)}"
    answer = web.page(address)
    resources = _result(answer, source.package).get("resources")
    if not isinstance(resources, list):
        raise Stopped(PAGE_CHANGED, f"{address} has no list of resources.")
    found = Discovered(page=answer.url, status=answer.status, sha256=answer.sha256)
    for one in resources:
        _add(found, source, one if isinstance(one, dict) else {}, answer.url)
    if not found.offers and not found.problems:
        found.problems.append(
            (PAGE_CHANGED, f"{address} has {len(resources)} resources, and none of them fits '{source.link}'.")
        )
    return found


def address_now(source: Source, offer: Offer, web: Web) -> str:
    """The address of a resource as it is now: signed ones die within the hour.

    Raises:
        Stopped: the portal does not say.
    """
    answer = web.page(f"{source.address.rstrip('/')}/api/3/action/resource_show?id={quote(offer.resource)}")
    return urljoin(offer.page, str(_result(answer, offer.text).get("url") or offer.link))


def _add(found: Discovered, source: Source, resource: dict[str, Any], page: str) -> None:
    name, link = str(resource.get("name") or "")[:LONGEST], str(resource.get("url") or "")[:LONGEST]
    match = is_meant(source, name, name_of(link))
    if not match or not link:
        return
    period, how = period_of(source.frequency, ("resource name", name), ("file name", name_of(link)))
    if not period:
        found.problems.append((PAGE_CHANGED, f"The resource '{name}' at {page} does not say its period."))
        return
    # last_modified is null until a resource is changed for the first time.
    published = str(resource.get("last_modified") or resource.get("created") or "")
    found.offers.append(
        Offer(
            urljoin(page, link), name, page, period, how, edition_of(source, match), published,
            resource=str(resource.get("id") or ""),
        )
    )  # fmt: skip


def _result(answer: Answer, what: str) -> dict[str, Any]:
    """The `result` of an answer of CKAN, which may say with status 200 that there is none."""
    try:
        said = json.loads(answer.text())
    except ValueError:
        raise Stopped(PAGE_CHANGED, f"{answer.url} is not JSON, as CKAN answers.") from None
    if not isinstance(said, dict) or not said.get("success"):
        raise Stopped(MOVED, f"{answer.url} says that there is no {what}.")
    result = said.get("result")
    if not isinstance(result, dict):
        raise Stopped(PAGE_CHANGED, f"{answer.url} has no result.")
    return result

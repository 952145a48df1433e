"""A page for each trust and for each rule, and the search over trusts, files and findings."""

from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request, Response

from .. import catalogue
from . import database, formatting, pages, security
from .database import Row

router = APIRouter()
MANY_ANSWERS, NEARLY_ALL = 5, 0.9  # answers from which on a rule that is nearly always confirmed is named as such


def _by_collection(found: list[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(rows)) for name, rows in groupby(found, lambda row: row["collection"])]


# What each page shows, by the name that its template gives it: the files of sql/desk that ask for it.
TRUST = {
    "faults": "trust_faults",
    "decisions": "trust_decisions",
    "answers": "trust_answers",
    "figures": "trust_figures",
}
RULE = {"periods": "rule_periods", "trusts": "rule_trusts", "decisions": "rule_decisions", "replies": "rule_replies"}
SEARCH = {"trusts": "search_trusts", "files": "search_files", "tasks": "search_tasks"}


@router.get("/trusts/{code}")
def trust(request: Request, person: security.Anybody, code: str) -> Response:
    """Thirteen periods of each collection, what is repeatedly wrong, what was answered, decided and noted, and the newest figures."""
    code = code.upper()
    with database.opened() as connection:
        named = database.values(connection, "provider", provider=code)
        returns = database.rows(connection, "trust_returns", provider=code)
        if not named and not returns:
            raise LookupError(f"There is no trust {code[:20]}. Search for a part of its name.")
        about: dict[str, Any] = {name: database.rows(connection, query, provider=code) for name, query in TRUST.items()}
    return pages.page(
        request, "trust.html", section="board", code=code, name=named[0] if named and named[0] != code else None,
        collections=_by_collection(returns), figures=_by_collection(about.pop("figures")), **about,
        open_ones=[row for row in returns if row["turn"] in ("us", "approver", "running")],
        is_sample=any(row["is_sample"] for row in returns),
    )  # fmt: skip


@router.get("/rules/{rule}")
def rule(request: Request, person: security.Anybody, rule: str, collection: str = "") -> Response:
    """How often a rule is broken, where, by whom, and how often a break was waived or corrected."""
    with database.opened() as connection:
        about: dict[str, Any] = {
            name: database.rows(connection, query, rule=rule, collection=collection) for name, query in RULE.items()
        }
        limit = database.rows(connection, "rule_limits")
    says = next(
        (
            words
            for one in ([collection] if collection else catalogue.all())
            if (words := formatting.rules_of(one).get(rule))
        ),
        "",
    )
    if not says and not about["periods"]:
        raise LookupError(f"There is no rule {rule[:40]}.")
    waived = sum(
        row["decisions"]
        for row in about["decisions"]
        if row["kind"] == "waive" and row["state"] in ("in_force", "ended")
    )
    answered, confirmed = (
        sum(row["replies"] for row in about["replies"] if kind in ("", row["kind"])) for kind in ("", "confirm")
    )
    broken = sum(row["returns"] for row in about["periods"])
    return pages.page(
        request, "rule.html", section="queue", rule=rule, collection=collection, says=says, waived=waived, broken=broken, answered=answered,
        is_always_confirmed=answered >= MANY_ANSWERS and confirmed >= NEARLY_ALL * answered,
        limit=next((row for row in limit if row["rule_id"] == rule), None), **about,
    )  # fmt: skip


@router.get("/search")
def search(request: Request, person: security.Anybody, q: str = "") -> Response:
    """Trusts, files and open findings that have a text; at most twenty of each."""
    text = q.strip()[:200]
    found: dict[str, Any] = {name: [] for name in SEARCH}
    if text:
        with database.opened() as connection:
            found = {name: database.rows(connection, query, text=text) for name, query in SEARCH.items()}
    is_sample = any(row["is_sample"] for name in ("files", "tasks") for row in found[name])
    return pages.page(request, "search.html", section="", text=text, **found, most=20, is_sample=is_sample)

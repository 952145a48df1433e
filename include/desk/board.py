"""The board: the state of every return by collection and period, and the returns of one period by state."""

from fastapi import APIRouter, Request, Response

from ..pages import readable
from . import database, formatting, pages, security
from .database import Connection, Row

router = APIRouter()
OURS = ("us", "approver", "running")
# Of one period, the returns that need attention come first.
TO_DO_FIRST = ("held", "received", "missing", "late", "due", "accepted_with_warnings", "accepted", "not_due")


def collections(connection: Connection) -> list[Row]:
    """Collections with title, states, and periods (newest first).

    A period has its due, is_sample, counts by state, turns (counts by whose turn), overdue (of us, the approver or the pipeline), and
    is_quiet: nothing of it waits for anybody, or only for returns of trusts that can no longer come in time.
    """
    found: dict[str, dict[str, Row]] = {}
    for row in database.rows(connection, "board_counts"):
        blank: Row = {"period": row["period"], "due": None, "counts": {}, "turns": {}, "overdue": 0, "is_sample": False}
        blank["is_quiet"] = True
        one = found.setdefault(row["collection"], {}).setdefault(row["period"], blank)
        one["counts"][row["state"]] = one["counts"].get(row["state"], 0) + row["returns"]
        one["turns"][row["turn"]] = one["turns"].get(row["turn"], 0) + row["returns"]
        one["overdue"] += row["overdue"] if row["turn"] in OURS else 0
        one["is_quiet"] &= row["turn"] == "nobody" or row["state"] == "missing"
        one["due"] = min(filter(None, (one["due"], row["due"])), default=None)
        one["is_sample"] |= bool(row["is_sample"])
    return [
        {
            "collection": name,
            "title": readable.title(name),
            "periods": list(periods.values()),
            "states": [state for state in formatting.STATES if any(state in one["counts"] for one in periods.values())],
        }
        for name, periods in found.items()
    ]


@router.get("/")
def board(
    request: Request, person: security.Anybody, collection: str = "", period: str = "", state: str = ""
) -> Response:
    """The whole board, or the returns of one collection and period."""
    with database.opened() as connection:
        if collection and period:
            return _period(request, connection, collection, period, state)
        everything = collections(connection)
        unidentified = database.rows(connection, "unidentified", collection=collection)
        (answers,) = database.values(connection, "replies_waiting")
        (work,) = database.rows(connection, "open_work")
    shown = [one for one in everything if collection in ("", one["collection"])]
    return pages.page(
        request, "board.html", section="board", collection=collection, collections=shown, unidentified=unidentified, work=work, answers=answers,
        attention=[(one, row) for one in shown for row in one["periods"] if any(row["turns"].get(turn) for turn in OURS)],
        choices=[(one["collection"], one["title"]) for one in everything],
        is_sample=any(period["is_sample"] for one in shown for period in one["periods"]),
    )  # fmt: skip


def _period(request: Request, connection: Connection, collection: str, period: str, state: str) -> Response:
    found = database.rows(connection, "board_returns", collection=collection, period=period)
    if not found:
        raise LookupError(
            f"No return of {collection} for {period} is expected or has been received. The board lists all periods."
        )
    found.sort(key=lambda row: TO_DO_FIRST.index(row["state"]))
    return pages.page(
        request, "period.html", section="board", collection=collection, period=period, state=state,
        counts={name: sum(row["state"] == name for row in found) for name in formatting.STATES},
        returns=[row for row in found if state in ("", row["state"])], total=len(found),
        due=min((row["due"] for row in found if row["due"]), default=None),
        closes=min((row["closes"] for row in found if row["closes"]), default=None),
        is_sample=any(row["is_sample"] for row in found),
    )  # fmt: skip

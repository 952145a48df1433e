"""The board: where every return stands, a collection by period, and inside one the providers by state."""

from fastapi import APIRouter, Request

from . import database, formatting, pages, security

router = APIRouter()
# Inside a period: what somebody must look at comes first.
TO_DO_FIRST = ("held", "received", "missing", "late", "due", "accepted_with_warnings", "accepted", "not_due")


def collections(connection) -> list[dict]:
    """Collections with their periods, newest first, and how many returns are in which state."""
    found: dict[str, dict] = {}
    for row in database.rows(
        connection,
        """SELECT collection, period, state, count(*) AS returns, min(due) AS due, bool_or(is_sample) AS is_sample
           FROM intake.board GROUP BY 1, 2, 3 ORDER BY collection, period DESC""",
    ):
        periods = found.setdefault(row["collection"], {})
        one = periods.setdefault(
            row["period"], {"period": row["period"], "due": None, "counts": {}, "is_sample": False}
        )
        one["counts"][row["state"]] = row["returns"]
        one["due"] = min(filter(None, (one["due"], row["due"])), default=None)
        one["is_sample"] |= bool(row["is_sample"])
    return [
        {
            "collection": name,
            "title": formatting.title(name),
            "periods": list(periods.values()),
            "states": [state for state in formatting.STATES if any(state in one["counts"] for one in periods.values())],
        }
        for name, periods in found.items()
    ]


def returns(connection, collection: str, period: str) -> list[dict]:
    """Every return of a collection and period, by state, with the names of those who send them."""
    found = database.rows(
        connection,
        """SELECT b.*, p.provider_name FROM intake.board b LEFT JOIN published.providers p ON p.provider_code = b.sender
           WHERE collection = %s AND period = %s ORDER BY coalesce(p.provider_name, b.sender), b.part""",
        [collection, period],
    )
    return sorted(found, key=lambda row: TO_DO_FIRST.index(row["state"]))


def unknown(connection, collection: str) -> list[dict]:
    """Submissions that stand on no board, because it is not known what period they are about or who sent them."""
    return database.rows(
        connection,
        """SELECT submission_id, collection, file_name, received_at, state, is_sample FROM intake.submissions
           WHERE (period IS NULL OR sender IS NULL) AND NOT is_returned AND %s IN ('', collection)
           ORDER BY received_at DESC, submission_id""",
        [collection],
    )


def waits(connection) -> dict[str, int]:
    """How much waits: tasks that nobody took, decisions that need a second person, submissions the pipeline has not done."""
    query = """SELECT (SELECT count(*) FROM intake.tasks WHERE assignee IS NULL) AS tasks,
                      (SELECT count(*) FROM intake.decisions WHERE state = 'proposed') AS proposed,
                      (SELECT count(*) FROM intake.waiting) AS waiting"""
    return database.rows(connection, query)[0]


@router.get("/")
def board(request: Request, person: security.Anybody, collection: str = "", period: str = "", state: str = ""):
    """The whole board, or the returns of one collection and period."""
    with database.opened() as connection:
        if collection and period:
            found = returns(connection, collection, period)
            if not found:
                raise LookupError(
                    f"Nothing is expected and nothing came of {collection} for {period}. The board lists what there is."
                )
            counts: dict[str, int] = {name: sum(row["state"] == name for row in found) for name in formatting.STATES}
            shown = [row for row in found if state in ("", row["state"])]
            return pages.page(
                request, "period.html", section="board", collection=collection, period=period, state=state, counts=counts,
                returns=shown, total=len(found), due=min((r["due"] for r in found if r["due"]), default=None),
                closes=min((r["closes"] for r in found if r["closes"]), default=None),
                is_sample=any(row["is_sample"] for row in found),
            )  # fmt: skip
        everything = collections(connection)
        shown = [one for one in everything if collection in ("", one["collection"])]
        return pages.page(
            request, "board.html", section="board", collection=collection, collections=shown, unknown=unknown(connection, collection), waits=waits(connection),
            choices=[(one["collection"], one["title"]) for one in everything],
            is_sample=any(period["is_sample"] for one in shown for period in one["periods"]),
        )  # fmt: skip

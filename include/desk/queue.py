"""The queue: what waits for somebody, nearest deadline first."""

from fastapi import APIRouter, Request

from . import database, formatting, pages, security

router = APIRouter()


def tasks(connection, wanted: dict, me: str, page: int) -> tuple[list[dict], pages.Paging, dict]:
    """One page of tasks, where it stands, and totals of all that fit the filters (tasks, findings, whether any is a sample).

    Args:
        wanted: collection, period, provider (a code or part of a name), severity, responsible, assignee ('me',
            'nobody' or a name); empty for all.
    """
    assignee = wanted["assignee"]
    where, parameters = database.conditions(
        {
            "t.collection = %(collection)s": wanted["collection"],
            "t.period = %(period)s": wanted["period"],
            "(t.sender = upper(%(provider)s) OR strpos(lower(p.provider_name), lower(%(provider)s)) > 0)": wanted[
                "provider"
            ],
            "t.severity = %(severity)s": wanted["severity"],
            "t.responsible = %(responsible)s": wanted["responsible"],
            "(t.assignee IS NULL) = %(nobody)s": True if assignee == "nobody" else None,
            "t.assignee = %(assignee)s": me if assignee == "me" else assignee if assignee != "nobody" else "",
        }
    )
    source = f"FROM intake.tasks t LEFT JOIN published.providers p ON p.provider_code = t.sender {where}"
    query = f"""
        WITH fitting AS MATERIALIZED (SELECT t.*, p.provider_name {source})
        SELECT f.*, a.tasks_in_all, a.findings_in_all, a.any_sample
        FROM (SELECT count(*) AS tasks_in_all, coalesce(sum(findings), 0)::bigint AS findings_in_all,
                     coalesce(bool_or(is_sample), false) AS any_sample FROM fitting) a
        LEFT JOIN (SELECT * FROM fitting ORDER BY due NULLS LAST, received_at, submission_id,
                          array_position(ARRAY['hold', 'reject', 'warn'], severity), rule_id, column_name
                   LIMIT %(size)s OFFSET %(offset)s) f ON true"""
    number = max(1, page)
    found = database.rows(connection, query, {**parameters, "size": pages.PAGE, "offset": (number - 1) * pages.PAGE})
    total = {name: found[0][name] for name in ("tasks_in_all", "findings_in_all", "any_sample")}
    paging = pages.Paging(number, total["tasks_in_all"])
    if paging.number != number:  # beyond the last page: show that one
        return tasks(connection, wanted, me, paging.number)
    return [row for row in found if row["task_id"]], paging, total


def choices(connection) -> dict[str, list]:
    """What there is to choose from in the filters."""
    found = database.rows(connection, "SELECT DISTINCT collection, period FROM intake.submissions")
    people = connection.execute(
        "SELECT DISTINCT assignee FROM intake.decisions WHERE kind = 'assign' AND state = 'in_force' ORDER BY 1"
    ).fetchall()
    return {
        "collections": [(name, formatting.title(name)) for name in sorted({row["collection"] for row in found})],
        "periods": [(name, name) for name in sorted({row["period"] for row in found if row["period"]}, reverse=True)],
        "people": [(name, name) for (name,) in people],
    }


@router.get("/queue")
def queue(
    request: Request, person: security.Anybody, collection: str = "", period: str = "", provider: str = "", severity: str = "",
    responsible: str = "", assignee: str = "", page: int = 1,
):  # fmt: skip
    """Tasks: findings folded by rule, column and submission."""
    wanted = {
        "collection": collection, "period": period, "provider": provider.strip(), "severity": severity,
        "responsible": responsible, "assignee": assignee,
    }  # fmt: skip
    with database.opened() as connection:
        found, paging, total = tasks(connection, wanted, person.name, page)
        return pages.page(
            request, "queue.html", section="queue", tasks=found, paging=paging, total=total, wanted=wanted,
            filtered=any(wanted.values()), choices=choices(connection), is_sample=total["any_sample"],
        )  # fmt: skip

"""Every route of the desk in every role: who gets in, who may act, who may approve; and the guard before each post."""

import flow
import httpx
import pytest
from desk_world import PERIOD, batch_of

# Route -> who may: 'read' is anybody who is signed in, 'act' a steward, 'approve' an approver.
ROUTES = {
    ("GET", "/"): "read",
    ("GET", "/queue"): "read",
    ("GET", "/submissions/{submission_id}"): "read",
    ("GET", "/submissions/{submission_id}/changes"): "read",
    ("GET", "/submissions/{submission_id}/findings.csv"): "read",
    ("GET", "/submissions/{submission_id}/workbook.xlsx"): "read",
    ("GET", "/submissions/{submission_id}/original"): "read",
    ("GET", "/submissions/{submission_id}/summary.txt"): "read",
    ("GET", "/queue.csv"): "read",
    ("POST", "/queue/save"): "act",
    ("POST", "/queue/forget"): "act",
    ("GET", "/trusts/{code}"): "read",
    ("GET", "/rules/{rule}"): "read",
    ("GET", "/search"): "read",
    ("GET", "/fault"): "read",
    ("GET", "/replies"): "read",
    ("POST", "/replies/preview"): "act",
    ("POST", "/replies/decide"): "act",
    ("POST", "/replies/refuse"): "act",
    ("POST", "/fault/preview"): "act",
    ("POST", "/fault/decide"): "act",
    ("GET", "/batches/{batch}"): "read",
    ("POST", "/batches/{batch}/verdict"): "approve",
    ("GET", "/decide"): "act",
    ("POST", "/preview"): "act",
    ("POST", "/decide"): "act",
    ("POST", "/assign"): "act",
    ("POST", "/comment"): "act",
    ("GET", "/decisions"): "read",
    ("GET", "/decisions/{decision_id}"): "read",
    ("GET", "/decisions/{decision_id}/effect"): "read",
    ("POST", "/decisions/{decision_id}/verdict"): "approve",
    ("POST", "/decisions/{decision_id}/undo"): "act",
    ("GET", "/figures"): "read",
    ("GET", "/figures.css"): "read",
    ("GET", "/figures/spread.svg"): "read",
    ("GET", "/figures/series.svg"): "read",
    ("GET", "/figures/opportunity.svg"): "read",
    ("GET", "/timeline"): "read",
    ("GET", "/timeline/engagement.svg"): "read",
    ("GET", "/timeline/returns.svg"): "read",
    ("GET", "/timeline/add"): "act",
    ("POST", "/timeline/add"): "act",
    ("GET", "/timeline/paste"): "act",
    ("POST", "/timeline/paste"): "act",
    ("GET", "/timeline/entered/{event_id}"): "read",
    ("POST", "/timeline/entered/{event_id}/withdraw"): "act",
    ("GET", "/previews"): "act",
    ("GET", "/previews/{preview_id}"): "act",
    ("POST", "/previews/{preview_id}"): "approve",
    ("GET", "/me"): "read",
    ("GET", "/desk.css"): "read",
    ("GET", "/desk.js"): "read",
    ("GET", "/{path:path}"): "read",
}
MAY = {None: (), "viewer": ("read",), "steward": ("read", "act"), "approver": ("read", "act", "approve")}
QUERIES = {
    "/fault": f"?collection=workforce&period={PERIOD}&rule=WF-R2&column=",
    "/decide": "?submission={submission_id}&kind=return",
    "/figures/series.svg": "?provider=RA9",
    "/figures/opportunity.svg": "?provider=RA9",
}
TEXT_OF_DATA = (b"Cumbria", b"RX4", b"workforce")


@pytest.fixture(scope="module")
def known(desk, returns):
    """A submission and a decision that waits for approval, made by an approver (who is its author)."""
    held = returns["RX4 v2"]
    answer = desk.post("approver", "/decide", submission=held, kind="accept", reason="Checked with the trust.")
    assert answer.status_code == 303, answer.text
    decision_id = answer.headers["location"].split("/")[-1].split("?")[0]
    fields = {"date": "2018-09-12", "date_precision": "day", "kind": "visit", "status": "actual", "confidence": "high"}
    answer = desk.post(
        "approver", "/timeline/add", summary="A visit, made up.", source="a test", provider="RNU", **fields
    )
    assert answer.status_code == 303, answer.text
    event_id = answer.headers["location"].split("/")[-1].split("?")[0]
    return {
        "batch": batch_of(held, "olga"),
        "code": "RA9",
        "preview_id": flow.offer("2025-08"),
        "rule": "WF-R2",
        "submission_id": held,
        "decision_id": decision_id,
        "event_id": event_id,
        "path": "nothing-here",
    }


def path_of(route: str, known: dict) -> str:
    path = route.replace("{path:path}", known["path"]).format(**known)
    return f"/steward{path}" + QUERIES.get(route, "").format(**known)


def test_the_table_above_holds_every_route_of_the_app(desk):
    routes = {(method, path) for methods, path in desk.routes for method in methods}
    assert routes == set(ROUTES), "A route is not in the table (or gone): say there who may use it."


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_who_gets_in(desk, known, method, route, role):
    may = ROUTES[method, route] in MAY[role]
    with desk.client(role) as client:
        fields = {"submission": known["submission_id"], "kind": "nothing", "verdict": "nothing"}
        if role:
            fields["token"] = client.get("/steward/me").json()["token"]
        answer = client.request(method, path_of(route, known), data=fields if method == "POST" else None)
    if role is None:
        assert answer.status_code == 401
        assert not any(word in answer.content for word in TEXT_OF_DATA[:2])
    elif not may:
        assert answer.status_code == 403
        assert not any(word in answer.content for word in TEXT_OF_DATA)
    elif route == "/{path:path}":
        assert answer.status_code == 404
    else:  # the form is nonsense, so that a post that is let in is refused for what it says, not for who sent it
        assert answer.status_code in ((200, 303) if method == "GET" else (400, 404, 409)), answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"


def test_the_author_cannot_approve(desk, known):
    for verdict in ("approve", "refuse"):
        answer = desk.post("approver", f"/decisions/{known['decision_id']}/verdict", verdict=verdict)
        assert answer.status_code == 409
        assert "A second person must" in answer.text
    page = desk.client("approver").get(f"/steward/decisions/{known['decision_id']}")
    assert "You made this decision" in page.text
    assert 'name="verdict"' not in page.text


def test_a_browser_that_is_not_signed_in_is_shown_where_to(desk):
    with desk.client(None) as client:
        answer = client.get("/steward/queue?severity=hold")
        assert answer.status_code == 401
        assert "/auth/login?next=%2Fsteward%2Fqueue%3Fseverity%3Dhold" in answer.text
        assert client.get("/steward/queue", headers={"Accept": "application/json"}).json() == {
            "detail": "Not authenticated"
        }


def test_a_token_that_is_none_and_one_of_the_header(desk):
    with httpx.Client(base_url=desk.url, trust_env=False, cookies={"_token": "garbage"}) as client:
        assert client.get("/steward/me").status_code in (401, 403)
    with httpx.Client(
        base_url=desk.url, trust_env=False, headers={"Authorization": f"Bearer {desk.tokens['sam']}"}
    ) as client:
        said = client.get("/steward/me").json()
        assert (said["name"], said["may_act"], said["may_approve"]) == ("sam", True, False)
        fields = {"submission": "none", "reason": "x", "token": said["token"]}
        assert client.post("/steward/comment", data=fields).status_code == 404


@pytest.mark.parametrize(
    ("headers", "change"),
    [
        ({}, {"token": ""}),
        ({}, {"token": "0" * 64}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "same-site"}, {}),
        ({"Origin": "https://example.org"}, {}),
        ({"Origin": "null"}, {}),
    ],
)
def test_posts_from_elsewhere_are_refused(desk, known, headers, change):
    with desk.client("steward") as client:
        fields = {
            "token": client.get("/steward/me").json()["token"],
            "submission": known["submission_id"],
            "reason": "Hello",
        }
        answer = client.post("/steward/comment", data=fields | change, headers=headers)
        assert answer.status_code == 403
        assert "nothing was saved" in answer.text
        same = {"Origin": desk.url, "Sec-Fetch-Site": "same-origin"}
        assert client.post("/steward/comment", data=fields, headers=same).status_code == 303


def test_the_token_of_somebody_else_does_not_do(desk, known):
    with desk.client("other steward") as other:
        token = other.get("/steward/me").json()["token"]
    with desk.client("steward") as client:
        fields = {"token": token, "submission": known["submission_id"], "reason": "Hello"}
        assert client.post("/steward/comment", data=fields).status_code == 403


def test_a_post_that_is_too_long_or_of_unknown_length(desk):
    with desk.client("steward") as client:
        token = client.get("/steward/me").json()["token"]
        long = client.post("/steward/comment", data={"token": token, "reason": "x" * 2_000_000})
        assert long.status_code == 413
        unknown = client.post("/steward/comment", content=iter([f"token={token}".encode()]))
        assert unknown.status_code == 413


def test_a_fault_of_ours_tells_no_details_and_has_the_headers(desk, known, shared_world):
    import psycopg

    with (
        desk.client("steward") as client,
        psycopg.connect(shared_world["TB_WAREHOUSE_OWNER_URL"], autocommit=True) as warehouse,
    ):
        warehouse.execute("ALTER VIEW intake.turns RENAME TO turns_away")
        try:
            answer = client.get("/steward/")
        finally:
            warehouse.execute("ALTER VIEW intake.turns_away RENAME TO turns")
    assert answer.status_code == 500
    assert "There is a fault in the desk" in answer.text
    assert "intake.turns" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"

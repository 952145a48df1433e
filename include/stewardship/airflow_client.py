"""Tells Airflow that a decision changed what counts, so that its collection and period are collected and published anew."""

import urllib.parse

PATIENCE = 20  # seconds


def announce(base_url: str, token: str, collection: str, period: str) -> bool:
    """Has Airflow start `collect_<collection>` for the period; whether it will.

    An event of the asset `waiting_<collection>` needs Airflow's role op. Whoever may not send one may still start the
    collection's run. Neither is needed for the decision to take effect: what waits is found every quarter of an hour.

    Args:
        base_url: Airflow's address, such as http://127.0.0.1:8080.
        token: what Airflow gave the person who signed in.
    """
    import httpx

    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=base_url, headers=headers, timeout=PATIENCE, trust_env=False) as http:
            return _event(http, f"waiting_{collection}", period) or _run(http, f"collect_{collection}", period)
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _event(http, asset: str, period: str) -> bool:
    found = http.get("/api/v2/assets", params={"name_pattern": asset, "limit": 50})
    if found.status_code != 200:
        return False
    ids = [entry["id"] for entry in found.json()["assets"] if entry["name"] == asset]
    if not ids:
        return False
    said = http.post("/api/v2/assets/events", json={"asset_id": ids[0], "partition_key": period, "extra": {}})
    return said.status_code < 300


def _run(http, dag_id: str, period: str) -> bool:
    body = {"logical_date": None, "partition_key": period, "conf": {}, "note": "a decision"}
    said = http.post(f"/api/v2/dags/{urllib.parse.quote(dag_id, safe='')}/dagRuns", json=body)
    return said.status_code < 300

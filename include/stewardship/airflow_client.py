"""Asks Airflow over HTTP to collect and publish a collection and period again after a decision."""

import urllib.parse

import httpx

TIMEOUT = 20  # seconds


def start_collection(base_url: str, token: str, collection: str, period: str) -> bool:
    """Asks Airflow to start `collect_<collection>` for a period.

    Creates an event of the asset `waiting_<collection>`, which needs Airflow's role op; without that right, starts a run of the DAG.
    The decision takes effect without either: receive_inbox looks for waiting returns every 15 minutes.

    Args:
        base_url: Airflow's address, such as http://127.0.0.1:8080.
        token: the access token of the person who signed in.
        collection: its name.
        period: such as '2025-06' or '2024-25'.

    Returns:
        Whether Airflow accepted one of the two.
    """
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT, trust_env=False) as http:
            return _create_event(http, f"waiting_{collection}", period) or _start_run(
                http, f"collect_{collection}", period
            )
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _create_event(http: httpx.Client, asset: str, period: str) -> bool:
    found = http.get("/api/v2/assets", params={"name_pattern": asset, "limit": 50})
    if found.status_code != 200:
        return False
    ids = [entry["id"] for entry in found.json()["assets"] if entry["name"] == asset]
    body: dict[str, object] = {"asset_id": ids[0] if ids else None, "partition_key": period, "extra": {}}
    return bool(ids) and http.post("/api/v2/assets/events", json=body).is_success


def _start_run(http: httpx.Client, dag_id: str, period: str) -> bool:
    body: dict[str, object] = {"logical_date": None, "partition_key": period, "conf": {}, "note": "a decision"}
    return http.post(f"/api/v2/dags/{urllib.parse.quote(dag_id, safe='')}/dagRuns", json=body).is_success

"""The trusts' room of `make run`: a process of its own, with two sample contacts."""

import os
import sys

from trust_benchmarks.stores import warehouse
from trust_benchmarks_local import airflow, postgres, processes
from trust_benchmarks_local.state import State

SAMPLES = {"ann@ra9.example": ("Ann Example", "RA9"), "bob@rx4.example": ("Bob Example", "RX4")}
PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "PYTHONUNBUFFERED", "TB_CACHE")


def start(state: State) -> processes.Child:
    """Starts it on a port that is free, and makes the sample contacts."""
    port = state.port("TB_PORT_ROOM")
    with warehouse.connect() as connection:
        for mail, (name, code) in SAMPLES.items():
            connection.execute(
                """SELECT core.add_contact(%(mail)s, %(name)s, ARRAY[%(code)s], 'make run')
                   WHERE NOT EXISTS (SELECT FROM core.contact WHERE mail = %(mail)s)""",
                {"mail": mail, "name": name, "code": code},
            )
    return processes.start(
        "the trusts' room",
        [sys.executable, "-m", "trust_benchmarks.cli.main", "serve-room", "--port", str(port)],
        state.logs / "room.log",
        state.folder,
        environment=environment(state),
        patience=3.0,
    )


def environment(state: State) -> dict[str, str]:
    """What it needs and no more: its own role at the warehouse, and its own identity at the object store."""
    whole = airflow.environment(state)
    database = state.settings["TB_WAREHOUSE_URL"].rpartition("/")[2]
    return {
        name: value
        for name, value in whole.items()
        if name in PASSED or name.startswith(("TB_S3_", "TB_BUCKET_", "OMP_", "OPENBLAS_"))
    } | {
        "TB_S3_KEY": state.settings["TB_S3_ROOM_KEY"],
        "TB_S3_SECRET": state.settings["TB_S3_ROOM_SECRET"],
        "TB_ROOM_PASSWORD": state.settings["TB_ROOM_PASSWORD"],
        "TB_WAREHOUSE_URL": postgres.url(state, database, "trust_room", "TB_ROOM_PASSWORD"),
        "TB_ROOM_URL": os.environ.get("TB_ROOM_URL", address(state)),
    }


def address(state: State) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{state.settings['TB_PORT_ROOM']}"

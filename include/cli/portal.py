"""The trusts' room as a process."""

import os
import threading

import uvicorn

from ..portal import app, pages, sending
from . import embedded
from .output import note


def serve(host: str, port: int) -> None:
    """Serves the room until it is stopped."""
    os.environ.setdefault(pages.ADDRESS, f"http://{host}:{port}")
    with embedded.stores():
        application = app.create()
        threading.Thread(target=sending.keep_swept, args=(threading.Event(),), name="sweep", daemon=True).start()
        note(f"Trust room on http://{host}:{port}, links say {pages.room_address()} (Ctrl-C ends it)")
        uvicorn.run(application, host=host, port=port, log_level="warning", access_log=False, server_header=False)

"""The API as readers meet it: on a real socket, over a real warehouse."""

import contextlib
import os
import socket
import threading

import uvicorn
from trust_benchmarks.api import app, readers

KEY, COMMERCIAL = "tb_a-reader", "tb_a-buyer"
SETTINGS = {
    readers.KEYS: f"reader:{readers.digest(KEY)},buyer:{readers.digest(COMMERCIAL)}:commercial",
    readers.SAMPLES: "",
    readers.PUBLIC_RATE: "100000",
    readers.KEY_RATE: "100000",
}


@contextlib.contextmanager
def served(**settings):
    """Serves what the environment names; the address of /api/v1."""
    before = {name: os.environ.get(name) for name in SETTINGS}
    os.environ.update(SETTINGS | settings)
    try:
        application = app.create()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{app.ROOT}"
        finally:
            server.should_exit = True
            thread.join(20)

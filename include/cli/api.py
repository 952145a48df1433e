"""The HTTP API as a process, and keys for it."""

import uvicorn

from ..api import app, readers
from . import Refused, embedded
from .output import note


def serve(host: str, port: int) -> None:
    """Serves the API until it is stopped."""
    with embedded.stores():
        application = app.create()
        note(f"HTTP API on http://{host}:{port}{app.ROOT} (Ctrl-C ends it)")
        uvicorn.run(application, host=host, port=port, log_level="warning", access_log=False, server_header=False)


def new_key(name: str, commercial: bool) -> None:
    """Writes a new key, and the line that makes it known.

    Raises:
        Refused: the name has other letters than a key's name may have.
    """
    key = readers.new_key()
    line = f"{name}:{readers.digest(key)}{':commercial' if commercial else ''}"
    if not readers.ONE_KEY.fullmatch(line):
        raise Refused(f"'{name}' cannot name a key. Use up to 60 letters, digits, dots, dashes and underscores.")
    note(
        f"For {name}, shown this once. Add the second line to {readers.KEYS}, with a comma between keys, and restart the API."
    )
    print(key)
    print(line)

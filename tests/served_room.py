"""The trusts' room as contacts meet it: on a real socket, over a real warehouse and a real object store."""

import contextlib
import os
import re
import socket
import threading

import httpx
import uvicorn
from trust_benchmarks.portal import app
from trust_benchmarks.stores import warehouse

CONTACTS = {"ann@ra9.example": ("Ann Adams", "RA9"), "bob@rx4.example": ("Bob Brown", "RX4")}
ANN, BOB = CONTACTS


@contextlib.contextmanager
def served():
    """Serves what the environment names; yields its address. Signs of a fault inside are raised at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        os.environ["TB_ROOM_URL"] = url
        application = app.create()
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(20)
            del os.environ["TB_ROOM_URL"]


def add_contacts() -> None:
    with warehouse.connect() as connection:
        for mail, (name, code) in CONTACTS.items():
            connection.execute("SELECT core.add_contact(%s, %s, %s, 'a test')", [mail, name, [code]])


def link_of(mail: str) -> str:
    """The token of a new link."""
    with warehouse.connect() as connection:
        return connection.execute("SELECT core.link_of_contact(%s, 'a test')", [mail]).fetchone()[0]


def session_of(mail: str) -> str:
    """The token of a new session, without any page."""
    with warehouse.connect("trust_room") as connection:
        return connection.execute("SELECT room.begin_session(%s, 'test')", [link_of(mail)]).fetchone()[0]


class Person(httpx.Client):
    """Somebody with a browser: keeps cookies, follows nothing by itself, and fills forms of pages it has seen."""

    def __init__(self, url: str, mail: str | None = None):
        super().__init__(base_url=url, trust_env=False, timeout=60, follow_redirects=False)
        if mail:
            token = link_of(mail)
            page = self.get(f"/link/{token}")
            assert page.status_code == 200
            assert self.submit("/link", page, link=token).headers["location"] == "/"

    def __enter__(self):
        return self  # it may have asked before

    def __exit__(self, *_):
        self.close()

    def submit(self, path: str, page: httpx.Response, files=None, **fields) -> httpx.Response:
        """Posts a form of a page."""
        token = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)[1]
        return self.post(path, data={"token": token, **fields}, files=files)

    def fill(self, at: str, path: str, files=None, **fields) -> httpx.Response:
        """Opens a page and posts its form."""
        return self.submit(path, self.get(at), files, **fields)

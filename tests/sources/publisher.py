"""A publisher on this machine: real HTTP servers, one a host, that play what publishers serve and every way in which they fail."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.lock:
            server.seen.append((self.path, {name.lower(): said for name, said in self.headers.items()}))
        plan = server.plans.get(self.path) or server.plans.get(urlsplit(self.path).path)
        if isinstance(plan, list):
            plan = plan.pop(0) if len(plan) > 1 else plan[0]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            (plan or status(404))(self)

    @property
    def query(self):
        return {name: said[0] for name, said in parse_qs(urlsplit(self.path).query).items()}

    def answer(self, code, body=b"", length=None, **headers):
        self.send_response(code)
        headers = {name.replace("_", "-"): said for name, said in headers.items()}
        if code != 304:
            headers = {"Content-Length": len(body) if length is None else length} | headers
        for name, said in headers.items():
            self.send_header(name, str(said))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Host(ThreadingHTTPServer):
    """One host. `plans`: path -> what it does, or a list of what it does one after the other; `seen`: what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plans, self.seen, self.lock = {}, [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass

    def asked(self, path):
        """The headers of each request for a path."""
        return [headers for at, headers in self.seen if at == path or urlsplit(at).path == path]

    def forget(self):
        self.seen.clear()


@contextlib.contextmanager
def hosts(*names):
    """Hosts by the names that they play, and the setting that says so."""
    playing = {name: Host() for name in names}
    for one in playing.values():
        threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield playing, " ".join(f"{name}={one.url}" for name, one in playing.items())
    finally:
        for one in playing.values():
            one.shutdown()
            one.server_close()


# What a host does ----------------------------------------------------------------------------------------------------


def serve(content, etag=None, modified=None, **headers):
    """A file, with its validators kept to and ranges served where it has an ETag."""

    def plan(handler):
        asked = handler.headers
        said = {"ETag": etag} if etag else {}
        said |= {"Last-Modified": modified} if modified else {}
        if (etag and asked.get("If-None-Match") == etag) or (
            not etag and modified and asked.get("If-Modified-Since") == modified
        ):
            return handler.answer(304, **said)
        begin = asked.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if begin and etag and asked.get("If-Range") == etag:
            rest = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
            return handler.answer(206, content[int(begin) :], **said, **rest, **headers)
        return handler.answer(200, content, **said, **headers)

    return plan


def status(code, **headers):
    return lambda handler: handler.answer(code, b"no", **headers)


def redirect(to, code=302):
    return lambda handler: handler.answer(code, b"", Location=to)


def cut(content, at, etag=None):
    """The right Content-Length, and the connection closed half-way."""

    def plan(handler):
        handler.answer(200, content[:at], length=len(content), **({"ETag": etag} if etag else {}))
        handler.close_connection = True

    return plan


def cut_chunked(content):
    """Chunks, and the connection closed before the last."""

    def plan(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        handler.close_connection = True

    return plan


def trickle(seconds):
    """A byte now and then, for ever."""

    def plan(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            handler.wfile.write(b"x")
            time.sleep(0.05)
        handler.close_connection = True

    return plan


def page(html):
    return lambda handler: handler.answer(200, html.encode(), Content_Type="text/html")


def as_json(value, code=200):
    return lambda handler: handler.answer(code, json.dumps(value).encode(), Content_Type="application/json")


# CKAN ----------------------------------------------------------------------------------------------------------------


class Portal:
    """A CKAN portal with packages of resources, changed as the year goes on."""

    def __init__(self, host):
        self.host, self.packages = host, {}
        host.plans["/api/3/action/package_show"] = self._package
        host.plans["/api/3/action/resource_show"] = self._resource

    def put(self, package, name, content, created="2026-01-01T09:30:00.9", modified=None, plan=None):
        """Publishes a resource, or replaces its bytes."""
        resources = self.packages.setdefault(package, {})
        uid = f"r-{package[:5]}-{name}"
        path = f"/dataset/u1/resource/{uid}/download/{name.lower()}.csv"
        resources[name] = {
            "id": uid, "package_id": "u1", "name": name, "bq_table_name": name, "format": "CSV", "url": self.host.url + path,
            "zip_url": "http://127.0.0.1:2/x.zip?expires=1", "url_type": "upload", "datastore_active": True, "hash": "",
            "created": created, "last_modified": modified,
        }  # fmt: skip
        self.host.plans[path] = plan or serve(content)
        return path

    def remove(self, package, name):
        del self.packages[package][name]

    def _package(self, handler):
        resources = self.packages.get(handler.query["id"])
        if resources is None:
            error = {"__type": "Not Found Error", "message": "Not found"}
            return as_json({"success": False, "error": error}, 404)(handler)
        result = {"id": "u1", "name": handler.query["id"], "resources": list(resources.values())}
        return as_json({"help": "", "success": True, "result": result})(handler)

    def _resource(self, handler):
        for resources in self.packages.values():
            for one in resources.values():
                if one["id"] == handler.query["id"]:
                    return as_json({"success": True, "result": one})(handler)
        return as_json({"success": False}, 404)(handler)

"""Fetching a publisher's file, against a server on this machine that behaves badly in every way that is planned for."""

import contextlib
import hashlib
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import flow
import pytest
from trust_benchmarks.catalogue import UnknownCollection
from trust_benchmarks.ingest import fetch as fetching
from trust_benchmarks.ingest import receive
from trust_benchmarks.stores import objects, settings

CONTENT = flow.workforce("RA9", "2025-06")
NAME = "/files/workforce_RA9_2025-06.csv"


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next thing that the test planned; the last one repeats."""

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        plan = self.server.plan
        (plan.pop(0) if len(plan) > 1 else plan[0])(self)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, said in (
            {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
        ).items():
            self.send_header(name, str(said))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A server; `plan` is what it does next, `seen` what it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.plan, server.seen = True, [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def fetch(server, path=NAME, **given):
    return fetching.fetch(server.url + path, "workforce", **{"pause": 0.01, "seconds": 5} | given)


def ok(content=CONTENT, **headers):
    return lambda handler: handler.answer(200, content, **headers)


def status(code, **headers):
    return lambda handler: handler.answer(code, b"no", **headers)


def inbox():
    return {o.key: objects.get(settings.load().inbox, o.key)[0] for o in objects.listing(settings.load().inbox)}


def fails(server, **given) -> str:
    """What a fetch says that must fail and write nothing."""
    before = inbox()
    with pytest.raises(fetching.FetchError) as error:
        fetch(server, **given)
    said = str(error.value)
    assert inbox() == before
    assert server.url in said
    assert said.endswith(".")
    return said


@pytest.fixture(autouse=True)
def empty_inbox(shared_world):
    """The tests of this module share a warehouse; each starts with an empty inbox. Addresses differ by server."""
    objects.delete(settings.load().inbox, list(inbox()))


def test_a_file_is_put_into_the_inbox_and_received_as_any_other(server):
    server.plan = [ok(ETag='"one"')]
    assert fetch(server) == {"key": "workforce/workforce_RA9_2025-06.csv", "bytes": len(CONTENT), "new": True}
    assert inbox() == {"workforce/workforce_RA9_2025-06.csv": CONTENT}
    assert receive.receive("workforce")["received"] == 1
    assert receive.receive("workforce")["received"] == 0


def test_the_second_request_is_conditional_and_304_does_nothing(server):
    changed = formatdate(1_700_000_000, usegmt=True)
    server.plan = [ok(ETag='"one"', Last_Modified=changed), lambda handler: handler.answer(304)]
    key = fetch(server)["key"]
    objects.delete(settings.load().inbox, [key])
    assert fetch(server) == {"key": key, "bytes": None, "new": False}
    assert inbox() == {}
    first, second = (headers for _, headers in server.seen)
    assert "If-None-Match" not in first and "If-Modified-Since" not in first
    assert (second["If-None-Match"], second["If-Modified-Since"]) == ('"one"', changed)


def test_unchanged_bytes_without_304_do_nothing(server):
    server.plan = [ok()]
    key = fetch(server)["key"]
    written = next(iter(objects.listing(settings.load().inbox))).modified
    assert fetch(server) == {"key": key, "bytes": len(CONTENT), "new": False}
    assert next(iter(objects.listing(settings.load().inbox))).modified == written


def test_a_new_edition_replaces_the_file_and_is_remembered(server):
    server.plan = [ok(ETag='"one"'), ok(b"second edition", ETag='"two"'), lambda handler: handler.answer(304)]
    key = fetch(server)["key"]
    assert fetch(server)["new"]
    assert not fetch(server)["new"]
    assert inbox() == {key: b"second edition"}
    assert [headers.get("If-None-Match") for _, headers in server.seen] == [None, '"one"', '"two"']


def test_another_name_for_the_same_address_is_fetched_whole(server):
    server.plan = [ok(ETag='"one"')]
    fetch(server, file_name="april.csv")
    assert fetch(server, file_name="may.csv")["new"]
    assert sorted(inbox()) == ["workforce/april.csv", "workforce/may.csv"]
    assert "If-None-Match" not in server.seen[1][1]


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_tried_again(server, code):
    server.plan = [status(code), status(code), ok()]
    assert fetch(server)["new"]
    assert len(server.seen) == 3


@pytest.mark.parametrize("after", ["1", "date"])
def test_retry_after_is_honoured(server, after):
    said = after if after == "1" else formatdate(time.time() + 2, usegmt=True)
    server.plan = [status(429, Retry_After=said), ok()]
    start = time.monotonic()
    assert fetch(server)["new"]
    assert time.monotonic() - start >= 0.9


def test_a_wait_beyond_the_time_limit_is_not_begun(server):
    server.plan = [status(503, Retry_After="600")]
    start = time.monotonic()
    assert "503 Service Unavailable" in fails(server)
    assert time.monotonic() - start < 2
    assert len(server.seen) == 1


def test_what_stays_broken_is_given_up_after_the_last_attempt(server):
    server.plan = [status(500)]
    said = fails(server, attempts=3)
    assert "in 3 attempts: the server answered 500 Internal Server Error. Run this again later" in said
    assert len(server.seen) == 3


@pytest.mark.parametrize("code", [400, 403, 404, 410])
def test_what_will_not_pass_is_not_tried_again(server, code):
    server.plan = [status(code)]
    said = fails(server)
    assert str(code) in said and "correct the url in the catalogue" in said
    assert len(server.seen) == 1


def test_a_hanging_server_is_left_at_the_time_limit(server):
    server.plan = [lambda handler: time.sleep(3)]
    start = time.monotonic()
    assert "did not answer in time" in fails(server, seconds=0.6)
    assert time.monotonic() - start < 2.5


def test_a_server_that_drips_is_left_at_the_time_limit(server):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.05)

    server.plan = [drip]
    start = time.monotonic()
    assert "the time limit was reached" in fails(server, seconds=0.6)
    assert time.monotonic() - start < 2


def test_a_truncated_body_is_never_taken(server):
    cut = lambda handler: handler.answer(200, CONTENT[:100], Content_Length=len(CONTENT))  # noqa: E731
    server.plan = [cut]
    assert "broke off" in fails(server, attempts=2)
    server.plan = [cut, ok()]
    assert fetch(server)["new"]
    assert list(inbox().values()) == [CONTENT]


def test_a_server_that_is_not_there(server):
    server.plan = [ok()]
    server.shutdown()
    server.server_close()
    assert "the connection failed" in fails(server, attempts=2)


def test_redirects_are_followed_and_bounded(server):
    def to(path, code=302):
        return lambda handler: handler.answer(code, Location=path)

    server.plan = [to("/a"), to(server.url + "/b/new_RA9_2025-06.csv", 301), ok()]
    assert fetch(server)["key"] == "workforce/new_RA9_2025-06.csv"
    server.plan = [to("/loop")]
    server.seen.clear()
    assert "sent on more than 5 times" in fails(server)
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "target", ["http://example.org/x.csv", "ftp://127.0.0.1/x", "file:///etc/passwd", "//example.org/x.csv"]
)
def test_a_redirect_to_an_address_that_is_not_fetched_from_is_refused(server, target):
    server.plan = [lambda handler: handler.answer(302, Location=target)]
    assert "leads to" in fails(server)


@pytest.mark.parametrize(
    "url", ["http://example.org/x.csv", "ftp://example.org/x", "file:///etc/passwd", "x.csv", "", "https://"]
)
def test_only_https_or_this_machine(url):
    with pytest.raises(fetching.FetchError, match="Expected one that starts with https://"):
        fetching.fetch(url, "workforce")


def test_another_server_cannot_send_us_to_this_machine():
    with pytest.raises(fetching.FetchError, match="leads to"):
        fetching._check("http://127.0.0.1/secret", "https://example.org/x.csv")


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large_is_refused(server, announced):
    def large(handler):
        if announced:
            return handler.answer(200, b"x" * 10, Content_Length=10_000_000)
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b"x" * 1000)
        return None

    server.plan = [large]
    assert "more than the 5,000 bytes" in fails(server, most_bytes=5000)
    assert len(server.seen) == 1


def test_an_empty_file_is_refused(server):
    server.plan = [ok(b"")]
    assert "is empty (0 bytes)" in fails(server)


def test_an_unknown_collection_is_refused(server):
    with pytest.raises(UnknownCollection):
        fetching.fetch(server.url + NAME, "no_such")


@pytest.mark.parametrize(
    ("path", "headers", "given", "name"),
    [
        ("/a/b/x.csv?download=1", {}, None, "x.csv"),
        ("/a%2F..%2F..%2Fetc%2Fpasswd", {}, None, "passwd"),
        (
            "/x.csv",
            {"Content_Disposition": 'attachment; filename="May report (final).csv"'},
            None,
            "May_report_final_.csv",
        ),
        ("/x.csv", {"Content_Disposition": 'attachment; filename="..\\..\\boot.ini"'}, None, "boot.ini"),
        ("/x.csv", {"Content_Disposition": "attachment; filename*=UTF-8''M%C3%A4rz.csv"}, None, "M_rz.csv"),
        ("/x.csv", {}, "../../other/y.csv", "y.csv"),
        ("/x.csv", {}, "...", "x.csv"),
        ("/", {}, None, "workforce"),
        ("/" + "a" * 300 + "_2025-06.csv", {}, None, "a" * 108 + "_2025-06.csv"),
    ],
)
def test_names_are_made_safe(server, path, headers, given, name):
    server.plan = [ok(hashlib.sha256(path.encode()).digest(), **headers)]
    assert fetch(server, path, file_name=given)["key"] == f"workforce/{name}"
    assert list(inbox()) == [f"workforce/{name}"]

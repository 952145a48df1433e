"""Requests to publishers, against servers on this machine that behave badly in every way that is planned for."""

import gzip
import hashlib
import ssl
import subprocess
import threading
import time
from email.utils import formatdate

import publisher
import pytest
from publisher import cut, cut_chunked, redirect, serve, status, trickle
from trust_benchmarks.sources import settings, web
from trust_benchmarks.sources.outcomes import Stopped

CONTENT = b"a,b\n" + b"1,2\n" * 5_000


@pytest.fixture
def host(shared_world, playing):
    """The server of files."""
    playing["files.digital.nhs.uk"].plans["/robots.txt"] = status(404)
    return playing["files.digital.nhs.uk"]


def get(path="/f.csv", **given):
    with web.Web() as client:
        return client.file(f"https://files.digital.nhs.uk{path}", **given)


def stopped(path="/f.csv", **given):
    with pytest.raises(Stopped) as problem:
        get(path, **given)
    assert problem.value.found.endswith(".")
    return problem.value.outcome, problem.value.found


def is_whole(answer):
    return (
        answer.body.read() == CONTENT
        and answer.sha256 == hashlib.sha256(CONTENT).hexdigest()
        and answer.bytes == len(CONTENT)
    )


def test_it_introduces_itself_and_asks_conditionally(host):
    host.plans["/f.csv"] = serve(CONTENT, '"one"')
    answer = get()
    assert is_whole(answer)
    assert (answer.status, answer.etag, answer.url) == (200, '"one"', f"{host.url}/f.csv")
    again = get(etag=answer.etag)
    assert (again.status, again.body) == (304, None)
    first, second = host.asked("/f.csv")
    assert first["user-agent"].startswith("trust-benchmarks/") and first["user-agent"].endswith("(+data@example.org)")
    assert "if-none-match" not in first and second["if-none-match"] == '"one"'


def test_without_a_contact_nothing_is_asked(host, monkeypatch):
    monkeypatch.delenv("TB_FETCH_CONTACT")
    with pytest.raises(settings.NotConfigured, match="TB_FETCH_CONTACT is not set"):
        get()
    assert not settings.is_on() and not host.seen


@pytest.mark.parametrize(
    ("before", "times"),
    [
        ([status(500)], 2),
        ([status(429)], 2),
        ([status(503, Retry_After="0")], 2),
        ([status(429, Retry_After=formatdate(usegmt=True))], 2),
        ([cut_chunked(CONTENT[:100])], 2),
        ([cut(CONTENT, 999)], 2),
        ([status(502), cut(CONTENT, 5), status(500)], 4),
    ],
)
def test_what_may_pass_is_tried_again(host, before, times):
    host.plans["/f.csv"] = [*before, serve(CONTENT, '"one"')]
    assert is_whole(get())
    assert len(host.asked("/f.csv")) == times


def test_a_download_goes_on_where_it_broke_off(host):
    host.plans["/f.csv"] = [cut(CONTENT, 7_000, '"one"'), serve(CONTENT, '"one"')]
    assert is_whole(get())
    assert [one.get("range") for one in host.asked("/f.csv")] == [None, "bytes=7000-"]
    # Another file has come in between: it is taken from its beginning.
    host.plans["/f.csv"] = [cut(CONTENT[::-1], 7_000, '"old"'), serve(CONTENT, '"new"')]
    assert is_whole(get())
    # A weak tag promises nothing.
    host.plans["/f.csv"], host.seen[:] = [cut(CONTENT, 7_000, 'W/"one"'), serve(CONTENT, 'W/"one"')], []
    assert is_whole(get())
    assert [one.get("range") for one in host.asked("/f.csv")] == [None, None]


def test_a_server_that_does_not_answer_is_unreachable(host):
    host.plans["/f.csv"] = status(500)
    outcome, found = stopped()
    assert outcome == "unreachable" and "in 4 attempts: the server answered 500" in found
    assert len(host.asked("/f.csv")) == 4


def test_silence_and_drops_end(host, monkeypatch):
    monkeypatch.setattr(web.Web.__init__, "__defaults__", (None, 0.6, 0.01))
    host.plans["/f.csv"] = trickle(2)
    began = time.monotonic()
    assert stopped()[0] == "unreachable"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("code", "outcome"), [(401, "refused"), (403, "refused"), (451, "refused"), (404, "broken"), (410, "moved")]
)
def test_what_will_not_pass_is_asked_once(host, code, outcome):
    host.plans["/f.csv"] = status(code)
    assert stopped()[0] == outcome
    assert len(host.asked("/f.csv")) == 1


def test_redirects_are_followed_and_told(host, playing):
    other = playing["digital.nhs.uk"]
    host.plans["/f.csv"], other.plans["/g.csv"] = redirect(other.url + "/g.csv", 301), serve(CONTENT)
    answer = get()
    assert is_whole(answer) and answer.url == other.url + "/g.csv"
    host.plans["/f.csv"] = redirect("/f.csv")
    assert stopped()[0] == "moved"


@pytest.mark.parametrize(
    "to",
    [
        "https://10.0.0.1/f.csv", "https://192.168.1.1/f", "https://169.254.169.254/latest/meta-data", "https://[fd00::1]/f",
        "https://[::ffff:10.0.0.1]/f", "http://example.org/f.csv", "file:///etc/passwd", "https://0.0.0.0/f", "https://2130706433/f",
    ],
)  # fmt: skip
def test_a_redirect_to_a_private_or_unsafe_address_is_not_followed(host, to):
    host.plans["/f.csv"] = redirect(to)
    outcome, found = stopped()
    assert outcome == "moved" and to in found


@pytest.mark.parametrize(
    "address", ["https://127.0.0.1/f", "https://localhost/f", "https://x.localhost/f", "http://127.0.0.1:1/f"]
)
def test_this_machine_is_asked_only_where_a_test_says_so(shared_world, monkeypatch, address):
    monkeypatch.setenv("TB_FETCH_CONTACT", "data@example.org")
    monkeypatch.delenv("TB_FETCH_PLAYED", raising=False)
    with pytest.raises(Stopped) as problem, web.Web() as client:
        client.file(address)
    assert problem.value.outcome == "moved"


def test_a_name_that_stands_for_a_private_address_is_not_asked(shared_world, monkeypatch):
    monkeypatch.setenv("TB_FETCH_CONTACT", "data@example.org")
    monkeypatch.setattr(web.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("10.1.2.3", 443))])
    with pytest.raises(Stopped, match=r"10\.1\.2\.3: this machine or a private network"), web.Web() as client:
        client.file("https://files.example.org/f.csv")


def test_sizes_have_limits(host, monkeypatch):
    monkeypatch.setattr(web, "MOST_FILE", 1_000)
    host.plans["/f.csv"] = serve(CONTENT)
    assert stopped()[0] == "broken"
    host.plans["/f.csv"] = serve(gzip.compress(b"x" * 50_000), Content_Encoding="gzip")
    assert stopped()[0] == "broken"
    host.plans["/f.csv"] = serve(b"")
    assert "is empty" in stopped()[1]


def test_gzip_in_transport_is_undone(host):
    host.plans["/f.csv"] = serve(gzip.compress(CONTENT), Content_Encoding="gzip")
    assert is_whole(get())


def test_robots_txt_is_kept_to(host, monkeypatch):
    host.plans["/f.csv"] = serve(CONTENT)
    host.plans["/robots.txt"] = serve(b"User-agent: *\nDisallow: /*.csv$\n\nUser-agent: other\nDisallow:\n")
    outcome, found = stopped()
    assert outcome == "refused" and "robots.txt forbids" in found and not host.asked("/f.csv")
    host.plans["/robots.txt"] = serve(b"User-agent: *\nDisallow: /\n\nUser-agent: trust-benchmarks\nAllow: /\n")
    assert is_whole(get())
    # It is asked about the name that is sent, whatever version and words follow.
    monkeypatch.setenv("TB_FETCH_AGENT", "our-trust/2.1 (figures)")
    outcome, found = stopped()
    assert outcome == "refused" and host.asked("/robots.txt")[-1]["user-agent"].startswith("our-trust/2.1 (figures) (+")
    host.plans["/robots.txt"] = serve(b"User-agent: trust-benchmarks\nDisallow: /\n\nUser-agent: our-trust\nAllow: /\n")
    assert is_whole(get())
    # A file that cannot be had allows nothing, one that is not there everything.
    host.plans["/robots.txt"] = status(503)
    assert stopped()[0] == "unreachable"
    host.plans["/robots.txt"] = serve(b"User-agent: *\nCrawl-delay: 0.3\n")
    began = time.monotonic()
    assert is_whole(get()) and time.monotonic() - began > 0.3


def test_one_request_at_a_time_to_a_host(host):
    under_way, most = [], []

    def slowly(handler):
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.05)
        under_way.pop()
        serve(CONTENT)(handler)

    host.plans["/f.csv"] = slowly
    threads = [threading.Thread(target=get) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == [1, 1, 1, 1]


def test_a_certificate_that_cannot_be_checked_is_refused(shared_world, monkeypatch, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    with publisher.hosts("one") as (playing, _):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
        playing["one"].socket = context.wrap_socket(playing["one"].socket, server_side=True)
        playing["one"].plans |= {"/f.csv": serve(CONTENT), "/robots.txt": status(404)}
        monkeypatch.setenv("TB_FETCH_CONTACT", "data@example.org")
        monkeypatch.setenv("TB_FETCH_PLAYED", f"one=https://127.0.0.1:{playing['one'].server_port}")
        monkeypatch.setenv("TB_FETCH_PAUSE", "0.0001")
        with pytest.raises(Stopped) as problem, web.Web() as client:
            client.file("https://one/f.csv")
        assert problem.value.outcome == "refused" and "certificate" in problem.value.found
        assert not playing["one"].seen

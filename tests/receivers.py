"""Receivers of metrics and lineage on loopback that keep what they are sent, and one that hangs."""

import contextlib
import gzip
import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


class Received:
    """What arrived: bodies of what was posted, newest last, and the addresses that were asked for."""

    def __init__(self, url: str):
        self.url, self.bodies, self.asked = url, [], []

    def metrics(self):
        """Each metric of each request, as OTLP has it."""
        for body in list(self.bodies):
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    yield from scope.metrics

    def sums(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """What was added to a counter, or the number of values of a histogram, by these labels; a gauge's newest value."""
        found: dict[tuple[str, ...], float] = defaultdict(float)
        for metric in self.metrics():
            if metric.name != name:
                continue
            kind = metric.WhichOneof("data")
            for point in getattr(metric, kind).data_points:
                has = {one.key: one.value.string_value for one in point.attributes}
                key = tuple(has.get(label, "") for label in labels)
                if kind == "histogram":
                    found[key] += point.count
                elif kind == "sum":
                    found[key] += point.as_int or point.as_double
                else:
                    found[key] = point.as_int or point.as_double
        return dict(found)

    def events(self) -> list[dict]:
        """Events of OpenLineage."""
        return [json.loads(body) for body in self.bodies]


@contextlib.contextmanager
def receiver():
    """A server that takes whatever is posted."""

    class Take(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.answer(200)

        def do_GET(self):
            received.asked.append(self.path)
            self.answer(500 if self.path == "/broken" else 200)

        def answer(self, status):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Take) as server:
        received = Received(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield received
        finally:
            server.shutdown()

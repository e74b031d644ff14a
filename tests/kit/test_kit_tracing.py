"""Spans, as a collector receives them: OTLP over HTTP, read with OpenTelemetry's own messages."""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from gamehall.comments.v1 import comments_pb2 as pb
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from worlds import World, settings_for, sqlite_url

from tests.databases import shared_postgres

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LIST = "gamehall.comments.v1.CommentService/ListComments"
CREATE = "gamehall.comments.v1.CommentService/CreateComment"


class Collector(BaseHTTPRequestHandler):
    """Keeps every span that it is sent."""

    spans: list[Span]
    services: set[str]

    def do_POST(self):
        """One export."""
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for resource in request.resource_spans:
            self.services.update(each.value.string_value for each in resource.resource.attributes if each.key == "service.name")
            self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *said):
        """Says nothing."""


@pytest.fixture
def collector(monkeypatch):
    kept = type("Kept", (Collector,), {"spans": [], "services": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kept)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    # One encoding for the reader above.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield kept
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.mark.parametrize("database, engine", [("sqlite", "native"), ("postgresql", "grpcio")])
def test_a_call_is_a_span_of_its_callers_trace(collector, tmp_path, database, engine, refused):
    url = shared_postgres().fresh() if database == "postgresql" else sqlite_url(tmp_path)
    before = time.time_ns()
    world = World(settings_for(url, engine, otel=True))
    ann, nobody = world.person("ann"), world.nobody()
    answer = ann.get("/comments?context=a&context_id=b", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    with refused("UNAUTHENTICATED"):
        nobody.grpc.comments.CreateComment(pb.CreateCommentRequest(), metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),))
    nobody.get("/comments?context=unsampled&context_id=b", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    ann.get("/users/me")
    world.close()

    assert collector.services == {"gamehall"}
    by_name = {span.name: span for span in collector.spans}
    listed, refusal, own = by_name[LIST], by_name[CREATE], by_name["gamehall.users.v1.UserService/GetUser"]
    told = {each.key: each.value.string_value for each in listed.attributes}
    assert (listed.trace_id.hex(), listed.parent_span_id.hex()) == (TRACE, PARENT)
    assert (told["rpc.method"], told["rpc.response.status_code"], told["gamehall.door"]) == (LIST, "OK", "http")
    assert told["gamehall.request_id"] == answer.headers["x-request-id"]
    assert listed.kind == Span.SPAN_KIND_SERVER
    assert before < listed.start_time_unix_nano < listed.end_time_unix_nano < time.time_ns()
    # A refusal of the caller's making is no error of the server.
    assert {each.key: each.value.string_value for each in refusal.attributes}["rpc.response.status_code"] == "UNAUTHENTICATED"
    assert (refusal.trace_id.hex(), refusal.status.code) == (TRACE, 0)
    assert (own.parent_span_id, own.trace_id.hex() != TRACE) == (b"", True)
    # What the caller does not record is not recorded.
    assert len([span for span in collector.spans if span.name == LIST]) == 1


def test_without_the_library_the_setting_is_explained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "gamehall_server.kit.tracing", raising=False)
    for name in [name for name in sys.modules if name.startswith("opentelemetry.")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(ValueError, match=r"gamehall\[otel\]"):
        World(settings_for(sqlite_url(tmp_path), "native", otel=True))

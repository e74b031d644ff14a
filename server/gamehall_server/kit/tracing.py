"""A span for each call, for OpenTelemetry. Needs gamehall[otel]; where to is told by its own variables (OTEL_EXPORTER_OTLP_ENDPOINT)."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, set_span_in_context

from gamehall_server.kit.call import Arrival
from gamehall_server.kit.clock import ticks, wall_nanoseconds
from gamehall_server.kit.current import trace_of
from gamehall_server.kit.errors import Fault, Internal, TimedOut, Unavailable
from gamehall_server.kit.rpc import Rpc

# Refusals that are the server's doing: the others are answers (semantic conventions of gRPC servers).
OURS = (Internal, TimedOut, Unavailable)


class Spans:
    """Makes the spans and sends them from a thread of its own."""

    def __init__(self, version: str) -> None:
        resource = Resource({SERVICE_NAME: "gamehall", SERVICE_VERSION: version})
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes first.
        self._provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("gamehall", version)

    def observe(self, rpc: Rpc, arrival: Arrival, fault: Fault | None) -> None:
        """Called after each call."""
        end = wall_nanoseconds()
        trace = trace_of(arrival)
        parent = None
        if trace is not None:
            flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
            above = SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True, trace_flags=flags)
            parent = set_span_in_context(NonRecordingSpan(above))
        method = rpc.name.removeprefix("/")
        told = {
            "rpc.system.name": "grpc",
            "rpc.method": method,
            "rpc.response.status_code": "OK" if fault is None else fault.status.name,
            "gamehall.door": arrival.door,
            "gamehall.request_id": arrival.request_id,
        }
        start = end - int((ticks() - arrival.started) * 1e9)
        span = self._tracer.start_span(method, parent, SpanKind.SERVER, told, start_time=start)
        if isinstance(fault, OURS):
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()

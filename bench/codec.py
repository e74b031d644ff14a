"""`python -m bench.codec`: the bridge's JSON codec beside protobuf's json_format in one run, written to docs/benchmarks-codec.md."""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import orjson
from gamehall.comments.v1.comments_pb2 import ListCommentsResponse
from gamehall.options.v1 import options_pb2
from gamehall_bridge.body import parse
from gamehall_bridge.decode import decode
from gamehall_bridge.encode import encoder
from gamehall_bridge.scalars import Wrong
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from bench import machine
from bench.servers import ROOT

PAGE = ROOT / "docs" / "benchmarks-codec.md"
ROUNDS, CALLS = 15, 400
ENCODE_US, DECODE_US, TIMES = 50.0, 15.0, 4.0


class Job(NamedTuple):
    """One thing that both can do, and the bar for ours in microseconds."""

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    bar: float | None


def page() -> ListCommentsResponse:
    """25 comments, as GET /comments answers."""
    answer = ListCommentsResponse()
    for number in range(25):
        comment = answer.content.add(id=number + 1, context="video", context_id="37", content=f"Comment number {number}, of usual length.")
        comment.summary, comment.created_date, comment.updated_date = "Comment number", 1_500_000_000, 1_500_000_100
        comment.user.id, comment.user.username, comment.user.display_name = number, f"user{number}", f"User {number}"
    info = answer.page_info
    info.total_pages, info.total_elements, info.first, info.number_of_elements, info.size = 40, 1000, True, 25, 25
    return answer


def profile() -> Any:
    """A message type of 20 scalar fields and a polymorphic one, made for this bench."""
    file = descriptor_pb2.FileDescriptorProto(name="bench_profile.proto", package="bench", syntax="proto3")
    message = file.message_type.add(name="Profile")
    for number in range(1, 21):
        kind = (9, 3, 1, 8, 9)[number % 5]
        message.oneof_decl.add(name=f"_field_{number}")
        message.field.add(name=f"field_{number}", number=number, type=kind, label=1, proto3_optional=True, oneof_index=number - 1)
    text = file.message_type.add(name="Text")
    text.field.add(name="value", number=1, type=9, label=1)
    kinds = file.message_type.add(name="Property")
    kinds.options.Extensions[options_pb2.message].discriminator = "type"
    kinds.oneof_decl.add(name="kind")
    kinds.field.add(name="text", number=1, type=11, type_name=".bench.Text", label=1, oneof_index=0)
    holder = file.message_type.add(name="Holder")
    holder.field.add(name="properties", number=1, type=11, type_name=".bench.Property", label=3)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bench.{name}")) for name in ("Profile", "Holder")]


def jobs() -> list[Job]:
    """What is measured; before that, that both ways say the same."""
    answer = page()
    write = encoder(ListCommentsResponse.DESCRIPTOR)
    inlined = json_format.MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    ours = orjson.loads(orjson.dumps(write(answer)))
    if [each["content"] for each in ours["content"]] != [each["content"] for each in inlined["content"]]:
        raise AssertionError("the two codecs write different pages")
    wanted, holder = profile()
    body = orjson.dumps({f"field_{n}": ("text of a field", 2**40 + n, n / 7, True, "ü" * 9)[n % 5] for n in range(1, 21)})
    words = orjson.dumps({"properties": [{"type": "text", "value": f"value {n}"} for n in range(10)]})
    arms = orjson.dumps({"properties": [{"text": {"value": f"value {n}"}} for n in range(10)]})

    def read(kind: Any, text: bytes) -> Any:
        message = kind()
        wrong = Wrong()
        decode(parse(text), message, "", wrong)
        return message

    if read(wanted, body) != json_format.Parse(body, wanted()) or read(holder, words) != json_format.Parse(arms, holder()):
        raise AssertionError("the two codecs read different messages")
    return [
        Job("encode a page of 25 comments", lambda: orjson.dumps(write(answer)), lambda: json_format.MessageToJson(answer), ENCODE_US),
        Job("decode a body of 20 fields", lambda: read(wanted, body), lambda: json_format.Parse(body, wanted()), DECODE_US),
        Job("decode 10 polymorphic objects", lambda: read(holder, words), lambda: json_format.Parse(arms, holder()), None),
    ]


def microseconds(work: Callable[[], Any]) -> float:
    """The time of one call, of CALLS in a row."""
    started = time.process_time()
    for _ in range(CALLS):
        work()
    return (time.process_time() - started) / CALLS * 1e6


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.codec", description=__doc__)
    parser.add_argument("--date", default="", help="the date to write into the report")
    told = parser.parse_args()
    lines = [
        "# The JSON codec",
        "",
        f"Made by `python -m bench.codec`{f' on {told.date}' if told.date else ''}. Not edited by hand. {machine.describe()}.",
        "",
        f"Message to bytes and bytes to message, CPU time, medians of {ROUNDS} interleaved rounds of {CALLS} calls.",
        "",
        "| what | Gamehall | json_format | times | bar | |",
        "|---|---|---|---|---|---|",
    ]
    for job in jobs():
        rounds = [(microseconds(job.ours), microseconds(job.theirs)) for _ in range(ROUNDS)]
        ours, theirs = median(each[0] for each in rounds), median(each[1] for each in rounds)
        bar = result = ""
        if job.bar is not None:
            bar = f"{job.bar:.0f} us, {TIMES:.0f}x"
            result = "passed" if ours <= job.bar and theirs >= TIMES * ours else "**missed**"
        lines.append(f"| {job.name} | {ours:.1f} us | {theirs:.1f} us | {theirs / ours:.1f}x | {bar} | {result} |")
        print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Every field that a client may write, as the contract declares it: wrong types, numbers out of range, NUL, too long, missing."""

from urllib.parse import quote

import grpc
import pytest
from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall_server.kit.validation import behavior, rules_of
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from tests.bad_input.attacks import (
    FIELDS,
    FORM,
    OAUTH,
    PLAIN,
    REQUIRED,
    about,
    each_service,
    fields_of,
    is_integer,
    is_text,
    message_with,
    name_of,
    names,
    refused,
    send,
    wrong_types,
)
from tests.bridge.http_wire import check_oauth_refusal, check_refusal


@each_service([each for each in PLAIN if wrong_types(each)])
def test_a_value_of_the_wrong_type_is_named(caller, unchanged, those):
    for each in those:
        with about(each):
            for value in wrong_types(each):
                assert set(check_refusal(send(caller, each, value), 400)) & names(each), value


@each_service([each for each in PLAIN if is_integer(each.field)])
def test_a_number_out_of_range_is_named(caller, unchanged, those):
    for each in those:
        with about(each):
            bits = 31 if each.field.cpp_type == FieldDescriptor.CPPTYPE_INT32 else 63
            for value in (2**bits, -(2**bits) - 1, 2**64, 2**65, -(2**65), 10**30, 10**300, "9" * 20, "9" * 5000):
                assert set(check_refusal(send(caller, each, value), 400)) == names(each), value


@each_service([each for each in PLAIN if is_text(each.field)])
def test_nul_is_named_in_every_text(caller, unchanged, those):
    for each in those:
        with about(each):
            for value in ("\0", "a\0b", "\0" * 3):
                assert set(check_refusal(send(caller, each, value), 400)) & names(each), value


@each_service([each for each in PLAIN if is_text(each.field) and rules_of(each.field).max_length])
def test_a_text_that_is_too_long_is_named(caller, unchanged, those):
    for each in those:
        with about(each):
            longest = rules_of(each.field).max_length
            for letter in ("a", "ä", "\U0001f3b2"):
                if each.place in ("path", "query") and longest * len(quote(letter)) > 12_000:
                    continue
                assert set(check_refusal(send(caller, each, letter * (longest + 1)), 400)) & names(each)


@each_service([each for each in PLAIN if REQUIRED in behavior(each.field) and each.place != "path"])
def test_a_missing_field_is_named(caller, unchanged, those):
    for each in those:
        with about(each):
            path = each.route.path
            for name in each.route.variables:
                path = path.replace(f"{{{name}}}", "1")
            whole = "." not in each.message_path
            nothing = (
                (b"", b"null", b"[]")
                if each.field.is_repeated and whole
                else (b"", b"{}", b"null", b'{"value": null}', b' {"unknown": 1} ')
            )
            for body in nothing if each.route.body else (None,):
                answer = caller.ask(each.route.verb, path, body)
                assert set(check_refusal(answer, 400)) & {*names(each), each.wire_name}, body
                assert answer.json()["code"] == ErrorReason.ERROR_REASON_REQUIRED
            if is_text(each.field):
                for blank in ("", " ", "\t\n", "\u2003"):
                    assert set(check_refusal(send(caller, each, blank), 400)) & {*names(each), each.wire_name}


@pytest.mark.parametrize("each", OAUTH, ids=str)
def test_an_oauth_parameter_that_is_wrong_is_named(caller, unchanged, each):
    (name,) = each.path
    longest = rules_of(each.field).max_length

    def ask(query, body):
        form = {"body": body, **FORM} if each.route.body else {}
        return caller.ask(each.route.verb, f"{each.route.path}{query}", **form)

    for value in ("%00", "a%00b", "a" * (longest + 1), f"a&{name}=b"):
        for query, body in ((f"?{name}={value}", b""), ("", f"{name}={value}".encode())):
            if len(query) < 12_000 and (query or each.route.body):
                assert check_oauth_refusal(ask(query, body), 400, "invalid_request").startswith(f"{name}: ")
    for value in (b"%ff", b"%ed%a0%80", b"\xff", b"\xc0\x80") if each.route.body else ():
        check_oauth_refusal(ask("", name.encode() + b"=" + value), 400, "invalid_request")
    if each.route.body:
        # In both places is twice; and where it must stand in the form, any other place is wrong.
        assert check_oauth_refusal(ask(f"?{name}=a", f"{name}=a".encode()), 400, "invalid_request").startswith(f"{name}: ")


@each_service([each for each in FIELDS if is_text(each.field)])
def test_grpc_names_the_text_that_is_wrong(caller, unchanged, those):
    for each in those:
        with about(each):
            longest = rules_of(each.field).max_length
            for value in ("\0", "a\0b", *(letter * (longest + 1) for letter in ("a", "\U0001f3b2") if longest)):
                refusal = refused(caller, name_of(each.method), message_with(each, value))
                assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert each.message_path in fields_of(refusal)


# What a config decides is looked at when all that the contract says is right.
BY_CONTRACT = [each for each in FIELDS if REQUIRED in behavior(each.field) and not rules_of(each.field).by_config]


@each_service(BY_CONTRACT)
def test_grpc_names_the_field_that_is_missing(caller, unchanged, those):
    for each in those:
        with about(each):
            request = message_factory.GetMessageClass(each.method.input_type)()
            if "." in each.message_path:
                getattr(request, each.message_path.partition(".")[0]).SetInParent()

            refusal = refused(caller, name_of(each.method), request)

            assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert each.message_path in fields_of(refusal)


@each_service([each for each in FIELDS if rules_of(each.field).HasField("minimum")])
def test_grpc_names_the_number_out_of_range(caller, unchanged, those):
    for each in those:
        with about(each):
            rules = rules_of(each.field)
            for value in (rules.minimum - 2, min(rules.minimum - 1, -(2**31)), *([rules.maximum + 1] if rules.HasField("maximum") else [])):
                refusal = refused(caller, name_of(each.method), message_with(each, value))
                assert each.message_path in fields_of(refusal)

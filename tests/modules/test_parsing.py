"""Expressions from their text: whatever is written is read as the same tree, and what is none is refused with its place."""

import time

import pytest
from gamehall.rules.v1 import expressions_pb2 as pb
from gamehall_server.modules.events.variables import VARIABLES
from gamehall_server.modules.rules.expressions import Unreadable, parsed, written
from gamehall_server.modules.rules.expressions.compiling import DEEPEST, MOST_NODES
from gamehall_server.modules.rules.expressions.grammar import INFIX, START, Form, natural_kind, operation
from gamehall_server.modules.rules.expressions.lookups import LOOKUPS
from gamehall_server.modules.rules.expressions.operators import KINDS, OPERATORS
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.modules.ruling import USER, a_rule, constant, lookup, parameter, predicate, tags
from tests.modules.ruling import operation as operation_of
from tests.modules.templated import refused_for

# Random trees: every kind, every operator, and what no rule can have as well.

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# Words that mean something elsewhere, and others.
names = st.sampled_from(["user", "a.b", "3d", "event", "not", "as", "min", "ADD", "true", "global", "boss.x-1", "user.username"]) | texts
numbers = st.integers(-(2**60), 2**60).map(float) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
types = st.sampled_from(list(VARIABLES)) | names
lookups = st.sampled_from(list(LOOKUPS)).flatmap(lambda name: texts.map(lambda rest: name + rest) if name[-1] in ":." else st.just(name))
operators = st.sampled_from(list(OPERATORS))


def _of(type, value):
    # A double alone has a zero below zero: added to 0.0 it is the other one.
    return value + 0.0 if type != "double" and isinstance(value, float) else value


LEAVES = st.one_of(
    st.builds(lambda value, type: {"constant": {"value": _of(type, value), "value_type": type}}, json_values, types),
    names.map(lambda name: {"parameter": {"of": name}}),
)


def right(inner):
    """Operators with as many arguments as they take, in the kinds that they can be of."""

    def of(word):
        operator = OPERATORS[word]
        fewest = len(operator.takes)
        args = st.lists(inner, min_size=fewest, max_size=fewest + (2 if operator.more else 0))
        return st.tuples(st.sampled_from([kind for kind in KINDS if operator.gives in KINDS[kind]]), args).map(
            lambda drawn: {drawn[0]: {"op": word, "args": drawn[1]}}
        )

    return operators.flatmap(of)


def grown(inner):
    pairs = st.dictionaries(names, inner, max_size=2)
    counted = st.tuples(inner, inner)
    any_operation = st.tuples(st.sampled_from(list(KINDS)), operators | names, st.lists(inner, max_size=4))
    return st.one_of(
        right(inner),
        right(inner),
        any_operation.map(lambda drawn: {drawn[0]: {"op": drawn[1], "args": drawn[2]}}),
        st.tuples(names, pairs).map(lambda drawn: {"global": {"global_def_id": drawn[0], "scopes": drawn[1]}}),
        counted.map(lambda drawn: {"global_check_and_increment": {"global_resource": drawn[0], "check_value_resource": drawn[1]}}),
        st.tuples(lookups | names, inner).map(lambda drawn: {"lookup": {"value_type": drawn[0], "lookup_key": drawn[1]}}),
        inner.map(lambda key: {"config_lookup": {"lookup_key": key}}),
        inner.map(lambda key: {"username_lookup": {"lookup_key": key}}),
        pairs.map(lambda told: {"map": {"map": told}}),
        st.tuples(names, pairs).map(lambda drawn: {"event_context": {"event_name": drawn[0], "parameters": drawn[1]}}),
    )


trees = st.recursive(LEAVES, grown, max_leaves=12)


@settings(max_examples=1500, deadline=None)
@given(trees)
def test_what_is_written_is_read_as_the_same_tree(tree):
    expression = ParseDict(tree, pb.Expression())

    assert parsed(written(expression)) == expression


@pytest.mark.parametrize("word", OPERATORS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_operator_of_every_kind_is_read_with_any_number_of_arguments(word, kind):
    """Each within others as well, on both sides."""
    for count in range(5):
        told = {"op": word, "args": [{"parameter": {"of": name}} for name in "abcde"[:count]]}
        for whole in (told, {"op": word, "args": [{kind: told}] * count}):
            for around in ("IS_NULL", "NOT", "ADD", "AND", "NEGATE", "CEIL"):
                expression = ParseDict({"operation": {"op": around, "args": [{kind: whole}, {kind: whole}]}}, pb.Expression())
                assert parsed(written(expression)) == expression


def test_numbers_below_zero_are_not_what_an_operator_makes():
    five, negated = constant(-5, "integer"), operation_of("default_operation", "NEGATE", constant(5, "integer"))

    assert (text_of(five), text_of(negated)) == ("-5", "-(5)")


def as_tree(expression):
    """An expression of HTTP as the contract has it."""
    told = {name: value for name, value in expression.items() if name != "type"}
    told |= {"args": [as_tree(each) for each in told["args"]]} if "args" in told else {}
    told |= {"lookup_key": as_tree(told["lookup_key"])} if "lookup_key" in told else {}
    return {expression["type"]: told}


def text_of(expression):
    return written(ParseDict(as_tree(expression), pb.Expression()))


LEVEL = operation_of("integer_operation", "ADD", parameter("level"), constant(1, "integer"))
READ = [
    (predicate("EQ", LEVEL, constant(5, "number")), "(event.level + 1) as integer = 5.0"),
    (predicate("NOT", predicate("IS_NULL", parameter("user"))), "not (event.user is null)"),
    (predicate("IN", parameter("role"), constant("A", "role"), constant("B", "role")), 'event.role in ("A" as role, "B" as role)'),
    (lookup("user.has_role:ROLE_A", parameter("user")), "user.has_role:ROLE_A(event.user)"),
    (lookup("user.additional_properties.secret key", parameter("user")), 'user.additional_properties."secret key"(event.user)'),
    (operation_of("string_operation", "SUBSTR_2ARGS", parameter("name"), LEVEL, constant(3, "integer")),
     "event.name from (event.level + 1) as integer to 3"),
    (predicate("LT", operation_of("date_operation", "CURRENT_TIME"), constant(0, "date")), "now < 0 as date"),
]  # fmt: skip


@pytest.mark.parametrize("tree, text", READ, ids=[text for _, text in READ])
def test_texts_are_read_through_the_front_door(ann, tree, text):
    answer = ann.post("/bre/expressions/parse", {"value": text})

    assert answer.status_code == 200, answer.text
    assert ann.post("/bre/expressions", answer.json()).json() == {"value": text}
    assert plain(answer.json()) == tree


def plain(told):
    """An expression without what only the server says."""
    if isinstance(told, list):
        return [plain(each) for each in told]
    if isinstance(told, dict):
        return {name: plain(each) for name, each in told.items() if name != "supported_operators"}
    return told


KIND_WORDS = ("predicate", "integer", "double", "string", "date", "default", "operation")
WRONG = [
    ("event.a and event.b or event.c", 'at character 21: a pair of brackets around what stands before is wanted, and there is \'or\''),
    ("not event.a is null", "at character 13: a pair of brackets around what stands before is wanted, and there is 'is'"),
    ("event.a + not event.b", "at character 11: a pair of brackets around what begins here is wanted, and there is 'not'"),
    ("event.a is nul", 'at character 12: "null" or "not" or "empty" or "," or "like" is wanted, and there is \'nul\''),
    ("lower(event.a", 'at character 14: ")" is wanted, and there is the end'),
    ("event.a event.b", "at character 9: an operator or the end is wanted, and there is 'event.b'"),
    ("1 +", "at character 4: an expression is wanted, and there is the end"),
    ("  user", 'at character 7: "named" is wanted, and there is the end'),
    ("dragon(event.user)", "at character 1: an expression is wanted, and there is 'dragon'"),
    ('event.a = "abc', "at character 11: a text that ends is wanted"),
    ("event.a # 3", "at character 9: '#' is no part of an expression"),
    ('"\\ud800"', "at character 1: a text as JSON has it is wanted, and there is '\"\\\\ud800\"'"),
    ("1e999", "at character 1: a smaller number is wanted, and there is '1e999'"),
    ("null", 'at character 5: "as" and a type is wanted, and there is the end'),
    ('json "[1" as string', "at character 6: a text that is JSON is wanted, and there is '\"[1\"'"),
    ('json "1e999" as string', "at character 6: a text that is JSON is wanted, and there is '\"1e999\"'"),
    (f"{'ceil(' * 25}json \"{'[' * 30}{']' * 30}\" as string{')' * 25}", "at character 1: too many values within each other"),
    ("{a: 1, a: 2}", "at character 8: a name that is not there yet is wanted, and there is 'a'"),
    ("{a 1}", "at character 4: \":\" is wanted, and there is '1'"),
    ("global 5", "at character 8: a name is wanted, and there is '5'"),
    ("operator FOO(1)", "at character 10: a text in quotes is wanted, and there is 'FOO'"),
    ("(1 + 2) as dragon", f"at character 12: one of {', '.join(KIND_WORDS)} is wanted, and there is 'dragon'"),
    (f"{'(' * 70}1{')' * 70}", "at character 64: at most 62 expressions within each other"),
    (f"{'ceil(' * 40}1{')' * 40}", f"at character 233: at most {MOST_NODES} expressions, {DEEPEST} deep"),
]  # fmt: skip


@pytest.mark.parametrize("text, problem", WRONG, ids=[text[:40] for text, _ in WRONG])
def test_what_is_no_expression_is_refused_with_its_place(ann, text, problem):
    assert refused_for(ann.post("/bre/expressions/parse", {"value": text})) == {"value": problem}


def test_texts_have_a_limit(ann):
    assert list(refused_for(ann.post("/bre/expressions/parse", {"value": "1" * 10_001}))) == ["value"]
    assert list(refused_for(ann.post("/bre/expressions/parse", {"value": ""}))) == ["value"]
    assert list(refused_for(ann.post("/bre/expressions/parse", {}))) == ["value"]


def test_who_may_write_may_read(nobody):
    assert nobody.post("/bre/expressions/parse", {"value": "now"}).status_code == 401


def test_as_many_expressions_as_a_rule_may_have_are_read():
    within = "event.a in (" + ", ".join(["1"] * (MOST_NODES - 2)) + ")"
    deep = "lower(" * DEEPEST + "event.s" + ")" * DEEPEST

    assert len(parsed(within).predicate.args) == MOST_NODES - 1
    assert written(parsed(deep)) == deep
    with pytest.raises(Unreadable, match=f"at most {MOST_NODES} expressions, {DEEPEST} deep"):
        parsed(within.replace("(1", "(1, 1"))
    with pytest.raises(Unreadable, match=f"at most {MOST_NODES} expressions, {DEEPEST} deep"):
        parsed(f"lower({deep})")


def test_a_text_that_was_cut_is_not_taken_for_a_whole_one():
    long = ParseDict(as_tree(predicate("AND", *[constant("x" * 100)] * 120)), pb.Expression())

    assert len(written(long)) == 10_000
    with pytest.raises(Unreadable):
        parsed(written(long))


@pytest.mark.parametrize("piece", ['"', "(", "not ", "1 + ", "{a: ", "event.a and ", "\\", '"\\', "ceil(", "-", " ", "9", "a.", 'json "[['])
def test_no_text_takes_long(piece):
    began = time.perf_counter()

    with pytest.raises(Unreadable):
        parsed((piece * 10_000)[:10_000])

    assert time.perf_counter() - began < 1


PIECES = [*'"(){},:.-+ 1a', " event.a", " and ", " is null", " as ", "not ", "ADD(", " from ", "json "]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_is_refused_or_means_one_thing(text):
    try:
        tree = parsed(text)
    except Unreadable:
        return
    assert parsed(written(tree)) == tree


def test_forms_that_could_not_be_told_apart_are_found_at_once():
    from gamehall_server.modules.rules.expressions import grammar

    for template in ("{0} is null", "ceil({0})", "{0} and {1}"):
        with pytest.raises(ValueError, match="alike"):
            grammar._add(Form(template, operation("ADD")))
    with pytest.raises(ValueError, match="told apart"):
        grammar._add(Form("min({0}", operation("ADD")))
    # Where an argument may stand, no word of a form begins one.
    seen, states = set(), [START, INFIX]
    while states:
        state = states.pop()
        if id(state) in seen:
            continue
        seen.add(id(state))
        if state.argument is not None and state is not START:
            assert not set(state.words) & {*START.words, "(", "{", "event", "global", "lookup", "operator", "json", "true", "false", "null"}
            states.append(state.argument[1])
        states.extend(state.words.values())
    assert natural_kind("ADD") == "default_operation"


# Lookups.


def test_the_lookups_are_those_that_rules_know(ann, nobody):
    told = ann.get("/bre/expressions/lookup")

    assert told.status_code == 200
    assert [each["name"] for each in told.json()] == list(LOOKUPS)
    assert all(each.keys() == {"name", "description", "key_type", "value_type"} and all(each.values()) for each in told.json())
    assert {each["key_type"] for each in told.json()} == {"user", "string", "config"}
    assert {"name": "username.user", "description": "The user of a name.", "key_type": "string", "value_type": "user"} in told.json()
    assert nobody.get("/bre/expressions/lookup").status_code == 401


def test_what_a_rule_says_is_written_as_people_read_it(admin):
    condition = predicate("AND", predicate("GT", USER, constant(5, "integer")), predicate("LIKE", parameter("username"), constant("a%")))

    id = a_rule(admin, "user_registered", tags("x"), condition=condition)

    text = '(event.user > 5) and (event.username is like (SQL) "a%")'
    assert admin.get(f"/bre/rules/{id}").json()["condition_text"] == text
    assert admin.post("/bre/rules/expression-as-string", condition).text == text
    assert admin.post("/bre/expressions", condition).json() == {"value": text}
    assert id in [each["id"] for each in admin.get("/bre/rules", params={"filter_condition": "is like", "size": 1000}).json()["content"]]
    assert admin.delete(f"/bre/rules/{id}").status_code == 204

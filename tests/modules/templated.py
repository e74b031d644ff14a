"""Properties in tests: one of every kind as JSON and as the contract's messages, any map of them, and templates."""

from gamehall.common.v1.property_pb2 import Property
from google.protobuf import json_format
from hypothesis import strategies as st

FILE = {"url": "https://x.example/a.png", "file_type": "image/png", "crc": "5a", "description": "A picture"}
# One of every kind there is.
EVERY = {
    "text": {"type": "text", "value": "red"},
    "formatted": {"type": "formatted_text", "value": "<b>red</b>"},
    "integer": {"type": "integer", "value": -(2**31)},
    "long": {"type": "long", "value": 2**53 + 1},
    "double": {"type": "double", "value": 0.1},
    "boolean": {"type": "boolean", "value": False},
    "date": {"type": "date", "value": 1_500_000_000},
    "file": {"type": "file", **FILE},
    "image": {"type": "image", **FILE},
    "video": {"type": "video", **FILE},
    "audio": {"type": "audio", **FILE},
    **{
        f"{kind}s": {"type": f"{kind}_group", "files": [{"type": kind, **FILE}, {"type": "file", **FILE}]}
        for kind in ("file", "image", "video", "audio")
    },
    "list": {"type": "list", "values": [{"type": "text", "value": "a"}, {"type": "integer", "value": 2}]},
    "map": {"type": "map", "map": {"a": {"type": "text", "value": "b"}, "c": {"type": "list", "values": []}}},
}
EMPTY = {"empty": {"type": "text"}, "none": {"type": "list", "values": []}}

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=30)
_files = st.fixed_dictionaries({}, optional=dict.fromkeys(("url", "file_type", "crc", "description"), _texts))


def _of(kind, values):
    return st.fixed_dictionaries({"type": st.just(kind)}, optional={"value": values})


_plain = st.one_of(
    _of("text", _texts),
    _of("formatted_text", _texts),
    _of("integer", st.integers(-(2**31), 2**31 - 1)),
    _of("long", st.integers(-(2**63), 2**63 - 1)),
    _of("double", st.floats(allow_nan=False, allow_infinity=False)),
    _of("boolean", st.booleans()),
    _of("date", st.integers(-62135596800, 253402300799)),
    *(_files.map(lambda file, kind=kind: {"type": kind, **file}) for kind in ("file", "image", "video", "audio")),
    *(
        st.lists(st.tuples(st.sampled_from(("file", kind)), _files), max_size=3).map(
            lambda files, kind=kind: {"type": f"{kind}_group", "files": [{"type": word, **file} for word, file in files]}
        )
        for kind in ("file", "image", "video", "audio")
    ),
)
any_property = st.recursive(
    _plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"type": "list", "values": values}),
        st.dictionaries(_names, inner, max_size=3).map(lambda values: {"type": "map", "map": values}),
    ),
    max_leaves=6,
)
any_properties = st.dictionaries(_names, any_property, max_size=5)


def message(told):
    """A property of JSON as the contract's message, by protobuf's own JSON."""
    kind, fields = told["type"], {key: value for key, value in told.items() if key != "type"}
    if "files" in fields or "values" in fields:
        key = "files" if "files" in fields else "values"
        made = Property()
        inner = getattr(made, kind)
        inner.SetInParent()
        getattr(inner, key).extend(message(each) for each in fields[key])
        return made
    if "map" in fields:
        made = Property()
        made.map.SetInParent()
        for name, each in fields["map"].items():
            made.map.map[name].CopyFrom(message(each))
        return made
    return json_format.ParseDict({kind: fields}, Property())


def definition(kind, name, required=False, **limits):
    return {"type": kind, "name": name, "required": required, **limits}


def template(person, family="categories", *definitions, **more):
    """The id of a new template."""
    answer = person.post(f"/{family}/templates", {"name": "A template", "properties": list(definitions), **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def refused_for(answer, status=400):
    """What a refusal says of each field."""
    assert answer.status_code == status, answer.text
    return {result["field"]: result["message"] for result in answer.json()["result"]}

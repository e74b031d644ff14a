"""Signed requests: the vendor's example and others, judged by our own verifier. Verifiers of others judge live posts in tests/sdk."""

import pytest
from gamehall_server.modules.kongregate import NotSigned, sign, verify
from hypothesis import given
from hypothesis import strategies as st

KEY = "748e63d7-c48c-418c-aa25-80456de2b98c"
ORDER = {"game_id": 10000, "buyer_id": 765, "recipient_id": 765, "order_id": 12345}
# The first is the vendor's documented example; the others were made of order events as the vendor documents them.
GOOD = {
    "the vendor's": (
        {"event": "test"},
        "GbmlDg_VNvaFZFKMR6iIXBqQWtdCyzgwSPTc1IB7pC8.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImV2ZW50IjoidGVzdCJ9",
    ),
    "item_order_request": (
        {**ORDER, "order_info": "sword", "event": "item_order_request"},
        "fzaJkidnROfcKuUR0S5ianwrAXFNqOmFyOHhloGi9AI.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImdhbWVfaWQiOjEwMDAwLCJidXllcl9pZCI6NzY1LCJyZWNpcG"
        "llbnRfaWQiOjc2NSwib3JkZXJfaWQiOjEyMzQ1LCJvcmRlcl9pbmZvIjoic3dvcmQiLCJldmVudCI6Iml0ZW1fb3JkZXJfcmVxdWVzdCJ9",
    ),
    "item_order_placed": (
        {**ORDER, "order_info": "sword", "event": "item_order_placed"},
        "tDbWXb-X_2UnitTKq5vcN5CohuflInVZ_sCwRcIccHg.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImdhbWVfaWQiOjEwMDAwLCJidXllcl9pZCI6NzY1LCJyZWNpcG"
        "llbnRfaWQiOjc2NSwib3JkZXJfaWQiOjEyMzQ1LCJvcmRlcl9pbmZvIjoic3dvcmQiLCJldmVudCI6Iml0ZW1fb3JkZXJfcGxhY2VkIn0",
    ),
    "what is not ASCII": (
        {**ORDER, "order_info": "sw\xf6rd?>\xff~~~", "event": "item_order_request"},
        "88wt3zs8fAeOA0xtaiEWW4QZCse9q__PKQ3Th8GQ8ao.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImdhbWVfaWQiOjEwMDAwLCJidXllcl9pZCI6NzY1LCJyZWNpcG"
        "llbnRfaWQiOjc2NSwib3JkZXJfaWQiOjEyMzQ1LCJvcmRlcl9pbmZvIjoic3dcdTAwZjZyZD8-XHUwMGZmfn5-IiwiZXZlbnQiOiJpdGVtX29yZGVyX3JlcXVlc3QifQ",
    ),
}
BAD = {
    "another key": (
        "signature",
        "ded8soofp4zSrMl_CcI3RJjrPn_qeImTt6jvCfJuYx8.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImdhbWVfaWQiOjEwMDAwLCJidXllcl9pZCI6NzY1LCJyZWNpcG"
        "llbnRfaWQiOjc2NSwib3JkZXJfaWQiOjEyMzQ1LCJvcmRlcl9pbmZvIjoic3dvcmQiLCJldmVudCI6Iml0ZW1fb3JkZXJfcGxhY2VkIn0",
    ),
    "the algorithm none": (
        "algorithm",
        "MrnhEvNzhLrmXt4p3TORNdbTwWngTA7pPnYMCP58eZk.eyJhbGdvcml0aG0iOiJub25lIiwiZ2FtZV9pZCI6MTAwMDAsImJ1eWVyX2lkIjo3NjUsInJlY2lwaWVudF9pZC"
        "I6NzY1LCJvcmRlcl9pZCI6MTIzNDUsIm9yZGVyX2luZm8iOiJzd29yZCIsImV2ZW50IjoiaXRlbV9vcmRlcl9wbGFjZWQifQ",
    ),
    "nothing": ("signature", ""),
    "no dot": ("signature", "abc"),
    "what is not ASCII": ("signature", "é.é"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text().filter(lambda name: name != "algorithm"), JSON)


@pytest.mark.parametrize("members, signed", GOOD.values(), ids=list(GOOD))
def test_what_is_signed_is_what_others_sign(members, signed):
    assert sign(members, KEY) == signed
    assert verify(signed, KEY) == {"algorithm": "HMAC-SHA256", **members}


@pytest.mark.parametrize("what, signed", BAD.values(), ids=list(BAD))
def test_what_proves_nothing_is_refused(what, signed):
    with pytest.raises(NotSigned, match=what):
        verify(signed, KEY)


@given(OBJECTS, st.text())
def test_any_object_comes_back_as_it_was(members, key):
    signed = sign(members, key)

    assert verify(signed, key) == {"algorithm": "HMAC-SHA256", **members}
    assert "=" not in signed
    assert signed.isascii()


@given(OBJECTS, st.data())
def test_one_changed_character_is_refused(members, data):
    signed = sign(members, KEY)
    at = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.sampled_from("Aa0-_.=+/ é\ud800").filter(lambda character: character != signed[at]))

    with pytest.raises(NotSigned):
        verify(signed[:at] + other + signed[at + 1 :], KEY)


def test_nobody_names_another_algorithm():
    assert verify(sign({"algorithm": "none", "event": "test"}, KEY), KEY) == {"algorithm": "HMAC-SHA256", "event": "test"}


def test_what_json_has_not_is_not_signed():
    with pytest.raises(ValueError, match="not JSON compliant"):
        sign({"price": float("inf")}, KEY)

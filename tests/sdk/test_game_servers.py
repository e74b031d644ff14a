"""What games' servers use to judge signed requests, as their registries ship it: it takes live callbacks, and no changed one."""

import warnings

import pytest
from gamehall_server.kit.clock import random_uuid

from tests.modules.receivers import receiver
from tests.modules.test_kongregate import a_game
from tests.modules.test_kongregate_callbacks import fire, form_of
from tests.sdk.test_node_clients import HERE, NODE, node

with warnings.catch_warnings():
    # Python of today warns of its patterns when it is first compiled.
    warnings.simplefilter("ignore")
    import facebook

pytestmark = pytest.mark.skipif(NODE is None or not (HERE / "node_modules").is_dir(), reason="needs node and `npm ci --prefix tests/sdk`")


def by_facebook_sdk(requests):
    """What the package of PyPI says of (text, key) pairs; it tells some wrong ones by an error."""
    found = []
    for text, key in requests:
        try:
            found.append(facebook.parse_signed_request(text, key) or None)
        except ValueError:
            found.append(None)
    return found


def by_facebook_signed_request(requests):
    """What the package of npm says."""
    return node("signed_request.js", requests=requests)


@pytest.mark.parametrize("judge", [by_facebook_sdk, by_facebook_signed_request])
def test_servers_of_others_take_callbacks_and_no_changed_ones(admin, ann, judge):
    path = f"/{random_uuid()}"
    game = a_game(admin, callback_url=receiver().base + path)
    fire(admin, game, ann)
    form = form_of(receiver().at(path)[0])
    signed, key = form.pop("signed_request"), game["api_key"]

    # The last character of the signature tells four bits and ends with two that tell nothing, and these servers do not look at them.
    places = [at for at in range(len(signed)) if at != signed.index(".") - 1]
    changed = [signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :] for at in places]

    assert judge([(signed, key)]) == [{"algorithm": "HMAC-SHA256", **form, "user_id": ann.id}]
    assert judge([(text, key) for text in changed] + [(signed, random_uuid())]) == [None] * (len(changed) + 1)

"""What the contract says of the audit log is so: one row for each call that asks for it and succeeds, none for any other."""

from mailbox import code_in, letter_to

import pytest
from gamehall_server.kit.audit import audit
from gamehall_server.kit.storage import Query
from sqlalchemy import func, select

from tests.contract.doors import OK, over_http, request_of, rules_of
from tests.contract.given import METHODS, without_roles
from tests.contract.test_access_matrix import about

COUNT = Query(select(func.count()).select_from(audit.table))
WRITES = {name: method for name, method in METHODS.items() if not rules_of(method).sandbox and not method.server_streaming}

USERS = "gamehall.users.v1.PasswordService"
# What the access matrix asks of these is refused on purpose: they would end the sessions of its users.
INSTEAD = {
    f"{USERS}.SetPassword": lambda world, there: {"id": str(without_roles(there)), "password": "a quiet rainy afternoon"},
    f"{USERS}.FinishPasswordReset": lambda world, there: a_reset(world),
}
# A code is needed, which an app brings: tests/modules/test_second_factor.py.
SECOND = "gamehall.users.v1.SecondFactorService"
ELSEWHERE = {f"{SECOND}.ConfirmSecondFactor", f"{SECOND}.DisableSecondFactor"}
# What was not answered is not there: tests/modules/test_polls.py.
ELSEWHERE |= {"gamehall.media.v1.PollService.GetVote"}
# Nobody does it for another, whatever they may.
OF_THE_OWNER = {"gamehall.social.v1.IdentityService.LinkIdentity"} | {
    f"{SECOND}.StartSecondFactor",
    *(name for name in WRITES if ".SessionService." in name or ".GameTokenService." in name),
}


def a_reset(world):
    """Of somebody who has got the letter."""
    person = world.person()
    assert person.post(f"/users/{person.id}/password-reset").ok
    code = code_in(letter_to(world, f"{person.username}@example.com"))
    return {"id": str(person.id), "reset": {"password": "a quiet rainy afternoon", "secret": code}}


def rows(world):
    async def read():
        return await world.server.product.database.reader().value(COUNT)

    return world.inside(read)


@pytest.mark.parametrize("name", [name for name in WRITES if name not in ELSEWHERE])
def test_a_call_leaves_the_rows_that_its_contract_asks_for(world, cast, name, record_property):
    there = cast(world)
    method = WRITES[name]
    request = request_of(method, **INSTEAD[name](world, there)) if name in INSTEAD else about(method, there)[0]
    before = rows(world)

    assert over_http(world, method, request, (there.owner if name in OF_THE_OWNER else there.admin).token) == OK

    made = rows(world) - before
    record_property("rows", made)
    assert made == int(rules_of(method).audit)


@pytest.mark.parametrize("name", [name for name, method in WRITES.items() if rules_of(method).audit])
def test_a_refused_call_leaves_none(world, cast, name):
    there = cast(world)
    method = WRITES[name]
    request, _ = about(method, there)
    before = rows(world)

    refused = over_http(world, method, request, "none")

    assert refused != OK
    assert rows(world) == before

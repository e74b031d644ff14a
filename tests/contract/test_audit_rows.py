"""What the contract says of the audit log is so: one row for each call that asks for it and succeeds, none for any other."""

import pytest
from gamehall_server.kit.audit import audit
from gamehall_server.kit.storage import Query
from sqlalchemy import func, select

from tests.contract.doors import OK, over_http, rules_of
from tests.contract.test_access_matrix import METHODS, about

COUNT = Query(select(func.count()).select_from(audit.table))
WRITES = {name: method for name, method in METHODS.items() if not rules_of(method).sandbox and not method.server_streaming}


def rows(world):
    async def read():
        return await world.server.product.database.reader().value(COUNT)

    return world.inside(read)


@pytest.mark.parametrize("name", WRITES)
def test_a_call_leaves_the_rows_that_its_contract_asks_for(world, cast, name):
    there = cast(world)
    method = WRITES[name]
    request, _ = about(method, there)
    before = rows(world)

    assert over_http(world, method, request, there.admin.token) == OK

    assert rows(world) - before == int(rules_of(method).audit)


@pytest.mark.parametrize("name", [name for name, method in WRITES.items() if rules_of(method).audit])
def test_a_refused_call_leaves_none(world, cast, name):
    there = cast(world)
    method = WRITES[name]
    request, _ = about(method, there)
    before = rows(world)

    refused = over_http(world, method, request, "none")

    assert refused != OK
    assert rows(world) == before

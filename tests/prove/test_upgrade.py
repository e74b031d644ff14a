"""The upgrade in its short form, from a worktree of the version that closed the skeleton. A shallow clone does not have it."""

import pytest

from prove import upgrade
from prove.proof import Found, Missing
from tests.databases import shared_postgres

pytestmark = pytest.mark.xdist_group("upgrade")


@pytest.fixture(scope="module")
def tree():
    try:
        with upgrade.before() as tree:
            yield tree
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def found():
    return Found()


def test_two_versions_serve_beside_each_other(found, tree):
    upgrade.upgraded(found, shared_postgres(), tree, 0)

    assert not found.wrong
    assert found.counts["calls of the first (old)"] > 0
    assert found.counts["calls of the new version"] > 0


def test_a_migration_under_load_fails_no_call_and_there_is_no_way_down(found):
    upgrade.no_way_down(found, upgrade.upgraded(found, shared_postgres(), None, 0))

    assert not found.wrong
    assert found.counts["ways down refused"] == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_of_the_version_before_is_migrated_with_all_it_holds(found, tree, kind):
    upgrade.migrated(found, kind, shared_postgres(), tree, 500, timed=False)

    assert not found.wrong


def test_a_clone_without_that_version_is_told_what_it_lacks(monkeypatch):
    monkeypatch.setattr(upgrade, "BEFORE", "f" * 40)

    with pytest.raises(Missing, match="fetch --unshallow"), upgrade.before():
        raise AssertionError("there is no such commit")

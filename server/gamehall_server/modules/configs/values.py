"""The values of the built-in configs, in memory."""

import logging
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.kept import Kept
from gamehall_server.kit.rpc import Drift
from gamehall_server.kit.secrets import Secrets, Unreadable
from gamehall_server.kit.storage import Handle
from gamehall_server.modules.configs.built_in import MASK, BuiltIn
from gamehall_server.modules.configs.tables import describe, hide, named, rows

log = logging.getLogger("gamehall.configs")
T = TypeVar("T")
PURPOSE = "config"


class ConfigValues:
    """Every built-in config of the deployment. Raises Drift for two of one name."""

    def __init__(self, built_ins: Iterable[BuiltIn[Any]], secrets: Secrets) -> None:
        self._secrets = secrets
        self._built_ins: dict[str, BuiltIn[Any]] = {}
        for built_in in built_ins:
            if self._built_ins.setdefault(built_in.name, built_in) is not built_in:
                raise Drift(f"the config {built_in.name} is declared twice")
        self.kept: Kept[dict[str, Any]] = Kept(self._read)

    def value(self, built_in: BuiltIn[T]) -> T:
        """Its value now, without waiting. Another process's change is seen within a second or two (kit/kept.py)."""
        return cast(T, self.kept.value[built_in.name])

    def built_in(self, name: str) -> BuiltIn[Any] | None:
        """The built-in config of this name."""
        return self._built_ins.get(name)

    async def settle(self, db: Handle) -> None:
        """Adds the built-in configs that are missing, tells of all what this version tells, and seals secrets with today's root key."""
        have = {name: description for name, _, description, _ in await db.all(named, names=list(self._built_ins))}
        for name, built_in in self._built_ins.items():
            if name not in have:
                db.later(rows.insert, name=name, value=built_in.default, description=built_in.description, public_read=False, sealed=None)
            elif have[name] != built_in.description:
                db.later(describe, named=name, told=built_in.description)
        for name, text, _, sealed in await db.all(named, names=[name for name, each in self._built_ins.items() if each.secret]):
            if sealed is None and text not in ("", MASK):
                db.later(hide, named=name, shown=MASK, box=self._secrets.seal(PURPOSE, name, text))
            elif sealed is not None and self._secrets.outdated(sealed) and (opened := self._opened(name, text, sealed)):
                db.later(hide, named=name, shown=MASK, box=self._secrets.seal(PURPOSE, name, opened))

    def changed(self, db: Handle, built_in: BuiltIn[Any], text: str) -> dict[str, Any]:
        """Takes on a value, once it is committed; gives the columns that this call writes. Asterisks in place of a secret leave it.
        Raises Invalid for a value that is not of its kind."""
        if built_in.secret and text == MASK:
            return {}
        try:
            value = built_in.kind.read(text)
        except ValueError:
            raise Invalid(f"must be {built_in.kind.says}", field="config.value") from None
        db.after(lambda: self.kept.put({**self.kept.value, built_in.name: value}))
        if not built_in.secret:
            return {"value": text}
        return {"value": MASK if text else "", "sealed": self._secrets.seal(PURPOSE, built_in.name, text) if text else None}

    async def _read(self, db: Handle) -> dict[str, Any]:
        stored = await db.all(named, names=list(self._built_ins))
        return {name: _typed(self._built_ins[name], self._opened(name, text, sealed)) for name, text, _, sealed in stored}

    def _opened(self, name: str, text: str, sealed: str | None) -> str:
        if not self._built_ins[name].secret:
            return text
        try:
            return "" if sealed is None else self._secrets.open(PURPOSE, name, sealed)
        except Unreadable as problem:
            log.warning("the config %s counts as not set: %s", name, problem)
            return ""


def _typed(built_in: BuiltIn[Any], text: str) -> Any:
    try:
        return built_in.kind.read(text)
    except ValueError:
        # Written when it was an application's own, or by a version that took more. The text may be a secret.
        log.warning("the config %s must be %s: its default is used", built_in.name, built_in.kind.says)
        return built_in.kind.read(built_in.default)

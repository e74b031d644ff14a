"""The rule on an RPC, and what it gives a caller."""

from gamehall.options.v1.errors_pb2 import ErrorReason
from gamehall.options.v1.options_pb2 import Policy

from gamehall_server.kit.call import Caller, Scope
from gamehall_server.kit.errors import Forbidden, Unauthenticated

ANYONE_SIGNED_IN = "*"


class Access:
    """A policy of the contract, ready to be asked."""

    __slots__ = ("_any", "_any_signed_in", "_own", "_own_signed_in", "_refusal", "open")

    def __init__(self, policy: Policy) -> None:
        self.open = policy.open
        self._any = frozenset(policy.any)
        self._own = frozenset(policy.own)
        self._any_signed_in = ANYONE_SIGNED_IN in self._any
        self._own_signed_in = ANYONE_SIGNED_IN in self._own
        names = ", ".join(dict.fromkeys([*policy.own, *policy.any]))
        self._refusal = f"This call needs one of these permissions: {names}."

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission the policy names."""
        return (self._any | self._own) - {ANYONE_SIGNED_IN}

    def within(self, caller: Caller, word: str) -> None:
        """Raises Forbidden for a token that was given for less than a call of this scope word; what is open to nobody in particular is so
        to every token."""
        if not self.open and caller.limited_to is not None and word not in caller.limited_to:
            raise Forbidden(f"This call needs a token of the scope {word}.", reason=ErrorReason.ERROR_REASON_INSUFFICIENT_SCOPE)

    def scope(self, caller: Caller | None) -> Scope:
        """ALL or OWN; raises Unauthenticated for nobody and Forbidden for somebody without the permission."""
        if self.open:
            return Scope.ALL
        if caller is None:
            raise Unauthenticated
        if self._any_signed_in or not self._any.isdisjoint(caller.permissions):
            return Scope.ALL
        if self._own_signed_in or not self._own.isdisjoint(caller.permissions):
            if caller.user_id is None:
                # A client owns nothing: "its own rows" would be an empty promise.
                raise Forbidden("This call needs a user's token, or a permission for all records.")
            return Scope.OWN
        raise Forbidden(self._refusal)

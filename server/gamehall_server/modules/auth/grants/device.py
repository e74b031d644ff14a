"""A device alone: ours, no standard's. A new one makes a user where the deployment allows it."""

from gamehall.options.v1.errors_pb2 import ErrorReason

from gamehall_server.modules.auth.grants.base import Asked, Issued, needed, refused, sign_in
from gamehall_server.modules.devices import DeviceLogin, NotThisDevice, Proof, usable


class Device:
    """Who it is, is judged by `DeviceLogin`."""

    # The secret is the application's own: nobody is asked for anything.
    first_party = False

    def __init__(self, login: DeviceLogin) -> None:
        self._login = login

    async def prove(self, asked: Asked) -> Proof:
        request = asked.request
        needed(request.device_id, "device_id")
        needed(request.device_secret, "device_secret")
        if not usable(request.device_id):
            told = "device_id: letters, digits, _ . : or -"
            raise refused(told, ErrorReason.ERROR_REASON_OAUTH_INVALID_REQUEST, "device_id")
        try:
            return await self._login.prove(asked.call, request.device_id, request.device_secret)
        except NotThisDevice:
            raise _wrong() from None

    async def issue(self, asked: Asked, proof: Proof) -> Issued:
        try:
            user_id = await self._login.user(asked.call, proof)
        except NotThisDevice:
            raise _wrong() from None
        return await sign_in(asked, user_id)


def _wrong() -> Exception:
    return refused("Unknown device, or wrong secret.", ErrorReason.ERROR_REASON_OAUTH_INVALID_GRANT)

"""Devices: what people play on, and signing in with one alone."""

from gamehall_server.modules.devices.records import usable
from gamehall_server.modules.devices.signing import AUTO_CREATE, DeviceLogin, NotThisDevice, Proof

BUILT_INS = (AUTO_CREATE,)

__all__ = ["BUILT_INS", "DeviceLogin", "NotThisDevice", "Proof", "usable"]

"""Kongregate's server-side API: games, the secrets between them and this server, and the callbacks that they are sent."""

from gamehall_server.modules.kongregate.callbacks import Callbacks, invalidate_inventory
from gamehall_server.modules.kongregate.secrets import GameSecrets, Player
from gamehall_server.modules.kongregate.signed import NotSigned, sign, verify

__all__ = ["Callbacks", "GameSecrets", "NotSigned", "Player", "invalidate_inventory", "sign", "verify"]

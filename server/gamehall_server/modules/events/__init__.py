"""Events: which there are, what they tell, what happened, and who watches it happen."""

from gamehall_server.modules.events.settling import settle_triggers

__all__ = ["settle_triggers"]

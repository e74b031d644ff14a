"""Webhooks: events told to other servers, signed as Standard Webhooks says."""

from gamehall_server.modules.webhooks.known import Webhooks
from gamehall_server.modules.webhooks.posting import CONSUMER, FanOut, ToWebhooks

__all__ = ["CONSUMER", "FanOut", "ToWebhooks", "Webhooks"]

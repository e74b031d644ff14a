"""Configs. Built-in ones are declared by the modules that use them, collected in main.py, and read from memory."""

from gamehall_server.modules.configs.built_in import BOOLEAN, NAMED, OUT_ADDRESS, TEXT, BuiltIn, Kind, whole
from gamehall_server.modules.configs.values import ConfigValues

__all__ = ["BOOLEAN", "NAMED", "OUT_ADDRESS", "TEXT", "BuiltIn", "ConfigValues", "Kind", "whole"]

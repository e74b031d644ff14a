"""Configs. Built-in ones are declared by the modules that use them, collected in main.py, and read from memory."""

from gamehall_server.modules.configs.built_in import BOOLEAN, MASK, NAMED, OUT_ADDRESS, TEXT, URL, BuiltIn, Kind, whole
from gamehall_server.modules.configs.values import ConfigValues

__all__ = ["BOOLEAN", "MASK", "NAMED", "OUT_ADDRESS", "TEXT", "URL", "BuiltIn", "ConfigValues", "Kind", "whole"]

"""Expressions: trees of the contract, checked and compiled once to functions, and written and read as people do."""

from gamehall_server.modules.rules.expressions.compiling import Compiler, Node, Scope, Wrong
from gamehall_server.modules.rules.expressions.reading import Unreadable, parsed
from gamehall_server.modules.rules.expressions.values import Failed, plain, value_in
from gamehall_server.modules.rules.expressions.writing import written

__all__ = ["Compiler", "Failed", "Node", "Scope", "Unreadable", "Wrong", "parsed", "plain", "value_in", "written"]

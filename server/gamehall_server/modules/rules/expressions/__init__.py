"""Expressions: trees of the contract, checked and compiled once to functions, and written as people read them."""

from gamehall_server.modules.rules.expressions.compiling import Compiler, Node, Scope, Wrong
from gamehall_server.modules.rules.expressions.values import Failed, plain, value_in
from gamehall_server.modules.rules.expressions.writing import written

__all__ = ["Compiler", "Failed", "Node", "Scope", "Wrong", "plain", "value_in", "written"]

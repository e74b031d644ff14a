"""Which rules lists are about."""

from sqlalchemy import bindparam, select

from gamehall_server.modules.rules.tables import names, rules

_n = names.table
# Rules that do this.
does = rules.table.c.id.in_(select(_n.c.rule_id).where(_n.c.kind == "action", _n.c.word == bindparam("filter_action")))

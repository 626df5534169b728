"""What statements about rows do: SELECT, INSERT, UPDATE, DELETE, MERGE, CREATE TABLE AS, nested ones too."""

from __future__ import annotations

from collections.abc import Iterator

from .catalog import Catalog
from .locks import Effects, Lock, Work
from .statements import Statement
from .tree import Node, names, walk

KINDS = frozenset({"CreateTableAsStmt", "DeleteStmt", "InsertStmt", "MergeStmt", "SelectStmt", "UpdateStmt"})
"""The statements that this module is about."""

_CHANGES = {"UpdateStmt", "DeleteStmt", "MergeStmt"}


def change_rows(statement: Statement, catalog: Catalog) -> Effects:
    """Return what a statement about rows does; with a WHERE, nobody can tell here how many it meets."""
    nodes = list(walk({statement.kind: statement.node}))
    targets = dict(_targets(nodes, catalog))
    read = {found.name for _, one in nodes if "relname" in one and (found := catalog.find(one)) is not None}
    works = [(work, table) for table, work in targets.items() if work is not None]
    works += [(Work.READ, table) for table in sorted(read - targets.keys())]
    deletes = [one for kind, one in nodes if kind == "DeleteStmt" and "whereClause" not in one]
    emptied = [found.name for one in deletes if (found := catalog.find(one["relation"])) is not None]
    return Effects(
        locks=dict.fromkeys(targets, Lock.ROW_EXCLUSIVE),
        works=tuple(works),
        loses=tuple((table, "all rows of") for table in emptied),
        unknown=_strange_call(nodes, catalog),
    )


def _targets(nodes: list[tuple[str, Node]], catalog: Catalog) -> Iterator[tuple[str, Work | None]]:
    for kind, node in nodes:
        if kind in _CHANGES or kind == "InsertStmt":
            table = catalog.find(node["relation"])
            every = kind != "MergeStmt" and "whereClause" not in node
            work = None if kind == "InsertStmt" else Work.ALL_ROWS if every else Work.SOME_ROWS
            if table is not None:
                yield table.name, work


def _strange_call(nodes: list[tuple[str, Node]], catalog: Catalog) -> str:
    calls = (names(one["funcname"])[-1] for kind, one in nodes if kind == "FuncCall")
    program = next(filter(catalog.may_change, calls), None)
    return "" if program is None else f"the function {program} can do anything"

"""What each kind of statement does to the tables that are there.

The rules are PostgreSQL's, from its manual ("Explicit Locking", and the page of each command) and, where
that says nothing, its sources. A lock on an index counts as one on its table.
"""

from __future__ import annotations

from collections.abc import Callable

from .alter_table import alter_table
from .catalog import Catalog
from .create import create_index, create_table
from .drops import drop, truncate
from .locks import NOTHING, Effects, Lock, Work, together
from .missing import missing
from .rows import KINDS as ROW_STATEMENTS
from .rows import change_rows
from .statements import Statement, is_concurrent
from .tree import Node, names, walk

# None of these takes a lock that keeps anyone from reading or writing a table that is there.
_HARMLESS = frozenset(
    ("AlterDatabaseSetStmt", "AlterDefaultPrivilegesStmt", "AlterEnumStmt", "AlterFunctionStmt")
    + ("AlterObjectDependsStmt", "AlterRoleSetStmt", "AlterRoleStmt", "AlterTypeStmt", "CommentStmt")
    + ("CompositeTypeStmt", "ConstraintsSetStmt", "CreateCastStmt", "CreateDomainStmt", "CreateEnumStmt")
    + ("CreateExtensionStmt", "CreateFunctionStmt", "CreateOpClassStmt", "CreateOpFamilyStmt")
    + ("CreatePublicationStmt", "CreateRangeStmt", "CreateRoleStmt", "CreateSchemaStmt", "CreateSeqStmt")
    + ("CreateStatsStmt", "DefineStmt", "DiscardStmt", "DropRoleStmt", "GrantRoleStmt", "GrantStmt")
    + ("NotifyStmt", "TransactionStmt", "VariableSetStmt", "VariableShowStmt")
)
_DYNAMIC = {"DoStmt": "a DO block", "CallStmt": "a procedure", "ExecuteStmt": "a prepared statement"}


def effects_of(statement: Statement, catalog: Catalog) -> Effects:
    """Return what ``statement`` does to a database of which ``catalog`` tells."""
    if statement.kind in _DYNAMIC:
        return Effects(unknown=f"{_DYNAMIC[statement.kind]} can do anything")
    rule = _RULES.get(statement.kind)
    if rule is not None:
        return rule(statement.node, catalog)
    if statement.kind in ROW_STATEMENTS:
        return change_rows(statement, catalog)
    if statement.kind in ("ReindexStmt", "VacuumStmt"):
        return _maintenance(statement, catalog)
    return NOTHING if statement.kind in _HARMLESS else Effects(unknown="it is no kind of statement that is known here")


def _on_table(field: str, lock: Lock) -> Callable[[Node, Catalog], Effects]:
    """Return the rule of a statement that takes ``lock`` on the one table in ``field``."""

    def rule(node: Node, catalog: Catalog) -> Effects:
        relation = catalog.find(node[field])
        if relation is None:
            return missing(node[field], catalog, harmless=node.get("missing_ok", False))
        return Effects(locks={relation.name: lock})

    return rule


def _rename(node: Node, catalog: Catalog) -> Effects:
    if "relation" not in node or node["renameType"] == "OBJECT_ATTRIBUTE":
        return NOTHING
    only_index = node["renameType"] == "OBJECT_INDEX" and catalog.find_index(node["relation"]) is not None
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if only_index else Lock.ACCESS_EXCLUSIVE
    return _on_table("relation", lock)(node, catalog)


def _move(node: Node, catalog: Catalog) -> Effects:
    return _on_table("relation", Lock.ACCESS_EXCLUSIVE)(node, catalog) if "relation" in node else NOTHING


def _view(node: Node, catalog: Catalog) -> Effects:
    view = catalog.find(node["view"]) if node.get("replace") else None
    return NOTHING if view is None else Effects(locks={view.name: Lock.ACCESS_EXCLUSIVE})


def _domain(node: Node, catalog: Catalog) -> Effects:
    # By AlterDomainStmt's letters: add a constraint, validate one, set NOT NULL; those look at what is there.
    if node.get("subtype") not in ("C", "V", "O") or node.get("def", {}).get("Constraint", {}).get("skip_validation"):
        return NOTHING
    tables = sorted({one.name for one, _ in catalog.having_type(names(node["typeName"])[-1])})
    return Effects(locks=dict.fromkeys(tables, Lock.SHARE), works=_all(Work.SCAN, tables))


def _lock(node: Node, catalog: Catalog) -> Effects:
    found = [catalog.find(one["RangeVar"]) for one in node["relations"]]
    return Effects(locks={one.name: Lock(node["mode"]) for one in found if one is not None})


def _refresh(node: Node, catalog: Catalog) -> Effects:
    lock = Lock.EXCLUSIVE if node.get("concurrent") else Lock.ACCESS_EXCLUSIVE
    view = catalog.find(node["relation"])
    works = () if view is None else ((Work.REWRITE, view.name),)
    return together([_on_table("relation", lock)(node, catalog), Effects(works=works)])


def _cluster(node: Node, catalog: Catalog) -> Effects:
    if "relation" not in node:
        return Effects(unknown="it rewrites every table that was clustered before")
    table = catalog.find(node["relation"])
    works = () if table is None else ((Work.REWRITE, table.name),)
    return together([_on_table("relation", Lock.ACCESS_EXCLUSIVE)(node, catalog), Effects(works=works)])


def _maintenance(statement: Statement, catalog: Catalog) -> Effects:
    """REINDEX, VACUUM, ANALYZE."""
    named = [one for _, one in walk({"node": statement.node}) if "relname" in one]
    words = {one.get("defname") for _, one in walk(statement.node)}
    tables = [found.name for one in named if (found := catalog.find(one)) is not None]
    if statement.kind == "ReindexStmt" and not is_concurrent(statement):
        if not named:
            return Effects(unknown="it builds the indexes of many tables anew")
        # Reading needs the indexes, too: who plans a query opens all of them.
        return Effects(locks=dict.fromkeys(tables, Lock.ACCESS_EXCLUSIVE), works=_all(Work.INDEX, tables))
    if "full" in words and statement.kind == "VacuumStmt":
        tables = tables if named else [one.name for one in catalog.relations.values() if one.kind == "table"]
        return Effects(locks=dict.fromkeys(tables, Lock.ACCESS_EXCLUSIVE), works=_all(Work.REWRITE, tables))
    return Effects(locks=dict.fromkeys(tables, Lock.SHARE_UPDATE_EXCLUSIVE))


def _all(work: Work, tables: list[str]) -> tuple[tuple[Work, str], ...]:
    return tuple((work, table) for table in tables)


_RULES: dict[str, Callable[[Node, Catalog], Effects]] = {
    "AlterDomainStmt": _domain,
    "AlterObjectSchemaStmt": _move,
    "AlterOwnerStmt": _move,
    "AlterPolicyStmt": _on_table("table", Lock.ACCESS_EXCLUSIVE),
    "AlterSeqStmt": _on_table("sequence", Lock.SHARE_ROW_EXCLUSIVE),
    "AlterTableStmt": alter_table,
    "ClusterStmt": _cluster,
    "CreatePolicyStmt": _on_table("table", Lock.ACCESS_EXCLUSIVE),
    "CreateStmt": create_table,
    "CreateTrigStmt": _on_table("relation", Lock.SHARE_ROW_EXCLUSIVE),
    "DropStmt": drop,
    "IndexStmt": create_index,
    "LockStmt": _lock,
    "RefreshMatViewStmt": _refresh,
    "RenameStmt": _rename,
    "RuleStmt": _on_table("relation", Lock.ACCESS_EXCLUSIVE),
    "TruncateStmt": truncate,
    "ViewStmt": _view,
}

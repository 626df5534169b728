"""What ALTER TABLE does, by its subcommands (AlterTableGetLockLevel in PostgreSQL's sources, and its manual)."""

from __future__ import annotations

from collections.abc import Callable

from .catalog import Catalog, Relation
from .columns import add_column, change_type, foreign_key
from .locks import NOTHING, Effects, Lock, Work, together
from .missing import missing
from .tree import Node

# Every subcommand that isn't here takes ACCESS EXCLUSIVE.
_LOCKS = {
    **dict.fromkeys(
        ("AttachPartition", "ClusterOn", "DetachPartitionFinalize", "DropCluster", "ResetOptions")
        + ("ResetRelOptions", "SetOptions", "SetRelOptions", "SetStatistics", "ValidateConstraint"),
        Lock.SHARE_UPDATE_EXCLUSIVE,
    ),
    **dict.fromkeys(
        ("DisableTrig", "DisableTrigAll", "DisableTrigUser", "EnableAlwaysTrig", "EnableReplicaTrig", "EnableTrig")
        + ("EnableTrigAll", "EnableTrigUser"),
        Lock.SHARE_ROW_EXCLUSIVE,
    ),
}
# Storage parameters that others read while they plan.
_STRONG_OPTIONS = {"check_option", "security_barrier", "security_invoker", "user_catalog_table"}
_REWRITES = {"SetAccessMethod", "SetExpression", "SetLogged", "SetTableSpace", "SetUnLogged"}


def alter_table(node: Node, catalog: Catalog) -> Effects:
    """Return what ALTER TABLE, INDEX or VIEW does to what is there."""
    if node["objtype"] == "OBJECT_TYPE":
        # A type that a table has can't be changed in a way that its rows would notice.
        return NOTHING
    relation = catalog.find(node["relation"])
    if relation is None:
        return missing(node["relation"], catalog, harmless=node.get("missing_ok", False))
    return together(_subcommand(relation, one["AlterTableCmd"], catalog) for one in node["cmds"])


def _subcommand(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    kind = command["subtype"].removeprefix("AT_")
    rule = _RULES.get(kind)
    rest = NOTHING if rule is None else rule(relation, command, catalog)
    if kind in _REWRITES:
        rest = Effects(works=((Work.REWRITE, relation.name),))
    return together([Effects(locks={relation.name: _lock(kind, command)}), rest])


def _lock(kind: str, command: Node) -> Lock:
    definition = command.get("def", {})
    if kind in ("SetRelOptions", "ResetRelOptions"):
        options = {one["DefElem"]["defname"] for one in definition["List"]["items"]}
        return Lock.ACCESS_EXCLUSIVE if options & _STRONG_OPTIONS else Lock.SHARE_UPDATE_EXCLUSIVE
    if kind == "AddConstraint" and definition["Constraint"]["contype"] == "CONSTR_FOREIGN":
        return Lock.SHARE_ROW_EXCLUSIVE
    if kind == "DetachPartition" and definition["PartitionCmd"].get("concurrent"):
        return Lock.SHARE_UPDATE_EXCLUSIVE
    return _LOCKS.get(kind, Lock.ACCESS_EXCLUSIVE)


def _add_column(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    definition = command["def"]["ColumnDef"]
    if command.get("missing_ok") and definition["colname"] in relation.columns:
        return NOTHING
    return add_column(relation, definition, catalog)


def _drop_column(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    name = command["name"]
    if command.get("missing_ok") and name not in relation.columns:
        return NOTHING
    others = [key.referenced for key in catalog.keys_of(relation.name, [name])]
    others += [key.table for key in catalog.keys_to(relation.name, [name])]
    return Effects(locks=_exclusive(others), loses=((relation.name, f"the column {name} of"),))


def _change_type(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    return change_type(relation, command["name"], command["def"]["ColumnDef"], catalog)


def _set_not_null(relation: Relation, command: Node, _catalog: Catalog) -> Effects:
    name = command["name"]
    column = relation.columns.get(name)
    proven = any(check.not_null == name and check.valid for check in relation.checks)
    return NOTHING if proven or (column and column.not_null) else Effects(works=((Work.SCAN, relation.name),))


def _add_constraint(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    constraint = command["def"]["Constraint"]
    validated = not constraint.get("skip_validation", False)
    match constraint["contype"]:
        case "CONSTR_FOREIGN":
            return foreign_key(relation, constraint, catalog, validated=validated)
        case "CONSTR_UNIQUE" | "CONSTR_EXCLUSION" if "indexname" not in constraint:
            return Effects(works=((Work.INDEX, relation.name),))
        case "CONSTR_PRIMARY":
            return _primary_key(relation, constraint)
        case "CONSTR_CHECK" | "CONSTR_NOTNULL" if validated:
            return Effects(works=((Work.SCAN, relation.name),))
    return NOTHING


def _primary_key(relation: Relation, constraint: Node) -> Effects:
    if "indexname" not in constraint:
        return Effects(works=((Work.INDEX, relation.name),))
    # Which columns the index has isn't known here; those of a primary key become NOT NULL.
    nullable = not all(column.not_null for column in relation.columns.values())
    return Effects(works=((Work.SCAN, relation.name),) if nullable else ())


def _drop_constraint(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    others = [key.referenced for key in catalog.keys_of(relation.name) if key.name == command["name"]]
    if command.get("behavior") == "DROP_CASCADE":
        # Those that rest on a unique constraint, which this one may be.
        others += [key.table for key in catalog.keys_to(relation.name)]
    return Effects(locks=_exclusive(others))


def _validate(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    if any(check.name == command["name"] and check.valid for check in relation.checks):
        return NOTHING
    others = [key.referenced for key in catalog.keys_of(relation.name) if key.name == command["name"]]
    return Effects(works=((Work.SCAN, relation.name), *((Work.READ, other) for other in others)))


def _attach(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    attached = catalog.find(command["def"]["PartitionCmd"]["name"])
    looked_at = [attached.name] if attached else []
    looked_at += [catalog.defaults[relation.name]] if relation.name in catalog.defaults else []
    return Effects(locks=_exclusive(looked_at), works=tuple((Work.SCAN, one) for one in looked_at))


def _detach(relation: Relation, command: Node, catalog: Catalog) -> Effects:
    command = command["def"]["PartitionCmd"]
    detached = catalog.find(command["name"])
    if detached is None or command.get("concurrent"):
        return NOTHING
    return Effects(locks=_exclusive([detached.name, *filter(None, [catalog.defaults.get(relation.name)])]))


def _exclusive(relations: list[str]) -> dict[str, Lock]:
    return dict.fromkeys(relations, Lock.ACCESS_EXCLUSIVE)


_RULES: dict[str, Callable[[Relation, Node, Catalog], Effects]] = {
    "AddColumn": _add_column,
    "AddConstraint": _add_constraint,
    "AlterColumnType": _change_type,
    "AttachPartition": _attach,
    "DetachPartition": _detach,
    "DropColumn": _drop_column,
    "DropConstraint": _drop_constraint,
    "SetNotNull": _set_not_null,
    "ValidateConstraint": _validate,
}

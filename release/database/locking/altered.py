"""What a table will be like after ALTER TABLE, as far as later locks depend on it."""

from __future__ import annotations

from dataclasses import replace

from .catalog import Catalog, Check, Column, ForeignKey, Relation
from .columns import constraints_of, type_of
from .tree import Node, names


def check_of(constraint: Node, *, valid: bool) -> Check:
    """Return the check constraint that a parse tree holds."""
    expression = constraint["raw_expr"]
    test = expression.get("NullTest", {})
    column = _column(test.get("arg", {})) if test.get("nulltesttype") == "IS_NOT_NULL" else None
    return Check(
        name=constraint.get("conname", ""), columns=frozenset(_columns(expression)), valid=valid, not_null=column
    )


def _columns(node: object) -> set[str]:
    if isinstance(node, list):
        return {name for item in node for name in _columns(item)}
    if not isinstance(node, dict):
        return set()
    own = {name} if (name := _column(node)) else set()
    return own | {name for value in node.values() for name in _columns(value)}


def _column(node: Node) -> str | None:
    fields = names(node.get("ColumnRef", {}).get("fields", ()))
    return fields[-1] if fields else None


def altered(node: Node, catalog: Catalog) -> Catalog:
    """Return ``catalog`` as it is after an ALTER TABLE."""
    for one in node["cmds"]:
        relation = catalog.find(node["relation"])
        if relation is not None:
            catalog = _subcommand(relation, one["AlterTableCmd"], catalog)
    return catalog


def _subcommand(relation: Relation, command: Node, catalog: Catalog) -> Catalog:
    kind, name = command["subtype"].removeprefix("AT_"), command.get("name", "")
    if kind == "AddColumn":
        return _with_column(relation, command["def"]["ColumnDef"], catalog)
    if kind == "AddConstraint":
        return _with_constraint(relation, command["def"]["Constraint"], catalog)
    if kind == "DropConstraint":
        keys = tuple(one for one in catalog.keys if (one.table, one.name) != (relation.name, name))
        checks = tuple(one for one in relation.checks if one.name != name)
        return replace(catalog.put(replace(relation, checks=checks)), keys=keys)
    if kind == "ValidateConstraint":
        checks = tuple(replace(one, valid=one.valid or one.name == name) for one in relation.checks)
        return catalog.put(replace(relation, checks=checks))
    columns = dict(relation.columns)
    column = columns.pop(name, None)
    if kind == "DropColumn" or column is None:
        return catalog.put(replace(relation, columns=columns))
    if kind == "AlterColumnType":
        column = _retyped(column, command["def"]["ColumnDef"])
    not_null = {"SetNotNull": True, "DropNotNull": False}.get(kind, column.not_null)
    return catalog.put(replace(relation, columns={**columns, name: replace(column, not_null=not_null)}))


def _with_column(relation: Relation, definition: Node, catalog: Catalog) -> Catalog:
    name, kinds = definition["colname"], {one["contype"]: one for one in constraints_of(definition)}
    made = replace(type_of(definition["typeName"]), not_null="CONSTR_NOTNULL" in kinds)
    # One that is there already stays, as with IF NOT EXISTS.
    catalog = catalog.put(replace(relation, columns={name: made, **relation.columns}))
    key = kinds.get("CONSTR_FOREIGN")
    return catalog if key is None else with_key(relation.name, key, catalog, [name])


def _retyped(column: Column, definition: Node) -> Column:
    return replace(type_of(definition["typeName"]), not_null=column.not_null)


def _with_constraint(relation: Relation, constraint: Node, catalog: Catalog) -> Catalog:
    if constraint["contype"] == "CONSTR_FOREIGN":
        return with_key(relation.name, constraint, catalog)
    if constraint["contype"] == "CONSTR_CHECK":
        check = check_of(constraint, valid=not constraint.get("skip_validation", False))
        return catalog.put(replace(relation, checks=(*relation.checks, check)))
    return catalog


def with_key(table: str, constraint: Node, catalog: Catalog, columns: list[str] | None = None) -> Catalog:
    """Return ``catalog`` with the foreign key that ``constraint`` gives to ``columns`` of ``table``."""
    referenced = catalog.find(constraint["pktable"])
    if referenced is None:
        return catalog
    own = columns or list(names(constraint.get("fk_attrs", ())))
    key = ForeignKey(
        # PostgreSQL's own name for it.
        name=constraint.get("conname") or "_".join([table.partition(".")[2], *own, "fkey"]),
        table=table,
        columns=frozenset(own),
        referenced=referenced.name,
        referenced_columns=frozenset(names(constraint.get("pk_attrs", ()))),
    )
    return replace(catalog, keys=(*catalog.keys, key))

"""What a database will be like after a statement, as far as the statements that follow depend on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .altered import altered, with_key
from .catalog import Catalog, Relation
from .columns import constraints_of
from .statements import Statement
from .tree import Node, names

_KINDS = {"OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "materialized view"}
_VOLATILE = "volatile"


def after(statement: Statement, catalog: Catalog) -> Catalog:
    """Return ``catalog`` as it is when ``statement`` has run; what doesn't matter to locks stays as it was."""
    rule = _RULES.get(statement.kind)
    return catalog if rule is None else rule(statement.node, catalog)


def _create_table(node: Node, catalog: Catalog) -> Catalog:
    name = catalog.new_name(node["relation"])
    if node.get("if_not_exists") and catalog.find(node["relation"]):
        return catalog
    catalog = catalog.put(Relation(name=name, new=True))
    for one in node.get("tableElts", ()):
        constraints = constraints_of(one["ColumnDef"]) if "ColumnDef" in one else (one.get("Constraint", {}),)
        own = [one["ColumnDef"]["colname"]] if "ColumnDef" in one else None
        for constraint in constraints:
            if constraint.get("contype") == "CONSTR_FOREIGN":
                catalog = with_key(name, constraint, catalog, own)
    return catalog


def _create_as(node: Node, catalog: Catalog) -> Catalog:
    kind = _KINDS.get(node["objtype"], "table")
    return catalog.put(Relation(name=catalog.new_name(node["into"]["rel"]), kind=kind, new=True))


def _create_view(node: Node, catalog: Catalog) -> Catalog:
    return catalog.put(Relation(name=catalog.new_name(node["view"]), kind="view", new=True))


def _create_sequence(node: Node, catalog: Catalog) -> Catalog:
    return catalog.put(Relation(name=catalog.new_name(node["sequence"]), kind="sequence", new=True))


def _create_index(node: Node, catalog: Catalog) -> Catalog:
    table = catalog.find(node["relation"])
    if table is None or "idxname" not in node:
        return catalog
    schema = table.name.partition(".")[0]
    return replace(catalog, indexes={**catalog.indexes, f"{schema}.{node['idxname']}": table.name})


def _create_function(node: Node, catalog: Catalog) -> Catalog:
    options = [one["DefElem"] for one in node.get("options", ())]
    words = [one["arg"]["String"]["sval"] for one in options if one["defname"] == "volatility"]
    name, volatile = names(node["funcname"])[-1], (words or [_VOLATILE])[-1] == _VOLATILE
    return replace(
        catalog,
        functions={**catalog.functions, name: volatile},
        programs=catalog.programs | ({name} if volatile else set()),
    )


def _create_domain(node: Node, catalog: Catalog) -> Catalog:
    constrained = {names(node["domainname"])[-1]} if node.get("constraints") else set()
    return replace(catalog, domains=catalog.domains | constrained)


def _drop(node: Node, catalog: Catalog) -> Catalog:
    for one in node["objects"]:
        name = names(one["List"]["items"]) if "List" in one else ()
        index = catalog.find_index(name) if name and node["removeType"] == "OBJECT_INDEX" else None
        relation = catalog.find(name) if name and node["removeType"] in _KINDS else None
        if index is not None:
            catalog = replace(catalog, indexes={key: it for key, it in catalog.indexes.items() if key != index})
        if relation is not None:
            catalog = catalog.without(relation.name)
    return catalog


def _rename(node: Node, catalog: Catalog) -> Catalog:
    relation = catalog.find(node["relation"]) if "relation" in node else None
    if relation is None:
        return catalog
    schema = relation.name.partition(".")[0]
    if node["renameType"] in _KINDS:
        return catalog.renamed(relation.name, f"{schema}.{node['newname']}")
    if node["renameType"] == "OBJECT_INDEX":
        old = catalog.find_index(node["relation"])
        indexes = {f"{schema}.{node['newname']}" if key == old else key: it for key, it in catalog.indexes.items()}
        return replace(catalog, indexes=indexes)
    if node["renameType"] == "OBJECT_COLUMN":
        columns = {node["newname"] if key == node["subname"] else key: it for key, it in relation.columns.items()}
        return catalog.put(replace(relation, columns=columns))
    return catalog


def _move(node: Node, catalog: Catalog) -> Catalog:
    relation = catalog.find(node["relation"]) if "relation" in node else None
    if relation is None:
        return catalog
    return catalog.renamed(relation.name, f"{node['newschema']}.{relation.name.partition('.')[2]}")


_RULES: dict[str, Callable[[Node, Catalog], Catalog]] = {
    "AlterObjectSchemaStmt": _move,
    "AlterTableStmt": altered,
    "CreateDomainStmt": _create_domain,
    "CreateFunctionStmt": _create_function,
    "CreateSeqStmt": _create_sequence,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_as,
    "DropStmt": _drop,
    "IndexStmt": _create_index,
    "RenameStmt": _rename,
    "ViewStmt": _create_view,
}

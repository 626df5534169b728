"""What DROP and TRUNCATE do: the locks they take beyond what goes, and the data that goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .catalog import Catalog, Relation
from .locks import NOTHING, Effects, Lock, together
from .tree import Node, names

_RELATIONS = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE"}
_ON_TABLES = {"OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"}
_TYPES = {"OBJECT_TYPE", "OBJECT_DOMAIN"}


def drop(node: Node, catalog: Catalog) -> Effects:
    """Return what a DROP does to what is there."""
    kind, cascade = node["removeType"], node["behavior"] == "DROP_CASCADE"
    objects = [_name(one) for one in node["objects"]]
    if kind == "OBJECT_INDEX":
        lock = Lock.SHARE_UPDATE_EXCLUSIVE if node.get("concurrent") else Lock.ACCESS_EXCLUSIVE
        return together(_index(one, lock, node, catalog) for one in objects)
    if kind in _ON_TABLES:
        return _locked(catalog.find(name[:-1]) for name in objects)
    if kind in _RELATIONS:
        return together(_relation(name, node, catalog, cascade) for name in objects)
    if kind == "OBJECT_SCHEMA" and cascade:
        inside = [one for one in catalog.relations.values() if (one.name.partition(".")[0],) in objects]
        return together(_gone(one, catalog, cascade=True) for one in inside)
    if kind in _TYPES and cascade:
        columns = [found for name in objects for found in catalog.having_type(name[-1])]
        lost = tuple((relation.name, f"the column {column} of") for relation, column in columns)
        return together([_locked(relation for relation, _ in columns), Effects(loses=lost)])
    return Effects(unknown="CASCADE drops whatever depends on it") if cascade else NOTHING


def truncate(node: Node, catalog: Catalog) -> Effects:
    """Return what TRUNCATE does."""
    found = [catalog.find(one["RangeVar"]) for one in node["relations"]]
    tables = [one.name for one in found if one is not None]
    if node.get("behavior") == "DROP_CASCADE":
        for table in tables:  # It grows meanwhile: what references a table goes with it.
            tables += {key.table for key in catalog.keys_to(table)} - set(tables)
    locks = dict.fromkeys(tables, Lock.ACCESS_EXCLUSIVE)
    return Effects(locks=locks, loses=tuple((table, "all rows of") for table in tables))


def _name(node: Node) -> tuple[str, ...]:
    if "List" in node:
        return names(node["List"]["items"])
    return names(node["TypeName"]["names"]) if "TypeName" in node else names([node])


def _index(name: Sequence[str], lock: Lock, node: Node, catalog: Catalog) -> Effects:
    index = catalog.find_index(name)
    if index is None:
        return NOTHING if node.get("missing_ok") else Effects(unknown=f"{'.'.join(name)} is not in this database")
    return Effects(locks={catalog.indexes[index]: lock})


def _relation(name: Sequence[str], node: Node, catalog: Catalog, cascade: bool) -> Effects:
    relation = catalog.find(name)
    if relation is None:
        return NOTHING if node.get("missing_ok") else Effects(unknown=f"{'.'.join(name)} is not in this database")
    return _gone(relation, catalog, cascade=cascade)


def _gone(relation: Relation, catalog: Catalog, *, cascade: bool) -> Effects:
    others = [key.referenced for key in catalog.keys_of(relation.name)]
    others += [key.table for key in catalog.keys_to(relation.name)] if cascade else []
    parent = catalog.parents.get(relation.name)
    others += [one for one in (parent, catalog.defaults.get(parent or "")) if one]
    return Effects(
        locks=dict.fromkeys([relation.name, *others], Lock.ACCESS_EXCLUSIVE),
        loses=((relation.name, "all of"),) if relation.kind == "table" else (),
    )


def _locked(relations: Iterable[Relation | None]) -> Effects:
    return Effects(locks={one.name: Lock.ACCESS_EXCLUSIVE for one in relations if one is not None})

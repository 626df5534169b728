"""What CREATE TABLE and CREATE INDEX do to the tables that are there already."""

from __future__ import annotations

from .catalog import Catalog
from .columns import constraints_of, foreign_key
from .locks import NOTHING, Effects, Lock, Work, together
from .missing import missing
from .tree import Node


def create_table(node: Node, catalog: Catalog) -> Effects:
    """Return what CREATE TABLE does: to the tables it references, and to those it is a part of."""
    if node.get("if_not_exists") and catalog.find(node["relation"]):
        return NOTHING
    elements = node.get("tableElts", ())
    constraints = [one["Constraint"] for one in elements if "Constraint" in one]
    constraints += [it for one in elements if "ColumnDef" in one for it in constraints_of(one["ColumnDef"])]
    name = catalog.new_name(node["relation"])
    keys = [one for one in constraints if one["contype"] == "CONSTR_FOREIGN"]
    others = [one for one in keys if catalog.new_name(one["pktable"]) != name]
    references = [foreign_key(None, one, catalog, validated=False) for one in others]
    parents = [one["RangeVar"] for one in node.get("inhRelations", ())]
    return together([*references, *(_parent(one, catalog, partition="partbound" in node) for one in parents)])


def _parent(name: Node, catalog: Catalog, *, partition: bool) -> Effects:
    parent = catalog.find(name)
    if parent is None:
        return missing(name, catalog)
    if not partition:
        return Effects(locks={parent.name: Lock.SHARE_UPDATE_EXCLUSIVE})
    default = [catalog.defaults[parent.name]] if parent.name in catalog.defaults else []
    return Effects(
        locks=dict.fromkeys([parent.name, *default], Lock.ACCESS_EXCLUSIVE),
        # What belongs into the new partition must not be in the default one.
        works=tuple((Work.SCAN, one) for one in default),
    )


def create_index(node: Node, catalog: Catalog) -> Effects:
    """Return what CREATE INDEX does."""
    table = catalog.find(node["relation"])
    if table is None:
        return missing(node["relation"], catalog)
    index = {"relname": node["idxname"], "schemaname": table.name.partition(".")[0]} if "idxname" in node else None
    works: tuple[tuple[Work, str], ...] = ((Work.INDEX, table.name),)
    if node.get("if_not_exists") and index and catalog.find_index(index):
        works = ()
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if node.get("concurrent") else Lock.SHARE
    return Effects(locks={table.name: lock}, works=works)

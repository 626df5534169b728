"""What is said about a relation that a statement names and nobody knows."""

from __future__ import annotations

from .catalog import Catalog
from .locks import NOTHING, Effects
from .tree import Node


def missing(name: Node, catalog: Catalog, *, harmless: bool = False) -> Effects:
    """Return what can be said about a relation that is not there."""
    shown = catalog.shown(catalog.new_name(name))
    return NOTHING if harmless else Effects(unknown=f"{shown} is not in this database")

"""What ALTER TABLE does for a column that is new or gets another type (PostgreSQL's manual, notes of ALTER TABLE)."""

from __future__ import annotations

from collections.abc import Sequence

from .catalog import Catalog, Column, Relation
from .locks import Effects, Lock, Work, together
from .missing import missing
from .tree import Node, names, walk

_SERIALS = {"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"}
# Values of these stay the same bytes when the number behind the type grows.
_WIDENED = {"varbit", "time", "timetz", "timestamp", "timestamptz"}
_TEXTS = {"text", "varchar"}


def add_column(table: Relation, definition: Node, catalog: Catalog) -> Effects:
    """Return what adding a column does, apart from the lock on ``table`` itself."""
    constraints = {one["contype"]: one for one in constraints_of(definition)}
    default = constraints.get("CONSTR_DEFAULT", {}).get("raw_expr")
    type_name = type_of(definition["typeName"]).type
    filled_anew = (
        type_name in _SERIALS | catalog.domains
        or "CONSTR_IDENTITY" in constraints
        or constraints.get("CONSTR_GENERATED", {}).get("generated_kind", "v") != "v"
        or (default is not None and is_volatile(default, catalog))
    )
    works = []
    if filled_anew:
        works.append(Work.REWRITE)
    elif "CONSTR_CHECK" in constraints or ("CONSTR_NOTNULL" in constraints and default is None):
        works.append(Work.SCAN)
    if {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} & constraints.keys():
        works.append(Work.INDEX)
    reference = constraints.get("CONSTR_FOREIGN")
    # Without a default all values are null, which needs no look at the other table.
    key = () if reference is None else (foreign_key(table, reference, catalog, validated=default is not None),)
    return together([*key, Effects(works=tuple((work, table.name) for work in works))])


def foreign_key(table: Relation | None, constraint: Node, catalog: Catalog, *, validated: bool) -> Effects:
    """Return what a new foreign key does to the other table, and to ``table`` when its rows are ``validated``."""
    referenced = catalog.find(constraint["pktable"])
    if referenced is None:
        return missing(constraint["pktable"], catalog)
    works = ((Work.SCAN, table.name), (Work.READ, referenced.name)) if table is not None and validated else ()
    return Effects(locks={referenced.name: Lock.SHARE_ROW_EXCLUSIVE}, works=works)


def change_type(table: Relation, name: str, definition: Node, catalog: Catalog) -> Effects:
    """Return what another type of the column ``name`` does, apart from the lock on ``table`` itself."""
    old, new = table.columns.get(name), type_of(definition["typeName"])
    expression = definition.get("raw_default")
    same_bytes = old is not None and _is_column(expression, name, new) and not _rewrites(old, new)
    works = [(Work.REWRITE, table.name)]
    if same_bytes and new.type not in catalog.domains:
        checked = any(name in check.columns for check in table.checks)
        works = [(Work.SCAN, table.name)] if checked else []
        works += [(Work.INDEX, table.name)] if "collClause" in definition else []
    # Foreign keys of the column are made anew, and looked up again when its values may have changed.
    others = [key.referenced for key in catalog.keys_of(table.name, [name])]
    others += [key.table for key in catalog.keys_to(table.name, [name])]
    works += [] if same_bytes else [(Work.READ, other) for other in others]
    return Effects(locks=dict.fromkeys(others, Lock.ACCESS_EXCLUSIVE), works=tuple(works))


def constraints_of(definition: Node) -> tuple[Node, ...]:
    """Return the constraints that a column is defined with."""
    return tuple(one["Constraint"] for one in definition.get("constraints", ()) if "Constraint" in one)


def type_of(node: Node) -> Column:
    """Return the type that a parse tree names, as of a column."""
    name = node["names"][-1]["String"]["sval"] if node.get("names") else ""
    constants = (one["A_Const"] for one in node.get("typmods", ()) if "A_Const" in one)
    return Column(
        type=f"_{name}" if node.get("arrayBounds") else name,
        modifiers=tuple(one.get("ival", {}).get("ival", 0) for one in constants),
    )


def is_volatile(expression: Node, catalog: Catalog) -> bool:
    """Tell whether an expression may give another value for each row."""
    calls = (names(call["funcname"])[-1] for kind, call in walk(expression) if kind == "FuncCall")
    return any(catalog.volatile(call) for call in calls)


def _is_column(expression: Node | None, name: str, wanted: Column) -> bool:
    """Tell whether USING says nothing but the column itself, which may be cast to the type it gets."""
    if expression is None:
        return True
    ((kind, node),) = expression.items()
    if kind == "TypeCast":
        return type_of(node["typeName"]) == wanted and _is_column(node["arg"], name, wanted)
    return kind == "ColumnRef" and names(node["fields"]) == (name,)


def _rewrites(old: Column, new: Column) -> bool:
    if {old.type, new.type} <= _TEXTS:
        return not _widens(old.modifiers if old.type == "varchar" else (), new.modifiers)
    if old.type != new.type:
        return True
    if old.type == "numeric":
        (precision, scale), (wider, same) = ((*one.modifiers, 0, 0)[:2] for one in (old, new))
        return bool(new.modifiers) and not (old.modifiers and scale == same and wider >= precision)
    if old.type in _WIDENED:
        return not _widens(old.modifiers, new.modifiers)
    return old.modifiers != new.modifiers


def _widens(old: Sequence[int], new: Sequence[int]) -> bool:
    """Tell whether every value that fits ``old`` fits ``new``, where nothing means no limit."""
    return not new or (bool(old) and new[0] >= old[0])

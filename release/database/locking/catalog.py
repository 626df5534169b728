"""What is in a database as far as locks depend on it. Changes are made to copies: :mod:`.later` foresees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .tree import Node

# A row of a login service takes a few hundred bytes with its indexes; wider ones count by their bytes.
_BYTES_OF_A_ROW = 1024


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its type by PostgreSQL's internal name (``varchar``, ``int4``) with the numbers behind it."""

    type: str
    modifiers: tuple[int, ...] = ()
    not_null: bool = False


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """A foreign key from some columns of ``table`` to some of ``referenced``."""

    name: str
    table: str
    columns: frozenset[str]
    referenced: str
    referenced_columns: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check constraint on some columns; ``not_null`` is the column that it keeps from being null, and no more."""

    name: str
    columns: frozenset[str]
    valid: bool = True
    not_null: str | None = None


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table, view, materialized view or sequence, named ``schema.name``.

    ``rows`` is PostgreSQL's estimate, None when it never counted; ``size`` in bytes, with indexes. Both
    include partitions. ``new``: made by a migration that has yet to run.
    """

    name: str
    kind: str = "table"
    rows: int | None = 0
    size: int = 0
    columns: Mapping[str, Column] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    new: bool = False

    def big(self, threshold: int) -> bool:
        """Tell whether work on all of it takes long: from ``threshold`` rows, or 1 KiB for each of so many."""
        return (self.rows or 0) >= threshold or self.size >= threshold * _BYTES_OF_A_ROW

    @property
    def filled(self) -> bool:
        """Tell whether it may hold data of somebody."""
        return not self.new and self.kind != "view" and self.rows != 0


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Relations by name, ``indexes`` by name with their relation, ``functions`` with whether they are volatile.

    ``programs`` are those of them that may change tables: volatile ones that neither PostgreSQL nor a C library
    brings. ``path`` are the schemas of the search path. ``domains`` are those that have a constraint. ``parents``:
    partition → partitioned table; ``defaults``: partitioned table → default partition.
    """

    path: tuple[str, ...] = ("public",)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    indexes: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[ForeignKey, ...] = ()
    functions: Mapping[str, bool] = field(default_factory=dict)
    programs: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    parents: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: Node | Sequence[str]) -> Relation | None:
        """Return the relation, or that of the index, that a parse tree names; None when there is none."""
        for candidate in self.candidates(name):
            relation = self.relations.get(self.indexes.get(candidate, candidate))
            if relation is not None:
                return relation
        return None

    def find_index(self, name: Node | Sequence[str]) -> str | None:
        """Return the full name of the index that a parse tree names, None when there is none."""
        return next((one for one in self.candidates(name) if one in self.indexes), None)

    def candidates(self, name: Node | Sequence[str]) -> tuple[str, ...]:
        """Return what a name may stand for, ``schema.name``, by the search path where it has no schema."""
        if isinstance(name, Mapping):
            name = [part for part in (name.get("schemaname"), name["relname"]) if part]
        *schema, last = name
        return tuple(f"{one}.{last}" for one in (schema[-1:] or self.path))

    def new_name(self, name: Node) -> str:
        """Return the full name of what a statement makes."""
        return next(iter(self.candidates(name)), str(name["relname"]))

    def shown(self, relation: str) -> str:
        """Return a name as people write it: without the schema that comes first in the search path."""
        schema, _, name = relation.partition(".")
        return name if self.path[:1] == (schema,) else relation

    def keys_of(self, table: str, columns: Collection[str] | None = None) -> tuple[ForeignKey, ...]:
        """Return the foreign keys of ``table``, with ``columns`` those that have one of these."""
        return tuple(one for one in self.keys if one.table == table and _meets(one.columns, columns))

    def keys_to(self, table: str, columns: Collection[str] | None = None) -> tuple[ForeignKey, ...]:
        """Return the foreign keys that reference ``table``."""
        return tuple(one for one in self.keys if one.referenced == table and _meets(one.referenced_columns, columns))

    def having_type(self, name: str) -> tuple[tuple[Relation, str], ...]:
        """Return the tables that have a column of the type ``name``, with the column."""
        return tuple(
            (relation, column)
            for relation in self.relations.values()
            if relation.kind != "view"
            for column, what in relation.columns.items()
            if what.type == name
        )

    def volatile(self, function: str) -> bool:
        """Tell whether a function may give another value each time; one that nobody knows may."""
        return self.functions.get(function, True)

    def may_change(self, function: str) -> bool:
        """Tell whether a function may change tables; one that nobody knows may."""
        return function in self.programs or function not in self.functions

    def put(self, *relations: Relation) -> Catalog:
        """Return a copy that has ``relations``."""
        return replace(self, relations={**self.relations, **{one.name: one for one in relations}})

    def without(self, *names: str) -> Catalog:
        """Return a copy that lacks the relations ``names``, and what belongs to them."""
        gone = set(names)
        return replace(
            self,
            relations={name: one for name, one in self.relations.items() if name not in gone},
            indexes={name: table for name, table in self.indexes.items() if table not in gone},
            keys=tuple(one for one in self.keys if not gone & {one.table, one.referenced}),
            parents={child: parent for child, parent in self.parents.items() if not gone & {child, parent}},
            defaults={parent: child for parent, child in self.defaults.items() if not gone & {child, parent}},
        )

    def renamed(self, old: str, new: str) -> Catalog:
        """Return a copy in which the relation ``old`` is called ``new``."""

        def name(one: str) -> str:
            return new if one == old else one

        return replace(
            self,
            relations={name(key): replace(one, name=name(key)) for key, one in self.relations.items()},
            indexes={index: name(table) for index, table in self.indexes.items()},
            keys=tuple(replace(one, table=name(one.table), referenced=name(one.referenced)) for one in self.keys),
            parents={name(child): name(parent) for child, parent in self.parents.items()},
            defaults={name(parent): name(child) for parent, child in self.defaults.items()},
        )


def _meets(one: frozenset[str], other: Collection[str] | None) -> bool:
    return other is None or not one.isdisjoint(other)

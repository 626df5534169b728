"""Reading a :class:`.Catalog` from PostgreSQL's own tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..protocol import Database
from .altered import check_of
from .catalog import Catalog, Check, Column, ForeignKey, Relation
from .statements import script

_KINDS = {"v": "view", "m": "materialized view", "S": "sequence"}
# reltuples is -1 until it is first counted; the statistics know what was written since.
_RELATIONS = """
SELECT n.nspname || '.' || c.relname, c.relkind::text, c.reltuples::float8, coalesce(s.n_live_tup, 0),
       CASE WHEN c.relkind IN ('r', 'm') THEN coalesce(pg_total_relation_size(c.oid), 0) ELSE 0 END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
"""
_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname, t.typname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
AND n.nspname !~ '^(pg_|information_schema$)'
"""
_KEYS = """
SELECT k.conname, n.nspname || '.' || c.relname, m.nspname || '.' || d.relname,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = ANY (k.conkey)),
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = k.confrelid AND attnum = ANY (k.confkey))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class d ON d.oid = k.confrelid JOIN pg_namespace m ON m.oid = d.relnamespace
WHERE k.contype = 'f'
"""
_CHECKS = """
SELECT n.nspname || '.' || c.relname, k.conname, k.convalidated, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND n.nspname !~ '^(pg_|information_schema$)'
"""
_INDEXES = """
SELECT n.nspname || '.' || i.relname, n.nspname || '.' || c.relname
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema$)'
"""
_PARTS = """
SELECT n.nspname || '.' || c.relname, m.nspname || '.' || d.relname,
       coalesce(pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', false)
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class d ON d.oid = h.inhparent JOIN pg_namespace m ON m.oid = d.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
"""
_FUNCTIONS = """
SELECT p.proname, bool_or(p.provolatile = 'v'),
       bool_or(p.provolatile = 'v' AND n.nspname <> 'pg_catalog' AND l.lanname NOT IN ('c', 'internal'))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang GROUP BY p.proname
"""
_DOMAINS = """
SELECT t.typname FROM pg_type t WHERE t.typtype = 'd'
AND (t.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid))
"""
_MODIFIERS = re.compile(r"\(([0-9]+)(?:,(-?[0-9]+))?\)")


def read_catalog(database: Database) -> Catalog:
    """Return what is in ``database``; sizes are PostgreSQL's estimates. Raises DatabaseError."""
    columns: dict[str, dict[str, Column]] = defaultdict(dict)
    for table, name, type_name, words, not_null in database.rows(_COLUMNS):
        columns[table][name] = Column(type=type_name, modifiers=_modifiers(words), not_null=not_null)
    checks: dict[str, list[Check]] = defaultdict(list)
    for table, name, valid, definition in database.rows(_CHECKS):
        checks[table].extend(_check(name, definition, valid))
    parts = database.rows(_PARTS)
    parents = {child: parent for child, parent, _ in parts}
    functions = database.rows(_FUNCTIONS)
    return Catalog(
        path=tuple(name for (name,) in database.rows("SELECT unnest(current_schemas(false))::text")),
        relations={
            name: Relation(name=name, kind=kind, rows=rows, size=size, columns=columns[name], checks=(*checks[name],))
            for name, kind, rows, size in _with_parts(database.rows(_RELATIONS), parents)
        },
        indexes=dict(database.rows(_INDEXES)),
        keys=tuple(
            ForeignKey(
                name=name,
                table=table,
                columns=frozenset(own),
                referenced=referenced,
                referenced_columns=frozenset(others),
            )
            for name, table, referenced, own, others in database.rows(_KEYS)
        ),
        functions={name: volatile for name, volatile, _ in functions},
        programs=frozenset(name for name, _, program in functions if program),
        domains=frozenset(name for (name,) in database.rows(_DOMAINS)),
        parents=parents,
        defaults={parent: child for child, parent, default in parts if default},
    )


def _with_parts(
    rows: Iterable[tuple[Any, ...]], parents: Mapping[str, str]
) -> Iterable[tuple[str, str, int | None, int]]:
    """Add what partitions hold to the tables they are parts of."""
    counted: dict[str, int | None] = {}
    sizes: dict[str, int] = defaultdict(int)
    kinds = {}
    for name, kind, tuples, live, size in rows:
        kinds[name] = _KINDS.get(kind, "table")
        # A partitioned table has no rows of its own.
        unknown = tuples < 0 and not live and size and kind != "p"
        own = None if unknown else 0 if kind == "p" else max(int(tuples), live)
        place: str | None = name
        while place is not None:
            before = counted.get(place, 0)
            counted[place] = None if own is None or before is None else before + own
            sizes[place] += size
            place = parents.get(place)
    for name, kind in kinds.items():
        yield name, kind, counted[name], sizes[name]


def _modifiers(words: str) -> tuple[int, ...]:
    match = _MODIFIERS.search(words)
    return tuple(int(one) for one in match.groups() if one) if match else ()


def _check(name: str, definition: str, valid: bool) -> Iterable[Check]:
    """Read a constraint by way of the statement that would make it."""
    for statement in script(f"ALTER TABLE t ADD CONSTRAINT c {definition}").statements:
        constraint = statement.node["cmds"][0]["AlterTableCmd"]["def"]["Constraint"]
        check = check_of(constraint, valid=valid)
        yield Check(name=name, columns=check.columns, valid=valid, not_null=check.not_null)

"""PostgreSQL's parse tree, in the JSON form of libpg_query; names are those of its parsenodes.h."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]
"""A node, or the fields of one whose kind is known."""


def walk(node: object) -> Iterator[tuple[str, Node]]:
    """Yield every node below ``node`` with its kind; one in a field of a fixed kind comes with the field's name."""
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict):
                yield name, value
            yield from walk(value)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


def names(items: Iterable[Node]) -> tuple[str, ...]:
    """Return the texts of a list of strings, such as the parts of a name."""
    return tuple(item["String"]["sval"] for item in items if "String" in item)

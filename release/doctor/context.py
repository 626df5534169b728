"""What every check is given: the installation, the api's variables, and how to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..site import Site
from .attempt import Problem, Running, attempt
from .aws import Aws
from .database import Facts
from .finding import Finding
from .pinned import Release
from .web import Web

T = TypeVar("T")

Lane = Callable[[], list[Finding]]
"""Checks that are made one after the other; lanes are independent of each other."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """``values`` are the api's variables, None where they are not known, which ``unknown`` says why.

    ``aws`` and ``database`` are None where nothing says where they are. ``before``: the api need not run yet.
    Each question gets ``seconds``.
    """

    site: Site
    web: Web
    seconds: float
    before: bool
    release: Release | None
    values: Mapping[str, str] | None
    unknown: str
    aws: Aws | Problem | None
    database: Running[Facts] | None

    def attempt(self, work: Callable[[], T]) -> T | Problem:
        """Return what ``work`` returns, or why it did not in time."""
        return attempt(work, self.seconds)

    @property
    def facts(self) -> Facts | Problem | None:
        """What the database says; waits for it."""
        return None if self.database is None else self.database.result()

    def value(self, name: str) -> str:
        """Return the value of a variable, nothing where it is not set or not known."""
        return "" if self.values is None else self.values.get(name, "")

"""What a rebuild found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..compare import Compared, Difference
from ..errors import NotReproducibleError
from ..manifest import Source
from .source import Place


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was compared with the published ``version``, in the order of :attr:`.Wanted.names`.

    ``source`` is what was built, cloned from ``place``. In ``differences`` the published side comes first;
    ``deeper`` is what diffoscope says of them, where it is installed. ``unread``: what could not be looked into,
    since its published bytes could not be had, and why.
    """

    version: str
    place: Place
    source: Source
    compared: tuple[Compared, ...]
    differences: tuple[Difference, ...] = ()
    deeper: str = ""
    unread: Mapping[str, str]

    @property
    def different(self) -> tuple[Compared, ...]:
        """What was rebuilt otherwise, or not at all."""
        return tuple(one for one in self.compared if not one.same)

    @property
    def same(self) -> tuple[Compared, ...]:
        """What was rebuilt to the byte."""
        return tuple(one for one in self.compared if one.same)

    def first_difference(self, name: str) -> str:
        """Tell how ``name`` differs, in a line: the place in it, and what is there; empty when nobody knows."""
        found = next((one for one in self.differences if one.artifact == name), None)
        return "" if found is None else str(found).removeprefix(f"{name}: ")

    def check(self, kept: Path | None = None) -> None:
        """Raise NotReproducibleError, with the first artifact and the file in it, unless all is the same.

        ``kept``: where both sides are.
        """
        if not self.different:
            return
        first = self.different[0].name
        member = next((one.member for one in self.differences if one.artifact == first), "")
        # The name of a file in a published archive may be anything.
        place = f"{first}: {member if member.isprintable() else repr(member)}" if member else first
        raise NotReproducibleError(
            f"{self.version} is not what its source yields: {place} differs",
            "see the differences above, and with --keep DIR both sides" if kept is None else f"{kept} holds both sides",
        )

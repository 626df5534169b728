"""One thing that is not the same in two builds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Difference:
    """``how`` the file ``member`` of ``artifact`` differs; without a ``member`` it is the artifact itself.

    In ``how``, what the first build has comes before what the second has.
    """

    artifact: str
    member: str = ""
    how: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.artifact, self.member, self.how)))

"""A world: how one build is run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class World:
    """How one build is run. What is empty or unset here is as it is on this machine.

    ``fresh``: an engine that has built the same before does so again.
    ``place``: the folder of source and pipeline, below the world's own. ``environment``: variables to
    set. ``cold``: an engine and caches of its own, without any state. ``memory``: its files lie in
    memory, where folders list them in another order. ``suite``: the Debian that tools run on.
    ``home``: whether it has a home folder of its own. ``clock``: how far ahead the clock is.
    """

    name: str
    fresh: bool = True
    place: str = "build"
    environment: Mapping[str, str] = field(default_factory=dict)
    home: bool = False
    user: str = ""
    host_name: str = ""
    umask: int = 0o022
    one_core: bool = False
    shallow: bool = False
    cold: bool = False
    memory: bool = False
    suite: str = ""
    python: Path = Path(sys.executable)
    clock: timedelta = timedelta()

    @property
    def needs_room(self) -> bool:
        """Whether it takes namespaces of its own."""
        return bool(self.user or self.host_name or self.memory or self.cold)

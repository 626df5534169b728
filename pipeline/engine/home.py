"""Where the built engine lives on this machine."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from release.errors import EngineError

from ..cache import cache_root


@dataclass(frozen=True, kw_only=True)
class EngineHome:
    """The folders of the engine below one cache directory."""

    root: Path

    @property
    def builds(self) -> Path:
        """Finished builds, one folder a key."""
        return self.root / "builds"

    @property
    def work(self) -> Path:
        """Unfinished builds with their Go caches, one folder a key."""
        return self.root / "work"

    @property
    def state(self) -> Path:
        """What the engine keeps: its cache of steps and its cache volumes."""
        return self.root / "state"

    @property
    def mount_point(self) -> Path:
        """An empty folder for the engine's own mount namespace."""
        return self.root / "mnt"

    @property
    def log(self) -> Path:
        """What the engine printed since it was started."""
        return self.root / "engine.log"

    @property
    def record(self) -> Path:
        """Which process the engine is."""
        return self.root / "engine.json"

    @property
    def build_lock(self) -> Path:
        """Held by the one process that builds."""
        return self.root / "build.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one process that starts or stops the engine."""
        return self.root / "start.lock"

    @property
    def lease(self) -> Path:
        """Shared by all the runs that use the engine now."""
        return self.root / "lease.lock"

    @property
    def instance(self) -> str:
        """A short name of this home, the same in every run: six hex digits."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def network(self) -> str:
        """The name of the network of the engine's containers."""
        return f"tr{self.instance}"

    @property
    def sockets(self) -> Path:
        """The folder of the socket; in /run, since a socket's path is limited to 108 bytes."""
        return Path("/run") / "tesseral-release" / self.instance

    @property
    def socket(self) -> Path:
        """The engine's address."""
        return self.sockets / "engine.sock"

    @contextlib.contextmanager
    def written(self) -> Iterator[None]:
        """Write below :attr:`root` in the body; what the file system refuses becomes an :class:`EngineError`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise EngineError(
                f"the engine's folder {self.root} can't be written: {error.strerror or type(error).__name__}",
                "free some space or give this user the right to write there, or set XDG_CACHE_HOME",
            ) from error


def engine_home() -> EngineHome:
    """The engine's home below the user's cache directory."""
    return EngineHome(root=cache_root() / "engine")

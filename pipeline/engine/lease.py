"""Who uses the engine now: a lock that all runs share, so that the last one knows it is."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from .home import EngineHome


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A share in the engine, held by one run."""

    file: IO[str]

    def alone(self) -> bool:
        """Whether no other run has a share now."""
        if self.take():
            fcntl.flock(self.file, fcntl.LOCK_SH)
            return True
        return False

    def take(self) -> bool:
        """Shut new runs out until this one ends, unless another has a share: False then."""
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextlib.contextmanager
def leased(home: EngineHome) -> Iterator[Lease]:
    """Have a share in the engine for the body."""
    with home.written():
        file = home.lease.open("a")
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield Lease(file=file)

"""Numbers of a registry destination that a test may want smaller."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...transfer import RetryPolicy
from ...transfer.parallel import DEFAULT_JOBS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Times in seconds, sizes in bytes.

    ``settle``: how long a claim must stand before it counts (:mod:`.claiming`). ``timeout``: how long
    the registry may be silent. ``chunk``: larger blobs are sent in chunks of this size, and go on
    after the last chunk that arrived. ``jobs``: transfers at once.
    """

    settle: float = 2.0
    timeout: float = 60.0
    chunk: int = 2**24
    jobs: int = DEFAULT_JOBS
    retry: RetryPolicy = field(default_factory=RetryPolicy)

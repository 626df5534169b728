"""What of a transfer to S3 can be set."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...transfer import RetryPolicy
from ...transfer.parallel import DEFAULT_JOBS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Sizes in bytes, times in seconds.

    A file of more than ``largest_put`` goes in parts of ``part_size``, which S3 wants to be 5 MiB at
    least; ``jobs`` is how many requests run at once.
    """

    largest_put: int = 32 * 2**20
    part_size: int = 16 * 2**20
    jobs: int = DEFAULT_JOBS
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retries: RetryPolicy = field(default_factory=RetryPolicy)

"""Trying again what may succeed the next time: backoff, the server's wish, and two limits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Times in seconds. The n-th wait is up to ``first_delay`` doubled n times, at most ``largest_delay``.

    ``attempts`` limits one operation; ``budget`` limits all retries of one :class:`Retrier`, so that a
    server that is down is not asked a hundred times by a hundred operations. A server that asks
    (Retry-After) to wait longer than ``longest_wait`` is given up.
    """

    attempts: int = 6
    first_delay: float = 0.25
    largest_delay: float = 8.0
    longest_wait: float = 60.0
    budget: int = 40

    def delay(self, attempt: int, share: float) -> float:
        """Return the wait after failure number ``attempt`` (from 1); ``share`` (0 to 1) spreads the waiting."""
        longest = min(self.first_delay * 2.0 ** (attempt - 1), self.largest_delay)
        return longest * (0.5 + 0.5 * share)


class Retrier:
    """Runs operations under one policy; usable from several threads."""

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        share: Callable[[], float] = random.random,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self._sleep = sleep
        self._share = share
        self._left = self.policy.budget
        self._lock = threading.Lock()

    def __call__(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; repeat it while it raises TransientError.

        ``work`` must be safe to repeat. Raises the last TransientError when a limit is reached.
        """
        attempt = 0
        while True:
            try:
                return work()
            except TransientError as error:
                attempt += 1
                self.wait(attempt, error)

    def wait(self, attempt: int, error: TransientError) -> None:
        """Wait after failure number ``attempt`` (from 1), or raise ``error`` when a limit is reached."""
        delay = max(self.policy.delay(attempt, self._share()), error.retry_after or 0.0)
        if attempt >= self.policy.attempts or delay > self.policy.longest_wait or not self._spend():
            raise error
        self._sleep(delay)

    def _spend(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

"""Several operations at once, with a bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

DEFAULT_JOBS = 4
"""How many transfers run at once unless a person says otherwise."""


def in_parallel(work: Sequence[Callable[[], T]], jobs: int = DEFAULT_JOBS) -> list[T]:
    """Run all of ``work``, at most ``jobs`` at once, and return the results in order.

    After the first error, or a signal, what has not started never starts; what runs is waited for.
    Raises the first error in the order of ``work``.
    """
    with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="transfer") as pool:
        try:
            running = [pool.submit(one) for one in work]
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    # A cancelled one stands after the failed one that caused it, or before it only when it never ran.
    for future in running:
        if not future.cancelled() and (error := future.exception()) is not None:
            raise error
    return [future.result() for future in running]

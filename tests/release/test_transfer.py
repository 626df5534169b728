import threading
import time

import pytest

from release.errors import DestinationError, TransientError
from release.transfer import Retrier, RetryPolicy, in_parallel


class Flaky:
    """Fails a number of times, then succeeds."""

    def __init__(self, failures: int, retry_after: float | None = None) -> None:
        self.failures = failures
        self.retry_after = retry_after
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise TransientError("busy", "wait", retry_after=self.retry_after)
        return "done"


def retrier(waits: list[float], **limits: float) -> Retrier:
    return Retrier(RetryPolicy(**limits), sleep=waits.append, share=lambda: 1.0)  # type: ignore[arg-type]


def test_waits_double_up_to_a_limit() -> None:
    waits: list[float] = []
    assert retrier(waits, attempts=8, first_delay=1, largest_delay=10)(Flaky(6)) == "done"
    assert waits == [1, 2, 4, 8, 10, 10]


def test_waits_are_spread() -> None:
    policy = RetryPolicy(first_delay=1)
    assert [policy.delay(1, share) for share in (0.0, 0.5, 1.0)] == [0.5, 0.75, 1.0]


def test_attempts_are_limited_and_the_last_error_comes_out() -> None:
    waits: list[float] = []
    work = Flaky(99)
    with pytest.raises(DestinationError, match="busy; wait"):
        retrier(waits, attempts=3)(work)
    assert work.calls == 3
    assert len(waits) == 2


def test_a_server_says_how_long() -> None:
    waits: list[float] = []
    retrier(waits)(Flaky(1, retry_after=5))
    assert waits == [5]


def test_a_server_that_says_too_long_is_given_up() -> None:
    waits: list[float] = []
    with pytest.raises(TransientError):
        retrier(waits, longest_wait=60)(Flaky(1, retry_after=61))
    assert waits == []


def test_all_operations_share_a_budget() -> None:
    waits: list[float] = []
    shared = retrier(waits, budget=3)
    assert shared(Flaky(2)) == "done"
    with pytest.raises(TransientError):
        shared(Flaky(2))
    assert len(waits) == 3


def test_other_errors_are_not_tried_again() -> None:
    calls = []

    def work() -> None:
        calls.append(1)
        raise DestinationError("no such bucket")

    with pytest.raises(DestinationError):
        retrier([])(work)
    assert len(calls) == 1


def test_results_are_in_order_and_the_bound_holds() -> None:
    running = 0
    most = 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    assert in_parallel([lambda number=number: work(number) for number in range(20)], jobs=3) == list(range(20))  # type: ignore[misc]
    assert most == 3


def test_after_an_error_nothing_more_starts() -> None:
    started = []

    def work(number: int) -> None:
        started.append(number)
        if number == 1:
            raise DestinationError(f"number {number}")
        time.sleep(0.05)

    with pytest.raises(DestinationError, match="number 1"):
        in_parallel([lambda number=number: work(number) for number in range(50)], jobs=2)  # type: ignore[misc]
    assert len(started) < 6


def test_nothing_to_do() -> None:
    assert in_parallel([]) == []

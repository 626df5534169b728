"""A publisher is killed at every single request; readers see nothing or all, and the same command finishes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import pytest
from faults import DropBefore, Fault, FaultProxy, Kill, Request, Rule
from http_wire import CutError
from s3_publisher import QUICK
from s3_support import Bucket, Publishers, Watch, files, large_release
from servers import S3Server

from release.destination.s3 import S3Destination
from release.staged import StagedRelease

WORKERS = 2

Kind = Callable[[int, Callable[[], None]], Rule]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return large_release(tmp_path_factory.mktemp("crashes") / "stage")


def answered(number: int, kill: Callable[[], None]) -> Rule:
    """The server has done what request ``number`` asked, and the publisher never learns of it."""
    return lambda request: Kill(kill) if request.number == number else None


def delivered(number: int, kill: Callable[[], None]) -> Rule:
    """The publisher has learned that its ``number``-th body arrived, and dies as it asks for the next thing."""
    bodies = 0

    def rule(request: Request) -> Fault | None:
        nonlocal bodies
        if bodies == number:
            kill()
            return DropBefore()
        bodies += size(request) > 0
        return None

    return rule


def midway(number: int, kill: Callable[[], None]) -> Rule:
    """The publisher dies in the middle of its ``number``-th body."""
    bodies = 0

    def rule(request: Request) -> Fault | None:
        nonlocal bodies
        bodies += size(request) > 0
        return KillUp(size(request) // 2, kill) if size(request) and bodies == number else None

    return rule


def size(request: Request) -> int:
    return int(request.headers.get("content-length", "0"))


@dataclass(frozen=True)
class KillUp(Fault):
    """Call ``kill`` when the server has got ``after`` bytes of the request, and no more."""

    after: int
    kill: Callable[[], None]

    def up(self, body: Iterator[bytes]) -> Iterator[bytes]:
        left = self.after
        while left and (piece := next(body, b"")):
            yield piece[:left]
            left -= len(piece[:left])
        self.kill()
        raise CutError


class Victim:
    """The process to kill; its id is known only after it has begun."""

    def __init__(self) -> None:
        self.pid = 0

    def kill(self) -> None:
        while not self.pid:
            time.sleep(0.001)
        os.kill(self.pid, signal.SIGKILL)


@pytest.mark.parametrize("kind", [answered, delivered, midway])
def test_a_killed_publisher_leaves_nothing_half_visible_and_the_same_command_finishes(
    kind: Kind,
    s3: S3Server,
    release: StagedRelease,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    expected, client = files(release), s3.client()
    numbers, lock = count(1), threading.Lock()
    points = looks = 0
    survived = threading.Event()

    def work() -> None:
        nonlocal points, looks
        with Publishers() as publishers:
            while not survived.is_set():
                with lock:
                    number = next(numbers)
                bucket = Bucket(s3, client)
                origin = S3Destination.named(bucket.text, QUICK)
                with FaultProxy(s3.host) as proxy, Watch(bucket, expected, origin) as watch:
                    victim = Victim()
                    proxy.reset(kind(number, victim.kill))
                    victim.pid = publishers.start(s3.env(proxy.url), release, bucket.text)
                    status = publishers.status()
                    if status == 0:
                        survived.set()
                        return
                    assert status == -signal.SIGKILL
                    proxy.reset()
                    publishers.start(s3.env(proxy.url), release, bucket.text)
                    assert publishers.status() == 0, f"after {number}"
                    assert origin.holds(release)
                assert bucket.release() == expected
                assert bucket.uploads() == []
                assert {"channels/stable.json", "index.json"} <= set(bucket.keys())
                with lock:
                    points += 1
                    looks += watch.looks

    with ThreadPoolExecutor(WORKERS) as pool:
        for running in [pool.submit(work) for _ in range(WORKERS)]:
            running.result()
    record_property("crash_points", points)
    record_property("reader_looks", looks)
    print(f"{points} crash points, {looks} looks of readers meanwhile")
    assert points >= (60 if kind is answered else 20)
    assert looks > points

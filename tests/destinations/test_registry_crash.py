"""A publisher killed after every request it makes: readers see nothing or everything, and the same command finishes."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults import FaultProxy, Kill, on
from registry_samples import V140, destination, digest, fetched, publisher
from release_samples import staged
from servers import RegistryServer

from release.channels import read_channel
from release.destination.registry import RegistryDestination
from release.staged import StagedRelease


class Reader(threading.Thread):
    """Reads ``origin`` over and over as a stranger would, and remembers what it saw."""

    def __init__(self, origin: RegistryDestination, release: StagedRelease, folder: Path) -> None:
        super().__init__(daemon=True)
        self.looks = 0
        self.seen = False
        self.error: BaseException | None = None
        self._origin = origin
        self._release = release
        self._folder = folder
        self._done = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        try:
            while not self._done.wait(0.1):
                self.look()
        except BaseException as error:
            self.error = error

    def look(self) -> None:
        with self._lock:
            self._look()

    def _look(self) -> None:
        listed = V140 in self._origin.versions()
        channel = read_channel(self._origin, "stable")
        self.looks += 1
        found = None if self.seen else fetched(self._origin, V140, self._folder / str(self.looks))
        if found is not None:
            assert found.manifest == self._release.manifest
            assert self._origin.holds(self._release), "an image has no tag yet"
            self.seen = True
        assert self.seen or not listed, "listed, and not there"
        assert channel is None or (self.seen and channel.current.manifest_digest == digest(self._release))

    def stop(self) -> None:
        self._done.set()
        self.join()
        if self.error is not None:
            raise self.error


@contextmanager
def reading(place: str, release: StagedRelease, folder: Path) -> Iterator[Reader]:
    reader = Reader(destination(place), release, folder)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()


def test_killed_after_every_request(tmp_path: Path, referrers_registry: RegistryServer) -> None:
    crash(tmp_path, referrers_registry, step=1)


def test_killed_after_some_requests_to_a_registry_on_disk(tmp_path: Path, plain_registry: RegistryServer) -> None:
    crash(tmp_path, plain_registry, step=5)


def crash(tmp_path: Path, registry: RegistryServer, step: int) -> None:
    """Kill a publisher after request 1, another one after request 1 + ``step``, and so on until one gets through."""
    release = staged(tmp_path / "stage", content=b"small")
    crashes = visible = looks = 0
    with publisher() as first, FaultProxy(registry.host) as proxy:
        for number in range(1, 1000, step):
            prefix = registry.prefix().partition("/")[2]
            victim: queue.Queue[int] = queue.Queue()
            proxy.reset(on(number, Kill(lambda victim=victim: os.kill(victim.get(), signal.SIGKILL))))  # type: ignore[misc]
            with reading(f"{registry.host}/{prefix}", release, tmp_path / str(number)) as reader:
                victim.put(first.start(release, f"{proxy.host}/{prefix}", "stable", settle=0))
                answer, status = first.wait()
                if status != -signal.SIGKILL:
                    assert (answer, status) == ("published", 0), answer
                    break
                crashes += 1
                reader.look()
                visible += reader.seen
                wanted = "unchanged" if reader.seen else "published"
                first.start(release, f"{registry.host}/{prefix}", "stable", settle=0)
                assert first.wait() == (wanted, 0)
                reader.look()
                assert reader.seen
                looks += reader.looks
    print(f"{registry.folder.name}: {crashes} crash points, {visible} of them after the commit, {looks} looks")
    assert crashes > 60 / step
    assert 0 < visible < crashes

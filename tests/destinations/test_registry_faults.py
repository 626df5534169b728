"""What a network and a busy registry do to requests: all of it is tried again, and nothing wrong is accepted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faults import (
    Answer,
    CutDown,
    CutUp,
    DropAfter,
    DropBefore,
    Fault,
    FaultProxy,
    FlipUp,
    Hang,
    Slow,
    either,
    every,
    first,
)
from registry_samples import QUICK, RETRY, V140, destination, fetched, publisher
from release_samples import staged
from servers import RegistryServer

from release.destination.documents import claim_key
from release.destination.protocol import Outcome
from release.destination.registry import RegistryDestination, Settings
from release.errors import ConflictError, DestinationError, TransientError, VerificationError
from release.publish import publish
from release.staged import StagedRelease

CHUNKS = replace(QUICK, chunk=4000, timeout=0.6)
ALL = ("GET", "HEAD", "POST", "PUT", "PATCH")
KINDS = (
    ("HEAD", "/blobs/"),
    ("POST", "/blobs/uploads/"),
    ("PATCH", "/tesseral-release/blobs/uploads/"),
    ("PUT", "/tesseral-api/blobs/uploads/"),
    ("PUT", "/manifests/sha256:"),
    ("PUT", r"/manifests/1\.4\.0"),
    ("PUT", "/tesseral-release/manifests/[cs]"),
    ("GET", "/manifests/"),
    ("GET", "/blobs/sha256"),
)


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage")


class Count:
    """A meter that adds up."""

    def __init__(self) -> None:
        self.expected = 0
        self.moved = 0
        self.highest = 0
        self._lock = threading.Lock()

    def expect(self, size: int) -> None:
        self.expected += size

    def advance(self, size: int) -> None:
        with self._lock:
            self.moved += size
            self.highest = max(self.highest, self.moved)


def through(proxy: FaultProxy, registry: RegistryServer, settings: Settings = CHUNKS) -> RegistryDestination:
    return destination(registry.prefix().replace(registry.host, proxy.host), settings)


@pytest.mark.parametrize("fault", [Answer(503, {"Retry-After": "0"}), DropAfter()])
def test_each_kind_of_request_fails_once(
    tmp_path: Path, release: StagedRelease, registry: RegistryServer, fault: Fault
) -> None:
    fails_once(tmp_path, release, registry, fault, ALL)


@pytest.mark.parametrize("fault", [Answer(500), Answer(429), DropBefore(), Hang(0.8)])
def test_each_kind_of_request_fails_once_in_other_ways(
    tmp_path: Path, release: StagedRelease, referrers_registry: RegistryServer, fault: Fault
) -> None:
    fails_once(tmp_path, release, referrers_registry, fault, ALL)


@pytest.mark.parametrize("fault", [CutUp(100), FlipUp(50)])
def test_each_body_is_cut_or_damaged_once(
    tmp_path: Path, release: StagedRelease, registry: RegistryServer, fault: Fault
) -> None:
    fails_once(tmp_path, release, registry, fault, ("PUT", "PATCH"))


def test_each_answer_is_cut_once(tmp_path: Path, release: StagedRelease, referrers_registry: RegistryServer) -> None:
    fails_once(tmp_path, release, referrers_registry, CutDown(20), ("GET",))


def fails_once(
    tmp_path: Path, release: StagedRelease, registry: RegistryServer, fault: Fault, methods: tuple[str, ...]
) -> None:
    """Publish while the first request of each kind fails."""
    kinds = [kind for kind in KINDS if kind[0] in methods]
    rule = either(*(first(1, fault, method=method, path=path) for method, path in kinds))
    meter = Count()
    with FaultProxy(registry.host, rule) as proxy:
        here = through(proxy, registry)
        (result,) = publish(release, [here], "stable", meter)
        assert result.outcome is Outcome.PUBLISHED
        failed = [f"{request.method} {request.target}" for request in proxy.requests if request.fault is not None]
        assert len(failed) == len(kinds), failed
        assert fetched(here, V140, tmp_path / "found") is not None
        assert meter.moved == meter.highest == meter.expected > 0


def test_a_registry_that_stays_broken_is_given_up(release: StagedRelease, plain_registry: RegistryServer) -> None:
    with FaultProxy(plain_registry.host, every(Answer(500), method="PATCH")) as proxy:
        with pytest.raises(DestinationError, match=r"tesseral-release answered 500; run again|api answered 500; run"):
            publish(release, [through(proxy, plain_registry)])
        patches = [request for request in proxy.requests if request.method == "PATCH"]
        assert RETRY.attempts <= len(patches) <= 4 * RETRY.attempts


def test_a_registry_that_is_not_there() -> None:
    with pytest.raises(DestinationError, match=r"the connection to 127\.0\.0\.1:1 failed: .*refused") as caught:
        destination("127.0.0.1:1/there").check()
    assert "\n" not in str(caught.value)


def test_a_person_sees_one_sentence(release: StagedRelease, plain_registry: RegistryServer) -> None:
    with FaultProxy(plain_registry.host, every(Answer(503), method="PUT")) as proxy, publisher() as process:
        process.start(release, f"{proxy.host}/there")
        answer, status = process.wait()
    assert status == DestinationError.exit_status
    assert "answered 503; run again" in answer
    assert "\n" not in answer


def test_the_wish_to_wait_is_kept(plain_registry: RegistryServer) -> None:
    with FaultProxy(plain_registry.host, first(1, Answer(429, {"Retry-After": "1"}))) as proxy:
        started = time.monotonic()
        assert through(proxy, plain_registry).versions() == ()
        assert time.monotonic() - started >= 1
        proxy.reset(every(Answer(503, {"Retry-After": "3600"})))
        with pytest.raises(DestinationError, match="answered 503"):
            through(proxy, plain_registry).versions()
        assert len(proxy.requests) == 1


def test_a_large_blob_goes_on_where_it_stopped(release: StagedRelease, registry: RegistryServer) -> None:
    """The answers to some chunks are lost on their way; Docker's registry can only go on when the chunks are."""
    fault = DropAfter() if registry.has_referrers else DropBefore()
    with FaultProxy(registry.host, first(3, fault, method="PATCH", path="/tesseral-release/")) as proxy:
        publish(release, [through(proxy, registry)])
        asked = [request for request in proxy.requests if "/tesseral-release/blobs/uploads/" in request.target]
        assert sum(request.method == "GET" for request in asked) == 3
        sizes = [artifact.size for artifact in release.manifest.artifacts]
        assert sum(request.up for request in asked if request.method == "PATCH") == sum(sizes)
        assert all(size > 2 * CHUNKS.chunk for size in sizes)


def test_a_registry_that_forgets_an_upload(release: StagedRelease, registry: RegistryServer) -> None:
    forgotten = either(
        first(1, Answer(404), method="PATCH"),
        first(1, Answer(404), method="GET", path="/uploads/"),
        first(1, Answer(416), method="PUT", path="/uploads/"),
    )
    with FaultProxy(registry.host, forgotten) as proxy:
        here = through(proxy, registry)
        publish(release, [here])
        assert sum(request.fault is not None for request in proxy.requests) == 3
        assert here.holds(release)


def test_what_is_there_is_not_sent_again(release: StagedRelease, registry: RegistryServer) -> None:
    """A run that fails at the last tag leaves little to do for the next one."""
    with FaultProxy(registry.host, every(Answer(400), method="PUT", path=r"release/manifests/1\.4\.0")) as proxy:
        here = through(proxy, registry)
        with pytest.raises(DestinationError, match="answered 400"):
            publish(release, [here])
        assert here.versions() == ()
        proxy.reset()
        publish(release, [here])
        assert not [request for request in proxy.requests if "uploads/" in request.target and request.up]


def test_a_download_that_is_cut_goes_on(release: StagedRelease, registry: RegistryServer) -> None:
    artifact = release.manifest.artifacts[0]
    whole = (release.directory / artifact.name).read_bytes()
    with FaultProxy(registry.host) as proxy:
        here = through(proxy, registry)
        publish(release, [here])
        proxy.reset(first(1, CutDown(5000), path="/blobs/"))
        data = bytearray()
        with pytest.raises(TransientError), here.open(V140, artifact.name) as pieces:
            add(data, pieces)
        assert 0 < len(data) < artifact.size
        with here.open(V140, artifact.name, len(data)) as pieces:
            data += b"".join(pieces)
        assert bytes(data) == whole


def add(data: bytearray, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        data += piece


def test_a_server_that_knows_no_ranges(release: StagedRelease, plain_registry: RegistryServer) -> None:
    artifact = release.manifest.artifacts[0]
    whole = (release.directory / artifact.name).read_bytes()
    answer = Answer(200, body=whole)
    with FaultProxy(plain_registry.host) as proxy:
        here = through(proxy, plain_registry)
        publish(release, [here])
        proxy.reset(every(answer, path=artifact.digest))
        with here.open(V140, artifact.name, 1234) as pieces:
            assert b"".join(pieces) == whole[1234:]
        proxy.reset(every(replace(answer, status=206), path=artifact.digest))
        with pytest.raises(TransientError, match="another range"), here.open(V140, artifact.name, 1234) as pieces:
            b"".join(pieces)


def test_a_slow_registry_is_waited_for(release: StagedRelease, plain_registry: RegistryServer) -> None:
    with FaultProxy(plain_registry.host, every(Slow(30_000), path="/tesseral-api/blobs/")) as proxy:
        publish(release, [through(proxy, plain_registry)])


def test_a_lie_about_a_manifest_is_found(release: StagedRelease, registry: RegistryServer) -> None:
    with FaultProxy(registry.host) as proxy:
        here = through(proxy, registry)
        publish(release, [here])
        proxy.reset(every(Answer(200, body=b"{}"), path="/blobs/sha256"))
        with pytest.raises(VerificationError, match="gives 2 bytes with the digest"):
            here.manifest_of(V140)
        proxy.reset(every(Answer(200, body=b"x" * (2**22 + 1)), path="/manifests/"))
        with pytest.raises(VerificationError, match="more than 4194304 bytes"):
            here.manifest_of(V140)
        for body in (b"[]", b'{"artifactType":"application/vnd.other"}', b"\xff"):
            proxy.reset(every(Answer(200, body=body), path="/manifests/"))
            with pytest.raises(VerificationError, match="is no application"):
                here.manifest_of(V140)
        proxy.reset(every(Answer(200, {"Docker-Content-Digest": "sha256:" + "0" * 64}), method="HEAD"))
        with pytest.raises(VerificationError, match="with 0 bytes"), here.staging(staged_again(release), Count()):
            pass


def staged_again(release: StagedRelease) -> StagedRelease:
    """The same files under another version, so that there is something to do."""
    return staged(release.directory.with_name("again"), "1.4.1")


def test_what_changes_under_the_publishers_hands_is_found(release: StagedRelease, registry: RegistryServer) -> None:
    path = release.directory / release.manifest.artifacts[0].name
    here = destination(registry.prefix(), CHUNKS)
    data = path.read_bytes()
    for wrong in (data[:-1] + b"?", data[:-1], None):
        path.unlink()
        if wrong is not None:
            path.write_bytes(wrong)
        with pytest.raises(VerificationError, match=r"changed while|cannot be read"), here.staging(release, Count()):
            pass
        path.touch()
    assert here.versions() == ()


def test_a_claim_that_takes_too_long_is_looked_at_again(release: StagedRelease, plain_registry: RegistryServer) -> None:
    settings = replace(QUICK, settle=0.2)
    with FaultProxy(plain_registry.host, first(1, Hang(0.4), method="PUT", path="/manifests/claim-")) as proxy:
        here = through(proxy, plain_registry, settings)
        with here.staging(release, Count()):
            pass
        claims = [request.method for request in proxy.requests if "/manifests/claim-" in request.target]
        # Looked, written late, looked again; and twice more to see that it stood, before it counted.
        assert claims == ["GET", "GET", "PUT", "GET", "GET"]


def test_a_late_claim_over_anothers_is_lost(
    tmp_path: Path, release: StagedRelease, plain_registry: RegistryServer
) -> None:
    """Ours hangs on its way, another publisher takes the version meanwhile, and then ours arrives."""
    other = staged(tmp_path / "other", content=b"other")
    with FaultProxy(plain_registry.host, first(1, Hang(1.5), method="PUT", path="/manifests/claim-")) as proxy:
        place = plain_registry.prefix()
        with publisher() as slow:
            slow.start(release, place.replace(plain_registry.host, proxy.host), settle=0.1)
            while not any(request.fault for request in proxy.requests):
                time.sleep(0.01)
            theirs = destination(place)
            publish(other, [theirs])
            answer, status = slow.wait()
        assert status == ConflictError.exit_status, answer
        assert theirs.holds(other)
        assert theirs.document(claim_key(V140)) is not None


def test_a_claim_waits_for_who_looked_before(
    tmp_path: Path, release: StagedRelease, plain_registry: RegistryServer
) -> None:
    """Another publisher saw no claim, and writes its own after ours, within the settle time: it has the version."""
    other = staged(tmp_path / "other", content=b"other")
    with FaultProxy(plain_registry.host, first(1, Hang(0.7), method="PUT", path="/manifests/claim-")) as proxy:
        place = plain_registry.prefix()
        here = destination(place, replace(QUICK, settle=1.4))
        with publisher() as slow:
            slow.start(other, place.replace(plain_registry.host, proxy.host), settle=1.4)
            while not any(request.fault for request in proxy.requests):
                time.sleep(0.01)
            with pytest.raises(ConflictError, match="is claimed"), here.staging(release, Count()) as staging:
                staging.commit()
            assert slow.wait() == ("published", 0)
        assert here.holds(other)

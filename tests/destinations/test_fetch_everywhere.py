"""Fetching from each kind of destination on real servers: the same release, and the same bundle, from all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faults import CutDown, FaultProxy, FlipDown, every, first
from reading_samples import ALL, CONSOLE, pin_of, published, several
from servers import RegistryServer, S3Server

from release.bundle import bundle
from release.channels import move
from release.checksums import digest_of
from release.destination import open_destination, open_origin
from release.errors import VerificationError
from release.fetch import Selection, fetch, find
from release.promote import yank
from release.publish import publish
from release.staged import StagedRelease
from release.verify import inspect, verify
from release.version import parse

EVERYTHING = Selection(images=True)
Place = Callable[[StagedRelease], str]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("several") / "stage", size=2_500_000)


@contextmanager
def s3_place(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, FaultProxy]]:
    server: S3Server = request.getfixturevalue("s3")
    with FaultProxy(server.host) as proxy:
        for name, value in server.env(proxy.url).items():
            patch.setenv(name, value)
        yield f"s3://{server.bucket()}/some/where", proxy


@contextmanager
def registry_place(request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, FaultProxy]]:
    server: RegistryServer = request.getfixturevalue(request.param)
    with FaultProxy(server.host) as proxy:
        yield f"oci://{proxy.host}/{server.prefix().partition('/')[2]}", proxy


@pytest.fixture(params=["s3", "plain_registry", "referrers_registry"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, FaultProxy]]:
    """The name of a destination that is empty, and the proxy in front of it."""
    opened = s3_place if request.param == "s3" else registry_place
    with opened(request, monkeypatch) as found:
        yield found


def test_the_same_from_everywhere(place: tuple[str, FaultProxy], release: StagedRelease, tmp_path: Path) -> None:
    name, proxy = place
    destination = open_destination(name)
    publish(release, [destination])
    move(destination, "stable", pin_of(release))

    origin = open_origin(name)
    fetch(origin, find(origin, "stable"), EVERYTHING, tmp_path / "into")
    assert verify(tmp_path / "into") == release.manifest

    # An own folder for each, the same bytes.
    reference = published(tmp_path / "published", release)
    bundle(reference, find(reference, "1.4.0"), EVERYTHING, tmp_path / "reference.tar")
    bundle(origin, find(origin, pin_of(release)), EVERYTHING, tmp_path / "bundle.tar")
    assert digest_of(tmp_path / "bundle.tar") == digest_of(tmp_path / "reference.tar")

    # A connection that is lost in each artifact is taken up where it was lost, or a piece before.
    large = {artifact.size for artifact in release.manifest.artifacts}
    lost: set[str] = set()

    def once(request: object) -> CutDown | None:
        target, length = getattr(request, "path", ""), getattr(request, "range", None)
        if getattr(request, "method", "") != "GET" or target in lost or length:
            return None
        if any(artifact in target or digest in target for artifact, digest in names):
            lost.add(target)
            return CutDown(1_500_000)
        return None

    names = [(artifact.name, artifact.digest.removeprefix("sha256:")) for artifact in release.manifest.artifacts]
    proxy.reset(once)
    fetch(origin, find(origin, "1.4.0"), Selection(), tmp_path / "again")
    assert inspect(tmp_path / "again", partial=True).artifacts == release.manifest.artifacts
    assert len(lost) == len(ALL) == len(large)
    resumed = [request for request in proxy.requests if request.range is not None and request.range != "bytes=0-"]
    assert len(resumed) == len(ALL)
    assert sum(request.down for request in resumed) < sum(large) - len(ALL) * 1_000_000

    # A damaged one is refused, and fetched later.
    digest = dict(names)[CONSOLE]
    proxy.reset(every(FlipDown(1000), method="GET", path=f"{CONSOLE}|{digest}"))
    with pytest.raises(VerificationError, match=CONSOLE):
        fetch(origin, find(origin, "1.4.0"), Selection(pieces=("console",)), tmp_path / "third")
    proxy.reset(first(1, FlipDown(1000), method="PUT"))
    fetch(origin, find(origin, "1.4.0"), Selection(pieces=("console",)), tmp_path / "third")

    yank([destination], parse("1.4.0"), "eats data")
    assert find(origin, "1.4.0").warnings == ("1.4.0 is yanked: eats data",)

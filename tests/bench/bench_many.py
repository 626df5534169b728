"""What it takes to fetch one release, and to publish the next, where there are many."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench_transfers import Places
from bulk_releases import fill_bucket, fill_folder, fill_registry
from faults import FaultProxy
from measured import measured
from release_samples import staged
from support import REPOSITORY

from release.staged import StagedRelease

VERSION, NEXT = "1.4.0", "1.5.0"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one command asked a server for, in a place with so many releases; bytes of bodies."""

    what: str
    releases: int
    requests: int
    received: int
    sent: int
    seconds: float


def costs(places: Places, count: int) -> Iterator[Cost]:
    """Fetch a release that is the only one, add ``count`` others, fetch it again, and publish one more."""
    first, following = (staged(places.work / version, version) for version in (VERSION, NEXT))
    for upstream, place_at in (
        (places.s3.host, _s3),
        (places.registry.host, _registry),
        (places.web.plain, _https),
    ):
        with FaultProxy(upstream) as proxy:
            place = place_at(places, proxy, first)
            place.cost("publish the first", 1, "publish", first.directory, "--to", place.to, "--channel", "stable")
            yield from place.fetches(1)
            place.fill(count)
            yield from place.fetches(count + 1)
            if place.to == place.origin:
                yield place.cost("publish the next", count + 1, "publish", following.directory, "--to", place.to)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where releases are published ``to`` and read from, behind a proxy; ``fill`` adds some past it."""

    name: str
    to: str
    origin: str
    fill: Callable[[int], None]
    proxy: FaultProxy
    env: Mapping[str, str]
    work: Path

    def cost(self, what: str, releases: int, *arguments: str | Path) -> Cost:
        """Run the program and count what it asked for."""
        self.proxy.reset()
        done = measured([sys.executable, "-m", "release", *arguments], env=self.env, cwd=REPOSITORY)
        asked = self.proxy.requests
        return Cost(
            what=f"{what} · {self.name}",
            releases=releases,
            requests=len(asked),
            received=sum(one.down for one in asked),
            sent=sum(one.up for one in asked),
            seconds=done.seconds,
        )

    def fetches(self, releases: int) -> Iterator[Cost]:
        """Fetch by version and by channel, images too."""
        for wanted in (VERSION, "stable"):
            into = self.work / f"{self.name}-{releases}-{wanted}"
            arguments = ("fetch", "--insecure-unsigned", wanted, "--from", self.origin, "--into", into, "--images")
            yield self.cost(f"fetch {wanted}", releases, *arguments)


def _s3(places: Places, proxy: FaultProxy, first: StagedRelease) -> _Place:
    bucket = places.s3.bucket()
    return _Place(
        name="S3",
        to=f"s3://{bucket}",
        origin=f"s3://{bucket}",
        fill=lambda count: fill_bucket(places.s3, bucket, first.manifest, count),
        proxy=proxy,
        env={**places.env, **places.s3.env(proxy.url)},
        work=places.work,
    )


def _registry(places: Places, proxy: FaultProxy, first: StagedRelease) -> _Place:
    prefix = places.registry.prefix()
    address = f"oci://{proxy.host}/{prefix.partition('/')[2]}"
    return _Place(
        name="registry",
        to=address,
        origin=address,
        fill=lambda count: fill_registry(places.registry, prefix, first.manifest, count),
        proxy=proxy,
        env=places.env,
        work=places.work,
    )


def _https(places: Places, proxy: FaultProxy, first: StagedRelease) -> _Place:
    folder = places.root / "many"
    return _Place(
        name="https",
        to=str(folder),
        origin=f"{proxy.url}/{folder.name}",
        fill=lambda count: fill_folder(folder, first.manifest, count),
        proxy=proxy,
        env=places.env,
        work=places.work,
    )

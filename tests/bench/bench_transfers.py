"""How fast releases are published and fetched, and in how much memory, beside tools that only copy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bulk_releases import staged_large
from measured import Measured, measured
from programs import go_module
from servers import RegistryServer, S3Server
from support import REPOSITORY
from web_server import WebServer

from release.staged import StagedRelease

VERSION = "1.0.0"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was done to how many bytes, by which tool."""

    what: str
    tool: str
    size: int
    measured: Measured


@dataclass(frozen=True, kw_only=True)
class Places:
    """The servers, and a folder for files; nginx serves ``root``."""

    s3: S3Server
    registry: RegistryServer
    web: WebServer
    root: Path
    work: Path

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, **self.s3.env(), "SSL_CERT_FILE": str(self.web.authority)}


def transfers(places: Places, sizes: tuple[int, ...], rounds: int) -> list[Row]:
    """Publish and fetch one release by each tool, in turns; return the fastest of ``rounds`` each."""
    release = staged_large(places.work / f"release-{sum(sizes)}", VERSION, *sizes)
    best: dict[tuple[str, str], Measured] = {}
    for _ in range(rounds):
        for what, tool, run in _turns(places, release):
            found = run()
            best[what, tool] = min(found, best.get((what, tool), found), key=lambda one: one.seconds)
    shutil.rmtree(release.directory)
    return [Row(what=what, tool=tool, size=sum(sizes), measured=one) for (what, tool), one in best.items()]


Turn = tuple[str, str, Callable[[], Measured]]


def _turns(places: Places, release: StagedRelease) -> Iterator[Turn]:
    yield from _s3(places, release)
    yield from _registry(places, release)
    yield from _https(places, release)


def _s3(places: Places, release: StagedRelease) -> Iterator[Turn]:
    rclone = go_module(Path(__file__).parent / "rclone")
    ours, bare, other = (places.s3.bucket() for _ in range(3))
    rclone_env = {
        "RCLONE_CONFIG": "",
        "RCLONE_CONFIG_S3_TYPE": "s3",
        "RCLONE_CONFIG_S3_PROVIDER": "Other",
        "RCLONE_CONFIG_S3_ENV_AUTH": "true",
        "RCLONE_CONFIG_S3_ENDPOINT": places.s3.endpoint,
        "RCLONE_CONFIG_S3_REGION": places.s3.region,
    }
    env = {**places.env, **rclone_env}

    def run(*command: str | Path) -> Callable[[], Measured]:
        return lambda: measured(command, env=env, cwd=REPOSITORY)

    aws = Path(sys.executable).with_name("aws")
    up, down = "publish to S3", "fetch from S3"
    yield up, "tesseral-release", run(*_program("publish", release.directory, "--to", f"s3://{ours}"))
    yield up, "aws s3 cp", run(aws, "s3", "cp", "--recursive", "--only-show-errors", release.directory, f"s3://{bare}")
    yield up, "rclone copy", run(rclone, "copy", release.directory, f"s3:{other}")
    yield down, "tesseral-release", _fetched(places, f"s3://{ours}")
    yield (
        down,
        "aws s3 cp, sha256sum",
        _checked(places, f'"{aws}" s3 cp --recursive --only-show-errors s3://{bare} .', env),
    )
    yield down, "rclone copy, sha256sum", _checked(places, f'"{rclone}" copy s3:{other} .', env)
    signed = places.s3.client().generate_presigned_url
    urls = {name: signed("get_object", Params={"Bucket": bare, "Key": name}) for name in _names(release)}
    yield down, "curl, sha256sum", _checked(places, _curl(urls), env)


def _registry(places: Places, release: StagedRelease) -> Iterator[Turn]:
    ours, bare = places.registry.prefix(), f"http://{places.registry.prefix()}"
    api = bare.replace(places.registry.host, f"{places.registry.host}/v2")
    names = {one.name: one.digest for one in release.manifest.artifacts}
    # What a registry asks of whoever brings a file: its place first, then the file with its digest.
    puts = [
        f'place=$(curl -fsS -X POST -o /dev/null -w "%header{{location}}" {api}/blobs/uploads/); '
        f'curl -fsS -T "{release.directory / name}" "http://{places.registry.host}$place&digest={digest}"'
        for name, digest in names.items()
    ]
    gets = {name: f"{api}/blobs/{digest}" for name, digest in names.items()}
    up, down = "publish to a registry", "fetch from a registry"
    yield (
        up,
        "tesseral-release",
        lambda: measured(
            _program("publish", release.directory, "--to", f"oci://{ours}"), env=places.env, cwd=REPOSITORY
        ),
    )
    yield up, "curl", lambda: measured(["bash", "-ec", "\n".join(puts)], env=places.env)
    yield down, "tesseral-release", _fetched(places, f"oci://{ours}")
    copied = f'cp "{release.directory}"/SHA256SUMS "{release.directory}"/release.json .'
    yield down, "curl, sha256sum", _checked(places, f"{copied}\n{_curl(gets)}", places.env)


def _https(places: Places, release: StagedRelease) -> Iterator[Turn]:
    folder = places.root / release.directory.name
    if not folder.exists():
        measured(_program("publish", release.directory, "--to", folder), env=places.env, cwd=REPOSITORY)
    url = f"{places.web.url}/{folder.name}"
    urls = {name: f"{url}/releases/{VERSION}/{name}" for name in _names(release)}
    yield "fetch from https", "tesseral-release", _fetched(places, url)
    yield "fetch from https", "curl, sha256sum", _checked(places, _curl(urls), places.env)


def _program(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "release", *arguments]


def _names(release: StagedRelease) -> list[str]:
    return [*(one.name for one in release.manifest.artifacts), "SHA256SUMS", "release.json"]


def _curl(urls: Mapping[str, str]) -> str:
    """Download all at once."""
    return 'curl -fsSZ --cacert "$SSL_CERT_FILE" ' + " ".join(f'-o {name} "{url}"' for name, url in urls.items())


def _fetched(places: Places, address: str) -> Callable[[], Measured]:
    """Fetch a release into a folder that is empty."""

    def run() -> Measured:
        into = places.work / "fetched"
        shutil.rmtree(into, ignore_errors=True)
        return measured(
            _program("fetch", "--insecure-unsigned", VERSION, "--from", address, "--into", into),
            env=places.env,
            cwd=REPOSITORY,
        )

    return run


def _checked(places: Places, script: str, env: dict[str, str]) -> Callable[[], Measured]:
    """Run ``script`` in a folder that is empty, then check what came."""

    def run() -> Measured:
        into = places.work / "copied"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        return measured(["bash", "-ec", f"{script}\nsha256sum --quiet -c SHA256SUMS"], env=env, cwd=into)

    return run

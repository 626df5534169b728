"""Releases that are large, and places that hold many: made faster than by publishing each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import urllib3
from release_samples import manifest
from servers import RegistryServer, S3Server

from release import checksums, rfc3339
from release.checksums import DigestWriter, digest_of_bytes
from release.destination import index
from release.destination.documents import INDEX, release_key
from release.destination.registry.artifact import release_artifact
from release.manifest import NAME, Artifact, Manifest, to_json
from release.staged import StagedRelease, expected_checksums, stage
from release.version import Version, parse

PIECE = 1 << 20
THREADS = 8


def staged_large(directory: Path, version: str, *sizes: int) -> StagedRelease:
    """Make a release of files of random bytes."""
    directory.mkdir(parents=True)
    return stage(
        directory, manifest(version, artifacts=tuple(_random(directory, version, *one) for one in enumerate(sizes)))
    )


def _random(directory: Path, version: str, number: int, size: int) -> Artifact:
    name = f"tesseral-api_{version}_windows_amd{number}.zip"
    digest = DigestWriter()
    with (directory / name).open("wb") as file:
        for start in range(0, size, PIECE):
            piece = os.urandom(min(PIECE, size - start))
            digest.write(piece)
            file.write(piece)
    return Artifact(
        name=name,
        piece="tesseral-api",
        target="windows/amd64",
        size=size,
        digest=digest.digest.sha256,
        tar_digest=None,
        media_type="application/zip",
    )


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A release with the artifacts of another under a version of its own, as far as others see it."""

    manifest: Manifest

    @property
    def version(self) -> Version:
        return self.manifest.version

    @property
    def files(self) -> dict[str, bytes]:
        sums = checksums.render(expected_checksums(self.manifest))
        return {NAME: to_json(self.manifest), checksums.NAME: sums}

    @property
    def row(self) -> index.Row:
        return index.Row(
            version=self.version,
            manifest_digest=digest_of_bytes(self.files[NAME]).sha256,
            committed_at=rfc3339.render(self.manifest.source.committed_at),
        )


def copies(model: Manifest, count: int) -> Iterator[Copy]:
    """Yield ``count`` copies, all older than ``model``."""
    for number in range(count):
        yield Copy(manifest=replace(model, version=parse(f"0.{number // 100}.{number % 100}")))


def fill_folder(folder: Path, model: Manifest, count: int) -> None:
    """Add copies of ``model``, which is there, to a directory destination."""
    rows = list(index.from_json((folder / INDEX).read_bytes()))
    for copy in copies(model, count):
        for name, data in copy.files.items():
            path = folder / release_key(copy.version, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        rows.append(copy.row)
    (folder / INDEX).write_bytes(index.to_json(rows))


def fill_bucket(s3: S3Server, bucket: str, model: Manifest, count: int) -> None:
    """Add copies of ``model``, which is there, to a bucket."""
    client = s3.client()
    rows = list(index.from_json(client.get_object(Bucket=bucket, Key=INDEX)["Body"].read()))

    def add(copy: Copy) -> index.Row:
        for name, data in copy.files.items():
            client.put_object(Bucket=bucket, Key=release_key(copy.version, name), Body=data)
        return copy.row

    with ThreadPoolExecutor(THREADS) as pool:
        rows += pool.map(add, copies(model, count))
    client.put_object(Bucket=bucket, Key=INDEX, Body=index.to_json(rows))


def fill_registry(registry: RegistryServer, prefix: str, model: Manifest, count: int) -> None:
    """Add copies of ``model``, which is there, below ``prefix`` (with the registry's host, as for oci://)."""
    repository = f"/v2/{prefix.partition('/')[2]}/tesseral-release"
    pool = urllib3.connectionpool.connection_from_url(f"http://{registry.host}", maxsize=THREADS)

    def request(method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> str:
        answer = pool.request(method, path, body=body, headers={"Content-Type": kind})
        assert answer.status in (201, 202), answer.data
        return str(answer.headers["Location"])

    def add(copy: Copy) -> None:
        for data in copy.files.values():
            place = request("POST", f"{repository}/blobs/uploads/")
            request("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest_of_bytes(data).sha256}", data)
        document = release_artifact(copy.manifest).document()
        request("PUT", f"{repository}/manifests/{copy.version}", document.data, document.media_type)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(add, copies(model, count)))

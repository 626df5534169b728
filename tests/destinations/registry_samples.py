"""What the tests of the registry destination share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import REPOSITORY

from release import canonical
from release.checksums import digest_of_bytes
from release.destination.protocol import Origin
from release.destination.registry import RegistryDestination, Settings
from release.destination.registry.reference import parse as parse_reference
from release.manifest import Image, from_json, to_json
from release.oci.image import ImageIndex, entry_document
from release.oci.write import BLOBS, LAYOUT
from release.staged import StagedRelease, stage
from release.transfer import RetryPolicy
from release.verify import verify
from release.version import Version, parse

V140 = parse("1.4.0")
SETTLE = 0.05
RETRY = RetryPolicy(first_delay=0.01, largest_delay=0.05)
QUICK = Settings(settle=SETTLE, timeout=5.0, retry=RETRY)
"""For tests that aren't about waiting."""


def destination(place: str, settings: Settings = QUICK) -> RegistryDestination:
    """The destination ``oci://<place>``."""
    return RegistryDestination(parse_reference(f"oci://{place}"), settings)


def digest(release: StagedRelease) -> str:
    return digest_of_bytes(to_json(release.manifest)).sha256


def fetched(origin: Origin, version: Version, folder: Path) -> StagedRelease | None:
    """Read every byte of ``version`` into ``folder`` and verify it; None when it is not published."""
    data = origin.manifest_of(version)
    if data is None:
        return None
    manifest = from_json(data)
    for artifact in manifest.artifacts:
        _save(origin, version, artifact.name, folder / artifact.name)
    for image in manifest.images:
        _save_layout(origin, version, image, folder / "images" / image.name)
    release = stage(folder, manifest)
    assert to_json(verify(folder)) == data
    return release


def _save_layout(origin: Origin, version: Version, image: Image, layout: Path) -> None:
    def take(name: str) -> bytes:
        path = BLOBS / name.removeprefix("sha256:")
        return _save(origin, version, f"images/{image.name}/{path.as_posix()}", layout / path)

    for child in canonical.loads(take(image.digest))["manifests"]:
        document = canonical.loads(take(child["digest"]))
        for content in (document["config"], *document["layers"]):
            take(content["digest"])
    index = ImageIndex(digest=image.digest, size=image.size, ref=str(version), platforms=image.platforms)
    (layout / "oci-layout").write_bytes(LAYOUT)
    (layout / "index.json").write_bytes(canonical.dumps(entry_document(index)))


def _save(origin: Origin, version: Version, path: str, target: Path) -> bytes:
    with origin.open(version, path) as pieces:
        data = b"".join(pieces)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return data


class Publisher:
    """Publishes in processes of their own, one at a time; see registry_publisher.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, release: StagedRelease, place: str, channel: str | None = None, settle: float = SETTLE) -> int:
        """Begin to publish to ``oci://<place>`` and return the id of the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(release.directory), f"oci://{place}", channel, settle]) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait(self) -> tuple[str, int]:
        """Return what it said and its exit status, negative for a signal."""
        answer, status = json.loads(self._line())
        return answer, status

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def publisher(**env: str) -> Iterator[Publisher]:
    """Start a publisher; ``env`` is added to its environment."""
    script = Path(__file__).with_name("registry_publisher.py")
    process = subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Publisher(process)
        finally:
            process.kill()

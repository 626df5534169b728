"""What the tests of S3 share: a release with a large file, publishers, and a reader that trusts nothing."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Self

from release_samples import EPOCH, ROOT, staged
from s3_publisher import PART
from servers import S3Server

from release import tree
from release.archive import Entry, write_tar_gz
from release.channels import read_channel
from release.checksums import digest_of, digest_of_bytes
from release.destination.s3 import S3Destination
from release.errors import VerificationError
from release.manifest import Artifact, to_json
from release.staged import StagedRelease, stage
from release.version import parse

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

V140 = parse("1.4.0")
PUBLISHER = Path(__file__).with_name("s3_publisher.py")
LARGE = "tesseral-console_1.4.0.tar.gz"


def large_release(directory: Path, seed: int = 1) -> StagedRelease:
    """The small release and a file that goes in two parts."""
    small = staged(directory)
    path = directory / LARGE
    tar_digest = write_tar_gz(path, (Entry(path="index.js", source=Random(seed).randbytes(PART + 1000)),), EPOCH).sha256
    digest = digest_of(path)
    artifact = Artifact(
        name=LARGE,
        piece="tesseral-console",
        size=digest.size,
        digest=digest.sha256,
        tar_digest=tar_digest,
        media_type="application/gzip",
    )
    return stage(directory, replace(small.manifest, artifacts=(*small.manifest.artifacts, artifact)))


def files(release: StagedRelease) -> dict[str, str]:
    """Every file of a release and its digest."""
    names = tree.files(release.directory, VerificationError)
    return {name: digest_of(release.directory / name).sha256 for name in names}


class Bucket:
    """One place in a bucket, looked at directly: not with the code under test."""

    def __init__(self, s3: S3Server, client: S3Client | None = None) -> None:
        self.s3 = s3
        self.client = client or s3.client()
        self.name = f"s3-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=self.name)
        self.text = f"s3://{self.name}/pre/fix"

    def tags(self, prefix: str = "releases/1.4.0/") -> dict[str, str]:
        """What there is, and what changes with its bytes."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=f"pre/fix/{prefix}")
        return {
            item["Key"].removeprefix("pre/fix/"): item["ETag"] for page in pages for item in page.get("Contents", ())
        }

    def keys(self, prefix: str = "") -> list[str]:
        return list(self.tags(prefix))

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=f"pre/fix/{key}")["Body"].read()

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=f"pre/fix/{key}", Body=data)

    def uploads(self) -> list[str]:
        return [one["Key"] for one in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ())]

    def release(self) -> dict[str, str]:
        """Every file of 1.4.0 that is there, and its digest."""
        folder = "releases/1.4.0/"
        keys = [key.removeprefix(folder) for key in self.keys(folder)]
        return {key: digest_of_bytes(self.get(folder + key)).sha256 for key in keys}


def publisher(env: Mapping[str, str], release: StagedRelease, text: str) -> subprocess.Popen[str]:
    """Start a publisher as a person does."""
    return subprocess.Popen(
        [sys.executable, PUBLISHER, release.directory, text],
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Publishers(AbstractContextManager["Publishers"]):
    """Starts publishers in no time, one after the other."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, PUBLISHER],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()

    def start(self, env: Mapping[str, str], release: StagedRelease, text: str, jobs: int = 4) -> int:
        """Return the id of its process."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([dict(env), [str(release.directory), text, str(jobs)]]) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def status(self) -> int:
        """Wait for it, and return its exit status: less than zero when a signal ended it."""
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())


class Watch(AbstractContextManager["Watch"]):
    """Reads all the time: what is visible must be whole, to the last byte."""

    def __init__(self, bucket: Bucket, expected: Mapping[str, str], origin: S3Destination) -> None:
        self._bucket = bucket
        self._expected = expected
        self._origin = origin
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._verified: dict[str, str] = {}
        self.looks = 0
        self.problem: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self.problem is not None:
            raise self.problem

    def _run(self) -> None:
        try:
            while not self._end.wait(0.05):
                self._look()
                self.looks += 1
        except BaseException as error:
            self.problem = error

    def _look(self) -> None:
        # In this order: the channel moves after the release is visible.
        channel = read_channel(self._origin, "stable")
        versions = self._origin.versions()
        manifest = self._origin.manifest_of(V140)
        assert versions in ((), (V140,))
        assert channel is None or versions == (V140,)
        if versions or manifest:
            assert manifest is not None
            assert digest_of_bytes(manifest).sha256 == self._expected["release.json"]
            tags = self._bucket.tags()
            if tags != self._verified:
                assert self._bucket.release() == self._expected
                self._verified = tags


def manifest_digest(release: StagedRelease) -> str:
    return digest_of_bytes(to_json(release.manifest)).sha256

"""cosign v2 and v3, built from source, accept what we sign: images, files and provenance; without a network."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from programs import go_program
from release_samples import staged
from servers import RegistryServer
from signing_support import KINDS, key_of, make_key

from release import canonical, provenance
from release.checksums import digest_of_bytes
from release.oci.image import CONFIG, INDEX, MANIFEST, descriptor
from release.signing import cosign, dsse
from release.signing.private import PrivateKey

VERSIONS = {"v2": "v2.6.5", "v3": "v3.1.3"}


@dataclass(frozen=True, kw_only=True)
class Cosign:
    """One version of the program, which finds neither a network nor anything of this user."""

    program: Path
    folder: Path

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "HTTPS_PROXY": "http://127.0.0.1:1"}
        return subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )


@pytest.fixture(params=VERSIONS)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Cosign:
    """Each version in turn."""
    major = request.param
    version = VERSIONS[major]
    folder = tmp_path / "home"
    folder.mkdir()
    package = f"github.com/sigstore/cosign/{major}/cmd/cosign@{version}"
    # go install calls the program like its package.
    return Cosign(program=go_program("cosign", version, package), folder=folder)


@pytest.fixture(params=KINDS)
def key(request: pytest.FixtureRequest, tmp_path: Path) -> PrivateKey:
    """A key of each kind, and its public half in key.pem."""
    made = key_of(make_key(tmp_path / "key", *KINDS[request.param]))
    (tmp_path / "key.pem").write_bytes(made.public_key.pem())
    return made


def push_blob(repository: str, data: bytes) -> None:
    started = httpx.post(f"{repository}/blobs/uploads/")
    started.raise_for_status()
    place = httpx.URL(repository).join(started.headers["location"])
    place = place.copy_merge_params({"digest": digest_of_bytes(data).sha256})
    httpx.put(place, content=data, headers={"Content-Type": "application/octet-stream"}).raise_for_status()


def push_manifest(repository: str, tag: str, data: bytes, media_type: str = MANIFEST) -> str:
    httpx.put(f"{repository}/manifests/{tag}", content=data, headers={"Content-Type": media_type}).raise_for_status()
    return digest_of_bytes(data).sha256


def push_image(repository: str) -> str:
    """Push an index of one image, and return the digest of the index."""
    config = canonical.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
    push_blob(repository, config)
    manifest = canonical.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, digest_of_bytes(config)), "layers": []}
    )
    push_manifest(repository, "amd64", manifest)
    entries = [descriptor(MANIFEST, digest_of_bytes(manifest))]
    index = canonical.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return push_manifest(repository, "1.4.0", index, INDEX)


def push_signature(repository: str, image: cosign.SignatureImage) -> None:
    push_blob(repository, image.config)
    push_blob(repository, image.payload)
    push_manifest(repository, image.tag, image.manifest)


def test_an_image(program: Cosign, key: PrivateKey, plain_registry: RegistryServer, tmp_path: Path) -> None:
    name = f"{plain_registry.prefix()}/tesseral-api"
    host, _, path = name.partition("/")
    repository = f"http://{host}/v2/{path}"
    digest = push_image(repository)
    options: list[str | Path] = ["--insecure-ignore-tlog", "--allow-http-registry", "--key"]

    before = program("verify", *options, tmp_path / "key.pem", f"{name}@{digest}")
    assert before.returncode != 0
    assert "no signatures found" in before.stderr

    push_signature(repository, cosign.sign(key, digest, name))
    for reference in (f"{name}@{digest}", f"{name}:1.4.0"):
        done = program("verify", *options, tmp_path / "key.pem", reference)
        assert done.returncode == 0, done.stderr
        (claim,) = json.loads(done.stdout)
        assert claim["critical"]["image"]["docker-manifest-digest"] == digest
        assert claim["critical"]["identity"]["docker-reference"] == name

    make_key(tmp_path / "other")
    (tmp_path / "other.pem").write_bytes(key_of(tmp_path / "other").public_key.pem())
    done = program("verify", *options, tmp_path / "other.pem", f"{name}@{digest}")
    assert done.returncode != 0


def test_a_signature_of_another_image(
    program: Cosign, key: PrivateKey, plain_registry: RegistryServer, tmp_path: Path
) -> None:
    name = f"{plain_registry.prefix()}/tesseral-api"
    host, _, path = name.partition("/")
    repository = f"http://{host}/v2/{path}"
    digest = push_image(repository)
    other = cosign.sign(key, "sha256:" + "0" * 64, name)
    push_blob(repository, other.config)
    push_blob(repository, other.payload)
    push_manifest(repository, cosign.tag_of(digest), other.manifest)
    options: list[str | Path] = ["--insecure-ignore-tlog", "--allow-http-registry", "--key", tmp_path / "key.pem"]
    done = program("verify", *options, f"{name}@{digest}")
    assert done.returncode != 0
    assert "digest" in done.stderr


def test_a_file(program: Cosign, key: PrivateKey, tmp_path: Path) -> None:
    file, signature = tmp_path / "SHA256SUMS", tmp_path / "signature"
    file.write_bytes(b"0123  file\n")
    signature.write_bytes(base64.b64encode(key.sign(file.read_bytes())))
    arguments: list[str | Path] = [
        "verify-blob",
        "--insecure-ignore-tlog",
        "--key",
        tmp_path / "key.pem",
        "--signature",
        signature,
        file,
    ]
    done = program(*arguments)
    assert done.returncode == 0, done.stderr
    file.write_bytes(b"0123  other\n")
    assert program(*arguments).returncode != 0


def test_provenance(program: Cosign, key: PrivateKey, tmp_path: Path) -> None:
    release = staged(tmp_path / "stage")
    envelope = tmp_path / provenance.NAME
    envelope.write_bytes(dsse.sign(key, provenance.statement(release.manifest, {})))
    options: list[str | Path] = ["--insecure-ignore-tlog", "--type", "slsaprovenance1", "--key", tmp_path / "key.pem"]
    arguments: list[str | Path] = ["verify-blob-attestation", *options, "--signature", envelope]
    names = [artifact.name for artifact in release.manifest.artifacts] + ["release.json"]
    for name in names:
        done = program(*arguments, release.directory / name)
        assert done.returncode == 0, done.stderr
    assert program(*arguments, release.directory / "SHA256SUMS").returncode != 0

"""cosign v2 and v3, built from source, accept what we sign: images, files and provenance; without a network."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from programs import go_program
from registry_samples import destination
from release_samples import staged
from servers import RegistryServer
from signing_support import KINDS, key_of, make_key
from support import REPOSITORY

from release import canonical, provenance
from release.attestations import sign_release
from release.checksums import digest_of_bytes
from release.compare import Compared
from release.destination.channel import Pin
from release.fetch import Found, Selection, fetch, find
from release.manifest import to_json
from release.oci.image import CONFIG, INDEX, MANIFEST, descriptor
from release.publish import publish
from release.rebuild import Place, Result, attestation
from release.resign import Basis, resign
from release.signing import TrustedKey, TrustedKeys, cosign, dsse
from release.signing.private import PrivateKey

VERSIONS = {"v2": "v2.6.5", "v3": "v3.1.3"}


@dataclass(frozen=True, kw_only=True)
class Cosign:
    """One version of the program, which finds neither a network nor anything of this user."""

    program: Path
    folder: Path

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        env = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "HTTPS_PROXY": "http://127.0.0.1:1",
            "COSIGN_PASSWORD": "a phrase",
        }
        return subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )


def cosign_of(major: str, folder: Path) -> Cosign:
    """Build it, if need be."""
    version = VERSIONS[major]
    # go install calls the program like its package.
    package = f"github.com/sigstore/cosign/{major}/cmd/cosign@{version}"
    return Cosign(program=go_program("cosign", version, package), folder=folder)


@pytest.fixture(params=VERSIONS)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Cosign:
    """Each version in turn."""
    folder = tmp_path / "home"
    folder.mkdir()
    return cosign_of(request.param, folder)


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


def test_signed_again_with_a_new_key(
    program: Cosign, key: PrivateKey, plain_registry: RegistryServer, tmp_path: Path
) -> None:
    """A published release whose key changed: who has either key finds a signature of each image."""
    newer, stranger = (key_of(make_key(tmp_path / name)) for name in ("newer", "stranger"))
    release = staged(tmp_path / "stage", content=b"small")
    sign_release(release, key)
    place = destination(plain_registry.prefix())
    publish(release, [place], signer=key)
    for name, one in (("newer", newer), ("stranger", stranger)):
        (tmp_path / f"{name}.pem").write_bytes(one.public_key.pem())
    reference = f"{place.name.removeprefix('oci://')}/tesseral-api:1.4.0"
    options: list[str | Path] = ["--insecure-ignore-tlog", "--allow-http-registry", "--key"]
    assert program("verify", *options, tmp_path / "newer.pem", reference).returncode != 0

    trusted = TrustedKeys((TrustedKey(key=key.public_key),))
    resign([place], release.manifest.version, newer, Basis(trusted=trusted), replace=True)
    for name in ("key", "newer"):
        done = program("verify", *options, tmp_path / f"{name}.pem", reference)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[0]["critical"]["image"]["docker-manifest-digest"]
    assert program("verify", *options, tmp_path / "stranger.pem", reference).returncode != 0


def test_beside_what_cosign_signed(
    program: Cosign, key: PrivateKey, plain_registry: RegistryServer, tmp_path: Path
) -> None:
    """And cosign goes on with what we wrote. Only v2 signs in this form."""
    release = staged(tmp_path / "stage", content=b"small")
    place = destination(plain_registry.prefix())
    publish(release, [place])
    signing = cosign_of("v2", program.folder)
    image = f"{place.name.removeprefix('oci://')}/tesseral-api@{release.manifest.images[0].digest}"
    for name in ("first", "second"):
        assert signing("generate-key-pair", "--output-key-prefix", name).returncode == 0
        done = signing("sign", "--yes", "--tlog-upload=false", "--allow-http-registry", "--key", f"{name}.key", image)
        assert done.returncode == 0, done.stderr
        if name == "first":
            assert place.sign_images(release.manifest, key) == ("tesseral-api",)
    assert place.sign_images(release.manifest, key) == ()
    options: list[str | Path] = ["--insecure-ignore-tlog", "--allow-http-registry", "--key"]
    for public in ("first.pub", "second.pub", tmp_path / "key.pem"):
        done = program("verify", *options, public, image)
        assert done.returncode == 0, done.stderr


def test_what_cosign_signed_with_our_key_is_ours(plain_registry: RegistryServer, tmp_path: Path) -> None:
    release = staged(tmp_path / "stage", content=b"small")
    place = destination(plain_registry.prefix())
    publish(release, [place])
    signing = cosign_of("v2", tmp_path)
    ours = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "ours").write_bytes(ours)
    assert signing("import-key-pair", "--key", "ours", "--output-key-prefix", "theirs").returncode == 0
    image = f"{place.name.removeprefix('oci://')}/tesseral-api@{release.manifest.images[0].digest}"
    done = signing("sign", "--yes", "--tlog-upload=false", "--allow-http-registry", "--key", "theirs.key", image)
    assert done.returncode == 0, done.stderr
    assert place.sign_images(release.manifest, key_of(tmp_path / "ours")) == ()


def test_by_hand(program: Cosign, key: PrivateKey, plain_registry: RegistryServer, tmp_path: Path) -> None:
    """The lines of docs/operators.md, in the folder of a release that was fetched."""
    release = staged(tmp_path / "stage")
    sign_release(release, key, {})
    place = destination(plain_registry.prefix())
    publish(release, [place], signer=key)
    folder = tmp_path / "tesseral"
    fetch(place, find(place, "1.4.0"), Selection(), folder)
    text = (REPOSITORY / "docs/operators.md").read_text()
    start = text.index("    cosign verify --key")
    lines = text[start : text.index("\n\n", start)].replace("registry.example.com", place.name.removeprefix("oci://"))
    commands = lines.replace("\\\n", " ").splitlines()
    assert len(commands) == 2

    def by_hand(public_key: bytes) -> list[int]:
        (tmp_path / "maintainers.pem").write_bytes(public_key)
        env = {"HOME": str(program.folder), "PATH": f"{program.program.parent}:{os.environ['PATH']}"}
        return [
            subprocess.run(["sh", "-c", one], cwd=folder, env=env, capture_output=True, check=False).returncode
            for one in commands
        ]

    assert by_hand(key.public_key.pem()) == [0, 0]
    assert 0 not in by_hand(key_of(make_key(tmp_path / "other")).public_key.pem())
    (folder / "tesseral-api_1.4.0_linux_amd64.tar.gz").write_bytes(b"altered")
    assert by_hand(key.public_key.pem())[1] != 0


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


def test_the_attestation_of_a_rebuild(program: Cosign, key: PrivateKey, tmp_path: Path) -> None:
    release = staged(tmp_path / "stage")
    same, other = release.manifest.artifacts
    pin = Pin(version=release.manifest.version, manifest_digest=digest_of_bytes(to_json(release.manifest)).sha256)
    result = Result(
        version="1.4.0",
        place=Place(url="https://example.com/x", ref=release.manifest.source.commit, expected=True),
        source=release.manifest.source,
        compared=(
            Compared(name=same.name, wanted=same.digest, found=same.digest),
            Compared(name=other.name, wanted=other.digest, found=same.digest),
        ),
        unread={},
    )
    found = Found(pin=pin, manifest=release.manifest)
    passed, _ = attestation.attest(key, found, result, datetime.now(UTC)).splitlines(keepends=True)
    (tmp_path / "passed").write_bytes(passed)
    options: list[str | Path] = ["--insecure-ignore-tlog", "--type", attestation.PREDICATE, "--key"]
    arguments = ["verify-blob-attestation", *options, tmp_path / "key.pem", "--signature", tmp_path / "passed"]
    done = program(*arguments, release.directory / same.name)
    assert done.returncode == 0, done.stderr
    assert program(*arguments, release.directory / other.name).returncode != 0

"""What cosign finds beside an image: the form of the documents. That cosign takes them is in test_cosign.py."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from signing_support import KINDS, key_of, make_key, openssl_accepts

from release import canonical
from release.checksums import digest_of_bytes
from release.errors import VerificationError
from release.signing import cosign
from release.signing.cosign import SignatureImage, Signatures
from release.signing.private import PrivateKey

DIGEST = "sha256:" + "ab" * 32
REPOSITORY = "registry.example.com/tesseral/api"


def parsed(image: SignatureImage, *more: bytes) -> Signatures:
    """Read an image as it is in a registry, which has ``more`` blobs too."""
    there = {digest_of_bytes(data).sha256: data for data in (image.config, image.payload, *more)}
    return cosign.parse(image.manifest, there.__getitem__, "r/x:tag")


@pytest.fixture
def older(tmp_path: Path) -> PrivateKey:
    return key_of(make_key(tmp_path / "older"))


@pytest.fixture
def newer(tmp_path: Path) -> PrivateKey:
    return key_of(make_key(tmp_path / "newer", *KINDS["ed25519"]))


def test_the_documents(tmp_path: Path) -> None:
    key = key_of(make_key(tmp_path / "key"))
    image = cosign.sign(key, DIGEST, "registry.example.com/tesseral/api")
    assert image.tag == "sha256-" + "ab" * 32 + ".sig"
    assert json.loads(image.payload) == {
        "critical": {
            "identity": {"docker-reference": "registry.example.com/tesseral/api"},
            "image": {"docker-manifest-digest": DIGEST},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    manifest = json.loads(image.manifest)
    (layer,) = manifest["layers"]
    signature = base64.b64decode(layer.pop("annotations")["dev.cosignproject.cosign/signature"])
    assert openssl_accepts(key.public_key, signature, image.payload, tmp_path)
    payload = digest_of_bytes(image.payload)
    assert layer == {
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "digest": payload.sha256,
        "size": payload.size,
    }
    config = digest_of_bytes(image.config)
    assert manifest == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config.sha256,
            "size": config.size,
        },
        "layers": [layer],
    }
    assert json.loads(image.config)["rootfs"] == {"type": "layers", "diff_ids": [payload.sha256]}


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    key = key_of(make_key(tmp_path / "key"))
    assert cosign.sign(key, DIGEST, "r/x") == cosign.sign(key, DIGEST, "r/x")


def test_a_second_signature_is_a_second_layer(older: PrivateKey, newer: PrivateKey, tmp_path: Path) -> None:
    first = cosign.sign(older, DIGEST, REPOSITORY)
    there = parsed(first)
    assert there.has(older.public_key, DIGEST, REPOSITORY)
    assert not there.has(newer.public_key, DIGEST, REPOSITORY)
    second = cosign.sign(newer, DIGEST, REPOSITORY, there)
    assert second.tag == first.tag
    before, after = json.loads(first.manifest), json.loads(second.manifest)
    assert after["layers"][:-1] == before["layers"]
    assert {**after, "layers": 0, "config": 0} == {**before, "layers": 0, "config": 0}
    signature = base64.b64decode(after["layers"][-1]["annotations"][cosign.SIGNATURE])
    assert openssl_accepts(newer.public_key, signature, second.payload, tmp_path)
    layers = [layer["digest"] for layer in after["layers"]]
    assert json.loads(second.config)["rootfs"]["diff_ids"] == layers
    assert after["config"]["digest"] == digest_of_bytes(second.config).sha256
    for key in (older, newer):
        assert parsed(second).has(key.public_key, DIGEST, REPOSITORY)


def as_others_write(key: PrivateKey, critical: object = None) -> tuple[SignatureImage, bytes]:
    """An image whose signatures others wrote: with a certificate, of an attestation, and at last by ``key``."""
    payload = cosign.payload(DIGEST, REPOSITORY)
    if critical is not None:
        payload = canonical.dumps({"critical": critical})
    payload = json.dumps(json.loads(payload), indent=2).encode()  # not as we write it
    signature = base64.b64encode(key.sign(payload)).decode()
    attestation = b"{}"
    layers: list[dict[str, Any]] = [
        {
            "mediaType": cosign.SIMPLE_SIGNING,
            "annotations": {cosign.SIGNATURE: "not base64", "dev.sigstore.cosign/certificate": "-----BEGIN"},
        },
        {"mediaType": cosign.SIMPLE_SIGNING},
        {"mediaType": "application/vnd.dsse.envelope.v1+json", "annotations": {"predicateType": "x"}},
        {"mediaType": cosign.SIMPLE_SIGNING, "annotations": {cosign.SIGNATURE: signature, "more": "x"}},
    ]
    for layer, data in zip(layers, (payload, payload, attestation, payload), strict=True):
        layer |= {"digest": digest_of_bytes(data).sha256, "size": len(data)}
    config = canonical.dumps(
        {
            "created": "2026-01-01T00:00:00Z",
            "history": [{"created": "0001-01-01T00:00:00Z"}],
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        }
    )
    manifest = canonical.dumps(
        {
            "schemaVersion": 2,
            "annotations": {"a": "b"},
            "config": {"mediaType": "application/x", "digest": digest_of_bytes(config).sha256, "size": len(config)},
            "layers": layers,
        }
    )
    return SignatureImage(tag="", manifest=manifest, config=config, payload=payload), attestation


def test_what_others_wrote_stays(older: PrivateKey, newer: PrivateKey) -> None:
    image, attestation = as_others_write(older)
    there = parsed(image)  # the attestation is not even read
    assert attestation not in there.payloads.values()
    assert there.has(older.public_key, DIGEST, REPOSITORY)
    assert not there.has(newer.public_key, DIGEST, REPOSITORY)
    added = cosign.sign(newer, DIGEST, REPOSITORY, there)
    before, after = json.loads(image.manifest), json.loads(added.manifest)
    assert after["layers"][:-1] == before["layers"]
    assert after["annotations"] == before["annotations"]
    assert "mediaType" not in after
    assert after["config"]["mediaType"] == "application/x"
    config = json.loads(added.config)
    known = json.loads(image.config)
    assert config["rootfs"]["diff_ids"] == [*known["rootfs"]["diff_ids"], digest_of_bytes(added.payload).sha256]
    assert {**config, "rootfs": 0} == {**known, "rootfs": 0}
    both = cosign.parse(
        added.manifest,
        {digest_of_bytes(one).sha256: one for one in (added.config, added.payload, image.payload)}.__getitem__,
        "r/x:tag",
    )
    assert both.has(newer.public_key, DIGEST, REPOSITORY)


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"docker-manifest-digest": "sha256:" + "0" * 64}},
        {"identity": {"docker-reference": "elsewhere.example.com/tesseral/api"}},
        {"type": "atomic container signature"},
    ],
)
def test_a_signature_of_something_else_is_none(older: PrivateKey, change: dict[str, object]) -> None:
    critical = json.loads(cosign.payload(DIGEST, REPOSITORY))["critical"]
    assert parsed(as_others_write(older, critical)[0]).has(older.public_key, DIGEST, REPOSITORY)
    assert not parsed(as_others_write(older, critical | change)[0]).has(older.public_key, DIGEST, REPOSITORY)
    assert not parsed(as_others_write(older, "x")[0]).has(older.public_key, DIGEST, REPOSITORY)


def test_an_altered_payload_is_not_signed(older: PrivateKey) -> None:
    image = cosign.sign(older, DIGEST, REPOSITORY)
    there = {digest_of_bytes(image.config).sha256: image.config}
    altered = canonical.dumps({**json.loads(image.payload), "optional": {"creator": "x"}})
    read = cosign.parse(image.manifest, lambda digest: there.get(digest, altered), "r/x:tag")
    assert not read.has(older.public_key, DIGEST, REPOSITORY)


Change = Callable[[dict[str, Any], dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda manifest, _: manifest.pop("layers"), "it is no manifest of an image"),
        (lambda manifest, _: manifest.pop("config"), "it is no manifest of an image"),
        (lambda manifest, _: manifest.update(layers=None), "it is no manifest of an image"),
        (lambda manifest, _: manifest.update(layers=["x"]), "it is no manifest of an image"),
        (lambda manifest, _: manifest["layers"][0].pop("digest"), "it is no manifest of an image"),
        (lambda manifest, _: manifest["layers"][0].update(digest="sha512:00"), "not of SHA-256"),
        (lambda manifest, _: manifest["layers"][0].update(mediaType=None), "not of SHA-256"),
        (lambda manifest, _: manifest.update(layers=manifest["layers"] * 2), "its config is not about its layers"),
        (lambda manifest, _: manifest.update(more="\ud800"), "it is no manifest of an image"),
        (lambda _, config: config.pop("rootfs"), "it is no manifest of an image"),
        (lambda _, config: config["rootfs"].update(diff_ids="x"), "its config is not about its layers"),
        (lambda _, config: config["rootfs"].update(diff_ids=[]), "its config is not about its layers"),
        (
            lambda manifest, config: (
                manifest.update(layers=manifest["layers"] * 1000),
                config["rootfs"].update(diff_ids=["x"] * 1000),
            ),
            "it has 1000 layers",
        ),
    ],
)
def test_what_nothing_can_be_added_to(older: PrivateKey, change: Change, problem: str) -> None:
    image = cosign.sign(older, DIGEST, REPOSITORY)
    manifest, config = json.loads(image.manifest), json.loads(image.config)
    change(manifest, config)
    blobs = {manifest.get("config", {}).get("digest"): json.dumps(config).encode()}
    with pytest.raises(
        VerificationError, match=f"^r/x:tag holds no signatures in cosign's form .*{problem}.*; look at"
    ):
        cosign.parse(json.dumps(manifest).encode(), lambda digest: blobs.get(digest, image.payload), "r/x:tag")


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest(older: PrivateKey, data: bytes) -> None:
    image = cosign.sign(older, DIGEST, REPOSITORY)
    with pytest.raises(VerificationError, match=r"^r/x:tag holds no signatures"):
        cosign.parse(data, lambda _: image.config, "r/x:tag")
    with pytest.raises(VerificationError, match=r"^r/x:tag holds no signatures"):
        cosign.parse(image.manifest, lambda _: data, "r/x:tag")

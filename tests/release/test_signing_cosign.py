"""What cosign finds beside an image: the form of the documents. That cosign takes them is in test_cosign.py."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from signing_support import key_of, make_key, openssl_accepts

from release.checksums import digest_of_bytes
from release.signing import cosign

DIGEST = "sha256:" + "ab" * 32


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

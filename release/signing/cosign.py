"""Signatures of images in cosign's older form, which cosign v2 and v3 check without a network.

cosign's specs/SIGNATURE_SPEC.md: the payload is a blob, its signature an annotation of the layer that holds it, in an
image manifest that is tagged after the digest of the signed image.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from .. import canonical
from ..checksums import digest_of_bytes
from ..oci.image import CONFIG, MANIFEST, descriptor
from .signer import Signer

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"


@dataclass(frozen=True, kw_only=True)
class SignatureImage:
    """What goes into the repository of the signed image: two blobs, then ``manifest`` under ``tag``."""

    tag: str
    manifest: bytes
    config: bytes
    payload: bytes


def tag_of(digest: str) -> str:
    """Return the tag that cosign looks for the signatures of an image at; ``digest`` is ``sha256:<hex>``."""
    return f"{digest.replace(':', '-')}.sig"


def payload(digest: str, repository: str) -> bytes:
    """Return the document that is signed: the image ``digest`` is meant for ``repository``, such as ``host/path``.

    The form is containers/image's "simple signing" (containers-signature(5), JSON DATA FORMAT).
    """
    return canonical.dumps(
        {
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )


def sign(signer: Signer, digest: str, repository: str) -> SignatureImage:
    """Sign the image ``digest`` (of a manifest or an index) in ``repository``. Raises SigningError."""
    document = payload(digest, repository)
    layer = digest_of_bytes(document)
    # The layer is no archive, but a config lists one digest for each layer (image-spec, config.md).
    config = canonical.dumps(
        {"architecture": "", "config": {}, "os": "", "rootfs": {"diff_ids": [layer.sha256], "type": "layers"}}
    )
    signature = base64.b64encode(signer.sign(document)).decode()
    manifest = canonical.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, digest_of_bytes(config)),
            "layers": [descriptor(SIMPLE_SIGNING, layer, annotations={SIGNATURE: signature})],
        }
    )
    return SignatureImage(tag=tag_of(digest), manifest=manifest, config=config, payload=document)

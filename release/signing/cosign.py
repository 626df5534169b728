"""Signatures of images in cosign's older form, which cosign v2 and v3 check without a network.

cosign's specs/SIGNATURE_SPEC.md: the payload is a blob, its signature an annotation of the layer that holds it, in an
image manifest that is tagged after the digest of the signed image. Several signatures are several layers.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import canonical
from ..checksums import digest_of_bytes
from ..errors import VerificationError
from ..oci.image import CONFIG, MANIFEST, descriptor
from .keys import PublicKey
from .signer import Signer

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"

MOST_SIGNATURES = 1000
"""As many signatures of one image cosign reads."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class SignatureImage:
    """What goes into the repository of the signed image: two blobs, then ``manifest`` under ``tag``."""

    tag: str
    manifest: bytes
    config: bytes
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """The signatures that an image has: JSON of the manifest and its config, and what was signed, by digest."""

    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    payloads: Mapping[str, bytes] = field(default_factory=dict)

    def has(self, key: PublicKey, digest: str, repository: str) -> bool:
        """Tell whether ``key`` signed the image ``digest`` in ``repository``."""
        return any(
            _says(self.payloads[layer["digest"]], digest, repository)
            and key.verifies(signature, self.payloads[layer["digest"]])
            for layer in self.manifest["layers"]
            if layer["digest"] in self.payloads and (signature := _signature(layer)) is not None
        )


NONE = Signatures(
    manifest={"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG}, "layers": []},
    config={"architecture": "", "config": {}, "os": "", "rootfs": {"diff_ids": [], "type": "layers"}},
)
"""Those of an image that nobody signed."""


def tag_of(digest: str) -> str:
    """Return the tag that cosign looks for the signatures of an image at; ``digest`` is ``sha256:<hex>``."""
    return f"{digest.replace(':', '-')}.sig"


def payload(digest: str, repository: str) -> bytes:
    """Return the document that is signed: the image ``digest`` is meant for ``repository``, such as ``host/path``.

    The form is containers/image's "simple signing" (containers-signature(5), JSON DATA FORMAT).
    """
    return canonical.dumps({"critical": _critical(digest, repository), "optional": None})


def sign(signer: Signer, digest: str, repository: str, there: Signatures = NONE) -> SignatureImage:
    """Sign the image ``digest`` (of a manifest or an index) in ``repository``, beside the signatures that it has.

    The layers of others stay as they are. Raises SigningError.
    """
    document = payload(digest, repository)
    blob = digest_of_bytes(document)
    signature = base64.b64encode(signer.sign(document)).decode()
    rootfs = there.config["rootfs"]
    # A layer is no archive, but a config lists one digest for each (image-spec, config.md).
    config = canonical.dumps({**there.config, "rootfs": {**rootfs, "diff_ids": [*rootfs["diff_ids"], blob.sha256]}})
    manifest = {
        **there.manifest,
        "config": descriptor(there.manifest["config"]["mediaType"], digest_of_bytes(config)),
        "layers": [*there.manifest["layers"], descriptor(SIMPLE_SIGNING, blob, annotations={SIGNATURE: signature})],
    }
    return SignatureImage(tag=tag_of(digest), manifest=canonical.dumps(manifest), config=config, payload=document)


def parse(manifest: bytes, blob: Callable[[str], bytes], place: str) -> Signatures:
    """Read what is under the tag of an image; ``blob`` returns the content of a digest.

    Raises VerificationError, with ``place``, unless that is of the form that :func:`sign` gives it, with room for one
    more. Layers of another kind may be among the others.
    """
    try:
        document = canonical.loads(manifest)
        layers = document["layers"]
        for one in (document["config"], *layers):
            if not isinstance(one["mediaType"], str) or not _DIGEST.fullmatch(one["digest"]):
                raise ValueError("a digest is not of SHA-256")
        config = canonical.loads(blob(document["config"]["digest"]))
        listed = config["rootfs"]["diff_ids"]
        if not isinstance(listed, list) or not isinstance(layers, list) or len(listed) != len(layers):
            raise ValueError("its config is not about its layers")
        if len(layers) >= MOST_SIGNATURES:
            raise ValueError(f"it has {len(layers)} layers")
        canonical.dumps([document, config])  # that is, it can be written again
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise VerificationError(
            f"{place} holds no signatures in cosign's form to add one to ({_problem(error)})",
            "look at what is there, and delete that tag if nobody needs it",
        ) from error
    signed = {layer["digest"] for layer in layers if layer["mediaType"] == SIMPLE_SIGNING}
    return Signatures(manifest=document, config=config, payloads={digest: blob(digest) for digest in sorted(signed)})


def _critical(digest: str, repository: str) -> dict[str, object]:
    return {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }


def _says(document: bytes, digest: str, repository: str) -> bool:
    try:
        return bool(canonical.loads(document)["critical"] == _critical(digest, repository))
    except (KeyError, TypeError, ValueError):
        return False


def _signature(layer: Mapping[str, Any]) -> bytes | None:
    """Return the signature in the annotations of a layer; None where there is none that can be read."""
    try:
        return base64.b64decode(layer["annotations"][SIGNATURE], validate=True)
    except (KeyError, TypeError, ValueError):
        return None


def _problem(error: Exception) -> str:
    return str(error) if type(error) is ValueError else "it is no manifest of an image with a config"

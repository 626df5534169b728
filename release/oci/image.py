"""The documents of an image, as values: config, manifest and index of OCI image-spec 1.1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..archive import Entry
from ..checksums import Digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
REF_NAME = "org.opencontainers.image.ref.name"

# The variant that containerd and Docker expect; image-index.md, "platform".
_VARIANTS = {"linux/arm64": "v8"}


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """How a container of the image starts: ``env`` holds ``NAME=value``, ``exposed_ports`` ``3001/tcp``."""

    entrypoint: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    exposed_ports: tuple[str, ...] = ()
    working_dir: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlatformImage:
    """The image for one platform (``linux/amd64``): the files of its only layer, and its config."""

    platform: str
    entries: tuple[Entry, ...]
    config: ImageConfig


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A tar+gzip layer: digest and size as stored, ``diff_id`` is the digest of the tar."""

    digest: str
    size: int
    diff_id: str


@dataclass(frozen=True, kw_only=True)
class ImageIndex:
    """A multi-platform image: digest and size of its index, its tag, its platforms in order."""

    digest: str
    size: int
    ref: str
    platforms: tuple[str, ...]


def platform_fields(platform: str) -> dict[str, str]:
    """Return ``os``, ``architecture`` and, where there is one, ``variant``."""
    system, _, architecture = platform.partition("/")
    fields = {"os": system, "architecture": architecture}
    return fields | ({"variant": _VARIANTS[platform]} if platform in _VARIANTS else {})


def descriptor(media_type: str, digest: Digest | Layer, **more: object) -> dict[str, object]:
    """Return a content descriptor (descriptor.md)."""
    name = digest.digest if isinstance(digest, Layer) else digest.sha256
    return {"mediaType": media_type, "digest": name, "size": digest.size, **more}


def config_document(image: PlatformImage, layer: Layer, created: str) -> dict[str, object]:
    """Return the image configuration (config.md); empty settings are left out."""
    config = image.config
    settings = {
        "Entrypoint": list(config.entrypoint),
        "Env": list(config.env),
        "User": config.user,
        "ExposedPorts": {port: {} for port in config.exposed_ports},
        "WorkingDir": config.working_dir,
        "Labels": dict(config.labels),
    }
    return {
        **platform_fields(image.platform),
        "created": created,
        "config": {name: value for name, value in settings.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created": created, "created_by": "tesseral-release"}],
    }


def manifest_document(config: Digest, layer: Layer) -> dict[str, object]:
    """Return the image manifest (manifest.md)."""
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer)],
    }


def index_document(manifests: Iterable[tuple[str, Digest]], annotations: Mapping[str, str]) -> dict[str, object]:
    """Return the image index (image-index.md) of ``manifests`` by platform."""
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            descriptor(MANIFEST, digest, platform=platform_fields(platform)) for platform, digest in manifests
        ],
        "annotations": dict(annotations),
    }


def entry_document(index: ImageIndex) -> dict[str, object]:
    """Return the layout's ``index.json`` (image-layout.md), which points to ``index`` by its tag."""
    digest = Digest(sha256=index.digest, size=index.size)
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [descriptor(INDEX, digest, annotations={REF_NAME: index.ref})],
    }

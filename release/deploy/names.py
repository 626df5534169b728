"""What Kubernetes and registries take for a name."""

from __future__ import annotations

import re

from ..destination.channel import Pin
from ..destination.registry.reference import parse as parse_registry
from ..errors import UsageError
from ..site.values import shown

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_LABEL = 63  # of a label's value, and of a Job, whose name becomes one
_LONGEST_NAME = 253

# The grammar of docker's reference package: registry, path, tag; here the digest is required.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{{1,5}})?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[0-9a-f]{64}"
)


def check_image(text: str) -> str:
    """Return ``text``, an image by digest: ``registry.example.com/nginx@sha256:…``. Raises UsageError."""
    if _IMAGE.fullmatch(text) is None:
        raise UsageError(f"{shown(text)} is no image by digest", "write NAME@sha256: and its 64 hex digits")
    return text


def check_namespace(text: str) -> str:
    """Return ``text``, a name for a namespace (RFC 1123 label). Raises UsageError."""
    if _LABEL.fullmatch(text) is None:
        raise UsageError(
            f"{shown(text)} cannot be a namespace", "use lower-case letters, digits and inner hyphens, 63 at most"
        )
    return text


def registry_prefix(text: str) -> str:
    """Return ``registry[:port]/prefix`` of a person's text, which may start with ``oci://``. Raises UsageError."""
    reference = parse_registry(text if "://" in text else f"oci://{text}")
    return f"{reference.registry}/{reference.prefix}" if reference.prefix else reference.registry


def version_label(version: str) -> str:
    """Return ``version`` as the value of a label: what is too long is cut."""
    return version[:_LONGEST_LABEL].rstrip("-.")


def job_name(prefix: str, pin: Pin) -> str:
    """Return a name for the Job of a release: with its version, or with a part of its digest where that is none."""
    name = f"{prefix}-{pin.version}"
    if len(name) <= _LONGEST_LABEL and all(_LABEL.fullmatch(part) for part in name.split(".")):
        return name
    core = pin.version.finalize_version()
    return f"{prefix}-{core}-{pin.manifest_digest.removeprefix('sha256:')[:10]}"


def secret_name(name: str) -> str:
    """Return ``name``, of a Secret. Raises UsageError when it is too long."""
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"{shown(name)} is longer than a Secret's name may be", "use one certificate for all hosts")
    return name

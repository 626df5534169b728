"""Bringing a release to a registry by digest, reading it back, and tagging it: the tag of the release comes last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ...errors import ConflictError, TransientError
from ...transfer import Meter, in_parallel
from . import blobs, manifests, upload
from .client import Client
from .plan import Blob, Placed, Plan
from .settings import Settings


def push(client: Client, plan: Plan, settings: Settings, meter: Meter) -> None:
    """Bring all of ``plan`` to the registry by digest, and read it back. No tag is touched."""
    meter.expect(sum(blob.content.digest.size for blob in plan.blobs))
    in_parallel([partial(_push_blob, client, blob, settings.chunk, meter) for blob in plan.blobs], settings.jobs)
    # A registry takes an index after what it points to.
    for group in (plan.manifests, plan.tops):
        in_parallel([partial(_push_manifest, client, placed) for placed in group], settings.jobs)
    in_parallel([partial(_check_blob, client, blob) for blob in plan.blobs], settings.jobs)
    in_parallel([partial(_check_manifest, client, placed) for placed in (*plan.manifests, *plan.tops)], settings.jobs)


def tag_all(client: Client, tops: Sequence[Placed], tag: str) -> bool:
    """Tag each of ``tops`` in order; tell whether any was not tagged before.

    Raises ConflictError, before the first one is written, when the tag names something else.
    """
    missing = [
        placed for placed in tops if not is_tagged(client, placed.repository, tag, placed.document.digest.sha256)
    ]
    for placed in missing:
        set_tag(client, placed, tag)
        _await(client, partial(_is_tagged, client, placed, tag), f"{placed.repository}:{tag}")
    return bool(missing)


def set_tag(client: Client, placed: Placed, tag: str) -> None:
    """Let ``tag`` name a manifest that is there by digest."""
    manifests.put(client, placed.repository, tag, placed.document)


def is_tagged(client: Client, repository: str, tag: str, digest: str) -> bool:
    """Tell whether the version tag is there. Raises ConflictError when it names another digest than ``digest``."""
    found = manifests.get(client, repository, tag)
    if found is not None and found.digest.sha256 != digest:
        raise ConflictError(
            f"{client.registry}/{repository}:{tag} is {found.digest} there, {digest} here",
            "the tag of a version never moves: raise the version",
        )
    return found is not None


def _is_tagged(client: Client, placed: Placed, tag: str) -> bool:
    return is_tagged(client, placed.repository, tag, placed.document.digest.sha256)


def _push_blob(client: Client, blob: Blob, chunk: int, meter: Meter) -> None:
    upload.push(client, blob.repository, blob.content, chunk, meter)


def _push_manifest(client: Client, placed: Placed) -> None:
    manifests.put(client, placed.repository, placed.document.digest.sha256, placed.document)


def _check_blob(client: Client, blob: Blob) -> None:
    digest = blob.content.digest
    _await(client, lambda: blobs.holds(client, blob.repository, digest), f"{blob.repository}@{digest}")


def _check_manifest(client: Client, placed: Placed) -> None:
    """What is read by its digest has that digest."""
    digest = placed.document.digest.sha256
    _await(
        client,
        lambda: manifests.get(client, placed.repository, digest) is not None,
        f"{placed.repository}@{digest}",
    )


def _await(client: Client, look: Callable[[], bool], what: str) -> None:
    """Look again for a while: where another publisher writes the same bytes, they can be away for a moment."""

    def attempt() -> None:
        if not look():
            raise TransientError(f"{client.registry}/{what} was written and is not there", "run again")

    client.retry(attempt)

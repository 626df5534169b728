"""Give up an unfinished publish."""

from __future__ import annotations

from functools import partial

from ... import manifest
from ...errors import ConflictError, DestinationError
from ...transfer import in_parallel
from ...version import Version
from .. import claim
from ..documents import claim_key, release_key
from .store import S3Store
from .unfinished import give_up, unfinished
from .writing import delete, swap


def abandon(store: S3Store, version: Version) -> bool:
    """Remove what an unfinished publish of ``version`` left; False when there is nothing. Safe to repeat.

    Raises ConflictError when ``version`` is published.
    """
    _check_unpublished(store, version)
    folder, key = release_key(version, ""), claim_key(version)
    claimed = store.read(key)
    names, uploads = store.below(folder), unfinished(store, folder)
    if claimed is None and not names and not uploads:
        return False
    # Taken over first, and freed last: a publisher that is still at it must not commit, and no other begin.
    if not swap(store, key, claimed, claim.to_json(version, "given up")):
        raise DestinationError(f"{version} in {store.name} is being published right now", "run again")
    _check_unpublished(store, version)
    jobs = store.settings.jobs
    in_parallel([partial(give_up, store, upload) for upload in unfinished(store, folder)], jobs)
    in_parallel([partial(delete, store, folder + name) for name in store.below(folder)], jobs)
    delete(store, key)
    return True


def _check_unpublished(store: S3Store, version: Version) -> None:
    if store.exists(release_key(version, manifest.NAME)):
        raise ConflictError(f"{version} is published in {store.name}", "yank it instead")

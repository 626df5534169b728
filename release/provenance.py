"""Where a release comes from: SLSA provenance v1 (slsa.dev/spec/v1.0/provenance) in an in-toto statement v1.

It follows from the release and its toolchains alone: no time of building, nothing of the machine.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from . import canonical
from .checksums import digest_of_bytes
from .errors import VerificationError
from .manifest import NAME as MANIFEST_NAME
from .manifest import Manifest, Source, to_json
from .staged import IMAGES

NAME = "provenance.intoto.jsonl"
"""File name of the signed statement in a release: one DSSE envelope, one line."""

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:tesseral-release:build:1"
"""How releases are built; docs/formats.md says what the parameters mean."""
BUILDER = "urn:tesseral-release:pipeline"


def statement(manifest: Manifest, toolchains: Mapping[str, str]) -> bytes:
    """Return the statement about a release as canonical JSON.

    Its subjects are the artifacts, the images (``images/<name>``) and ``release.json``, which therefore cannot list
    it. ``toolchains``: name of a tool or package → its digest as ``toolchain.lock`` has it: ``sha256:<hex>``,
    ``sha512-<base64>`` (npm) or ``h1:<base64>`` (Go). Raises ValueError for other digests.
    """
    return canonical.dumps(
        {
            "_type": STATEMENT,
            "subject": _subjects(manifest),
            "predicateType": PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": _external_parameters(manifest),
                    # The clock that the build saw: the commit's time, in seconds.
                    "internalParameters": {"sourceDateEpoch": int(manifest.source.committed_at.timestamp())},
                    "resolvedDependencies": [
                        _source(manifest.source),
                        {"name": "toolchain.lock", "digest": digest_set(manifest.pipeline.toolchain_lock_digest)},
                        *({"name": name, "digest": digest_set(toolchains[name])} for name in sorted(toolchains)),
                    ],
                },
                "runDetails": {"builder": {"id": BUILDER, "version": {"tesseral-release": manifest.pipeline.version}}},
            },
        }
    )


def check(data: bytes, manifest: Manifest) -> None:
    """Make sure that the statement ``data`` is provenance of exactly the release ``manifest``.

    Who signed it is checked before. Raises VerificationError.
    """
    try:
        document = canonical.loads(data)
    except ValueError as error:
        raise VerificationError(f"{NAME} is not JSON: {error}", "fetch the release again") from error
    wanted = {"_type": STATEMENT, "predicateType": PREDICATE, "subject": _subjects(manifest)}
    for field, value in wanted.items():
        if not isinstance(document, dict) or document.get(field) != value:
            raise VerificationError(f"{NAME} is not about this release, its {field} differs", "fetch the release again")


def digest_set(digest: str) -> dict[str, str]:
    """Return a digest in the form of in-toto (digest_set.md): its algorithm → lower-case hex. Raises ValueError."""
    if digest.startswith("sha256:"):
        return {"sha256": digest.removeprefix("sha256:")}
    for prefix, algorithm in (("sha512-", "sha512"), ("h1:", "dirHash")):
        if digest.startswith(prefix):
            return {algorithm: base64.b64decode(digest.removeprefix(prefix), validate=True).hex()}
    raise ValueError(f"{digest!r} is not a digest of a known kind")


def _subjects(manifest: Manifest) -> list[dict[str, object]]:
    digests = {artifact.name: artifact.digest for artifact in manifest.artifacts}
    digests |= {f"{IMAGES}/{image.name}": image.digest for image in manifest.images}
    digests[MANIFEST_NAME] = digest_of_bytes(to_json(manifest)).sha256
    return [{"name": name, "digest": digest_set(digests[name])} for name in sorted(digests)]


def _external_parameters(manifest: Manifest) -> dict[str, object]:
    """What a person chose: the source, the version, which pieces for which targets."""
    source = {"repository": manifest.source.repository, "path": manifest.source.path}
    return {
        "version": str(manifest.version),
        "source": {name: value for name, value in source.items() if value is not None},
        "pieces": sorted({artifact.piece for artifact in manifest.artifacts}),
        "targets": sorted({artifact.target for artifact in manifest.artifacts if artifact.target is not None}),
    }


def _source(source: Source) -> dict[str, object]:
    """The commit, by its URI of SPDX's form where the repository is known (spec 2.3, 7.7: git+URL@commit)."""
    descriptor: dict[str, object] = {
        "name": "source",
        "digest": {"gitCommit": source.commit},
        # Of names, modes and content of the tracked files; no digest of in-toto's list is computed so.
        "annotations": {"treeDigest": source.tree_digest},
    }
    if source.repository is not None:
        scheme = "" if source.repository.startswith("git+") else "git+"
        descriptor["uri"] = f"{scheme}{source.repository}@{source.commit}"
    return descriptor

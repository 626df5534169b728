"""What a rebuild found, as others can check it: a SLSA verification summary v1 in an in-toto statement v1.

The form is that of slsa.dev/spec/v1.1/verification_summary. It holds the time of the rebuild and nothing else of
where it was done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import __version__, canonical, rfc3339
from ..checksums import digest_of_bytes
from ..compare import Compared
from ..fetch import Found
from ..provenance import STATEMENT, digest_set
from ..sbom.purl import purl
from ..signing import Signer, dsse
from .result import Result

PREDICATE = "https://slsa.dev/verification_summary/v1"
POLICY = "urn:tesseral-release:rebuild:1"
"""What was to hold; docs/formats.md says it in words."""
VERIFIER = "urn:tesseral-release:rebuild"
LEVEL = "TESSERAL_RELEASE_REBUILT"
"""The level of what passed: custom ones don't begin with ``SLSA_``."""


def file_name(version: str) -> str:
    """Return what the file of attestations is called where nobody says otherwise."""
    return f"tesseral-{version}.rebuild.intoto.jsonl"


def attest(signer: Signer, found: Found, result: Result, now: datetime) -> bytes:
    """Return the signed statements, a DSSE envelope a line (in-toto's bundle.md). Raises SigningError."""
    return b"".join(dsse.sign(signer, statement) for statement in statements(found, result, now))


def statements(found: Found, result: Result, now: datetime) -> tuple[bytes, ...]:
    """Return one statement about what was rebuilt to the byte and one about what was not, as canonical JSON.

    Each is left out when it is about nothing. ``now``: when the comparison ended, an aware time.
    """
    passed = [_subject(one) for one in result.same]
    failed = [_subject(one) | {"annotations": _annotations(one, result)} for one in result.different]
    return tuple(
        canonical.dumps(
            {
                "_type": STATEMENT,
                "subject": subjects,
                "predicateType": PREDICATE,
                "predicate": _summary(found, now, "PASSED" if subjects is passed else "FAILED"),
            }
        )
        for subjects in (passed, failed)
        if subjects
    )


def _summary(found: Found, now: datetime, verdict: str) -> dict[str, Any]:
    resource = purl("generic", "tesseral", str(found.version), checksum=found.pin.manifest_digest)
    # What nobody checked was not used.
    used: Iterable[tuple[str, bytes]] = () if found.signed_by is None else sorted(found.attestations.items())
    return {
        "verifier": {"id": VERIFIER, "version": {"tesseral-release": __version__}},
        "timeVerified": rfc3339.render(now),
        "resourceUri": resource,
        "policy": {"uri": POLICY, "digest": digest_set(found.pin.manifest_digest)},
        "inputAttestations": [
            {"uri": f"{resource}#{name}", "digest": digest_set(digest_of_bytes(data).sha256)} for name, data in used
        ],
        "verificationResult": verdict,
        "verifiedLevels": [LEVEL if verdict == "PASSED" else "FAILED"],
        "slsaVersion": "1.1",
    }


def _subject(one: Compared) -> dict[str, Any]:
    return {"name": one.name, "digest": digest_set(one.wanted)}


def _annotations(one: Compared, result: Result) -> dict[str, str]:
    facts = {"rebuiltDigest": one.found, "firstDifference": result.first_difference(one.name)}
    return {name: value for name, value in facts.items() if value}

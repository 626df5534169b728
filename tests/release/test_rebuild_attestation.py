"""What is signed of a rebuild: the published schemas accept it, and it says no more than what is known."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary  # type: ignore[import-untyped]
from in_toto_attestation.v1.statement import Statement  # type: ignore[import-untyped]
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage  # type: ignore[import-untyped]
from reading_samples import pin_of
from rebuild_samples import a_release
from release_samples import COMMIT
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined] # though documented
from signing_support import key_of, make_key

from release import __version__
from release.checksums import digest_of_bytes
from release.compare import Compared, Difference
from release.fetch import Found
from release.rebuild import Place, Result
from release.rebuild.attestation import attest, file_name, statements
from release.signing import TrustedKey, dsse, keys

NOW = datetime(2026, 11, 24, 12, 0, 7, 999, tzinfo=UTC)
SAME = Compared(name="a.tar.gz", wanted="sha256:" + "1" * 64, found="sha256:" + "1" * 64)
OTHER = Compared(name="images/b", wanted="sha256:" + "2" * 64, found="sha256:" + "3" * 64)
MISSING = Compared(name="c.zip", wanted="sha256:" + "4" * 64, found=None)
DIFFERENCES = (
    Difference(artifact="images/b", member="linux/amd64 layer 1: x", how="mode 0644 and 0755"),
    Difference(artifact="images/b", how="more"),
    Difference(artifact="a.tar.gz.sig", how="of another"),
)
ATTESTATIONS = {"SHA256SUMS.sig": b"signature", "provenance.intoto.jsonl": b"provenance"}


@pytest.fixture
def found(tmp_path: Path) -> Found:
    made = a_release(tmp_path / "stage")
    key = TrustedKey(key=key_of(make_key(tmp_path / "key")).public_key)
    return Found(pin=pin_of(made), manifest=made.manifest, attestations=ATTESTATIONS, signed_by=key)


def result(found: Found, *compared: Compared) -> Result:
    return Result(
        version="1.4.0",
        place=Place(url="https://user:secret@example.com/x", ref=COMMIT, expected=True),
        source=found.manifest.source,
        compared=compared,
        differences=DIFFERENCES,
        unread={},
    )


def read(found: Found, *compared: Compared) -> list[Any]:
    return list(map(json.loads, statements(found, result(found, *compared), NOW)))


def test_the_published_schemas_accept_it(found: Found) -> None:
    for document in read(found, SAME, OTHER, MISSING):
        # Both refuse a field that they don't know.
        Statement.copy_from_pb(json_format.ParseDict(document, StatementMessage())).validate()
        summary = document["predicate"]
        # in-toto's schema is older than SLSA 1.1, which has this field, and takes one level for the list of them.
        assert summary["verifier"].pop("version") == {"tesseral-release": __version__}
        (summary["verifiedLevels"],) = summary["verifiedLevels"]
        assert json_format.ParseDict(summary, VerificationSummary()).verifier.id == "urn:tesseral-release:rebuild"
        with pytest.raises(json_format.ParseError):
            json_format.ParseDict(summary | {"more": 1}, VerificationSummary())


def test_what_was_rebuilt_to_the_byte(found: Found) -> None:
    (document,) = read(found, SAME)
    digest = found.pin.manifest_digest
    hexes = {name: digest_of_bytes(data).sha256.removeprefix("sha256:") for name, data in ATTESTATIONS.items()}
    resource = f"pkg:generic/tesseral@1.4.0?checksum={digest}"
    assert document == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a.tar.gz", "digest": {"sha256": "1" * 64}}],
        "predicateType": "https://slsa.dev/verification_summary/v1",
        "predicate": {
            "verifier": {"id": "urn:tesseral-release:rebuild", "version": {"tesseral-release": __version__}},
            "timeVerified": "2026-11-24T12:00:07Z",
            "resourceUri": resource,
            "policy": {"uri": "urn:tesseral-release:rebuild:1", "digest": {"sha256": digest.removeprefix("sha256:")}},
            "inputAttestations": [
                {"uri": f"{resource}#{name}", "digest": {"sha256": hexes[name]}} for name in ATTESTATIONS
            ],
            "verificationResult": "PASSED",
            "verifiedLevels": ["TESSERAL_RELEASE_REBUILT"],
            "slsaVersion": "1.1",
        },
    }


def test_what_was_not(found: Found) -> None:
    (document,) = read(found, OTHER, MISSING)
    assert document["subject"] == [
        {
            "name": "images/b",
            "digest": {"sha256": "2" * 64},
            "annotations": {
                "rebuiltDigest": "sha256:" + "3" * 64,
                "firstDifference": "linux/amd64 layer 1: x: mode 0644 and 0755",
            },
        },
        {"name": "c.zip", "digest": {"sha256": "4" * 64}, "annotations": {}},
    ]
    predicate = document["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_both_in_two_statements(found: Found) -> None:
    documents = read(found, OTHER, SAME, MISSING)
    assert [one["predicate"]["verificationResult"] for one in documents] == ["PASSED", "FAILED"]
    assert [[subject["name"] for subject in one["subject"]] for one in documents] == [
        ["a.tar.gz"],
        ["images/b", "c.zip"],
    ]


def test_what_nobody_checked_was_not_used(found: Found) -> None:
    (document,) = read(replace(found, signed_by=None), SAME)
    assert document["predicate"]["inputAttestations"] == []


def test_the_time_is_in_utc(found: Found) -> None:
    other = NOW.astimezone(timezone(timedelta(hours=9)))
    assert statements(found, result(found, SAME), other) == statements(found, result(found, SAME), NOW)


def test_nothing_of_the_machine(found: Found, tmp_path: Path) -> None:
    text = b"".join(statements(found, result(found, SAME, OTHER, MISSING), NOW)).decode()
    words = {socket.gethostname(), str(tmp_path), str(Path.cwd()), str(Path.home()), os.environ.get("USER", "")}
    assert not [word for word in words if len(word) > 3 and word in text]
    assert "secret" not in text


def test_each_line_is_an_envelope_that_others_accept(found: Found, tmp_path: Path) -> None:
    key = key_of(make_key(tmp_path / "mine"))
    data = attest(key, found, result(found, SAME, OTHER), NOW)
    lines = data.splitlines(keepends=True)
    wanted = statements(found, result(found, SAME, OTHER), NOW)
    assert len(lines) == len(wanted) == 2
    theirs = SSlibKey.from_crypto(keys._load(key.public_key.blob), keyid=key.public_key.fingerprint)
    for line, payload in zip(lines, wanted, strict=True):
        envelope = Envelope.from_dict(json.loads(line))
        assert (envelope.payload, envelope.payload_type) == (payload, dsse.IN_TOTO)
        assert list(envelope.verify([theirs], 1)) == [key.public_key.fingerprint]


def test_its_file() -> None:
    assert file_name("1.4.0") == "tesseral-1.4.0.rebuild.intoto.jsonl"

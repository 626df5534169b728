"""Provenance: the published schema accepts it, it says where a release comes from, and nothing of the machine."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance  # type: ignore[import-untyped]
from in_toto_attestation.v1.statement import Statement  # type: ignore[import-untyped]
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage  # type: ignore[import-untyped]
from release_samples import COMMIT, EPOCH, manifest, staged

from release import canonical, provenance
from release.checksums import digest_of, digest_of_bytes
from release.errors import VerificationError
from release.manifest import Manifest, to_json

TOOLCHAINS = {
    "npm 10.9.0": "sha512-" + "AAAA" * 21 + "AA==",
    "go 1.26.8 linux/amd64": "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "tzdata 2026.6": "sha256:" + "7e" * 32,
}


@pytest.fixture
def release(tmp_path: Path) -> Manifest:
    """A release with artifacts and an image."""
    return staged(tmp_path / "stage").manifest


def read(release: Manifest, toolchains: Mapping[str, str] = TOOLCHAINS) -> Any:
    return json.loads(provenance.statement(release, toolchains))


def with_repository(release: Manifest) -> Manifest:
    source = replace(release.source, repository="https://example.com/t.git", path="sub/dir")
    return replace(release, source=source)


def test_the_published_schemas_accept_it(release: Manifest) -> None:
    document = read(with_repository(release))
    # Both refuse a field that they don't know.
    Statement.copy_from_pb(json_format.ParseDict(document, StatementMessage())).validate()
    predicate = json_format.ParseDict(document["predicate"], Provenance())
    assert predicate.build_definition.build_type == "urn:tesseral-release:build:1"
    assert predicate.run_details.builder.id == "urn:tesseral-release:pipeline"
    document["predicate"]["buildDefinition"]["more"] = 1
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(document["predicate"], Provenance())


def test_it_is_about_everything_in_the_release(release: Manifest, tmp_path: Path) -> None:
    subjects = {subject["name"]: f"sha256:{subject['digest']['sha256']}" for subject in read(release)["subject"]}
    folder = tmp_path / "stage"
    files = {path.name: digest_of(path).sha256 for path in folder.iterdir() if path.is_file()}
    del files["SHA256SUMS"]
    assert subjects == files | {"images/tesseral-api": release.images[0].digest}
    assert subjects["release.json"] == digest_of_bytes(to_json(release)).sha256


def test_where_it_comes_from(release: Manifest) -> None:
    release = with_repository(release)
    build = read(release)["predicate"]["buildDefinition"]
    assert build["externalParameters"] == {
        "version": "1.4.0",
        "source": {"repository": "https://example.com/t.git", "path": "sub/dir"},
        "pieces": ["tesseral-api"],
        "targets": ["linux/amd64", "windows/amd64"],
    }
    assert build["internalParameters"] == {"sourceDateEpoch": EPOCH}
    source, lock, *tools = build["resolvedDependencies"]
    assert source == {
        "name": "source",
        "uri": f"git+https://example.com/t.git@{COMMIT}",
        "digest": {"gitCommit": COMMIT},
        "annotations": {"treeDigest": release.source.tree_digest},
    }
    assert lock == {"name": "toolchain.lock", "digest": {"sha256": "b" * 64}}
    assert tools == [
        # The digest of nothing in hex, as in in-toto's own example of a dirHash.
        {
            "name": "go 1.26.8 linux/amd64",
            "digest": {"dirHash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        },
        {"name": "npm 10.9.0", "digest": {"sha512": "00" * 64}},
        {"name": "tzdata 2026.6", "digest": {"sha256": "7e" * 32}},
    ]
    assert read(release)["predicate"]["runDetails"]["builder"]["version"] == {"tesseral-release": "0.1.0"}


def test_a_source_without_a_place() -> None:
    build = read(manifest())["predicate"]["buildDefinition"]
    assert build["externalParameters"]["source"] == {}
    assert "uri" not in build["resolvedDependencies"][0]


def test_the_same_bytes_everywhere(release: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = provenance.statement(release, TOOLCHAINS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    shuffled = replace(release, artifacts=release.artifacts[::-1], images=release.images[::-1])
    assert provenance.statement(shuffled, dict(reversed(TOOLCHAINS.items()))) == data
    # Golden: a byte of the form changes only on purpose.
    fixed = manifest(artifacts=(), images=())
    assert digest_of_bytes(provenance.statement(fixed, TOOLCHAINS)).sha256 == GOLDEN


GOLDEN = "sha256:15c4ca39ceb662e3c2546baf95bd85c318442ef3ecf8c26f6f1ce24c9f1fd566"


def test_nothing_of_the_machine(release: Manifest, tmp_path: Path) -> None:
    text = provenance.statement(release, TOOLCHAINS).decode()
    words = {socket.gethostname(), str(tmp_path), str(Path.cwd()), str(Path.home()), os.environ.get("USER", "")}
    assert not [word for word in words if len(word) > 3 and word in text]
    for word in ("startedOn", "finishedOn", "invocationId", "T12:30:07"):
        assert word not in text


@pytest.mark.parametrize("digest", ["md5:00", "sha512-*", "h1:A", ""])
def test_digests_of_no_known_kind(digest: str, release: Manifest) -> None:
    with pytest.raises(ValueError, match=r"known kind|base64|padding"):
        provenance.statement(release, {"x": digest})


def test_check(release: Manifest) -> None:
    data = provenance.statement(release, TOOLCHAINS)
    provenance.check(data, release)
    for other in (manifest(), replace(release, notes="other"), replace(release, artifacts=release.artifacts[:1])):
        with pytest.raises(VerificationError, match="is not about this release, its subject differs"):
            provenance.check(data, other)
    for change in ({"_type": "x"}, {"predicateType": "https://slsa.dev/provenance/v0.2"}):
        with pytest.raises(VerificationError, match=f"is not about this release, its {next(iter(change))} differs"):
            provenance.check(canonical.dumps(json.loads(data) | change), release)
    for broken in (b"", b"[]", b"\xff", b'"x"'):
        with pytest.raises(VerificationError, match=r"provenance.intoto.jsonl is not"):
            provenance.check(broken, release)

"""Signed releases in a bucket and in registries: what readers insist on, and what comes beside the release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from registry_samples import destination as registry_destination
from release_samples import staged
from servers import RegistryServer, S3Server
from signing_support import KINDS, key_of, make_key

from release.attestations import NAMES, SIGNATURE, sign_release
from release.destination.protocol import Destination
from release.destination.registry import manifests, referrers
from release.destination.registry.artifact import release_artifact
from release.destination.s3 import S3Destination
from release.errors import VerificationError
from release.fetch import Selection, fetch, find
from release.publish import publish
from release.signing import Signer, TrustedKey, TrustedKeys, cosign
from release.staged import StagedRelease
from release.verify import verify

TOOLS = {"go 1.26.8 linux/amd64": "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM="}
PLACES = ["s3", "plain_registry", "referrers_registry"]


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return key_of(make_key(tmp_path / "key", *KINDS["ecdsa"]))


@pytest.fixture
def release(tmp_path: Path, signer: Signer) -> StagedRelease:
    made = staged(tmp_path / "stage")
    sign_release(made, signer, TOOLS)
    return made


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Destination]:
    """Opens the same empty place again and again."""
    server = request.getfixturevalue(request.param)
    if isinstance(server, S3Server):
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        bucket = server.bucket()
        return lambda: S3Destination.named(f"s3://{bucket}/releases")
    prefix = server.prefix()
    return lambda: registry_destination(prefix)


def trusting(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key) for one in signers))


def test_out_comes_what_was_signed(
    place: Callable[[], Destination], release: StagedRelease, signer: Signer, tmp_path: Path
) -> None:
    publish(release, [place()], "stable", signer=signer)
    found = find(place(), "stable", trusting(signer))
    assert found.signed_by is not None
    fetch(place(), found, Selection(images=True), tmp_path / "fetched")
    verify(tmp_path / "fetched")
    for name in NAMES:
        assert (tmp_path / "fetched" / name).read_bytes() == (release.directory / name).read_bytes()


def test_the_first_signature_stays(
    place: Callable[[], Destination], release: StagedRelease, signer: Signer, tmp_path: Path
) -> None:
    publish(staged(tmp_path / "plain"), [place()])
    with pytest.raises(VerificationError, match="is not signed"):
        find(place(), "1.4.0", trusting(signer))
    publish(release, [place()], signer=signer)
    find(place(), "1.4.0", trusting(signer))
    newer = key_of(make_key(tmp_path / "newer", *KINDS["ed25519"]))
    again = staged(tmp_path / "again")
    sign_release(again, newer)
    with pytest.raises(VerificationError, match="by a key that is not trusted"):
        publish(again, [place()], signer=newer)
    assert (
        find(place(), "1.4.0", trusting(newer, signer)).attestations[SIGNATURE]
        == (release.directory / SIGNATURE).read_bytes()
    )


def test_attestations_are_referrers_and_images_are_signed_for_cosign(
    registry: RegistryServer, release: StagedRelease, signer: Signer
) -> None:
    prefix = registry.prefix()
    place = registry_destination(prefix)
    publish(release, [place], signer=signer)
    repository = prefix.partition("/")[2]
    subject = release_artifact(release.manifest).document().digest.sha256
    listed = referrers.referrers(place._client, f"{repository}/tesseral-release", subject)
    assert {one["artifactType"] for one in listed} == {
        "application/vnd.tesseral.signature.v1+ssh",
        "application/vnd.in-toto+json",
    }
    for image in release.manifest.images:
        name = f"{prefix}/{image.name}"
        ours = cosign.sign(signer, image.digest, name)
        found = manifests.get(place._client, f"{repository}/{image.name}", ours.tag)
        assert found is not None
        assert found.data == ours.manifest

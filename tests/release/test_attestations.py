"""Releases that are signed: what publishing keeps, and what readers insist on."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from release_samples import staged

from release import attestations, provenance
from release.attestations import NAMES, PROVENANCE, SIGNATURE, sign_release
from release.checksums import digest_of_bytes
from release.cli import main
from release.destination import DirectoryDestination, Outcome
from release.errors import ConflictError, UsageError, VerificationError
from release.fetch import find
from release.manifest import to_json
from release.publish import publish
from release.signing import PublicKey, Signer, TrustedKey, TrustedKeys, keys, open_signer
from release.staged import StagedRelease
from release.verify import verify

TOOLS = {"go 1.26.8 linux/amd64": "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM="}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nobody trusts anybody yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TESSERAL_RELEASE_KEY_PASSPHRASE", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_key(name: str, kind: str = "ecdsa") -> Signer:
    main(["keygen", name, "--type", kind])
    return open_signer(name)


@pytest.fixture
def signer(home: Path) -> Signer:
    return make_key("release-key")


@pytest.fixture
def release(tmp_path: Path, signer: Signer) -> StagedRelease:
    made = staged(tmp_path / "stage")
    sign_release(made, signer, TOOLS)
    return made


def trusting(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key) for one in signers))


def test_a_signed_release_is_published_fetched_and_verified(
    home: Path, release: StagedRelease, signer: Signer, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(release, [DirectoryDestination(home / "published")], "stable", signer=signer)
    verify(home / "published/releases/1.4.0")
    key = ("--key", "release-key.pub")
    capsys.readouterr()
    main(["pin", "stable", "--from", "published", *key])
    main(["bundle", "stable", "--from", "published", *key])
    main(["fetch", "1.4.0", "--from", "tesseral-1.4.0.tar", "--images", *key])
    main(["verify", "tesseral-1.4.0", "--complete", *key])
    assert "are what release.json says; signed by SHA256:" in capsys.readouterr().out
    for name in NAMES:
        assert (home / "tesseral-1.4.0" / name).read_bytes() == (release.directory / name).read_bytes()


def test_a_key_in_the_config_is_enough(home: Path, release: StagedRelease) -> None:
    publish(release, [DirectoryDestination(home / "published")])
    line = (home / "release-key.pub").read_text().strip()
    (home / "config/tesseral-release").mkdir(parents=True)
    config = home / "config/tesseral-release/config.toml"
    config.write_text(f'[[trusted-keys]]\nkey = "{line}"\n')
    main(["fetch", "1.4.0", "--from", "published"])
    config.write_text(f'[[trusted-keys]]\nkey = "{line}"\nrevoked = "lost with a laptop"\n')
    for flags in ([], ["--key", "release-key.pub"]):
        with pytest.raises(VerificationError, match="revoked: lost with a laptop"):
            main(["verify", "tesseral-1.4.0", *flags])


@pytest.mark.parametrize("command", [["fetch", "1.4.0"], ["pin", "1.4.0"], ["bundle", "1.4.0"]])
def test_what_nobody_signed_is_taken_on_demand_only(
    home: Path, tmp_path: Path, signer: Signer, command: list[str]
) -> None:
    publish(staged(tmp_path / "unsigned"), [DirectoryDestination(home / "published")])
    command = [*command, "--from", "published"]
    with pytest.raises(VerificationError, match=r"no trusted key is configured; .*--insecure-unsigned"):
        main(command)
    with pytest.raises(VerificationError, match=r"1\.4\.0 in published is not signed; .*--insecure-unsigned"):
        main([*command, "--key", "release-key.pub"])
    with pytest.raises(UsageError, match="contradict"):
        main([*command, "--key", "release-key.pub", "--insecure-unsigned"])
    main([*command, "--insecure-unsigned"])


def test_verify_wants_a_signature_too(home: Path, release: StagedRelease) -> None:
    with pytest.raises(VerificationError, match="no trusted key"):
        main(["verify", str(release.directory)])
    (release.directory / SIGNATURE).unlink()
    with pytest.raises(VerificationError, match="is not signed"):
        main(["verify", str(release.directory), "--key", "release-key.pub"])
    main(["verify", str(release.directory), "--insecure-unsigned"])


def test_the_signature_is_over_this_very_release(tmp_path: Path, release: StagedRelease, signer: Signer) -> None:
    other = staged(tmp_path / "other", content=b"other")
    for name in NAMES:
        shutil.copy(release.directory / name, other.directory / name)
    with pytest.raises(VerificationError, match="was altered"):
        attestations.check(attestations.read(other.directory), other.manifest, trusting(signer), "here")


def test_provenance_of_another_release_is_refused(tmp_path: Path, release: StagedRelease, signer: Signer) -> None:
    other = staged(tmp_path / "other", content=b"other")
    sign_release(other, signer, TOOLS)
    shutil.copy(other.directory / PROVENANCE, release.directory / PROVENANCE)
    with pytest.raises(VerificationError, match="is not about this release"):
        attestations.check(attestations.read(release.directory), release.manifest, trusting(signer), "here")


def test_an_untrusted_key_is_named_and_others_may_be_trusted_too(release: StagedRelease, signer: Signer) -> None:
    said = attestations.read(release.directory)
    newer = make_key("newer", "ed25519")
    with pytest.raises(VerificationError, match="by a key that is not trusted, SHA256:"):
        attestations.check(said, release.manifest, trusting(newer), "here")
    found = attestations.check(said, release.manifest, trusting(newer, signer), "here")
    assert found.key == signer.public_key


def test_signing_again_keeps_what_is_there(home: Path, release: StagedRelease, signer: Signer) -> None:
    before = attestations.read(release.directory)
    sign_release(release, signer, TOOLS)
    assert attestations.read(release.directory) == before
    newer = make_key("newer", "ed25519")
    sign_release(release, newer, TOOLS)
    assert attestations.read(release.directory).keys() == before.keys()
    attestations.check(attestations.read(release.directory), release.manifest, trusting(newer), "here")


def test_a_folder_that_is_signed_again_is_whole_for_the_new_key(release: StagedRelease, signer: Signer) -> None:
    """Its provenance too: who trusts the new key alone would refuse the release for it."""
    newer = make_key("newer", "ed25519")
    sign_release(release, newer)
    said = attestations.read(release.directory)
    attestations.check(said, release.manifest, trusting(newer), "here")
    assert len(json.loads(said[PROVENANCE])["signatures"]) == 2
    sign_release(release, newer)
    assert attestations.read(release.directory) == said


@dataclass(frozen=True)
class Undetermined:
    """A key that signs differently each time, as those in KMS do."""

    key: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> PublicKey:
        return keys.of(self.key.public_key(), "a key")

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


def test_what_a_key_signed_is_not_signed_again(release: StagedRelease) -> None:
    undetermined = Undetermined(ec.generate_private_key(ec.SECP256R1()))
    older = attestations.read(release.directory)
    said = attestations.signed(older, release.manifest, undetermined)
    assert attestations.signed(said, release.manifest, undetermined) == said
    # The one does not depend on the other.
    mixed = attestations.signed({**said, PROVENANCE: older[PROVENANCE]}, release.manifest, undetermined)
    assert mixed[SIGNATURE] == said[SIGNATURE]
    assert mixed[PROVENANCE] not in (older[PROVENANCE], said[PROVENANCE])


def test_provenance_of_another_release_is_not_signed(tmp_path: Path, release: StagedRelease, signer: Signer) -> None:
    other = staged(tmp_path / "other", content=b"other")
    shutil.copy(release.directory / PROVENANCE, other.directory / PROVENANCE)
    with pytest.raises(VerificationError, match="is not about this release"):
        sign_release(other, signer)


def test_a_signature_is_no_part_of_the_bytes_of_a_version(home: Path, tmp_path: Path, signer: Signer) -> None:
    """Published unsigned, signed later; the first signature stays, and one by another key is told of."""
    destination = DirectoryDestination(home / "published")
    publish(staged(tmp_path / "plain"), [destination])
    signed = staged(tmp_path / "signed")
    sign_release(signed, signer, TOOLS)
    assert publish(signed, [destination], signer=signer)[0].outcome is Outcome.UNCHANGED
    first = (home / "published/releases/1.4.0" / SIGNATURE).read_bytes()
    find(destination, "1.4.0", trusting(signer))
    newer = make_key("newer", "ed25519")
    again = staged(tmp_path / "again")
    sign_release(again, newer)
    with pytest.raises(VerificationError, match="by a key that is not trusted"):
        publish(again, [destination], signer=newer)
    assert (home / "published/releases/1.4.0" / SIGNATURE).read_bytes() == first
    with pytest.raises(ConflictError):
        publish(staged(tmp_path / "other", content=b"other"), [destination])


def test_publish_signs(home: Path, tmp_path: Path, signer: Signer) -> None:
    plain = staged(tmp_path / "plain")
    main(["publish", str(plain.directory), "--to", "published", "--sign-with", "release-key"])
    main(["fetch", "1.4.0", "--from", "published", "--key", "release-key.pem"])


def test_provenance_names_the_release(release: StagedRelease) -> None:
    provenance.check(provenance.statement(release.manifest, TOOLS), release.manifest)
    assert (
        digest_of_bytes(to_json(release.manifest)).sha256.removeprefix("sha256:")
        in provenance.statement(release.manifest, TOOLS).decode()
    )

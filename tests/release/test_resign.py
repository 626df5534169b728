"""Keys change: what is published is signed with the new one, and readers of each key find what they trust."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from release_samples import ROOT, staged
from signing_support import KINDS, key_of, make_key
from test_release_cli import run

from release import attestations, provenance
from release.attestations import PROVENANCE, SIGNATURE, sign_release
from release.cli import main
from release.destination import DirectoryDestination
from release.errors import ConflictError, DestinationError, SigningError, VerificationError, VersionError
from release.fetch import find
from release.publish import publish
from release.resign import Basis, Signed, resign
from release.signing import PublicKey, Signer, TrustedKey, TrustedKeys, dsse
from release.staged import StagedRelease
from release.version import parse

TOOLS = {"go 1.26.8 linux/amd64": "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM="}
V140 = parse("1.4.0")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nobody trusts anybody yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def old(home: Path) -> Signer:
    return key_of(make_key(home / "old"))


@pytest.fixture
def new(home: Path) -> Signer:
    return key_of(make_key(home / "new", *KINDS["ed25519"]))


@pytest.fixture
def release(home: Path, old: Signer) -> StagedRelease:
    made = staged(home / "stage")
    sign_release(made, old, TOOLS)
    return made


@pytest.fixture
def there(home: Path, release: StagedRelease) -> DirectoryDestination:
    """The release, published with the signature of the old key."""
    destination = DirectoryDestination(home / "published")
    publish(release, [destination])
    return destination


def trusting(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key) for one in signers))


def revoking(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key, revoked="stolen") for one in signers))


def said(destination: DirectoryDestination) -> dict[str, bytes]:
    return attestations.read(destination.folder(V140))


def snapshot(destination: DirectoryDestination) -> Mapping[str, tuple[bytes, int]]:
    """Every file, and when it was written."""
    folder = destination.folder(V140)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def signatures(envelope: bytes) -> list[str]:
    return [one["keyid"] for one in json.loads(envelope)["signatures"]]


def resigned(
    destination: DirectoryDestination, signer: Signer, trusted: TrustedKeys, *, replace: bool = True
) -> Signed:
    (result,) = resign([destination], V140, signer, Basis(trusted=trusted), replace=replace)
    return result


def test_a_new_key_takes_over(there: DirectoryDestination, old: Signer, new: Signer) -> None:
    before = said(there)
    assert resigned(there, new, trusting(old)).names == (PROVENANCE, SIGNATURE)
    after = said(there)
    assert signatures(after[PROVENANCE]) == [old.public_key.fingerprint, new.public_key.fingerprint]
    assert json.loads(after[PROVENANCE])["payload"] == json.loads(before[PROVENANCE])["payload"]
    for trusted in (trusting(new), trusting(old, new), trusting(new) | revoking(old)):
        found = find(there, "1.4.0", trusted)
        assert found.signed_by is not None
        assert found.signed_by.key == new.public_key
    # A file of a signature has room for one: those who trust the old key alone are asked to trust the new one.
    with pytest.raises(VerificationError, match=re.escape(f"not trusted, {new.public_key}")):
        find(there, "1.4.0", trusting(old))
    assert dsse.verify(after[PROVENANCE], trusting(old), "it").signed_by.key == old.public_key


def test_until_the_signature_is_replaced_the_old_key_is_enough(
    there: DirectoryDestination, old: Signer, new: Signer
) -> None:
    """What a run leaves that is killed in between."""
    before = said(there)
    resigned(there, new, trusting(old))
    (there.folder(V140) / SIGNATURE).write_bytes(before[SIGNATURE])
    for trusted in (trusting(old), trusting(old, new)):
        found = find(there, "1.4.0", trusted)
        assert found.signed_by is not None
        assert found.signed_by.key == old.public_key
    for trusted in (trusting(new), trusting(new) | revoking(old)):
        with pytest.raises(VerificationError):
            find(there, "1.4.0", trusted)
    assert resigned(there, new, trusting(old)).names == (SIGNATURE,)
    find(there, "1.4.0", trusting(new))


def test_without_being_asked_nothing_is_replaced(there: DirectoryDestination, old: Signer, new: Signer) -> None:
    before = snapshot(there)
    with pytest.raises(
        ConflictError, match=r"signed with another key, and SHA256SUMS\.sig would be replaced; add --replace"
    ):
        resigned(there, new, trusting(old), replace=False)
    assert snapshot(there) == before


def test_the_same_again_changes_nothing(there: DirectoryDestination, old: Signer, new: Signer) -> None:
    resigned(there, new, trusting(old))
    before = snapshot(there)
    for trusted in (trusting(old), trusting(new), revoking(old), TrustedKeys()):
        assert resigned(there, new, trusted, replace=False).names == ()
    assert snapshot(there) == before


def test_publishing_again_leaves_the_new_signature(
    there: DirectoryDestination, release: StagedRelease, old: Signer, new: Signer
) -> None:
    resigned(there, new, trusting(old))
    before = said(there)
    publish(release, [there])
    assert said(there) == before


@pytest.mark.parametrize(
    ("trusted", "problem"),
    [
        (lambda old, other: TrustedKeys(), "by a key that is not trusted"),
        (lambda old, other: trusting(other), "by a key that is not trusted"),
        (lambda old, other: trusting(old) | revoking(old), "was revoked: stolen"),
    ],
)
def test_nothing_is_signed_that_no_trusted_key_vouches_for(
    there: DirectoryDestination,
    old: Signer,
    new: Signer,
    home: Path,
    trusted: Callable[[Signer, Signer], TrustedKeys],
    problem: str,
) -> None:
    before = snapshot(there)
    other = key_of(make_key(home / "other"))
    with pytest.raises(VerificationError, match=f"^{there.name}: .*{problem}.*; if that key can still be trusted") as e:
        resigned(there, new, trusted(old, other))
    assert "--folder" in str(e.value)
    assert snapshot(there) == before


def test_provenance_is_vouched_for_too(there: DirectoryDestination, old: Signer, new: Signer, home: Path) -> None:
    stranger = key_of(make_key(home / "stranger"))
    statement = dsse.payload_of(said(there)[PROVENANCE], "it")
    (there.folder(V140) / PROVENANCE).write_bytes(dsse.sign(stranger, statement))
    with pytest.raises(VerificationError, match=r"provenance.* is not signed by a trusted key"):
        resigned(there, new, trusting(old))
    other = staged(home / "other", content=b"other")
    (there.folder(V140) / PROVENANCE).write_bytes(dsse.sign(old, provenance.statement(other.manifest, TOOLS)))
    with pytest.raises(VerificationError, match="is not about this release"):
        resigned(there, new, trusting(old))


def test_what_nobody_signed_is_signed_on_demand_only(home: Path, new: Signer, old: Signer) -> None:
    destination = DirectoryDestination(home / "unsigned")
    publish(staged(home / "plain"), [destination])
    with pytest.raises(
        VerificationError, match=r"1\.4\.0 in .*unsigned is not signed, .*--folder.*--insecure-unsigned"
    ):
        resigned(destination, new, trusting(old))
    basis = Basis(trusted=TrustedKeys(), unsigned=True)
    assert resign([destination], V140, new, basis)[0].names == (SIGNATURE,)
    find(destination, "1.4.0", trusting(new))


def test_on_demand_is_for_what_nobody_signed(there: DirectoryDestination, new: Signer) -> None:
    before = snapshot(there)
    basis = Basis(trusted=TrustedKeys(), unsigned=True)
    with pytest.raises(VerificationError, match="by a key that is not trusted"):
        resign([there], V140, new, basis, replace=True)
    assert snapshot(there) == before
    (there.folder(V140) / SIGNATURE).unlink()
    with pytest.raises(VerificationError, match="not signed by a trusted key"):
        resign([there], V140, new, basis, replace=True)


def test_after_a_theft_the_maintainers_own_copy_vouches(
    there: DirectoryDestination, release: StagedRelease, old: Signer, new: Signer
) -> None:
    basis = Basis(trusted=revoking(old), copy=release.directory)
    with pytest.raises(ConflictError, match=r"SHA256SUMS\.sig would be replaced"):
        resign([there], V140, new, basis)
    assert resign([there], V140, new, basis, replace=True)[0].names == (PROVENANCE, SIGNATURE)
    find(there, "1.4.0", trusting(new) | revoking(old))
    # Nobody who trusts the old key yet is left out of the provenance.
    assert signatures(said(there)[PROVENANCE]) == [old.public_key.fingerprint, new.public_key.fingerprint]
    assert resign([there], V140, new, basis)[0].names == ()


def forge_provenance(there: DirectoryDestination, release: StagedRelease, thief: Signer) -> bytes:
    """Say that other tools built it, and sign that."""
    forged = dsse.sign(thief, provenance.statement(release.manifest, {"go": "sha256:" + "e" * 64}))
    (there.folder(V140) / PROVENANCE).write_bytes(forged)
    return forged


def test_provenance_by_a_thief_gives_way_to_that_of_the_copy(
    there: DirectoryDestination, release: StagedRelease, old: Signer, new: Signer, home: Path
) -> None:
    forge_provenance(there, release, old)
    basis = Basis(trusted=revoking(old), copy=release.directory)
    with pytest.raises(ConflictError, match=r"SHA256SUMS\.sig and provenance\.intoto\.jsonl would be replaced"):
        resign([there], V140, new, basis)
    resign([there], V140, new, basis, replace=True)
    find(there, "1.4.0", trusting(new) | revoking(old))
    own = dsse.payload_of((release.directory / PROVENANCE).read_bytes(), "it")
    assert dsse.payload_of(said(there)[PROVENANCE], "it") == own


def test_provenance_that_nothing_vouches_for_is_not_signed(
    there: DirectoryDestination, release: StagedRelease, old: Signer, new: Signer
) -> None:
    (release.directory / PROVENANCE).unlink()
    before = snapshot(there)
    with pytest.raises(
        VerificationError, match=r"was revoked: stolen, and the copy has no provenance.*build the release"
    ):
        resign([there], V140, new, Basis(trusted=revoking(old), copy=release.directory), replace=True)
    assert snapshot(there) == before
    # With a key that may still be believed it is.
    resign([there], V140, new, Basis(trusted=trusting(old), copy=release.directory), replace=True)
    find(there, "1.4.0", trusting(new))


def test_a_copy_brings_its_provenance(home: Path, release: StagedRelease, new: Signer) -> None:
    destination = DirectoryDestination(home / "unsigned")
    publish(staged(home / "plain"), [destination])
    assert resign([destination], V140, new, Basis(trusted=TrustedKeys(), copy=release.directory))[0].names == (
        PROVENANCE,
        SIGNATURE,
    )
    find(destination, "1.4.0", trusting(new))


def test_a_copy_is_this_release_to_the_last_byte(
    there: DirectoryDestination, release: StagedRelease, old: Signer, new: Signer, home: Path
) -> None:
    before = snapshot(there)
    other = staged(home / "other", content=b"other")
    with pytest.raises(ConflictError, match=r"with another release\.json than .*other holds; do not sign it"):
        resign([there], V140, new, Basis(trusted=trusting(old), copy=other.directory), replace=True)
    later = staged(home / "later", "1.5.0")
    with pytest.raises(ConflictError, match=r"later holds 1\.5\.0, not 1\.4\.0"):
        resign([there], V140, new, Basis(trusted=trusting(old), copy=later.directory), replace=True)
    altered = next(path for path in release.directory.iterdir() if path.suffix == ".zip")
    altered.write_bytes(b"altered")
    with pytest.raises(VerificationError, match=altered.name):
        resign([there], V140, new, Basis(trusted=trusting(old), copy=release.directory), replace=True)
    assert snapshot(there) == before


def test_a_revoked_key_signs_nothing(there: DirectoryDestination, old: Signer, new: Signer) -> None:
    before = snapshot(there)
    with pytest.raises(SigningError, match=re.escape(f"{new.public_key} was revoked: stolen; sign with")):
        resigned(there, new, trusting(old, new) | revoking(new))
    assert snapshot(there) == before


def test_all_are_checked_before_the_first_one_changes(
    there: DirectoryDestination, release: StagedRelease, old: Signer, new: Signer, home: Path
) -> None:
    second, stranger = DirectoryDestination(home / "second"), key_of(make_key(home / "stranger"))
    before = snapshot(there)
    with pytest.raises(VersionError, match=r"1\.4\.0 is not published in .*second"):
        resign([there, second], V140, new, Basis(trusted=trusting(old)), replace=True)
    assert not (home / "second").exists()
    publish(release, [second])
    shutil.copy(second.folder(V140) / "release.json", home / "kept")
    sign_release(replace(release, directory=second.folder(V140)), stranger)
    with pytest.raises(VerificationError, match=r"second: .*not trusted"):
        resign([there, second], V140, new, Basis(trusted=trusting(old)), replace=True)
    assert snapshot(there) == before
    results = resign([there, second], V140, new, Basis(trusted=trusting(old, stranger)), replace=True)
    assert [(one.destination, one.names) for one in results] == [
        (there.name, (PROVENANCE, SIGNATURE)),
        (second.name, (PROVENANCE, SIGNATURE)),
    ]


def test_another_release_in_its_place_is_refused(there: DirectoryDestination, old: Signer, new: Signer) -> None:
    """An old release is signed by a trusted key too."""
    shutil.copytree(there.folder(V140), there.folder(parse("1.5.0")))
    with pytest.raises(VerificationError, match=r"release\.json of 1\.4\.0 in the place of 1\.5\.0"):
        resign([there], parse("1.5.0"), new, Basis(trusted=trusting(old)), replace=True)


@dataclass(frozen=True)
class Overtaken:
    """A key that takes so long to sign that somebody else does something meanwhile."""

    signer: Signer
    meanwhile: Callable[[], object]

    @property
    def public_key(self) -> PublicKey:
        return self.signer.public_key

    def sign(self, message: bytes) -> bytes:
        self.meanwhile()
        return self.signer.sign(message)


def test_what_another_writes_meanwhile_is_not_lost(
    there: DirectoryDestination, old: Signer, new: Signer, home: Path
) -> None:
    third = key_of(make_key(home / "third"))
    slow = Overtaken(new, lambda: resigned(there, third, trusting(old)))
    with pytest.raises(DestinationError, match=r"provenance.* of 1\.4\.0 in .* was changed by another; run again"):
        resigned(there, slow, trusting(old))
    assert signatures(said(there)[PROVENANCE])[1:] == [third.public_key.fingerprint]
    resigned(there, new, trusting(third))
    find(there, "1.4.0", trusting(new))
    assert len(signatures(said(there)[PROVENANCE])) == 3


def test_the_command(there: DirectoryDestination, new: Signer, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["sign", "1.4.0", "--to", "published", "--sign-with", "new", "--key", "old.pub"]
    with pytest.raises(ConflictError):
        main(line)
    capsys.readouterr()
    main([*line, "--replace"])
    assert capsys.readouterr().out == f"signed in published: version 1.4.0, {PROVENANCE}, {SIGNATURE}\n"
    main([*line, "--to", "published"])
    assert capsys.readouterr().out == "signed before in published: version 1.4.0\n" * 2
    main([*line, "--json"])
    assert json.loads(capsys.readouterr().out) == [{"destination": "published", "version": "1.4.0", "signed": []}]
    main(["fetch", "1.4.0", "--from", "published", "--key", "new.pub", "--into", "fetched"])


def test_the_command_signs_what_nobody_signed(home: Path, new: Signer, capsys: pytest.CaptureFixture[str]) -> None:
    publish(staged(home / "plain"), [DirectoryDestination(home / "published")])
    main(["sign", "1.4.0", "--to", "published", "--sign-with", "new", "--insecure-unsigned"])
    assert capsys.readouterr().out == f"signed in published: version 1.4.0, {SIGNATURE}\n"


def test_the_command_takes_keys_from_the_config_and_a_folder(
    there: DirectoryDestination, new: Signer, home: Path
) -> None:
    config = home / "config/tesseral-release/config.toml"
    config.parent.mkdir(parents=True)
    entry = f'[[trusted-keys]]\nkey = "{(home / "old.pub").read_text().strip()}"\n'
    config.write_text(f'{entry}revoked = "stolen"\n')
    line = ["sign", "1.4.0", "--to", "published", "--sign-with", "new", "--replace"]
    with pytest.raises(VerificationError, match="was revoked: stolen"):
        main(line)
    main([*line, "--folder", "stage"])
    main(["fetch", "1.4.0", "--from", "published", "--key", "new.pub"])


def test_statuses(there: DirectoryDestination, new: Signer, home: Path) -> None:
    def status(*more: str) -> int:
        keys = ("--to", home / "published", "--sign-with", home / "new")
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = run("sign", "1.4.0", *keys, *more, env=env)
        assert b"Traceback" not in done.stderr
        return done.returncode

    old = str(home / "old.pub")
    assert status() == 10
    assert status("--key", old) == 7
    assert status("--key", old, "--folder", str(home)) == 10
    assert status("--key", old, "--to", str(home / "other"), "--replace") == 5
    assert status("--key", old, "--replace") == 0

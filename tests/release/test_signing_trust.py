"""Whose signatures count: several keys, keys that count no more, and where they are listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried
from signing_support import KINDS, key_of, make_key, ssh_keygen_signs

from release.errors import UsageError, VerificationError
from release.signing import CHANNEL, RELEASE, TrustedKey, TrustedKeys, keys, sign, trusted_keys
from release.signing.config import config_path, read_config
from release.signing.private import PrivateKey

MESSAGE = b"a list\n"
REASON = "lost with a laptop in May"


@pytest.fixture
def old(tmp_path: Path) -> PrivateKey:
    """The key of last year."""
    return key_of(make_key(tmp_path / "old", comment="2025"))


@pytest.fixture
def new(tmp_path: Path) -> PrivateKey:
    """The key of this year."""
    return key_of(make_key(tmp_path / "new", *KINDS["ed25519"], comment="2026"))


def config(folder: Path, *entries: str) -> Path:
    path = folder / "config.toml"
    path.write_text("".join(f"[[trusted-keys]]\n{entry}\n" for entry in entries))
    return path


def entry(key: PrivateKey, name: str, revoked: str | None = None) -> str:
    return f'key = "{key.public_key.openssh()}"\nname = "{name}"\n' + (f'revoked = "{revoked}"\n' if revoked else "")


def test_both_keys_count_while_keys_change(old: PrivateKey, new: PrivateKey, tmp_path: Path) -> None:
    trusted = trusted_keys(config=config(tmp_path, entry(old, "of 2025"), entry(new, "of 2026")))
    assert trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE).name == "of 2025"
    assert trusted.verify(sign(new, MESSAGE, RELEASE), MESSAGE, RELEASE).name == "of 2026"


def test_a_revoked_key_is_refused_with_its_reason(old: PrivateKey, new: PrivateKey, tmp_path: Path) -> None:
    trusted = trusted_keys(config=config(tmp_path, entry(old, "of 2025", REASON), entry(new, "of 2026")))
    with pytest.raises(VerificationError) as caught:
        trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE, place="SHA256SUMS.sig")
    assert str(caught.value) == (
        f"SHA256SUMS.sig is by {old.public_key.fingerprint} (of 2025), which was revoked: {REASON}; "
        "do not use what it signed; ask where you got it"
    )
    assert trusted.verify(sign(new, MESSAGE, RELEASE), MESSAGE, RELEASE).name == "of 2026"


def test_what_the_config_revokes_is_revoked_for_files_too(old: PrivateKey, new: PrivateKey, tmp_path: Path) -> None:
    path = config(tmp_path, entry(old, "", REASON).replace('name = ""\n', ""))
    trusted = trusted_keys([tmp_path / "old.pub", tmp_path / "new.pub"], config=path)
    with pytest.raises(VerificationError, match=f"which was revoked: {REASON}"):
        trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE)
    with pytest.raises(VerificationError, match=f"which was revoked: {REASON}"):
        trusted.verify_any([old.sign(MESSAGE)], MESSAGE, RELEASE, place="it")
    assert trusted.verify_any([new.sign(MESSAGE)], MESSAGE, RELEASE, place="it").name == "2026"
    # The second signature does no harm, in either order.
    for signatures in ([old.sign(MESSAGE), new.sign(MESSAGE)], [new.sign(MESSAGE), old.sign(MESSAGE)]):
        assert trusted.verify_any(signatures, MESSAGE, RELEASE, place="it").key == new.public_key


def test_files_take_the_place_of_the_config(old: PrivateKey, new: PrivateKey, tmp_path: Path) -> None:
    trusted = trusted_keys([tmp_path / "new.pub"], config=config(tmp_path, entry(old, "of 2025")))
    with pytest.raises(VerificationError) as caught:
        trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE, place="SHA256SUMS.sig")
    assert str(caught.value) == (
        f"SHA256SUMS.sig is by a key that is not trusted, {old.public_key.fingerprint}; "
        "if the maintainers confirm it, name it with --key or under trusted-keys in the config"
    )
    with pytest.raises(VerificationError, match="it is not signed by a trusted key, or was altered"):
        trusted.verify_any([old.sign(MESSAGE)], MESSAGE, RELEASE, place="it")


def test_the_only_key_is_revoked(old: PrivateKey, tmp_path: Path) -> None:
    trusted = trusted_keys(config=config(tmp_path, entry(old, "of 2025", REASON)))
    with pytest.raises(VerificationError, match=f"which was revoked: {REASON}"):
        trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE)


def test_no_trusted_key(old: PrivateKey, tmp_path: Path) -> None:
    trusted = trusted_keys(config=tmp_path / "none")
    calls: tuple[Callable[[], TrustedKey], ...] = (
        lambda: trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE),
        lambda: trusted.verify_any([old.sign(MESSAGE)], MESSAGE, RELEASE, place="it"),
    )
    for call in calls:
        with pytest.raises(VerificationError) as caught:
            call()
        assert str(caught.value) == (
            "no trusted key is configured; name the maintainers' with --key FILE or under trusted-keys in the config, "
            "or take what nobody signed with --insecure-unsigned"
        )


def test_a_key_that_counts_for_channels_only(old: PrivateKey, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f'bot@example.com namespaces="{CHANNEL}" {old.public_key.openssh()}\n')
    trusted = trusted_keys([allowed], config=tmp_path / "none")
    assert trusted.verify(sign(old, MESSAGE, CHANNEL), MESSAGE, CHANNEL).name == "bot@example.com"
    with pytest.raises(VerificationError, match=r"\(bot@example.com\), which is not trusted for 'tesseral-release'"):
        trusted.verify(sign(old, MESSAGE, RELEASE), MESSAGE, RELEASE)
    with pytest.raises(VerificationError, match="which is not trusted for 'tesseral-release'"):
        trusted.verify_any([old.sign(MESSAGE)], MESSAGE, RELEASE, place="it")


def test_a_signature_of_ssh_keygen_and_a_file_in_pem(new: PrivateKey, tmp_path: Path) -> None:
    pem = tmp_path / "new.pem"
    pem.write_bytes(new.public_key.pem())
    trusted = trusted_keys([pem], config=tmp_path / "none")
    assert trusted.verify(ssh_keygen_signs(tmp_path / "new", MESSAGE), MESSAGE, RELEASE).key == new.public_key


def test_the_place_of_the_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert config_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/tesseral-release/config.toml")
    monkeypatch.setenv("HOME", str(tmp_path))
    for environment in ({}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "relative"}):
        assert config_path(environment) == tmp_path / ".config/tesseral-release/config.toml"


def test_no_config_is_no_key(tmp_path: Path) -> None:
    assert read_config(tmp_path / "none" / "config.toml") == TrustedKeys()
    (tmp_path / "config.toml").write_text("[other]\nx = 1\n")
    assert read_config(tmp_path / "config.toml") == TrustedKeys()


LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9ZgfDG1dVpjJmvI3Qns0EtD/lOSOhpAB4FOVIF9/iU"


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ("x", UsageError, "is no TOML"),
        ("a = " + "[" * 5000, UsageError, "is no TOML"),
        ("\xff", UsageError, "is no TOML"),
        ("trusted-keys = 1", UsageError, "trusted-keys is not of the form"),
        ("trusted-keys = [1]", UsageError, "trusted-keys 1 is not of the form"),
        (
            f'[[trusted-keys]]\nkey = "{LINE}"\n[[trusted-keys]]\nname = "x"',
            UsageError,
            "trusted-keys 2 is not of the form",
        ),
        (f'[[trusted-keys]]\nkey = "{LINE}"\nrevokd = "x"', UsageError, "trusted-keys 1 is not of the form"),
        (f'[[trusted-keys]]\nkey = "{LINE}"\nrevoked = true', UsageError, "trusted-keys 1 is not of the form"),
        (f'[[trusted-keys]]\nkey = "{LINE}"\nrevoked = ""', UsageError, "trusted-keys 1 is not of the form"),
        (f'[[trusted-keys]]\nkey = "{LINE}"\nname = "\\u001b[2J"', UsageError, "trusted-keys 1 is not of the form"),
        ('[[trusted-keys]]\nkey = "x"', VerificationError, r"config.toml, trusted-keys 1, is no public key"),
    ],
)
def test_a_config_that_is_not_right(text: str, error: type[Exception], problem: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(error, match=problem):
        read_config(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: No such file or directory; name a file of public keys"):
        trusted_keys([tmp_path / "none"], config=tmp_path / "none")
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(UsageError, match=r"config.toml cannot be read: Is a directory"):
        trusted_keys(config=tmp_path / "config.toml")


_secret = ec.derive_private_key(7, ec.SECP256R1())
FIXED = TrustedKeys((TrustedKey(key=keys.of(_secret.public_key(), "the fixed key")),))


@unhurried
@given(st.binary() | st.tuples(st.integers(0), st.integers(0)).map(lambda pair: encode_dss_signature(*pair)))
def test_any_other_signature_is_an_error(data: bytes) -> None:
    with pytest.raises(VerificationError):
        FIXED.verify_any([data], MESSAGE, RELEASE, place="it")

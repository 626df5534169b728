"""Private keys: which are read, who may read them, and who is asked for a passphrase."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried
from signing_support import KINDS, key_of, make_key, openssl, openssl_accepts

from release.errors import SigningError, UsageError
from release.signing import open_signer, private
from release.signing.passphrase import VARIABLE

SECRET = "open sesame"


def asked(_place: str) -> bytes:
    return SECRET.encode()


def never(place: str) -> bytes:
    raise AssertionError(place)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key that is not encrypted."""
    return make_key(tmp_path / "key")


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    """A key that is encrypted."""
    return make_key(tmp_path / "encrypted", passphrase=SECRET)


def as_pem(key: Path, *options: str) -> Path:
    """The same key as openssl writes it."""
    plain, pem = key.with_suffix(".plain"), key.with_suffix(".openssl")
    plain.write_bytes(key.read_bytes())
    plain.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "", "-m", "pem", "-f", plain], check=True)
    subprocess.run([openssl(), *options, "-in", plain, "-out", pem], check=True, capture_output=True)
    pem.chmod(0o600)
    return pem


@pytest.mark.parametrize("options", [("pkcs8", "-topk8", "-nocrypt"), ("ec",)])
def test_other_forms_of_the_same_key(key: Path, options: tuple[str, ...]) -> None:
    assert private.read(as_pem(key, *options), never).public_key == key_of(key).public_key


def test_encrypted_forms(key: Path, encrypted: Path, tmp_path: Path) -> None:
    pem = as_pem(key, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{SECRET}")
    assert private.read(pem, asked).public_key == key_of(key).public_key
    signature = private.read(encrypted, asked).sign(b"m")
    assert openssl_accepts(private.read(encrypted, asked).public_key, signature, b"m", tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_accepts_signatures(kind: str, tmp_path: Path) -> None:
    signer = open_signer(str(make_key(tmp_path / "key", *KINDS[kind])))
    assert openssl_accepts(signer.public_key, signer.sign(b"m"), b"m", tmp_path)
    assert not openssl_accepts(signer.public_key, signer.sign(b"m"), b"n", tmp_path)


@pytest.mark.parametrize("passphrase", ["wrong", ""])
def test_a_wrong_passphrase(encrypted: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str) -> None:
    monkeypatch.setenv(VARIABLE, passphrase)
    with pytest.raises(SigningError) as caught:
        open_signer(str(encrypted))
    assert str(caught.value) == f"the key {encrypted} cannot be decrypted; check the passphrase"
    assert caught.value.exit_status == 11


def test_the_passphrase_of_the_environment(encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    assert open_signer(str(encrypted)).sign(b"m")


def test_nobody_to_ask(encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(SigningError, match=f"is encrypted, and there is no terminal to ask for it; set {VARIABLE}"):
            open_signer(str(encrypted))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_read(key: Path, mode: int) -> None:
    key.chmod(mode)
    with pytest.raises(SigningError) as caught:
        open_signer(str(key))
    assert str(caught.value) == f"others can read the key {key}, its mode is {mode:04o}; run `chmod 600 {key}`"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_only_its_owner_can_read(key: Path, mode: int) -> None:
    key.chmod(mode)
    assert open_signer(str(key))


def test_the_key_of_the_environment(key: Path, encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", f"\n{key.read_text().strip()}")
    assert open_signer("env:A_KEY").public_key == key_of(key).public_key
    monkeypatch.setenv("A_KEY", encrypted.read_text())
    monkeypatch.setenv(VARIABLE, SECRET)
    assert open_signer("env:A_KEY").sign(b"m")


@pytest.mark.parametrize("value", [None, ""])
def test_no_key_in_the_environment(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("A_KEY", value)
    with pytest.raises(SigningError, match="the environment variable A_KEY holds no key; set it"):
        open_signer("env:A_KEY")


def test_a_key_on_the_command_line_is_refused_and_not_repeated(key: Path) -> None:
    with pytest.raises(UsageError, match="not taken from the command line") as caught:
        open_signer(key.read_text())
    assert key.read_text().splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("text", ["", "a\0b", "gcpkms://x", "file:///key"])
def test_texts_that_name_no_key(text: str) -> None:
    with pytest.raises(UsageError, match="names no key; give a file"):
        open_signer(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(SigningError, match=f"the key {path} cannot be read: {why}"):
            open_signer(str(path))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("-t", "rsa", "-b", "2048"), "RSA"),
        (("-t", "ecdsa", "-b", "384"), "EC secp384r1"),
        (("-t", "rsa", "-b", "2048", "-m", "pem"), "RSA"),
    ],
)
def test_other_kinds_are_refused_by_name(options: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", *options)
    with pytest.raises(SigningError) as caught:
        open_signer(str(path))
    assert str(caught.value) == (
        f"the key {path} holds a key of the kind '{kind}', which is not taken; "
        "use ECDSA P-256 or Ed25519, such as `tesseral-release keygen` makes"
    )


def test_files_that_hold_no_private_key(key: Path) -> None:
    for data in (b"", b"hello", key.with_suffix(".pub").read_bytes(), key_of(key).public_key.pem()):
        with pytest.raises(SigningError, match="it is no private key that can be read; use OpenSSH's form or PEM"):
            private.parse(data, "it", never)
    with pytest.raises(SigningError, match="too large"):
        private.parse(bytes(70_000), "it", never)


def test_a_key_that_is_cut(key: Path, encrypted: Path) -> None:
    for path in (key, as_pem(key, "pkcs8", "-topk8", "-nocrypt"), encrypted):
        data = path.read_bytes()
        for length in range(0, len(data) - 1, 7):
            with pytest.raises(SigningError, match=r"it is no private key|it cannot be decrypted"):
                private.parse(data[:length], "it", asked)


def test_the_secret_is_not_printed(key: Path) -> None:
    assert "key=" not in repr(key_of(key)).replace("public_key=", "")


@unhurried
@given(st.binary() | st.binary().map(lambda data: b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + data))
def test_anything_is_a_key_or_an_error(data: bytes) -> None:
    with pytest.raises(SigningError):
        private.parse(data, "it", asked)

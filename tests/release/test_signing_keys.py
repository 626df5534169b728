"""Public keys: read from what others write, named as others name them, refused with a sentence."""

from __future__ import annotations

import base64
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from release_samples import unhurried
from signing_support import KINDS, key_of, make_key, openssl, ssh_keygen

from release.errors import VerificationError
from release.signing import TrustedKey, keyfile, wire
from release.signing.keys import PublicKey, from_blob, from_spki

NIST = "ecdsa-sha2-nistp256"
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIB9ZgfDG1dVpjJmvI3Qns0EtD/lOSOhpAB4FOVIF9/iU"
LINE = f"ssh-ed25519 {KEY}"


def output(*command: str | Path) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


def read(text: str | bytes) -> tuple[TrustedKey, ...]:
    return keyfile.parse(text if isinstance(text, bytes) else text.encode(), "keys")


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_forms_are_those_of_ssh_keygen(kind: str, tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", *KINDS[kind], comment="a b")
    public = tmp_path / "key.pub"
    (known,) = keyfile.parse(public.read_bytes(), "key.pub")
    assert known.name == "a b"
    assert known.key.fingerprint == output(ssh_keygen(), "-lf", public).decode().split()[1]
    assert known.key.openssh("a b") + "\n" == public.read_text()
    assert known.key == key_of(path).public_key == from_blob(known.key.blob, "blob")


@pytest.mark.parametrize("kind", KINDS)
def test_pem_is_what_openssl_reads(kind: str, tmp_path: Path) -> None:
    key = key_of(make_key(tmp_path / "key", *KINDS[kind])).public_key
    pem, der = tmp_path / "key.pem", tmp_path / "key.der"
    pem.write_bytes(key.pem())
    assert output(openssl(), "pkey", "-pubin", "-in", pem, "-pubout") == key.pem()
    output(openssl(), "pkey", "-pubin", "-in", pem, "-pubout", "-outform", "DER", "-out", der)
    assert from_spki(der.read_bytes(), "der") == key
    assert [known.key for known in read(key.pem())] == [key]


def test_a_message_that_was_altered(tmp_path: Path) -> None:
    for kind, options in KINDS.items():
        key = key_of(make_key(tmp_path / kind, *options))
        signature = key.sign(b"m")
        assert signature == key.sign(b"m")
        assert key.public_key.verifies(signature, b"m")
        assert not key.public_key.verifies(signature, b"n")
        assert not key.public_key.verifies(signature[:-1], b"m")
        assert not key.public_key.verifies(b"", b"m")


def test_a_file_of_several_keys() -> None:
    text = f'# who\n\n{LINE} one\r\nanna,*@example.com {LINE}\n  x namespaces="tesseral-release,file" {LINE} y\n'
    found = read(text)
    assert [known.name for known in found] == ["one", "anna,*@example.com", "x"]
    assert [known.namespaces for known in found] == [(), (), ("tesseral-release", "file")]
    assert {known.key.openssh() for known in found} == {LINE}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("-t", "rsa", "-b", "2048"), "'ssh-rsa'"),
        (("-t", "ecdsa", "-b", "384"), "'ecdsa-sha2-nistp384'"),
    ],
)
def test_other_kinds_are_refused_by_name(options: tuple[str, ...], word: str, tmp_path: Path) -> None:
    make_key(tmp_path / "key", *options)
    public = tmp_path / "key.pub"
    with pytest.raises(VerificationError) as caught:
        keyfile.parse(public.read_bytes(), "key.pub")
    assert str(caught.value) == (
        f"key.pub, line 1, holds a key of the kind {word}, which is not taken; "
        "use ECDSA P-256 or Ed25519, such as `tesseral-release keygen` makes"
    )
    pem = output(ssh_keygen(), "-e", "-m", "pkcs8", "-f", public)
    with pytest.raises(VerificationError, match=r"holds a key of the kind '(RSA|EC secp384r1)'"):
        read(pem)


def test_a_private_key_by_mistake(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"keys holds a private key; name the file of its public half"):
        read(make_key(tmp_path / "key").read_bytes())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("hello\n", "line 1, is no public key"),
        (f"{LINE}\nssh-ed25519\n", "line 2, is no public key"),
        ("ssh-ed25519 AAAA*AAA\n", "not base64"),
        ("ssh-ed25519 AAAA\n", "ends too early"),
        (f"ssh-ed25519 {KEY[:-8]}\n", "ends too early"),
        (f"ssh-ed25519 {KEY}AAAA\n", "something follows its end"),
        ("ssh-dss AAAAB3NzaC1kc3M=\n", "of the kind 'ssh-dss', which is not taken"),
        (f"{NIST} {KEY}\n", f"says {NIST} and holds ssh-ed25519"),
        (f"a cert-authority {LINE}\n", "has the options cert-authority"),
        (f'a valid-before="2026" {LINE}\n', "of which only"),
        (f'a namespaces="*" {LINE}\n', "of which only"),
        (f"{LINE} \x1b[2J\n", "cannot be printed"),
        (f"{LINE} {'x' * 201}\n", "cannot be printed"),
        (b"\xff", "is no text"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "that can be read"),
        ("# \n" * 100_000, "too large"),
    ],
)
def test_what_is_no_key(text: str | bytes, problem: str) -> None:
    with pytest.raises(VerificationError, match=problem):
        read(text)


def blob(*fields: bytes) -> bytes:
    return b"".join(map(wire.string, fields))


@pytest.mark.parametrize(
    "data",
    [
        blob(NIST.encode(), b"nistp384", b"\4" + bytes(64)),
        blob(NIST.encode(), b"nistp256", b"\4" + bytes(64)),  # not on the curve
        blob(NIST.encode(), b"nistp256", b"\0"),  # infinity
        # A point of the curve, but compressed: another name for the same key.
        blob(
            NIST.encode(),
            b"nistp256",
            bytes.fromhex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        ),
        blob(b"ssh-ed25519", bytes(31)),
        blob(b"\xff"),
        b"\xff\xff\xff\xff",
        bytes(9000),
    ],
)
def test_what_is_no_key_of_ssh(data: bytes) -> None:
    with pytest.raises(VerificationError, match="holds no SSH public key"):
        from_blob(data, "it")


SOME_BLOB = base64.b64decode(KEY)


@unhurried
@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: f"{text} {LINE} {text}".encode()))
@example(b"-----BEGIN PUBLIC KEY-----")
@example(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
def test_any_file_is_keys_or_an_error(data: bytes) -> None:
    with suppress(VerificationError):
        assert keyfile.parse(data, "it")


@unhurried
@given(
    st.binary()
    | st.tuples(st.integers(0, len(SOME_BLOB)), st.binary(max_size=9)).map(lambda at: SOME_BLOB[: at[0]] + at[1])
)
def test_any_blob_is_a_key_or_an_error(data: bytes) -> None:
    with suppress(VerificationError):
        assert from_blob(data, "it") == PublicKey(data)


@given(st.integers(0, 2**300))
def test_numbers(number: int) -> None:
    assert wire.Reader(wire.mpint(number)).mpint() == number


@pytest.mark.parametrize("data", [b"\x80", b"\0", b"\0\1"])
def test_numbers_have_one_form(data: bytes) -> None:
    with pytest.raises(ValueError, match="negative or not in its shortest form"):
        wire.Reader(wire.string(data)).mpint()

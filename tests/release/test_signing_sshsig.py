"""SSH signatures: ssh-keygen accepts ours, we accept its, and neither accepts more than that."""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st
from release_samples import unhurried
from signing_support import KINDS, key_of, make_key, ssh_keygen_accepts, ssh_keygen_signs

from release.errors import VerificationError
from release.signing import CHANNEL, RELEASE, TrustedKey, TrustedKeys, keys, sshsig, wire
from release.signing.private import PrivateKey

MESSAGE = b"0123  file\n" * 100
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"

_fixed = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FIXED = PrivateKey(public_key=keys.of(_fixed.public_key(), "the fixed key"), key=_fixed)
SIGNATURE = sshsig.sign(FIXED, MESSAGE, RELEASE)
TRUSTED = TrustedKeys((TrustedKey(key=FIXED.public_key),))


def armored(data: bytes) -> bytes:
    return "\n".join((BEGIN, *textwrap.wrap(base64.b64encode(data).decode(), 70), END, "")).encode()


def inside(signature: bytes) -> bytes:
    return base64.b64decode(b"".join(signature.split(b"\n")[1:-2]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", [MESSAGE, b""])
def test_ssh_keygen_accepts_ours(kind: str, message: bytes, tmp_path: Path) -> None:
    key = key_of(make_key(tmp_path / "key", *KINDS[kind]))
    for _ in range(8):  # numbers of ECDSA with and without a zero in front
        message += b"."
        signature = sshsig.sign(key, message, RELEASE)
        assert ssh_keygen_accepts(key.public_key, signature, message, tmp_path)
    assert not ssh_keygen_accepts(key.public_key, signature, message + b"x", tmp_path)
    assert not ssh_keygen_accepts(key.public_key, signature, message, tmp_path, CHANNEL)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [(), ("-Ohashalg=sha256",), ("-Ohashalg=sha512",)])
def test_we_accept_those_of_ssh_keygen(kind: str, options: tuple[str, ...], tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", *KINDS[kind])
    key = key_of(path).public_key
    signature = ssh_keygen_signs(path, MESSAGE, RELEASE, *options)
    trusted = TrustedKeys((TrustedKey(key=key),))
    assert trusted.verify(signature, MESSAGE, RELEASE).key == key
    with pytest.raises(
        VerificationError, match=r"is not by SHA256:.*, or what it signed was altered; fetch both again"
    ):
        trusted.verify(signature, MESSAGE + b"x", RELEASE)
    with pytest.raises(VerificationError, match="was made for 'tesseral-release', not for 'tesseral-channel'"):
        trusted.verify(signature, MESSAGE, CHANNEL)


def test_ours_are_those_of_ssh_keygen_to_the_byte(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", *KINDS["ed25519"])
    assert sshsig.sign(key_of(path), MESSAGE, RELEASE) == ssh_keygen_signs(path, MESSAGE, RELEASE)


def test_a_signature_by_a_kind_that_is_not_taken(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", "-t", "rsa", "-b", "4096")
    with pytest.raises(VerificationError, match="it holds a key of the kind 'ssh-rsa', which is not taken"):
        TRUSTED.verify(ssh_keygen_signs(path, MESSAGE), MESSAGE, RELEASE, place="it")


def replaced(**fields: bytes) -> bytes:
    """The fixed signature with other fields."""
    reader = wire.Reader(inside(SIGNATURE)[10:])
    names = ("key", "namespace", "reserved", "hash", "signature")
    all_fields = {name: reader.string() for name in names} | fields
    return armored(b"SSHSIG\0\0\0\1" + b"".join(wire.string(all_fields[name]) for name in names))


def test_the_helper_changes_nothing_else() -> None:
    assert TRUSTED.verify(replaced(), MESSAGE, RELEASE).key == FIXED.public_key


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        (b"", "it is not base64 between"),
        (SIGNATURE + b"x", "it is not base64 between"),
        (SIGNATURE.replace(b"\n", b"\r\n"), "it is not base64 between"),
        (SIGNATURE.replace(b"SSH", b"PGP"), "it is not base64 between"),
        (SIGNATURE[: len(SIGNATURE) // 2], "it is not base64 between"),
        (b"\xff" * 100, "it is not base64 between"),
        (SIGNATURE * 1000, "it is too long"),
        (armored(inside(SIGNATURE)[:-1]), "it ends too early"),
        (armored(inside(SIGNATURE) + b"x"), "something follows its end"),
        (armored(b"SSHSIG\0\0\0\2" + inside(SIGNATURE)[10:]), "it is not of version 1"),
        (armored(b"GITSIG\0\0\0\1" + inside(SIGNATURE)[10:]), "it is not of version 1"),
        (replaced(reserved=b"x"), "its reserved field is not empty"),
        (replaced(hash=b"md5"), "neither sha512 nor sha256"),
        (replaced(hash=b"\xff"), "codec"),
        (replaced(namespace=b"\xff"), "codec"),
        (replaced(key=b""), "ends too early"),
        (replaced(signature=wire.string(b"ecdsa-sha2-nistp256") + wire.string(b"")), "of another kind than its key"),
        (replaced(signature=wire.string(b"ssh-ed25519") + wire.string(bytes(64)) + b"x"), "something follows its end"),
        (replaced(signature=wire.string(b"ssh-ed25519") + wire.string(bytes(64))), "or what it signed was altered"),
        (replaced(signature=wire.string(b"ssh-ed25519") + wire.string(bytes(63))), "or what it signed was altered"),
        (replaced(namespace=CHANNEL.encode()), "was made for 'tesseral-channel'"),
        (replaced(hash=b"sha256"), "or what it signed was altered"),
    ],
)
def test_what_is_no_good(signature: bytes, problem: str) -> None:
    with pytest.raises(VerificationError, match=problem):
        TRUSTED.verify(signature, MESSAGE, RELEASE)


def test_a_missing_line_feed_at_the_end_does_no_harm() -> None:
    assert TRUSTED.verify(SIGNATURE[:-1], MESSAGE, RELEASE)


@unhurried
@given(st.binary(max_size=300) | st.binary(max_size=300).map(armored))
@example(armored(b"SSHSIG\0\0\0\1\xff\xff\xff\xff"))
def test_anything_else_is_an_error(data: bytes) -> None:
    with pytest.raises(VerificationError):
        TRUSTED.verify(data, MESSAGE, RELEASE)


@unhurried
@given(st.integers(0, len(inside(SIGNATURE)) - 1), st.integers(1, 255))
def test_every_byte_counts(at: int, change: int) -> None:
    data = bytearray(inside(SIGNATURE))
    data[at] ^= change
    with pytest.raises(VerificationError):
        TRUSTED.verify(armored(bytes(data)), MESSAGE, RELEASE)

"""DSSE envelopes: openssl and securesystemslib accept ours, we accept theirs."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError as TheirError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined] # though documented
from signing_support import KINDS, key_of, make_key, openssl_accepts

from release import canonical
from release.errors import VerificationError
from release.signing import TrustedKey, TrustedKeys, dsse, keys
from release.signing.keys import PublicKey
from release.signing.private import PrivateKey

PAYLOAD = b'{"a":"b"}\n'

_secret = ec.derive_private_key(7, ec.SECP256R1())


def key_of_number(number: int) -> PrivateKey:
    """The same key every time."""
    secret = ec.derive_private_key(number, ec.SECP256R1())
    return PrivateKey(public_key=keys.of(secret.public_key(), "a fixed key"), key=secret)


FIXED = key_of_number(7)
TRUSTED = TrustedKeys((TrustedKey(key=FIXED.public_key, name="fixed"),))
ENVELOPE = dsse.sign(FIXED, PAYLOAD)


def document() -> Any:
    return json.loads(ENVELOPE)


def verify(value: object) -> dsse.Payload:
    return dsse.verify(canonical.dumps(value), TRUSTED, "it")


def theirs(key: PublicKey) -> SSlibKey:
    """The key as securesystemslib knows it, by our name for it."""
    return SSlibKey.from_crypto(keys._load(key.blob), keyid=key.fingerprint)


def test_the_example_of_the_specification() -> None:
    # protocol.md, "Test Vectors"
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_others_accept_ours(kind: str, tmp_path: Path) -> None:
    key = key_of(make_key(tmp_path / "key", *KINDS[kind]))
    envelope = dsse.sign(key, PAYLOAD)
    signature = base64.b64decode(json.loads(envelope)["signatures"][0]["sig"])
    assert openssl_accepts(key.public_key, signature, dsse.pae(dsse.IN_TOTO, PAYLOAD), tmp_path)
    read = Envelope.from_dict(json.loads(envelope))
    assert read.payload == PAYLOAD
    assert list(read.verify([theirs(key.public_key)], 1)) == [key.public_key.fingerprint]
    with pytest.raises(TheirError):
        Envelope(PAYLOAD + b" ", dsse.IN_TOTO, read.signatures).verify([theirs(key.public_key)], 1)


def test_we_accept_those_of_others() -> None:
    envelope = Envelope(PAYLOAD, dsse.IN_TOTO, {})
    envelope.sign(CryptoSigner(_secret))
    found = dsse.verify(json.dumps(envelope.to_dict(), indent=1).encode(), TRUSTED, "it")
    assert (found.data, found.signed_by.name) == (PAYLOAD, "fixed")


def test_a_signature_by_somebody_else_beside_ours(tmp_path: Path) -> None:
    other = json.loads(dsse.sign(key_of(make_key(tmp_path / "key")), PAYLOAD))["signatures"]
    with pytest.raises(VerificationError, match="it is not signed by a trusted key, or was altered; fetch it again"):
        verify(document() | {"signatures": other})
    assert verify(document() | {"signatures": other + document()["signatures"]}).data == PAYLOAD


@pytest.mark.parametrize("kind", KINDS)
def test_another_signature_is_added(kind: str, tmp_path: Path) -> None:
    newer = key_of(make_key(tmp_path / "key", *KINDS[kind]))
    envelope = dsse.add(ENVELOPE, newer, "it")
    before, after = json.loads(ENVELOPE), json.loads(envelope)
    assert after["signatures"][0] == before["signatures"][0]
    assert after | {"signatures": 0} == before | {"signatures": 0}
    for key in (FIXED, newer):
        found = dsse.verify(envelope, TrustedKeys((TrustedKey(key=key.public_key),)), "it")
        assert (found.data, found.signed_by.key) == (PAYLOAD, key.public_key)
        assert Envelope.from_dict(json.loads(envelope)).verify([theirs(key.public_key)], 1)
    assert dsse.add(envelope, newer, "it") == envelope
    assert dsse.add(envelope, FIXED, "it") == envelope


def test_adding_keeps_what_it_does_not_know() -> None:
    other = key_of_number(8)
    changed = document() | {"more": [1]}
    changed["signatures"] = [{"sig": "AAAA", "cert": "x"}, *changed["signatures"]]
    added = json.loads(dsse.add(json.dumps(changed, indent=1).encode(), other, "it"))
    assert added["signatures"][:-1] == changed["signatures"]
    assert added | {"signatures": 0} == changed | {"signatures": 0}


def test_a_signature_of_something_else_is_not_ours(tmp_path: Path) -> None:
    """Whose a signature is shows by verifying it, not by what the envelope says."""
    changed = document()
    changed["signatures"][0]["sig"] = json.loads(dsse.sign(FIXED, b"{}"))["signatures"][0]["sig"]
    added = dsse.add(canonical.dumps(changed), FIXED, "it")
    assert len(json.loads(added)["signatures"]) == 2
    assert dsse.verify(added, TRUSTED, "it").data == PAYLOAD


def test_nothing_is_added_that_nobody_would_read() -> None:
    full = document() | {"signatures": [{"sig": "AAAA"}] * 32}
    with pytest.raises(VerificationError, match="it has 32 signatures, and no room for more"):
        dsse.add(canonical.dumps(full), FIXED, "it")
    with pytest.raises(VerificationError, match="it holds 'text/plain'"):
        dsse.add(dsse.sign(FIXED, PAYLOAD, "text/plain"), FIXED, "it")
    with pytest.raises(VerificationError, match="it is no DSSE envelope"):
        dsse.add(b"{}", FIXED, "it")
    with pytest.raises(VerificationError, match="it holds more than an envelope"):
        dsse.add(json.dumps(document() | {"more": "\ud800"}).encode(), key_of_number(8), "it")


def test_what_is_not_known_does_not_count() -> None:
    changed = document() | {"more": 1}
    changed["signatures"][0] |= {"keyid": 7, "cert": "x"}
    assert verify(changed).data == PAYLOAD
    del changed["signatures"][0]["keyid"]
    changed["signatures"][0]["sig"] = changed["signatures"][0]["sig"].replace("+", "-").replace("/", "_")
    assert verify(changed).data == PAYLOAD


def test_another_payload() -> None:
    with pytest.raises(VerificationError, match="it is not signed by a trusted key, or was altered"):
        verify(document() | {"payload": base64.b64encode(PAYLOAD + b" ").decode()})


def test_another_type() -> None:
    with pytest.raises(VerificationError, match=r"it holds 'text/plain', not 'application/vnd.in-toto\+json'"):
        dsse.verify(dsse.sign(FIXED, PAYLOAD, "text/plain"), TRUSTED, "it")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"payloadType": None}, "it has no payloadType"),
        ({"payload": None}, "it has no payload"),
        ({"payload": "AAA"}, "padding"),
        ({"payload": "AA=A"}, "padding"),
        ({"payload": "A A="}, "base64"),
        ({"payload": "ä"}, "ASCII"),
        ({"signatures": None}, "between 1 and 32 signatures"),
        ({"signatures": []}, "between 1 and 32 signatures"),
        ({"signatures": [{"sig": "AAAA"}] * 33}, "between 1 and 32 signatures"),
        ({"signatures": ["AAAA"]}, "it has no signature"),
        ({"signatures": [{"keyid": "x"}]}, "it has no signature"),
    ],
)
def test_what_is_no_envelope(change: dict[str, object], problem: str) -> None:
    with pytest.raises(VerificationError, match=f"it is no DSSE envelope: .*{problem}"):
        verify(document() | change)


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"\xff", b"[" * 100_000, ENVELOPE + b" " * dsse.LARGEST])
def test_what_is_no_json_of_an_envelope(data: bytes) -> None:
    with pytest.raises(VerificationError, match="it is no DSSE envelope"):
        dsse.verify(data, TRUSTED, "it")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@unhurried
@given(st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures"]), VALUES))
def test_any_other_document_is_an_error(change: dict[str, object]) -> None:
    if not change:
        return
    with pytest.raises(VerificationError):
        dsse.verify(json.dumps(document() | change).encode(), TRUSTED, "it")


@unhurried
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(0, 255))
def test_any_other_byte_is_an_error_or_changes_nothing(at: int, byte: int) -> None:
    data = bytearray(ENVELOPE)
    data[at] = byte
    with suppress(VerificationError):
        assert dsse.verify(bytes(data), TRUSTED, "it").data == PAYLOAD

"""Keys in KMS sign what ssh-keygen and openssl accept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kms_server import KmsServer, start_kms
from programs import free_host
from signing_support import openssl_accepts, ssh_keygen_accepts

from release.errors import SigningError, UsageError
from release.signing import RELEASE, TrustedKey, TrustedKeys, open_signer, sign
from release.signing.keys import ECDSA
from release.signing.kms import KmsKey

LONG = b"more than KMS takes as a message\n" * 1000


@pytest.fixture(scope="session")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KmsServer]:
    """A KMS server."""
    with start_kms(tmp_path_factory.mktemp("kms")) as server:
        yield server


@pytest.fixture(autouse=True)
def settings(kms: KmsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The AWS settings that lead to the server."""
    for name, value in kms.env().items():
        monkeypatch.setenv(name, value)


def test_signatures_are_what_others_accept(kms: KmsServer, tmp_path: Path) -> None:
    kms.make_key("release")
    signer = open_signer("awskms:///alias/release")
    assert signer.public_key.algorithm == ECDSA
    assert openssl_accepts(signer.public_key, signer.sign(LONG), LONG, tmp_path)
    signature = sign(signer, LONG, RELEASE)
    assert ssh_keygen_accepts(signer.public_key, signature, LONG, tmp_path)
    trusted = TrustedKeys((TrustedKey(key=signer.public_key),))
    assert trusted.verify(signature, LONG, RELEASE).key == signer.public_key


def test_a_key_has_several_names(kms: KmsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = kms.make_key("names")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    keys = {open_signer(text).public_key for text in (f"awskms:///{arn}", f"awskms://{arn}")}
    monkeypatch.setenv("AWS_DEFAULT_REGION", arn.split(":")[3])
    keys |= {open_signer(text).public_key for text in ("awskms:///alias/names", f"awskms:///{arn.split('/')[1]}")}
    assert len(keys) == 1


def test_an_alias_that_moves_does_not_change_the_key(kms: KmsServer) -> None:
    kms.make_key("moving")
    signer = open_signer("awskms:///alias/moving")
    kms.make_key("moving")
    assert signer.public_key.verifies(signer.sign(b"m"), b"m")
    assert open_signer("awskms:///alias/moving").public_key != signer.public_key


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"])
def test_other_kinds_of_keys(kms: KmsServer, spec: str) -> None:
    kms.make_key("other", spec)  # type: ignore[arg-type]
    with pytest.raises(SigningError, match="ECC_NIST_P256"):
        open_signer("awskms:///alias/other")


def test_a_key_that_is_not_for_signing(kms: KmsServer) -> None:
    arn = kms.client().create_key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["Arn"]
    with pytest.raises(SigningError, match="does not sign with ECDSA; make a key of ECC_NIST_P256 for SIGN_VERIFY"):
        open_signer(f"awskms:///{arn}")


def test_a_signature_by_another_key_is_not_passed_on(kms: KmsServer) -> None:
    kms.make_key("one")
    kms.make_key("two")
    one, two = open_signer("awskms:///alias/one"), open_signer("awskms:///alias/two")
    assert isinstance(one, KmsKey)
    with pytest.raises(SigningError, match="gave a signature that is not by its key; check AWS_ENDPOINT_URL"):
        replace(one, public_key=two.public_key).sign(b"m")


def test_a_key_that_is_not_there() -> None:
    with pytest.raises(
        SigningError, match=r"awskms:///alias/none cannot be used: there is no such key; check its name"
    ):
        open_signer("awskms:///alias/none")


def test_a_key_that_is_disabled(kms: KmsServer) -> None:
    arn = kms.make_key("disabled")
    signer = open_signer("awskms:///alias/disabled")
    kms.client().disable_key(KeyId=arn)
    with pytest.raises(SigningError, match="it is disabled; enable it"):
        signer.sign(b"m")


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SigningError, match="check the AWS credentials"):
        open_signer("awskms:///alias/release")


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SigningError, match="set AWS_REGION"):
        open_signer("awskms:///alias/release")


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://{free_host()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SigningError, match="check the AWS credentials, AWS_REGION and the network"):
        open_signer("awskms:///alias/release")


@pytest.mark.parametrize(
    "text", ["awskms://", "awskms:///", "awskms:alias/x", "awskms://host/alias/x", "awskms:///a b"]
)
def test_texts_that_name_no_key(text: str) -> None:
    with pytest.raises(UsageError, match="names no key in KMS"):
        open_signer(text)

"""Keys in AWS KMS: they sign there and never leave it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from ..errors import SigningError, UsageError, VerificationError
from . import keys
from .keys import PublicKey

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

# The forms that KMS takes as KeyId, behind the two or three slashes that people write.
_REFERENCE = re.compile(
    r"awskms:///?(?P<id>arn:[a-z-]+:kms:(?P<region>[a-z0-9-]+):\d{12}:(?:key|alias)/[A-Za-z0-9/_-]{1,256}"
    r"|alias/[A-Za-z0-9/_-]{1,250}|(?:mrk-)?[0-9a-f-]{32,36})"
)
_SENTENCES = {
    "NotFoundException": ("there is no such key", "check its name and AWS_REGION"),
    "AccessDeniedException": ("this user has no permission", "allow this user kms:GetPublicKey and kms:Sign"),
    "DisabledException": ("it is disabled", "enable it"),
    "KMSInvalidStateException": ("it is disabled or about to be deleted", "enable it"),
    "InvalidKeyUsageException": ("it is not for signing", "make one for SIGN_VERIFY"),
    "UnsupportedOperationException": ("it is not for signing", "make one of ECC_NIST_P256 for SIGN_VERIFY"),
}


@dataclass(frozen=True, kw_only=True)
class KmsKey:
    """A key in KMS; a :class:`Signer`. ``arn`` names the key itself, since an alias may move between two requests."""

    name: str
    arn: str
    public_key: PublicKey
    client: KMSClient = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Have KMS sign the SHA-256 of ``message``, which itself stays here. Raises SigningError."""
        with _told(self.name):
            signature = self.client.sign(
                KeyId=self.arn,
                Message=hashlib.sha256(message).digest(),
                MessageType="DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )["Signature"]
        if not self.public_key.verifies(signature, message):
            raise SigningError(f"{self.name} gave a signature that is not by its key", "check AWS_ENDPOINT_URL")
        return signature


def open_key(text: str) -> KmsKey:
    """Open the key ``awskms:///alias/NAME``, ``awskms:///KEY-ID`` or ``awskms:///ARN``, and read its public half.

    Raises UsageError for another text, SigningError when the key cannot be had or is none of ECC_NIST_P256.
    """
    reference = _REFERENCE.fullmatch(text)
    if reference is None:
        raise UsageError(f"{text} names no key in KMS", "write awskms:///alias/NAME or awskms:///ARN")
    with _told(text):
        client: KMSClient = boto3.session.Session().client(
            "kms",
            region_name=reference["region"],
            config=Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard"}),
        )
        answer = client.get_public_key(KeyId=reference["id"])
    try:
        key = keys.from_spki(answer["PublicKey"], text)
    except VerificationError as error:
        raise SigningError(error.problem, "make a key of ECC_NIST_P256 for SIGN_VERIFY") from error
    if key.algorithm != keys.ECDSA or answer["KeyUsage"] != "SIGN_VERIFY":
        raise SigningError(f"{text} does not sign with ECDSA", "make a key of ECC_NIST_P256 for SIGN_VERIFY")
    return KmsKey(name=text, arn=answer["KeyId"], public_key=key, client=client)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what goes wrong with the key ``name`` into SigningError."""
    try:
        yield
    except aws.ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        problem, step = _SENTENCES.get(code, (f"{code} {message}".strip(), "check the AWS credentials"))
        raise SigningError(f"{name} cannot be used: {problem}", step) from error
    except aws.NoRegionError as error:
        raise SigningError(f"{name} cannot be used: no region is set", "set AWS_REGION") from error
    except (aws.BotoCoreError, ValueError) as error:
        step = "check the AWS credentials, AWS_REGION and the network"
        raise SigningError(f"{name} cannot be used: {error}", step) from error

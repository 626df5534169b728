"""The keys in AWS KMS: can the api encrypt and decrypt with each, and is one of them the key that bootstrap used?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from .attempt import Problem
from .aws import Aws, said, words
from .database import Facts
from .finding import Check, Finding

SESSION_KEY = "API_SESSION_KMS_KEY_ID"
BOOTSTRAPPED = Check("session key")

_ENDING = "_KMS_KEY_ID"
# Tesseral's api encrypts with this and no other.
_ALGORITHM = "RSAES_OAEP_SHA_256"
_PLAIN = 32


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key as KMS describes it, None where the api's role may not ask.

    ``problem``: why it cannot be used, None when it can.
    """

    state: str | None
    usage: str | None
    problem: str | None


def key_variables(values: Mapping[str, str]) -> list[str]:
    """Return the variables that name keys, in the order of the file."""
    return [name for name, value in values.items() if name.startswith("API_") and name.endswith(_ENDING) and value]


def ask_key(aws: Aws, key_id: str) -> Key:
    """Encrypt a few bytes and decrypt them again, which leaves nothing behind but a line in CloudTrail.

    Raises Trouble when KMS does not answer.
    """
    kms = aws.client("kms")
    state = usage = problem = None
    with said():
        try:
            metadata = kms.describe_key(KeyId=key_id)["KeyMetadata"]
            state, usage = metadata["KeyState"], metadata.get("KeyUsage")
        except ClientError:
            pass  # a role that may use a key need not be allowed to look at it
        try:
            plain = os.urandom(_PLAIN)
            secret = kms.encrypt(KeyId=key_id, Plaintext=plain, EncryptionAlgorithm=_ALGORITHM)["CiphertextBlob"]
            answer = kms.decrypt(KeyId=key_id, CiphertextBlob=secret, EncryptionAlgorithm=_ALGORITHM)
            problem = None if answer["Plaintext"] == plain else "what it decrypts is not what it encrypted"
        except ClientError as error:
            problem = words(error)
    return Key(state=state, usage=usage, problem=problem)


def judge_key(name: str, key: Key | Problem) -> Finding:
    """Judge the key that the variable ``name`` names."""
    check = Check("kms key", name)
    if isinstance(key, Problem):
        return check.fail(key.text, "see that KMS can be reached from here, and the AWS_ variables")
    if key.state not in (None, "Enabled"):
        return check.fail(f"it is {key.state}", "enable it, or cancel its deletion")
    if key.usage not in (None, "ENCRYPT_DECRYPT"):
        return check.fail(f"it is for {key.usage}", "name an RSA key whose usage is ENCRYPT_DECRYPT")
    if key.problem is not None:
        return check.fail(
            f"the api cannot encrypt and decrypt with it ({_ALGORITHM}): {key.problem}",
            "name an RSA key for ENCRYPT_DECRYPT, and let the api's role use kms:Encrypt and kms:Decrypt",
        )
    return check.ok(f"encrypts and decrypts ({_ALGORITHM})")


def ask_bootstrapped(aws: Aws, key_id: str, ciphertext: bytes) -> str:
    """Decrypt the key of sessions as the api does, and drop it.

    Returns why KMS does not decrypt it, nothing when it does. Raises Trouble when KMS does not answer.
    """
    with said():
        try:
            aws.client("kms").decrypt(KeyId=key_id, CiphertextBlob=ciphertext, EncryptionAlgorithm=_ALGORITHM)
        except ClientError as error:
            return words(error)
    return ""


def judge_bootstrapped(facts: Facts, key_id: str, refused: str | Problem) -> Finding:
    """Judge whether ``API_SESSION_KMS_KEY_ID`` names the key that bootstrap was given.

    ``refused``: what :func:`ask_bootstrapped` returned, where the database has something to decrypt.
    """
    advice = f"set {SESSION_KEY} to what bootstrap was given as --session-kms-key-id"
    project = facts.project
    if not key_id or project is None:
        return BOOTSTRAPPED.skipped(f"needs {SESSION_KEY} and the project in the database")
    if project.kms_key_id == key_id:
        return BOOTSTRAPPED.ok(f"bootstrap was given the same key, {key_id}")
    if project.kms_key_id is not None:
        return BOOTSTRAPPED.fail(f"bootstrap was given the key {project.kms_key_id}, the api {key_id}", advice)
    if project.ciphertext is None or isinstance(refused, Problem):
        return BOOTSTRAPPED.skipped(f"whether it decrypts what bootstrap encrypted is not known ({refused})")
    if refused:
        return BOOTSTRAPPED.fail(f"{key_id} does not decrypt what bootstrap encrypted: {refused}", advice)
    return BOOTSTRAPPED.ok("it decrypts what bootstrap encrypted")

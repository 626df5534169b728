"""AWS for the tests of what operators run: KMS, SES, S3, Secrets Manager and STS on a free port of this machine.

It is ministack, as for the tests of signing (kms_server.py): its KMS encrypts with RSA-OAEP as AWS does and refuses a
disabled key, and its SES tells which identities are verified; moto's does neither::

    with start_aws(tmp_path) as aws:
        aws.encryption_key()             # the id of a new key, as the api needs it
        aws.bucket("user-content")
        aws.verify("example.com")
        aws.environment()                # what the api's environment file has to say
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from kms_server import REGION, start_kms

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE0000TEST", "wJalrXUtnFEMI/K7MDENG+secret-of-a-test"


@dataclass(frozen=True, kw_only=True)
class AwsServer:
    """All services, empty."""

    host: str

    def client(self, service: str) -> Any:
        """A client of a service, as who may do everything."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=f"http://{self.host}",
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def environment(self) -> dict[str, str]:
        """The variables of AWS by which the api finds this server."""
        return {
            "AWS_ENDPOINT_URL": f"http://{self.host}",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def encryption_key(self) -> str:
        """Make a key of the kind that the api encrypts with."""
        made = self.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        return str(made["KeyMetadata"]["KeyId"])

    def bucket(self, name: str) -> str:
        """Make a bucket."""
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def verify(self, domain: str) -> None:
        """Let mail come from a domain and all below it."""
        self.client("sesv2").create_email_identity(EmailIdentity=domain)

    def secret(self, name: str, variables: Mapping[str, str]) -> str:
        """Keep variables as a secret."""
        self.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(variables))
        return name


@contextmanager
def start_aws(folder: Path) -> Iterator[AwsServer]:
    """Start it, with its log in ``folder``."""
    with start_kms(folder) as server:
        yield AwsServer(host=server.host)

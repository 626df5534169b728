"""A server that speaks AWS KMS: ministack, in an environment of its own since it pins what others pin otherwise."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from programs import free_host, serving
from support import REPOSITORY

from pipeline.cache import cache_root
from release.filelock import locked

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient
    from types_boto3_kms.literals import KeySpecType

REQUIREMENTS = REPOSITORY / "requirements" / "kms.txt"
REGION = "eu-central-1"


@dataclass(frozen=True, kw_only=True)
class KmsServer:
    """KMS, with no key yet."""

    host: str

    def client(self) -> KMSClient:
        return boto3.client(
            "kms",
            endpoint_url=f"http://{self.host}",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def env(self) -> dict[str, str]:
        """What a process finds this server by."""
        return {
            "AWS_ENDPOINT_URL_KMS": f"http://{self.host}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_key(self, alias: str, spec: KeySpecType = "ECC_NIST_P256") -> str:
        """Make a key to sign with, and return its ARN; ``alias`` points to it, also when it was another's."""
        client = self.client()
        metadata = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        try:
            client.create_alias(AliasName=f"alias/{alias}", TargetKeyId=metadata["KeyId"])
        except client.exceptions.AlreadyExistsException:
            client.update_alias(AliasName=f"alias/{alias}", TargetKeyId=metadata["KeyId"])
        return metadata["Arn"]


@contextmanager
def start_kms(folder: Path) -> Iterator[KmsServer]:
    """Start the server, with its log in ``folder``."""
    host = free_host()
    # Its server for MQTT would listen on a fixed port.
    command: list[str | Path] = [
        "env",
        "IOT_MTLS_ENABLED=0",
        _python(),
        "-m",
        "hypercorn",
        "ministack.app:app",
        "--bind",
        host,
        # In this one process: a worker would outlive it.
        "--workers",
        "0",
    ]
    with serving(command, host, folder):
        yield KmsServer(host=host)


def _python() -> Path:
    """Install the server once, for each state of its requirements, and return its Python."""
    state = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    place = cache_root() / "servers" / f"kms-{state}"
    with locked(place.with_name(f"{place.name}.lock")):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                made = Path(work, "venv")
                subprocess.run([sys.executable, "-m", "venv", made], check=True)
                install: list[str | Path] = [
                    "install",
                    "--quiet",
                    "--require-hashes",
                    "--only-binary=:all:",
                    "-r",
                    REQUIREMENTS,
                ]
                subprocess.run([made / "bin" / "python", "-m", "pip", *install], check=True)
                made.rename(place)
    return place / "bin" / "python"

"""Real servers on free ports of this machine for the tests of the destinations.

The fixtures of conftest.py start them once a session: ``s3`` (versitygw), ``plain_registry`` (Docker's,
which has no referrers API), ``referrers_registry`` (ociregistry, which has it), ``registry`` (each in turn)::

    def test_it(s3: S3Server):
        bucket = s3.bucket()                        # new and empty
        s3.client().put_object(Bucket=bucket, Key="a", Body=b"…")
        subprocess.run(command, env={**os.environ, **s3.env()})
        s3.outsider.client()                        # the same server for a user who may do nothing in it

    def test_that(registry: RegistryServer):
        registry.prefix()                           # 127.0.0.1:<port>/<new name>, for oci://…

    with start_docker_registry(tmp_path, auth={"htpasswd": {"realm": "r", "path": "/…"}}) as guarded: …

``s3.host`` and ``registry.host`` are what a :class:`faults.FaultProxy` takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from programs import free_host, go_module, go_program, serving

from pipeline.debian import require

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

VERSITYGW = "v1.8.0"


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """An S3 server, as one of its users sees it; the first user may do everything."""

    host: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}"

    @property
    def outsider(self) -> S3Server:
        """The same server for a user who owns nothing and was granted nothing."""
        return replace(self, access_key="outsider", secret_key="outsider-secret")

    def bucket(self) -> str:
        """Make a bucket that is empty."""
        name = f"test-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name

    def client(self, endpoint: str | None = None) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(signature_version="s3v4"),  # of presigned URLs too
        )

    def env(self, endpoint: str | None = None) -> dict[str, str]:
        """What a process finds this server by; ``endpoint``: through a proxy's URL instead."""
        return {
            "AWS_ENDPOINT_URL_S3": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True, kw_only=True)
class RegistryServer:
    """A registry that speaks plain HTTP. ``folder`` holds its log, and its files if it writes any."""

    host: str
    folder: Path
    has_referrers: bool

    def prefix(self) -> str:
        """A place in the registry that is empty."""
        return f"{self.host}/test-{secrets.token_hex(6)}"


@contextmanager
def start_s3(folder: Path) -> Iterator[S3Server]:
    """Start versitygw with its files in ``folder``."""
    program = go_program("versitygw", VERSITYGW, f"github.com/versity/versitygw/cmd/versitygw@{VERSITYGW}")
    data, iam, sidecar = folder / "data", folder / "iam", folder / "sidecar"
    for path in (data, iam, sidecar):
        path.mkdir(parents=True)
    server = S3Server(host=free_host(), access_key="admin", secret_key="admin-secret")
    keys = ["--access", server.access_key, "--secret", server.secret_key, "--region", server.region]
    # Metadata beside the files is not written in one step with them, so it's only for file systems that need it.
    store = [str(data)] if _has_attributes(data) else ["--sidecar", str(sidecar), str(data)]
    options = ["--port", server.host, *keys, "--iam-dir", str(iam), "--keep-alive"]
    with serving([program, *options, "posix", *store], server.host, folder):
        other = ["--access", server.outsider.access_key, "--secret", server.outsider.secret_key, "--role", "user"]
        admin = [str(program), "admin", *keys, "--endpoint-url", server.endpoint]
        subprocess.run([*admin, "create-user", *other], check=True, capture_output=True)
        yield server


@contextmanager
def start_docker_registry(folder: Path, **settings: Any) -> Iterator[RegistryServer]:
    """Start Debian's docker-registry; ``settings`` are added to its configuration, such as ``auth={…}``."""
    asyncio.run(require(["docker-registry"], commands=["docker-registry"], say=print))
    host = free_host()
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        # relativeurls: behind a proxy an upload goes on through the proxy.
        "http": {"addr": host, "relativeurls": True, "secret": "for tests"},
        **settings,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML too
    with serving(["docker-registry", "serve", folder / "config.yml"], host, folder):
        yield RegistryServer(host=host, folder=folder, has_referrers=False)


@contextmanager
def start_referrers_registry(folder: Path) -> Iterator[RegistryServer]:
    """Start ociregistry, which keeps everything in memory."""
    program = go_module(Path(__file__).parent / "ociregistry")
    host = free_host()
    with serving([program, host], host, folder):
        yield RegistryServer(host=host, folder=folder, has_referrers=True)


def _has_attributes(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.test", b"1")
    except OSError:
        return False
    os.removexattr(folder, "user.test")
    return True

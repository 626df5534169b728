"""How many releases there are does not show in what it takes to fetch one of them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from bulk_releases import fill_bucket, fill_registry
from faults import FaultProxy
from measured import measured
from release_samples import staged
from servers import RegistryServer, S3Server
from support import REPOSITORY

MANY = 300
VERSION = "1.4.0"


Asked = list[tuple[str, int]]


def run(env: dict[str, str], *arguments: str | Path) -> str:
    return measured([sys.executable, "-m", "release", *arguments], env=env, cwd=REPOSITORY).output


def asked(proxy: FaultProxy, address: str, env: dict[str, str], folder: Path) -> dict[str, Asked]:
    """What is asked, and how many bytes come, to fetch a version and a channel, in no order."""
    result = {}
    for wanted in (VERSION, "stable"):
        proxy.reset()
        run(env, "fetch", "--insecure-unsigned", wanted, "--from", address, "--into", folder / wanted, "--images")
        result[wanted] = sorted((f"{one.method} {one.target}", one.down) for one in proxy.requests)
    return result


def count(proxy: FaultProxy, address: str, env: dict[str, str]) -> int:
    """How many releases are listed; what that takes does grow, and is seen."""
    proxy.reset()
    found = len(json.loads(run(env, "list", "--from", address, "--json")))
    assert sum(one.down for one in proxy.requests) > 10 * found
    return found


def test_from_a_bucket(s3: S3Server, tmp_path: Path) -> None:
    release, bucket = staged(tmp_path / "staged", VERSION), s3.bucket()
    address = f"s3://{bucket}"
    with FaultProxy(s3.host) as proxy:
        env = {**os.environ, **s3.env(proxy.url)}
        run(env, "publish", release.directory, "--to", address, "--channel", "stable")
        alone = asked(proxy, address, env, tmp_path / "alone")
        fill_bucket(s3, bucket, release.manifest, MANY)
        assert count(proxy, address, env) == MANY + 1
        assert asked(proxy, address, env, tmp_path / "among-many") == alone


def test_from_a_registry(registry: RegistryServer, tmp_path: Path) -> None:
    release, prefix, env = staged(tmp_path / "staged", VERSION), registry.prefix(), dict(os.environ)
    with FaultProxy(registry.host) as proxy:
        address = f"oci://{proxy.host}/{prefix.partition('/')[2]}"
        run(env, "publish", release.directory, "--to", address, "--channel", "stable")
        alone = asked(proxy, address, env, tmp_path / "alone")
        fill_registry(registry, prefix, release.manifest, MANY)
        assert count(proxy, address, env) == MANY + 1
        assert asked(proxy, address, env, tmp_path / "among-many") == alone

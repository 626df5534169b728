"""How large a file is does not show in the memory that it takes to publish and to fetch it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from bulk_releases import staged_large
from measured import Measured, measured
from servers import RegistryServer, S3Server
from support import REPOSITORY

SMALL, LARGE = 1000, 200 * 2**20
GROWTH = 120 * 2**20  # parts that are under way at once; well below the file itself


@pytest.fixture(params=["s3", "plain_registry", "referrers_registry"])
def place(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """A destination that is empty, and the environment to use it in."""
    server: S3Server | RegistryServer = request.getfixturevalue(request.param)
    if isinstance(server, S3Server):
        return f"s3://{server.bucket()}", {**os.environ, **server.env()}
    return f"oci://{server.prefix()}", dict(os.environ)


def test_memory_is_flat(place: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    address, env = place

    def run(*arguments: str | Path) -> Measured:
        return measured([sys.executable, "-m", "release", *arguments], env=env, cwd=REPOSITORY)

    peaks = {}
    for version, size in (("1.0.0", SMALL), ("2.0.0", LARGE)):
        release = staged_large(tmp_path / version, version, size)
        up = run("publish", release.directory, "--to", address)
        down = run(
            "fetch", "--insecure-unsigned", version, "--from", address, "--into", tmp_path / f"fetched-{version}"
        )
        assert (tmp_path / f"fetched-{version}" / release.manifest.artifacts[0].name).stat().st_size == size
        peaks[size] = (up.peak, down.peak)
    growth = [large - small for small, large in zip(peaks[SMALL], peaks[LARGE], strict=True)]
    assert max(growth) < GROWTH, [f"{bytes_ / 2**20:.0f} MiB" for bytes_ in growth]
    print("growth up, down:", *(f"{bytes_ / 2**20:.0f} MiB" for bytes_ in growth))


def test_memory_is_measured() -> None:
    def peak(program: str) -> int:
        return measured([sys.executable, "-c", program], env=os.environ).peak

    assert peak("pass") < 30 * 2**20
    assert 100 * 2**20 < peak("bytearray(b'x' * (100 << 20))") < 300 * 2**20

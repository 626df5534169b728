"""Signed channels in a bucket and in registries: what is written there, and what old or forged files do to readers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from channel_samples import trusting
from registry_samples import destination as registry_destination
from release_samples import staged
from servers import RegistryServer, S3Server
from signing_support import KINDS, key_of, make_key

from release.attestations import sign_release
from release.channels import read_channel, yank_of
from release.destination.documents import channel_key, yank_key
from release.destination.protocol import Destination
from release.destination.registry import manifests
from release.destination.s3 import S3Destination
from release.destination.yank import Yank
from release.destination.yank import to_json as yank_to_json
from release.errors import SigningError, VerificationError
from release.fetch import find
from release.memory import FileMemory
from release.promote import promote, renew, yank
from release.publish import publish
from release.revision import Writing
from release.signing import Signer
from release.version import parse

PLACES = ["s3", "plain_registry", "referrers_registry"]
STABLE = channel_key("stable")
V130, V140 = parse("1.3.0"), parse("1.4.0")


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return key_of(make_key(tmp_path_factory.mktemp("key") / "key", *KINDS["ecdsa"]))


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Destination]:
    """Opens the same empty place again and again."""
    server = request.getfixturevalue(request.param)
    return bucket_in(server, monkeypatch) if isinstance(server, S3Server) else repository_in(server)


def bucket_in(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Destination]:
    for name, value in server.env().items():
        monkeypatch.setenv(name, value)
    bucket = server.bucket()
    return lambda: S3Destination.named(f"s3://{bucket}/releases")


def repository_in(server: RegistryServer) -> Callable[[], Destination]:
    prefix = server.prefix()
    return lambda: registry_destination(prefix)


def put(place: Callable[[], Destination], tmp_path: Path, version: str, signer: Signer) -> bytes:
    """Publish ``version`` as stable; returns the channel's file."""
    release = staged(tmp_path / f"stage-{version}", version)
    sign_release(release, signer)
    publish(release, [place()], "stable", signer=signer)
    data = place().document(STABLE)
    assert data is not None
    return data


def test_nobody_is_led_back(place: Callable[[], Destination], signer: Signer, tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "memory.json", pytest.fail)

    def gets() -> str:
        return str(find(place(), "stable", trusting(signer), memory=memory).version)

    old = put(place, tmp_path, "1.3.0", signer)
    assert gets() == "1.3.0"
    new = put(place, tmp_path, "1.4.0", signer)
    assert gets() == "1.4.0"
    assert place().swap(STABLE, new, old)
    with pytest.raises(VerificationError, match=f"the channel 'stable' in {place().name} was rolled back"):
        gets()
    # What a maintainer writes next is above all that was ever there.
    later = datetime.now(UTC) + timedelta(minutes=1)
    promote([place()], V140, "stable", Writing(signer=signer, lifetime=timedelta(days=200), clock=lambda: later))
    renew([place()], "stable", Writing(signer=signer))
    assert gets() == "1.4.0"
    late = datetime.now(UTC) + timedelta(days=91)
    with pytest.raises(VerificationError, match=f"the channel 'stable' in {place().name} expired at "):
        find(place(), "stable", trusting(signer), clock=lambda: late)
    renew([place()], "stable", Writing(signer=signer, lifetime=timedelta(days=120)))
    assert find(place(), "stable", trusting(signer), clock=lambda: late).version == V140
    with pytest.raises(SigningError, match="is signed, and stays so"):
        renew([place()], "stable", Writing())


def test_a_yank_is_in_the_channel(place: Callable[[], Destination], signer: Signer, tmp_path: Path) -> None:
    for version in ("1.3.0", "1.4.0"):
        put(place, tmp_path, version, signer)
    forged = yank_to_json(Yank(version=V140, reason="take the one before"))
    assert place().swap(yank_key(V140), None, forged)
    with pytest.raises(
        VerificationError, match=r"1\.4\.0, .* has a yank record in .*, and the channel does not confirm"
    ):
        find(place(), "stable", trusting(signer))
    # The same words by those who may say so.
    yank([place()], V140, "take the one before", Writing(signer=signer))
    for trusted in (trusting(signer), None):
        found = find(place(), "stable", trusted)
        assert found.version == V130
        assert found.warnings == ("1.4.0 is yanked, taking 1.3.0: take the one before",)
    assert yank_of(place(), V140) is not None


def test_another_key_takes_over(place: Callable[[], Destination], signer: Signer, tmp_path: Path) -> None:
    put(place, tmp_path, "1.4.0", signer)
    newer = key_of(make_key(tmp_path / "newer", *KINDS["ed25519"]))
    with pytest.raises(VerificationError, match="is by a key that is not trusted"):
        renew([place()], "stable", Writing(signer=newer))
    renew([place()], "stable", Writing(signer=newer, known=trusting(signer)))
    with pytest.raises(VerificationError, match="is by a key that is not trusted"):
        find(place(), "stable", trusting(signer))
    assert find(place(), "stable", trusting(signer, newer)).version == V140


def test_image_tags_follow_marks(registry: RegistryServer, signer: Signer, tmp_path: Path) -> None:
    place = repository_in(registry)
    for version in ("1.3.0", "1.4.0"):
        put(place, tmp_path, version, signer)
    yank([place()], V140, "broken", Writing(signer=signer))
    here = registry_destination(place().name.removeprefix("oci://"))
    repository = f"{place().name.removeprefix('oci://').partition('/')[2]}/tesseral-api"
    tags = {tag: manifests.get(here._client, repository, tag) for tag in ("stable", "1.3.0", "1.4.0")}
    digests = {tag: found.digest.sha256 for tag, found in tags.items() if found is not None}
    assert digests["stable"] == digests["1.3.0"] != digests["1.4.0"]


def test_writers_at_once_in_a_bucket_lose_nothing(
    s3: S3Server, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket_in(s3, monkeypatch)
    for version in ("1.3.0", "1.4.0"):
        put(place, tmp_path, version, signer)
    before = read_channel(place(), "stable")
    writing = Writing(signer=signer)
    with ThreadPoolExecutor(4) as pool:
        renewals = [pool.submit(renew, [place()], "stable", writing) for _ in range(6)]
        yanked = pool.submit(yank, [place()], V130, "broken", writing)
        numbers = [done.result()[0].sequence for done in renewals]
        yanked.result()
    after = read_channel(place(), "stable")
    assert before is not None
    assert after is not None
    assert len(set(numbers)) == 6
    assert min(numbers) > before.sequence
    assert after.sequence >= max(numbers)
    assert [pin.yanked for pin in after.pins] == [None, "broken"]
    assert find(place(), "stable", trusting(signer)).version == V140

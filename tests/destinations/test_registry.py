"""Publishing to real registries, with the referrers API and without, and reading back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from faults import Answer, FaultProxy, every
from registry_samples import V140, destination, digest, fetched, publisher
from release_samples import staged
from servers import RegistryServer

from pipeline.debian import require
from release.channels import move, published, read_channel, resolve
from release.destination import Channel, Outcome, Pin
from release.destination import channel as channel_file
from release.destination import claim as claim_file
from release.destination import yank as yank_file
from release.destination.documents import channel_key, claim_key, yank_key
from release.destination.registry import RegistryDestination, manifests
from release.destination.registry.referrers import referrers
from release.destination.yank import Yank
from release.errors import ConflictError, DestinationError, VersionError
from release.manifest import to_json
from release.publish import publish
from release.staged import StagedRelease
from release.verify import verify
from release.version import parse

Inspect = dict[str, Any]


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage")


@pytest.fixture
def other(tmp_path: Path) -> StagedRelease:
    """The same version with other bytes."""
    return staged(tmp_path / "other", content=b"other")


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """The independent client."""
    asyncio.run(require(["skopeo"], commands=["skopeo"], say=print))


def skopeo(*arguments: str | Path) -> bytes:
    return subprocess.run(["skopeo", *arguments], check=True, capture_output=True).stdout


def raw(place: str, reference: str) -> bytes:
    """What an independent client finds under a tag or a digest."""
    return skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{place}{reference}")


def tags(here: RegistryDestination) -> dict[str, str]:
    """All tags of the release and of its only image, and what each of them is."""
    found = {}
    for repository in (here._home, here._home.replace("tesseral-release", "tesseral-api")):
        for tag in manifests.tags(here._client, repository):
            document = manifests.get(here._client, repository, tag)
            assert document is not None
            found[f"{repository.rpartition('/')[2]}:{tag}"] = document.digest.sha256
    return found


def test_a_release_is_published_and_read_back(tmp_path: Path, release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    assert here.versions() == ()
    assert here.manifest_of(V140) is None
    assert not here.holds(release)
    (result,) = publish(release, [here], "stable")
    assert result.outcome is Outcome.PUBLISHED
    assert here.versions() == (V140,)
    assert here.holds(release)
    assert here.folder(V140) is None
    assert resolve(here, "stable").pin == Pin(version=V140, manifest_digest=digest(release))
    found = fetched(here, V140, tmp_path / "found")
    assert found is not None
    assert verify(found.directory) == release.manifest
    assert here.document("index.json") is None


def test_a_file_is_read_on_from_where_it_stopped(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    publish(release, [here])
    artifact = release.manifest.artifacts[0]
    image = release.manifest.images[0]
    whole = (release.directory / artifact.name).read_bytes()
    for start in (0, 1, 1000, artifact.size):
        with here.open(V140, artifact.name, start) as pieces:
            assert b"".join(pieces) == whole[start:]
    hexadecimal = image.digest.removeprefix("sha256:")
    index = (release.directory / "images/tesseral-api/blobs/sha256" / hexadecimal).read_bytes()
    with here.open(V140, f"images/tesseral-api/blobs/sha256/{hexadecimal}", 7) as pieces:
        assert b"".join(pieces) == index[7:]
    for missing in ("none.zip", "images/tesseral-api/blobs/sha256/" + "0" * 64):
        with pytest.raises(DestinationError, match="does not hold"), here.open(V140, missing):
            pass
    with (
        pytest.raises(DestinationError, match=r"no byte|invalid range"),
        here.open(V140, artifact.name, artifact.size + 1),
    ):
        pass


def test_skopeo_finds_the_very_images(tmp_path: Path, release: StagedRelease, registry: RegistryServer) -> None:
    place = registry.prefix()
    publish(release, [destination(place)], "stable")
    image = release.manifest.images[0]
    layout = release.directory / "images" / "tesseral-api" / "blobs" / "sha256"
    index = (layout / image.digest.removeprefix("sha256:")).read_bytes()
    for reference in (":1.4.0", ":stable", f"@{image.digest}"):
        assert raw(f"{place}/tesseral-api", reference) == index
    copy = tmp_path / "copy"
    source = f"docker://{place}/tesseral-api:1.4.0"
    skopeo("copy", "--all", "--preserve-digests", "--src-tls-verify=false", source, f"oci:{copy}:1.4.0")
    blobs = copy / "blobs" / "sha256"
    assert {path.name: path.read_bytes() for path in blobs.iterdir()} == {
        path.name: path.read_bytes() for path in layout.iterdir()
    }


def test_the_release_is_an_artifact_that_other_tools_can_pull(
    tmp_path: Path, release: StagedRelease, registry: RegistryServer
) -> None:
    place = registry.prefix()
    publish(release, [destination(place)])
    document: Inspect = json.loads(raw(f"{place}/tesseral-release", ":1.4.0"))
    assert document["artifactType"] == "application/vnd.tesseral.release.v1+json"
    assert document["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert document["annotations"] == {
        "org.opencontainers.image.created": "2026-01-01T12:30:07Z",
        "org.opencontainers.image.revision": release.manifest.source.commit,
        "org.opencontainers.image.version": "1.4.0",
    }
    titles = [layer["annotations"]["org.opencontainers.image.title"] for layer in document["layers"]]
    names = sorted(artifact.name for artifact in release.manifest.artifacts)
    assert titles == ["release.json", "SHA256SUMS", *names]
    copy = tmp_path / "copy"
    skopeo("copy", "--src-tls-verify=false", f"docker://{place}/tesseral-release:1.4.0", f"dir:{copy}")
    for layer, title in zip(document["layers"], titles, strict=True):
        data = (copy / layer["digest"].removeprefix("sha256:")).read_bytes()
        assert data == (release.directory / title).read_bytes()


def test_two_registries_get_the_same_bytes(
    release: StagedRelease, plain_registry: RegistryServer, referrers_registry: RegistryServer
) -> None:
    places = [plain_registry.prefix(), referrers_registry.prefix()]
    publish(release, [destination(place) for place in places], "stable")
    for name in ("tesseral-release:1.4.0", "tesseral-release:stable", "tesseral-api:1.4.0"):
        assert raw(places[0], f"/{name}") == raw(places[1], f"/{name}")


def test_the_same_again_writes_nothing(release: StagedRelease, registry: RegistryServer) -> None:
    with FaultProxy(registry.host) as proxy:
        here = destination(registry.prefix().replace(registry.host, proxy.host))
        publish(release, [here], "stable")
        before = tags(here)
        proxy.reset()
        (result,) = publish(release, [here], "stable")
        assert result.outcome is Outcome.UNCHANGED
        written = Counter(request.method for request in proxy.requests)
        # One upload is begun and given up, to see early that it could be.
        assert written["PUT"] == written["PATCH"] == 0
        assert written["POST"] == written["DELETE"] == 1
        assert tags(here) == before


def test_other_bytes_under_a_published_version_are_refused(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer
) -> None:
    here = destination(registry.prefix())
    publish(release, [here])
    before = tags(here)
    with pytest.raises(ConflictError) as caught:
        publish(other, [here])
    there, ours = release.manifest.images[0].digest, other.manifest.images[0].digest
    assert f"with another images/tesseral-api: {there} there, {ours} here" in str(caught.value)
    assert "raise the version" in str(caught.value)
    assert tags(here) == before


def test_a_tag_that_would_move_is_refused(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer
) -> None:
    here = destination(registry.prefix())
    publish(other, [here])
    # As if somebody had pushed an image of that version by hand: there is no release, and no claim.
    assert manifests.remove(here._client, here._home, "1.4.0")
    assert manifests.remove(here._client, here._home, "claim-1.4.0")
    before = tags(here)
    assert set(before) == {"tesseral-api:1.4.0"}
    with pytest.raises(ConflictError, match=r"tesseral-api:1\.4\.0 is sha256:.* never moves"):
        publish(release, [here])
    with pytest.raises(ConflictError), here.staging(release, _Nobody()):
        pass
    assert tags(here) == before


def test_a_lost_image_tag_is_restored(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    publish(release, [here])
    before = tags(here)
    repository = here._home.replace("tesseral-release", "tesseral-api")
    assert manifests.remove(here._client, repository, "1.4.0")
    assert not here.holds(release)
    assert publish(release, [here])[0].outcome is Outcome.PUBLISHED
    assert tags(here) == before


def test_a_claim_with_other_bytes_is_refused_until_it_is_given_up(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer
) -> None:
    here = destination(registry.prefix())
    with here.staging(other, _Nobody()):
        pass
    for attempt in (here.holds, lambda one: publish(one, [here])):
        with pytest.raises(ConflictError, match=f"is claimed in {here.name}.*abandon 1.4.0"):
            attempt(release)
    assert not here.holds(other)
    assert here.abandon(V140)
    assert not here.abandon(V140)
    assert here.document(claim_key(V140)) is None
    assert publish(release, [here])[0].outcome is Outcome.PUBLISHED
    with pytest.raises(ConflictError, match="is published"):
        here.abandon(V140)


def test_giving_up_takes_the_tags_of_images_back(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer
) -> None:
    """A publisher that was killed between the tag of an image and that of the release."""
    here = destination(registry.prefix())
    publish(other, [here])
    assert manifests.remove(here._client, here._home, "1.4.0")
    assert set(tags(here)) == {"tesseral-api:1.4.0", "tesseral-release:claim-1.4.0"}
    assert here.abandon(V140)
    assert tags(here) == {}
    assert publish(release, [here])[0].outcome is Outcome.PUBLISHED


def test_a_claim_is_given_up_where_a_registry_deletes_nothing(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer
) -> None:
    refused = every(Answer(405), method="DELETE", path="/manifests/")
    with FaultProxy(registry.host, refused) as proxy:
        here = destination(registry.prefix().replace(registry.host, proxy.host))
        with here.staging(other, _Nobody()):
            pass
        assert here.abandon(V140)
        assert "tesseral-release:claim-1.4.0" in tags(here)
        assert here.document(claim_key(V140)) is None
        assert not here.abandon(V140)
        assert publish(release, [here])[0].outcome is Outcome.PUBLISHED


def test_a_tag_that_a_registry_keeps_is_told(other: StagedRelease, registry: RegistryServer) -> None:
    with FaultProxy(registry.host) as proxy:
        here = destination(registry.prefix().replace(registry.host, proxy.host))
        publish(other, [here])
        assert manifests.remove(here._client, here._home, "1.4.0")
        proxy.reset(every(Answer(405), method="DELETE", path="/manifests/"))
        with pytest.raises(DestinationError, match=r"deletes nothing, and .*tesseral-api has the tag 1\.4\.0"):
            here.abandon(V140)
        assert here.document(claim_key(V140)) is not None


def test_versions_are_what_has_a_tag_page_by_page(tmp_path: Path, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    texts = ["1.4.0-rc.1", "1.4.0", "1.10.0"]
    for text in texts:
        publish(staged(tmp_path / text, text, content=b"small"), [here])
    assert [str(version) for version in here.versions()] == texts
    pages = manifests._PAGE
    try:
        manifests._PAGE = 2
        assert [str(version) for version in here.versions()] == texts
    finally:
        manifests._PAGE = pages


def test_channels_move_forward_with_the_tags_of_images(
    tmp_path: Path, release: StagedRelease, registry: RegistryServer
) -> None:
    place = registry.prefix()
    here = destination(place)
    publish(release, [here], "stable")
    newer = staged(tmp_path / "newer", "1.5.0", content=b"newer")
    publish(newer, [here], "stable")
    channel = read_channel(here, "stable")
    assert channel is not None
    assert [str(pin.version) for pin in channel.pins] == ["1.5.0", "1.4.0"]
    for tag, which in (("stable", newer), ("1.5.0", newer), ("1.4.0", release)):
        found = manifests.get(here._client, f"{place.partition('/')[2]}/tesseral-api", tag)
        assert found is not None
        assert found.digest.sha256 == which.manifest.images[0].digest
    with pytest.raises(VersionError, match="cannot go back"):
        move(here, "stable", Pin(version=V140, manifest_digest=digest(release)))
    assert read_channel(here, "candidate") is None


def test_a_document_is_swapped_only_for_what_is_expected(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    first, second = (
        channel_file.to_json(Channel(name="stable", current=Pin(version=parse(text), manifest_digest=digest(release))))
        for text in ("1.4.0", "1.5.0")
    )
    key = channel_key("stable")
    assert not here.swap(key, first, second)
    assert here.document(key) is None
    assert here.swap(key, None, first)
    assert not here.swap(key, None, second)
    assert here.document(key) == first
    assert here.swap(key, first, second)
    assert here.document(key) == second
    with pytest.raises(DestinationError, match=r"has no place for index\.json"):
        here.swap("index.json", None, b"{}")


def test_a_yank_is_a_referrer_of_its_release(release: StagedRelease, registry: RegistryServer) -> None:
    place = registry.prefix()
    here = destination(place)
    publish(release, [here])
    record = yank_file.to_json(Yank(version=V140, reason="it eats data"))
    assert here.swap(yank_key(V140), None, record)
    assert here.document(yank_key(V140)) == record
    assert here.yanked() == {V140}
    assert here.versions() == (V140,)
    subject = manifests.get(here._client, here._home, "1.4.0")
    assert subject is not None
    (referrer,) = referrers(here._client, here._home, subject.digest.sha256)
    assert referrer["artifactType"] == "application/vnd.tesseral.yank.v1+json"
    document = json.loads(raw(place, f"/tesseral-release@{referrer['digest']}"))
    assert document["subject"]["digest"] == subject.digest.sha256
    fallback = subject.digest.sha256.replace(":", "-")
    assert (fallback in set(manifests.tags(here._client, here._home))) is not registry.has_referrers


def test_the_list_of_referrers_is_merged(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    publish(release, [here])
    reasons = [f"reason {number}" for number in range(4)]
    records = [yank_file.to_json(Yank(version=V140, reason=reason)) for reason in reasons]
    threads = [threading.Thread(target=here._records.prepare, args=(yank_key(V140), data)) for data in records[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for data in records:
        here._records.prepare(yank_key(V140), data)
    subject = manifests.get(here._client, here._home, "1.4.0")
    assert subject is not None
    assert len(referrers(here._client, here._home, subject.digest.sha256)) == len(records)


def test_a_version_that_is_too_long_for_a_record_is_told(registry: RegistryServer) -> None:
    long = parse("1.4.0-rc." + "1" * 118)
    with pytest.raises(VersionError, match="cannot be a tag"):
        destination(registry.prefix()).document(claim_key(long))


def test_what_is_published_is_found_by_its_pin(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    publish(release, [here])
    assert to_json(published(here, Pin(version=V140, manifest_digest=digest(release)))) == to_json(release.manifest)


@pytest.mark.parametrize("same", [True, False])
def test_two_publishers_at_once(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer, tmp_path: Path, same: bool
) -> None:
    with publisher() as one, publisher() as two:
        for number in range(3):
            place = registry.prefix()
            second = release if same else other
            for process, which in ((one, release), (two, second)):
                process.start(which, place, settle=0.3)
            answers = [one.wait(), two.wait()]
            found = fetched(destination(place), V140, tmp_path / str(number))
            assert found is not None
            if same:
                assert [status for _, status in answers] == [0, 0], answers
                assert "published" in [answer for answer, _ in answers]
                continue
            assert sorted(status for _, status in answers) == [0, ConflictError.exit_status], answers
            winner = release if answers[0][1] == 0 else other
            assert found.manifest == winner.manifest


def test_a_claim_that_is_overwritten_while_it_settles_is_lost(
    release: StagedRelease, other: StagedRelease, registry: RegistryServer
) -> None:
    """Another publisher looked before our claim was there, and wrote after."""
    here = destination(registry.prefix())
    key, theirs = claim_key(V140), claim_file.to_json(V140, digest(other))
    prepared = here._records.prepare(key, theirs)

    class Meanwhile(_Nobody):
        def expect(self, size: int) -> None:
            here._records.put(prepared)

    with pytest.raises(ConflictError, match="is claimed"), here.staging(release, Meanwhile()):
        pass
    assert here.manifest_of(V140) is None


def test_a_claim_given_up_before_the_commit_stops_it(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    with here.staging(release, _Nobody()) as staging:
        assert destination(here.name.removeprefix("oci://")).abandon(V140)
        with pytest.raises(ConflictError, match="given up"):
            staging.commit()
    assert here.versions() == ()


def test_staging_shows_nothing_and_commit_can_be_repeated(release: StagedRelease, registry: RegistryServer) -> None:
    here = destination(registry.prefix())
    with here.staging(release, _Nobody()) as staging:
        assert here.versions() == ()
        assert set(tags(here)) == {"tesseral-release:claim-1.4.0"}
        assert staging.commit() is Outcome.PUBLISHED
        assert staging.commit() is Outcome.UNCHANGED


class _Nobody:
    """A meter; a class so that a test can act while bytes move."""

    def expect(self, size: int) -> None:
        pass

    def advance(self, size: int) -> None:
        pass

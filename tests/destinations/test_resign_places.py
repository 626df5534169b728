"""Keys change in a bucket and in registries: killed at any request, readers find what they trust, and it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
from faults import Answer, DropBefore, FaultProxy, Request, every
from registry_samples import QUICK as QUICK_REGISTRY
from registry_samples import V140
from registry_samples import destination as registry_destination
from release_samples import staged
from s3_publisher import QUICK as QUICK_S3
from servers import RegistryServer, S3Server
from signing_support import KINDS, key_of, make_key

from release import canonical
from release.attestations import PROVENANCE, SIGNATURE, sign_release
from release.checksums import digest_of_bytes
from release.destination.protocol import Destination
from release.destination.registry import RegistryDestination, manifests, referrers, signatures, upload
from release.destination.registry.artifact import release_artifact
from release.destination.registry.content import content_of
from release.destination.registry.manifests import Document
from release.destination.s3 import S3Destination
from release.errors import ConflictError, DestinationError, VerificationError
from release.fetch import find
from release.oci.image import INDEX, MANIFEST
from release.publish import publish
from release.resign import Basis, Signed, resign
from release.signing import Signer, TrustedKey, TrustedKeys, cosign
from release.staged import StagedRelease
from release.transfer import SILENT, RetryPolicy

TOOLS = {"go 1.26.8 linux/amd64": "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM="}
ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class Place:
    """Opens places that are empty at first; ``host``: by way of a proxy in front of the server.

    ``step``: look at every request of a server, or at fewer of a slow one.
    """

    host: str
    opened: Callable[[str, str], Destination]
    step: int = 1

    def __call__(self, name: str = "releases", host: str | None = None) -> Destination:
        return self.opened(name, host or self.host)


@pytest.fixture(params=["s3", "plain_registry", "referrers_registry"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Of each kind; what fails is not tried again."""
    server = request.getfixturevalue(request.param)
    if isinstance(server, S3Server):
        bucket = server.bucket()

        def opened(name: str, host: str) -> Destination:
            for variable, value in server.env(f"http://{host}").items():
                monkeypatch.setenv(variable, value)
            return S3Destination.named(f"s3://{bucket}/{name}", replace(QUICK_S3, retries=ONCE))

        return Place(server.host, opened)
    path = server.prefix().partition("/")[2]
    settings = replace(QUICK_REGISTRY, retry=ONCE)
    return Place(
        server.host,
        lambda name, host: registry_destination(f"{host}/{path}/{name}", settings),
        step=1 if server.has_referrers else 5,
    )


@pytest.fixture
def old(tmp_path: Path) -> Signer:
    return key_of(make_key(tmp_path / "old"))


@pytest.fixture
def new(tmp_path: Path) -> Signer:
    return key_of(make_key(tmp_path / "new", *KINDS["ed25519"]))


@pytest.fixture
def release(tmp_path: Path, old: Signer) -> StagedRelease:
    made = staged(tmp_path / "stage", content=b"small")
    sign_release(made, old, TOOLS)
    return made


def trusting(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key) for one in signers))


def revoking(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key, revoked="stolen") for one in signers))


def resigned(there: Destination, signer: Signer, *trusted: Signer) -> Signed:
    (result,) = resign([there], V140, signer, Basis(trusted=trusting(*trusted)), replace=True)
    return result


def has_signature(there: RegistryDestination, image: str, digest: str, signer: Signer, host: str | None = None) -> bool:
    """Tell whether the image is signed, for ``host``: the one that it was signed through."""
    repository = there._reference.repository(image)
    _, found = signatures._read(there._client, repository, digest)
    return found.has(signer.public_key, digest, f"{host or there._client.registry}/{repository}")


def test_a_new_key_takes_over(place: Place, release: StagedRelease, old: Signer, new: Signer) -> None:
    publish(release, [place()], signer=old)
    done = resigned(place(), new, old)
    images = () if isinstance(place(), S3Destination) else ("images/tesseral-api",)
    assert done.names == (*images, PROVENANCE, SIGNATURE)
    for trusted in (trusting(new), trusting(old, new), trusting(new) | revoking(old)):
        found = find(place(), "1.4.0", trusted)
        assert found.signed_by is not None
        assert found.signed_by.key == new.public_key
    envelope = json.loads(found.attestations[PROVENANCE])
    assert [one["keyid"] for one in envelope["signatures"]] == [old.public_key.fingerprint, new.public_key.fingerprint]
    with pytest.raises(VerificationError, match="by a key that is not trusted"):
        find(place(), "1.4.0", trusting(old))
    assert resigned(place(), new, old).names == ()
    publish(release, [place()])
    find(place(), "1.4.0", trusting(new))


def test_without_being_asked_nothing_is_replaced(
    place: Place, release: StagedRelease, old: Signer, new: Signer
) -> None:
    publish(release, [place()], signer=old)
    before = find(place(), "1.4.0", trusting(old)).attestations
    with pytest.raises(ConflictError, match="add --replace"):
        resign([place()], V140, new, Basis(trusted=trusting(old)))
    assert find(place(), "1.4.0", trusting(old)).attestations == before
    there = place()
    if isinstance(there, RegistryDestination):
        (image,) = release.manifest.images
        assert not has_signature(there, image.name, image.digest, new)


def test_killed_after_every_request(place: Place, release: StagedRelease, old: Signer, new: Signer) -> None:
    """What a killed process leaves is what the server got until then: here all that it asks later is dropped."""
    both = trusting(old, new)
    (image,) = release.manifest.images
    with FaultProxy(place.host) as proxy:
        for point in count(1, place.step):
            name = f"point-{point}"
            publish(release, [place(name)], signer=old)
            proxy.reset(lambda request, point=point: DropBefore() if request.number > point else None)  # type: ignore[misc]
            killed = True
            with suppress(DestinationError):
                resigned(place(name, proxy.host), new, old)
                killed = False
            proxy.reset()
            there = place(name)
            signed_by = find(there, "1.4.0", both).signed_by
            assert signed_by is not None
            find(there, "1.4.0", trusting(old) if signed_by.key == old.public_key else trusting(new) | revoking(old))
            if isinstance(there, RegistryDestination):
                assert has_signature(there, image.name, image.digest, old)
            if not killed:
                break
            resigned(place(name, proxy.host), new, old)
            there = place(name)
            find(there, "1.4.0", trusting(new) | revoking(old))
            if isinstance(there, RegistryDestination):
                for signer, host in ((old, place.host), (new, proxy.host)):
                    assert has_signature(there, image.name, image.digest, signer, host)
    assert point > 5


def test_what_a_bucket_serves_may_be_signed_again(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, release: StagedRelease, old: Signer, new: Signer
) -> None:
    """A cache must ask for a signature again; the files it is about never change."""
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    bucket = s3.bucket()
    there = S3Destination.named(f"s3://{bucket}/x")
    publish(release, [there], signer=old)
    for _ in range(2):
        kept = {
            name: s3.client().head_object(Bucket=bucket, Key=f"x/releases/1.4.0/{name}")["CacheControl"]
            for name in (SIGNATURE, PROVENANCE, "SHA256SUMS", "release.json")
        }
        assert kept == {
            SIGNATURE: "no-cache",
            PROVENANCE: "no-cache",
            "SHA256SUMS": "public, max-age=31536000, immutable",
            "release.json": "public, max-age=31536000, immutable",
        }
        resigned(there, new, old)


@pytest.fixture
def there(registry: RegistryServer, release: StagedRelease, old: Signer) -> RegistryDestination:
    """The release in each registry, signed with the old key."""
    destination = registry_destination(registry.prefix())
    publish(release, [destination], signer=old)
    return destination


def listed(there: RegistryDestination, release: StagedRelease) -> list[str]:
    """What refers to the release: the digests of the manifests."""
    subject = release_artifact(release.manifest).document().digest.sha256
    return sorted(one["digest"] for one in referrers.referrers(there._client, there._home, subject))


def tagged(there: RegistryDestination) -> list[str]:
    """What the tags of attestations name."""
    found = [manifests.get(there._client, there._home, f"{name}-1.4.0") for name in ("signature", "provenance")]
    return sorted(one.digest.sha256 for one in found if one is not None)


def test_what_was_replaced_is_no_referrer_any_more(
    there: RegistryDestination, release: StagedRelease, old: Signer, new: Signer
) -> None:
    before = tagged(there)
    assert listed(there, release) == before
    resigned(there, new, old)
    assert not set(tagged(there)) & set(before)
    assert listed(there, release) == tagged(there)


def test_a_registry_that_deletes_nothing_goes_on_listing_it(
    referrers_registry: RegistryServer, release: StagedRelease, old: Signer, new: Signer
) -> None:
    with FaultProxy(referrers_registry.host, every(Answer(405), method="DELETE")) as proxy:
        path = referrers_registry.prefix().partition("/")[2]
        there = registry_destination(f"{proxy.host}/{path}")
        publish(release, [there], signer=old)
        before = tagged(there)
        resigned(there, new, old)
        assert listed(there, release) == sorted([*before, *tagged(there)])
        proxy.reset(every(Answer(403), method="DELETE"))
        resigned(there, old, new)
        find(there, "1.4.0", trusting(old))


def signature_tag(there: RegistryDestination, release: StagedRelease) -> tuple[str, str]:
    (image,) = release.manifest.images
    return there._reference.repository(image.name), cosign.tag_of(image.digest)


def overwrite(there: RegistryDestination, release: StagedRelease, data: bytes, media_type: str = MANIFEST) -> None:
    repository, tag = signature_tag(there, release)
    manifests.put(there._client, repository, tag, Document(media_type=media_type, data=data))


def test_the_signatures_of_others_stay(
    there: RegistryDestination, release: StagedRelease, old: Signer, new: Signer
) -> None:
    """Layers as cosign writes them with a certificate, and of a kind that we do not know."""
    repository, tag = signature_tag(there, release)
    foreign = b'{"foreign":1}'
    upload.push(there._client, repository, content_of(foreign), 2**20, SILENT)
    found = manifests.get(there._client, repository, tag)
    assert found is not None
    document = json.loads(found.data)
    document["layers"][0]["annotations"] |= {"dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----"}
    document["layers"].append(
        {
            "mediaType": "application/vnd.example+json",
            "digest": digest_of_bytes(foreign).sha256,
            "size": len(foreign),
            "annotations": {"dev.sigstore.cosign/bundle": "{}"},
        }
    )
    config = canonical.dumps({"rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in document["layers"]]}})
    upload.push(there._client, repository, content_of(config), 2**20, SILENT)
    document["config"] |= {"digest": digest_of_bytes(config).sha256, "size": len(config)}
    overwrite(there, release, canonical.dumps(document))
    resigned(there, new, old)
    after = manifests.get(there._client, repository, tag)
    assert after is not None
    assert json.loads(after.data)["layers"][:-1] == document["layers"]
    (image,) = release.manifest.images
    for signer in (old, new):
        assert has_signature(there, image.name, image.digest, signer)
    assert there.sign_images(release.manifest, new) == there.sign_images(release.manifest, old) == ()
    assert manifests.get(there._client, repository, tag) == after


def test_a_signature_for_another_name_is_none(
    there: RegistryDestination, release: StagedRelease, old: Signer, registry: RegistryServer
) -> None:
    """An image that was copied with its signature: cosign tells which name it was signed for."""
    (image,) = release.manifest.images
    with FaultProxy(registry.host) as proxy:
        path = there.name.partition("://")[2].partition("/")[2]
        mirror = registry_destination(f"{proxy.host}/{path}")
        assert mirror.sign_images(release.manifest, old) == ("tesseral-api",)
        assert mirror.sign_images(release.manifest, old) == ()
    assert has_signature(there, image.name, image.digest, old)


@pytest.mark.parametrize("media_type", [INDEX, MANIFEST])
def test_something_else_in_the_place_of_signatures(
    there: RegistryDestination, release: StagedRelease, old: Signer, new: Signer, media_type: str
) -> None:
    """Told before anything is signed, here and in all other places."""
    repository, tag = signature_tag(there, release)
    other = registry_destination(f"{there._client.registry}/{there._reference.prefix}-2")
    publish(release, [other], signer=old)
    before = tagged(other)
    (image,) = release.manifest.images
    index = manifests.get(there._client, repository, image.digest)
    assert index is not None
    document = index
    if media_type == MANIFEST:
        found = manifests.get(there._client, repository, json.loads(index.data)["manifests"][0]["digest"])
        assert found is not None
        damaged = json.loads(found.data)
        damaged["layers"] *= 2
        document = Document(media_type=MANIFEST, data=canonical.dumps(damaged))
    overwrite(there, release, document.data, media_type)
    with pytest.raises(
        VerificationError, match=rf"{tag} holds no signatures in cosign's form.*; look at what is there"
    ):
        resign([other, there], V140, new, Basis(trusted=trusting(old)), replace=True)
    assert tagged(other) == before
    with pytest.raises(VerificationError, match="holds no signatures"):
        there.sign_images(release.manifest, new)


def test_a_place_that_cannot_be_written(
    there: RegistryDestination, release: StagedRelease, old: Signer, new: Signer
) -> None:
    """Told before anything is signed in the others."""
    before = tagged(there)
    with FaultProxy(there._client.registry, every(Answer(403), method="POST")) as proxy:
        guarded = registry_destination(f"{proxy.host}/{there._reference.prefix}")
        with pytest.raises(DestinationError, match="403"):
            resign([there, guarded], V140, new, Basis(trusted=trusting(old)), replace=True)
    assert tagged(there) == before


def test_a_payload_that_is_lost(
    plain_registry: RegistryServer, release: StagedRelease, old: Signer, new: Signer
) -> None:
    there = registry_destination(plain_registry.prefix())
    publish(release, [there], signer=old)
    with FaultProxy(plain_registry.host) as proxy:
        through = registry_destination(f"{proxy.host}/{there._reference.prefix}")
        payload = cosign.payload(
            release.manifest.images[0].digest, f"{plain_registry.host}/{signature_tag(there, release)[0]}"
        )
        lost = digest_of_bytes(payload).sha256
        proxy.reset(every(Answer(404), method="GET", path=lost))
        with pytest.raises(VerificationError, match=f"has lost {lost}; delete that tag if nobody needs it"):
            resigned(through, new, old)


@pytest.mark.parametrize("overwritten", [False, True])
def test_another_who_signs_at_the_same_time(
    there: RegistryDestination, release: StagedRelease, old: Signer, new: Signer, tmp_path: Path, overwritten: bool
) -> None:
    """Before ours is written; or right after, by somebody who does not know of ours."""
    repository, tag = signature_tag(there, release)
    (image,) = release.manifest.images
    third = key_of(make_key(tmp_path / "third"))
    before = manifests.get(there._client, repository, tag)
    assert before is not None
    left: list[str] = ["PUT", "GET"] if overwritten else ["POST"]

    def rule(request: Request) -> None:
        where = "/blobs/" if left[:1] == ["POST"] else tag
        if left and request.method == left[0] and where in request.path and repository in request.path:
            left.pop(0)
            if not left and overwritten:
                overwrite(there, release, before.data)
            elif not left:
                there.sign_images(release.manifest, third)

    with FaultProxy(there._client.registry, rule) as proxy:
        slow = registry_destination(f"{proxy.host}/{there._reference.prefix}")
        assert slow.sign_images(release.manifest, new) == ("tesseral-api",)
    assert not left
    assert has_signature(there, image.name, image.digest, old)
    assert has_signature(there, image.name, image.digest, new, proxy.host)
    assert has_signature(there, image.name, image.digest, third) is not overwritten

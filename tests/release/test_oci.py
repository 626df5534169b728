import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from release_samples import CONFIG, CREATED, entries, platform_images

from release.archive import Entry, TarDigest
from release.archive.tar import write_gz
from release.checksums import digest_of_bytes
from release.compression import Sink
from release.errors import SourceError, VerificationError
from release.oci import ImageIndex, PlatformImage, read_layout, write_layout
from release.oci.image import index_document


def written(directory: Path, files: tuple[Entry, ...] | None = None, ref: str = "1.4.0") -> ImageIndex:
    images = platform_images(entries() if files is None else files)
    more = {"org.opencontainers.image.revision": "abc"}
    return write_layout(directory, "tesseral-api", images, CREATED, ref, more)


def blob(directory: Path, digest: str) -> bytes:
    data = (directory / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert digest_of_bytes(data).sha256 == digest
    return data


def test_golden_digest(tmp_path: Path) -> None:
    """These bytes are published: a change here is a change of the format."""
    assert written(tmp_path).digest == "sha256:84c547676109a43315c42902e7e11ce4ff93bc4392a8822d045086bfe72c13a3"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    index = written(tmp_path)
    assert read_layout(tmp_path) == index
    assert index.platforms == ("linux/amd64", "linux/arm64")
    assert index.ref == "1.4.0"


def test_the_documents(tmp_path: Path) -> None:
    index = json.loads(blob(tmp_path, written(tmp_path).digest))
    assert index["annotations"] == {
        "org.opencontainers.image.created": "2026-01-01T12:30:07Z",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.title": "tesseral-api",
        "org.opencontainers.image.version": "1.4.0",
    }
    assert index["manifests"][1]["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v8"}
    manifest = json.loads(blob(tmp_path, index["manifests"][0]["digest"]))
    config = json.loads(blob(tmp_path, manifest["config"]["digest"]))
    layer = blob(tmp_path, manifest["layers"][0]["digest"])
    assert config["rootfs"]["diff_ids"] == [digest_of_bytes(gzip.decompress(layer)).sha256]
    assert config["created"] == config["history"][0]["created"] == "2026-01-01T12:30:07Z"
    assert config["config"] == {
        "Entrypoint": ["/api"],
        "Env": ["API_SERVE_ADDR=:3001"],
        "ExposedPorts": {"3001/tcp": {}},
        "User": "65532:65532",
        "WorkingDir": "/",
    }
    # Both platforms hold the same files, so: index, 2 manifests, 2 configs, 1 layer.
    assert len(list((tmp_path / "blobs" / "sha256").iterdir())) == 6


def test_the_order_of_platforms_does_not_show(tmp_path: Path) -> None:
    images = platform_images(entries())
    first = write_layout(tmp_path / "1", "i", images, CREATED, "1.4.0", {})
    assert write_layout(tmp_path / "2", "i", images[::-1], CREATED, "1.4.0", {}) == first


def test_files_that_platforms_share_are_packed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[object] = []

    def counted(entries: Sequence[Entry], sink: Sink, mtime: int) -> TarDigest:
        packed.append(entries)
        return write_gz(entries, sink, mtime)

    monkeypatch.setattr("release.oci.write.write_gz", counted)
    written(tmp_path)
    assert len(packed) == 1


def test_refusals(tmp_path: Path) -> None:
    image = PlatformImage(platform="linux/amd64", entries=(Entry(path="a", source=b""),), config=CONFIG)
    with pytest.raises(SourceError, match="two variants"):
        write_layout(tmp_path, "i", [image, image], CREATED, "1.4.0", {})
    (tmp_path / "f").touch()
    with pytest.raises(SourceError, match="not empty"):
        write_layout(tmp_path, "i", [image], CREATED, "1.4.0", {})


def test_every_blob_is_checked(tmp_path: Path) -> None:
    written(tmp_path)
    for path in (tmp_path / "blobs" / "sha256").iterdir():
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(VerificationError, match=path.name):
            read_layout(tmp_path)
        path.write_bytes(data + b"\0")
        with pytest.raises(VerificationError, match=f"{path.name} has {len(data) + 1} bytes, not {len(data)}"):
            read_layout(tmp_path)
        path.unlink()
        with pytest.raises(VerificationError, match=path.name):
            read_layout(tmp_path)
        path.write_bytes(data)
    read_layout(tmp_path)


def test_a_blob_that_belongs_to_nothing_is_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "blobs" / "sha256" / ("0" * 64)).touch()
    with pytest.raises(VerificationError, match="0" * 64):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"manifests":[]}',
        '{"manifests":[{"digest":"sha256:../../../etc/passwd","size":1,"mediaType":"x"}]}',
        '{"manifests":[{"digest":5,"size":1,"annotations":{"org.opencontainers.image.ref.name":"x"}}]}',
    ],
)
def test_an_index_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    written(tmp_path)
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(VerificationError):
        read_layout(tmp_path)


def test_a_digest_leads_nowhere_else(tmp_path: Path) -> None:
    index = written(tmp_path)
    path = tmp_path / "index.json"
    path.write_text(path.read_text().replace(index.digest, "sha256:../../index.json"))
    with pytest.raises(VerificationError, match=r"'sha256:\.\./\.\./index\.json' is no application"):
        read_layout(tmp_path)


def test_what_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        read_layout(tmp_path / "missing")
    written(tmp_path)
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"2.0.0"}')
    with pytest.raises(VerificationError, match="oci-layout"):
        read_layout(tmp_path)


def test_an_image_listed_for_another_platform_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("release.oci.write.index_document", _swapped(index_document))
    written(tmp_path)
    with pytest.raises(VerificationError, match="listed as another's"):
        read_layout(tmp_path)


def _swapped(document: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def swapped(manifests: object, annotations: object) -> dict[str, Any]:
        result = document(manifests, annotations)
        one, two = result["manifests"]
        one["platform"], two["platform"] = two["platform"], one["platform"]
        return result

    return swapped

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from release_samples import ROOT, manifest, unhurried

from release.errors import VerificationError
from release.manifest import Artifact, Image, Manifest, Pipeline, Requirements, Source, from_json, to_json
from release.staged import stage
from release.version import Version

DIGEST = "sha256:" + "0" * 64
ARTIFACT = Artifact(name="a.tar.gz", piece="api", size=1, digest=DIGEST, media_type="application/gzip")
IMAGE = Image(name="api", digest=DIGEST, size=1, platforms=("linux/amd64",))

digests = st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}")
sizes = st.integers(0, 2**40)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,30}", fullmatch=True).filter(lambda name: name != "images")
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
optional = st.none()
platforms = st.sampled_from(["linux/amd64", "linux/arm64", "darwin/arm64"])
numbers = st.none() | st.integers(0, 999)
manifests = st.builds(
    Manifest,
    version=st.builds(Version, sizes, sizes, sizes),
    source=st.builds(
        Source,
        repository=optional | text,
        path=optional | text,
        commit=st.text("0123456789abcdef", min_size=40, max_size=40),
        committed_at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(
            lambda time: time.replace(microsecond=0)
        ),
        tree_digest=digests,
    ),
    pipeline=st.builds(Pipeline, version=text, toolchain_lock_digest=digests),
    artifacts=st.lists(
        st.builds(
            Artifact,
            name=names,
            piece=names,
            target=optional | platforms,
            size=sizes,
            digest=digests,
            tar_digest=optional | digests,
            media_type=text,
        ),
        unique_by=lambda artifact: artifact.name,
        max_size=4,
    ).map(lambda items: tuple(sorted(items, key=lambda item: item.name))),
    images=st.lists(
        st.builds(
            Image,
            name=names,
            digest=digests,
            size=sizes,
            platforms=st.lists(platforms, min_size=1, unique=True).map(tuple),
        ),
        unique_by=lambda image: image.name,
        max_size=2,
    ).map(lambda items: tuple(sorted(items, key=lambda item: item.name))),
    requirements=st.builds(
        Requirements,
        first_migration=numbers,
        last_migration=numbers,
        irreversible_migrations=st.lists(st.integers(0, 999)).map(tuple),
        upgrade_from=optional | st.just("1.0.0"),
    ),
    console_placeholders=st.dictionaries(text, text),
    notes=optional | text,
)


@unhurried
@given(manifests)
def test_round_trip(value: Manifest) -> None:
    assert from_json(to_json(value)) == value


def test_the_form() -> None:
    value = manifest(artifacts=(ARTIFACT,), images=(IMAGE,))
    assert to_json(value).decode() == (
        '{"artifacts":[{"digest":"' + DIGEST + '","mediaType":"application/gzip","name":"a.tar.gz",'
        '"piece":"api","size":1}],'
        '"consolePlaceholders":{"CONSOLE_API_URL":"https://placeholder.invalid"},'
        '"images":[{"digest":"' + DIGEST + '","name":"api","platforms":["linux/amd64"],"size":1}],'
        '"notes":"### Added\\n\\n- Größe",'
        '"pipeline":{"toolchainLockDigest":"sha256:' + "b" * 64 + '","version":"0.1.0"},'
        '"requirements":{"firstMigration":1,"irreversibleMigrations":[7],"lastMigration":90,"postgresql":">=16.4"},'
        '"schemaVersion":1,'
        '"source":{"commit":"0123456789abcdef0123456789abcdef01234567","committedAt":"2026-01-01T12:30:07Z",'
        '"treeDigest":"sha256:' + "a" * 64 + '"},'
        '"version":"1.4.0"}\n'
    )


def test_the_order_of_artifacts_does_not_show() -> None:
    other = Artifact(name="b", piece="api", size=1, digest=DIGEST, media_type="x")
    assert to_json(manifest(artifacts=(other, ARTIFACT))) == to_json(manifest(artifacts=(ARTIFACT, other)))


def changed(**changes: object) -> bytes:
    document = json.loads(to_json(manifest(artifacts=(ARTIFACT,), images=(IMAGE,))))
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = document
        for step in path:
            inner = inner[int(step) if step.isdigit() else step]
        inner[last] = value
    return (json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def test_the_sample_is_accepted_as_it_is() -> None:
    from_json(changed())


@pytest.mark.parametrize(
    "change",
    [
        {"artifacts__0__name": "../a"},
        {"artifacts__0__name": "dir/a"},
        {"artifacts__0__name": ".."},
        {"artifacts__0__name": "a\n"},
        {"artifacts__0__name": "release.json"},
        {"artifacts__0__name": "SHA256SUMS"},
        {"artifacts__0__name": "images"},
        {"artifacts__0__size": -1},
        {"artifacts__0__size": True},
        {"artifacts__0__size": "1"},
        {"artifacts__0__digest": "0" * 64},
        {"artifacts__0__digest": DIGEST + "\n"},
        {"artifacts__0__target": "linux"},
        {"artifacts__0__tarDigest": None},
        {"artifacts__0__extra": 1},
        {"artifacts": [{"digest": DIGEST, "mediaType": "x", "name": "a", "piece": "a", "size": 1}] * 2},
        {"images__0__name": "../a"},
        {"images__0__platforms": []},
        {"version": "1.4"},
        {"version": "v1.4.0"},
        {"version": "1.4.0+x"},
        {"source__committedAt": "2026-02-30T00:00:00Z"},
        {"source__commit": "main"},
        {"source__host": "here"},
        {"requirements__postgresql": "16"},
        {"requirements__firstMigration": 1.5},
        {"consolePlaceholders": {"A": 1}},
        {"schemaVersion": 0},
        {"schemaVersion": "1"},
        {"builtAt": "2026-01-01T00:00:00Z"},
        {"notes": "\ud800"},
    ],
    ids=str,
)
def test_what_breaks_a_rule_is_refused(change: dict[str, object]) -> None:
    try:
        data = changed(**change)
    except UnicodeEncodeError:
        data = changed(notes="X").replace(b'"X"', b'"\\ud800"')
    with pytest.raises(VerificationError):
        from_json(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 10**6,
        to_json(manifest()).rstrip(b"\n"),
        to_json(manifest()) + b"\n",
        to_json(manifest()).replace(b":", b": ", 1),
        to_json(manifest()).replace(b'{"artifacts":[]', b'{"artifacts":[],"artifacts":[]'),
        to_json(manifest()).replace(b'"schemaVersion":1', b'"schemaVersion":1.0'),
        to_json(manifest()).replace("ö".encode(), b"\\u00f6"),
    ],
)
def test_there_is_one_form(data: bytes) -> None:
    with pytest.raises(VerificationError):
        from_json(data)


def test_artifacts_out_of_order_are_not_the_form() -> None:
    rows = [{"digest": DIGEST, "mediaType": "x", "name": name, "piece": "a", "size": 1} for name in "ba"]
    with pytest.raises(VerificationError, match="canonical"):
        from_json(changed(artifacts=rows))


def test_a_newer_form_says_to_upgrade() -> None:
    with pytest.raises(VerificationError, match=r"schema version 2, .*; upgrade tesseral-release"):
        from_json(changed(schemaVersion=2, news=1))


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(VerificationError, match=r"release\.json: artifacts\[0\]\.size: "):
        from_json(changed(artifacts__0__size=-1))


def test_nothing_is_staged_that_could_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="twice"):
        stage(tmp_path, manifest(artifacts=(ARTIFACT, ARTIFACT)))
    assert list(tmp_path.iterdir()) == []


def test_the_schema_is_sound_and_describes_everything() -> None:
    schema = json.loads((ROOT / "release" / "schemas" / "release-1.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:")
    pending = [schema]
    while pending:
        inner = pending.pop()
        if inner.get("type") == "object":
            assert "additionalProperties" in inner
        for name, part in inner.get("properties", {}).items():
            assert part["description"], name
            pending.append(part)
        pending.extend([inner["items"]] if "items" in inner else [])

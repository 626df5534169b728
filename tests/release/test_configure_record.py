"""``configured.json``, byte for byte."""

from __future__ import annotations

import pytest
from console_samples import VALUES

from release import canonical
from release.configure.record import Base, Kind, Record, from_json, record_of, to_json
from release.errors import VerificationError

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DIGEST = "sha256:" + "a" * 64
WRITTEN = (
    f'{{"base":{{"digest":"{DIGEST}","kind":"archive","version":"1.4.0"}},'
    f'"files":{{"a":{{"digest":"{EMPTY}","size":0}}}},"schemaVersion":1,'
    '"values":{"CONSOLE_API_URL":"https://api.example.com","CONSOLE_DOGFOOD_PROJECT_ID":"project_2wph7a"}}\n'
).encode()


def record(version: str | None = "1.4.0") -> Record:
    return record_of(Base(kind=Kind.ARCHIVE, digest=DIGEST, version=version), VALUES, {"a": b""})


def test_the_form() -> None:
    assert to_json(record()) == WRITTEN
    assert to_json(record(None)) == WRITTEN.replace(b',"version":"1.4.0"', b"")


@pytest.mark.parametrize("version", ["1.4.0", None])
def test_what_is_written_is_read(version: str | None) -> None:
    assert from_json(to_json(record(version))) == record(version)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (WRITTEN, b""),
        (WRITTEN, b"[]"),
        (WRITTEN, b"{}"),
        (b"\n", b""),
        (b'"kind":"archive"', b'"kind":"other"'),
        (b'"size":0', b'"size":-1'),
        (b'"size":0', b'"size":true'),
        (b'"size":0', b'"size":"0"'),
        (b"a" * 64, b"A" * 64),
        (EMPTY.encode(), b"x"),
        (b'"1.4.0"', b"1"),
        (b'"project_2wph7a"', b"7"),
        (b'"schemaVersion":1', b'"schemaVersion":"1"'),
        (b'"schemaVersion":1', b'"schemaVersion":0'),
        (b'"schemaVersion":1', b'"more":1,"schemaVersion":1'),
        (b'"files":{', b'"files":[{'),
        (f'"digest":"{DIGEST}"'.encode(), b'"digest":7'),
    ],
)
def test_anything_else_is_refused(old: bytes, new: bytes) -> None:
    assert old in WRITTEN
    with pytest.raises(VerificationError, match=r"configured\.json is not as `configure` writes it"):
        from_json(WRITTEN.replace(old, new))


def test_a_newer_form_is_told() -> None:
    with pytest.raises(VerificationError, match="has schema version 2, this program knows 1; upgrade"):
        from_json(canonical.dumps({"schemaVersion": 2}))

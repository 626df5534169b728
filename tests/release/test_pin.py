from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_samples import V140, pin_of, published, several
from release_samples import staged, unhurried

from release import pin as pins
from release.destination.channel import Pin
from release.errors import DestinationError, UsageError, VerificationError
from release.fetch import Selection, fetch, find
from release.version import parse

PIN = Pin(version=V140, manifest_digest="sha256:" + "0" * 64)
OTHER = Pin(version=parse("1.3.0"), manifest_digest="sha256:" + "1" * 64)
TEXT = b'{"manifestDigest":"sha256:' + b"0" * 64 + b'","schemaVersion":1,"version":"1.4.0"}\n'


def test_its_form() -> None:
    assert pins.to_json(PIN) == TEXT
    assert pins.from_json(TEXT) == PIN


def test_writing(tmp_path: Path) -> None:
    path = tmp_path / pins.NAME
    assert pins.write(path, PIN)
    assert path.read_bytes() == TEXT
    assert path.stat().st_mode & 0o777 == 0o644
    before = path.stat().st_mtime_ns
    assert not pins.write(path, PIN)
    assert path.stat().st_mtime_ns == before
    assert pins.read(path) == PIN


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (pins.to_json(OTHER), "pins 1.3.0, not 1.4.0"),
        (pins.to_json(Pin(version=V140, manifest_digest=OTHER.manifest_digest)), "pins another 1.4.0, not 1.4.0"),
        (b"something\n", "is something else than a pin, not 1.4.0"),
    ],
)
def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path, there: bytes, words: str) -> None:
    path = tmp_path / "pin"
    path.write_bytes(there)
    with pytest.raises(UsageError) as caught:
        pins.write(path, PIN)
    assert str(caught.value) == f"{path} {words}; --update replaces it"
    assert path.read_bytes() == there
    assert pins.write(path, PIN, update=True)
    assert path.read_bytes() == TEXT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        TEXT[:-1],
        TEXT + b"\n",
        TEXT.replace(b":1,", b": 1,"),
        TEXT.replace(b'"1.4.0"', b'"1.4"'),
        TEXT.replace(b'"1.4.0"', b'"v1.4.0"'),
        TEXT.replace(b'"1.4.0"', b"4"),
        TEXT.replace(b"sha256:0", b"sha256:X"),
        TEXT.replace(b"sha256:0", b"sha256:"),
        TEXT.replace(b"sha256", b"sha512"),
        TEXT.replace(b":1,", b':"1",'),
        TEXT.replace(b"}", b',"more":1}'),
        b"[" * 10**5,
        b"\xff",
    ],
)
def test_what_is_no_pin_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "pin"
    path.write_bytes(data)
    with pytest.raises(VerificationError, match=f"^{path}: .*; make it again with tesseral-release pin$"):
        pins.read(path)


@unhurried
@given(st.binary(max_size=200) | st.integers(0, len(TEXT) - 1).map(lambda n: TEXT[:n] + b"7" + TEXT[n + 1 :]))
def test_only_whole_pins_are_read(data: bytes) -> None:
    try:
        pin = pins.from_json(data)
    except VerificationError:
        return
    assert pins.to_json(pin) == data


def test_a_newer_form_says_to_upgrade() -> None:
    with pytest.raises(VerificationError, match="upgrade tesseral-release"):
        pins.from_json(TEXT.replace(b":1,", b":2,"))


def test_places_that_hold_no_pin(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no pin .*nothing; make it with"):
        pins.read(tmp_path / "nothing")
    with pytest.raises(DestinationError, match="Is a directory"):
        pins.read(tmp_path)
    with pytest.raises(DestinationError, match="cannot be used: No such file or directory; check the path"):
        pins.write(tmp_path / "nowhere" / "pin", PIN)


def test_a_pin_is_what_a_fetched_folder_is_compared_with(tmp_path: Path) -> None:
    release = several(tmp_path / "stage")
    origin = published(tmp_path / "published", release)
    fetch(origin, find(origin, pin_of(release)), Selection(), tmp_path / "into")
    pins.check(pin_of(release), release.manifest, "here")
    for other in (PIN, Pin(version=OTHER.version, manifest_digest=pin_of(release).manifest_digest)):
        with pytest.raises(VerificationError, match=r"here holds 1\.4\.0 with .* the pin says .*; fetch the pinned"):
            pins.check(other, release.manifest, "here")


def test_another_release_with_the_pinned_version_is_refused(tmp_path: Path) -> None:
    release, other = several(tmp_path / "stage"), staged(tmp_path / "other")
    origin = published(tmp_path / "published", other)
    with pytest.raises(VerificationError, match="the pin says"):
        find(origin, pin_of(release))

"""What a reader with trusted keys takes of a channel, and what nobody can make him take."""

import json
import re
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from channel_samples import DAY, NOON, SECOND, Reader, Site, trusting
from hypothesis import given
from hypothesis import strategies as st
from release_samples import ROOT, unhurried
from signing_support import KINDS, key_of, make_key, ssh_keygen
from site_samples import yank as record

from release import canonical
from release.channels import move
from release.destination import channel as channels
from release.destination.channel import Channel, Pin
from release.destination.documents import yank_key
from release.destination.seal import check_signature, sealed, signed_bytes, signing_key
from release.errors import VerificationError, VersionError
from release.fetch import find
from release.promote import yank
from release.revision import Writing
from release.signing import RELEASE, Signer, TrustedKey, TrustedKeys, sign
from release.version import parse


@pytest.fixture(scope="module", params=list(KINDS))
def signer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return key_of(make_key(tmp_path_factory.mktemp("key") / "key", *KINDS[request.param]))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return key_of(make_key(tmp_path_factory.mktemp("other") / "key"))


@pytest.fixture
def site(tmp_path: Path, signer: Signer) -> Site:
    return Site(tmp_path / "site", signer)


@pytest.fixture
def reader(site: Site, tmp_path: Path) -> Reader:
    return Reader(site, tmp_path / "state/channels.json")


def refused(reader: Reader, words: str, at: datetime = NOON, name: str = "stable") -> str:
    """Every refusal is one sentence with a next step, and changes nothing in the memory."""
    before = reader.path.read_bytes() if reader.path.exists() else None
    with pytest.raises(VerificationError, match=words) as caught:
        reader.look(at, name)
    assert "\n" not in str(caught.value)
    assert caught.value.next_step
    assert (reader.path.read_bytes() if reader.path.exists() else None) == before
    return str(caught.value)


def test_a_signed_channel_moves_on(site: Site, reader: Reader) -> None:
    for hours, version in enumerate(("1.3.0", "1.4.0", "1.4.1")):
        site.move(version, NOON + hours * DAY)
        assert [reader.gets(NOON + hours * DAY) for _ in range(2)] == [version] * 2
    assert reader.warnings == []
    found = reader.look(NOON + 2 * DAY)
    assert found.signed_by is not None
    assert found.warnings == ()


def test_its_form(site: Site, signer: Signer) -> None:
    site.move("1.3.0")
    channel = site.move("1.4.0")
    document = json.loads(site.data())
    assert canonical.dumps(document) == site.data()
    assert document.pop("signature").startswith("-----BEGIN SSH SIGNATURE-----\n")
    pins = [{"version": str(pin.version), "manifestDigest": pin.manifest_digest} for pin in channel.pins]
    assert document == {
        "channel": "stable",
        "expires": "2027-02-22T12:00:00Z",
        **pins[0],
        "previous": pins[1:],
        "schemaVersion": 1,
        "sequence": int(NOON.timestamp()) + 1,
    }
    assert signed_bytes(channel) == canonical.dumps(document)
    assert channels.from_json(site.data(), "stable") == channel
    assert signing_key(channel, "here") == signer.public_key


def test_an_old_file_is_a_rollback(site: Site, reader: Reader) -> None:
    site.move("1.3.0")
    old = site.data()
    reader.gets()
    site.move("1.4.0", NOON + DAY)
    reader.gets()
    site.file().write_bytes(old)
    number = int(NOON.timestamp())
    said = refused(reader, f"was rolled back: its sequence is {number}, and was {number + 86400} before")
    assert f"the channel 'stable' in {site.root} " in said
    assert f"remove it from {reader.path}" in said
    # Another who has seen nothing cannot know, until it expires.
    assert Reader(site, reader.path.with_name("empty.json")).gets() == "1.3.0"
    reader.path.unlink()
    assert reader.gets() == "1.3.0"


def test_a_signed_step_back_is_a_rollback_too(site: Site, reader: Reader) -> None:
    site.move("1.4.0")
    reader.gets()
    site.file().unlink()
    site.move("1.3.0", NOON + DAY)
    refused(reader, r"was rolled back: it is at 1\.3\.0, and was at 1\.4\.0 before")


def test_one_number_has_one_content(site: Site, reader: Reader) -> None:
    site.move("1.4.0")
    reader.gets()
    site.file().unlink()
    site.move("1.4.1", NOON)
    refused(reader, "has the sequence .* twice, each time with another content")


def test_another_signature_is_no_other_content(site: Site, reader: Reader, other: Signer) -> None:
    """Some keys sign differently each time, as those of KMS do."""
    channel = site.move("1.4.0")
    reader.gets()
    assert channel.seal is not None
    site.file().write_bytes(channels.to_json(sealed(channel, other, channel.seal.expires)))
    both = Reader(site, reader.path, site.signer, other)
    assert both.gets() == "1.4.0"


def test_it_counts_until_it_expires(site: Site, reader: Reader) -> None:
    site.move("1.4.0")
    end = NOON + 90 * DAY
    assert reader.gets(end - SECOND) == "1.4.0"
    for late in (end, end + SECOND, end + 3650 * DAY):
        said = refused(reader, "expired at 2027-02-22T12:00:00Z: it may be held back", late)
    assert "ask the maintainers to renew it, or name a version or a pin" in said
    # A version that was named does not hang on the channel.
    assert find(site.destination, "1.4.0", reader.trusted, clock=lambda: end + DAY).version == parse("1.4.0")


def test_the_file_of_another_channel(site: Site, reader: Reader) -> None:
    site.move("1.4.0")
    site.move("1.5.0-rc.1", name="candidate")
    site.file().write_bytes(site.data("candidate"))
    refused(reader, "in the place of the channel 'stable' is the file of 'candidate'")
    renamed = json.loads(site.data("candidate")) | {"channel": "stable"}
    site.file().write_bytes(canonical.dumps(renamed))
    refused(reader, "was altered")


def test_the_file_of_another_product(site: Site, reader: Reader, other: Signer, tmp_path: Path) -> None:
    site.move("1.4.0")
    elsewhere = Site(tmp_path / "elsewhere", other)
    elsewhere.move("2.0.0", NOON + DAY)
    site.file().write_bytes(elsewhere.data())
    refused(reader, f"is by a key that is not trusted, {re.escape(str(other.public_key))}")
    # Under one key for both, its releases are still not here.
    pin = Pin(version=parse("1.4.0"), manifest_digest="sha256:" + "0" * 64)
    forged = sealed(Channel(name="stable", current=pin, sequence=1), site.signer, NOON + DAY)
    site.file().write_bytes(channels.to_json(forged))
    with pytest.raises(VerificationError, match=r"has 1\.4\.0 with a release\.json of .*, the channel 'stable' says"):
        reader.look()


def test_the_signature_is_of_a_trusted_key_for_channels(site: Site, reader: Reader, other: Signer) -> None:
    channel = site.move("1.4.0")
    assert channel.seal is not None
    strangers = Reader(site, reader.path, other)
    refused(
        strangers,
        f"the channel 'stable' in .* is by a key that is not trusted, {re.escape(str(site.signer.public_key))}",
    )
    revoked = TrustedKeys((TrustedKey(key=site.signer.public_key, name="K", revoked="lost with a laptop"),))
    reader.trusted = reader.trusted | revoked
    refused(reader, "which was revoked: lost with a laptop")
    reader.trusted = TrustedKeys()
    refused(reader, "no trusted key is configured")
    reader.trusted = trusting(site.signer)
    signature = sign(site.signer, signed_bytes(channel), RELEASE).decode()
    site.file().write_bytes(channels.to_json(replace(channel, seal=replace(channel.seal, signature=signature))))
    refused(reader, "was made for 'tesseral-release', not for 'tesseral-channel'")


def test_an_unsigned_one_is_taken_on_demand_only(site: Site, reader: Reader) -> None:
    move(site.destination, "stable", site.release("1.4.0"))
    said = refused(reader, "the channel 'stable' in .* is not signed")
    assert "ask the maintainers, or take it with --insecure-unsigned" in said
    assert find(site.destination, "stable").version == parse("1.4.0")
    assert not reader.path.exists()


def test_without_keys_the_memory_is_left_alone(site: Site, reader: Reader) -> None:
    site.move("1.3.0")
    old = site.data()
    site.move("1.4.0", NOON + DAY)
    reader.gets()
    before = reader.path.read_bytes()
    site.file().write_bytes(old)
    reader.trusted = None  # type: ignore[assignment]
    assert reader.gets(NOON + 3650 * DAY) == "1.3.0"
    assert reader.path.read_bytes() == before


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> bytes:
    site = Site(tmp_path_factory.mktemp("written"), signer)
    for version in ("1.2.0", "1.3.0", "1.4.0"):
        site.move(version)
    yank([site.destination], parse("1.4.0"), "It leaks größer", Writing(signer=signer, clock=lambda: NOON))
    return site.data()


def says(data: bytes, trusted: TrustedKeys) -> Channel:
    channel = channels.from_json(data, "stable")
    check_signature(channel, trusted, "here")
    return channel


def test_no_byte_can_be_altered(written: bytes, signer: Signer) -> None:
    trusted = trusting(signer)
    good = says(written, trusted)
    for place in range(len(written)):
        for byte in {written[place] ^ 1, ord("0"), ord("A"), ord('"'), ord(" ")} - {written[place]}:
            altered = written[:place] + bytes([byte]) + written[place + 1 :]
            try:
                found = says(altered, trusted)
            except VerificationError:
                continue
            # Base64 has bits that mean nothing: then the same key says the same, word for word.
            assert replace(found, seal=good.seal) == good
            assert found.seal is not None
            assert good.seal is not None
            assert found.seal.expires == good.seal.expires


@unhurried
@given(st.data())
def test_nothing_can_be_cut_or_added(written: bytes, signer: Signer, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(written)))
    end = data.draw(st.integers(start, len(written)))
    new = data.draw(st.binary(max_size=20))
    altered = written[:start] + new + written[end:]
    good = says(written, trusting(signer))
    try:
        found = says(altered, trusting(signer))
    except VerificationError:
        return
    assert signed_bytes(found) == signed_bytes(good)


def test_the_marks_of_a_signed_channel_decide(site: Site, reader: Reader) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    assert reader.gets() == "1.4.0"
    yank([site.destination], parse("1.4.0"), "It leaks", Writing(signer=site.signer, clock=lambda: NOON))
    found = reader.look()
    assert found.version == parse("1.3.0")
    assert found.warnings == ("1.4.0 is yanked, taking 1.3.0: It leaks",)
    # Who takes the record away, or puts the file from before into its place, gets nobody back to it.
    (site.root / yank_key(parse("1.4.0"))).unlink()
    assert reader.gets() == "1.3.0"
    yank([site.destination], parse("1.3.0"), "as well", Writing(signer=site.signer, clock=lambda: NOON))
    with pytest.raises(VersionError, match=r"'stable' is at 1\.4\.0, which is yanked: It leaks"):
        reader.look()


def test_a_file_from_before_a_yank_is_a_rollback(site: Site, reader: Reader) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    before = site.data()
    yank([site.destination], parse("1.4.0"), "It leaks", Writing(signer=site.signer, clock=lambda: NOON))
    assert reader.gets() == "1.3.0"
    site.file().write_bytes(before)
    (site.root / yank_key(parse("1.4.0"))).unlink()
    refused(reader, "was rolled back")


def test_a_record_that_the_channel_does_not_confirm(site: Site, reader: Reader) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    record(site.root, "1.4.0", "take the old one, which has a hole")
    with pytest.raises(VerificationError) as caught:
        reader.look()
    assert str(caught.value) == (
        f"1.4.0, which the signed channel 'stable' gives, has a yank record in {site.root}, and the channel does not "
        "confirm it; run again later, or name a version"
    )
    assert find(site.destination, "stable").version == parse("1.3.0")  # who trusts nobody trusts the record
    assert find(site.destination, "1.4.0", reader.trusted).warnings == (
        "1.4.0 is yanked: take the old one, which has a hole",
    )
    # Of one that is not taken it tells nothing.
    (site.root / yank_key(parse("1.4.0"))).unlink()
    record(site.root, "1.3.0", "whatever")
    assert reader.gets() == "1.4.0"


def test_marks_count_without_keys_too(site: Site) -> None:
    """As after a crash between the channel and the record."""
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    yank([site.destination], parse("1.4.0"), "It leaks", Writing(signer=site.signer, clock=lambda: NOON))
    (site.root / yank_key(parse("1.4.0"))).unlink()
    assert find(site.destination, "stable").warnings == ("1.4.0 is yanked, taking 1.3.0: It leaks",)


def by_hand() -> str:
    """The lines of docs/operators.md."""
    text = (ROOT / "docs/operators.md").read_text()
    start = text.index('    sed \'s/,"signature"')
    return "set -eu\n" + text[start : text.index("\n\n", start)]


@pytest.mark.parametrize("reason", ["It leaks", 'a ","signature":"x" \\n in ," \\u0041 "signature":"y", größer.'])
def test_by_hand_with_what_every_machine_has(site: Site, tmp_path: Path, reason: str) -> None:
    ssh_keygen()
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    yank([site.destination], parse("1.4.0"), reason, Writing(signer=site.signer, clock=lambda: NOON))
    (tmp_path / "hand").mkdir()
    (tmp_path / "allowed-signers").write_text(f"maintainers {site.signer.public_key.openssh()}\n")
    for data, good in ((site.data(), True), (site.data().replace(b"1.3.0", b"1.2.0"), False)):
        (tmp_path / "hand/stable.json").write_bytes(data)
        done = subprocess.run(
            ["sh", "-c", by_hand()], cwd=tmp_path / "hand", capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is good, done.stderr
        assert ('Good "tesseral-channel" signature for maintainers' in done.stdout) is good

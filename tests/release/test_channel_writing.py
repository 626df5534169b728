"""How maintainers sign channels, and what they are kept from signing."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from channel_samples import DAY, NOON, SECOND, Reader, Site, trusting, writing
from release_samples import staged
from signing_support import KINDS, key_of, make_key

from release import rfc3339
from release.channels import check_move, check_signer, move, read_channel, yank_of
from release.cli import main
from release.destination import Channel, DirectoryDestination
from release.destination import channel as channels
from release.destination.channel import LARGEST_SEQUENCE
from release.destination.documents import yank_key
from release.destination.seal import check_signature, next_sequence, sealed
from release.errors import ConflictError, SigningError, UsageError, VerificationError, VersionError
from release.memory import FileMemory
from release.promote import promote, renew, yank
from release.publish import publish
from release.signing import Signer, TrustedKey, TrustedKeys
from release.version import parse

NUMBER = int(NOON.timestamp())


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return key_of(make_key(tmp_path_factory.mktemp("key") / "key"))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return key_of(make_key(tmp_path_factory.mktemp("newer") / "key", *KINDS["ed25519"]))


@pytest.fixture
def site(tmp_path: Path, signer: Signer) -> Site:
    return Site(tmp_path / "site", signer)


@pytest.fixture
def reader(site: Site, tmp_path: Path) -> Reader:
    return Reader(site, tmp_path / "state/channels.json")


def there(site: Site, name: str = "stable") -> Channel:
    channel = read_channel(site.destination, name)
    assert channel is not None
    return channel


def signed_by(channel: Channel, signer: Signer) -> bool:
    try:
        check_signature(channel, trusting(signer), "here")
    except VerificationError:
        return False
    return True


def expiry(channel: Channel) -> datetime:
    assert channel.seal is not None
    return channel.seal.expires


@pytest.mark.parametrize(
    ("before", "at", "number"),
    [
        (0, NOON, NUMBER),
        (NUMBER - 5, NOON, NUMBER),
        (NUMBER, NOON, NUMBER + 1),
        (NUMBER + 10**6, NOON, NUMBER + 10**6 + 1),
        (0, NOON + SECOND / 2, NUMBER),
        (LARGEST_SEQUENCE - 1, NOON, LARGEST_SEQUENCE),
    ],
)
def test_a_number_is_the_time_or_the_next(before: int, at: datetime, number: int) -> None:
    assert next_sequence(before, at) == number


def test_after_the_last_number_there_is_none() -> None:
    with pytest.raises(VerificationError, match=r"leaves no number for the next write; .*remove the channel's file"):
        next_sequence(LARGEST_SEQUENCE, NOON)


def test_every_write_is_above_all_before_it(site: Site, signer: Signer) -> None:
    """Also after somebody put an old file into the place."""
    first = site.move("1.3.0")
    old = site.data()
    second = site.move("1.4.0")
    third = site.move("1.4.1", NOON + DAY)
    assert [one.sequence for one in (first, second, third)] == [NUMBER, NUMBER + 1, NUMBER + 86400]
    site.file().write_bytes(old)
    again = site.move("1.4.1", NOON + DAY + SECOND)
    assert again.sequence == third.sequence + 1
    (renewed,) = renew([site.destination], "stable", writing(signer, NOON))
    assert renewed.sequence == again.sequence + 1


@pytest.mark.parametrize("at", [NOON, NOON + 45 * DAY - SECOND])
def test_the_same_again_is_not_written(site: Site, signer: Signer, at: datetime) -> None:
    channel = site.move("1.4.0")
    before = site.file().stat().st_ino
    promote([site.destination], parse("1.4.0"), "stable", writing(signer, at))
    # Who has no key changes nothing, so he needs none.
    promote([site.destination], parse("1.4.0"), "stable", writing(None, at))
    assert site.file().stat().st_ino == before
    assert there(site) == channel


def test_when_half_of_its_time_is_over_it_is_signed_again(site: Site, signer: Signer) -> None:
    site.move("1.4.0")
    promote([site.destination], parse("1.4.0"), "stable", writing(signer, NOON + 45 * DAY))
    assert expiry(there(site)) == NOON + 135 * DAY
    # Half of what is asked for, not of what it had.
    promote([site.destination], parse("1.4.0"), "stable", writing(signer, NOON + 45 * DAY, lifetime=180 * DAY))
    assert expiry(there(site)) == NOON + 225 * DAY


@pytest.mark.parametrize("lifetime", [DAY, 3650 * DAY])
def test_how_long_it_counts(site: Site, signer: Signer, lifetime: timedelta, reader: Reader) -> None:
    move(site.destination, "stable", site.release("1.4.0"), writing=writing(signer, lifetime=lifetime))
    assert expiry(there(site)) == NOON + lifetime
    assert reader.gets(NOON + lifetime - SECOND) == "1.4.0"
    with pytest.raises(VerificationError, match="expired"):
        reader.look(NOON + lifetime)


def test_renewing_always_writes(site: Site, signer: Signer, reader: Reader) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    before = there(site)
    (channel,) = renew([site.destination], "stable", writing(signer, NOON + SECOND, lifetime=30 * DAY))
    assert channel == there(site)
    assert channel.pins == before.pins
    assert channel.sequence == before.sequence + 1
    assert expiry(channel) == NOON + SECOND + 30 * DAY
    # Also when it is too late.
    renew([site.destination], "stable", writing(signer, NOON + 100 * DAY))
    assert reader.gets(NOON + 100 * DAY) == "1.4.0"


def test_what_cannot_be_renewed(site: Site, signer: Signer, newer: Signer, tmp_path: Path) -> None:
    empty = DirectoryDestination(tmp_path / "empty")
    for name in ("stable", "beta"):
        with pytest.raises(VersionError, match=name):
            renew([empty], name, writing(signer))
    move(site.destination, "stable", site.release("1.4.0"))
    with pytest.raises(
        VerificationError, match=r"is not signed, so .*; sign it with `tesseral-release promote VERSION "
    ):
        renew([site.destination], "stable", writing(signer))
    other = Site(tmp_path / "other", signer)
    before = other.move("1.4.0")
    with pytest.raises(SigningError, match="is signed, and stays so; name the key with --sign-with KEY"):
        renew([other.destination], "stable", writing(None))
    # All are looked at before one is written.
    with pytest.raises(VerificationError, match="is not signed"):
        renew([other.destination, site.destination], "stable", writing(signer))
    with pytest.raises(VerificationError, match="is by a key that is not trusted"):
        renew([other.destination], "stable", writing(newer))
    assert there(other) == before


@pytest.mark.parametrize(
    "write",
    [
        lambda places, how: renew(places, "stable", how),
        lambda places, how: yank(places, parse("1.4.0"), "broken", how),
    ],
)
def test_all_places_are_looked_at_before_one_is_written(
    site: Site, signer: Signer, newer: Signer, tmp_path: Path, write: Callable[[object, object], object]
) -> None:
    site.move("1.4.0")
    other = Site(tmp_path / "other", newer)
    other.move("1.4.0")
    before = site.data()
    with pytest.raises(VerificationError, match=f"{other.root} is by a key that is not trusted"):
        write([site.destination, other.destination], writing(signer))
    assert site.data() == before
    assert yank_of(site.destination, parse("1.4.0")) is None


def test_an_unsigned_channel_is_signed_when_a_key_is_given(site: Site, signer: Signer, reader: Reader) -> None:
    move(site.destination, "stable", site.release("1.4.0"), writing=writing(None))
    promote([site.destination], parse("1.4.0"), "stable", writing(signer))
    assert reader.gets() == "1.4.0"
    assert there(site).sequence == NUMBER + 1


def test_a_signed_channel_never_loses_its_signature(site: Site, signer: Signer, tmp_path: Path) -> None:
    site.move("1.4.0")
    before = site.data()
    target = site.release("1.5.0")
    for attempt in (check_move, move):
        with pytest.raises(
            SigningError, match=r"'stable' in .* is signed, and stays so; name the key with --sign-with"
        ):
            attempt(site.destination, "stable", target)
    with pytest.raises(SigningError, match="is signed, and stays so"):
        promote([site.destination], parse("1.5.0"), "stable")
    with pytest.raises(SigningError, match="is signed, and stays so"):
        yank([site.destination], parse("1.4.0"), "broken")
    assert site.data() == before
    assert yank_of(site.destination, parse("1.4.0")) is None
    # Before anything of the release is there, in any place.
    first = DirectoryDestination(tmp_path / "first")
    with pytest.raises(SigningError, match="is signed, and stays so"):
        publish(staged(tmp_path / "stage", "1.6.0"), [first, site.destination], "stable")
    assert not (tmp_path / "first/releases").exists()
    assert not (site.root / "releases/1.6.0").exists()


def test_a_build_is_not_begun_without_the_key(site: Site, signer: Signer) -> None:
    check_signer(site.destination, "stable", parse("1.4.0"), None)
    site.move("1.4.0")
    check_signer(site.destination, "stable", parse("1.4.0"), None)  # the same again takes no key
    check_signer(site.destination, "stable", parse("1.5.0"), signer)
    with pytest.raises(SigningError, match="name the key with --sign-with"):
        check_signer(site.destination, "stable", parse("1.5.0"), None)


def test_publishing_signs(tmp_path: Path, signer: Signer) -> None:
    pair = [DirectoryDestination(tmp_path / name) for name in ("one", "two")]
    release = staged(tmp_path / "stage")
    results = publish(release, pair, "stable", signer=signer, lifetime=30 * DAY, clock=lambda: NOON)
    for result in results:
        assert result.channel is not None
        assert expiry(result.channel) == NOON + 30 * DAY
    assert [(one / "channels/stable.json").read_bytes() for one in (tmp_path / "one", tmp_path / "two")] == [
        (tmp_path / "one/channels/stable.json").read_bytes()
    ] * 2
    again = publish(release, pair, "stable", signer=signer, lifetime=30 * DAY, clock=lambda: NOON + DAY)
    assert [one.channel for one in again] == [one.channel for one in results]


@pytest.mark.parametrize("known", [True, False])
def test_another_key_takes_over(site: Site, signer: Signer, newer: Signer, reader: Reader, known: bool) -> None:
    site.move("1.4.0")
    reader.gets()
    keys = trusting(signer) if known else TrustedKeys()
    promote([site.destination], parse("1.4.0"), "stable", writing(newer, NOON + DAY, known=keys))
    assert signed_by(there(site), newer)
    assert not signed_by(there(site), signer)
    reader.trusted = trusting(signer, newer)
    assert reader.gets(NOON + DAY) == "1.4.0"


def test_another_key_renews_when_the_one_before_is_known(site: Site, signer: Signer, newer: Signer) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    renew([site.destination], "stable", writing(newer, known=trusting(signer)))
    assert signed_by(there(site), newer)
    yank([site.destination], parse("1.4.0"), "broken", writing(signer, known=trusting(newer)))
    assert signed_by(there(site), signer)
    revoked = TrustedKeys((TrustedKey(key=signer.public_key, revoked="lost"),))
    with pytest.raises(VerificationError, match="which was revoked: lost"):
        renew([site.destination], "stable", writing(newer, known=trusting(signer) | revoked))


def test_what_somebody_put_there_is_not_signed(site: Site, signer: Signer, newer: Signer, tmp_path: Path) -> None:
    """Who can write there waits for cron to renew, or for a yank, with a file of his own."""
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    good = there(site)
    assert good.seal is not None
    back = replace(good, current=good.previous[0], previous=(), sequence=NUMBER + 10)
    forged = [
        sealed(back, newer, NOON + DAY),
        replace(back, seal=good.seal),
        replace(good, seal=replace(good.seal, expires=NOON + 1000 * DAY)),
    ]
    for one in forged:
        site.file().write_bytes(channels.to_json(one))
        with pytest.raises(VerificationError):
            renew([site.destination], "stable", writing(signer))
        with pytest.raises(VerificationError):
            yank([site.destination], parse("1.3.0"), "broken", writing(signer))
        assert site.data() == channels.to_json(one)
    # One that is not signed gets the mark, and no signature.
    site.file().write_bytes(channels.to_json(replace(back, seal=None)))
    memory = tmp_path / "memory.json"
    yank([site.destination], parse("1.3.0"), "broken", writing(signer, memory=FileMemory(memory, pytest.fail)))
    assert not memory.exists()
    assert there(site).seal is None
    assert there(site).current.yanked == "broken"


@pytest.mark.parametrize(
    "write",
    [
        lambda site, how: renew([site.destination], "stable", how),
        lambda site, how: yank([site.destination], parse("1.3.0"), "broken", how),
        lambda site, how: promote([site.destination], parse("1.4.1"), "stable", how),
    ],
)
def test_an_old_file_is_not_signed_by_who_remembers_a_newer_one(
    site: Site, signer: Signer, tmp_path: Path, write: Callable[[Site, object], object]
) -> None:
    warnings: list[str] = []
    how = writing(signer, NOON + DAY, memory=FileMemory(tmp_path / "memory.json", warnings.append))
    site.move("1.3.0")
    old = site.data()
    move(site.destination, "stable", site.release("1.4.0"), writing=how)
    site.release("1.4.1")
    site.file().write_bytes(old)
    with pytest.raises(VerificationError, match="was rolled back"):
        write(site, how)
    assert site.data() == old
    assert warnings == []


def test_to_begin_anew_is_no_failure(site: Site, signer: Signer, tmp_path: Path) -> None:
    """Whoever removes the file and names an older version means it: the machine learns, and says nothing."""
    warnings: list[str] = []
    memory = FileMemory(tmp_path / "memory.json", warnings.append)
    for at, version in ((NOON, "1.4.0"), (NOON + DAY, "1.3.0")):
        move(site.destination, "stable", site.release(version), writing=writing(signer, at, memory=memory))
        renew([site.destination], "stable", writing(signer, at + SECOND, memory=memory))
        site.file().unlink()
    assert warnings == []
    # A damaged memory is told of when all is done.
    (tmp_path / "memory.json").write_bytes(b"")
    move(site.destination, "stable", site.release("1.4.0"), writing=writing(signer, memory=memory))
    assert signed_by(there(site), signer)
    (warning,) = warnings
    assert warning.startswith(f"{tmp_path}/memory.json is damaged, ")


def test_a_number_that_nobody_vouches_for_stops_nobody(site: Site, signer: Signer, newer: Signer) -> None:
    channel = site.move("1.4.0")
    high = replace(channel, sequence=LARGEST_SEQUENCE)
    for forged in (high, replace(high, seal=None), sealed(high, newer, NOON + DAY)):
        site.file().write_bytes(channels.to_json(forged))
        promote([site.destination], parse("1.4.0"), "stable", writing(signer, NOON + DAY))
        assert there(site).sequence == NUMBER + 86401


def test_a_yank_marks_every_channel_that_has_it(site: Site, signer: Signer) -> None:
    site.move("1.3.0")
    site.move("1.4.0")
    site.move("1.4.0", name="candidate")
    site.move("1.5.0-rc.1", name="candidate")
    yank([site.destination], parse("1.4.0"), "broken", writing(signer))
    stable, candidate = there(site), there(site, "candidate")
    assert [pin.yanked for pin in stable.pins] == ["broken", None]
    assert [pin.yanked for pin in candidate.pins] == [None, "broken"]
    assert all(signed_by(one, signer) for one in (stable, candidate))
    # It stays when the channel moves on.
    assert [pin.yanked for pin in site.move("1.4.1").pins] == [None, "broken", None]
    before = site.data(), site.data("candidate")
    yank([site.destination], parse("1.4.0"), "broken", writing(signer, NOON + DAY))
    yank([site.destination], parse("1.4.0"), "broken", writing(None, NOON + DAY))
    assert (site.data(), site.data("candidate")) == before


def test_a_yank_of_what_is_in_no_channel_takes_no_key(site: Site) -> None:
    site.move("1.4.0")
    before = site.data()
    site.release("1.3.0")
    yank([site.destination], parse("1.3.0"), "broken")
    assert site.data() == before


def test_a_marked_version_goes_into_no_channel(site: Site, signer: Signer) -> None:
    """Whatever became of its record."""
    site.move("1.4.0")
    yank([site.destination], parse("1.4.0"), "broken", writing(signer))
    (site.root / yank_key(parse("1.4.0"))).unlink()
    with pytest.raises(VersionError, match=r"1\.4\.0 is yanked in .* \(broken\) and goes into no channel"):
        promote([site.destination], parse("1.4.0"), "stable", writing(signer))


class Dying(DirectoryDestination):
    """A directory whose publisher dies before it writes ``key``."""

    def __init__(self, root: Path, key: str) -> None:
        super().__init__(root)
        self.key = key

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        if key == self.key:
            raise KeyboardInterrupt
        return super().swap(key, expected, data)


@pytest.mark.parametrize("key", ["channels/candidate.json", "channels/stable.json", "yanked/1.4.0.json"])
def test_a_crash_in_a_yank_leaves_readers_safe_and_is_made_up_for(
    site: Site, signer: Signer, reader: Reader, key: str
) -> None:
    for name in ("stable", "candidate"):
        for version in ("1.3.0", "1.4.0"):
            site.move(version, name=name)
    with pytest.raises(KeyboardInterrupt):
        yank([Dying(site.root, key)], parse("1.4.0"), "broken", writing(signer))
    assert yank_of(site.destination, parse("1.4.0")) is None
    # Each channel gives the one or the other, none gives nothing.
    assert {reader.gets(name=name) for name in ("stable", "candidate")} <= {"1.3.0", "1.4.0"}
    if key.startswith("yanked/"):
        assert reader.gets() == reader.gets(name="candidate") == "1.3.0"
        with pytest.raises(
            ConflictError, match=r"1\.4\.0 is yanked in the channel .* already: broken; give that reason"
        ):
            yank([site.destination], parse("1.4.0"), "another reason", writing(signer))
    yank([site.destination], parse("1.4.0"), "broken", writing(signer))
    assert yank_of(site.destination, parse("1.4.0")) is not None
    assert reader.gets() == reader.gets(name="candidate") == "1.3.0"


def test_two_write_at_once(site: Site, signer: Signer) -> None:
    """Neither move is lost, nor the mark of a yank that comes in between."""
    for version in ("1.3.0", "1.4.0"):
        site.move(version)
    target = site.release("1.5.0")

    class Late(DirectoryDestination):
        def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
            if there(site).current.yanked is None:
                yank([site.destination], parse("1.4.0"), "broken", writing(signer))
            return super().swap(key, expected, data)

    move(Late(site.root), "stable", target, writing=writing(signer))
    channel = there(site)
    assert [(str(pin.version), pin.yanked) for pin in channel.pins] == [
        ("1.5.0", None),
        ("1.4.0", "broken"),
        ("1.3.0", None),
    ]
    assert signed_by(channel, signer)


class TestCommands:
    """The same by command, as people type it."""

    @pytest.fixture(autouse=True)
    def here(self, tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        for name, options in (("key", KINDS["ecdsa"]), ("newer", KINDS["ed25519"])):
            make_key(tmp_path / name, *options)

    def test_publish_promote_renew_and_yank(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for version in ("1.3.0", "1.4.0"):
            staged(tmp_path / version, version)
            main(["publish", version, "--to", "site", "--channel", "candidate", "--sign-with", "key"])
        assert "  channel candidate is at 1.4.0, signed until 20" in capsys.readouterr().out
        line = ("--to-channel", "stable", "--to", "site", "--sign-with", "key")
        main(["promote", "1.3.0", *line])
        main(["promote", "1.4.0", *line, "--expires-in", "3650"])
        renewing = ("renew", "stable", "--to", "site", "--sign-with", "key", "--json")
        for flags, days in (((), 90), (("--expires-in", "7"), 7)):
            capsys.readouterr()
            main([*renewing, *flags])
            (told,) = json.loads(capsys.readouterr().out)
            left = rfc3339.parse(told.pop("expires")) - datetime.now(UTC)
            assert timedelta(days=days, hours=-1) < left <= timedelta(days=days)
            assert told == {"destination": "site", "channel": "stable", "version": "1.4.0"}
        main(["fetch", "stable", "--from", "site", "--key", "key.pub"])
        with pytest.raises(VerificationError, match="is by a key that is not trusted"):
            main(["renew", "stable", "--to", "site", "--sign-with", "newer"])
        main(["renew", "stable", "--to", "site", "--sign-with", "newer", "--key", "key.pub"])
        main(["renew", "stable", "--to", "site", "--sign-with", "key", "--key", "newer.pub"])
        yanking = ["yank", "1.4.0", "--reason", "broken", "--to", "site"]
        with pytest.raises(SigningError):
            main(yanking)
        main([*yanking, "--sign-with", "key"])
        capsys.readouterr()
        main(["fetch", "stable", "--from", "site", "--key", "key.pub"])
        assert capsys.readouterr().err == "warning: 1.4.0 is yanked, taking 1.3.0: broken\n"

    def test_what_a_maintainer_wrote_is_remembered(self, tmp_path: Path) -> None:
        for version in ("1.3.0", "1.4.0"):
            staged(tmp_path / version, version)
            main(["publish", version, "--to", "site", "--channel", "stable", "--sign-with", "key"])
            if version == "1.3.0":
                old = (tmp_path / "site/channels/stable.json").read_bytes()
        (tmp_path / "site/channels/stable.json").write_bytes(old)
        with pytest.raises(VerificationError, match="was rolled back"):
            main(["renew", "stable", "--to", "site", "--sign-with", "key"])

    @pytest.mark.parametrize("days", ["0", "3651", "-1", "1.5", "many", "", "99999999999", "000000036500"])
    def test_days(self, days: str) -> None:
        with pytest.raises(SystemExit) as caught:
            main(["renew", "stable", "--to", "site", "--sign-with", "key", f"--expires-in={days}"])
        assert caught.value.code == 2

    @pytest.mark.parametrize("line", ["renew stable", "promote 1.4.0 --to-channel stable", "yank 1.4.0 --reason x"])
    def test_days_without_a_key(self, line: str) -> None:
        with pytest.raises(UsageError, match="--expires-in is about a signature, and nothing is signed; name a key"):
            main([*line.split(), "--to", "site", "--expires-in", "7"])

"""Fetching while the network fails: every run ends in the release or in one sentence, nothing unchecked has a name."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from faults import (
    Answer,
    CutDown,
    DropAfter,
    DropBefore,
    Fault,
    FaultProxy,
    FlipDown,
    Hang,
    Slow,
    TruncateDown,
    every,
    on,
)
from reading_samples import API_LINUX, pin_of, published, several
from release_samples import ROOT
from web_server import start_nginx

from release.checksums import digest_of
from release.destination.https import HttpsOrigin
from release.errors import DestinationError, ReleaseError, TransientError, VerificationError
from release.fetch import Selection, fetch, find
from release.staged import StagedRelease
from release.transfer import Retrier
from release.verify import verify

EVERYTHING = Selection(images=True)
LARGE = 2_000_000
_TIMEOUT = httpx.Timeout(0.25)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("several") / "stage", size=20_000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("large") / "stage", "1.5.0", size=LARGE)


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, release: StagedRelease, large: StagedRelease
) -> Iterator[FaultProxy]:
    folder = tmp_path_factory.mktemp("web")
    published(folder / "root", release, large)
    with (
        start_nginx(folder / "root", folder / "nginx") as server,
        FaultProxy(server.plain) as proxy,
        pytest.MonkeyPatch.context() as patch,
    ):
        # Reading one authority takes a tenth of the time that reading all of the world's does.
        patch.setenv("SSL_CERT_FILE", str(server.authority))
        yield proxy


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where that can be had: here thousands of files are put on the disk."""
    mount = ["mount", "-t", "tmpfs", "none", str(tmp_path)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    yield tmp_path
    if mounted:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def run(proxy: FaultProxy, release: StagedRelease, into: Path, waits: list[float] | None = None) -> None:
    """Fetch all of the pinned release, one request at a time, without waiting."""
    retrier = Retrier(sleep=([] if waits is None else waits).append)
    origin = HttpsOrigin(httpx.URL(proxy.url), timeout=_TIMEOUT, retrier=retrier)
    fetch(origin, find(origin, pin_of(release)), EVERYTHING, into, jobs=1, retrier=retrier)


def check_names(release: StagedRelease, into: Path) -> None:
    """Whatever has a final name is what the manifest says."""
    for path in into.glob("[!.]*"):
        if path.name == "images":
            assert all(layout.name.startswith(".") or (layout / "index.json").exists() for layout in path.iterdir())
        else:
            assert digest_of(path) == digest_of(release.directory / path.name), path


@pytest.fixture(scope="module")
def requests(proxy: FaultProxy, release: StagedRelease, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """How many bytes each request of a whole fetch brings."""
    proxy.reset()
    run(proxy, release, tmp_path_factory.mktemp("counted") / "into")
    return [request.down for request in proxy.requests]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500, body=b"<html>oops</html>"),
        Answer(503, {"Retry-After": "7"}),
        Answer(429, {"Retry-After": "1"}),
        DropBefore(),
        DropAfter(),
        Hang(0.4),
        CutDown(0),
        CutDown(100),
        TruncateDown(100),
        TruncateDown(100, hidden=True),
        Slow(2_000_000),
    ],
    ids=repr,
)
def test_any_request_may_fail_once(
    proxy: FaultProxy, release: StagedRelease, requests: list[int], folder: Path, fault: Fault
) -> None:
    assert len(requests) == 21
    # A document that ends early, as if that were all of it, cannot be told from a wrong one.
    hidden = isinstance(fault, TruncateDown) and fault.hidden
    # release.json, its signature and provenance (there are none), and whether it is yanked come first.
    documents, files = range(5 if hidden else 1, 5), range(5, len(requests) + 1)
    some = 4 if isinstance(fault, Hang) else 8
    numbers = [*documents, *random.Random(repr(fault)).sample(files, some)]
    for number in numbers:
        proxy.reset(on(number, fault))
        waits: list[float] = []
        run(proxy, release, folder / str(number), waits)
        assert verify(folder / str(number)) == release.manifest
        failed = [request for request in proxy.requests if request.fault is not None]
        assert len(failed) == 1
        if isinstance(fault, Answer):
            assert len(waits) == 1
            assert waits[0] >= float(fault.headers.get("Retry-After", 0))
        shutil.rmtree(folder / str(number))
    print(f"{len(numbers)} faults, {len(numbers)} fetches that went through")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Answer(500), "answers 500 Fault for releases/1.4.0/release.json; run again in a while"),
        (Answer(503, {"Retry-After": "3600"}), "answers 503 Fault for"),
        (Answer(418), "answers 418 Fault for releases/1.4.0/release.json; check the address"),
        (Answer(404), "is not published in"),
        (Answer(302, {"Location": "http://example.com/"}), "sends to http://example.com; ask for https:// there"),
        (Answer(302, {"Location": "http://[::1"}), "no URL|hung up"),
        (Answer(200, {"Content-Length": "-5"}), "hung up"),
        (DropBefore(), "cannot be reached, or hung up, for releases/1.4.0/release.json"),
        (Hang(0.4), "did not answer in time for releases/1.4.0/release.json; run again in a while"),
        (CutDown(10), "cannot be reached, or hung up"),
        (TruncateDown(10, hidden=True), "don't use it, and ask who publishes it"),
        (FlipDown(10), "don't use it, and ask who publishes it"),
    ],
    ids=repr,
)
def test_what_never_works_is_one_sentence(
    proxy: FaultProxy, release: StagedRelease, tmp_path: Path, fault: Fault, words: str
) -> None:
    proxy.reset(every(fault))
    began = time.monotonic()
    with pytest.raises(ReleaseError) as caught:
        run(proxy, release, tmp_path / "into")
    assert any(word in str(caught.value) for word in words.split("|")), str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "into").exists()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("fault", [Answer(500), DropBefore(), CutDown(0), FlipDown(50), TruncateDown(50, hidden=True)])
def test_an_artifact_that_never_works_is_one_sentence_and_is_fetched_later(
    proxy: FaultProxy, release: StagedRelease, tmp_path: Path, fault: Fault
) -> None:
    proxy.reset(every(fault, path=API_LINUX))
    with pytest.raises((TransientError, VerificationError), match=API_LINUX) as caught:
        run(proxy, release, tmp_path / "into")
    assert "\n" not in str(caught.value)
    check_names(release, tmp_path / "into")
    assert not (tmp_path / "into/release.json").exists()
    # A retry within a retry would have asked many times as often; what comes forward may go on.
    limit = 41 if isinstance(fault, TruncateDown) else 6
    assert sum(request.fault is not None for request in proxy.requests) <= limit
    proxy.reset()
    run(proxy, release, tmp_path / "into")
    assert verify(tmp_path / "into") == release.manifest


def test_a_damaged_byte_anywhere_is_caught(
    proxy: FaultProxy, release: StagedRelease, requests: list[int], folder: Path
) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
    choose = random.Random(seed)
    ended: dict[str, int] = {}
    for number in range(100):
        place = choose.randrange(sum(requests))
        request = next(i for i in range(len(requests)) if place < sum(requests[: i + 1]))
        place -= sum(requests[:request])
        fault = choose.choice([FlipDown(place), TruncateDown(place), TruncateDown(place, hidden=True), CutDown(place)])
        into = folder / str(number)
        proxy.reset(on(request + 1, fault))
        # Only what arrives whole and wrong is refused; a document that ends early cannot be told from that.
        try:
            run(proxy, release, into)
            how = "went through after all"
        except VerificationError:
            how = "was refused"
            check_names(release, into)
            # The next run puts it right.
            proxy.reset()
            run(proxy, release, into)
        assert verify(into) == release.manifest
        if request >= 2:
            assert (how == "was refused") == isinstance(fault, FlipDown), (seed, number, fault)
        kind = f"{type(fault).__name__} {how}"
        ended[kind] = ended.get(kind, 0) + 1
        shutil.rmtree(into)
    print(f"seed {seed}: {ended}")
    assert sum(ended.values()) == 100


def test_a_damaged_byte_in_a_part_is_put_right(proxy: FaultProxy, release: StagedRelease, tmp_path: Path) -> None:
    """The first half of a file is damaged, then the connection is lost: the whole is fetched again, once."""
    size = digest_of(release.directory / API_LINUX).size

    class DamagedAndCut(Fault):
        def down(self, body: Iterator[bytes]) -> Iterator[bytes]:
            return CutDown(size // 2).down(FlipDown(10).down(body))

    asked = 0

    def first_time(request: object) -> Fault | None:
        nonlocal asked
        asked += API_LINUX in getattr(request, "target", "")
        return DamagedAndCut() if asked == 1 and API_LINUX in getattr(request, "target", "") else None

    proxy.reset(first_time)
    run(proxy, release, tmp_path / "into")
    asks = [request for request in proxy.requests if API_LINUX in request.target]
    assert [request.range for request in asks] == [None, f"bytes={size // 2}-", None]
    assert verify(tmp_path / "into") == release.manifest


def test_another_range_than_the_one_asked_for_is_refused(
    proxy: FaultProxy, release: StagedRelease, tmp_path: Path
) -> None:
    (tmp_path / "into").mkdir()
    part = tmp_path / "into" / f".{API_LINUX}.part"
    part.write_bytes((release.directory / API_LINUX).read_bytes()[:100])
    proxy.reset(every(Answer(206, {"Content-Range": "bytes 0-9/10"}, b"0123456789"), path=API_LINUX))
    with pytest.raises(DestinationError, match="answers 206 Fault for"):
        run(proxy, release, tmp_path / "into")
    assert part.stat().st_size == 100
    proxy.reset()
    run(proxy, release, tmp_path / "into")


def program(proxy: FaultProxy, into: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "release",
        "fetch",
        "--insecure-unsigned",
        "1.5.0",
        "--from",
        proxy.url,
        "--into",
        str(into),
    ]
    return subprocess.Popen(
        [*command, "--piece", "api", "--target", "linux/amd64"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_ends_in_the_middle_is_taken_up(
    proxy: FaultProxy, large: StagedRelease, tmp_path: Path, number: int
) -> None:
    # A shell starts what it puts in the background with the interrupt ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    name = API_LINUX.replace("1.4.0", "1.5.0")
    size = digest_of(large.directory / name).size
    proxy.reset(every(Slow(1_000_000), path=name))
    process = program(proxy, tmp_path / "into")
    part = tmp_path / "into" / f".{name}.part"
    deadline = time.monotonic() + 30
    while not part.exists() or part.stat().st_size < 400_000:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    began = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 1
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        assert errors.startswith("tesseral-release: interrupted; ")
        assert errors.count("\n") == 1
    had = part.stat().st_size
    assert 400_000 <= had < size
    assert not (tmp_path / "into" / name).exists()
    assert not (tmp_path / "into/release.json").exists()

    proxy.reset()
    again = program(proxy, tmp_path / "into")
    output, errors = again.communicate(timeout=30)
    assert (again.returncode, errors) == (0, "")
    assert output.startswith("1.5.0: fetched 1 into ")
    asks = [request for request in proxy.requests if request.path.endswith(name)]
    assert [(request.range, request.down) for request in asks] == [(f"bytes={had}-", size - had)]
    assert digest_of(tmp_path / "into" / name) == digest_of(large.directory / name)
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == ["SHA256SUMS", "release.json", name]
    print(f"{size - had} of {size} bytes after the signal {number}")


def test_a_server_that_goes_away_is_asked_a_bounded_number_of_times(
    proxy: FaultProxy, release: StagedRelease, tmp_path: Path
) -> None:
    # Every answer ends after 200 bytes: each comes forward, and yet there is an end.
    proxy.reset(every(CutDown(200), path=r"\.gz|\.zip"))
    with pytest.raises(DestinationError, match="hung up"):
        run(proxy, release, tmp_path / "into")
    assert 41 <= len(proxy.requests) <= 60

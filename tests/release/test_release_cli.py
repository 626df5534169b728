import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from release_samples import ROOT, staged

from release import __version__
from release.cli import main
from release.errors import VerificationError
from release.manifest import to_json
from release.staged import StagedRelease


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage")


def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "release", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, env=env)


def test_verify(release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    main(["verify", "--insecure-unsigned", str(release.directory)])
    assert capsys.readouterr().out == "1.4.0: 2 artifacts and 1 images are what release.json says\n"


def test_show(release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", str(release.directory)])
    assert capsys.readouterr().out.count("\n") == 4


def test_json_is_the_manifest_to_the_byte_in_any_locale(release: StagedRelease) -> None:
    done = run("show", "--json", release.directory, env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert done.stdout == to_json(release.manifest)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    main(["version"])
    assert capsys.readouterr().out == f"{__version__}\n"


def test_main_raises(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        main(["verify", "--insecure-unsigned", str(tmp_path)])


def test_an_error_is_one_sentence_and_a_status(tmp_path: Path) -> None:
    done = run("verify", "--insecure-unsigned", tmp_path)
    assert done.returncode == VerificationError.exit_status
    assert done.stdout == b""
    message = f"tesseral-release: {tmp_path} holds no release.json; name the folder of one release\n"
    assert done.stderr.decode() == message


@pytest.mark.parametrize("place", [0, 2])
def test_verbose_shows_where(tmp_path: Path, place: int) -> None:
    arguments = ["verify", "--insecure-unsigned", str(tmp_path)]
    arguments.insert(place, "--verbose")
    done = run(*arguments)
    assert b"Traceback" in done.stderr
    assert done.returncode == VerificationError.exit_status


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["verify"], ["verify", "--verb", "x"], ["show", "a", "b"]])
def test_usage_errors(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_a_reader_that_stops_is_no_error(release: StagedRelease) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "release", "show", str(release.directory)]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_run(tmp_path: Path, number: int) -> None:
    # A shell starts what it puts in the background with the interrupt ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.mkfifo(tmp_path / "release.json")
    process = subprocess.Popen(
        [sys.executable, "-m", "release", "verify", "--insecure-unsigned", tmp_path],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Opening the pipe for writing waits until the program reads.
    with (tmp_path / "release.json").open("wb"):
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.startswith("tesseral-release: interrupted")


def test_importing_needs_no_engine() -> None:
    script = "import sys, release.cli, release.publish; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"dagger", "nox", "rich", "pipeline"})

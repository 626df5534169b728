"""``tesseral-release keygen``: what it writes, never over something, and how it asks a person."""

from __future__ import annotations

import argparse
import json
import os
import pty
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from release_samples import ROOT
from signing_support import openssl, ssh_keygen, ssh_keygen_accepts, ssh_keygen_signs

from release.commands import keygen
from release.errors import SigningError, UsageError
from release.signing import RELEASE, open_signer, sign, trusted_keys
from release.signing.keygen import Kind, generate
from release.signing.passphrase import VARIABLE

SECRET = "open sesame"
KEYGEN = """
import argparse, sys
from release.commands import keygen
from release.errors import report
parser = argparse.ArgumentParser()
keygen.add(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))
arguments = parser.parse_args()
try:
    arguments.run(arguments)
except Exception as error:
    sys.exit(report(error, "tesseral-release", verbose=False))
"""
OPEN = "import sys; from release.signing import open_signer; print(open_signer(sys.argv[1]).public_key)"


def run(*arguments: object) -> None:
    """Run the command as the program does."""
    parser = argparse.ArgumentParser()
    keygen.add(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))
    parsed = parser.parse_args(["keygen", *map(str, arguments)])
    parsed.run(parsed)


@pytest.fixture(autouse=True)
def no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("options", "word"), [([], "ECDSA"), (["--type", "ed25519"], "ED25519")])
def test_others_use_the_files(
    options: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "release-key"
    umask = os.umask(0)
    try:
        run(path, *options)
    finally:
        os.umask(umask)
    public, pem = tmp_path / "release-key.pub", tmp_path / "release-key.pem"
    assert (mode(path), mode(public), mode(pem)) == (0o600, 0o644, 0o644)
    assert {file.name for file in tmp_path.iterdir()} == {"release-key", "release-key.pub", "release-key.pem"}
    derived = subprocess.run([ssh_keygen(), "-y", "-f", path], capture_output=True, check=True).stdout
    assert derived.split()[:2] == public.read_bytes().split()[:2]
    listed = subprocess.run([ssh_keygen(), "-lf", public], capture_output=True, check=True, text=True).stdout
    assert listed.endswith(f" release-key ({word})\n")
    assert capsys.readouterr().out.splitlines()[0] == listed.split()[1]
    subprocess.run([openssl(), "pkey", "-pubin", "-in", pem, "-noout"], check=True)
    trusted = trusted_keys([pem], config=tmp_path / "none")
    assert trusted.verify(ssh_keygen_signs(path, b"m"), b"m", RELEASE)
    signer = open_signer(str(path))
    assert ssh_keygen_accepts(signer.public_key, sign(signer, b"m", RELEASE), b"m", tmp_path)


def test_a_passphrase_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    run(tmp_path / "key")
    command: list[str | Path] = [ssh_keygen(), "-y", "-f", tmp_path / "key", "-P"]
    assert subprocess.run([*command, SECRET], capture_output=True, check=False).returncode == 0
    assert subprocess.run([*command, ""], capture_output=True, check=False).returncode != 0
    assert open_signer(str(tmp_path / "key")).sign(b"m")


@pytest.mark.parametrize("name", ["key", "key.pub", "key.pem"])
def test_nothing_is_overwritten_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(SigningError) as caught:
        run(tmp_path / "key")
    assert str(caught.value) == (
        f"{tmp_path / name} exists already, and keys are never overwritten; choose another name"
    )
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "precious")]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SigningError, match="exists already"):
        run(tmp_path / "key")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SigningError, match="cannot be written: No such file or directory; choose another place"):
        run(tmp_path / "none" / "key")


@pytest.mark.parametrize("arguments", [("/",), ("k", "--comment", "a\nb"), ("k", "--comment", "x" * 201)])
def test_names_that_are_not_taken(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a key"):
        run(*arguments)


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "key", "--json", "--comment", "of 2026")
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "fingerprint": open_signer(str(tmp_path / "key")).public_key.fingerprint,
        "private": str(tmp_path / "key"),
        "public": str(tmp_path / "key.pub"),
        "pem": str(tmp_path / "key.pem"),
    }
    assert (tmp_path / "key.pub").read_text().endswith(" of 2026\n")


def test_every_key_is_another(tmp_path: Path) -> None:
    for kind in Kind:
        keys = {generate(tmp_path / f"{kind}{number}", kind, "", b"").public_key for number in range(3)}
        assert len(keys) == 3


def on_a_terminal(answers: list[str], *command: object) -> tuple[int, str]:
    """Run Python with a terminal, type each answer at a prompt, and return the status and what was shown."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != VARIABLE}
    full = ["setsid", "--ctty", "--wait", sys.executable, *map(str, command)]
    with subprocess.Popen(full, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = ""
        while data := _read(ours):
            shown += data
            if shown.endswith(": ") and answers:
                time.sleep(0.1)  # getpass forgets what was typed before it asked
                os.write(ours, f"{answers.pop(0)}\n".encode())
        os.close(ours)
    return process.returncode, shown


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 1000).decode()
    except OSError:  # the other side is closed
        return ""


def test_a_person_is_asked_twice(tmp_path: Path) -> None:
    status, shown = on_a_terminal([SECRET, SECRET], "-c", KEYGEN, "keygen", tmp_path / "key")
    assert status == 0
    assert shown.startswith("Passphrase of the new key (empty for none): \r\nThe same again: \r\nSHA256:")
    assert SECRET not in shown
    status, shown = on_a_terminal([SECRET], "-c", OPEN, tmp_path / "key")
    assert status == 0
    fingerprint = trusted_keys([tmp_path / "key.pub"], config=tmp_path / "none").keys[0].key.fingerprint
    assert shown == f"Passphrase of the key {tmp_path / 'key'}: \r\n{fingerprint}\r\n"


def test_a_person_mistypes(tmp_path: Path) -> None:
    status, shown = on_a_terminal([SECRET, "x"], "-c", KEYGEN, "keygen", tmp_path / "key")
    assert status == SigningError.exit_status
    assert shown.endswith("tesseral-release: the two passphrases differ; start again\r\n")
    assert not list(tmp_path.iterdir())


def test_a_person_types_the_end_of_file(tmp_path: Path) -> None:
    status, shown = on_a_terminal(["\4"], "-c", KEYGEN, "keygen", tmp_path / "key")
    assert status == SigningError.exit_status
    assert shown.endswith(f"no passphrase was given; type it, or set {VARIABLE}\r\n")


def test_nobody_to_ask(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != VARIABLE}
    command: list[str | Path] = [sys.executable, "-c", KEYGEN, "keygen", tmp_path / "key"]
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == SigningError.exit_status
    assert done.stderr == (
        f"tesseral-release: the new key may have a passphrase, and there is no terminal to ask for it; set {VARIABLE}\n"
    )
    assert not list(tmp_path.iterdir())

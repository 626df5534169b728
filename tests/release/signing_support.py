"""What the tests of signatures share: keys made by others, and others' judgement of signatures."""

from __future__ import annotations

import asyncio
import functools
import subprocess
from pathlib import Path

from pipeline.debian import require
from release.signing.keys import ECDSA, PublicKey
from release.signing.private import PrivateKey, parse

WHO = "maintainers@example.com"
KINDS = {"ecdsa": ("-t", "ecdsa", "-b", "256"), "ed25519": ("-t", "ed25519")}
"""Options of ssh-keygen for the kinds that are taken."""


@functools.cache
def ssh_keygen() -> str:
    """The program of OpenSSH."""
    asyncio.run(require(["openssh-client"], commands=["ssh-keygen"], say=print))
    return "ssh-keygen"


@functools.cache
def openssl() -> str:
    """The program of OpenSSL."""
    asyncio.run(require(["openssl"], commands=["openssl"], say=print))
    return "openssl"


def make_key(path: Path, *options: str, passphrase: str = "", comment: str = "a key") -> Path:
    """Have ssh-keygen make a key at ``path``, and ``path``.pub."""
    options = options or KINDS["ecdsa"]
    command: list[str | Path] = [ssh_keygen(), "-q", *options, "-N", passphrase, "-C", comment, "-f", path]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def key_of(path: Path) -> PrivateKey:
    """Read a key that has no passphrase."""
    return parse(path.read_bytes(), str(path))


def ssh_keygen_accepts(
    key: PublicKey, signature: bytes, message: bytes, folder: Path, namespace: str = "tesseral-release"
) -> bool:
    """Ask ``ssh-keygen -Y verify``."""
    allowed, file = folder / "allowed_signers", folder / "message.sig"
    allowed.write_text(f"{WHO} {key.openssh()}\n")
    file.write_bytes(signature)
    command: list[str | Path] = [ssh_keygen(), "-Y", "verify", "-f", allowed, "-I", WHO, "-n", namespace, "-s", file]
    return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0


def ssh_keygen_signs(key: Path, message: bytes, namespace: str = "tesseral-release", *options: str) -> bytes:
    """Have ``ssh-keygen -Y sign`` sign."""
    command: list[str | Path] = [ssh_keygen(), "-q", "-Y", "sign", "-f", key, "-n", namespace, *options]
    return subprocess.run(command, input=message, capture_output=True, check=True).stdout


def openssl_accepts(key: PublicKey, signature: bytes, message: bytes, folder: Path) -> bool:
    """Ask openssl about a signature as cosign and DSSE have it."""
    public, signed, file = folder / "key.pem", folder / "signed", folder / "signature"
    public.write_bytes(key.pem())
    signed.write_bytes(message)
    file.write_bytes(signature)
    command: list[str | Path]
    if key.algorithm == ECDSA:
        command = [openssl(), "dgst", "-sha256", "-verify", public, "-signature", file, signed]
    else:
        command = [
            openssl(),
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            public,
            "-rawin",
            "-sigfile",
            file,
            "-in",
            signed,
        ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0

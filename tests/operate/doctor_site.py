"""A whole installation for doctor to look at, healthy until a test breaks a part of it.

Real nginx with the proxies' configuration, real PostgreSQL, AWS as aws_server.py has it, certificates of an authority
of its own, a release in a folder; the api is a small HTTP server that answers as Tesseral's does to who is not logged
in::

    site = installation.copy(tmp_path)             # its own settings and environment file, the same servers
    site.settings["hosts"]["vaults"] = ["*.vaults.example.com"]
    site.variables["API_CONSOLE_DOMAIN"] = "other.example.com"
    site.doctor("--before")                        # Report: status, lines by what was checked, all output
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from settings_samples import toml
from support import REPOSITORY

from release.cli import main
from release.errors import ReleaseError

PROJECT = "project_" + "1" * 25
DSN_PASSWORD = "p%40ss-word-of-the-database"
SVIX = "testsk_a-key-of-svix-that-nobody-sees"
PAGES = "0f" * 32


@dataclass(frozen=True, kw_only=True)
class Report:
    """What doctor said; ``checks``: name → its entry in JSON."""

    status: int
    checks: Mapping[str, Mapping[str, str]]
    output: str

    def of(self, name: str) -> tuple[str, str]:
        """Status and words of a check."""
        return self.checks[name]["status"], self.checks[name]["found"]

    @property
    def unwell(self) -> dict[str, str]:
        """Status by check of all that is not ok."""
        return {name: one["status"] for name, one in self.checks.items() if one["status"] != "ok"}


@dataclass(kw_only=True)
class Installation:
    """``settings`` and ``variables`` are written to ``folder`` when doctor is run."""

    folder: Path
    settings: dict[str, Any]
    variables: dict[str, str]
    authority: Path
    release: Path | None
    arguments: list[str] = field(default_factory=list)

    def copy(self, folder: Path) -> Installation:
        """The same, to be changed."""
        return Installation(
            folder=folder,
            settings=copy.deepcopy(self.settings),
            variables=dict(self.variables),
            authority=self.authority,
            release=self.release,
            arguments=list(self.arguments),
        )

    @property
    def config(self) -> Path:
        return self.folder / "tesseral.toml"

    @property
    def environment(self) -> Path:
        return self.folder / "api.env"

    def write(self) -> None:
        """Write the settings and the environment file."""
        self.folder.mkdir(exist_ok=True)
        self.config.write_bytes(toml(self.settings))
        text = "".join(f"{name}={quoted(value)}\n" for name, value in self.variables.items())
        self.environment.write_text(text)
        self.environment.chmod(0o640)

    def doctor(self, *arguments: str | Path) -> Report:
        """Write everything and run doctor for JSON, in this process."""
        self.write()
        output, status = io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output):
            for name, value in self._environment.items():
                patch.setenv(name, value)
            try:
                main([*self._command, "--json", *map(str, arguments)])
            except ReleaseError as error:
                status = error.exit_status
        document = json.loads(output.getvalue())
        checks = {f"{one['check']} {one['subject']}".rstrip(): one for one in document["checks"]}
        assert len(checks) == len(document["checks"])
        return Report(status=status, checks=checks, output=output.getvalue())

    @property
    def _command(self) -> list[str]:
        release = [] if self.release is None else ["--release", str(self.release)]
        return ["doctor", "--config", str(self.config), *self.arguments, *release]

    @property
    def _environment(self) -> dict[str, str]:
        # What the person who runs doctor is for AWS must not matter.
        return {"SSL_CERT_FILE": str(self.authority), "AWS_ACCESS_KEY_ID": "somebody-else"}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run doctor as a person does, on what is written."""
        return subprocess.run(
            [sys.executable, "-m", "release", *self._command, *map(str, arguments)],
            cwd=REPOSITORY,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def quoted(value: str) -> str:
    """A value as an environment file has it."""
    return '"' + "".join(f"\\{one}" if one in '"\\`$' else one for one in value) + '"'

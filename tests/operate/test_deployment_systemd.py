"""The services for one machine: what systemd thinks of them, and what they are when it runs them."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deployment_samples import VERSION, make_place, render
from postgres_server import PASSWORD, PostgresServer
from programs import free_host, go_program
from release_samples import ROOT
from systemd_machine import booted, need_booted_systemd, need_systemd, wait_until

SERVICES = ("tesseral-api.service", "tesseral-migrate.service")
SOURCE = ROOT / "examples/minitesseral"
EXPOSURE = 1.5  # of systemd-analyze security, where 10 is none of it and 0 no service at all


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("operator") / "place")


@pytest.fixture
def units(place: Path, tmp_path: Path) -> Path:
    """The folder that the command made."""
    need_systemd()
    render("systemd", place, tmp_path / "made")
    return tmp_path / "made"


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_reads_them_without_a_word(units: Path, name: str) -> None:
    done = subprocess.run(["systemd-analyze", "verify", units / name], capture_output=True, text=True, check=False)
    # What else it may complain about are units of this machine.
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(units) in line]) == (0, [])


@pytest.mark.parametrize("name", SERVICES)
def test_they_may_do_little(units: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}"]
    done = subprocess.run([*command, units / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


def test_systemd_knows_the_lines_for_tmpfiles(units: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc/tesseral").mkdir(parents=True)
    for name in ("api.env", "migrate.env"):
        (root / "etc/tesseral" / name).write_text("SECRET=1\n")
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", root / "etc")
    subprocess.run(["systemd-tmpfiles", f"--root={root}", "--create", units / "tmpfiles.conf"], check=True)
    assert {path.stat().st_mode & 0o777 for path in (root / "etc/tesseral").iterdir()} == {0o600}
    assert (root / "opt/tesseral").stat().st_mode & 0o777 == 0o755


# --- really run


def program(name: str) -> Path:
    """A program of the sample source."""
    files = sorted(path for path in SOURCE.rglob("*") if path.suffix in (".go", ".sql", ".sum"))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    return go_program(name, state, f"./cmd/{name}", SOURCE)


@pytest.fixture
def machine(tmp_path: Path, postgres: PostgresServer) -> dict[str, Any]:
    """A machine where the release is unpacked, and the settings and secrets of it lie in a folder."""
    need_booted_systemd(tmp_path / "probe")
    folder = make_place(tmp_path / "place")
    address, opt = free_host(), tmp_path / "opt"
    for piece, name in (("api", "api"), ("bootstrap", "openauthctl")):
        unpacked = opt / f"tesseral/{VERSION}/tesseral-{piece}_{VERSION}_linux_amd64"
        unpacked.mkdir(parents=True)
        shutil.copy(program(name), unpacked / name)
    url = postgres.new_database()
    database = url.rpartition("/")[2].partition("?")[0]
    host, port = postgres.host.split(":")
    (folder / "api.env").write_text(
        f"API_SERVE_ADDR=:1\nAPI_DB_DSN={url}\nAPI_CONSOLE_DOMAIN=console.example.com\n"
        "API_AUTH_APPS_ROOT_DOMAIN=example.com\nAPI_DOGFOOD_PROJECT_ID=project_2wph7a\nAPI_SESSION_KMS_KEY_ID=key\n"
    )
    (folder / "migrate.env").write_text(
        f"PGHOST={host}\nPGPORT={port}\nPGDATABASE={database}\nPGUSER=postgres\nPGPASSWORD={PASSWORD}\n"
        "PGSSLMODE=disable\n"
    )
    for name in ("api.env", "migrate.env"):
        (folder / name).chmod(0o600)
    changes = {"/etc/tesseral/api.env": str(folder / "api.env"), "127.0.0.1:3001": address}
    made = render("systemd", folder, tmp_path / "made", **changes)
    return {"units": made, "opt": opt, "address": address, "url": url, "secrets": folder / "api.env"}


def test_migrations_run_and_run_again(machine: dict[str, Any], tmp_path: Path) -> None:
    unit = machine["units"]["tesseral-migrate.service"]
    units = {
        "tesseral-migrate.service": unit,
        "done.service": "[Unit]\nRequires=tesseral-migrate.service\nAfter=tesseral-migrate.service\n"
        f"[Service]\nType=oneshot\nExecStart=/bin/touch {tmp_path}/done\n",
    }
    for name, said in {"first": "the schema is at version 5\n", "second": ""}.items():
        with booted(tmp_path / name, machine["opt"], units, "done.service") as log:
            wait_until((tmp_path / "done").exists, log.read_text)
            # No word: it was not even asked to, which Tesseral's own program would take for a failure.
            assert log.read_text().endswith(said)
            assert bool(log.read_text()) == bool(said)
        (tmp_path / "done").unlink()
        with psycopg.connect(machine["url"]) as database:
            assert database.execute("SELECT version, dirty FROM schema_migrations").fetchall() == [(5, False)]
            database.execute("UPDATE schema_migrations SET dirty = %s", [name == "second"])
    with booted(tmp_path / "third", machine["opt"], units, "done.service") as log:
        wait_until(lambda: "Dirty database" in log.read_text(), log.read_text)
    assert not (tmp_path / "done").exists()


def test_the_api_runs_and_may_do_nothing_else(machine: dict[str, Any], tmp_path: Path) -> None:
    units = {name: machine["units"][name] for name in SERVICES}
    units["both.target"] = "[Unit]\nDefaultDependencies=no\nWants=tesseral-migrate.service tesseral-api.service\n"
    with booted(tmp_path / "machine", machine["opt"], units, "both.target") as log:
        url = f"http://{machine['address']}/api/internal/health"
        wait_until(lambda: answer(url) == b"ok", log.read_text)
        process = process_of("api")
        status = dict(re.findall(r"^(\w+):\s*(.*)$", (process / "status").read_text(), re.MULTILINE))
        assert int(status["Uid"].split()[0]) > 60000
        assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        for forbidden in (f"cat {machine['secrets']}", "touch /opt/x", "touch /var/x", "ls /root", "ls /home/"):
            inside = [
                "nsenter",
                f"--target={process.name}",
                "--mount",
                "setpriv",
                f"--reuid={status['Uid'].split()[0]}",
            ]
            done = subprocess.run([*inside, "--clear-groups", "sh", "-c", forbidden], capture_output=True, check=False)
            assert done.returncode != 0, forbidden


def answer(url: str) -> bytes:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as response:
            return bytes(response.read())
    except OSError:
        return b""


def process_of(name: str) -> Path:
    """The process of a program in /opt, as this machine sees it."""
    wanted = f"/opt/tesseral/{VERSION}/tesseral-{name}_{VERSION}_linux_amd64/{name}".encode()
    (found,) = (
        path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if path.read_bytes().split(b"\0")[0] == wanted
    )
    return found

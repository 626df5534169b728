"""An operator's way: from a pinned release in a bucket to a Tesseral that runs, is upgraded, and does not go back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aws_server import start_aws
from e2e_support import install
from playwright.sync_api import Browser, sync_playwright
from postgres_server import start_postgres
from programs import serving
from proxied import CONFIG as NGINX
from proxied import Proxies, certify, need_nginx, new_host
from servers import start_s3
from settings_samples import settings, toml
from support import REPOSITORY, commit, git, pipeline
from test_bundles import QUIET

from release.site import Site, read

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")]

HERE = ("--target", "linux/amd64")
CONSOLE, VAULT = "console.example.com", "vault.console.example.com"
BACKEND, CONFIG = "api.example.com", "config.example.com"
UP = "CREATE TABLE invitations (\n    id text PRIMARY KEY,\n    email text NOT NULL\n);\n"
SCREENSHOTS = Path(os.environ.get("TESSERAL_RELEASE_SCREENSHOTS", REPOSITORY / ".screenshots"))


@dataclass(kw_only=True)
class Operator:
    """A person with a machine: ``folder`` is theirs, ``env`` what their shell has, ``place`` where releases are."""

    folder: Path
    env: dict[str, str]
    place: str
    key: Path
    variables: dict[str, str] = field(default_factory=dict)
    project: str = ""

    def run(self, *arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ``tesseral-release`` in their folder; it has to end with ``status``."""
        done = subprocess.run(
            [sys.executable, "-m", "release", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def take(self, version: str) -> Path:
        """Pin a version, fetch what the pin says, check it, and return the folder."""
        update = ["--update"] if (self.folder / "tesseral-release.pin.json").exists() else []
        self.run("pin", version, "--from", self.place, "--key", self.key, *update)
        into = self.folder / f"tesseral-{version}"
        pinned = ("--pin", "tesseral-release.pin.json")
        self.run("fetch", *pinned, "--from", self.place, "--key", self.key, "--unpack", *HERE, "--into", into)
        checked = self.run("verify", into, *pinned, "--key", self.key)
        assert f"{version}: " in checked.stdout
        return into

    def program(self, release: Path, piece: str, name: str) -> Path:
        """A program of an unpacked release."""
        (found,) = release.glob(f"tesseral-{piece}_*_linux_amd64/{name}")
        return found

    def configure(self, release: Path, proxies_https: int) -> None:
        """Put the console with its values where nginx serves it, and the vault's pages beside it."""
        self.run(
            *("configure", "console", "--api-url", f"https://{VAULT}:{proxies_https}"),
            *("--dogfood-project-id", self.project, "--in", release, "--into", self.folder / "console"),
        )
        (bundle,) = (path for path in release.glob("tesseral-vault-ui_*") if path.is_dir())
        link = self.folder / "vault-ui"
        link.unlink(missing_ok=True)
        link.symlink_to(bundle)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory, release: Path, tagged_source: Path) -> Iterator[Operator]:
    """Two releases in a bucket: 1.0.0, and 1.1.0 with a migration more."""
    work = tmp_path_factory.mktemp("operate")
    with start_s3(work / "s3") as s3:
        place = f"s3://{s3.bucket()}/tesseral"
        made = Operator(folder=work / "home", env=s3.env(), place=place, key=work / "key.pub")
        made.folder.mkdir()
        made.env |= {"TESSERAL_RELEASE_KEY_PASSPHRASE": "", "XDG_CONFIG_HOME": str(work / "config")}
        made.run("keygen", work / "key")
        # A signature is left beside what was signed, and others look at that release too.
        own = shutil.copytree(release, work / "release")
        made.run("publish", own, "--to", place, "--channel", "stable", "--sign-with", work / "key")

        newer = work / "source"
        shutil.copytree(tagged_source, newer)
        migrations = newer / "cmd/openauthctl/migrations"
        (migrations / "000006_invitations.up.sql").write_text(UP)
        (migrations / "000006_invitations.down.sql").write_text("DROP TABLE invitations;\n")
        (work / "notes.md").write_text("Invitations.\n")
        commit(newer, "Keep invitations")
        git(newer, "tag", "v1.1.0")
        chosen = ("--version", "1.1.0", "--notes", work / "notes.md", "--target", "linux/amd64")
        signed = ("--channel", "stable", "--sign-with", work / "key")
        done = pipeline("release", "--source", newer, *chosen, "--to", place, *signed, env=made.env)
        assert done.returncode == 0, done.stdout + done.stderr
        yield made


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, for which every host is this machine. Not for longer than needed: an event loop comes with it."""
    install("chromium", commands=("chromium",))
    with sync_playwright() as playwright:
        arguments = [*QUIET, "--no-proxy-server", "--host-resolver-rules=MAP * 127.0.0.1"]
        yield playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)


def look(browser: Browser, proxies: Proxies, host: str, path: str, text: str, shot: str) -> None:
    """Open a deep link and wait for what only the api can know; keep a picture of it."""
    page = browser.new_page(ignore_https_errors=True, viewport={"width": 1000, "height": 640})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"https://{host}:{proxies.site.listen.https}{path}")
    page.get_by_text(text).first.wait_for(timeout=15_000)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{shot}.png")
    assert complaints == []
    page.close()


def check_running(operator: Operator, proxies: Proxies, version: str) -> None:
    """Every rule of the self-hosting guide, then what a person sees."""
    projects = proxies.ask(BACKEND, "/v1/projects")
    assert [one["id"] for one in json.loads(projects.body)["projects"]] == [operator.project]
    config = proxies.ask(CONFIG, "/v1/config")
    assert json.loads(config.body)["dogfoodProjectId"] == operator.project
    jwks = proxies.ask(VAULT, "/.well-known/jwks.json")
    assert len(json.loads(jwks.body)["keys"]) == 1
    health = proxies.ask(VAULT, "/api/internal/health")
    assert health.body == b"ok"
    for answer in (projects, config, jwks, health):
        assert answer.status == 200
        assert "no-store" in ", ".join(answer.all("cache-control"))
    assert proxies.ask(BACKEND, "/nothing").status == 404
    for host in (VAULT, CONSOLE):
        index, missing = proxies.ask(host, "/"), proxies.ask(host, "/no/such/page")
        assert (missing.status, missing.body) == (200, index.body)
        assert index.one("cache-control") == "no-cache"
    served = json.loads(proxies.ask(CONSOLE, "/configured.json").body)
    assert served["base"]["version"] == version
    with browser() as opened:
        look(opened, proxies, CONSOLE, "/projects", operator.project, f"console-{version}")
        look(opened, proxies, VAULT, "/config", VAULT, f"vault-{version}")


def doctor(operator: Operator, proxies: Proxies, release: Path) -> subprocess.CompletedProcess[str]:
    """Nothing may be wrong; the sample's api does without much that Tesseral's needs, which is a warning."""
    listen = proxies.site.listen
    resolve = [f"--resolve=*:{port}:127.0.0.1" for port in (listen.https, listen.http)]
    before = dict(operator.env)
    operator.env |= {"SSL_CERT_FILE": str(proxies.authority)}
    try:
        return operator.run("doctor", "--config", "tesseral.toml", "--release", release, *resolve)
    finally:
        operator.env = before


def start_nginx(stack: ExitStack, operator: Operator, site: Site, release: Path) -> Proxies:
    """Run nginx with what ``configure proxy`` makes of the kit in the release."""
    folder, ready = operator.folder / "nginx", new_host()
    operator.run("configure", "proxy", "--in", release, "--into", folder / "tesseral")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, ready=ready))
    need_nginx()
    stack.enter_context(serving(["nginx", "-p", folder, "-c", folder / "nginx.conf"], ready, folder / "output"))
    return Proxies(site=site, authority=operator.folder / "ca.pem", folder=folder)


def start_api(stack: ExitStack, operator: Operator, release: Path, log: Path) -> None:
    """Run the released api with the variables of the environment file, and no other."""
    variables = [f"{name}={value}" for name, value in operator.variables.items()]
    command: list[str | Path] = ["env", "-i", *variables, operator.program(release, "api", "api")]
    stack.enter_context(serving(command, operator.variables["API_SERVE_ADDR"], log))


def bootstrap(operator: Operator, release: Path, kms: str) -> str:
    """Make the first project and return its id."""
    command = [str(operator.program(release, "bootstrap", "openauthctl")), "bootstrap"]
    command += ["--database", operator.env["DATABASE_URL"], "--session-kms-key-id", kms]
    command += ["--root-user-email", "root@example.com", "--console-domain", CONSOLE, "--vault-domain", VAULT]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split("\t")[0]


def write_settings(operator: Operator, variables: dict[str, str]) -> Site:
    """Write ``tesseral.toml`` and the environment file, on free ports of this machine."""
    folder, ports = operator.folder, [int(new_host().rpartition(":")[2]) for _ in range(2)]
    document = settings(
        tls={"certificate": str(folder / "server.pem"), "key": str(folder / "server.key")},
        api={"address": variables["API_SERVE_ADDR"], "environment": "api.env"},
        web={"vault-ui": str(folder / "vault-ui"), "console": str(folder / "console")},
        listen={"https": ports[0], "http": ports[1], "addresses": ["127.0.0.1"]},
        release={"pin": "tesseral-release.pin.json"},
    )
    (folder / "tesseral.toml").write_bytes(toml(document))
    operator.variables = variables
    (folder / "api.env").write_text("".join(f'{name}="{value}"\n' for name, value in variables.items()))
    (folder / "api.env").chmod(0o640)
    return read(folder / "tesseral.toml")


def test_from_a_pin_to_a_running_tesseral_and_on_to_the_next(operator: Operator, tmp_path: Path) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(start_postgres(tmp_path / "postgres")).new_database()
        aws = stack.enter_context(start_aws(tmp_path / "aws"))
        operator.env |= {"DATABASE_URL": database}
        certify(operator.folder)

        first = operator.take("1.0.0")
        assert "5" in operator.run("migrate", "--in", first, "--key", operator.key).stdout
        aws.verify(CONSOLE)
        kms = aws.encryption_key()
        operator.project = bootstrap(operator, first, kms)
        variables = {
            **aws.environment(),
            "API_SERVE_ADDR": new_host(),
            "API_DB_DSN": database,
            "API_CONSOLE_DOMAIN": CONSOLE,
            "API_AUTH_APPS_ROOT_DOMAIN": CONSOLE,
            "API_DOGFOOD_PROJECT_ID": operator.project,
            "API_SESSION_KMS_KEY_ID": kms,
        }
        site = write_settings(operator, variables)
        operator.configure(first, site.listen.https)
        proxies = start_nginx(stack, operator, site, first)
        with ExitStack() as running:
            start_api(running, operator, first, tmp_path / "api-1.0.0")
            check_running(operator, proxies, "1.0.0")
            assert "FAIL" not in doctor(operator, proxies, first).stdout

        installed = ("--installed", "1.0.0", "--from", operator.place, "--key", operator.key)
        told = operator.run("upgrade-check", "--to", "1.1.0", *installed).stdout
        assert "000006_invitations" in told
        second = operator.take("1.1.0")
        dry = operator.run("migrate", "--in", second, "--key", operator.key, "--dry-run").stdout
        assert "000006_invitations" in dry
        operator.run("migrate", "--in", second, "--key", operator.key)
        operator.configure(second, site.listen.https)
        with ExitStack() as running:
            start_api(running, operator, second, tmp_path / "api-1.1.0")
            check_running(operator, proxies, "1.1.0")
            assert "FAIL" not in doctor(operator, proxies, second).stdout

        back = ("--to", "1.0.0", "--from", operator.place, "--key", operator.key)
        for command in ("upgrade-check", "migrate"):
            refused = operator.run(command, *back, status=15)
            assert "newer" in refused.stderr

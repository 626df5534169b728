"""The command `configure proxy`: what it writes, says and refuses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from settings_samples import settings, toml

from release import __version__
from release.archive import write_tar_gz
from release.commands import configure_proxy
from release.errors import UsageError, VerificationError
from release.proxy import Kit, archive_entries, installed, render
from release.site import read

NAMES = "api.example.com, config.example.com, console.example.com, vault.console.example.com"
NEXT = """\
next: nginx needs it as the folder tesseral of its configuration (/etc/nginx/tesseral), and in the http context of
      nginx.conf the line `include tesseral/tesseral.conf;`. Then: nginx -t && nginx -s reload
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with settings and the certificate that they name."""
    tls = {"certificate": str(tmp_path / "tls.pem"), "key": str(tmp_path / "tls.key")}
    (tmp_path / "tesseral.toml").write_bytes(toml(settings(tls=tls)))
    (tmp_path / "tls.pem").touch()
    (tmp_path / "tls.key").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> None:
    top = argparse.ArgumentParser()
    configure_proxy.add(top.add_subparsers(), argparse.ArgumentParser(add_help=False))
    arguments = top.parse_args(["proxy", *words])
    arguments.run(arguments)


def test_it_writes_a_folder_and_tells_the_next_step(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--into", "tesseral")
    assert capsys.readouterr() == (f"tesseral: nginx for {NAMES}, kit {__version__}\n{NEXT}", "")
    expected = render(installed(), read(Path("tesseral.toml")))
    assert {path: (here / "tesseral" / path).read_text() for path in expected} == expected
    for text in expected.values():
        assert "from 'tesseral.toml', kit" in text.splitlines()[0]
        assert str(here) not in text.replace(f'"{here}/tls', "")


def test_the_result_does_not_depend_on_where_it_is_made(here: Path) -> None:
    run("--into", "one")
    run("--config", str(here / "tesseral.toml"), "--into", str(here / "two/deep"))
    for path in sorted((here / "one").rglob("*.conf")):
        assert path.read_bytes() == (here / "two/deep" / path.relative_to(here / "one")).read_bytes()


def test_as_json_and_with_the_kit_of_a_release(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = installed()
    kit = Kit(version="1.4.0", templates={**own.templates, "snippets/new.conf": "# new\n"}, readme=own.readme)
    write_tar_gz(here / "kit.tar.gz", archive_entries(kit), 0)
    run("--in", "kit.tar.gz", "--into", "tesseral", "--json")
    document = json.loads(capsys.readouterr().out)
    assert document.pop("files") == sorted(render(kit, read(Path("tesseral.toml"))))
    assert document == {"directory": "tesseral", "kit": "1.4.0", "warnings": []}
    assert "kit 1.4.0:" in (here / "tesseral/snippets/new.conf").read_text()


def test_a_certificate_that_is_not_here_is_a_warning(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "tls.key").unlink()
    run("--into", "tesseral")
    assert capsys.readouterr().err == (
        f"warning: tesseral.toml: [tls] key: {here}/tls.key cannot be read: No such file or directory\n"
    )
    (here / "tls.pem").unlink()
    run("--into", "tesseral", "--json")
    assert len(json.loads(capsys.readouterr().out)["warnings"]) == 2


def test_nothing_is_written_when_something_is_wrong(here: Path) -> None:
    (here / "damaged.tar.gz").write_bytes(b"damaged")
    with pytest.raises(VerificationError, match=r"damaged\.tar\.gz is no proxy kit"):
        run("--in", "damaged.tar.gz", "--into", "tesseral")
    with pytest.raises(UsageError, match=r"other\.toml cannot be read: No such file or directory; name the settings"):
        run("--config", "other.toml", "--into", "tesseral")
    (here / "tesseral.toml").write_bytes(toml(settings(web={"console": "a$b"})))
    with pytest.raises(UsageError, match=r"\[web\] console: .* has '\$', which nginx cannot take"):
        run("--into", "tesseral")
    assert not (here / "tesseral").exists()

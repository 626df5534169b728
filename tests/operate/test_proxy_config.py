"""nginx takes whatever configuration the settings of an operator can lead to."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from proxied import need_nginx, new_host, nginx_folder, nginx_test, port_of
from release_samples import unhurried
from settings_samples import settings, site_of

from release.errors import UsageError

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
ADDRESSES = st.sampled_from([["127.0.0.1"], ["127.0.0.1", "[::1]"], ["0.0.0.0"]])
API = st.sampled_from(["127.0.0.1:3001", "[::1]:65535", "10.1.2.3:1"])
FOLDER = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="/"), max_size=20)


@pytest.fixture(scope="session", autouse=True)
def nginx() -> None:
    need_nginx()


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Settings with names, addresses and ports of all kinds."""
    return st.builds(
        lambda names, vaults, addresses, http, api: settings(
            hosts={
                **dict(zip(("backend-api", "config-api", "console"), names, strict=True)),
                "vault": f"vault.{names[2]}",
                "vaults": vaults,
            },
            listen={"addresses": addresses, "https": port_of(new_host()), "http": port_of(new_host()) if http else 0},
            api={"address": api},
        ),
        st.lists(NAME, min_size=3, max_size=3, unique=True),
        st.lists(NAME | NAME.map(lambda name: f"*.{name}"), max_size=4, unique=True),
        ADDRESSES,
        st.booleans(),
        API,
    )


def check(document: dict[str, Any], installation: Path) -> None:
    """Let nginx look at the configuration. Raises UsageError where the settings are refused."""
    with tempfile.TemporaryDirectory(dir=installation) as folder:
        site = site_of(document, Path(folder) / "tesseral.toml")
        assert nginx_test(nginx_folder(site, Path(folder) / "etc", new_host())) == ""


@hypothesis_settings(unhurried, max_examples=40)
@given(document=documents())
def test_any_names_and_ports(installation: Path, document: dict[str, Any]) -> None:
    names = [*document["hosts"].values()]
    assume(len({*names[:4], *names[4]}) == 4 + len(names[4]))
    tls = {"certificate": str(installation / "server.pem"), "key": str(installation / "server.key")}
    check({**document, "tls": tls}, installation)


@hypothesis_settings(unhurried, max_examples=40)
@given(folder=FOLDER)
def test_any_folder(installation: Path, folder: str) -> None:
    listen = {"addresses": ["127.0.0.1"], "https": port_of(new_host()), "http": 0}
    with tempfile.TemporaryDirectory(dir=installation) as place:
        odd = Path(place, f"x{folder}")
        try:
            odd.mkdir()
        except OSError:  # too long for the file system
            assume(False)
        for name in ("server.pem", "server.key"):
            shutil.copy(installation / name, odd / name)
        tls = {"certificate": f"{odd}/server.pem", "key": f"{odd}/server.key"}
        document = settings(tls=tls, web={"vault-ui": f"{odd}/vault-ui", "console": f"{odd}/console"}, listen=listen)
        # Only what has a meaning inside of quotes, or cannot be seen.
        refused = set(folder) & set('$"\\') or not folder.isprintable()
        with pytest.raises(UsageError) if refused else nullcontext():
            check(document, installation)


def test_a_name_of_every_length(installation: Path) -> None:
    tls = {"certificate": str(installation / "server.pem"), "key": str(installation / "server.key")}
    for length in (3, 45, 46, 47, 48, 109, 110, 111, 112, 237, 238, 239, 240, 252, 253):
        name = "a." * ((length - 1) // 2) + ("a" if length % 2 else "aa")
        assert len(name) == length
        listen = {"addresses": ["127.0.0.1"], "https": port_of(new_host()), "http": port_of(new_host())}
        check(settings(hosts={"backend-api": name}, tls=tls, listen=listen), installation)
